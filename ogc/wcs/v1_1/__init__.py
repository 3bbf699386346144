"""Web Coverage Service 1.1.1 (OGC 06-083r8)."""
