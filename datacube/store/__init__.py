"""The store: cells of all cubes as sharded Zarr arrays, and the records of commits."""

from datacube.store.deep import BlockMaking, block_folder, block_key, check_block
from datacube.store.kept_chunks import KeptChunks
from datacube.store.layout import level_count
from datacube.store.location import Location
from datacube.store.opening import open_store
from datacube.store.pyramid import reduce_level
from datacube.store.verify import VerifyReport, verify
from datacube.store.zarr_store import ZarrStore

__all__ = [
    "BlockMaking",
    "KeptChunks",
    "Location",
    "VerifyReport",
    "ZarrStore",
    "block_folder",
    "block_key",
    "check_block",
    "level_count",
    "open_store",
    "reduce_level",
    "verify",
]
