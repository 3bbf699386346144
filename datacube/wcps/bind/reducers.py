"""Reductions of a whole coverage to one number a band: `avg($c)`, `quantile($c, 0.9)`."""

from collections.abc import Mapping
from dataclasses import replace

from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Domain, Plan, Reduce, Spread
from datacube.plan.reducers import REDUCER_ALIASES, REDUCERS, reduce_fields, reducer
from datacube.wcps import syntax
from datacube.wcps.bind.cellwise import apply_values, plain_number
from datacube.wcps.bind.scope import CallBinder, Scope
from datacube.wcps.bind.values import Constant, Raster, Value

_ALONE = RegularAxis(name="cell", uom="1", start=0, step=1, size=1, index=True)
_OF_TWO = frozenset({"min", "max"})
"""Names that mean a function of cells where they have several arguments."""


def reduced(raster: Raster, operator: str, parameters: tuple[float, ...], scope: Scope) -> Raster:
    """Reduce all axes that are not those of iterators; a number is a coverage of one cell.

    Raises
    ------
    InvalidParameterError
        If the type or the parameters do not fit.
    """
    plan, at = raster.plan, len(raster.iterators)
    if not raster.own_axes:
        plan = _one_cell(plan)
    axes = tuple(range(at, len(plan.domain.axes)))
    if reducer(operator).listed and len(axes) != 1:
        names = ", ".join(axis.name for axis in raster.own_axes)
        raise InvalidParameterError(
            f"{operator!r} needs a coverage of one axis; the axes are {names}; "
            "slice the others, or condense over one"
        )
    made = Reduce(
        source=plan,
        operator=reducer(operator).name,
        axes=axes,
        result=reduce_fields(operator, plan.fields, parameters),
        parameters=parameters,
        compat=scope.context.compat,
    )
    return replace(raster, plan=made)


def _one_cell(plan: Plan) -> Plan:
    axes = plan.domain.axes
    return Spread(source=plan, domain=Domain(outer=(*axes, _ALONE)), places=tuple(range(len(axes))))


def _reduce(expr: syntax.Call, scope: Scope) -> Value:
    name = expr.function
    if name in _OF_TWO and len(expr.args) > 1:
        return apply_values(name, [scope.bind(arg) for arg in expr.args], scope)
    wanted = reducer(name).parameters
    if len(expr.args) != 1 + len(wanted):
        raise InvalidParameterError(
            f"{name} takes a coverage{''.join(f' and {p}' for p in wanted)}, "
            f"not {len(expr.args)} arguments"
        )
    parameters = tuple(float(plain_number(arg, scope)) for arg in expr.args[1:])
    return reduced(scope.raster(expr.args[0]), name, parameters, scope)


def _cell_count(expr: syntax.Call, scope: Scope) -> Value:
    if len(expr.args) != 1:
        raise InvalidParameterError(f"cellCount takes a coverage, not {len(expr.args)} arguments")
    return Constant(value=scope.raster(expr.args[0]).own_domain.size)


CALLS: Mapping[str, CallBinder] = {
    **dict.fromkeys(
        (
            n
            for n in (*REDUCERS, *REDUCER_ALIASES)
            if n.isalpha() and n not in ("overlay", "and", "or", "xor")
        ),
        _reduce,
    ),
    "cellcount": _cell_count,
}
