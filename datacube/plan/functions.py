"""Functions of cells: their names, how many arguments they take, and what type they give.

The bodies are in `datacube.evaluate.functions`, under the same names; types and
nulls stand as tables in `docs/reference/wcps-types.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.nodes import Apply, Bands, Field, Literal, Plan
from datacube.plan.types import (
    CASTS,
    ResultType,
    always,
    common,
    complex_type,
    floating,
    fold,
    part_type,
    same,
    signed_widened,
    widened,
)

_ANY = "biufc"
_REAL = "biuf"
_NUMBER = "iufc"
_INTEGER = "biu"
_KINDS = {"b": "boolean", "i": "integer", "u": "integer", "f": "float", "c": "complex"}


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
    takes: str = _ANY
    """NumPy kinds of the types that it takes: b, i, u, f, c."""


def _function(
    name: str, result: ResultType, least: int, most: int | None = 0, takes: str = _ANY
) -> Function:
    most = least if most == 0 else most
    return Function(name=name, least=least, most=most, result=result, takes=takes)


def _switched(types: tuple[str, ...]) -> str:
    return common((*types[1::2], types[-1]))


_BOOLEAN = always("bool")

FUNCTIONS: Mapping[str, Function] = {
    f.name: f
    for f in (
        _function("+", fold(widened), 2, None),
        _function("-", fold(signed_widened), 2),
        _function("*", fold(widened), 2, None),
        _function("/", floating, 2),
        _function("div", fold(widened), 2, takes=_REAL),
        _function("mod", fold(widened), 2, takes=_REAL),
        _function("pow", floating, 2),
        _function("negative", lambda types: signed_widened(types[0], types[0]), 1, takes=_NUMBER),
        _function("positive", same, 1, takes=_NUMBER),
        _function("abs", part_type, 1),
        *(_function(name, same, 1, takes=_REAL) for name in ("round", "floor", "ceil")),
        *(_function(name, floating, 1) for name in ("sqrt", "exp", "ln", "log")),
        *(_function(name, floating, 1) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")),
        *(_function(name, floating, 1) for name in ("arcsin", "arccos", "arctan")),
        _function("atan2", floating, 2, takes=_REAL),
        *(_function(name, _BOOLEAN, 2) for name in ("=", "!=")),
        *(_function(name, _BOOLEAN, 2, takes=_REAL) for name in ("<", "<=", ">", ">=")),
        *(_function(name, _BOOLEAN, 2, None) for name in ("and", "or", "xor")),
        _function("not", _BOOLEAN, 1),
        _function("bit", _BOOLEAN, 2, takes=_INTEGER),
        _function("is null", _BOOLEAN, 1),
        _function("is not null", _BOOLEAN, 1),
        _function("min", common, 2, None, takes=_REAL),
        _function("max", common, 2, None, takes=_REAL),
        _function("overlay", common, 2, None),
        _function("switch", _switched, 3, None),
        _function("re", part_type, 1),
        _function("im", part_type, 1),
        _function("complex", complex_type, 2, takes=_REAL),
        *(_function(f"cast {dtype}", always(dtype), 1) for dtype in CASTS),
    )
}
"""Every function by name.

`switch` takes `condition, value, condition, value, ..., default`; where an operand is a
truth, any number but zero is true. `div` and `mod` round towards zero; `complex` makes a
number of its parts; `bit(a, n)` tells bit `n` of `a`, counted from 0.
"""

CHOICES: frozenset[str] = frozenset({"overlay", "switch"})
"""Functions that hand on one of their operands' values."""


def result_fields(name: str, args: tuple[Plan, ...]) -> tuple[Field, ...]:
    """Return the fields of a function applied to plans.

    An argument with one field goes with every field of the others; the names are
    those of the first argument that is no literal and has the most fields. The null
    set of a field is the union of its operands' sets; truths have none.

    Raises
    ------
    UnknownNameError
        If there is no such function.
    InvalidParameterError
        If the number of arguments, of their fields, or a type does not fit.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise UnknownNameError("function", name, tuple(FUNCTIONS))
    most = len(args) if function.most is None else function.most
    if not function.least <= len(args) <= most:
        allowed = f"{function.least}" + (" or more" if function.most is None else "")
        raise InvalidParameterError(f"{name!r} takes {allowed} arguments, not {len(args)}")
    if name == "switch" and len(args) % 2 == 0:
        raise InvalidParameterError("'switch' takes pairs of condition and value, then a default")
    widths = {len(arg.fields) for arg in args} - {1}
    if len(widths) > 1:
        raise InvalidParameterError(f"{name!r} of {sorted(widths)} bands: the numbers differ")
    width = widths.pop() if widths else 1
    values = (*args[1::2], args[-1]) if name == "switch" else args
    names = _names(values, width)
    return tuple(_field(function, args, values, at, names[at]) for at in range(width))


def apply(name: str, *args: Plan, compat: bool = False) -> Apply:
    """Return the node of a function applied to plans of equal domains."""
    return Apply(function=name, args=args, result=result_fields(name, args), compat=compat)


def _names(args: tuple[Plan, ...], width: int) -> tuple[str, ...]:
    for arg in args:
        if len(arg.fields) == width and not isinstance(arg, Literal):
            return tuple(f.name for f in arg.fields)
    named = max(args, key=lambda arg: len(arg.fields)).fields
    return tuple(named[min(at, len(named) - 1)].name for at in range(width))


def _operand_type(arg: Plan, at: int) -> str:
    at = min(at, len(arg.fields) - 1)
    if isinstance(arg, Bands) and isinstance(arg.picks[at].source, Literal):
        arg, at = arg.picks[at].source, 0
    if isinstance(arg, Literal):
        return literal_type(arg)
    return arg.fields[at].dtype


def literal_type(literal: Literal) -> str:
    """Return the narrowest type of an integer in a formula, another number's own.

    So `B04 * 2` stays below 64 bits. Null is of every type, and boolean, the least of
    them, widens none.

    Raises
    ------
    InvalidParameterError
        If an integer has more than 64 bits.
    """
    value: object = literal.value
    if value is None:
        return "bool"
    if not isinstance(value, int):
        return literal.fields[0].dtype
    dtype = np.min_scalar_type(value)
    if dtype.kind not in "biu":
        raise InvalidParameterError(f"{value}: integers have at most 64 bits")
    return dtype.name


def is_constant(arg: Plan) -> bool:
    """Tell whether a plan is a number before any cell is: a literal or a function of such."""
    return isinstance(arg, Literal) or (isinstance(arg, Apply) and all(map(is_constant, arg.args)))


def _field(
    function: Function, args: tuple[Plan, ...], values: tuple[Plan, ...], at: int, name: str
) -> Field:
    types = tuple(_operand_type(arg, at) for arg in args)
    for dtype in types:
        if np.dtype(dtype).kind not in function.takes:
            allowed = " or ".join(dict.fromkeys(_KINDS[kind] for kind in function.takes))
            raise InvalidParameterError(f"{function.name!r} takes {allowed} numbers, not {dtype}")
    made = function.result(types)
    if function.result is floating and all(map(is_constant, args)):
        # 1 / 3 and sqrt(2) are numbers before any cell is: they keep every digit.
        made = floating((made, "int32"))
    sets = (arg.fields[min(at, len(arg.fields) - 1)].nulls for arg in values)
    nulls = () if function.result is _BOOLEAN else tuple(dict.fromkeys(chain.from_iterable(sets)))
    return Field(name=name, dtype=made, nodata=None, nulls=nulls)
