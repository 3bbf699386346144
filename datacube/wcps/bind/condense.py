"""The general condenser: `condense + over $t ansi(...) where ... using ...`.

It reduces the axes of its iterators; axes that they do not walk along stay.
"""

from collections.abc import Mapping, Sequence

from datacube.axes import TimeAxis
from datacube.errors import InvalidParameterError
from datacube.plan.functions import apply
from datacube.plan.nodes import Plan, Reduce
from datacube.plan.reducers import reduce_fields, reducer
from datacube.wcps import syntax
from datacube.wcps.bind.iterations import Iteration, bind_iterators
from datacube.wcps.bind.iterators import still
from datacube.wcps.bind.periods import seconds
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.unroll import bind_over
from datacube.wcps.bind.values import Raster


def bind_condense(node: syntax.Condense, scope: Scope) -> Raster:
    """Bind a condenser.

    Cells where the condition is null or false are skipped.

    Raises
    ------
    RequestError
        If operator, iterators, condition or value do not fit.
    """
    iterations = bind_iterators(node.iterators, scope)
    parameters = tuple(_number(parameter, scope) for parameter in node.parameters)
    found = reducer(node.operator)
    if found.listed:
        parameters = _coordinates(iterations, node.operator)

    def body(inner: Scope) -> tuple[Raster, ...]:
        value = inner.raster(node.using)
        return (value,) if node.where is None else (value, inner.raster(node.where))

    over = bind_over(node, iterations, scope, body)
    source, *conditions = over.plans
    made = Reduce(
        source=source,
        operator=found.name,
        axes=over.positions,
        result=reduce_fields(node.operator, source.fields, parameters),
        parameters=parameters,
        where=_truth(conditions[0]) if conditions else None,
        compat=scope.context.compat,
    )
    return Raster(plan=made, iterators=over.outer)


def _number(expr: syntax.Expr, scope: Scope) -> float:
    number = still(scope.bind(expr))
    if isinstance(number, str):
        raise InvalidParameterError(f"a number is needed here, not {number!r}")
    return float(number)


def _coordinates(iterations: Sequence[Iteration], operator: str) -> tuple[float, ...]:
    """Return what the one iterator is at its places; none where it counts from 0."""
    if len(iterations) != 1:
        raise InvalidParameterError(f"{operator!r} takes one iterator, not {len(iterations)}")
    axis = iterations[0].axis
    if isinstance(axis, TimeAxis):
        return tuple(seconds(acquisition.reference) for acquisition in axis)
    numbers = tuple(float(number) for number in axis.coordinates())
    return () if numbers == tuple(range(len(numbers))) else numbers


def _truth(plan: Plan) -> Plan:
    if len(plan.fields) != 1:
        names = ", ".join(field.name for field in plan.fields)
        raise InvalidParameterError(f"a condition has one band, not {len(plan.fields)}: {names}")
    return plan if plan.fields[0].dtype == "bool" else apply("cast bool", plan)


BINDERS: Mapping[type, Binder] = {syntax.Condense: bind_condense}
