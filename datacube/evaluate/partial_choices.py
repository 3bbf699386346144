"""States of reducers that choose: an extreme, a truth, a cell by its place."""

from typing import Any, Self, override

import numpy as np

from datacube.cells import Valid, Values
from datacube.evaluate.fuse import Region
from datacube.evaluate.partial import Block, Partial, Reduction


class Extreme(Partial):
    """Least or greatest value; NaN where a valid value is."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.pick: np.ufunc = np.minimum if reduction.operator == "min" else np.maximum
        self.value: Values = np.full(reduction.shape, self.identity(), reduction.dtype)

    @override
    def identity(self) -> Any:  # a number of the source's type
        dtype = np.dtype(self.reduction.dtype)
        if dtype.kind == "b":
            return self.reduction.operator == "min"
        info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        return info.max if self.reduction.operator == "min" else info.min

    @override
    def take(self, block: Block) -> None:
        dtype = self.value.dtype
        empty = self.identity() if dtype.kind != "f" else _infinity(self.reduction.operator)
        found = self.pick.reduce(block.filled(empty), axis=block.axes)
        count = block.counted()
        self._meet(found, block.region, self.seen[block.region] > 0, np.asarray(count) > 0)
        self.seen[block.region] += count

    def _meet(self, found: Values, region: Region, had: Valid, has: Valid) -> None:
        held = self.value[region]
        self.value[region] = np.where(had & has, self.pick(held, found), np.where(has, found, held))

    @override
    def join(self, other: Self) -> None:
        everywhere = tuple(slice(None) for _ in self.value.shape)
        self._meet(other.value, everywhere, self.seen > 0, other.seen > 0)

    @override
    def result(self) -> Values:
        return self.value.copy()


class Truth(Partial):
    """Whether all, or some, are true."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.every = reduction.operator == "all"
        self.value: Valid = np.full(reduction.shape, self.every)

    @override
    def take(self, block: Block) -> None:
        pick = np.logical_and if self.every else np.logical_or
        found = pick.reduce(block.filled(self.every), axis=block.axes)
        self.value[block.region] = pick(self.value[block.region], found)
        self.seen[block.region] += block.counted()

    @override
    def join(self, other: Self) -> None:
        pick = np.logical_and if self.every else np.logical_or
        pick(self.value, other.value, out=self.value)

    @override
    def result(self) -> Values:
        return self.value.copy()

    @override
    def identity(self) -> bool:
        return self.every


class Parity(Partial):
    """Whether an odd number of cells is true."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.value: Valid = np.zeros(reduction.shape, dtype=np.bool_)

    @override
    def take(self, block: Block) -> None:
        odd = np.count_nonzero(block.filled(0), axis=block.axes) % 2 == 1
        self.value[block.region] ^= odd
        self.seen[block.region] += block.counted()

    @override
    def join(self, other: Self) -> None:
        self.value ^= other.value

    @override
    def result(self) -> Values:
        return self.value.copy()

    @override
    def identity(self) -> bool:
        return False


class Placed(Partial):
    """The value, or the place, of one cell along the reduced axes in their order.

    Of `first` it is the first valid cell, of `last` the last, of `overlay` the last
    that is not zero, of `maxtime` and `mintime` the first that has the extreme.
    """

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.value: Values = np.zeros(reduction.shape, reduction.dtype)
        self.place: Values = np.full(reduction.shape, -1, np.int64)
        """-1 where no cell was found yet."""

    @override
    def take(self, block: Block) -> None:
        values, known = block.flat(block.values), block.known()
        places = block.places(self.reduction.extent)
        wanted = self._candidates(values, known)
        if self.reduction.operator in ("last", "overlay"):
            at = len(places) - 1 - wanted[::-1].argmax(axis=0)
        else:
            at = wanted.argmax(axis=0)
        value = np.take_along_axis(values, at[None], axis=0)[0]
        self._meet(value, np.where(wanted.any(axis=0), places[at], -1), block.region)
        self.seen[block.region] += np.add.reduce(known, axis=0, dtype=np.int64)

    def _candidates(self, values: Values, known: Valid) -> Valid:
        match self.reduction.operator:
            case "first" | "last":
                return known
            case "overlay":
                nonzero: Valid = known & (values != 0)
                return nonzero
            case _:
                pass
        if values.dtype.kind == "f":
            known = known & ~np.isnan(values)
        pick = np.maximum if self.reduction.operator == "maxtime" else np.minimum
        empty = _lowest(values.dtype, least=self.reduction.operator == "maxtime")
        filled = np.where(known, values, empty)
        best: Valid = known & (filled == pick.reduce(filled, axis=0))
        return best

    def _meet(self, value: Values, place: Values, region: Region) -> None:
        held, held_at = self.value[region], self.place[region]
        match self.reduction.operator:
            case "last" | "overlay":
                better = place > held_at
            case "first":
                better = place < held_at
            case "maxtime":
                better = (value > held) | ((value == held) & (place < held_at))
            case _:
                better = (value < held) | ((value == held) & (place < held_at))
        better = (place >= 0) & (better | (held_at < 0))
        self.value[region] = np.where(better, value, held)
        self.place[region] = np.where(better, place, held_at)

    @override
    def join(self, other: Self) -> None:
        everywhere = tuple(slice(None) for _ in self.place.shape)
        self._meet(other.value, other.place, everywhere)

    @override
    def result(self) -> Values:
        if self.reduction.operator not in ("maxtime", "mintime"):
            return self.value.copy()
        if not self.reduction.parameters:
            return self.place.copy()
        numbers = np.asarray(self.reduction.parameters, np.float64)
        return np.where(self.place >= 0, numbers[np.maximum(self.place, 0)], np.nan)

    @override
    def finish(self) -> tuple[Values, Valid]:
        """Return the result; the extreme of nothing but NaN has no place."""
        values, valid = super().finish()
        if self.reduction.operator in ("maxtime", "mintime"):
            valid = valid & (self.place >= 0)
        return values, valid


def _infinity(operator: str) -> float:
    return np.inf if operator == "min" else -np.inf


def _lowest(dtype: "np.dtype[Any]", *, least: bool) -> Any:  # noqa: ANN401  # of that type
    if dtype.kind == "b":
        return np.bool_(not least)
    if dtype.kind == "f":
        return dtype.type(-np.inf if least else np.inf)
    info = np.iinfo(dtype)
    return dtype.type(info.min if least else info.max)
