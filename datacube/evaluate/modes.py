"""Modes of cells with many different numbers: those under each target cell are sorted."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid, Values

_AT_ONCE = 2**20
"""Source cells under target cells that are sorted at once."""


class Stretches:
    """Which source cells each target cell covers along one axis, and how much of each."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        self.low, self.high = low, high
        self.count = low.size
        spans = np.ceil(high) - np.floor(low)
        self.longest = max(1, ceil(spans.max()))

    def part(self, at: slice) -> "Stretches":
        """Return those of some target cells."""
        return Stretches(self.low[at], self.high[at])

    def cells(self, size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return indices below `size` and shares, `(target cell, source cell)`."""
        at = np.floor(self.low)[:, None] + np.arange(self.longest)
        share = np.minimum(self.high[:, None], at + 1) - np.maximum(self.low[:, None], at)
        return at.astype(np.int64).clip(max=size - 1), share.clip(min=0)


def mode_of_many(
    values: Values, valid: Valid, rows: Stretches, cols: Stretches, least: float
) -> tuple[Values, Valid]:
    """Return the number with the largest share of each target cell, the lowest of equal ones.

    `values` are `(..., y, x)`; shares that differ by less than `least` are equal, and what covers
    less than it is not there. Takes as long as sorting the cells, however many numbers there are.
    """
    shape = (*values.shape[:-2], rows.count, cols.count)
    made, known = np.zeros(shape, dtype=values.dtype), np.zeros(shape, dtype=np.bool_)
    planes = zip(
        values.reshape(-1, *values.shape[-2:]),
        valid.reshape(-1, *values.shape[-2:]),
        made.reshape(-1, *shape[-2:]),
        known.reshape(-1, *shape[-2:]),
        strict=True,
    )
    under = rows.longest * cols.longest
    width = max(1, min(cols.count, _AT_ONCE // under))
    height = max(1, min(rows.count, _AT_ONCE // (under * width)))
    for one, there, to, told in planes:
        for top in range(0, rows.count, height):
            for left in range(0, cols.count, width):
                part = slice(top, top + height), slice(left, left + width)
                to[part], told[part] = _modes(
                    one, there, rows.part(part[0]), cols.part(part[1]), least
                )
    return made, known


def _modes(
    values: Values, valid: Valid, rows: Stretches, cols: Stretches, least: float
) -> tuple[Values, Valid]:
    (at_row, tall), (at_col, wide) = rows.cells(values.shape[0]), cols.cells(values.shape[1])
    index = at_row[:, None, :, None], at_col[None, :, None, :]
    shape = (rows.count, cols.count, -1)
    counted = valid if values.dtype.kind != "f" else valid & ~np.isnan(values)
    share = (tall[:, None, :, None] * wide[None, :, None, :] * counted[index]).reshape(shape)
    found = values[index].reshape(shape)
    order = np.argsort(found, axis=-1, kind="stable")
    found, share = (np.take_along_axis(a, order, -1) for a in (found, share))
    total = np.cumsum(share, axis=-1)
    ends = np.ones(found.shape, dtype=np.bool_)
    ends[..., :-1] = found[..., 1:] != found[..., :-1]
    # What was summed up to the end of each number, less what was up to that of the one before.
    own = np.where(ends, total, 0)
    before = np.maximum.accumulate(own, axis=-1)
    own[..., 1:] -= np.where(ends[..., 1:], before[..., :-1], 0)
    best = own.max(axis=-1, keepdims=True)
    first = np.argmax(ends & (own >= best - least), axis=-1)
    made: Values = np.take_along_axis(found, first[..., None], -1)[..., 0]
    known: Valid = total[..., -1] > least
    return np.where(known, made, np.zeros((), made.dtype)), known
