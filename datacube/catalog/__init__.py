"""The catalogue: what exists and what is visible, in an SQL database."""

from datacube.catalog.catalog import SqlCatalog
from datacube.catalog.opening import open_catalog
from datacube.catalog.rebuild import rebuild_catalog

__all__ = ["SqlCatalog", "open_catalog", "rebuild_catalog"]
