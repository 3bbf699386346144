"""Eight small synthetic products that overlap, replace and complete each other, and their truth."""

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.builders.bands import BAND_BY_NAME
from tests.builders.expected import expected_stored
from tests.builders.presets import north, partial, reprocessed
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.surface import STORED_NODATA, Surface, noise_surface, scene_class

CUBE = "S2_L2A_32633"
SIZE_PX = 240
"""Edge of every scene at 10 m."""
BANDS = ("B01", "B02", "B03", "B04", "B08", "B11", "SCL")
FEWER = ("B02", "B03", "B04", "SCL")
SCL_NODATA = 0
RESOLUTION_M = {name: BAND_BY_NAME[name].resolution_m for name in BANDS if name != "SCL"} | {
    "SCL": 20
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallScene:
    """A product and the ground it shows."""

    product: Product
    surface: Surface

    @property
    def product_id(self) -> str:
        return self.product.name.removesuffix(".SAFE")

    @property
    def precedence(self) -> tuple[str, datetime, str]:
        """The greatest goes first where scenes of one time overlap."""
        return self.product.baseline, self.product.processing_time, self.product_id

    def build(self, folder: Path) -> Path:
        return build_safe(folder, self.surface, self.product)

    def stored(self, band: str) -> NDArray[np.generic]:
        """Return what `band` is to be stored as, `(y, x)`."""
        if band == "SCL":
            return self.surface.scene_class
        return expected_stored(self.surface, self.product, band)

    def mask(self, resolution_m: int) -> NDArray[np.bool_]:
        """Return where the scene has data: its only mask is the scene class."""
        return np.asarray(scene_class(self.surface, resolution_m) != SCL_NODATA)


def _moved(product: Product, tile: str, east_m: int, south_m: int) -> Product:
    return replace(
        product,
        tile=tile,
        origin_x_m=product.origin_x_m + east_m,
        origin_y_m=product.origin_y_m - south_m,
    )


def _later(product: Product, **delay: int) -> Product:
    step = timedelta(**delay)
    return replace(
        product,
        datatake_start=product.datatake_start + step,
        processing_time=product.processing_time + step,
    )


@functools.cache
def small_scenes() -> Mapping[str, SmallScene]:
    """Return the scenes by name.

    `west` and `east` share a time and overlap by half. `west new` supersedes `west`;
    `east poor` is newer than `east` and has fewer bands, so both stay. `west later` has
    a corner without data, where `east later` shows; `west later again` is its `_1`
    duplicate. `far` lies to the north-west of all.
    """
    west = partial(north("05.09"), *BANDS)
    east = _moved(west, "33TXM", 1200, 60)
    later, east_later = _later(west, days=5), _later(east, days=5)
    again = replace(later, processing_time=later.processing_time + timedelta(hours=1))
    products = {
        "west": west,
        "east": east,
        "west new": reprocessed(west),
        "east poor": replace(reprocessed(east), bands=FEWER),
        "west later": later,
        "east later": east_later,
        "west later again": again,
        "far": _later(_moved(west, "33TVN", -2400, -1800), days=8),
    }
    rows, columns = np.indices((SIZE_PX // 6, SIZE_PX // 6))
    corner = rows - columns < -15
    scenes = {}
    for seed, (name, product) in enumerate(products.items(), start=100):
        surface = noise_surface(SIZE_PX, seed)
        if name.startswith("west later"):
            surface = surface.with_nodata(corner)
        scenes[name] = SmallScene(product=product, surface=surface)
    return scenes


SUPERSEDED = frozenset({"west", "west later"})
"""Scenes that are no longer visible once all were ingested, in whatever order."""


def truth(
    names: Collection[str], band: str, reference: datetime
) -> tuple[NDArray[np.generic], tuple[float, float]]:
    """Return the mosaic of `band` that `names` make at a reference time, by NumPy alone.

    Gives the cells `(y, x)` of the hull of all `names` with bands of the resolution, of
    every time, and its north-west corner in metres. One such scene is needed.
    """
    peers = [name for name, size in RESOLUTION_M.items() if size == RESOLUTION_M[band]]
    scenes = [small_scenes()[name] for name in names]
    named = [scene for scene in scenes if any(scene.product.has(peer) for peer in peers)]
    of_time = [scene for scene in named if scene.product.datatake_start == reference]
    size = RESOLUTION_M[band]
    length = SIZE_PX * 10 // size
    left = min(scene.product.origin_x_m for scene in named)
    top = max(scene.product.origin_y_m for scene in named)
    starts = [
        (round((top - s.product.origin_y_m) / size), round((s.product.origin_x_m - left) / size))
        for s in named
    ]
    shape = (max(y for y, _ in starts) + length, max(x for _, x in starts) + length)
    sample = next(s for s in named if s.product.has(band)).stored(band).dtype
    nodata = SCL_NODATA if band == "SCL" else STORED_NODATA
    cells = np.full(shape, nodata, sample)
    for scene in sorted(of_time, key=lambda s: s.precedence):
        if not scene.product.has(band):
            continue
        y = round((top - scene.product.origin_y_m) / size)
        x = round((scene.product.origin_x_m - left) / size)
        window = cells[y : y + length, x : x + length]
        mask = scene.mask(size)
        window[mask] = scene.stored(band)[mask]
    return cells, (left, top)


def times() -> tuple[datetime, ...]:
    """Return the reference times of all scenes, sorted."""
    return tuple(sorted({s.product.datatake_start for s in small_scenes().values()}))
