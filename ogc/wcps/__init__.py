"""WCPS: queries over coverages (OGC 08-068r2), through WCS's processing extension (08-059r4)."""
