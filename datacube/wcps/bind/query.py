"""Whole queries: `for`, `let`, `where`, `return`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    RequestError,
    UnknownNameError,
)
from datacube.plan.nodes import Plan
from datacube.plan.types import CAST_TYPES
from datacube.wcps import syntax
from datacube.wcps.bind import (
    bands,
    calendar,
    cellwise,
    clip,
    condense,
    construct,
    coverage,
    extend,
    metadata,
    order,
    output,
    reducers,
    scale,
    subset,
    transform,
)
from datacube.wcps.bind.scope import Binder, CallBinder, Context, Scope
from datacube.wcps.bind.sources import bind_source, uploaded
from datacube.wcps.bind.values import Constant, Cuts, Raster, Shape, Value

MAX_RUNS = 1000
"""Most combinations of the sources of the bindings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a query returns for one combination of its sources."""

    value: Value
    where: Plan | None
    """One boolean without axes; the result is dropped where it is not true."""
    span: syntax.Span
    """Where the result stands in the query."""
    where_span: syntax.Span = syntax.NOWHERE
    """Where the condition stands."""


def bind_query(query: syntax.Query, context: Context) -> tuple[Result, ...]:
    """Bind a query once for each combination of its sources, the first binding outermost.

    Combinations whose `where` is known to fail are left out.

    Raises
    ------
    RequestError
        Whatever is wrong, with the innermost place as a note.
    LimitExceededError
        If there are more than `MAX_RUNS` combinations.
    """
    bindings = _bindings(query, context)
    runs = prod(len(binding.sources) for binding in bindings)
    if runs > MAX_RUNS:
        error = LimitExceededError(
            f"the query runs {runs:,} times, once for each combination of its coverages; "
            f"{MAX_RUNS:,} are allowed"
        )
        span = syntax.Span(bindings[0].span.start, bindings[-1].span.stop)
        Scope(context=context).locate(error, span)
        raise error
    _check_lets(query, context)
    return tuple(
        result
        for sources in product(*(binding.sources for binding in bindings))
        for result in _run(query, bindings, sources, context)
    )


def _bindings(query: syntax.Query, context: Context) -> tuple[syntax.Binding, ...]:
    """Return the bindings without repetitions, which clients send."""
    found: dict[str, syntax.Binding] = {}
    for binding in query.bindings:
        known = found.setdefault(binding.variable, binding)
        if known != binding:
            error = InvalidParameterError(f"${binding.variable} is bound twice, differently")
            Scope(context=context).locate(error, binding.span)
            raise error
    return tuple(found.values())


def _check_lets(query: syntax.Query, context: Context) -> None:
    taken = {binding.variable for binding in query.bindings}
    for let in query.lets:
        if let.variable in taken:
            error = InvalidParameterError(f"${let.variable} is bound twice; names are unique")
            Scope(context=context).locate(error, let.span)
            raise error
        taken.add(let.variable)


def _run(
    query: syntax.Query,
    bindings: tuple[syntax.Binding, ...],
    sources: tuple[syntax.Variable | syntax.Decode, ...],
    context: Context,
) -> Iterator[Result]:
    scope = Scope(context=context)
    for binding, source in zip(bindings, sources, strict=True):
        try:
            bound = bind_source(source, scope)
        except RequestError as error:
            scope.locate(error, source.span)
            raise
        scope = scope.having(binding.variable, bound)
    for let in query.lets:
        scope = scope.having(let.variable, _let(let.value, scope))
    where = None if query.where is None else _where(query.where, scope)
    if isinstance(where, Constant) and not where.value:
        return
    chosen = where.plan if isinstance(where, Raster) else None
    yield Result(
        value=scope.bind(query.result),
        where=chosen,
        span=query.result.span,
        where_span=syntax.NOWHERE if query.where is None else query.where.span,
    )


def _let(
    value: syntax.Expr | syntax.Intervals | syntax.Wkt | syntax.Curtain | syntax.Corridor,
    scope: Scope,
) -> Value:
    match value:
        case syntax.Intervals(items=items):
            return Cuts(items=items)
        case syntax.Wkt() | syntax.Curtain() | syntax.Corridor():
            return Shape(geometry=value)
        case _:
            return scope.bind(value)


def _where(expr: syntax.Expr, scope: Scope) -> Constant | Raster:
    value = scope.bind(expr)
    if isinstance(value, Constant):
        return value
    raster = scope.raster(expr)
    plan = raster.plan
    if raster.own_axes or len(plan.fields) > 1 or plan.fields[0].dtype != "bool":
        error = InvalidParameterError(
            "'where' needs one truth, such as max($c) > 10; "
            "a coverage is reduced by some(...) or all(...)"
        )
        scope.locate(error, expr.span)
        raise error
    return raster


def _call(expr: syntax.Call, scope: Scope) -> Value:
    binder = CALLS.get(expr.function)
    if binder is not None:
        return binder(expr, scope)
    if "." in expr.function:
        return cellwise.call_user_function(expr, scope)
    if expr.function in CAST_TYPES:
        raise InvalidParameterError(
            f"a cast is written ({expr.function}) $c, the type in parentheses"
        )
    raise UnknownNameError("function", expr.function, tuple(sorted(CALLS)))


def _no_value(expr: syntax.Wkt | syntax.Curtain | syntax.Corridor, scope: Scope) -> Value:
    del expr, scope
    raise InvalidParameterError("a geometry stands in clip(...) or in a let")


CALLS: Mapping[str, CallBinder] = {
    **cellwise.CALLS,
    **reducers.CALLS,
    **metadata.CALLS,
    **calendar.CALLS,
}
"""Functions by the names that queries call them by, in lower case."""

BINDERS: Mapping[type, Binder] = {
    **cellwise.BINDERS,
    **bands.BINDERS,
    **subset.BINDERS,
    **extend.BINDERS,
    **scale.BINDERS,
    **transform.BINDERS,
    **clip.BINDERS,
    **order.BINDERS,
    **condense.BINDERS,
    **construct.BINDERS,
    **coverage.BINDERS,
    **output.BINDERS,
    syntax.Call: _call,
    syntax.Decode: uploaded,
    **dict.fromkeys((syntax.Wkt, syntax.Curtain, syntax.Corridor), _no_value),
}
"""How each class of syntax is bound."""
