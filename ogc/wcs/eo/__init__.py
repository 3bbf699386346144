"""Earth-observation profile of WCS 2.0 (OGC 10-140r1): scenes and the series that they form."""
