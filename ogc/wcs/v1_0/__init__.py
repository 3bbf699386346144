"""Web Coverage Service 1.0.0 (OGC 03-065r6): what core QGIS speaks."""
