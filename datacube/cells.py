"""Cells: values with their validity, the one thing that evaluation passes around."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Values = NDArray[Any]
"""Numbers of any dtype; the shape is stated where it is used."""
type Valid = NDArray[np.bool_]
"""True where the value of the same place is data."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Bands of one window. All arrays have the window's shape, `(..., y, x)`.

    What a value is where `valid` is False is not defined; nothing may read it.
    """

    names: tuple[str, ...]
    values: tuple[Values, ...]
    valid: tuple[Valid, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.values) == len(self.valid):
            raise ValueError(f"{len(self.names)} names, {len(self.values)} bands")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every band."""
        return self.values[0].shape

    @property
    def nbytes(self) -> int:
        """Bytes held by values and validity."""
        return sum(a.nbytes for a in self.values) + sum(a.nbytes for a in self.valid)

    def band(self, name: str) -> tuple[Values, Valid]:
        """Return values and validity of one band."""
        at = self.names.index(name)
        return self.values[at], self.valid[at]

    def select(self, names: tuple[str, ...]) -> "Cells":
        """Return the named bands, in that order, without a copy."""
        at = [self.names.index(name) for name in names]
        return Cells(names, tuple(self.values[i] for i in at), tuple(self.valid[i] for i in at))

    def part(self, at: tuple[slice, ...]) -> "Cells":
        """Return the cells at slices of the shape, without a copy."""
        return Cells(
            self.names, tuple([a[at] for a in self.values]), tuple([a[at] for a in self.valid])
        )

    def filled(self, name: str, nodata: float) -> Values:
        """Return the band with `nodata` where it is not valid, in its own dtype."""
        values, valid = self.band(name)
        return np.where(valid, values, np.asarray(nodata, dtype=values.dtype))
