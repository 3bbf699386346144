"""Binding of `extend`."""

from collections.abc import Mapping
from dataclasses import replace

from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError, RequestError
from datacube.grid import crs_name
from datacube.plan import query
from datacube.plan.cut import index_range, is_by_centre, own_position, whole
from datacube.plan.extending import extend
from datacube.plan.nodes import Domain
from datacube.plan.scaling import check_size
from datacube.wcps.bind.intervals import Part, asked, parts
from datacube.wcps.bind.scope import Binder, Scope
from datacube.wcps.bind.values import Raster
from datacube.wcps.syntax import Extend


def bind_extend(node: Extend, scope: Scope) -> Raster:
    """Bind `extend(x, {...})`: the cells of the intervals, null where `x` has none.

    Intervals count as those of trims, without their clamping. An interval that is
    shorter than the axis cuts it; times and other listed axes stay as they are.

    Raises
    ------
    InvalidParameterError
        If an interval is not known now, or would add places to a listed axis.
    OutOfDomainError
        If an interval has no cell in common with its axis.
    UnknownNameError
        If an axis does not exist.
    """
    raster = scope.raster(node.source)
    domain, skip = raster.plan.domain, len(raster.iterators)
    ranges: dict[int, tuple[int, int]] = {}
    for part in parts(node.items, scope):
        try:
            at = own_position(domain, part.axis, skip)
            if at in ranges:
                raise InvalidParameterError(f"axis {part.axis!r} is extended twice")
            found = _range(domain, at, part, scope)
        except RequestError as error:
            scope.locate(error, part.span)
            raise
        if found is not None:
            ranges[at] = found
    return replace(raster, plan=extend(raster.plan, ranges))


def _range(domain: Domain, at: int, part: Part, scope: Scope) -> tuple[int, int] | None:
    axis = domain.axes[at]
    if part.at is not None or part.moving:
        raise InvalidParameterError(
            f"extend of axis {part.axis!r} needs an interval that is known now, low:high"
        )
    wanted = asked(part, axis, scope)
    if isinstance(wanted, query.Slice):
        raise TypeError("an interval became a slice")
    if isinstance(axis, RegularAxis):
        own = axis.crs if at < len(domain.outer) or domain.grid is None else domain.grid.crs
        if wanted.crs is not None and wanted.crs != own:
            raise InvalidParameterError(
                f"axis {part.axis!r} has no cells in {crs_name(wanted.crs)}; extend it in its own"
            )
        first, stop = index_range(axis, wanted, by_centre=is_by_centre(domain, at))
        check_size(stop - first, part.axis)
        return first, stop
    if wanted.grid_indices:
        ends = tuple(whole(end, part.axis) for end in (wanted.low, wanted.high) if end is not None)
        inside = all(axis.first <= end < axis.stop for end in ends)
    else:
        inside = wanted.low is None and wanted.high is None
    if not inside:
        raise InvalidParameterError(
            f"axis {part.axis!r} has listed places, to which extend cannot add; trim it instead"
        )
    return None


BINDERS: Mapping[type, Binder] = {Extend: bind_extend}
