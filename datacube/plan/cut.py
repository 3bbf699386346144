"""Trims and slices of bound plans: the brackets of WCPS.

Trims of x, y and index axes keep the cells whose centre lies inside, at least one;
so `i(0:1)` of an index axis is one cell. Trims of other regular axes keep the cells
that they overlap, trims of listed axes the coefficients in the closed interval, trims
of time what they touch. Trims are clamped to the axis; one that misses it is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from datacube.axes import Axis, IrregularAxis, PlaceAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import Grid, crs_name
from datacube.plan.foreign import foreign_plane
from datacube.plan.names import axis_position
from datacube.plan.nodes import Domain, Plan, Slice, Trim
from datacube.plan.query import Slice as AskedSlice
from datacube.plan.query import Trim as AskedTrim
from datacube.plan.reach import acquisition_index
from datacube.protocols import CatalogView
from datacube.times import Period

type Asked = AskedTrim | AskedSlice

_FREE = 2**52
"""Half the cells of an axis that reaches beyond every bound."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a subset leaves of an axis."""

    axis: Axis
    index: int | None = None
    """Of the one place, on the whole axis, where the axis is sliced."""


def own_position(domain: Domain, name: str, skip: int) -> int:
    """Return the position of an axis among those after the first `skip`.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    return skip + axis_position(replace(domain, outer=domain.outer[skip:]), name)


def cut(
    plan: Plan,
    asked: Sequence[Asked],
    view: CatalogView,
    *,
    skip: int = 0,
    keep_plane: bool = False,
) -> Plan:
    """Trim and slice a plan by one bracket; a sliced axis vanishes.

    With `keep_plane` x and y stay where they are sliced, with one cell.
    The first `skip` axes are left alone. Times with less precision than an instant
    select by the area that is left after the other subsets of the bracket.

    Raises
    ------
    InvalidParameterError
        If an axis comes twice or a bound is of the wrong kind.
    OutOfDomainError, TimeSelectionError, UnknownNameError
        If there is no such place.
    """
    domain = plan.domain
    places = _by_position(domain, asked, skip)
    kept = _foreign(domain, places)
    for at, one in places.items():
        axis = domain.axes[at]
        if at not in kept and not (isinstance(axis, TimeAxis) and isinstance(one, AskedSlice)):
            _check_crs(domain, at, one)
            kept[at] = _along(axis, one, by_centre=is_by_centre(domain, at))
    if keep_plane:
        plane = range(len(domain.outer), len(domain.axes))
        kept |= {at: _Kept(kept[at].axis) for at in plane if at in kept}
    area = _trimmed(plan, {at: one.axis for at, one in kept.items()})
    for at, one in places.items():
        axis = domain.axes[at]
        if isinstance(axis, TimeAxis) and isinstance(one, AskedSlice):
            kept[at] = _Kept(axis, _time_index(area, at, one, view))
    made = _trimmed(plan, {at: one.axis for at, one in kept.items() if one.index is None})
    for at in sorted(kept, reverse=True):
        index = kept[at].index
        if index is not None:
            made = Slice(source=made, axis=at, index=index)
    return made


def is_by_centre(domain: Domain, at: int) -> bool:
    """Tell whether trims of an axis keep cells by their centres: x, y and index axes."""
    axis = domain.axes[at]
    return at >= len(domain.outer) or (
        isinstance(axis, RegularAxis) and (axis.index or axis.crs is not None)
    )


def index_range(axis: RegularAxis, asked: AskedTrim, *, by_centre: bool) -> tuple[int, int]:
    """Return the half-open range of indices that a trim would keep if the axis had no end.

    A bound that is None is the axis' own end.

    Raises
    ------
    InvalidParameterError
        If a bound is a time, or the bounds run backwards.
    """
    if asked.grid_indices:
        first = axis.first if asked.low is None else whole(asked.low, asked.axis)
        last = axis.stop - 1 if asked.high is None else whole(asked.high, asked.axis)
        _check_order(first, last, asked.axis)
        return first, last + 1
    free = replace(axis, first=-_FREE, size=2 * _FREE)
    made = _within(free, *_bounds(asked, axis), by_centre=by_centre)
    return made.first, made.stop


def number(value: float | Period, axis: str) -> float:
    """Return a coordinate of an axis of numbers.

    Raises
    ------
    InvalidParameterError
        If it is a time.
    """
    if isinstance(value, Period):
        raise InvalidParameterError(
            f"axis {axis!r} takes numbers, not the time {value}", parameter="subset"
        )
    return float(value)


def whole(value: float | Period, axis: str) -> int:
    """Return a grid index.

    Raises
    ------
    InvalidParameterError
        If it is a time or no whole number.
    """
    found = number(value, axis)
    if not found.is_integer():
        raise InvalidParameterError(
            f"axis {axis!r}: grid indices are whole numbers, not {found:g}", parameter="subset"
        )
    return int(found)


def _by_position(domain: Domain, asked: Sequence[Asked], skip: int) -> dict[int, Asked]:
    places: dict[int, Asked] = {}
    for one in asked:
        at = own_position(domain, one.axis, skip)
        if at in places:
            raise InvalidParameterError(
                f"axis {one.axis!r} is subset twice in one bracket", parameter="subset"
            )
        places[at] = one
    return places


def _foreign(domain: Domain, places: Mapping[int, Asked]) -> dict[int, _Kept]:
    """Return what subsets in another CRS leave of the plane, both axes taken together.

    Where one of them is in the plane's own CRS or in indices it goes first, and the other
    is looked for on what it leaves.
    """
    if domain.grid is None:
        return {}
    y, x = len(domain.axes) - 2, len(domain.axes) - 1
    own = domain.grid.crs
    foreign = {at: crs for at in (y, x) if at in places and (crs := places[at].crs or own) != own}
    if not foreign:
        return {}
    first, *others = foreign.values()
    if any(one != first for one in others):
        raise InvalidParameterError(
            "the subsets of one bracket's x and y are in two CRSs that are not the coverage's; "
            "give both in one, or one of them in a bracket of its own",
            parameter="subset",
        )
    grid, kept = domain.grid, dict[int, _Kept]()
    for at in {y, x} & places.keys() - foreign.keys():
        kept[at] = _along(domain.axes[at], places[at], by_centre=True)
        grid = _with_plane_axis(grid, kept[at], is_x=at == x)
    on_x, on_y = (places[at] if at in foreign else None for at in (x, y))
    made = foreign_plane(grid, on_x, on_y, first)
    for at, axis in ((y, made.y), (x, made.x)):
        if at not in kept:
            index = axis.first if isinstance(places.get(at), AskedSlice) else None
            kept[at] = _Kept(axis, index)
    return kept


def _with_plane_axis(grid: Grid, kept: _Kept, *, is_x: bool) -> Grid:
    """Return a grid with what is kept of one of its axes, one cell of a slice."""
    axis = grid.x if is_x else grid.y
    if kept.index is not None:
        axis = axis.select(kept.index, kept.index)
    elif isinstance(kept.axis, RegularAxis):
        axis = kept.axis
    return replace(grid, x=axis) if is_x else replace(grid, y=axis)


def _check_crs(domain: Domain, at: int, asked: Asked) -> None:
    """Refuse a CRS on an axis that has none, or another and is no part of a plane any more."""
    axis = domain.axes[at]
    if asked.crs is not None and at < len(domain.outer):
        own = axis.crs if isinstance(axis, RegularAxis) else None
        if own != asked.crs:
            known = "has no CRS of the Earth" if own is None else f"is in {crs_name(own)} alone"
            raise InvalidParameterError(
                f"axis {axis.name!r} {known}; {crs_name(asked.crs)} was asked", parameter="subset"
            )


def _along(axis: Axis, asked: Asked, *, by_centre: bool) -> _Kept:
    if isinstance(axis, TimeAxis):
        if isinstance(asked, AskedSlice):
            raise TypeError("a slice of time asks the catalogue")
        return _Kept(_time_trim(axis, asked))
    if isinstance(asked, AskedSlice):
        index = (
            whole(asked.at, asked.axis)
            if asked.grid_index
            else axis.at(number(asked.at, asked.axis))
        )
        return _Kept(axis.select(index, index), index)
    if asked.low is None and asked.high is None:
        return _Kept(axis)
    if asked.grid_indices:
        first, last = _clamped(axis, asked)
        return _Kept(axis.select(first, last))
    low, high = _bounds(asked, axis)
    if isinstance(axis, IrregularAxis):
        return _Kept(axis.inside(low, high))
    return _Kept(_within(axis, low, high, by_centre=by_centre))


def _within(axis: RegularAxis, low: float, high: float, *, by_centre: bool) -> RegularAxis:
    if by_centre:
        # Cell k of an index axis lies between k and k + 1 here.
        made = replace(axis, index=False).inside(low, high)
        return replace(axis, first=made.first, size=made.size)
    i, j = sorted(axis.position(bound) for bound in (low, high))
    if i == j and i.is_integer():
        index = axis.at(low)
        return axis.select(index, index)
    if floor(i) >= axis.stop or ceil(j) <= axis.first:
        raise OutOfDomainError(
            f"{low:g}:{high:g} misses axis {axis.name!r} with "
            f"{axis.bounds[0]:g}:{axis.bounds[1]:g} {axis.uom}"
        )
    return axis.cover(low, high)


def _clamped(axis: PlaceAxis | TimeAxis, asked: AskedTrim) -> tuple[int, int]:
    """Return the first and last index of a trim by grid indices, as far as the axis reaches."""
    first = axis.first if asked.low is None else whole(asked.low, asked.axis)
    last = axis.stop - 1 if asked.high is None else whole(asked.high, asked.axis)
    _check_order(first, last, asked.axis)
    if first >= axis.stop or last < axis.first:
        raise OutOfDomainError(
            f"grid indices {first}:{last} miss axis {axis.name!r} with {axis.first}:{axis.stop - 1}"
        )
    return max(first, axis.first), min(last, axis.stop - 1)


def _bounds(asked: AskedTrim, axis: PlaceAxis) -> tuple[float, float]:
    low = axis.bounds[0] if asked.low is None else number(asked.low, asked.axis)
    high = axis.bounds[1] if asked.high is None else number(asked.high, asked.axis)
    # An open bound lies where the axis ends, and what is asked may miss the axis.
    if None not in (asked.low, asked.high):
        _check_order(low, high, asked.axis)
    elif low > high:
        raise OutOfDomainError(
            f"{low:g}:{high:g} misses axis {axis.name!r} with "
            f"{axis.bounds[0]:g}:{axis.bounds[1]:g} {axis.uom}"
        )
    return low, high


def _check_order(low: float, high: float, axis: str) -> None:
    if low > high:
        raise InvalidParameterError(
            f"subset of {axis!r}: {low:g} lies above {high:g}", parameter="subset"
        )


def _time_trim(axis: TimeAxis, asked: AskedTrim) -> TimeAxis:
    if not asked.grid_indices:
        return axis.trim(_period(asked.low, asked.axis), _period(asked.high, asked.axis))
    first, last = _clamped(axis, asked)
    return replace(axis, acquisitions=axis.acquisitions[first : last + 1])


def _time_index(area: Plan, at: int, asked: AskedSlice, view: CatalogView) -> int:
    axis = area.domain.axes[at]
    if asked.grid_index:
        index = whole(asked.at, asked.axis)
        if not axis.first <= index < axis.stop:
            raise OutOfDomainError(
                f"grid index {index} misses axis {axis.name!r} with {axis.first}:{axis.stop - 1}"
            )
        return index
    when = _period(asked.at, asked.axis)
    if when is None:
        raise InvalidParameterError(f"slice of {asked.axis!r} needs a time", parameter="subset")
    return acquisition_index(area, at, when, view)


def _period(value: float | Period | None, axis: str) -> Period | None:
    if value is None or isinstance(value, Period):
        return value
    raise InvalidParameterError(
        f"axis {axis!r} takes ISO 8601 times in quotes, not the number {value:g}",
        parameter="subset",
    )


def _trimmed(plan: Plan, found: Mapping[int, Axis]) -> Plan:
    domain = plan.domain
    for at, axis in found.items():
        domain = domain.having(at, axis)
    return plan if domain == plan.domain else Trim(source=plan, domain=domain)
