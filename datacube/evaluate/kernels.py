"""Resampling as GDAL does it: kernels over neighbours, statistics over covered areas.

Source of the definitions: `gdalwarpkernel.cpp` of GDAL 3.12. Positions are index positions on
the source's axes, and sums are taken in the order of the source's cells, so a cell of the result
has the same bits in whatever block it is made. NaN is no value here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid, Values
from datacube.errors import LimitExceededError
from datacube.plan.geometry import Positions
from datacube.plan.query import KERNEL_RADII_PX, Method

type Floats = NDArray[np.float64]
type Counts = NDArray[np.int64]

_NO_WEIGHT = 1e-6
"""Sum of weights below which GDAL finds no value."""
_EDGE = 1e-10
"""Part of a source cell that GDAL takes for none at an area's edge."""
_TIE = 1e-6
"""Shares of areas that differ by less are equal: of such modes the lowest counts."""
GATHERED = 262_144
"""Source cells under target cells that are sorted at once."""
_FEW = 4096
"""Source cells under a target cell up to which many target cells are made at once."""
MOST_UNDER_ONE = 16_777_216
"""Most source cells whose order statistics make one cell."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Source cells of one plane, and which of the source's they are."""

    values: Floats
    valid: Valid
    first: tuple[int, int]
    """Row and column, on the source's axes, of the first cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """How cells are weighed."""

    method: Method
    ratios: tuple[float, float]
    """By how much it is widened along y and x, at least 1."""
    moved: tuple[bool, bool] = (True, True)
    """Whether cells move along y and x; an axis on which they stay is left alone."""


def blended(plane: Plane, rows: Positions, cols: Positions, kernel: Kernel) -> tuple[Floats, Valid]:
    """Weigh the cells around each position by a kernel, those that are valid.

    `rows` and `cols` have one shape, which the result has; NaN is no place. A cell is valid
    where the source cell under its position is.
    """
    made = _Around(plane, rows, cols)
    if kernel.method is Method.CUBIC and kernel.ratios == (1.0, 1.0) and all(kernel.moved):
        return made.cubic()
    return made.general(kernel.method, kernel.ratios, kernel.moved)


class _Around:
    """The source cells around positions."""

    def __init__(self, plane: Plane, rows: Positions, cols: Positions) -> None:
        lost = ~(np.isfinite(rows) & np.isfinite(cols))
        self.plane = plane
        row, col = np.where(lost, 0.5, rows), np.where(lost, 0.5, cols)
        self.top, self.left = _whole(row - 0.5), _whole(col - 0.5)
        self.down, self.right = row - 0.5 - self.top, col - 0.5 - self.left
        _, under = self._at(_whole(row), _whole(col))
        self.under = under & ~lost

    def _at(self, rows: Counts, cols: Counts) -> tuple[Floats, Valid]:
        height, width = self.plane.values.shape
        rows, cols = rows - self.plane.first[0], cols - self.plane.first[1]
        inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        at = rows.clip(0, height - 1), cols.clip(0, width - 1)
        known = inside & self.plane.valid[at]
        return np.where(known, self.plane.values[at], 0.0), known

    def general(
        self, method: Method, ratios: tuple[float, float], moved: tuple[bool, bool] = (True, True)
    ) -> tuple[Floats, Valid]:
        """Weigh all valid cells within the kernel, and divide by what they weigh together."""
        weigh = _WEIGHTS[method]
        rows, cols = (
            range(1 - far, far + 1) if moves else range(1)
            for far, moves in zip(_far(method, ratios), moved, strict=True)
        )
        total, weight = np.zeros(self.top.shape), np.zeros(self.top.shape)
        count = np.zeros(self.top.shape, dtype=np.int64)
        one = np.ones(self.top.shape)
        across = [weigh((i - self.right) / ratios[1]) if moved[1] else one for i in cols]
        for j in rows:
            along = weigh((j - self.down) / ratios[0]) if moved[0] else one
            for i, beside in zip(cols, across, strict=True):
                values, known = self._at(self.top + j, self.left + i)
                share = np.where(known, beside * along, 0.0)
                total += values * share
                weight += share
                count += known
        enough = weight > _NO_WEIGHT
        if method is Method.LANCZOS:
            # With its negative weights a few cells make values far beyond them.
            enough &= 2 * count >= len(rows) * len(cols)
        made = np.divide(total, weight, out=np.zeros_like(total), where=enough)
        return made, self.under & enough

    def cubic(self) -> tuple[Floats, Valid]:
        """Take GDAL's way of 4 x 4 cells: bilinear where one of them is missing."""
        total, whole = np.zeros(self.top.shape), np.ones(self.top.shape, dtype=np.bool_)
        across = [_cubic(i - self.right) for i in range(-1, 3)]
        for j in range(-1, 3):
            along = _cubic(j - self.down)
            for i, one in enumerate(across, -1):
                values, known = self._at(self.top + j, self.left + i)
                total += values * (one * along)
                whole &= known
        if whole.all():
            return total, self.under
        linear, valid = self.general(Method.LINEAR, (1.0, 1.0))
        return np.where(whole, total, linear), valid


