"""WCPS: the query language, from text to plans."""
