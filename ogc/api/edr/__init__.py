"""OGC API - Environmental Data Retrieval 1.1 (OGC 19-086r6)."""
