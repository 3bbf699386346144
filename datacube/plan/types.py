"""Types of results, by the table in `docs/reference/wcps-types.md`.

They are rasdaman's, so that no stored value can overflow: integers widen, `/` is
floating point, only casts and encoders narrow. Types go by their NumPy names.
"""

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

type ResultType = Callable[[tuple[str, ...]], str]
"""From the types of the arguments to that of the result."""

CAST_TYPES: Mapping[str, str] = {
    "boolean": "bool",
    "char": "uint8",
    "unsigned char": "uint8",
    "octet": "int8",
    "signed char": "int8",
    "short": "int16",
    "unsigned short": "uint16",
    "int": "int32",
    "unsigned int": "uint32",
    "long": "int32",
    "unsigned long": "uint32",
    "float": "float32",
    "double": "float64",
    "complex": "complex64",
    "complex2": "complex128",
    # NumPy has no complex integers: the floating type that holds all of them exactly.
    "cint16": "complex64",
    "cint32": "complex128",
}
"""WCPS name of a cast's type, in lower case with single blanks, to NumPy's."""

CASTS = (
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float32", "float64", "complex64", "complex128"),
)
"""Types that cells can be cast to."""


def widened(one: str, other: str) -> str:
    """Type of a sum, product, integer quotient or remainder.

    >>> widened("int16", "int16"), widened("uint8", "uint16"), widened("uint8", "float32")
    ('int32', 'uint32', 'float32')
    """
    a, b = np.dtype(one), np.dtype(other)
    if a.kind in "fc" or b.kind in "fc":
        return _floating(a, b)
    if a.kind == "b" or b.kind == "b":
        return (b if a.kind == "b" else a).name if a != b else "uint8"
    return _next_integer(a, b, signed=not (a.kind == b.kind == "u"))


def signed_widened(one: str, other: str) -> str:
    """Type of a difference: as `widened`, but integers become signed.

    >>> signed_widened("uint8", "uint8")
    'int16'
    """
    a, b = np.dtype(one), np.dtype(other)
    if a.kind in "fc" or b.kind in "fc":
        return _floating(a, b)
    return "int8" if a.kind == b.kind == "b" else _next_integer(a, b, signed=True)


def floating(types: tuple[str, ...]) -> str:
    """Type of a quotient, root, power: float32 while all have at most 16 bits or are float32.

    >>> floating(("int16", "uint8")), floating(("int32", "int32"))
    ('float32', 'float64')
    """
    return reduce(lambda a, b: _floating(np.dtype(a), np.dtype(b)), types, "bool")


def common(types: tuple[str, ...]) -> str:
    """Narrowest type that holds the values of all of them; int64 beside uint64 stays int64.

    >>> common(("uint8", "int16")), common(("int32", "float32")), common(("uint64", "int8"))
    ('int16', 'float64', 'int64')
    """
    return reduce(_common, types)


def sum_type(types: tuple[str, ...]) -> str:
    """Type of a sum of any number of cells."""
    kind = np.dtype(types[0]).kind
    return {"b": "uint64", "u": "uint64", "i": "int64", "f": "float64"}.get(kind, "complex128")


def mean_type(types: tuple[str, ...]) -> str:
    """Type of a mean or product of any number of cells."""
    return "complex128" if np.dtype(types[0]).kind == "c" else "float64"


def part_type(types: tuple[str, ...]) -> str:
    """Type of the real part, imaginary part or size of a number."""
    return {"complex64": "float32", "complex128": "float64"}.get(types[0], types[0])


def complex_type(types: tuple[str, ...]) -> str:
    """Type of a complex number with parts of these types."""
    return {"float32": "complex64"}.get(floating(types), "complex128")


def same(types: tuple[str, ...]) -> str:
    """Return the first operand's."""
    return types[0]


def always(name: str) -> ResultType:
    """Return the rule of a function that always gives one type."""
    return lambda _: name


def fold(rule: Callable[[str, str], str]) -> ResultType:
    """Return the rule of a chain, folded from the left."""
    return lambda types: reduce(rule, types)


def _next_integer(a: "np.dtype[np.generic]", b: "np.dtype[np.generic]", *, signed: bool) -> str:
    bits = min(64, 16 * max(a.itemsize, b.itemsize))
    return f"{'int' if signed else 'uint'}{bits}"


def _floating(a: "np.dtype[np.generic]", b: "np.dtype[np.generic]") -> str:
    short = _fits_float32(a) and _fits_float32(b)
    if "c" in (a.kind, b.kind):
        return "complex64" if short else "complex128"
    return "float32" if short else "float64"


def _fits_float32(dtype: "np.dtype[np.generic]") -> bool:
    return dtype in (np.float32, np.complex64) or (dtype.kind in "iub" and dtype.itemsize <= 2)


def _common(one: str, other: str) -> str:
    if {one, other} <= {"uint64", "int64", "int32", "int16", "int8"} and "uint64" in (one, other):
        return "uint64" if one == other else "int64"
    return np.result_type(one, other).name
