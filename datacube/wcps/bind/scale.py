"""Binding of `scale`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from datacube.axes import Axis, RegularAxis
from datacube.errors import InvalidParameterError, RequestError
from datacube.plan import query
from datacube.plan.cut import index_range, is_by_centre, own_position, whole
from datacube.plan.nodes import Domain
from datacube.plan.query import Method
from datacube.plan.scaling import Size, check_size, factor_size, keep_ratio, scale
from datacube.wcps.bind.intervals import Part, asked, expand, number
from datacube.wcps.bind.methods import declared_method, method_named
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Constant, Raster
from datacube.wcps.syntax import Scale


def bind_scale(node: Scale, scope: Scope) -> Raster:
    """Bind `scale(x, ...)`: nearest, unless a method is asked for or declared by `x`.

    Where axes have methods of their own, those of one method are scaled at once, in the
    order in which the query names them; axes without one by nearest, last.

    A single factor is for every regular axis; times and other listed axes stay. Where
    only one axis of a map is given cells, the other is scaled in the same ratio.

    Raises
    ------
    InvalidParameterError
        If a size is not known now, or below 1.
    UnknownNameError
        If an axis or method does not exist.
    """
    raster = scope.raster(node.source)
    methods = _methods(node, raster, scope)
    found = expand(node.items, scope)
    if not found:
        raise InvalidParameterError("scale needs a factor, or the cells of its axes")
    factors = [one for one in found if isinstance(one, Constant)]
    parts = [one for one in found if isinstance(one, Part)]
    if factors and (parts or len(factors) > 1):
        raise InvalidParameterError("scale takes one factor for all axes, or parts with axes")
    if factors:
        sizes = _all_axes(raster, number(factors[0], scope))
    else:
        sizes = _each_axis(raster, parts, scope)
    plan = raster.plan
    for method in dict.fromkeys(methods.values()):
        some = {at: size for at, size in sizes.items() if methods[at] is method}
        plan = scale(plan, some, method) if some else plan
    return replace(raster, plan=plan)


def _methods(node: Scale, raster: Raster, scope: Scope) -> dict[int, Method]:
    """Return the method of each axis by its position, those first that the query names first."""
    domain, skip = raster.plan.domain, len(raster.iterators)
    own = range(skip, len(domain.axes))
    if not node.method:
        return dict.fromkeys(own, declared_method(raster.about))
    if isinstance(node.method, str):
        return dict.fromkeys(own, method_named(node.method))
    found: dict[int, Method] = {}
    for one in node.method:
        try:
            at = own_position(domain, one.axis, skip)
            if at in found:
                raise InvalidParameterError(f"axis {one.axis!r} has two methods")
            found[at] = method_named(one.method)
        except RequestError as error:
            scope.locate(error, one.span)
            raise
    return {**found, **dict.fromkeys((at for at in own if at not in found), Method.NEAREST)}


def _all_axes(raster: Raster, factor: float) -> dict[int, Size]:
    axes = enumerate(raster.plan.domain.axes)
    skip = len(raster.iterators)
    return {
        at: Size(cells=factor_size(axis.size, factor, axis.name))
        for at, axis in axes
        if at >= skip and isinstance(axis, RegularAxis)
    }


def _each_axis(raster: Raster, parts: Sequence[Part], scope: Scope) -> dict[int, Size]:
    domain, skip = raster.plan.domain, len(raster.iterators)
    sizes: dict[int, Size] = {}
    for part in parts:
        try:
            at = own_position(domain, part.axis, skip)
            if at in sizes:
                raise InvalidParameterError(f"axis {part.axis!r} is scaled twice")
            sizes[at] = _size(domain, at, part, scope)
        except RequestError as error:
            scope.locate(error, part.span)
            raise
    if all(part.at is None for part in parts):
        sizes = keep_ratio(domain, sizes)
    return sizes


def _size(domain: Domain, at: int, part: Part, scope: Scope) -> Size:
    axis = domain.axes[at]
    if part.at is not None:
        if part.crs is not None or part.indices:
            raise InvalidParameterError(
                f"axis {part.axis!r}: a factor has no CRS; cells are given as "
                f'{part.axis}:"CRS:1"(0:99)'
            )
        return Size(cells=factor_size(axis.size, number(part.at, scope), part.axis))
    if part.interval is not None:
        return _like(part.interval.axis, part.axis)
    if part.moving or part.low is None or part.high is None or part.crs is not None:
        raise InvalidParameterError(
            f"scale of axis {part.axis!r} needs the first and last cell, as in "
            f'{part.axis}:"CRS:1"(0:99)'
        )
    wanted = asked(part, axis, scope)
    if isinstance(wanted, query.Slice):
        raise TypeError("an interval became a slice")
    if isinstance(axis, RegularAxis):
        first, stop = index_range(axis, wanted, by_centre=is_by_centre(domain, at))
    elif part.indices:
        first, last = (whole(end or 0, part.axis) for end in (wanted.low, wanted.high))
        stop = last + 1
    else:
        raise InvalidParameterError(
            f'axis {part.axis!r} is listed; scale it to indices, {part.axis}:"CRS:1"(0:99)'
        )
    # Coordinates on the axis tell how many cells; only indices also number them.
    cells = check_size(stop - first, part.axis)
    return Size(cells=cells, first=first if part.indices else None)


def _like(axis: Axis, name: str) -> Size:
    like = axis if isinstance(axis, RegularAxis) else None
    return Size(cells=check_size(axis.size, name), first=axis.first, like=like)


BINDERS: Mapping[type, Binder] = {Scale: bind_scale}
