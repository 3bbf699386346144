"""Averages and modes within one CRS: each source cell by the area it shares with the target's."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from datacube.axes import SNAP_DECIMALS, RegularAxis
from datacube.cells import Cells, Valid, Values
from datacube.evaluate.modes import Stretches, mode_of_many
from datacube.grid import Window
from datacube.plan.nodes import Plan, Resample
from datacube.plan.query import Method

type Below = Callable[[Plan, Window], Cells]

_LEAST_SHARE = 1e-6
"""Part of a source cell's area below which it counts as not covered."""
_FEW_NUMBERS = 64
"""Up to so many, as classes are, their shares are added up one number after the other."""


def weighed(node: Resample, window: Window, below: Below) -> Cells | None:
    """Return averages or modes, or None where the source has no cell there."""
    source = node.source.domain.plane
    rows = _overlaps(source.y, node.grid.y, window.rows)
    cols = _overlaps(source.x, node.grid.x, window.cols)
    if rows is None or cols is None:
        return None
    cells = below(node.source, Window((*window.ranges[:-2], rows.cells, cols.cells)))

    def gather(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return cols.sums(rows.sums(weights, -2), -1)

    def choose(values: Values, valid: Valid) -> tuple[Values, Valid]:
        if node.method is Method.AVERAGE:
            return _average(values, valid, gather)
        numbers = np.unique(values[valid])
        if numbers.size <= _FEW_NUMBERS:
            return _mode(values, valid, numbers, gather)
        tall, wide = (Stretches(one.low, one.high) for one in (rows, cols))
        return mode_of_many(values, valid, tall, wide, _LEAST_SHARE)

    made = [choose(v, m) for v, m in zip(cells.values, cells.valid, strict=True)]
    return Cells(cells.names, tuple(v for v, _ in made), tuple(m for _, m in made))


type _Gather = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _average(values: Values, valid: Valid, gather: _Gather) -> tuple[Values, Valid]:
    finite = np.isfinite(values)
    weight = gather(valid.astype(np.float64))
    total = gather(np.where(valid & finite, values, 0).astype(np.float64))
    known = weight > _LEAST_SHARE
    mean = np.divide(total, weight, out=np.zeros_like(total), where=known)
    if not finite.all():
        up, down, neither = (
            gather((valid & found).astype(np.float64)) > _LEAST_SHARE
            for found in (values == np.inf, values == -np.inf, np.isnan(values))
        )
        mean[up], mean[down], mean[neither | (up & down)] = np.inf, -np.inf, np.nan
    return (np.rint(mean) if values.dtype.kind in "iu" else mean).astype(values.dtype), known


def _mode(values: Values, valid: Valid, numbers: Values, gather: _Gather) -> tuple[Values, Valid]:
    """Choose among a few numbers, ascending, by adding up the shares of each."""
    weight = gather(valid.astype(np.float64))
    best = np.zeros_like(weight)
    made = np.zeros(weight.shape, dtype=values.dtype)
    for one in numbers:  # ascending, so that ties go to the lowest
        share = gather((valid & (values == one)).astype(np.float64))
        more = share > best + _LEAST_SHARE
        made[more] = one
        best[more] = share[more]
    return made, weight > _LEAST_SHARE


@dataclass(frozen=True, slots=True)
class _Overlaps:
    """Which stretch of source cells each target cell covers, along one axis."""

    cells: tuple[int, int]
    """The source cells that are needed."""
    low: NDArray[np.float64]
    """Where each target cell begins, in source cells from the first that is needed."""
    high: NDArray[np.float64]

    def sums(self, values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """Sum `values` along `axis`, a cell that is covered in part by that part.

        Each sum is made of its own cells alone: it has the same bits in any window.
        """
        shape = (-1,) if axis == -1 else (-1, 1)
        last = values.shape[axis] - 1
        first, stop = np.ceil(self.low).astype(np.int64), np.floor(self.high).astype(np.int64)
        padded = np.concatenate([values, np.zeros_like(values.take([0], axis))], axis)
        # Between two ends of a pair `reduceat` sums the cells, between pairs what nobody needs.
        ends = np.stack([first, np.maximum(stop, first)], axis=1).ravel()
        inner = np.add.reduceat(padded, ends, axis).take(np.arange(0, ends.size, 2), axis)
        made: NDArray[np.float64] = np.where((stop > first).reshape(shape), inner, 0)
        before = np.minimum(first, self.high) - self.low
        after = np.where(stop >= first, self.high - stop, 0)
        for cell, part in ((np.floor(self.low).astype(np.int64), before), (stop, after)):
            made += part.reshape(shape) * values.take(cell.clip(max=last), axis)
        return made


def _overlaps(source: RegularAxis, target: RegularAxis, part: tuple[int, int]) -> _Overlaps | None:
    edges = target.start + np.arange(part[0], part[1] + 1) * target.step
    at = np.round((edges - source.start) / source.step, SNAP_DECIMALS)
    low, high = np.minimum(at[:-1], at[1:]), np.maximum(at[:-1], at[1:])
    first, stop = max(floor(low.min()), source.first), min(ceil(high.max()), source.stop)
    if first >= stop:
        return None
    size = stop - first
    return _Overlaps((first, stop), np.clip(low - first, 0, size), np.clip(high - first, 0, size))
