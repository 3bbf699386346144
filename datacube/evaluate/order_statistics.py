"""States of reducers that need every value: median and quantiles, exactly.

Integers of at most 16 bits are counted in histograms, in constant memory, where the
result has few cells; else the values are kept until the end.
"""

from collections.abc import Callable
from typing import Self, override

import numpy as np

from datacube.cells import Valid, Values
from datacube.errors import LimitExceededError
from datacube.evaluate.fuse import STRIP_CELLS, Region
from datacube.evaluate.partial import Block, Partial, Reduction

type Ranked = Callable[[Values], Values]
"""From ranks among the sorted valid values, counted from 0, to the values."""

COLLECTED_VALUES = 64 * 2**20
"""Most values that one state keeps."""


def quantile_of(reduction: Reduction) -> float:
    """Return the quantile that is asked for, 0 to 1."""
    return reduction.parameters[0] if reduction.operator == "quantile" else 0.5


class Histogram(Partial):
    """How often each value was seen, for each cell of the result."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        dtype = np.dtype(reduction.dtype)
        self.least = 0 if dtype.kind in "bu" else int(np.iinfo(dtype).min)
        self.levels = 2 if dtype.kind == "b" else 2 ** (8 * dtype.itemsize)
        self.counts: Values = np.zeros((*reduction.shape, self.levels), np.int64)

    @override
    def take(self, block: Block) -> None:
        """Take a strip."""
        values = block.flat(block.values).astype(np.int64) - self.least
        shape = values.shape[1:]
        cells = int(np.prod(shape, dtype=np.int64))
        if cells > 1:
            values += (np.arange(cells) * self.levels).reshape(shape)
        listed = values.ravel() if block.valid is None else values[block.known()]
        found = np.bincount(listed, minlength=cells * self.levels)
        self.counts[block.region] += found.reshape(*shape, self.levels)
        self.seen[block.region] += block.counted()

    @override
    def join(self, other: Self) -> None:
        """Take another state, but for `seen`."""
        self.counts += other.counts

    @override
    def result(self) -> Values:
        """Return the quantile."""
        below = np.cumsum(self.counts, axis=-1)

        def ranked(rank: Values) -> Values:
            found: Values = (below <= rank[..., None]).sum(axis=-1) + self.least
            return found.astype(np.float64)

        return _between(ranked, self.seen, quantile_of(self.reduction))


class Collected(Partial):
    """All values, block by block."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.blocks: list[tuple[Region, Values, Valid]] = []
        self.kept = 0

    @override
    def update(
        self,
        values: Values,
        valid: Valid | None,
        axes: tuple[int, ...],
        *,
        region: Region | None = None,
        origin: tuple[int, ...] | None = None,
    ) -> None:
        """Take one block, as `Partial.update` says.

        Raises
        ------
        LimitExceededError
            If more values are needed at once than are allowed.
        """
        region = tuple(slice(0, n) for n in self.reduction.shape) if region is None else region
        origin = (0,) * len(axes) if origin is None else origin
        self.take(Block(values=values, valid=valid, axes=axes, region=region, origin=origin))

    @override
    def take(self, block: Block) -> None:
        """Keep a block; of a single number only the valid values."""
        values, known = block.flat(block.values), block.known()
        if values.ndim == 1 and block.valid is not None:
            values = values[known]
            known = np.broadcast_to(np.True_, values.shape)
        self._keep(values.size)
        # A view would keep the whole source block in memory.
        self.blocks.append(
            (block.region, values.copy(), known.copy() if any(known.strides) else known)
        )
        self.seen[block.region] += block.counted()

    @override
    def join(self, other: Self) -> None:
        """Take another state, but for `seen`."""
        self._keep(other.kept)
        self.blocks.extend(other.blocks)

    @override
    def result(self) -> Values:
        """Return the quantile."""
        values, known = self._assembled()
        made: Values = np.empty(values.shape[1], np.float64)
        counts = self.seen.ravel()
        wide = max(1, STRIP_CELLS // max(1, len(values)))
        for start in range(0, len(made), wide):
            part = slice(start, start + wide)
            made[part] = _quantiles(
                values[:, part].T, known[:, part].T, counts[part], quantile_of(self.reduction)
            )
        return made.reshape(self.reduction.shape)

    def _keep(self, more: int) -> None:
        self.kept += more
        if self.kept > COLLECTED_VALUES:
            raise LimitExceededError(
                f"{self.reduction.operator!r} of {self.reduction.dtype} needs {self.kept:,} values "
                f"at once, at most {COLLECTED_VALUES:,} are allowed; cast to 16 bits, where it "
                "counts values instead, or reduce fewer cells"
            )

    def _assembled(self) -> tuple[Values, Valid]:
        """Stack the blocks over each cell of the result: `(values, cells)`."""
        shape = self.reduction.shape
        filled: Values = np.zeros(shape, np.int64)
        starts = []
        for region, values, _ in self.blocks:
            starts.append(int(filled[region].max(initial=0)))
            filled[region] = starts[-1] + len(values)
        deep = max(1, int(filled.max(initial=0)))
        stack: Values = np.zeros((deep, *shape), self.reduction.dtype)
        known: Valid = np.zeros((deep, *shape), np.bool_)
        for start, (region, values, valid) in zip(starts, self.blocks, strict=True):
            stack[start : start + len(values), *region] = values
            known[start : start + len(values), *region] = valid
        cells = self.seen.size
        return stack.reshape(deep, cells), known.reshape(deep, cells)


def _quantiles(values: Values, known: Valid, counts: Values, quantile: float) -> Values:
    """Quantile of each row's valid values; NaN where one of them is NaN."""
    dtype = values.dtype
    if dtype.kind == "b":
        values, dtype = values.astype(np.uint8), np.dtype(np.uint8)
    # Nulls go last: nothing sorts after the greatest integer or NaN.
    last = np.nan if dtype.kind == "f" else np.iinfo(dtype).max
    ranked = np.sort(np.where(known, values, np.asarray(last, dtype)), axis=1)
    made = _between(
        lambda rank: np.take_along_axis(ranked, rank[:, None], axis=1)[:, 0].astype(np.float64),
        counts,
        quantile,
    )
    if dtype.kind == "f":
        made = np.where((np.isnan(values) & known).any(axis=1), np.nan, made)
    return made


def _between(ranked: Ranked, counts: Values, quantile: float) -> Values:
    """Interpolate linearly between the two values beside the quantile, as NumPy does."""
    place = quantile * np.maximum(counts - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    share = place - low
    below, above = ranked(low), ranked(high)
    with np.errstate(all="ignore"):
        apart = above - below
        made = np.where(share < 0.5, below + apart * share, above - apart * (1 - share))
    # Infinite neighbours have no distance, and equal ones need none.
    return np.where((share == 0) | (below == above), below, made)
