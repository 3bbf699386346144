"""Twenty dates of 4096 x 4096 cells of real imagery, as a cube and as COGs with STAC items."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.shutil import copy as gdal_copy

from bench.data import CACHE, SAMPLES
from datacube.cells import Values
from tests.builders.made import make_store
from tests.builders.sparse import (
    CELL_M,
    EVERY,
    FIRST,
    LEFT_M,
    NODATA,
    TOP_M,
    Part,
    Sparse,
    add_sparse,
)

DATES, SIDE_PX = 20, 4096
CUBE = "SCENES"
EPSG = 32633
BANDS = ("B04", "B08", "SCL")
STORE = CACHE / "scenes-store"
COGS = CACHE / "scenes-cogs"
_SHIFT_PX = 131
"""How far the picture lies from date to date, so that no two are equal."""


def store() -> Path:
    """Make the cube unless it is there; return its store."""
    if not STORE.exists():
        draft = STORE.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        made = make_store(draft)
        whole = (0, SIDE_PX, 0, SIDE_PX)
        pictures = Pictures(SIDE_PX)
        add_sparse(
            made,
            Sparse(name=CUBE, dates=DATES, side_px=SIDE_PX, parts=(whole,), bands=BANDS),
            pictures.part,
        )
        made.local.catalog.close()
        draft.rename(STORE)
    return STORE


def items() -> list[dict[str, Any]]:
    """Make the COGs unless they are there; return a STAC item a date."""
    if not COGS.exists():
        draft = COGS.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        pictures = Pictures(SIDE_PX)
        for date in range(DATES):
            for band in BANDS:
                values = pictures.part(date, band, (0, SIDE_PX, 0, SIDE_PX))
                _write_cog(draft / f"{date}_{band}.tif", values, _nodata(band))
        draft.rename(COGS)
    return [_item(date) for date in range(DATES)]


class Pictures:
    """The bundled samples, repeated: Virginia's reflectance, Romania's scene classification."""

    def __init__(self, side_px: int) -> None:
        side = side_px + DATES * _SHIFT_PX
        self._bands = {band: _tiled(band, side) for band in ("B04", "B08")}
        items = json.loads((SAMPLES / "romania" / "items.json").read_text())["features"]
        items.sort(key=lambda item: item["properties"]["datetime"])
        self._classes = [
            SAMPLES / "romania" / item["assets"]["SCL"]["href"] for item in items[:: 140 // DATES]
        ]

    def part(self, date: int, band: str, part: Part) -> Values:
        """Return a part of a date's band: int16 reflectance, uint8 classes."""
        top, bottom, left, right = part
        if band == "SCL":
            with rasterio.open(self._classes[date]) as file:
                small = file.read(1)
            large = np.kron(small, np.ones((32, 32), np.uint8))
            return np.tile(large, (3, 3))[top:bottom, left:right].astype(np.uint8)
        shift = date * _SHIFT_PX
        picture = self._bands[band][top + shift : bottom + shift, left + shift : right + shift]
        return np.where(picture == 0, np.int16(NODATA), picture.astype(np.int16))


def _tiled(band: str, side: int) -> NDArray[np.uint16]:
    """Repeat a sample, mirrored so that no edge shows, with a bit of noise."""
    with rasterio.open(SAMPLES / "virginia" / f"{band}.tif") as file:
        sample: Values = file.read(1)
    mirrored = np.pad(sample, [(0, n) for n in sample.shape], mode="symmetric")
    whole = np.tile(mirrored, [-(-side // n) for n in mirrored.shape])[:side, :side]
    rng = np.random.default_rng(int(band[1:]))
    noise = rng.integers(0, 2, whole.shape, dtype=np.uint16)
    return np.asarray(whole + noise, dtype=np.uint16)


def _nodata(band: str) -> int:
    return 0 if band == "SCL" else NODATA


def _write_cog(path: Path, values: Values, nodata: int) -> None:
    plain = path.with_suffix(".plain.tif")
    profile = {
        "driver": "GTiff",
        "dtype": values.dtype.name,
        "count": 1,
        "height": SIDE_PX,
        "width": SIDE_PX,
        "crs": f"EPSG:{EPSG}",
        "transform": Affine(CELL_M, 0, LEFT_M, 0, -CELL_M, TOP_M),
        "nodata": nodata,
        "tiled": True,
    }
    with rasterio.open(plain, "w", **profile) as file:
        file.write(values, 1)
    options = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": 512, "OVERVIEWS": "NONE"}
    gdal_copy(plain, path, driver="COG", NUM_THREADS="ALL_CPUS", **options)
    plain.unlink()


def _item(date: int) -> dict[str, Any]:
    when = FIRST + date * EVERY
    box = [LEFT_M, TOP_M - SIDE_PX * CELL_M, LEFT_M + SIDE_PX * CELL_M, TOP_M]
    west, south, east, north = rasterio.warp.transform_bounds(EPSG, 4326, *box)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        ],
        "id": f"{CUBE}_{when:%Y%m%d}",
        "collection": CUBE,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": when.isoformat(),
            "proj:epsg": EPSG,
            "proj:shape": [SIDE_PX, SIDE_PX],
            "proj:transform": [CELL_M, 0, LEFT_M, 0, -CELL_M, TOP_M],
        },
        "links": [],
        "assets": {
            band: {
                "href": str(COGS / f"{date}_{band}.tif"),
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "raster:bands": [
                    {
                        "nodata": _nodata(band),
                        "data_type": "uint8" if band == "SCL" else "int16",
                    }
                ],
            }
            for band in BANDS
        },
    }
