"""A store of a hundred acquisitions of one place, with the clouds that Romania's dates had."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from bench.data import CACHE, CRS, LEFT_M, ROMANIA, SAMPLES, TOP_M, big_scene, cog, copernicube
from datacube.cells import Values
from datacube.protocols import Bbox

STORE = CACHE / "hundred-store"
SCENES = 100
SIDE_M = 10_240.0
EXTENT: Bbox = LEFT_M, TOP_M - SIDE_M, LEFT_M + SIDE_M, TOP_M
TIMES = "2015-01-01/2022-12-31"
"""Within which all of them lie."""
_CELL_M = {"B02": 10.0, "B03": 10.0, "B04": 10.0, "B08": 10.0, "SCL": 20.0}
_SHIFT_PX = 17
_FIELD_CELLS = 3
"""Side of the field of 20 m cells that a cell of Romania's classes becomes."""


def store() -> Path:
    """Make the store unless it is there."""
    if not STORE.exists():
        big_scene()
        folder, draft = STORE.with_suffix(".items"), STORE.with_suffix(".partial")
        for path in (folder, draft):
            shutil.rmtree(path, ignore_errors=True)
        folder.mkdir(parents=True)
        features = json.loads(ROMANIA.read_text())["features"]
        features.sort(key=lambda one: one["properties"]["datetime"])
        paths = [_written(folder, number, one) for number, one in enumerate(features[-SCENES:])]
        copernicube("ingest", *map(str, paths), "--store", str(draft))
        draft.rename(STORE)
        shutil.rmtree(folder)
    return STORE


def _written(folder: Path, number: int, template: dict[str, Any]) -> Path:
    """Write a date's files; return its STAC item."""
    west, south, east, north = box = transform_bounds(CRS, "EPSG:4326", *EXTENT)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    assets = {}
    for band, cell in _CELL_M.items():
        path, side = folder / f"{number}_{band}.tif", int(SIDE_M / cell)
        transform = Affine(cell, 0, LEFT_M, 0, -cell, TOP_M)
        if band == "SCL":
            classes = SAMPLES / "romania" / template["assets"][band]["href"]
            _write(path, _classes(classes, side), transform)
        else:
            _write(path, _reflectance(band, side, number), transform)
        assets[band] = template["assets"][band] | {
            "href": str(path),
            "proj:shape": [side, side],
            "proj:transform": list(transform)[:6],
        }
    properties = template["properties"] | {"proj:code": CRS}
    item = template | {
        "bbox": list(box),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
        "assets": assets,
        "links": [],
    }
    path = folder / f"{number}.json"
    path.write_text(json.dumps(item))
    return path


def _reflectance(band: str, side: int, number: int) -> NDArray[np.uint16]:
    """Return another part of the big scene each date."""
    shift = number * _SHIFT_PX
    with rasterio.open(cog(band)) as file:
        part: Values = file.read(1, window=((shift, shift + side), (shift, shift + side)))
    return np.asarray(part, np.uint16)


def _classes(path: Path, side: int) -> NDArray[np.uint8]:
    with rasterio.open(path) as file:
        small: Values = file.read(1)
    field = np.asarray(np.kron(small, np.ones((_FIELD_CELLS, _FIELD_CELLS))), np.uint8)
    return np.tile(field, [-(-side // n) for n in field.shape])[:side, :side]


def _write(path: Path, cells: Values, transform: Affine) -> None:
    profile = {
        "driver": "GTiff",
        "dtype": cells.dtype.name,
        "count": 1,
        "height": cells.shape[0],
        "width": cells.shape[1],
        "crs": CRS,
        "transform": transform,
        "nodata": 0,
        "tiled": True,
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(cells, 1)
