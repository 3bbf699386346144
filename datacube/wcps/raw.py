"""Parts of a query whose meaning depends on what encloses them.

`Lat(0.5)` is a subset in brackets and a call in a sum, `{a: b}` has fields or bounds. The
grammar reads such forms into the types below; `value`, `argument` and `subset_items` decide.
None of them recurses: of two nested forms the inner one is always decided already.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from lark import Token

from datacube.wcps import syntax
from datacube.wcps.syntax import Expr, Span, SubsetItem

NUMBER_CHARACTERS = 100
"""Most characters of a number; Python refuses to convert very long ones."""

DOMAINS = frozenset({"domain", "imagecrsdomain"})
"""Functions that stand as they are in a list of axes."""


class MisplacedError(Exception):
    """A part is well-formed but does not belong where it stands; `parse` adds the place."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


@dataclass(frozen=True, slots=True)
class RawCall:
    """`name(items)`: a call or an axis."""

    name: str
    items: "Sequence[Part]"
    span: Span
    decide: "Callable[[RawCall], Node]"
    """What the call is where it is not an axis."""


@dataclass(frozen=True, slots=True)
class RawBraces:
    """`{items}`: fields, a list, or axes."""

    items: "Sequence[Part]"
    span: Span


@dataclass(frozen=True, slots=True)
class RawInterval:
    """`low:high[:step]`, or `name: value`."""

    bounds: "Sequence[Part]"
    span: Span


@dataclass(frozen=True, slots=True)
class RawCrs:
    """`axis:"crs"(items)`."""

    axis: str
    crs: str
    items: "Sequence[Part]"
    span: Span


@dataclass(slots=True)
class RawConcat:
    """`a . b . c` of which more may come: the only part that changes."""

    operands: list[Expr]
    span: Span


type Node = (
    Expr
    | syntax.Wkt
    | syntax.Curtain
    | syntax.Corridor
    | syntax.Intervals
    | syntax.Iterator
    | syntax.Case
    | syntax.RangeField
)
type Part = Token | Node | RawCall | RawBraces | RawInterval | RawCrs | RawConcat

_EXPRESSIONS: tuple[type, ...] = tuple(
    kind for kind in get_args(syntax.Expr.__value__) if kind not in (syntax.Braces, syntax.Between)
)
_NUMBER = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)")
_ESCAPE = re.compile(r"\\([\"'\\])")


def span_of(part: Part) -> Span:
    """Return where a part was read."""
    if isinstance(part, Token):
        start = part.start_pos or 0
        return Span(start, part.end_pos or start)
    return part.span


def around(first: Part, last: Part) -> Span:
    """Return the span from the first part to the last."""
    return Span(span_of(first).start, span_of(last).stop)


def unquote(token: Token) -> str:
    r"""Return a text without its quotes; `\"`, `\'` and `\\` are the escapes."""
    return _ESCAPE.sub(r"\1", token[1:-1])


def number(token: Token) -> syntax.Number:
    """Convert a literal number, with its suffix."""
    span = span_of(token)
    found = _NUMBER.fullmatch(token.lower()) if len(token) <= NUMBER_CHARACTERS else None
    if found is None:
        raise MisplacedError(f"numbers have at most {NUMBER_CHARACTERS} characters", span)
    digits, suffix = found.groups()
    value = int(digits) if digits.isdecimal() else float(digits)
    if value == float("inf"):
        raise MisplacedError("the number is larger than any floating point number", span)
    return syntax.Number(value=value, suffix=suffix, span=span)


def settle(part: Part) -> Part:
    """Decide a part as one that stands alone; words and bounds are left as they are."""
    match part:
        case RawCall():
            return part.decide(part)
        case RawBraces():
            return _settle_braces(part)
        case RawConcat():
            operands = tuple(part.operands)
            return syntax.Operation(operator="concat", operands=operands, span=part.span)
        case _:
            return part


def value(part: Part) -> Expr:
    """Return a part as an expression.

    Raises
    ------
    MisplacedError
        If it is a range, an axis, a list or a geometry.
    """
    if isinstance(part, Token):
        return _word(part)
    settled = settle(part)
    if isinstance(settled, _EXPRESSIONS):
        return settled  # type: ignore[return-value]  # the tuple holds the members of Expr
    raise MisplacedError(f"{_KINDS.get(type(settled), 'this')} cannot stand here", part.span)


