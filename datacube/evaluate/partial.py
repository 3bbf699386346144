"""Partial states of reducers: what is kept of the blocks seen so far.

A state takes blocks in any order and is merged with others. Each kind of state is in
the module of its kind; `datacube.evaluate.reducers` lists them by operator.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np

from datacube.cells import Valid, Values
from datacube.evaluate.fuse import STRIP_CELLS, Region, regions


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What is to be reduced to what."""

    operator: str
    """Name of a reducer."""
    dtype: str
    """Type of the source's field."""
    shape: tuple[int, ...]
    """Of the result, or of the part of it that one state makes; none for a number."""
    extent: tuple[int, ...]
    """Cells of the source along each reduced axis."""
    parameters: tuple[float, ...] = ()
    compat: bool = False
    """Over nothing but nulls give the operator's identity; NaN is a value."""


class Partial(ABC):
    """The state of one field. Finishing leaves it as it is."""

    def __init__(self, reduction: Reduction) -> None:
        self.reduction = reduction
        self.seen: Values = np.zeros(reduction.shape, np.int64)
        """Valid cells so far."""

    def update(
        self,
        values: Values,
        valid: Valid | None,
        axes: tuple[int, ...],
        *,
        region: Region | None = None,
        origin: tuple[int, ...] | None = None,
    ) -> None:
        """Take one block.

        Parameters
        ----------
        values
            Of any shape; nothing keeps or changes them.
        valid
            Of the same shape; None where all are.
        axes
            Positions of the reduced axes, ascending.
        region
            The part of the result that the other axes are; None for all of it.
        origin
            Place of the block's first cell along each reduced axis; None for its start.
        """
        region = tuple(slice(0, n) for n in self.reduction.shape) if region is None else region
        origin = (0,) * len(axes) if origin is None else origin
        with np.errstate(all="ignore"):
            if values.size <= STRIP_CELLS:
                self.take(_block(values, valid, axes, region, origin))
                return
            kept = [at for at in range(values.ndim) if at not in axes]
            for part in regions(values.shape, STRIP_CELLS, axes):
                within = tuple(
                    slice(r.start + part[at].start, r.start + part[at].stop)
                    for r, at in zip(region, kept, strict=True)
                )
                first = tuple(o + part[at].start for o, at in zip(origin, axes, strict=True))
                known = None if valid is None else valid[part]
                self.take(_block(values[part], known, axes, within, first))

    def merge(self, other: Self) -> None:
        """Take what another state of the same reduction has seen; of other cells than this."""
        with np.errstate(all="ignore"):
            self.join(other)
        self.seen += other.seen

    def finish(self) -> tuple[Values, Valid]:
        """Return the result and where it is valid."""
        with np.errstate(all="ignore"):
            values = self.result()
        valid: Valid = self.seen > 0
        identity = self.identity() if self.reduction.compat else None
        if identity is not None and not valid.all():
            values = np.where(valid, values, np.asarray(identity, values.dtype))
            valid = np.ones_like(valid)
        elif values.dtype.kind in "fc" and not self.reduction.compat:
            valid = valid & ~np.isnan(values)
        return values, valid

    def identity(self) -> Any:  # noqa: ANN401  # a number of the result's type
        """Return what rasdaman gives for nothing but nulls; None for null."""
        return None

    @abstractmethod
    def take(self, block: "Block") -> None:
        """Take a strip."""

    @abstractmethod
    def join(self, other: Self) -> None:
        """Take another state, but for `seen`."""

    @abstractmethod
    def result(self) -> Values:
        """Return the result; what it is where nothing was seen is not defined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A strip of a block, as `Partial.update` says."""

    values: Values
    valid: Valid | None
    axes: tuple[int, ...]
    region: Region
    origin: tuple[int, ...]

    def filled(self, value: Any) -> Values:  # noqa: ANN401  # a number of any type
        """Return the values, with `value` where they are null."""
        if self.valid is None:
            return self.values
        return np.where(self.valid, self.values, np.asarray(value, self.values.dtype))

    def zeroed(self) -> Values:
        """Return the values, with 0 where they are null."""
        if self.valid is None:
            return self.values
        match self.values.dtype.kind:
            case "i" | "u" | "b":
                return np.asarray(np.multiply(self.values, self.valid))
            case "f":
                # Bits times one or nothing keep NaN from spreading; half the time of a choice.
                bits = np.dtype(f"i{self.values.dtype.itemsize}")
                kept = np.multiply(self.values.view(bits), self.valid)
                return np.asarray(kept).view(self.values.dtype)
            case _:
                return self.filled(0)

    def totalled(self, values: Values, dtype: "np.dtype[Any]") -> Values:
        """Sum values of the block's shape in a type for each cell of the result."""
        if self.places_per_cell == 1:
            return values.reshape(self._kept_shape)
        return np.asarray(np.add.reduce(values, axis=self.axes, dtype=dtype))

    def counted(self) -> Values | int:
        """Count the valid cells for each cell of the result."""
        if self.valid is None:
            return self.places_per_cell
        if self.places_per_cell == 1:
            return self.valid.reshape(self._kept_shape)
        counted: Values = count_true(self.valid, self.axes)
        return counted

    @property
    def places_per_cell(self) -> int:
        """Cells of the block for each cell of the result."""
        return int(prod(self.values.shape[at] for at in self.axes))

    @property
    def _kept_shape(self) -> tuple[int, ...]:
        return tuple(n for at, n in enumerate(self.values.shape) if at not in self.axes)

    def flat(self, array: Values) -> Values:
        """Return one of the arrays with the reduced axes made one, first."""
        moved = np.moveaxis(array, self.axes, range(len(self.axes)))
        return moved.reshape(-1, *moved.shape[len(self.axes) :])

    def known(self) -> Valid:
        """Return `flat` validity."""
        if self.valid is None:
            return self.flat(np.broadcast_to(np.True_, self.values.shape))
        return self.flat(self.valid)

    def places(self, extent: tuple[int, ...]) -> Values:
        """Return the numbers of cells along the flattened reduced axes, ascending."""
        made: Values = np.zeros((), np.int64)
        for at, start, size in zip(self.axes, self.origin, extent, strict=True):
            made = made[..., None] * size + np.arange(start, start + self.values.shape[at])
        return made.ravel()


def _block(
    values: Values,
    valid: Valid | None,
    axes: tuple[int, ...],
    region: Region,
    origin: tuple[int, ...],
) -> Block:
    if valid is not None and valid.all():
        valid = None
    return Block(values=values, valid=valid, axes=axes, region=region, origin=origin)


def count_true(true: Valid, axes: tuple[int, ...]) -> Any:  # noqa: ANN401  # NumPy's integers
    """Count along axes."""
    # Without an axis NumPy counts eight cells at once; along axes it sums them one by one.
    return np.count_nonzero(true, axis=None if len(axes) == true.ndim else axes)
