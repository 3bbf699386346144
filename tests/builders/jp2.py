"""Write JPEG 2000 as Sentinel-2 has it: lossless, tiled, georeferenced, without a nodata tag."""

from pathlib import Path

import rasterio
from affine import Affine
from numpy import uint8, uint16
from numpy.typing import NDArray
from rasterio.crs import CRS


def write_jp2(
    path: Path, pixels: NDArray[uint8] | NDArray[uint16], *, epsg: int, transform: Affine
) -> None:
    """Write `pixels`, (y, x) or (band, y, x), making the folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    planes = pixels if pixels.ndim == 3 else pixels[None]
    profile = {
        "driver": "JP2OpenJPEG",
        "count": planes.shape[0],
        "height": planes.shape[1],
        "width": planes.shape[2],
        "dtype": planes.dtype,
        "crs": CRS.from_epsg(epsg),
        "transform": transform,
        "QUALITY": "100",
        "REVERSIBLE": "YES",
        "YCC": "NO",
        # The driver refuses tiles of less than 32 px and cuts larger ones to the image.
        "BLOCKXSIZE": 1024,
        "BLOCKYSIZE": 1024,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(planes)
