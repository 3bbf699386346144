"""Numbers as text, in the forms that clients of WCPS read.

float32 has seven digits (`%.7g`), a double the fewest that read back equal, without
`.0` in arrays and with it alone; Booleans are `t` and `f`, in JSON `true` and `false`;
complex numbers are `(re,im)`.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.encode.answer import EncodeJob
from datacube.encode.shades import first_null
from datacube.errors import InvalidParameterError
from datacube.plan.formats import TEXT
from datacube.plan.nodes import Field, Picture

NULL = "NULL"
"""A null number alone, which clients decode as none."""
type Write = Callable[[Any], str]
"""One number of a type to text."""
_WIDTHS = {"b": 6, "f4": 15, "f8": 25, "c": 52}
"""Most characters of a number with its separator, by kind; integers by their size."""


def writer(dtype: np.dtype[Any], *, json: bool = False) -> Write:
    """Return what writes one cell of an array of `dtype`.

    JSON has no numbers that are not finite: they are null there.
    """
    match dtype.kind:
        case "b":
            true, false = ("true", "false") if json else ("t", "f")
            return lambda value: true if value else false
        case "i" | "u":
            return str
        case "f":
            plain = _float32 if dtype.itemsize <= 4 else _double
            return (lambda value: plain(value) if isfinite(value) else "null") if json else plain
        case "c":
            part = _float32 if dtype.itemsize <= 8 else _double
            return lambda value: f"({part(value.real)},{part(value.imag)})"
        case _:
            raise InvalidParameterError(f"cells of type {dtype.name} have no text form")


def cell_characters(dtype: np.dtype[Any]) -> int:
    """Return the most characters that a cell of `dtype` takes, its separator included."""
    if dtype.kind in "iu":
        return len(str(np.iinfo(dtype).min or np.iinfo(dtype).max)) + 1
    key = dtype.kind if dtype.kind in "bc" else ("f4" if dtype.itemsize <= 4 else "f8")
    return _WIDTHS[key]


def cell_texts(values: Values, valid: Valid, write: Write, null: str) -> list[str]:
    """Return the text of every cell in row-major order; `null` where it is not valid."""
    texts = list(map(write, values.ravel().tolist()))
    if not valid.all():
        for at in np.flatnonzero(~valid.ravel()).tolist():
            texts[at] = null
    return texts


def null_text(field: Field, nodata: float | None, *, compat: bool, json: bool) -> str:
    """Return what stands for null in an array: the asked nodata, else `null`.

    With `compat` it is the first null value, as rasdaman writes it.
    """
    if nodata is None and not compat:
        return "null"
    number = first_null(field) if nodata is None else nodata
    if json and not isfinite(number):
        return "null"
    if not isfinite(number) or field.numpy_dtype.kind not in "biu":
        return _double(float(number))
    return writer(field.numpy_dtype, json=json)(int(number))


def scalar_text(
    fields: tuple[Field, ...],
    values: tuple[object, ...],
    valid: tuple[bool, ...],
    *,
    compat: bool = False,
) -> str:
    """Write single numbers, one a field, as clients decode them: `t`, `119.0`, `{ 1, 2 }`.

    What is null is `NULL`; with `compat` the first null value, where the field has one.

    >>> scalar_text((Field(name="", dtype="float64", nodata=None),), (119.0,), (True,))
    '119.0'
    """
    texts = []
    for field, value, known in zip(fields, values, valid, strict=True):
        if known:
            texts.append(_alone(value, field.numpy_dtype))
        elif compat and field.nulls:
            texts.append(_alone(field.numpy_dtype.type(field.nulls[0]).item(), field.numpy_dtype))
        else:
            texts.append(NULL)
    return texts[0] if len(texts) == 1 else f"{{ {', '.join(texts)} }}"


def scalar_of(fields: tuple[Field, ...], cells: Cells, *, compat: bool = False) -> str:
    """Write the cells of a plan without axes by `scalar_text`."""
    picked = cells.select(tuple(field.name for field in fields))
    values = tuple(np.asarray(array).item() for array in picked.values)
    valid = tuple(bool(np.asarray(array).item()) for array in picked.valid)
    return scalar_text(fields, values, valid, compat=compat)


def encode_scalar(job: EncodeJob) -> bytes:
    """Write a plan without axes as plain text.

    Raises
    ------
    InvalidParameterError
        If it has axes: an array needs `encode`.
    """
    plan = job.node.source
    if isinstance(plan, Picture) or plan.domain.axes:
        names = () if isinstance(plan, Picture) else [axis.name for axis in plan.domain.axes]
        raise InvalidParameterError(
            f"the result is an array with the axes {', '.join(names) or 'of a map'}, and {TEXT} "
            "holds single numbers: encode it, or reduce it by avg, max, ...",
            parameter="format",
        )
    cells = job.compute(plan, plan.domain.window)
    return scalar_of(plan.fields, cells, compat=job.node.compat).encode()


def _alone(value: object, dtype: np.dtype[Any]) -> str:
    if dtype.kind == "f" and dtype.itemsize == 8:
        return repr(float(value))  # type: ignore[arg-type]  # the dtype says it is a float
    return writer(dtype)(value)


def _float32(value: float) -> str:
    return f"{value:.7g}"


def _double(value: float) -> str:
    return repr(value).removesuffix(".0")
