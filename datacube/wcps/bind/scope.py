"""What an expression is bound in: the names it may use, and what the query runs on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from datacube.axes import Axis
from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from datacube.plan.functions import apply
from datacube.plan.nodes import POINT, Literal, Plan
from datacube.plan.udf import UserFunction
from datacube.protocols import CatalogView, Limits
from datacube.wcps.bind.values import About, Constant, Document, Raster, Value
from datacube.wcps.places import locate
from datacube.wcps.syntax import Call, Expr, Span

type Binder = Callable[[Any, "Scope"], Value]
"""Binds one kind of syntax; gets the node, of the class it stands for, and its scope."""
type CallBinder = Callable[[Call, "Scope"], Value]
"""Binds the calls of one function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with the query as a positional parameter."""

    name: str
    """Its number, from 1, as text."""
    body: bytes
    media_type: str = ""


@dataclass(slots=True, kw_only=True)
class Unrolling:
    """Account of the bodies of condensers and constructors that are bound place by place."""

    always: bool = False
    """Also where binding them once would do: what that is tested against."""
    bodies: int = 0
    """Bodies bound so far."""
    nodes: dict[int, int] = field(default_factory=dict)
    """By `id` of a syntax node, how many of its first iterators stand still; found out once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run of one query."""

    text: str
    """The query, for errors that show a place in it."""
    view: CatalogView
    limits: Limits
    binders: Mapping[type, Binder]
    """By the class of syntax node."""
    describe: Callable[[Plan, About, str, str], Document]
    """Describes a coverage in a format with parameters; encoders stand above binding."""
    fold: Callable[[Plan], complex | None]
    """Evaluates a plan of literals without axes; None is null."""
    functions: Mapping[str, UserFunction] = field(default_factory=dict)
    """What operators added, by `namespace.name` in lower case."""
    compat: bool = False
    """Nulls, and what follows from them, go by rasdaman's rules."""
    uploads: tuple[Upload, ...] = ()
    unrolling: Unrolling = field(default_factory=Unrolling)
    """How much of the query was bound place by place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that an expression may use."""

    context: Context
    variables: Mapping[str, Value] = field(default_factory=dict)
    iterators: tuple[tuple[str, Axis], ...] = ()
    """Iterators that are axes of plans, outermost first; the name is unique in the query."""

    def bind(self, expr: Expr) -> Value:
        """Bind an expression.

        Raises
        ------
        RequestError
            Whatever is wrong with it, with the innermost place as a note.
        """
        binder = self.context.binders[type(expr)]
        try:
            return binder(expr, self)
        except RequestError as error:
            locate(error, self.context.text, expr.span)
            raise

    def raster(self, expr: Expr) -> Raster:
        """Bind an expression that must be cells or a number; numbers become literals.

        Raises
        ------
        InvalidParameterError
            If it is something else.
        """
        return as_raster(self.bind(expr), self)

    def having(self, name: str, value: Value) -> Self:
        """Return the scope with one more variable."""
        return replace(self, variables={**self.variables, name: value})

    def iterating(self, identity: str, axis: Axis) -> Self:
        """Return the scope with one more iterator as its innermost."""
        return replace(self, iterators=(*self.iterators, (identity, axis)))

    def variable(self, name: str) -> Value:
        """Return what a name stands for.

        Raises
        ------
        UnknownNameError
            If it stands for nothing.
        """
        try:
            return self.variables[name]
        except KeyError:
            raise UnknownNameError("variable", name, tuple(self.variables)) from None

    def locate(self, error: RequestError, span: Span) -> None:
        """Note a place of the query on an error that has none yet."""
        locate(error, self.context.text, span)


def as_raster(value: Value, scope: Scope) -> Raster:
    """Return cells as they are, a number as a literal without axes, an iterator as its values.

    Raises
    ------
    InvalidParameterError
        If it is something else.
    """
    match value:
        case Raster():
            return value
        case Constant():
            return Raster(plan=number(value))
        case _:
            from datacube.wcps.bind.iterators import (  # noqa: PLC0415  # they bind each other
                index_raster,
            )

            made = index_raster(value, scope)
            if made is None:
                raise InvalidParameterError(
                    f"a number or a coverage is needed here, not {describe(value)}"
                )
            return made


def number(constant: Constant) -> Plan:
    """Return a constant as a plan without axes, of the constant's type."""
    literal = Literal(value=constant.value, domain=POINT)
    return literal if constant.dtype is None else apply(f"cast {constant.dtype}", literal)


def describe(value: Value) -> str:
    """Tell what a value is, for a message."""
    names = {
        "Words": "a text",
        "Moments": "a time",
        "Coordinates": "an iterator",
        "Interval": "an interval",
        "Extents": "a domain",
        "Periods": "a list of times",
        "Cuts": "a list of subsets",
        "Shape": "a geometry",
        "Document": "a description",
        "Encoded": "an encoded file",
        "Polygons": "polygons",
        "Raster": "a coverage",
        "Index": "an iterator",
        "Constant": "a number",
    }
    return names[type(value).__name__]
