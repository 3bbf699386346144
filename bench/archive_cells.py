"""Cells of made-up scenes: the bundled samples, repeated and shifted."""

import json
from collections.abc import Iterator
from functools import cache

import numpy as np
import rasterio
from numpy.typing import NDArray

from bench.data import SAMPLES
from datacube.cells import Values
from datacube.cube import Band
from datacube.slots import SlotWindow
from datacube.store import reduce_level

type Arrays = Iterator[tuple[int, Values]]
"""Levels and their cells, `(y, x)`."""

_SHIFT_PX = 97
"""How far the picture lies from place to place, so that no two are equal."""


def pyramid(band: Band | None, covered: SlotWindow, first: int, place: int) -> Arrays:
    """Yield a band's levels from `first` on; of the mask where there is none."""
    window = covered.window.coarser(first)
    rows, cols = window.plane.shape
    if band is None:
        for level in range(first, covered.levels):
            yield level, np.ones(covered.window.coarser(level).plane.shape, np.uint8)
        return
    shift = place * _SHIFT_PX
    picture = np.roll(_sample(band.name), (shift, -shift), (0, 1))
    whole = np.tile(
        picture, [-(-side // n) for side, n in zip((rows, cols), picture.shape, strict=True)]
    )
    values: Values = np.ascontiguousarray(whole[:rows, :cols])
    valid = np.ones(values.shape, np.bool_)
    for level in range(first, covered.levels):
        yield level, values
        (y0, _), (x0, _) = covered.window.coarser(level).plane.ranges
        values, valid = reduce_level(values, valid, band.aggregate, band.nodata, (y0 % 2, x0 % 2))


@cache
def _sample(band: str) -> NDArray[np.generic]:
    """Return a sample mirrored, so that no edge shows where it is repeated; all of it is valid."""
    if band == "SCL":
        items = json.loads((SAMPLES / "romania" / "items.json").read_text())["features"]
        path = SAMPLES / "romania" / items[0]["assets"]["SCL"]["href"]
    else:
        path = SAMPLES / "virginia" / f"{band}.tif"
    with rasterio.open(path) as file:
        sample = file.read(1)
    whole = np.pad(sample, [(0, n) for n in sample.shape], mode="symmetric")
    if band == "SCL":
        return np.maximum(np.kron(whole, np.ones((16, 16), np.uint8)), 1).astype(np.uint8)
    return np.maximum(whole, 1).astype(np.int16)
