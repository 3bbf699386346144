"""A small store of pictures of several scenes: ten that overlap, two zones, scene classes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from bench.data import CACHE, LEFT_M, ROMANIA, SAMPLES, TOP_M, cog, copernicube
from datacube.cells import Values
from datacube.protocols import Bbox

STORE = CACHE / "variety-store"
ZOOMS = (11, 12, 13, 14)
"""At which a map fits into the pictures."""
SIDE_M = 20_480.0
SCENES = 10
_BANDS = ("B02", "B03", "B04")
_CELL_M = {"SCL": 20.0}
_STRIPE_PX = 16
"""Width of the diagonal stripes that a scene of several has its cells in."""
_SHIFT_PX = 131
_AT_BORDER_M = 760_000.0
"""In zone 18, where zone 19 begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One scene, which has cells in stripe `number` of every `count`."""

    id: str
    crs: str
    left_m: float
    top_m: float
    day: int
    number: int = 0
    count: int = 1
    whole: bool = False
    """It has all cells."""

    @property
    def extent(self) -> Bbox:
        return self.left_m, self.top_m - SIDE_M, self.left_m + SIDE_M, self.top_m


def _ten() -> list[_Scene]:
    return [
        _Scene(
            id=f"TEN_{number}",
            crs="EPSG:32618",
            left_m=LEFT_M,
            top_m=TOP_M,
            day=number + 1,
            number=number,
            count=SCENES,
        )
        for number in range(SCENES)
    ]


def _two() -> list[_Scene]:
    """Return one of each zone; that of zone 18 is newer and hides every other stripe."""
    newer = _Scene(
        id="ZONE_18", crs="EPSG:32618", left_m=_AT_BORDER_M, top_m=TOP_M, day=12, count=2
    )
    west, south, east, north = transform_bounds(newer.crs, "EPSG:32619", *newer.extent)
    # Wide enough at each side, on whole cells of the pyramid.
    left = (west + east - SIDE_M) / 2 // 2560 * 2560
    top = (south + north + SIDE_M) / 2 // 2560 * 2560
    older = _Scene(id="ZONE_19", crs="EPSG:32619", left_m=left, top_m=top, day=11, whole=True)
    return [newer, older]


TEN_EXTENT = LEFT_M, TOP_M - SIDE_M, LEFT_M + SIDE_M, TOP_M
TWO_EXTENT = (
    _AT_BORDER_M + 3000,
    TOP_M - SIDE_M + 3000,
    _AT_BORDER_M + SIDE_M - 3000,
    TOP_M - 3000,
)
"""Within both zones' scenes, in EPSG:32618."""


def store() -> Path:
    """Make the store unless it is there."""
    if not STORE.exists():
        folder, draft = STORE.with_suffix(".items"), STORE.with_suffix(".partial")
        for path in (folder, draft):
            shutil.rmtree(path, ignore_errors=True)
        folder.mkdir(parents=True)
        template = json.loads((SAMPLES / "virginia" / "item.json").read_text())
        items = [_item(folder, template, scene, _BANDS) for scene in (*_ten(), *_two())]
        template = json.loads(ROMANIA.read_text())["features"][0]
        classes = _Scene(
            id="CLASSES", crs="EPSG:32618", left_m=LEFT_M, top_m=TOP_M, day=1, whole=True
        )
        items.append(_item(folder, template, classes, ("SCL",)))
        for item in items:
            path = folder / f"{item['id']}.json"
            path.write_text(json.dumps(item))
            copernicube("ingest", str(path), "--store", str(draft))
        draft.rename(STORE)
        shutil.rmtree(folder)
    return STORE


def _item(
    folder: Path, template: dict[str, Any], scene: _Scene, bands: tuple[str, ...]
) -> dict[str, Any]:
    """Write a scene's files; return its STAC item."""
    west, south, east, north = box = transform_bounds(scene.crs, "EPSG:4326", *scene.extent)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    assets = {}
    for band in bands:
        cell = _CELL_M.get(band, 10.0)
        transform = Affine(cell, 0, scene.left_m, 0, -cell, scene.top_m)
        path = folder / f"{scene.id}_{band}.tif"
        side = int(SIDE_M / cell)
        cells = _classes(side) if band == "SCL" else _stripes(scene, _cut(band, side, scene.day))
        _write(path, cells, scene.crs, transform)
        assets[band] = template["assets"][band] | {
            "href": str(path),
            "proj:shape": [side, side],
            "proj:transform": list(transform)[:6],
        }
    kept = {"start_datetime", "end_datetime", "copernicube:time_assumed", "grid:code"}
    properties = {k: v for k, v in template["properties"].items() if k not in kept}
    properties |= {"datetime": f"2016-06-{scene.day:02}T10:00:00Z", "proj:code": scene.crs}
    return template | {
        "id": scene.id,
        "bbox": list(box),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
        "assets": assets,
        "links": [],
    }


def _cut(band: str, side: int, day: int) -> NDArray[np.uint16]:
    """Return another part of the big scene each day."""
    shift = day * _SHIFT_PX
    return _read(cog(band))[shift : shift + side, shift : shift + side].astype(np.uint16)


def _stripes(scene: _Scene, cells: NDArray[np.uint16]) -> NDArray[np.uint16]:
    if scene.whole:
        return cells
    rows, cols = np.ogrid[: cells.shape[0], : cells.shape[1]]
    mine = (rows + cols) // _STRIPE_PX % scene.count == scene.number
    return np.asarray(np.where(mine, cells, 0), np.uint16)


def _classes(side: int) -> NDArray[np.uint8]:
    """Return the scene classification of Romania with most classes, in fields of eight cells."""
    small = max(map(_read, (SAMPLES / "romania").glob("*/SCL.tif")), key=_variety)
    field = np.asarray(np.kron(small, np.ones((8, 8))), np.uint8)
    return np.tile(field, [-(-side // n) for n in field.shape])[:side, :side]


def _read(path: Path) -> Values:
    with rasterio.open(path) as file:
        cells: Values = file.read(1)
    return cells


def _variety(cells: Values) -> tuple[int, int]:
    """Return the number of classes, and how evenly they occur."""
    counts = np.bincount(cells.ravel())
    return int(np.count_nonzero(counts)), -int(counts.max())


def _write(path: Path, cells: Values, crs: str, transform: Affine) -> None:
    profile = {
        "driver": "GTiff",
        "dtype": cells.dtype.name,
        "count": 1,
        "height": cells.shape[0],
        "width": cells.shape[1],
        "crs": crs,
        "transform": transform,
        "nodata": 0,
        "tiled": True,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(cells, 1)
