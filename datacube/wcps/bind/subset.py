"""Binding of trims and slices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from datacube.errors import RequestError
from datacube.plan import query
from datacube.plan.cut import cut, own_position
from datacube.plan.nodes import Plan
from datacube.wcps.bind.following import take, take_range
from datacube.wcps.bind.intervals import Part, asked, counted, parts
from datacube.wcps.bind.iterators import NotVectorisableError, iterators_of
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Raster
from datacube.wcps.syntax import Span, Subset

type _Located = tuple[Span, query.Trim | query.Slice]


def bind_subset(node: Subset, scope: Scope) -> Raster:
    """Bind `x[...]`: what is known now first, then places that depend on iterators.

    Raises
    ------
    RequestError
        If an axis does not exist, or a place on it.
    """
    raster = scope.raster(node.source)
    found = parts(node.items, scope)
    fixed = tuple(part for part in found if not part.following)
    raster = replace(raster, plan=_cut(raster, fixed, scope))
    for part in found:
        if part.following:
            raster = _moved(raster, part, scope)
    return raster


def _cut(raster: Raster, fixed: Sequence[Part], scope: Scope) -> Plan:
    plan, skip = raster.plan, len(raster.iterators)
    located: list[_Located] = []
    for part in fixed:
        try:
            axis = plan.domain.axes[own_position(plan.domain, part.axis, skip)]
            located.append((part.span, asked(counted(part, axis), axis, scope)))
        except RequestError as error:
            scope.locate(error, part.span)
            raise
    try:
        return cut(plan, [one for _, one in located], scope.context.view, skip=skip)
    except RequestError as error:
        _blame(error, located, raster, scope)
        raise


def _blame(error: RequestError, located: Sequence[_Located], raster: Raster, scope: Scope) -> None:
    """Note the place of the item that fails alike on its own."""
    for span, one in located:
        try:
            cut(raster.plan, [one], scope.context.view, skip=len(raster.iterators))
        except RequestError as alone:
            if str(alone) == str(error):
                scope.locate(error, span)
                return


def _moved(raster: Raster, part: Part, scope: Scope) -> Raster:
    """Subset at a place that depends on iterators."""
    try:
        values = (part.low, part.high, part.at)
        if part.crs is not None:
            names = tuple(name for value in values for name in iterators_of(value))
            raise NotVectorisableError("a place in another CRS is no plain index", names)
        position = own_position(raster.plan.domain, part.axis, len(raster.iterators))
        part = counted(part, raster.plan.domain.axes[position])
        if part.at is not None:
            return take(raster, position, part.at, scope, grid_index=part.indices)
        return take_range(raster, position, part.low, part.high, scope, grid_indices=part.indices)
    except RequestError as error:
        scope.locate(error, part.span)
        raise


BINDERS: Mapping[type, Binder] = {Subset: bind_subset}
