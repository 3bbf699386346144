"""What every node has: a domain, fields and a key."""

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from datacube.axes import Axis, RegularAxis
from datacube.cube import Band
from datacube.errors import InvalidParameterError
from datacube.grid import Grid, Window
from datacube.plan.digest import compared_parts, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The axes of a node, in array order; none at all for a single number."""

    outer: tuple[Axis, ...] = ()
    """Axes before the plane: time, height, an iterator, ...; a sliced axis is gone."""
    grid: Grid | None = None
    """The plane, whose y and x are the last two axes; None where there is no plane."""

    @property
    def plane(self) -> Grid:
        """The plane.

        Raises
        ------
        InvalidParameterError
            If there is none.
        """
        if self.grid is None:
            names = ", ".join(axis.name for axis in self.axes) or "none"
            raise InvalidParameterError(f"a map's two axes are needed; the axes are: {names}")
        return self.grid

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes, in array order."""
        if self.grid is None:
            return self.outer
        return (*self.outer, self.grid.y, self.grid.x)

    @property
    def window(self) -> Window:
        """All cells."""
        return Window(tuple((axis.first, axis.stop) for axis in self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(axis.size for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of cells; 1 where there is no axis."""
        return prod(self.shape)

    def without(self, at: int) -> "Domain":
        """Return the domain without the axis at position `at`.

        The other axis of a broken plane stays as the last outer one and keeps its CRS.
        """
        if at < len(self.outer):
            return replace(self, outer=self.outer[:at] + self.outer[at + 1 :])
        grid = self.plane
        left = grid.x if at == len(self.outer) else grid.y
        return Domain(outer=(*self.outer, replace(left, crs=grid.crs)))

    def less(self, positions: tuple[int, ...]) -> "Domain":
        """Return the domain without the axes at `positions`."""
        made = self
        for at in sorted(positions, reverse=True):
            made = made.without(at)
        return made

    def having(self, at: int, axis: Axis) -> "Domain":
        """Return the domain with another axis at position `at`.

        Raises
        ------
        InvalidParameterError
            If an axis of the plane would become irregular.
        """
        if at < len(self.outer):
            return replace(self, outer=(*self.outer[:at], axis, *self.outer[at + 1 :]))
        if not isinstance(axis, RegularAxis):
            raise InvalidParameterError(f"axis {axis.name!r} of a plane is regular")
        grid = self.plane
        return replace(
            self,
            grid=replace(grid, y=axis) if at == len(self.outer) else replace(grid, x=axis),
        )


POINT = Domain()
"""The domain of a single number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One component of a node's range."""

    name: str
    dtype: str
    """NumPy name of the type that evaluation gives."""
    nodata: float | None
    """What an encoder writes where a cell is not valid; None: the encoder's choice."""
    band: Band | None = None
    """The stored band, where the field is one unchanged."""
    nulls: tuple[float, ...] = ()
    """The null set of WCPS: for a formula the union of its operands' sets."""

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type that evaluation gives."""
        return np.dtype(self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """Equality and hash by `key`."""

    key: str = field(init=False, repr=False, compare=False)
    """Digest of the fields that are compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest(type(self).__name__, *compared_parts(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
