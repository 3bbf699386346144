"""What remains of an analysis when all is decided: decoding, and arithmetic in plain NumPy.

Each loop goes block by block on two threads, looks at every cell's validity, and sums
without the compensation that makes our sums the same in any order of blocks.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.scenes import SCENES
from tests.builders.sparse import NODATA

type Array = NDArray[Any]
type Read = Callable[[int, str, tuple[slice, slice]], Array]
"""The stored numbers of a date and band in a box of rows and columns."""

BLOCK_PX, STRIP_ROWS = 1024, 64
_THREADS = 2


def series(read: Read, inside: Array, box: tuple[slice, slice], dates: int) -> Array:
    """Mean NDVI of each date where `inside` is true."""

    def one(date: int) -> float:
        ndvi, known = _ndvi(read(date, "B04", box), read(date, "B08", box))
        return float(np.mean(ndvi, where=known & inside))

    with ThreadPoolExecutor(_THREADS) as pool:
        return np.array(list(pool.map(one, range(dates))))


def mean_map(read: Read, dates: int) -> Array:
    """Mean NDVI of each cell."""

    def fill(out: Array, box: tuple[slice, slice]) -> None:
        total, count = np.zeros(out.shape), np.zeros(out.shape, np.int64)
        for date in range(dates):
            red, infrared = read(date, "B04", box), read(date, "B08", box)
            for rows in _strips(out):
                ndvi, known = _ndvi(red[rows], infrared[rows])
                np.add(total[rows], ndvi, out=total[rows], where=known)
                count[rows] += known
        np.divide(total, count, out=out)

    return _blocks(fill)


def formula(read: Read, date: int) -> Array:
    """Evaluate the formula of `bench.analytics` on each cell of a scene."""

    def fill(out: Array, box: tuple[slice, slice]) -> None:
        red, infrared = read(date, "B04", box), read(date, "B08", box)
        for rows in _strips(out):
            r, n = red[rows].astype(np.float64), infrared[rows].astype(np.float64)
            apart = n - r
            made = np.sqrt(np.abs(2.5 * apart / (n + 2.4 * r + 10000)))
            made += apart / (n + r + 1) * (1 + 0.5 * apart / (n + r + 5000))
            share = n / 10000.0
            made -= np.log(1 + share) * np.arctan(r / 3000.0)
            made += share**2
            made -= r / 10000.0
            made[(red[rows] == NODATA) | (infrared[rows] == NODATA)] = np.nan
            out[rows] = made

    return _blocks(fill)


def _ndvi(red: Array, infrared: Array) -> tuple[Array, Array]:
    known = (red != NODATA) & (infrared != NODATA)
    r, n = red.astype(np.float64), infrared.astype(np.float64)
    return (n - r) / (n + r), known


def _strips(out: Array) -> list[slice]:
    return [slice(k, k + STRIP_ROWS) for k in range(0, len(out), STRIP_ROWS)]


def _blocks(fill: Callable[[Array, tuple[slice, slice]], None]) -> Array:
    made = np.empty((SCENES.side_px, SCENES.side_px))
    edges = [
        slice(k, min(k + BLOCK_PX, SCENES.side_px)) for k in range(0, SCENES.side_px, BLOCK_PX)
    ]

    def one(box: tuple[slice, slice]) -> None:
        with np.errstate(all="ignore"):
            fill(made[box], box)

    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(one, product(edges, edges)):
            pass
    return made
