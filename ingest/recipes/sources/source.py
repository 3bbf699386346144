"""A file as variables with dimensions and coordinates, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from datacube.cube import ClassValue

type Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An array of a file, as it lies there."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    """In native byte order, unsigned where the file says so."""
    nodata: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    title: str | None = None
    standard_name: str | None = None
    classes: tuple[ClassValue, ...] = ()
    masked: bool = False
    """Whether the file has a mask of its own beside the numbers."""
    blocks: tuple[int, ...] = ()
    """Shape of what is decoded in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate:
    """The coordinates along one dimension."""

    name: str
    dim: str
    values: NDArray[np.float64]
    single: bool
    """Whether they are written as float32, and so are exact to 1e-7 only."""
    attributes: Attributes = field(default_factory=dict)
    bounds: NDArray[np.float64] | None = None
    """`(size, 2)`, where the file has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Where rows and columns of a raster file lie."""

    transform: Affine | None
    """From `(column, row)` to `(x, y)`; None where the file does not say."""
    crs: CRS | None


class SourceFile(Protocol):
    """One file, opened: headers only. Safe to read from several threads."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def location(self) -> str:
        """Path or address by which it is opened again."""
        ...

    @property
    def modified(self) -> datetime:
        """When it was written last."""
        ...

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Arrays by name; those of bands are named by their number."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Metadata of the whole file."""
        ...

    def coordinate(self, name: str) -> Coordinate | None:
        """Return the coordinate variable `name`, or None where there is none of one dimension.

        Raises
        ------
        SourceError
            If it cannot be read.
        """
        ...

    def coordinates_of(self, dim: str) -> Coordinate | None:
        """Return the coordinates along a dimension, or None."""
        ...

    def plane(self, variable: str) -> Plane:
        """Return what the file says of the plane of a variable beside its coordinates."""
        ...

    def read(self, variable: str, index: tuple[slice, ...]) -> NDArray[Any]:
        """Return stored numbers, one slice of step 1 a dimension.

        Raises
        ------
        SourceError
            If they cannot be read or decoded.
        """
        ...

    def mask(self, variable: str, index: tuple[slice, ...]) -> NDArray[np.bool_]:
        """Return the file's own mask, true where there is data; only of masked variables."""
        ...
