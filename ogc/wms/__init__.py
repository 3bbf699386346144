"""Web Map Service 1.3.0 (OGC 06-042)."""
