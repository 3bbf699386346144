"""Which stored type and nodata number a format gives to fields."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from datacube.cells import Cells, Values
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Field

_WIDER = {
    "uint8": "int16",
    "int16": "int32",
    "uint16": "int32",
    "int32": "int64",
    "uint32": "int64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A number type and the number that means no data in it."""

    dtype: str
    """NumPy name."""
    nodata: float | int

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type."""
        return np.dtype(self.dtype)

    def fill(self, cells: Cells, name: str) -> Values:
        """Return a field in this type with nodata where it is not valid."""
        values, valid = cells.band(name)
        dtype = self.numpy_dtype
        out: Values = np.full(values.shape, self.nodata, dtype)
        np.copyto(out, values, where=valid, casting="unsafe")
        return out


def stored_as(fields: tuple[Field, ...]) -> Stored:
    """Return one type that holds every legal value of `fields` unchanged, and its nodata.

    The type is the smallest that NumPy promotes all to; Booleans become `uint8`,
    `int8` `int16` and `float16` `float32`, which every reader knows. The nodata is
    the first of these that no valid cell of any field can have: the fields' own, in
    order; the least, then the greatest number of the type. Where none is left
    (two bytes bands with different nodata), the next wider type is taken. Floating
    point is NaN unless all fields declare the same number and the type holds it. Wherever
    fields differ in nodata, cells that are not valid are rewritten.

    Raises
    ------
    InvalidParameterError
        If no type holds them all: 64-bit integers beside floating point, or complex numbers.
    """
    types = [_readable(field) for field in fields]
    dtype = np.result_type(*types)
    if dtype.kind == "f":
        if any(t.kind in "iu" and t.itemsize == 8 for t in types):
            raise _no_type(fields)
        return Stored(dtype=dtype.name, nodata=_float_nodata(fields, dtype))
    while True:
        for number in _candidates(fields, dtype):
            if all(_is_free(number, field) for field in fields):
                return Stored(dtype=dtype.name, nodata=number)
        if dtype.name not in _WIDER:
            raise _no_type(fields)
        dtype = np.dtype(_WIDER[dtype.name])


def _readable(field: Field) -> np.dtype[Any]:
    dtype = field.numpy_dtype
    if dtype.kind == "b":
        return np.dtype("uint8")
    if dtype.kind not in "iuf":
        raise InvalidParameterError(
            f"{field.name} is {dtype.name}, which no file format here holds"
        )
    return np.dtype({"int8": "int16", "float16": "float32"}.get(dtype.name, dtype.name))


def _float_nodata(fields: tuple[Field, ...], dtype: np.dtype[Any]) -> float:
    declared = {field.nodata for field in fields}
    number = declared.pop()
    if declared or number is None or not abs(number) <= float(np.finfo(dtype).max):
        return float("nan")
    return float(number)


def _candidates(fields: tuple[Field, ...], dtype: np.dtype[Any]) -> list[int]:
    limits = np.iinfo(dtype)
    declared = [
        int(f.nodata) for f in fields if f.nodata is not None and float(f.nodata).is_integer()
    ]
    return [
        n for n in (*declared, int(limits.min), int(limits.max)) if limits.min <= n <= limits.max
    ]


def _is_free(number: int, field: Field) -> bool:
    """Tell whether no valid cell of `field` can be `number`."""
    dtype = field.numpy_dtype
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if field.nodata is not None and number == field.nodata:
        return True
    # Results of signed arithmetic are widened and never reach the least number of their type.
    reached_low = (
        low + 1 if dtype.kind == "i" and field.nodata is None and field.band is None else low
    )
    return not reached_low <= number <= high


def _no_type(fields: tuple[Field, ...]) -> InvalidParameterError:
    named = ", ".join(f"{field.name} ({field.dtype})" for field in fields)
    return InvalidParameterError(
        f"no single number type holds {named} with a nodata value; ask for fewer bands"
    )
