"""Binding of `flip` and `sort`."""

from collections.abc import Mapping
from dataclasses import replace

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.cut import own_position
from datacube.plan.nodes import (
    Affine,
    Bands,
    Domain,
    Flip,
    Pick,
    Plan,
    Relabel,
    Sort,
    Spread,
    Table,
    Take,
)
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Raster, Value
from datacube.wcps.syntax import Flip as FlipSyntax
from datacube.wcps.syntax import Sort as SortSyntax


def bind_flip(node: FlipSyntax, scope: Scope) -> Raster:
    """Bind `flip x along axis`: cells in reverse order, the axis stays.

    Raises
    ------
    UnknownNameError
        If there is no such axis.
    """
    raster = scope.raster(node.source)
    at = own_position(raster.plan.domain, node.axis, len(raster.iterators))
    return replace(raster, plan=Flip(source=raster.plan, axis=at))


def bind_sort(node: SortSyntax, scope: Scope) -> Raster:
    """Bind `sort x along axis by key`: cells in the order of a key, the axis stays.

    Where the key names a coverage that has the places of the axis, it means its slice at
    the place that is being ranked: in `sort $c along ansi by avg($c)` the mean of each time.
    Of a key with several fields the first counts.

    Raises
    ------
    InvalidParameterError
        If the key is not one number a place.
    UnknownNameError
        If there is no such axis.
    """
    raster = scope.raster(node.source)
    at = own_position(raster.plan.domain, node.axis, len(raster.iterators))
    axis = raster.plan.domain.axes[at]
    identity = f"sort {len(scope.iterators)} {axis.name}"
    inner = scope.iterating(identity, axis)
    variables = {
        name: _at_place(value, axis, identity, inner) for name, value in scope.variables.items()
    }
    key = replace(inner, variables=variables).raster(node.by)
    plan = Sort(
        source=raster.plan,
        axis=at,
        by=_ranking(key, axis, identity, scope, node),
        descending=node.descending,
    )
    return replace(raster, plan=plan)


def _ranking(key: Raster, axis: Axis, identity: str, scope: Scope, node: SortSyntax) -> Plan:
    """Return the key with the sorted axis alone."""
    others = tuple(name for name in key.iterators if name != identity)
    if key.own_axes or others:
        names = [one.name for one in key.own_axes]
        left = f"; it has the axes {', '.join(names)}" if names else ""
        left = left or "; it follows iterators outside"
        error = InvalidParameterError(
            f"the key of a sort is one number for each place of axis {axis.name!r}{left}"
        )
        scope.locate(error, node.by.span)
        raise error
    domain = Domain(outer=(axis,))
    if len(key.plan.fields) > 1:
        first = key.plan.fields[0].name
        key = replace(key, plan=Bands(picks=(Pick(source=key.plan, field=first, name=first),)))
    if not key.iterators:
        return Spread(source=key.plan, domain=domain, places=())
    return key.plan if key.plan.domain == domain else Relabel(source=key.plan, domain=domain)


def _at_place(value: Value, axis: Axis, identity: str, scope: Scope) -> Value:
    """Return a coverage sliced at the place of an iterator over `axis`, where it has them all."""
    if not isinstance(value, Raster):
        return value
    skip, domain = len(value.iterators), value.plan.domain
    try:
        at = own_position(domain, axis.name, skip)
    except UnknownNameError:
        return value
    numbers = _numbers(domain.axes[at], axis)
    if numbers is None:
        return value
    own = value.own_domain.without(at - skip)
    names = tuple(name for name, _ in scope.iterators if name in (*value.iterators, identity))
    axes = dict(scope.iterators)
    made = Domain(outer=(*(axes[name] for name in names), *own.outer), grid=own.grid)
    here = names.index(identity)
    kept = [names.index(name) for name in value.iterators]
    kept += range(len(names), len(made.axes))
    plan = Take(
        source=value.plan,
        axis=at,
        index=_index(numbers, axis.first, here),
        domain=made,
        places=tuple(kept),
    )
    return replace(value, plan=plan, iterators=names)


def _index(numbers: tuple[int, ...], first: int, at: int) -> Affine | Table:
    if all(number == numbers[0] + k for k, number in enumerate(numbers)):
        return Affine(offset=numbers[0] - first, terms=((at, 1),))
    return Table(axes=(at,), indices=numbers)


def _numbers(whole: Axis, part: Axis) -> tuple[int, ...] | None:
    """Return the indices on one axis of the places of another; None where it lacks one."""
    match whole, part:
        case RegularAxis(), RegularAxis():
            same = (whole.start, whole.step) == (part.start, part.step)
            inside = whole.first <= part.first and part.stop <= whole.stop
            return tuple(range(part.first, part.stop)) if same and inside else None
        case IrregularAxis(), IrregularAxis():
            places = {c: k for k, c in enumerate(whole.coefficients)}
            found = [places.get(c) for c in part.coefficients]
        case TimeAxis(), TimeAxis():
            times = {a.reference: k for k, a in enumerate(whole)}
            found = [times.get(a.reference) for a in part]
        case _:
            return None
    return None if None in found else tuple(k for k in found if k is not None)


BINDERS: Mapping[type, Binder] = {FlipSyntax: bind_flip, SortSyntax: bind_sort}
