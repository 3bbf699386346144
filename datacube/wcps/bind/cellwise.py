"""Numbers, operators and everything else that works cell by cell."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.plan.functions import apply
from datacube.plan.nodes import Apply, Literal, Plan
from datacube.plan.types import CAST_TYPES
from datacube.plan.udf import user_apply
from datacube.wcps import syntax
from datacube.wcps.bind.align import about_of, align
from datacube.wcps.bind.iterators import compare_times, index_operation
from datacube.wcps.bind.scope import Binder, Scope, as_raster, describe
from datacube.wcps.bind.values import (
    Constant,
    Index,
    Moments,
    Raster,
    Value,
    Words,
)

SUFFIXES: Mapping[str, str] = {
    "c": "uint8",
    "uc": "uint8",
    "o": "int8",
    "s": "int16",
    "us": "uint16",
    "l": "int32",
    "ul": "uint32",
    "f": "float32",
    "d": "float64",
}
"""Suffix of a number to the NumPy name of its type."""

MAX_FOLDED = 200
"""Operands in one run of an operator that is no sum, product or the like."""

_FLAT = frozenset({"+", "*", "and", "or", "xor", "overlay"})
_INDEXED = frozenset({"+", "-", "*", "concat"})


def apply_values(
    function: str, values: Sequence[Value], scope: Scope, *, user: bool = False
) -> Value:
    """Apply a function of cells to what its arguments have come to.

    Constants give a constant of the type that the function gives cells; `user` functions
    are those that operators added.

    Raises
    ------
    InvalidParameterError
        If an argument is neither cells nor a number, or they do not go together.
    """
    rasters = tuple(as_raster(value, scope) for value in values)
    aligned = align(rasters, scope)
    plans = tuple(raster.plan for raster in aligned)
    context = scope.context
    made: Apply
    if user:
        made = user_apply(context.functions, function, plans, compat=context.compat)
    else:
        made = apply(function, *plans, compat=context.compat)
        if all(isinstance(value, Constant) for value in values):
            return constant(context.fold(made), made.fields[0].dtype)
    return Raster(plan=made, iterators=aligned[0].iterators, about=about_of(rasters))


def typed_number(literal: Literal) -> Plan:
    """Return a literal cast to the type that its number has in a formula."""
    dtype = _own_type(literal.value)
    return literal if dtype in (None, literal.fields[0].dtype) else apply(f"cast {dtype}", literal)


def constant(value: complex | None, dtype: str) -> Constant:
    """Return a number of a type; the type is named only where the number does not tell it."""
    return Constant(value=value, dtype=None if dtype == _own_type(value) else dtype)


def _own_type(value: complex | None) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "bool"
        case int():
            return np.min_scalar_type(value).name
        case float():
            return "float64"
        case _:
            return "complex128"


def _number(expr: syntax.Number, scope: Scope) -> Value:
    del scope
    if not expr.suffix:
        _check_integer(expr.value)
        return Constant(value=expr.value)
    dtype = np.dtype(SUFFIXES[expr.suffix])
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return constant(float(np.asarray(expr.value, dtype).item()), dtype.name)
    bounds = np.iinfo(dtype)
    if expr.value != int(expr.value) or not bounds.min <= expr.value <= bounds.max:
        raise InvalidParameterError(
            f"{expr.value}{expr.suffix}: a whole number from {bounds.min} to {bounds.max} "
            "can have this suffix"
        )
    return constant(int(expr.value), dtype.name)


def _check_integer(value: float) -> None:
    if isinstance(value, int) and value > np.iinfo(np.uint64).max:
        raise InvalidParameterError(f"{value}: integers have at most 64 bits")


def _complex(expr: syntax.Complex, scope: Scope) -> Value:
    del scope
    return Constant(value=complex(expr.real, expr.imaginary))


_SYMBOLS: Mapping[str, complex | None] = {
    "nan": float("nan"),
    "inf": float("inf"),
    "true": True,
    "false": False,
    "null": None,
}


def _symbol(expr: syntax.Symbol, scope: Scope) -> Value:
    del scope
    return Constant(value=_SYMBOLS[expr.name])


def _text(expr: syntax.Text, scope: Scope) -> Value:
    del scope
    return Words(text=expr.value)


def _variable(expr: syntax.Variable, scope: Scope) -> Value:
    return scope.variable(expr.name)


_UNARY = {"-": "negative", "+": "positive", "not": "not"}


def _unary(expr: syntax.Unary, scope: Scope) -> Value:
    value = scope.bind(expr.operand)
    if expr.operator == "-" and isinstance(value, Index | Moments):
        made = index_operation("-", (value,))
        if made is not None:
            return made
    return apply_values(_UNARY[expr.operator], (value,), scope)


def _operation(expr: syntax.Operation, scope: Scope) -> Value:
    values = [scope.bind(operand) for operand in expr.operands]
    return operation(expr.operator, values, scope)


def operation(operator: str, values: Sequence[Value], scope: Scope) -> Value:
    """Fold an operator over its operands from the left.

    Raises
    ------
    InvalidParameterError
        If the operands do not go together.
    LimitExceededError
        If there are more than `MAX_FOLDED` of an operator that makes a node of each pair.
    """
    if operator in _FLAT and all(isinstance(v, Constant | Raster) for v in values):
        return apply_values(operator, values, scope)
    if len(values) > MAX_FOLDED:
        raise LimitExceededError(
            f"{len(values)} operands of {operator!r} in one run; {MAX_FOLDED} are allowed"
        )
    made = values[0]
    for value in values[1:]:
        made = _pair(operator, made, value, scope)
    return made


def _pair(operator: str, one: Value, other: Value, scope: Scope) -> Value:
    if operator == "concat":
        texts = _spelled(one), _spelled(other)
        if texts[0] is not None and texts[1] is not None:
            return Words(text=texts[0] + texts[1])
    if operator in _INDEXED and any(isinstance(v, Index | Moments | Words) for v in (one, other)):
        made = index_operation(operator, (one, other))
        if made is not None:
            return made
    if operator == "concat":
        raise InvalidParameterError(
            f"'.' joins texts and times, not {describe(one)} and {describe(other)}"
        )
    compared = compare_times(operator, (one, other), scope)
    if compared is not None:
        return compared
    if operator in ("=", "!=") and isinstance(one, Words) and isinstance(other, Words):
        return Constant(value=(one.text == other.text) == (operator == "="))
    return apply_values(operator, (one, other), scope)


def _spelled(value: Value) -> str | None:
    if isinstance(value, Words):
        return value.text
    number: object = value.value if isinstance(value, Constant) else None
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else None


def _cast(expr: syntax.Cast, scope: Scope) -> Value:
    dtype = CAST_TYPES.get(expr.type)
    if dtype is None:
        raise UnknownNameError("type", expr.type, tuple(CAST_TYPES))
    return apply_values(f"cast {dtype}", (scope.bind(expr.operand),), scope)


def _is_null(expr: syntax.IsNull, scope: Scope) -> Value:
    function = "is not null" if expr.negated else "is null"
    return apply_values(function, (scope.bind(expr.operand),), scope)


def _switch(expr: syntax.Switch, scope: Scope) -> Value:
    values: list[Value] = []
    for case in expr.cases:
        condition = scope.bind(case.condition)
        if isinstance(condition, Raster) and len(condition.plan.fields) > 1:
            error = InvalidParameterError("a condition has one band; name one, or use and, or")
            scope.locate(error, case.condition.span)
            raise error
        values += [condition, scope.bind(case.value)]
    return apply_values("switch", [*values, scope.bind(expr.default)], scope)


def plain_number(expr: syntax.Expr, scope: Scope) -> float:
    """Bind an expression that must be a real number known at binding.

    Raises
    ------
    InvalidParameterError
        If it is something else.
    """
    value = scope.bind(expr)
    number: object = value.value if isinstance(value, Constant) else None
    if isinstance(number, int | float):
        return number
    error = InvalidParameterError("a plain number is needed here")
    scope.locate(error, expr.span)
    raise error


def _bare_list(expr: syntax.Braces | syntax.Between, scope: Scope) -> Value:
    del expr, scope
    raise InvalidParameterError("a list has no value here; allowed are numbers and coverages")


FUNCTION_NAMES: Mapping[str, str] = {
    **{name: name for name in ("abs", "sqrt", "exp", "ln", "log", "re", "im", "bit")},
    **{name: name for name in ("round", "floor", "ceil", "mod", "div", "pow", "complex")},
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": f"arc{name}" for name in ("sin", "cos", "tan")},
    **{f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan")},
    **dict.fromkeys(("atan2", "arctan2"), "atan2"),
    **{name: name for name in ("not", "and", "or", "xor", "overlay")},
    "power": "pow",
    "ceiling": "ceil",
}
"""Functions of cells by the names that queries may use, to those of plans."""


def _function(expr: syntax.Call, scope: Scope) -> Value:
    function = FUNCTION_NAMES[expr.function]
    if function == "atan2" and len(expr.args) == 1:
        function = "arctan"  # rasdaman's grammar gives it one argument
    return apply_values(function, [scope.bind(arg) for arg in expr.args], scope)


def call_user_function(expr: syntax.Call, scope: Scope) -> Value:
    """Bind `namespace.name(...)`.

    Raises
    ------
    UnknownNameError
        If the operator of this service offers no such function.
    """
    return apply_values(expr.function, [scope.bind(arg) for arg in expr.args], scope, user=True)


CALLS: Mapping[str, Callable[[syntax.Call, Scope], Value]] = dict.fromkeys(
    FUNCTION_NAMES, _function
)

BINDERS: Mapping[type, Binder] = {
    syntax.Number: _number,
    syntax.Complex: _complex,
    syntax.Symbol: _symbol,
    syntax.Text: _text,
    syntax.Variable: _variable,
    syntax.Unary: _unary,
    syntax.Operation: _operation,
    syntax.Cast: _cast,
    syntax.IsNull: _is_null,
    syntax.Switch: _switch,
    syntax.Braces: _bare_list,
    syntax.Between: _bare_list,
}
