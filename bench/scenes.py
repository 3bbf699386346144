"""Dates of real imagery, as a cube and as COGs with STAC items."""

import json
import shutil
from dataclasses import dataclass
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

EPSG = 32633
_SHIFT_PX = 131
"""How far the picture lies from date to date, so that no two are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Dates of real imagery, in a store and in COGs."""

    cube: str
    dates: int
    side_px: int
    bands: tuple[str, ...]
    shift_px: int = _SHIFT_PX

    def store(self) -> Path:
        """Make the cube unless it is there; return its store."""
        place = CACHE / f"{self.cube.lower()}-store"
        if not place.exists():
            draft = place.with_suffix(".partial")
            shutil.rmtree(draft, ignore_errors=True)
            made = make_store(draft)
            whole = (0, self.side_px, 0, self.side_px)
            sparse = Sparse(
                name=self.cube,
                dates=self.dates,
                side_px=self.side_px,
                parts=(whole,),
                bands=self.bands,
            )
            add_sparse(made, sparse, self._pictures().part)
            made.local.catalog.close()
            draft.rename(place)
        return place

    def items(self) -> list[dict[str, Any]]:
        """Make the COGs unless they are there; return a STAC item a date."""
        place = CACHE / f"{self.cube.lower()}-cogs"
        if not place.exists():
            draft = place.with_suffix(".partial")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            pictures = self._pictures()
            for date in range(self.dates):
                for band in self.bands:
                    values = pictures.part(date, band, (0, self.side_px, 0, self.side_px))
                    _write_cog(draft / f"{date}_{band}.tif", values, _nodata(band))
            draft.rename(place)
        return [_item(self, place, date) for date in range(self.dates)]

    def _pictures(self) -> "Pictures":
        return Pictures(self.side_px, dates=self.dates, shift_px=self.shift_px)


SCENES = Archive(cube="SCENES", dates=20, side_px=4096, bands=("B04", "B08", "SCL"))


class Pictures:
    """The bundled samples, repeated: Virginia's reflectance, Romania's scene classification."""

    def __init__(self, side_px: int, *, dates: int = 20, shift_px: int = _SHIFT_PX) -> None:
        self._shift_px = shift_px
        side = side_px + dates * shift_px
        self._bands = {band: _tiled(band, side) for band in ("B04", "B08")}
        items = json.loads((SAMPLES / "romania" / "items.json").read_text())["features"]
        items.sort(key=lambda item: item["properties"]["datetime"])
        self._classes = [
            SAMPLES / "romania" / item["assets"]["SCL"]["href"]
            for item in items[:: max(1, len(items) // dates)]
        ]

    def part(self, date: int, band: str, part: Part) -> Values:
        """Return a part of a date's band: int16 reflectance, uint8 classes."""
        top, bottom, left, right = part
        if band == "SCL":
            with rasterio.open(self._classes[date % len(self._classes)]) as file:
                small = file.read(1)
            large = np.kron(small, np.ones((32, 32), np.uint8))
            return np.tile(large, (3, 3))[top:bottom, left:right].astype(np.uint8)
        shift = date * self._shift_px
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
        "height": values.shape[0],
        "width": values.shape[1],
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


def _item(archive: Archive, place: Path, date: int) -> dict[str, Any]:
    when = FIRST + date * EVERY
    box = [LEFT_M, TOP_M - archive.side_px * CELL_M, LEFT_M + archive.side_px * CELL_M, TOP_M]
    west, south, east, north = rasterio.warp.transform_bounds(EPSG, 4326, *box)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        ],
        "id": f"{archive.cube}_{when:%Y%m%d}",
        "collection": archive.cube,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": when.isoformat(),
            "proj:epsg": EPSG,
            "proj:shape": [archive.side_px, archive.side_px],
            "proj:transform": [CELL_M, 0, LEFT_M, 0, -CELL_M, TOP_M],
        },
        "links": [],
        "assets": {
            band: {
                "href": str(place / f"{date}_{band}.tif"),
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "raster:bands": [
                    {
                        "nodata": _nodata(band),
                        "data_type": "uint8" if band == "SCL" else "int16",
                    }
                ],
            }
            for band in archive.bands
        },
    }
