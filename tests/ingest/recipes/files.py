"""Files that tests of recipes write."""

import warnings
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin


def write_tiff(path: Path, *bands: NDArray[Any], **profile: Any) -> Path:  # noqa: ANN401  # rasterio's
    """Write a GeoTIFF of 10 m cells in UTM 33N."""
    settings = {
        "driver": "GTiff",
        "crs": "EPSG:32633",
        "transform": from_origin(500_000, 5_200_000, 10, 10),
        "dtype": bands[0].dtype,
        "count": len(bands),
        "height": bands[0].shape[0],
        "width": bands[0].shape[1],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **(settings | profile)) as file:
            for number, band in enumerate(bands, start=1):
                file.write(band, number)
    return path
