"""What an expression is bound in: the names it may use, and what the query runs on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from datacube.axes import Axis
from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from datacube.plan.nodes import POINT, Literal
from datacube.protocols import CatalogView, Limits
from datacube.wcps.bind.values import Constant, Raster, Value
from datacube.wcps.places import locate
from datacube.wcps.syntax import Expr, Span

type Binder = Callable[[Expr, "Scope"], Value]
"""Binds one kind of syntax; gets the node and its scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with the query as a positional parameter."""

    name: str
    """Its number, from 1, as text."""
    body: bytes
    media_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run of one query."""

    text: str
    """The query, for errors that show a place in it."""
    view: CatalogView
    limits: Limits
    binders: Mapping[type, Binder]
    """By the class of syntax node."""
    compat: bool = False
    """Nulls, and what follows from them, go by rasdaman's rules."""
    uploads: tuple[Upload, ...] = ()


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
    from datacube.wcps.bind.iterators import index_raster  # noqa: PLC0415 - they bind each other

    match value:
        case Raster():
            return value
        case Constant(value=number):
            return Raster(plan=Literal(value=number, domain=POINT))
        case _:
            made = index_raster(value, scope)
            if made is None:
                raise InvalidParameterError(
                    f"a number or a coverage is needed here, not {describe(value)}"
                )
            return made


def describe(value: Value) -> str:
    """Tell what a value is, for a message."""
    names = {
        "Words": "a text",
        "Moments": "a time",
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
