"""The catalogue: what exists and what is visible, in an SQL database."""

from datacube.catalog.catalog import SqlCatalog, open_catalog
from datacube.catalog.opening import catalog_exists
from datacube.catalog.rebuild import rebuild_catalog, refuse_gaps

__all__ = ["SqlCatalog", "catalog_exists", "open_catalog", "rebuild_catalog", "refuse_gaps"]
