"""From the rules of the grammar to the syntax tree: what keywords spell out."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from lark import Token

from datacube.wcps import syntax
from datacube.wcps.build import Children, items_of, name, only, pair, words
from datacube.wcps.raw import (
    Part,
    RawInterval,
    argument,
    around,
    settle,
    span_of,
    subset_items,
    unquote,
    value,
)
from datacube.wcps.syntax import Expr


class Expressions:
    """`switch`, `flip`, `sort`, `condense` and the coverage constructors."""

    def case(self, children: Children) -> syntax.Case:
        condition, result = value(children[1]), value(children[3])
        span = around(children[0], result)
        return syntax.Case(condition=condition, value=result, span=span)

    def switch(self, children: Children) -> Part:
        return syntax.Switch(
            cases=tuple(child for child in children if isinstance(child, syntax.Case)),
            default=value(children[-1]),
            span=around(children[0], children[-1]),
        )

    def flip(self, children: Children) -> Part:
        _, source, _, axis = children
        return syntax.Flip(source=value(source), axis=str(axis), span=around(children[0], axis))

    def sort(self, children: Children) -> Part:
        return syntax.Sort(
            source=value(children[1]),
            axis=str(children[3]),
            descending=any(word.type == "DESC" for word in words(children)),
            by=value(children[-1]),
            span=around(children[0], children[-1]),
        )

    def iterator(self, children: Children) -> syntax.Iterator:
        items = items_of(children)
        return syntax.Iterator(
            variable=name(children[0]),
            axis=str(children[1]),
            domain=_domain(items),
            span=around(children[0], children[-1]),
        )

    def iterators(self, children: Children) -> tuple[Part, ...]:
        return tuple(children[::2])

    def condense_operator(self, children: Children) -> tuple[str, tuple[Expr, ...]]:
        parameters = tuple(argument(item) for item in items_of(children))
        return str(children[0]).lower(), parameters

    def condense(self, children: list[object]) -> Part:
        operator, parameters = cast("tuple[str, tuple[Expr, ...]]", children[1])
        conditional = len(children) > 6
        last = cast("Part", children[-1])
        return syntax.Condense(
            operator=operator,
            parameters=parameters,
            iterators=cast("tuple[syntax.Iterator, ...]", children[3]),
            where=value(cast("Part", children[5])) if conditional else None,
            using=value(last),
            span=around(cast("Token", children[0]), last),
        )

    def construct(self, children: list[object]) -> Part:
        last = cast("Part", children[-1])
        return syntax.Construct(
            name=str(children[1]),
            iterators=cast("tuple[syntax.Iterator, ...]", children[3]),
            value=value(last),
            span=around(cast("Token", children[0]), last),
        )

    def value_list(self, children: list[object]) -> Part:
        values = cast("list[Part]", children[7::2])
        return syntax.ValueList(
            name=str(children[1]),
            iterators=cast("tuple[syntax.Iterator, ...]", children[3]),
            values=tuple(map(value, values)),
            span=around(cast("Token", children[0]), cast("Token", children[-1])),
        )


class Coverages:
    """The constructor of WCPS 1.1."""

    def axis(
        self, children: Children
    ) -> syntax.IndexAxis | syntax.RegularAxis | syntax.IrregularAxis:
        axis, items = str(children[0]), items_of(children)
        span = around(children[0], children[-1])
        kind = cast("Token", children[1]).type
        if kind == "IRREGULAR":
            values = tuple(map(value, items))
            return syntax.IrregularAxis(name=axis, values=values, span=span)
        low, high = pair(only(items, "an extent, as in (1:5)"))
        if kind == "INDEX":
            return syntax.IndexAxis(name=axis, low=low, high=high, span=span)
        return syntax.RegularAxis(
            name=axis, low=low, high=high, resolution=value(children[-1]), span=span
        )

    def field(self, children: list[Token]) -> syntax.RangeField:
        kind = " ".join(children[2].lower().split()) if children[2:] else ""
        return syntax.RangeField(
            name=str(children[0]), type=kind, span=around(children[0], children[-1])
        )

    def axes(self, children: Children) -> tuple[Part, ...]:
        return tuple(children[::2])

    fields = axes

    def coverage(self, children: list[object]) -> Part:
        first, last = cast("Token", children[0]), cast("Part", children[-1])
        axes, fields = (child for child in children if isinstance(child, tuple))
        return syntax.Coverage(
            name=str(children[1]),
            crs=unquote(cast("Token", children[4])),
            axes=axes,
            range_type=fields,
            range_set=value(last),
            span=around(first, last),
        )


class Queries:
    """`for ... let ... where ... return ...`."""

    def binding(self, children: Children) -> syntax.Binding:
        sources = tuple(
            syntax.Variable(name=str(child), span=span_of(child))
            if isinstance(child, Token)
            else child
            for child in children[1:]
            if isinstance(child, syntax.Decode)
            or (isinstance(child, Token) and child.type == "COVERAGE_ID")
        )
        span = around(children[0], children[-1])
        return syntax.Binding(variable=name(children[0]), sources=sources, span=span)

    def intervals(self, children: Children) -> syntax.Intervals:
        span = around(children[0], children[-1])
        return syntax.Intervals(items=subset_items(items_of(children)), span=span)

    def assignment(self, children: Children) -> syntax.Let:
        variable, _, part = children
        content = part if isinstance(part, Token) else settle(part)
        return syntax.Let(
            variable=name(variable),
            value=content
            if isinstance(content, syntax.Intervals | syntax.Wkt | syntax.Curtain | syntax.Corridor)
            else value(content),
            span=around(variable, part),
        )

    def let(self, children: list[object]) -> list[object]:
        return children[1::2]

    def query(self, children: list[object]) -> syntax.Query:
        bindings = tuple(child for child in children if isinstance(child, syntax.Binding))
        lets = tuple(let for child in children if isinstance(child, list) for let in child)
        condition = None
        for word, part in pairwise(children):
            if isinstance(word, Token) and word.type == "WHERE":
                condition = value(cast("Part", part))
        first, last = cast("Token", children[0]), cast("Part", children[-1])
        return syntax.Query(
            bindings=bindings,
            lets=lets,
            where=condition,
            result=value(last),
            span=around(first, last),
        )


def _domain(items: Sequence[Part]) -> syntax.Range | syntax.Listed | Expr:
    if len(items) > 1:
        span = around(items[0], items[-1])
        return syntax.Listed(values=tuple(map(value, items)), span=span)
    (item,) = items
    if not isinstance(item, RawInterval):
        return value(item)
    low, high, *step = map(value, item.bounds)
    return syntax.Range(low=low, high=high, step=step[0] if step else None, span=item.span)