def argument(part: Part) -> Expr:
    """Return a part as an argument: an expression, a list, or a range in parentheses."""
    if not isinstance(part, Token):
        part = settle(part)
        if isinstance(part, syntax.Braces | syntax.Between):
            return part
    return value(part)


def listed(part: Part) -> Expr:
    """Return an item of a list of values, which may be a range `low:high`."""
    if isinstance(part, RawInterval):
        return between(part)
    return argument(part)


def between(part: RawInterval) -> syntax.Between:
    """Return a range of two given bounds."""
    if len(part.bounds) != 2:
        raise MisplacedError("a range in a list is low:high, without a step", part.span)
    low, high = (value(bound) for bound in part.bounds)
    return syntax.Between(low=low, high=high, span=part.span)


def plain_call(part: RawCall) -> syntax.Call:
    """Return a call of a function that has no form of its own."""
    args = tuple(argument(item) for item in part.items)
    return syntax.Call(function=part.name.lower(), args=args, span=part.span)


def subset_items(parts: Sequence[Part]) -> tuple[SubsetItem, ...]:
    """Return axes with their bounds, and expressions that stand for such."""
    return tuple(subset_item(part) for part in parts)


def subset_item(part: Part) -> SubsetItem:
    """Return one axis with its bounds, or an expression."""
    match part:
        case RawCrs():
            return _axis(part.axis, part.crs, part)
        case RawCall() if part.name.lower() not in DOMAINS:
            return _axis(part.name, None, part)
        case RawInterval():
            raise MisplacedError(
                "bounds follow the name of an axis in parentheses, as in Lat(10:20)", part.span
            )
        case _:
            return value(part)


def _axis(name: str, crs: str | None, part: RawCall | RawCrs) -> syntax.AxisTrim | syntax.AxisPoint:
    span = part.span
    if len(part.items) != 1 or "." in name:
        raise MisplacedError(
            f"axis {name} takes one coordinate, {name}(1), or bounds, {name}(1:2)", span
        )
    item = part.items[0]
    if is_star(item):
        return syntax.AxisTrim(axis=name, crs=crs, low=None, high=None, span=span)
    if isinstance(item, RawInterval):
        if len(item.bounds) != 2:
            raise MisplacedError(f"bounds of axis {name} are low:high, without a step", item.span)
        low, high = (None if is_star(b) else value(b) for b in item.bounds)
        return syntax.AxisTrim(axis=name, crs=crs, low=low, high=high, span=span)
    return syntax.AxisPoint(axis=name, crs=crs, at=value(item), span=span)


def _settle_braces(part: RawBraces) -> Expr:
    fields = [field for field in map(_field_parts, part.items) if field]
    if not fields or len(fields) < len(part.items):
        items = tuple(listed(item) for item in part.items)
        return syntax.Braces(items=items, span=part.span)
    return syntax.Record(
        fields=tuple(
            syntax.RecordField(name=str(name), value=value(content), span=around(name, content))
            for name, content in fields
        ),
        span=part.span,
    )


def _field_parts(part: Part) -> tuple[Token, Part] | None:
    if isinstance(part, RawInterval) and len(part.bounds) == 2:
        name = part.bounds[0]
        if isinstance(name, Token) and name.type == "NAME":
            return name, part.bounds[1]
    return None


def is_star(part: Part) -> bool:
    """Return whether a bound is `*`."""
    return isinstance(part, Token) and part.type == "STAR"


def _word(token: Token) -> Expr:
    span = span_of(token)
    match token.type:
        case "NAME":
            return syntax.Variable(name=str(token), span=span)
        case "VARIABLE":
            return syntax.Variable(name=token[1:], span=span)
        case "NUMBER":
            return number(token)
        case "TEXT":
            return syntax.Text(value=unquote(token), span=span)
        case "SYMBOL":
            return syntax.Symbol(name=token.lower(), span=span)
        case _:
            raise MisplacedError(f"{str(token)!r} is a bound and cannot stand alone", span)


_KINDS: dict[type, str] = {
    RawInterval: "a range low:high",
    RawCrs: "an axis with a CRS",
    syntax.Braces: "a list in braces",
    syntax.Between: "a range low:high",
    syntax.Wkt: "a geometry",
    syntax.Curtain: "a curtain",
    syntax.Corridor: "a corridor",
}
