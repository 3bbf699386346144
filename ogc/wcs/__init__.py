"""Web Coverage Service 2.0.1 (OGC 09-110r4 and 09-147r3)."""
