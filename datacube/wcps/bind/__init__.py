"""Binding of WCPS: from syntax to typed plans, against one view of the catalogue.

Every name, CRS, axis and type is resolved here, before any pixel is read.
"""
