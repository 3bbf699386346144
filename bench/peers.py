"""What one would write by hand on rasterio (GDAL), on the same pixels as COGs with overviews."""

import threading
import warnings
from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.shutil import copy as gdal_copy
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from bench.data import CRS, cog
from bench.mercator import TILE_PX, Tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A PNG has no place on the Earth.
warnings.simplefilter("ignore", NotGeoreferencedWarning)

OVERVIEWS = 5
"""Overviews of the big scene: to a width of 343 px with blocks of 512."""
_RGB = ("B04", "B03", "B02")
_LOW, _HIGH = 400.0, 2800.0
_opened = threading.local()


def gdal_tile(tile: Tile) -> bytes:
    """Return a true-colour PNG of a tile: bilinear warp from the fitting overview, stretch, zlib 1.

    The files are opened once a thread, and GDAL keeps decoded blocks.
    """
    picture = np.empty((4, TILE_PX, TILE_PX), np.uint8)
    picture[3] = 255
    transform = from_bounds(*tile.bbox, TILE_PX, TILE_PX)
    for channel, band in enumerate(_RGB):
        with WarpedVRT(
            _dataset(band, _overview(tile)),
            crs="EPSG:3857",
            transform=transform,
            width=TILE_PX,
            height=TILE_PX,
            resampling=Resampling.bilinear,
        ) as warped:
            values: NDArray[np.uint16] = warped.read(1)
        stretched = np.clip((values.astype(np.float32) - _LOW) / (_HIGH - _LOW), 0, 1)
        picture[channel] = stretched ** (1 / 1.35) * 255
        picture[3][values == 0] = 0
    with MemoryFile() as file:
        with file.open(
            driver="PNG", width=TILE_PX, height=TILE_PX, count=4, dtype="uint8", ZLEVEL=1
        ) as png:
            png.write(picture)
        return bytes(file.read())


def gdal_cut(band: str, row: int, col: int, side_px: int) -> bytes:
    """Cut a window of a band into a COG in memory, as gdal_translate does."""
    source = _dataset(band)
    window = Window(col, row, side_px, side_px)
    with MemoryFile() as plain, MemoryFile(ext=".tif") as made:
        with plain.open(
            driver="GTiff",
            dtype="uint16",
            count=1,
            height=side_px,
            width=side_px,
            crs=source.crs,
            transform=source.window_transform(window),
        ) as target:
            target.write(source.read(1, window=window), 1)
        gdal_copy(
            plain.name,
            made.name,
            driver="COG",
            COMPRESS="DEFLATE",
            LEVEL=1,
            PREDICTOR="YES",
            OVERVIEW_RESAMPLING="NEAREST",
        )
        return bytes(made.read())


def _overview(tile: Tile) -> int | None:
    """Return the coarsest overview whose cells are no larger than a pixel; None is none.

    GDAL does not choose one itself where a VRT has the size of a tile.
    """
    left, bottom, right, top = transform_bounds("EPSG:3857", CRS, *tile.bbox)
    pixel_m = min(right - left, top - bottom) / TILE_PX
    level = int(log2(max(pixel_m / 10, 1)))
    return None if level == 0 else min(level, OVERVIEWS) - 1


def _dataset(band: str, overview: int | None = None) -> Any:  # noqa: ANN401  # rasterio is not annotated
    if not hasattr(_opened, "files"):
        _opened.files = {}
    files: dict[tuple[str, int | None], Any] = _opened.files
    key = band, overview
    if key not in files:
        options = {} if overview is None else {"overview_level": overview}
        files[key] = rasterio.open(cog(band), **options)
    return files[key]
