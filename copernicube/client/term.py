"""What an expression on cubes is made of, and how it becomes a query."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from hashlib import blake2b
from math import copysign, isfinite, isnan
from typing import Any, cast

import numpy as np
from pyproj import CRS

from copernicube.client.offers import Source
from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import Grid, index_crs
from datacube.plan.names import axis_position
from datacube.plan.nodes import Domain
from datacube.wcps import syntax
from datacube.wcps.printer import print_expr
from datacube.wcps.syntax import Expr

PART_NODES = 64
"""Expressions of more nodes are named by `let` when they become a part of another.

So a part that is used often stands in the text once, and no text is nested deeply.
"""
NUMBER = ("value",)
"""Band of what is made of numbers alone."""
_WORD = re.compile(r"\w+")

type Scalar = bool | int | float | complex | np.number[Any] | np.bool_


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A part of a query, with what is needed to complete it."""

    tree: Expr
    """Cubes and parts in it are variables whose names `query_of` replaces."""
    nodes: int = 1
    """How many nodes the tree has."""
    cubes: tuple[tuple[str, str], ...] = ()
    """Variables of cubes with the coverages they stand for, in the order of first use."""
    lets: tuple[tuple[str, Expr], ...] = ()
    """Variables of parts, each after those that it uses."""
    axes: tuple[str, ...] = ()
    """Names of the axes, in array order."""
    bands: tuple[str, ...] = NUMBER
    crs: CRS | None = None
    """Of the last two axes, where they are a plane on the Earth."""
    source: Source | None = None
    """None: of numbers alone."""

    def axis(self, name: str) -> str:
        """Return the name of an axis for any usual spelling.

        Raises
        ------
        UnknownNameError
            If the expression has no such axis, or has it no more.
        """
        domain = _domain(self.axes, plane=self.crs is not None)
        if not self.axes:
            raise UnknownNameError("axis", name, ())
        return self.axes[axis_position(domain, name)]

    def band(self, name: str) -> str | None:
        """Return the official name of a band, in any case; None if there is none."""
        return next((b for b in self.bands if b.casefold() == name.casefold()), None)

    def changed(self, tree: Expr, *, nodes: int = 1, **changes: Any) -> "State":  # noqa: ANN401  # fields of State
        """Return the state with a tree that has `nodes` more nodes."""
        return replace(self, tree=tree, nodes=self.nodes + nodes, **changes)

    def part(self, least_nodes: int = PART_NODES) -> "State":
        """Return the same by a name, if the tree has more nodes."""
        if self.nodes <= least_nodes or isinstance(self.tree, syntax.Variable):
            return self
        digest = blake2b(print_expr(self.tree).encode(), digest_size=12).hexdigest()
        name = f"part_{digest}"
        lets = tuple(dict.fromkeys((*self.lets, (name, self.tree))))
        return replace(self, tree=syntax.Variable(name=name), nodes=1, lets=lets)

    def named(self) -> "State":
        """Return the same as something that may be written twice: a variable, or a band of one."""
        tree = self.tree
        if isinstance(tree, syntax.Select) and isinstance(tree.source, syntax.Variable):
            return self
        return self.part(0)


def coverage(source: Source, coverage_id: str, bands: Iterable[str], **facts: Any) -> State:  # noqa: ANN401  # fields of State
    """Return all bands of a coverage."""
    digest = blake2b(coverage_id.encode(), digest_size=12).hexdigest()
    name = f"cube_{digest}"
    return State(
        tree=syntax.Variable(name=name),
        cubes=((name, coverage_id),),
        bands=tuple(bands),
        source=source,
        **facts,
    )


def combine(states: Iterable[State], make: Callable[..., Expr]) -> State:
    """Return what `make` makes of the trees; axes are those of the operand with the most.

    Raises
    ------
    InvalidParameterError
        If the operands come from different stores, servers or revisions.
    """
    parts = [state.part() for state in states]
    widest = max(parts, key=lambda state: len(state.axes))
    return State(
        tree=make(*(part.tree for part in parts)),
        nodes=1 + sum(part.nodes for part in parts),
        cubes=tuple(dict.fromkeys(cube for part in parts for cube in part.cubes)),
        lets=tuple(dict.fromkeys(let for part in parts for let in part.lets)),
        axes=widest.axes,
        bands=max((part.bands for part in parts if part.source), key=len, default=NUMBER),
        crs=widest.crs,
        source=_common_source([part.source for part in parts if part.source is not None]),
    )


