"""States of reducers that add up: a few numbers for each cell of the result."""

from math import prod
from typing import Any, Self, override

import numpy as np

from datacube.cells import Valid, Values
from datacube.evaluate.fuse import Region
from datacube.evaluate.partial import Block, Partial, Reduction, count_true


class Count(Partial):
    """Valid cells that are not zero."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.count: Values = np.zeros(reduction.shape, np.uint64)

    @override
    def finish(self) -> tuple[Values, Valid]:
        """Return the count, which is never null."""
        return self.count.copy(), np.ones_like(self.count, np.bool_)

    @override
    def take(self, block: Block) -> None:
        true: Valid = block.values if block.values.dtype.kind == "b" else block.values != 0
        true = true if block.valid is None else true & block.valid
        self.count[block.region] += np.asarray(count_true(true, block.axes), np.uint64)

    @override
    def join(self, other: Self) -> None:
        self.count += other.count

    @override
    def result(self) -> Values:
        return self.count


_LIMB_BITS = 32
_LIMB = 2**_LIMB_BITS - 1


class Sum(Partial):
    """Sum, exact for integers; beyond 64 bits it is the type's least or greatest number."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        source = np.dtype(reduction.dtype)
        kind = {"b": "uint64", "u": "uint64", "i": "int64", "f": "float64"}
        self.total: Values = np.zeros(reduction.shape, kind.get(source.kind, "complex128"))
        """The total, or its lower 32 bits where there are `uppers`."""
        self.rest: Values | None = None
        """What rounding lost of the totals so far (Knuth 1969)."""
        self.uppers: Values | None = None
        """The totals divided by 2^32 and rounded down, where they may leave 64 bits."""
        if source.kind in "fc":
            self.rest = np.zeros_like(self.total)
        elif source.kind != "b":
            info = np.iinfo(source)
            if max(-info.min, info.max) * prod(reduction.extent) >= 2**63:
                self.uppers = np.zeros_like(self.total)

    @override
    def take(self, block: Block) -> None:
        filled = block.zeroed()
        dtype = self.total.dtype
        if self.uppers is None:
            self._add(block.totalled(filled, dtype), block.region)
        elif filled.dtype.itemsize < dtype.itemsize:
            # A block has fewer than 2^31 cells, so that its own sum is exact.
            self._carry(0, block.totalled(filled, dtype), block.region)
        else:
            filled = filled.astype(dtype, copy=False)
            upper = np.add.reduce(filled >> _LIMB_BITS, axis=block.axes, dtype=dtype)
            lower = np.add.reduce(filled & dtype.type(_LIMB), axis=block.axes, dtype=dtype)
            self._carry(upper, lower, block.region)
        self.seen[block.region] += block.counted()

    def _carry(self, upper: Values | int, lower: Values, region: Region) -> None:
        """Add `upper * 2^32 + lower`, exact while no more than 2^31 cells have extreme values."""
        if self.uppers is None:
            raise TypeError("a total that fits in 64 bits has one part")
        lower = self.total[region] + lower
        self.uppers[region] += upper + (lower >> _LIMB_BITS)
        self.total[region] = lower & self.total.dtype.type(_LIMB)

    def _add(self, part: Values, region: Region) -> None:
        if self.rest is None:
            self.total[region] += part
            return
        # With the ellipsis a single number is an array, which can be written to.
        at: Any = (*region, ...)
        total, rest = self.total[at], self.rest[at]
        after = np.asarray(total + part)
        # Knuth's exact difference: in half the time of asking which of the two is larger.
        added = np.asarray(after - total)
        lost = np.asarray(after - added)
        np.subtract(total, lost, out=lost)
        np.subtract(part, added, out=added)
        np.add(lost, added, out=lost)
        np.add(rest, lost, out=rest)
        total[...] = after

    @override
    def join(self, other: Self) -> None:
        everywhere = tuple(slice(None) for _ in self.total.shape)
        if other.uppers is not None:
            self._carry(other.uppers, other.total, everywhere)
            return
        self._add(other.total, everywhere)
        if self.rest is not None:
            self.rest += other.rest

    @override
    def result(self) -> Values:
        return self.sum()

    def sum(self) -> Values:
        """Return the sum."""
        if self.rest is not None:
            # Beyond the range of float64 nothing is lost that could be given back.
            return self.total + np.where(np.isfinite(self.rest), self.rest, 0)
        if self.uppers is None:
            return self.total.copy()
        info = np.iinfo(self.total.dtype)
        low, high = info.min >> _LIMB_BITS, info.max >> _LIMB_BITS
        held = (np.clip(self.uppers, low, high) << _LIMB_BITS) + self.total
        held = np.where(self.uppers > high, info.max, held)
        return np.where(self.uppers < low, info.min, held)

    def mean(self) -> Values:
        """Return the sum divided by the valid cells, from the exact sum of integers."""
        if self.uppers is None:
            return np.asarray(np.divide(self.sum(), self.seen))
        # A mean lies within the type's range, where the sum may not.
        count = np.maximum(self.seen, 1).astype(self.total.dtype)
        upper, left = np.divmod(self.uppers, count)
        lower, left = np.divmod((left << _LIMB_BITS) + self.total, count)
        whole = ((upper << _LIMB_BITS) + lower).astype(np.float64)
        return np.asarray(whole + np.divide(left, count))

    @override
    def identity(self) -> int | None:
        return 0


class Average(Sum):
    """Mean, from the exact sum where the source has integers."""

    @override
    def result(self) -> Values:
        return self.mean()

    @override
    def identity(self) -> None:
        return None


class Product(Partial):
    """Product in float64."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        kind = np.dtype(reduction.dtype).kind
        self.total: Values = np.ones(reduction.shape, "complex128" if kind == "c" else "float64")

    @override
    def take(self, block: Block) -> None:
        self.total[block.region] *= np.multiply.reduce(
            block.filled(1), axis=block.axes, dtype=self.total.dtype
        )
        self.seen[block.region] += block.counted()

    @override
    def join(self, other: Self) -> None:
        self.total *= other.total

    @override
    def result(self) -> Values:
        return self.total.copy()

    @override
    def identity(self) -> int:
        return 1


class Variance(Partial):
    """Variance of the population, or its root (Chan, Golub and LeVeque 1979)."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.mean: Values = np.zeros(reduction.shape, np.float64)
        self.squares: Values = np.zeros(reduction.shape, np.float64)
        """Sum of squared distances from the mean."""

    @override
    def take(self, block: Block) -> None:
        count = np.asarray(block.counted())
        values = block.filled(0).astype(np.float64)
        total = np.add.reduce(values, axis=block.axes)
        mean = np.divide(total, np.maximum(count, 1))
        np.subtract(values, np.expand_dims(mean, block.axes), out=values)
        np.multiply(values, values, out=values)
        if block.valid is not None:
            values = np.where(block.valid, values, 0)
        self._combine(count, mean, np.add.reduce(values, axis=block.axes), block.region)
        self.seen[block.region] += count

    def _combine(self, count: Values, mean: Values, squares: Values, region: Region) -> None:
        seen = self.seen[region]
        both = np.maximum(seen + count, 1)
        apart = mean - self.mean[region]
        self.squares[region] += squares + apart**2 * (seen * (count / both))
        self.mean[region] += apart * (count / both)

    @override
    def join(self, other: Self) -> None:
        everywhere = tuple(slice(None) for _ in self.mean.shape)
        self._combine(other.seen, other.mean, other.squares, everywhere)

    @override
    def result(self) -> Values:
        made: Values = np.divide(self.squares, self.seen)
        return np.sqrt(made) if self.reduction.operator == "stddev" else made