def _far(method: Method, ratios: tuple[float, float]) -> tuple[int, int]:
    rows, cols = (ceil(KERNEL_RADII_PX[method] * ratio) for ratio in ratios)
    return rows, cols


def _whole(positions: Positions) -> Counts:
    return np.floor(positions).astype(np.int64)


def _linear(x: Floats) -> Floats:
    made: Floats = np.maximum(1 - np.abs(x), 0)
    return made


def _cubic(x: Floats) -> Floats:
    """Catmull and Rom's: a = -0.5."""
    a = np.abs(x)
    near = (1.5 * a - 2.5) * a * a + 1
    far = ((-0.5 * a + 2.5) * a - 4) * a + 2
    made: Floats = np.where(a <= 1, near, np.where(a <= 2, far, 0.0))
    return made


def _cubic_spline(x: Floats) -> Floats:
    """Return the B-spline of degree 3, which smooths."""
    a = np.abs(x)
    near = (3 * a - 6) * a * a + 4
    far = np.maximum(2 - a, 0) ** 3
    made: Floats = np.where(a <= 1, near, far) / 6
    return made


def _lanczos(x: Floats) -> Floats:
    made: Floats = np.where(np.abs(x) <= 3, np.sinc(x) * np.sinc(x / 3), 0.0)
    return made


_WEIGHTS: Mapping[Method, Callable[[Floats], Floats]] = {
    Method.LINEAR: _linear,
    Method.CUBIC: _cubic,
    Method.CUBIC_SPLINE: _cubic_spline,
    Method.LANCZOS: _lanczos,
}


@dataclass(frozen=True, slots=True)
class Boxes:
    """Which stretch of an axis of the source each target cell covers."""

    low: Positions
    high: Positions

    @property
    def first(self) -> Counts:
        """The first cell of each stretch."""
        return _whole(self.low + _EDGE)

    @property
    def stop(self) -> Counts:
        """The cell after the last of each; at least one cell is covered."""
        return np.maximum(np.ceil(self.high - _EDGE).astype(np.int64), self.first + 1)

    def share(self, cell: Counts) -> Floats:
        """Return how much of a cell of the source each stretch covers."""
        covered: Floats = np.minimum(self.high, cell + 1.0) - np.maximum(self.low, cell)
        return covered


def boxes(one: Positions, other: Positions) -> Boxes:
    """Return the stretches between opposite corners of target cells, as GDAL measures them."""
    return Boxes(np.minimum(one, other), np.maximum(one, other))


def gathered(plane: Plane, rows: Boxes, cols: Boxes, method: Method) -> tuple[Floats, Valid]:
    """Make each target cell of the valid source cells in its box.

    Raises
    ------
    LimitExceededError
        If one box has more than `MOST_UNDER_ONE` cells.
    """
    shape = rows.low.shape
    lost = ~(np.isfinite(rows.low) & np.isfinite(cols.low)).ravel()
    flat = [
        Boxes(np.where(lost, k - 1.0, box.low.ravel()), np.where(lost, k, box.high.ravel()))
        for box, k in zip((rows, cols), plane.first, strict=True)
    ]
    size = lost.size
    longest = [int((box.stop - box.first).max()) for box in flat]
    most = longest[0] * longest[1]
    if most > MOST_UNDER_ONE:
        raise LimitExceededError(
            f"one cell of the result covers {most:,} cells of the source; {MOST_UNDER_ONE:,} are "
            "allowed; scale in two steps, as in scale(scale($c, 0.01, average), ...)"
        )
    made, valid = np.zeros(size), np.zeros(size, dtype=np.bool_)
    step = 1 if most > _FEW else GATHERED // most
    for start in range(0, size, step):
        part = slice(start, start + step)
        y, x = (Boxes(box.low[part], box.high[part]) for box in flat)
        values, shares = _under_one(plane, y, x) if step == 1 else _under(plane, y, x)
        known = shares > 0
        valid[part] = known.any(axis=0)
        made[part] = _STATISTICS[method](values, shares, known)
    return made.reshape(shape), (valid & ~lost).reshape(shape)


def _under(plane: Plane, rows: Boxes, cols: Boxes) -> tuple[Floats, Floats]:
    """Return what lies in each box, `(cell, box)`, and how much of it; 0 where not valid."""
    height, width = plane.values.shape
    across = list(_steps(cols, plane.first[1], width))
    values, shares = [], []
    for row, along in _steps(rows, plane.first[0], height):
        for col, share in across:
            known = plane.valid[row, col]
            values.append(np.where(known, plane.values[row, col], 0.0))
            shares.append(np.where(known, along * share, 0.0))
    return np.stack(values), np.stack(shares)


