"""Functions of cells: their names, how many arguments they take, and what type they give.

The bodies are in `datacube.evaluate.functions`, under the same names. The types are
those of rasdaman, so that no stored value can overflow: integers widen, `/` is
floating point, only casts and encoders narrow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.nodes import Apply, Field, Literal, Plan

type ResultType = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The signature of a function."""

    name: str
    least: int
    """Fewest arguments."""
    most: int | None
    """Most arguments; None where a chain of any length is one flat call."""
    result: ResultType
    """From the NumPy names of the arguments' types to that of the result."""


def widened(one: str, other: str) -> str:
    """Type of a sum or product.

    >>> widened("int16", "int16"), widened("uint8", "uint16"), widened("uint8", "float32")
    ('int32', 'uint32', 'float32')
    """
    a, b = np.dtype(one), np.dtype(other)
    if a.kind == "f" or b.kind == "f":
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
    if a.kind == "f" or b.kind == "f":
        return _floating(a, b)
    return _next_integer(a, b, signed=True)


def quotient(one: str, other: str) -> str:
    """Type of a quotient: float32 where both have at most 16 bits or are float32.

    >>> quotient("int16", "uint8"), quotient("int32", "int32")
    ('float32', 'float64')
    """
    return "float32" if _fits_float32(one) and _fits_float32(other) else "float64"


def _next_integer(a: "np.dtype[np.generic]", b: "np.dtype[np.generic]", *, signed: bool) -> str:
    bits = min(64, 16 * max(a.itemsize, b.itemsize))
    return f"{'int' if signed else 'uint'}{bits}"


def _floating(a: "np.dtype[np.generic]", b: "np.dtype[np.generic]") -> str:
    exact = all(_fits_float32(t.name) for t in (a, b))
    return "float32" if exact else "float64"


def _fits_float32(name: str) -> bool:
    dtype = np.dtype(name)
    return dtype == np.float32 or (dtype.kind in "iub" and dtype.itemsize <= 2)


def _widest(types: tuple[str, ...]) -> str:
    return reduce(widened, types)


def _difference(types: tuple[str, ...]) -> str:
    return signed_widened(*types)


def _negative(types: tuple[str, ...]) -> str:
    return signed_widened(types[0], types[0])


def _quotient(types: tuple[str, ...]) -> str:
    return quotient(*types)


def _root(types: tuple[str, ...]) -> str:
    return "float32" if all(_fits_float32(t) for t in types) else "float64"


def _boolean(_: tuple[str, ...]) -> str:
    return "bool"


def _same(types: tuple[str, ...]) -> str:
    return np.result_type(*types).name


def _function(name: str, result: ResultType, least: int, most: int | None = 0) -> Function:
    return Function(name=name, least=least, most=least if most == 0 else most, result=result)


FUNCTIONS: Mapping[str, Function] = {
    f.name: f
    for f in (
        _function("+", _widest, 2, None),
        _function("-", _difference, 2),
        _function("*", _widest, 2, None),
        _function("/", _quotient, 2),
        _function("negative", _negative, 1),
        _function("=", _boolean, 2),
        _function("!=", _boolean, 2),
        _function("<", _boolean, 2),
        _function("<=", _boolean, 2),
        _function(">", _boolean, 2),
        _function(">=", _boolean, 2),
        _function("and", _boolean, 2, None),
        _function("or", _boolean, 2, None),
        _function("not", _boolean, 1),
        _function("min", _same, 2, None),
        _function("max", _same, 2, None),
        _function("abs", _same, 1),
        _function("sqrt", _root, 1),
        _function("exp", _root, 1),
        _function("ln", _root, 1),
        _function("log", _root, 1),
        _function("pow", _root, 2),
    )
}
"""Every function by name. Any invalid operand makes the cell invalid, except in
comparisons, which are false there; a result that is not a number is invalid."""


def result_fields(name: str, args: tuple[Plan, ...]) -> tuple[Field, ...]:
    """Return the fields of a function applied to plans.

    An argument with one field goes with every field of the others; the names are
    those of the first argument that is no literal and has the most fields.

    Raises
    ------
    UnknownNameError
        If there is no such function.
    InvalidParameterError
        If the number of arguments, or of their fields, does not fit.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise UnknownNameError("function", name, tuple(FUNCTIONS))
    most = len(args) if function.most is None else function.most
    if not function.least <= len(args) <= most:
        allowed = f"{function.least}" + (" or more" if function.most is None else "")
        raise InvalidParameterError(f"{name!r} takes {allowed} arguments, not {len(args)}")
    widths = {len(arg.fields) for arg in args} - {1}
    if len(widths) > 1:
        raise InvalidParameterError(f"{name!r} of {sorted(widths)} bands: the numbers differ")
    width = widths.pop() if widths else 1
    names = _names(args, width)
    return tuple(
        _field(names[i], function.result(tuple(_operand_type(arg, i) for arg in args)))
        for i in range(width)
    )


def apply(name: str, *args: Plan) -> Apply:
    """Return the node of a function applied to plans of equal domains."""
    return Apply(function=name, args=args, result=result_fields(name, args))


def _names(args: tuple[Plan, ...], width: int) -> tuple[str, ...]:
    for arg in args:
        if len(arg.fields) == width and not isinstance(arg, Literal):
            return tuple(f.name for f in arg.fields)
    return tuple(f.name for f in args[0].fields)


def _operand_type(arg: Plan, at: int) -> str:
    if isinstance(arg, Literal) and isinstance(arg.value, int):
        # An integer in a formula is as wide as its value needs, so B04 * 2 stays below 64 bits.
        return np.min_scalar_type(arg.value).name
    return arg.fields[min(at, len(arg.fields) - 1)].dtype


def _field(name: str, dtype: str) -> Field:
    return Field(name=name, dtype=dtype, nodata=None)