def _common_source(sources: list[Source]) -> Source | None:
    places = dict.fromkeys((source.location, source.revision) for source in sources)
    if len(places) > 1:
        told = " and ".join(f"{location} at revision {number}" for location, number in places)
        raise InvalidParameterError(
            f"one expression has cubes of {told}; allowed is one store or server at one revision: "
            "compute one part, or ingest both into one store"
        )
    return sources[0] if sources else None


def literal(value: Scalar) -> State:
    """Return a number as it stands in a query.

    Raises
    ------
    InvalidParameterError
        If it is no number.
    """
    plain: object = value.item() if isinstance(value, np.generic) else value
    return State(tree=_number(plain), axes=())


def _number(value: object) -> Expr:
    match value:
        case bool():
            return syntax.Symbol(name=str(value).lower())
        case float() if not isfinite(value):
            symbol = syntax.Symbol(name="nan" if isnan(value) else "inf")
            return symbol if isnan(value) or value > 0 else _minus(symbol)
        case int() | float():
            positive = syntax.Number(value=abs(value))
            return _minus(positive) if copysign(1, value) < 0 else positive
        case complex() if value.real >= 0 and value.imag >= 0:
            return syntax.Complex(real=value.real, imaginary=value.imag)
        case complex():
            parts = _number(value.real), _number(value.imag)
            return syntax.Call(function="complex", args=parts)
        case _:
            raise InvalidParameterError(
                f"{type(value).__name__} is no part of an expression; allowed are expressions, "
                "and single numbers"
            )


def _minus(positive: Expr) -> Expr:
    return syntax.Unary(operator="-", operand=positive)


def select(state: State, band: str) -> State:
    """Return one band by its official name."""
    at = state.bands.index(band)
    # A name that is no word of the language is called by its number.
    name = band if _WORD.fullmatch(band) else str(at)
    if len(state.bands) == 1:
        return state
    return state.changed(syntax.Select(source=state.tree, name=name), bands=(band,))


def query_of(state: State, result: Expr | None = None) -> syntax.Query:
    """Return the query that an expression is: cubes `$c`, or `$c1`, `$c2`; parts `$v1`, ...

    Raises
    ------
    InvalidParameterError
        If there is no cube in it.
    """
    if not state.cubes:
        raise InvalidParameterError("an expression of numbers alone is no query")
    cubes = [name for name, _ in state.cubes]
    names = dict(zip(cubes, _numbered("c", len(cubes)), strict=True))
    names |= {name: f"v{n}" for n, (name, _) in enumerate(state.lets, start=1)}
    return syntax.Query(
        bindings=tuple(
            syntax.Binding(variable=names[name], sources=(syntax.Variable(name=coverage_id),))
            for name, coverage_id in state.cubes
        ),
        lets=tuple(
            syntax.Let(variable=names[name], value=_renamed(tree, names))
            for name, tree in state.lets
        ),
        result=_renamed(state.tree if result is None else result, names),
    )


def _numbered(letter: str, count: int) -> list[str]:
    return [letter] if count == 1 else [f"{letter}{n}" for n in range(1, count + 1)]


def _renamed(node: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401  # any node of syntax
    if isinstance(node, tuple):
        return tuple(_renamed(one, names) for one in node)
    if isinstance(node, syntax.Variable):
        return syntax.Variable(name=names.get(node.name, node.name))
    if isinstance(node, type | syntax.Wkt) or not is_dataclass(node):
        return node
    parts = {f.name: _renamed(getattr(node, f.name), names) for f in fields(node) if f.compare}
    return replace(cast("Any", node), **parts)


def _domain(axes: tuple[str, ...], *, plane: bool) -> Domain:
    """Return a domain of such axes, for finding one by its spelling."""
    made = tuple(
        RegularAxis(name=name, uom="1", start=0, step=1, size=1, index=True) for name in axes
    )
    if not plane or len(made) < 2:
        return Domain(outer=made)
    grid = Grid(crs=index_crs("y", "x"), y=made[-2], x=made[-1])
    return Domain(outer=made[:-2], grid=grid)
