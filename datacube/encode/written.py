"""The type, nodata and fills of one file, from what was asked and what the fields are."""

from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.encode.numbers import stored_as
from datacube.encode.shades import first_null, null_fills
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Field

_PLAIN = {"bool": "uint8", "int8": "int16", "float16": "float32"}
"""Types that some readers of files do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How the fields of a file are written."""

    dtype: str
    """NumPy name."""
    nodata: float | int | None
    """What the file declares as nodata."""
    fills: tuple[complex, ...]
    """What stands in a cell that is null, one number a field."""
    ieee: bool
    """Infinities and NaN stay; else they become nodata, as a result of x/0 has no value."""
    masked: bool = False
    """No number of the type is free, so a mask beside the bands tells what is null."""

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type."""
        return np.dtype(self.dtype)

    def fill(self, cells: Cells, name: str, at: int) -> Values:
        """Return field number `at` in this type, with its fill where it is null.

        The cells' own array where it is of the type and nothing is null: nothing may write.
        """
        values, valid = cells.band(name)
        dtype = self.numpy_dtype
        if not self.ieee:
            valid = finite(values, valid)
        if valid.all():
            return values.astype(self.numpy_dtype, copy=False)
        out: Values = np.full(values.shape, self.fills[at], dtype)
        np.copyto(out, values, where=valid, casting="unsafe")
        return out


def finite(values: Values, valid: Valid) -> Valid:
    """Return where there is a value to write: infinities and NaN, as of x/0, are none."""
    return valid & np.isfinite(values) if values.dtype.kind in "fc" else valid


def written_as(
    fields: tuple[Field, ...],
    nodata: tuple[float, ...],
    *,
    compat: bool,
    maskable: bool = False,
) -> Written:
    """Return how fields are written into one file.

    With a `nodata` in the fields' common type with that number, which the file
    declares where it is one for all. With `compat` in that type too, and what is null
    as the first null value. Else in the type and with the nodata of `stored_as`, which
    no valid cell has; but where that type would be wider only because a computed field
    leaves no number free, and the file is `maskable`, in the narrow type with 0 under a
    mask, so that a cast to `unsigned char` gives a file of bytes. Complex numbers are
    `complex64` or `complex128`, and null NaN.

    Raises
    ------
    InvalidParameterError
        If no type holds all fields, or a number of `nodata`.
    """
    dtype = np.result_type(*(np.dtype(_PLAIN.get(f.dtype, f.dtype)) for f in fields))
    if not nodata and not compat and dtype.kind != "c":
        if maskable and _is_full(fields, dtype):
            none_free = (0,) * len(fields)
            return Written(dtype=dtype.name, nodata=None, fills=none_free, ieee=False, masked=True)
        stored = stored_as(fields)
        fills = (stored.nodata,) * len(fields)
        # Of a band of which every number is data, none may be declared.
        declared = None if any(map(_is_gapless, fields)) else stored.nodata
        return Written(dtype=stored.dtype, nodata=declared, fills=fills, ieee=False)
    if nodata:
        numbers = null_fills(fields, nodata, compat=compat)
        for number in numbers:
            _check_holds(dtype, number)
        declared = numbers[0] if len(set(numbers)) == 1 else None
        return Written(dtype=dtype.name, nodata=declared, fills=numbers, ieee=compat)
    if compat:
        numbers = tuple(_held(dtype, first_null(field)) for field in fields)
        known = {n for f, n in zip(fields, numbers, strict=True) if f.nulls or f.nodata is not None}
        declared = known.pop() if len(known) == 1 and len(set(numbers)) == 1 else None
        return Written(dtype=dtype.name, nodata=declared, fills=numbers, ieee=True)
    null = complex("nan+nanj")
    return Written(dtype=dtype.name, nodata=None, fills=(null,) * len(fields), ieee=False)


def _is_full(fields: tuple[Field, ...], dtype: np.dtype[Any]) -> bool:
    """Tell whether a field of whole numbers may have every number of its type."""
    return dtype.kind == "u" and any(
        (field.nodata is None or _is_gapless(field)) and field.numpy_dtype == dtype
        for field in fields
    )


def _is_gapless(field: Field) -> bool:
    return field.band is not None and field.band.gapless


def _check_holds(dtype: np.dtype[Any], number: float) -> None:
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not isfinite(number) or not float(number).is_integer():
            raise _no_room(dtype, number)
        if not limits.min <= number <= limits.max:
            raise _no_room(dtype, number)


def _no_room(dtype: np.dtype[Any], number: float) -> InvalidParameterError:
    return InvalidParameterError(
        f"nodata {number:g} is no number of the result's type {dtype.name}: cast the result, "
        "or choose another nodata",
        parameter="encode",
    )


def _held(dtype: np.dtype[Any], number: float) -> float:
    """Return a null value as the type holds it: clamped, as casts are."""
    if dtype.kind not in "iu":
        return number
    limits = np.iinfo(dtype)
    return 0 if isnan(number) else int(min(max(number, limits.min), limits.max))
