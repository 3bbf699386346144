"""From the rules of the grammar to the syntax tree: one method a rule.

The parser calls a method with its children as soon as a rule is complete, from the inside
out, with every token kept; so nothing here recurses, and spans come from the first and the
last child.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from lark import Token

from datacube.wcps import syntax
from datacube.wcps.calls import call
from datacube.wcps.raw import (
    MisplacedError,
    Part,
    RawBraces,
    RawConcat,
    RawCrs,
    RawInterval,
    around,
    listed,
    number,
    settle,
    span_of,
    subset_items,
    unquote,
    value,
)
from datacube.wcps.syntax import Expr, Span

type Children = list[Part]


def words(children: Sequence[object]) -> list[Token]:
    """Return the tokens among the children of a rule."""
    return [child for child in children if isinstance(child, Token)]


def name(token: object) -> str:
    """Return a name, without the `$` of a variable."""
    return str(token).removeprefix("$")


def items_of(children: Sequence[object]) -> list[Part]:
    """Return the items among the children of a rule, none if it has none."""
    return next((child for child in children if isinstance(child, list)), [])


def pair(part: Part) -> tuple[Expr, Expr]:
    """Return the two bounds of an extent."""
    if isinstance(part, RawInterval) and len(part.bounds) == 2:
        return value(part.bounds[0]), value(part.bounds[1])
    raise MisplacedError("expected an extent, as in (1:5)", span_of(part))


def only(items: Sequence[Part], what: str) -> Part:
    """Return the one item there may be."""
    if len(items) != 1:
        raise MisplacedError(f"expected {what}", around(items[0], items[-1]))
    return items[0]


class Operators:
    """Operators and what binds tighter."""

    def operation(self, children: Children) -> Part:
        """Fold `a op b op c` from the left; a run of one operator becomes one node."""
        operands = [value(children[0])]
        operator = ""
        rest = iter(children[1:])
        for token in rest:
            symbol = str(token).lower()
            if symbol == "is":
                left, last = self._folded(operator, operands), next(rest)
                if negated := str(last).lower() == "not":
                    last = next(rest)
                span = around(left, last)
                operands = [syntax.IsNull(operand=left, negated=negated, span=span)]
                operator = ""
                continue
            right = value(next(rest))
            if symbol != operator or symbol in ("div", "mod"):
                operands = [self._folded(operator, operands)]
                operator = symbol
            operands.append(right)
        return self._folded(operator, operands)

    @staticmethod
    def _folded(operator: str, operands: list[Expr]) -> Expr:
        if len(operands) == 1:
            return operands[0]
        span = around(operands[0], operands[-1])
        if operator in ("div", "mod"):
            return syntax.Call(function=operator, args=tuple(operands), span=span)
        return syntax.Operation(operator=operator, operands=tuple(operands), span=span)

    expr = disjunction = conjunction = comparison = sum = product = operation

    def unary(self, children: Children) -> Part:
        operator, operand = children
        return syntax.Unary(
            operator=str(operator).lower(), operand=value(operand), span=around(*children)
        )

    def cast(self, children: Children) -> Part:
        words = str(children[0]).strip("() \t\r\n").lower().split()
        return syntax.Cast(type=" ".join(words), operand=value(children[1]), span=around(*children))

    def parentheses(self, children: Children) -> Part:
        items = cast("Sequence[Part]", children[1])
        span = around(children[0], children[2])
        if len(items) == 2:
            real, imaginary = map(_signed, items)
            return syntax.Complex(real=real, imaginary=imaginary, span=span)
        item = only(items, "one expression, or the two numbers of a complex one")
        if isinstance(item, RawInterval):
            low, high = pair(item)
            return syntax.Between(low=low, high=high, span=span)
        inner = settle(item)
        return replace(value(inner) if isinstance(inner, Token) else inner, span=span)

    def braces(self, children: list[Token | list[Part]]) -> Part:
        items = [item for child in children if isinstance(child, list) for item in child]
        first, last = cast("Token", children[0]), cast("Token", children[-1])
        return RawBraces(
            [settle(item) if isinstance(item, RawBraces) else item for item in items],
            around(first, last),
        )

    def call(self, children: Children) -> Part:
        return call(str(children[0]), items_of(children), around(children[0], children[-1]))

    def method(self, children: Children) -> Part:
        source, _, function = children[:3]
        span = around(children[0], children[-1])
        if (path := _path(source)) is not None:
            return call(f"{path}.{function}", items_of(children), span)
        if not _is_text(source) and not isinstance(source, Token):
            raise MisplacedError(
                f"{function} is called as {function}($c), or with a namespace, as in"
                f" image.{function}($c)",
                around(function, children[-1]),
            )
        inner = call(str(function), items_of(children), around(function, children[-1]))
        return _concat(source, value(inner), span)

    def items(self, children: Children) -> object:
        return children[::2]

    def interval(self, children: Children) -> Part:
        bounds = [bound if isinstance(bound, Token) else settle(bound) for bound in children[::2]]
        return RawInterval(bounds, around(children[0], children[-1]))

    def crs_item(self, children: Children) -> Part:
        axis, crs = children[0], cast("Token", children[2])
        if not isinstance(axis, Token) or axis.type != "NAME":
            raise MisplacedError("expected the name of an axis before its CRS", span_of(axis))
        span = around(axis, children[-1])
        items = [item if isinstance(item, Token) else settle(item) for item in items_of(children)]
        return RawCrs(str(axis), unquote(crs), items, span)


class Postfixes:
    """What follows an operand: brackets, bands, nulls."""

    def subset(self, children: Children) -> Part:
        return syntax.Subset(
            source=value(children[0]),
            items=subset_items(items_of(children)),
            span=around(children[0], children[-1]),
        )

    def select(self, children: Children) -> Part:
        source, _, field = children
        span = around(source, field)
        if _is_text(source):
            token = cast("Token", field)
            kind = "NUMBER" if token.isdecimal() else "NAME"
            return _concat(source, value(Token.new_borrow_pos(kind, token, token)), span)
        return syntax.Select(source=value(source), name=str(field), span=span)

    def concat(self, children: Children) -> Part:
        return _concat(children[0], value(children[2]), around(children[0], children[2]))

    def concat_parentheses(self, children: Children) -> Part:
        operand = value(only(items_of(children), "one expression"))
        return _concat(children[0], operand, around(children[0], children[-1]))

    def null_values(self, children: Children) -> Part:
        return syntax.NullValues(
            source=value(children[0]),
            values=tuple(listed(item) for item in items_of(children)),
            span=around(children[0], children[-1]),
        )

    def null_discard(self, children: Children) -> Part:
        span = around(children[0], children[-1])
        return syntax.NullValues(source=value(children[0]), values=(), span=span)

    def with_coordinates(self, children: Children) -> Part:
        clip = value(children[0])
        if not isinstance(clip, syntax.Clip) or clip.with_coordinates:
            raise MisplacedError(
                "WITH COORDINATES follows clip(...)", around(children[1], children[2])
            )
        return replace(clip, with_coordinates=True, span=around(children[0], children[-1]))

    def decode(self, children: Children) -> Part:
        position = name(children[2])
        if len(position) > 3 or int(position) < 1:
            raise MisplacedError("uploads are numbered $1 to $999", span_of(children[2]))
        return syntax.Decode(position=int(position), span=around(children[0], children[-1]))


@dataclass(frozen=True, slots=True)
class _Listed[T]:
    """What stood in parentheses, separated by commas."""

    values: tuple[T, ...]
    span: Span


type _Ring = _Listed[syntax.Position]


class Geometries:
    """Well-known text."""

    def point(self, children: list[Token]) -> syntax.Position:
        coordinates: list[float | str] = []
        sign = 1
        for token in children:
            if token.type == "NUMBER":
                literal = number(token)
                if literal.suffix:
                    raise MisplacedError("coordinates have no type suffix", literal.span)
                coordinates.append(sign * float(literal.value))
            elif token.type == "TEXT":
                coordinates.append(unquote(token))
            sign = -1 if token.type == "MINUS" else 1
        return tuple(coordinates)

    def ring[T](self, children: list[Token | T]) -> _Listed[T]:
        values = tuple(child for child in children if not isinstance(child, Token))
        first, last = cast("Token", children[0]), cast("Token", children[-1])
        return _Listed(values, around(first, last))

    rings = ring

    def line_string(self, children: tuple[Token, _Ring]) -> syntax.Wkt:
        kind, ring = children
        return _wkt(kind, [_Listed((ring,), ring.span)], ring.span)

    def polygon(self, children: tuple[Token, _Listed[_Ring]]) -> syntax.Wkt:
        kind, rings = children
        return _wkt(kind, [rings], rings.span)

    def multipolygon(self, children: list[Token | _Listed[_Ring]]) -> syntax.Wkt:
        polygons = [child for child in children if not isinstance(child, Token)]
        kind, last = cast("Token", children[0]), cast("Token", children[-1])
        return _wkt(kind, polygons, span_of(last))


def _wkt(kind: Token, polygons: list[_Listed[_Ring]], last: Span) -> syntax.Wkt:
    return syntax.Wkt(
        kind=kind.upper(),
        polygons=tuple(tuple(ring.values for ring in rings.values) for rings in polygons),
        span=Span(span_of(kind).start, last.stop),
    )


def _signed(part: Part) -> float:
    """Return the value of a number that may have a sign."""
    number_ = value(part)
    sign = 1.0
    if isinstance(number_, syntax.Unary) and number_.operator in ("-", "+"):
        sign = -1.0 if number_.operator == "-" else 1.0
        number_ = number_.operand
    if not isinstance(number_, syntax.Number) or number_.suffix:
        raise MisplacedError(
            "two values in parentheses are the numbers of a complex one, as in (1.0, 2.0)",
            span_of(part),
        )
    return sign * float(number_.value)


def _path(part: Part) -> str | None:
    """Return the namespace that a part spells, such as `image`, or None."""
    if isinstance(part, Token):
        return str(part) if part.type == "NAME" else None
    names: list[str] = []
    node: Part = part
    while isinstance(node, syntax.Select):
        names.append(node.name)
        node = node.source
    return ".".join([node.name, *reversed(names)]) if isinstance(node, syntax.Variable) else None


def _is_text(part: Part) -> bool:
    return isinstance(part, RawConcat) or (isinstance(part, Token) and part.type == "TEXT")


def _concat(left: Part, right: Expr, span: Span) -> RawConcat:
    if isinstance(left, RawConcat):
        left.operands.append(right)
        left.span = span
        return left
    return RawConcat([value(left), right], span)
