"""Operators and functions, cell by cell or reducing, and the bands they work on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacube.wcps.syntax.base import Syntax

if TYPE_CHECKING:
    from datacube.wcps.syntax import Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Syntax):
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Syntax):
    """Two or more operands of one operator, folded from the left.

    Operators: `or xor and = != < <= > >= overlay + - * / concat`, the last of times
    and texts (`"2023" . "-01"`).
    """

    operator: str
    operands: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Syntax):
    """A function by name: cell-wise, reducer, of metadata or time, or `namespace.function`.

    Names of axes and bands among the arguments are `Variable`s.
    """

    function: str
    args: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Braces(Syntax):
    """`{a, b}` as an argument: a list, such as a null set."""

    items: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(Syntax):
    """`low:high` in a list, such as a null set."""

    low: "Expr"
    high: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast(Syntax):
    """`(unsigned char) x`; the type's words with single blanks."""

    type: str
    operand: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull(Syntax):
    """`x is [not] null`."""

    operand: "Expr"
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Syntax):
    """`x.name`: a band by name or number, or the `lo`, `hi`, `resolution` of a domain."""

    source: "Expr"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField(Syntax):
    """One field of a range constructor."""

    name: str
    value: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Syntax):
    """`{red: a; green: b}`."""

    fields: tuple[RecordField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Syntax):
    """`case condition return value`."""

    condition: "Expr"
    value: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Syntax):
    """`switch case ... return ... default return ...`."""

    cases: tuple[Case, ...]
    default: "Expr"


@dataclass(frozen=True, slots=True, kw_only=True)
class NullValues(Syntax):
    """`x null values [0, 5:7]`; none means `null mask discard`."""

    source: "Expr"
    values: tuple["Expr", ...]