def _under_one(plane: Plane, rows: Boxes, cols: Boxes) -> tuple[Floats, Floats]:
    """Return the same of a single box, which may be large."""
    cut, shares = [], []
    for box, first, size in zip((rows, cols), plane.first, plane.values.shape, strict=True):
        cells = np.arange(max(box.first[0], first), max(min(box.stop[0], first + size), first))
        cut.append(slice(*(int(end) - first for end in (cells[0], cells[-1] + 1))) if cells.size
                   else slice(0))  # fmt: skip
        shares.append(box.share(cells).clip(min=_EDGE))
    known = plane.valid[cut[0], cut[1]]
    if not known.size:
        return np.zeros((1, 1)), np.zeros((1, 1))
    values = np.where(known, plane.values[cut[0], cut[1]], 0.0)
    weights = np.where(known, shares[0][:, None] * shares[1], 0.0)
    return values.reshape(-1, 1), weights.reshape(-1, 1)


def _steps(stretches: Boxes, first: int, size: int) -> Iterator[tuple[Counts, Floats]]:
    """Yield the next cell of each stretch, counted from `first`, and its share; 0 beyond."""
    start, stop = stretches.first, stretches.stop
    for step in range(int((stop - start).max())):
        cell = start + step
        there = (cell < stop) & (cell >= first) & (cell < first + size)
        share = np.where(there, stretches.share(cell).clip(min=_EDGE), 0.0)
        yield (cell - first).clip(0, size - 1), share


type _Statistic = Callable[[Floats, Floats, Valid], Floats]


def _mean(values: Floats, shares: Floats, _known: Valid) -> Floats:
    # `accumulate` adds one after another, `sum` by blocks that depend on the number.
    total = np.add.accumulate(values * shares, axis=0)[-1]
    weight = np.add.accumulate(shares, axis=0)[-1]
    made: Floats = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    return made


def _root_mean_square(values: Floats, shares: Floats, known: Valid) -> Floats:
    made: Floats = np.sqrt(_mean(values * values, shares, known))
    return made


def _least(values: Floats, _shares: Floats, known: Valid) -> Floats:
    made: Floats = np.where(known, values, np.inf).min(axis=0)
    return made


def _greatest(values: Floats, _shares: Floats, known: Valid) -> Floats:
    made: Floats = np.where(known, values, -np.inf).max(axis=0)
    return made


def _quantile(part: float) -> _Statistic:
    def choose(values: Floats, _shares: Floats, known: Valid) -> Floats:
        ordered: Floats = np.sort(np.where(known, values, np.inf), axis=0)
        at = np.ceil(part * known.sum(axis=0) - 1).clip(0).astype(np.int64)
        made: Floats = np.take_along_axis(ordered, at[None], axis=0)[0]
        return made

    return choose


def _mode(values: Floats, shares: Floats, known: Valid) -> Floats:
    order = np.argsort(np.where(known, values, np.inf), axis=0, kind="stable")
    values, shares = (np.take_along_axis(a, order, axis=0) for a in (values, shares))
    run, best = shares[0].copy(), shares[0].copy()
    made: Floats = values[0].copy()
    for at in range(1, len(values)):
        same = (values[at] == values[at - 1]) & (shares[at - 1] > 0)
        run = np.where(same, run, 0.0) + shares[at]
        more = run > best + _TIE
        best, made = np.where(more, run, best), np.where(more, values[at], made)
    return made


_STATISTICS: Mapping[Method, _Statistic] = {
    Method.AVERAGE: _mean,
    Method.ROOT_MEAN_SQUARE: _root_mean_square,
    Method.MODE: _mode,
    Method.LEAST: _least,
    Method.GREATEST: _greatest,
    Method.MEDIAN: _quantile(0.5),
    Method.FIRST_QUARTILE: _quantile(0.25),
    Method.THIRD_QUARTILE: _quantile(0.75),
}


def narrowed(made: Floats, dtype: np.dtype[Any]) -> Values:
    """Return numbers in a type: whole ones rounded half up and saturated, as GDAL does."""
    if dtype.kind == "b":
        return made >= 0.5
    if dtype.kind not in "iu":
        return made.astype(dtype)
    limits = np.iinfo(dtype)
    whole = np.floor(np.where(np.isfinite(made), made, 0) + 0.5)
    out = whole.clip(limits.min, limits.max)
    # The greatest 64-bit integers are no doubles: the next below them is.
    if dtype.itemsize == 8:
        out = out.clip(max=np.nextafter(float(limits.max), 0))
    return out.astype(dtype)
