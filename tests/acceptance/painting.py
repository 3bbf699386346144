"""The documented stretches and GDAL's own warp, by rasterio and NumPy alone."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject

from tests.acceptance.clients import View

type Stretch = tuple[float, float, float]
"""(stored number that is black, that is white, gamma)."""
type Planes = NDArray[np.float64]
"""`(band, y, x)`, NaN where there is no data."""

TRUE_COLOUR = ("B04", "B03", "B02")
SURFACE: tuple[Stretch, ...] = ((0, 3000, 1.35),) * 3
"""True colour of L2A."""
TOP_OF_ATMOSPHERE: tuple[Stretch, ...] = ((200, 2800, 1.35), (370, 2800, 1.35), (680, 2900, 1.35))
"""True colour of L1C: the haze is taken off, red first."""


def painted(planes: Planes, stretches: tuple[Stretch, ...]) -> NDArray[np.uint8]:
    """Return `(y, x, red/green/blue/alpha)`; transparent where a plane is NaN."""
    valid = np.isfinite(planes).all(axis=0)
    shades = []
    for plane, (low, high, gamma) in zip(planes, stretches, strict=True):
        share = ((np.where(valid, plane, low) - low) / (high - low)).clip(0, 1)
        shades.append(np.rint(255 * share ** (1 / gamma)))
    colours = np.stack([*shades, np.full(valid.shape, 255.0)], axis=-1)
    return np.where(valid[..., None], colours, 0).astype(np.uint8)


def read_planes(files: tuple[Path, ...]) -> tuple[Planes, Affine, str]:
    """Read the first band of files of one grid; DN 0 is no data."""
    planes = []
    for file in files:
        with rasterio.open(file) as data:
            transform, crs = data.transform, data.crs
            values = data.read(1).astype(np.float64)
        planes.append(np.where(values == 0, np.nan, values))
    return np.stack(planes), transform, crs.to_wkt()


def gdal_warp(
    planes: Planes, transform: Affine, crs: str, view: View, method: Resampling
) -> Planes:
    """Warp to the pixels of a view, exactly placed, in float with NaN as nodata."""
    warped = np.full((len(planes), *view.shape), np.nan)
    reproject(
        planes,
        warped,
        src_transform=transform,
        src_crs=crs,
        src_nodata=np.nan,
        dst_transform=view.transform,
        dst_crs=view.pyproj_crs.to_wkt(),
        dst_nodata=np.nan,
        init_dest_nodata=True,
        resampling=method,
        tolerance=0.0,
    )
    return warped
