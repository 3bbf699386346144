"""Operators and functions of NumPy on expressions, cell by cell."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from copernicube.client.term import NUMBER, Scalar, State, combine, literal
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.types import CAST_TYPES
from datacube.wcps import syntax
from datacube.wcps.syntax import Expr

_FLAT = frozenset({"+", "-", "*", "/", "and", "or", "xor"})
"""Operators of which a run is one node, folded from the left."""
_WORDS: Mapping[str, str] = {
    # Of several words for a type the first is taken; `char` is ambiguous to people.
    **{CAST_TYPES[word]: word for word in reversed(tuple(CAST_TYPES))},
    "uint8": "unsigned char",
}
"""NumPy name of a type to the words of a cast."""


def operation(operator: str) -> Callable[..., Expr]:
    """Return what makes an operator of two trees."""

    def make(left: Expr, right: Expr) -> Expr:
        run = (
            left.operands
            if isinstance(left, syntax.Operation) and left.operator == operator in _FLAT
            else (left,)
        )
        return syntax.Operation(operator=operator, operands=(*run, right))

    return make


def unary(operator: str) -> Callable[[Expr], Expr]:
    """Return what makes an operator of one tree."""
    return lambda operand: syntax.Unary(operator=operator, operand=operand)


def call(function: str) -> Callable[..., Expr]:
    """Return what makes a call of trees."""
    return lambda *args: syntax.Call(function=function, args=args)


UFUNCS: Mapping[str, Callable[..., Expr]] = {
    "add": operation("+"),
    "subtract": operation("-"),
    "multiply": operation("*"),
    "divide": operation("/"),
    "negative": unary("-"),
    "positive": unary("+"),
    "logical_not": unary("not"),
    "invert": unary("not"),
    **{name: operation(op) for name, op in (("equal", "="), ("not_equal", "!="), ("less", "<"))},
    **{name: operation(op) for name, op in (("less_equal", "<="), ("greater", ">"))},
    "greater_equal": operation(">="),
    **dict.fromkeys(("logical_and", "bitwise_and"), operation("and")),
    **dict.fromkeys(("logical_or", "bitwise_or"), operation("or")),
    **dict.fromkeys(("logical_xor", "bitwise_xor"), operation("xor")),
    **{name: call(name) for name in ("sqrt", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: call(name) for name in ("arcsin", "arccos", "arctan", "floor", "ceil")},
    **dict.fromkeys(("absolute", "fabs"), call("abs")),
    **dict.fromkeys(("power", "float_power"), call("pow")),
    "log": call("ln"),
    "log10": call("log"),
    "rint": call("round"),
    "arctan2": call("atan2"),
    "fmod": call("mod"),
    "minimum": call("min"),
    "maximum": call("max"),
}
"""Functions of NumPy to those of WCPS."""


class Operators(ABC):
    """Cell-wise operators; `state` is what they work on."""

    state: State

    @abstractmethod
    def _of(self, state: State) -> Self:
        """Return an expression of the same kind with another state."""

    def _combined(self, make: Callable[..., Expr], *operands: object) -> Self:
        return self._of(combine([state_of(one) for one in operands], make))

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: object,
        **options: Any,  # noqa: ANN401  # NumPy's protocol
    ) -> Any:  # noqa: ANN401  # as above
        """Take NumPy's functions of cells, as in `np.sqrt(cube.B08)`."""
        make = UFUNCS.get(ufunc.__name__)
        if make is not None and (method != "__call__" or options):
            named = ", ".join(options) or method
            raise InvalidParameterError(
                f"{named} of NumPy's {ufunc.__name__} is not offered; allowed is the plain call"
            )
        if make is None:
            raise UnknownNameError("function of NumPy", ufunc.__name__, tuple(sorted(UFUNCS)))
        return self._combined(make, *inputs)

    def __add__(self, other: object) -> Self:
        return self._combined(UFUNCS["add"], self, other)

    def __radd__(self, other: object) -> Self:
        return self._combined(UFUNCS["add"], other, self)

    def __sub__(self, other: object) -> Self:
        return self._combined(UFUNCS["subtract"], self, other)

    def __rsub__(self, other: object) -> Self:
        return self._combined(UFUNCS["subtract"], other, self)

    def __mul__(self, other: object) -> Self:
        return self._combined(UFUNCS["multiply"], self, other)

    def __rmul__(self, other: object) -> Self:
        return self._combined(UFUNCS["multiply"], other, self)

    def __truediv__(self, other: object) -> Self:
        return self._combined(UFUNCS["divide"], self, other)

    def __rtruediv__(self, other: object) -> Self:
        return self._combined(UFUNCS["divide"], other, self)

    def __pow__(self, other: object) -> Self:
        return self._combined(UFUNCS["power"], self, other)

    def __rpow__(self, other: object) -> Self:
        return self._combined(UFUNCS["power"], other, self)

    def __eq__(self, other: object) -> Self:  # type: ignore[override]  # as arrays of NumPy
        return self._combined(UFUNCS["equal"], self, other)

    def __ne__(self, other: object) -> Self:  # type: ignore[override]  # as above
        return self._combined(UFUNCS["not_equal"], self, other)

    __hash__ = None  # type: ignore[assignment]  # as above

    def __lt__(self, other: object) -> Self:
        return self._combined(UFUNCS["less"], self, other)

    def __le__(self, other: object) -> Self:
        return self._combined(UFUNCS["less_equal"], self, other)

    def __gt__(self, other: object) -> Self:
        return self._combined(UFUNCS["greater"], self, other)

    def __ge__(self, other: object) -> Self:
        return self._combined(UFUNCS["greater_equal"], self, other)

    def __and__(self, other: object) -> Self:
        return self._combined(UFUNCS["logical_and"], self, other)

    def __rand__(self, other: object) -> Self:
        return self._combined(UFUNCS["logical_and"], other, self)

    def __or__(self, other: object) -> Self:
        return self._combined(UFUNCS["logical_or"], self, other)

    def __ror__(self, other: object) -> Self:
        return self._combined(UFUNCS["logical_or"], other, self)

    def __xor__(self, other: object) -> Self:
        return self._combined(UFUNCS["logical_xor"], self, other)

    def __rxor__(self, other: object) -> Self:
        return self._combined(UFUNCS["logical_xor"], other, self)

    def __invert__(self) -> Self:
        return self._combined(UFUNCS["logical_not"], self)

    def __neg__(self) -> Self:
        return self._combined(UFUNCS["negative"], self)

    def __pos__(self) -> Self:
        return self._combined(UFUNCS["positive"], self)

    def __abs__(self) -> Self:
        return self._combined(UFUNCS["absolute"], self)

    def __bool__(self) -> bool:
        raise InvalidParameterError(
            "an expression is neither true nor false before it is computed; use & | ~ instead of "
            "and, or, not, and .where(...) instead of if"
        )

    @property
    def real(self) -> Self:
        """The real part of complex numbers."""
        return self._combined(call("re"), self)

    @property
    def imag(self) -> Self:
        """The imaginary part of complex numbers."""
        return self._combined(call("im"), self)

    def astype(self, dtype: DTypeLike) -> Self:
        """Cast; integers are cut off and saturate.

        Raises
        ------
        UnknownNameError
            If WCPS has no such type.
        """
        name = np.dtype(dtype).name
        words = _WORDS.get(name)
        if words is None:
            raise UnknownNameError("type", name, tuple(_WORDS))
        return self._combined(lambda tree: syntax.Cast(type=words, operand=tree), self)

    def isnull(self) -> Self:
        """Tell where there is no value."""
        return self._combined(lambda tree: syntax.IsNull(operand=tree, negated=False), self)

    def notnull(self) -> Self:
        """Tell where there is a value."""
        return self._combined(lambda tree: syntax.IsNull(operand=tree, negated=True), self)

    def where(self, condition: "Operators", other: "Operators | Scalar | None" = None) -> Self:
        """Keep the cells where `condition` is true, and take `other` elsewhere, by default null."""
        return self._of(choose(condition, self, other))

    def fillna(self, value: "Operators | Scalar") -> Self:
        """Put a value where there is none."""
        return self._of(choose(self.isnull(), value, self))

    def clip(self, min: Scalar | None = None, max: Scalar | None = None) -> Self:  # noqa: A002  # as NumPy
        """Bound values from below and above; None is no bound."""
        made = self if min is None else self._combined(call("max"), self, min)
        return made if max is None else self._combined(call("min"), made, max)

    def round(self) -> Self:
        """Round to whole numbers, a half to its even neighbour."""
        return self._combined(UFUNCS["rint"], self)


def state_of(value: object) -> State:
    """Return what an operand is.

    Raises
    ------
    InvalidParameterError
        If it is neither an expression nor a number.
    """
    return value.state if isinstance(value, Operators) else literal(value)  # type: ignore[arg-type]  # it checks


def choose(condition: object, value: object, other: object | None) -> State:
    """Return `value` where `condition` is true, else `other`; None is null."""

    def make(when: Expr, then: Expr, default: Expr) -> Expr:
        case = syntax.Case(condition=when, value=then)
        if isinstance(default, syntax.Switch):
            return syntax.Switch(cases=(case, *default.cases), default=default.default)
        return syntax.Switch(cases=(case,), default=default)

    null = State(tree=syntax.Symbol(name="null"))
    made = combine(
        [state_of(condition), state_of(value), null if other is None else state_of(other)], make
    )
    # A result is named as its values are, not as the condition.
    bands = [one.state.bands for one in (value, other) if isinstance(one, Operators)]
    return made.changed(made.tree, nodes=0, bands=max(bands, key=len, default=NUMBER))
