"""Binding of coverage queries: which cells, which acquisitions, which slots.

The chain of a query is walked from the coverage outwards. Times and slots are
fixed here, before any rule. A slice of x or y keeps an axis of one cell, because
the last two axes of every domain are the plane and files hold planes; a slice of any
other axis removes it, and so does the end of binding with the placeholders of lines.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from datacube.axes import PLACEHOLDER, IrregularAxis, PlaceAxis, RegularAxis, TimeAxis
from datacube.cube import Band, Coverage
from datacube.errors import (
    InvalidParameterError,
    OutOfDomainError,
    TimeSelectionError,
    UnknownNameError,
)
from datacube.grid import Grid
from datacube.plan import nodes, query
from datacube.plan.foreign import foreign_plane
from datacube.plan.geometry import reproject_box
from datacube.plan.names import axis_position, select_bands
from datacube.plan.query import Method
from datacube.plan.shading import painted, stored_bands
from datacube.plan.stacking import Times, stacked, touching_slots
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import Acquisition, Period, iso_text

type _Step = query.Subset | query.CutBox | query.SelectBands | query.Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """One step after the base grid: a scale, or a trim of a scaled grid."""

    grid: Grid
    method: Method | None
    """None for a trim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One axis between time and plane."""

    axis: PlaceAxis
    """Trimmed as far as was asked; one cell where it is sliced."""
    sliced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What a chain of queries has come to so far."""

    coverage: Coverage
    base: Grid
    """The stored cells, trimmed as far as they were before the first scale."""
    changes: tuple[_Change, ...] = ()
    times: Times
    """The axis, the one acquisition of a slice, or None where the coverage has no time."""
    places: tuple[_Place, ...] = ()
    """In the order of the coverage's further axes."""
    bands: tuple[Band, ...]

    @property
    def grid(self) -> Grid:
        return self.changes[-1].grid if self.changes else self.base

    @property
    def domain(self) -> nodes.Domain:
        time = (self.times,) if isinstance(self.times, TimeAxis) else ()
        kept = (place.axis for place in self.places if not place.sliced)
        return nodes.Domain(outer=(*time, *kept), grid=self.grid)

    def trimmed(self, grid: Grid) -> "_State":
        if grid == self.grid:
            return self
        if not self.changes:
            return replace(self, base=grid)
        return replace(self, changes=(*self.changes, _Change(grid=grid, method=None)))


def bind_coverage(asked: query.Query, view: CatalogView) -> tuple[nodes.Plan, str]:
    """Bind a coverage query; return its plan and the coverage's id.

    Raises
    ------
    RequestError
        If a name, place, time or band does not exist.
    """
    chain: list[_Step] = []
    while not isinstance(asked, query.Coverage):
        chain.append(asked)
        asked = asked.source
    coverage = view.coverage(asked.coverage_id)
    state = _State(
        coverage=coverage,
        base=coverage.grid,
        times=coverage.time,
        places=tuple(_Place(axis=axis) for axis in coverage.axes),
        bands=coverage.bands,
    )
    for step in reversed(chain):
        state = _step(state, step, view)
    return _plan(state, view), coverage.id


def _step(state: _State, step: _Step, view: CatalogView) -> _State:
    match step:
        case query.Subset(subsets=subsets):
            return _subset(state, subsets, view)
        case query.CutBox(bbox=bbox, crs=crs):
            box = reproject_box(bbox, crs, state.grid.crs, widen=0.0)
            if box is None:
                raise OutOfDomainError(f"bbox {bbox} has no place in {state.grid.crs.name}")
            return state.trimmed(state.grid.cover(box))
        case query.SelectBands(bands=bands):
            return replace(state, bands=select_bands(state.bands, bands))
        case query.Scale(by=by, method=method):
            return _scaled(state, by, method)
        case _:
            assert_never(step)


def _subset(
    state: _State, subsets: tuple[query.Trim | query.Slice, ...], view: CatalogView
) -> _State:
    """Apply one bracket: the plane first; time last, which may ask what lies in the plane."""
    axes = state.domain.axes
    by_axis: dict[int, query.Trim | query.Slice] = {}
    for one in subsets:
        at = axis_position(state.domain, one.axis)
        if at in by_axis:
            raise InvalidParameterError(
                f"axis {one.axis!r} is subset twice in one bracket", parameter="subset"
            )
        by_axis[at] = one
    x, y = by_axis.pop(len(axes) - 1, None), by_axis.pop(len(axes) - 2, None)
    if x is not None or y is not None:
        state = state.trimmed(_plane(state.grid, x, y))
    time = by_axis.pop(0, None) if isinstance(state.times, TimeAxis) else None
    for at, one in by_axis.items():
        state = replace(state, places=_placed(state.places, axes[at].name, one))
    return state if time is None else replace(state, times=_times(state, time, view))


def _placed(
    places: tuple[_Place, ...], name: str, asked: query.Trim | query.Slice
) -> tuple[_Place, ...]:
    """Trim or slice the axis called `name`."""
    sliced = isinstance(asked, query.Slice)
    made = []
    for place in places:
        if place.axis.name != name:
            made.append(place)
        elif isinstance(place.axis, RegularAxis):
            made.append(_Place(axis=_along(place.axis, asked), sliced=sliced))
        else:
            made.append(_Place(axis=_along(place.axis, asked), sliced=sliced))
    return tuple(made)


def _plane(
    grid: Grid, x: query.Trim | query.Slice | None, y: query.Trim | query.Slice | None
) -> Grid:
    crs = next((s.crs for s in (x, y) if s is not None and s.crs is not None), None)
    if crs is None or crs == grid.crs:
        return replace(grid, x=_along(grid.x, x), y=_along(grid.y, y))
    return foreign_plane(grid, x, y, crs)


def _bounds(asked: query.Trim | query.Slice | None, low: float, high: float) -> tuple[float, float]:
    if asked is None:
        return low, high
    if isinstance(asked, query.Slice):
        at = _number(asked.at, asked.axis)
        return at, at
    first = low if asked.low is None else _number(asked.low, asked.axis)
    last = high if asked.high is None else _number(asked.high, asked.axis)
    return _ordered(first, last, asked.axis)


def _ordered(low: float, high: float, axis: str) -> tuple[float, float]:
    if low > high:
        raise InvalidParameterError(
            f"subset of {axis!r}: {low:g} lies above {high:g}", parameter="subset"
        )
    return low, high


def _along[A: (RegularAxis, IrregularAxis)](axis: A, asked: query.Trim | query.Slice | None) -> A:
    if asked is None:
        return axis
    if isinstance(asked, query.Slice):
        at = _number(asked.at, asked.axis)
        index = _index(at, asked.axis) if asked.grid_index else axis.at(at)
        return axis.select(index, index)
    low, high = axis.extent
    if asked.grid_indices:
        first = axis.first if asked.low is None else _index(asked.low, asked.axis)
        last = axis.stop - 1 if asked.high is None else _index(asked.high, asked.axis)
        return axis.select(first, last)
    if asked.low is None and asked.high is None:
        return axis
    return axis.inside(*_bounds(asked, low, high))


def _number(value: float | Period, axis: str) -> float:
    if isinstance(value, Period):
        raise InvalidParameterError(
            f"axis {axis!r} takes numbers, not the time {value}", parameter="subset"
        )
    return float(value)


def _index(value: float | Period, axis: str) -> int:
    number = _number(value, axis)
    if number != int(number):
        raise InvalidParameterError(
            f"axis {axis!r}: CRS:1 takes whole grid indices, not {number}", parameter="subset"
        )
    return int(number)


def _period(value: float | Period | None, axis: str) -> Period | None:
    if value is None or isinstance(value, Period):
        return value
    raise InvalidParameterError(
        f"axis {axis!r} takes ISO 8601 times in quotes, not the number {value:g}",
        parameter="subset",
    )


def _times(state: _State, asked: query.Trim | query.Slice, view: CatalogView) -> Times:
    axis = state.times
    if not isinstance(axis, TimeAxis):
        names = tuple(each.name for each in state.domain.axes)
        raise UnknownNameError("axis", asked.axis, names)
    if isinstance(asked, query.Trim):
        if asked.grid_indices:
            first = 0 if asked.low is None else _index(asked.low, asked.axis)
            last = axis.size - 1 if asked.high is None else _index(asked.high, asked.axis)
            return replace(axis, acquisitions=_numbered(axis, first, last))
        return axis.trim(_period(asked.low, asked.axis), _period(asked.high, asked.axis))
    if asked.grid_index:
        index = _index(asked.at, asked.axis)
        return _numbered(axis, index, index)[0]
    when = _period(asked.at, asked.axis)
    if when is None:
        raise InvalidParameterError(f"slice of {asked.axis!r} needs a time", parameter="subset")
    return _sliced(state, axis, when, view)


def _numbered(axis: TimeAxis, first: int, last: int) -> tuple[Acquisition, ...]:
    if not 0 <= first <= last < axis.size:
        raise OutOfDomainError(
            f"grid indices {first}:{last} miss axis {axis.name!r} with 0:{axis.size - 1}"
        )
    return axis.acquisitions[first : last + 1]


def _sliced(state: _State, axis: TimeAxis, when: Period, view: CatalogView) -> Acquisition:
    """Return the one acquisition at `when` that touches the area, if need be."""
    touched = [a for a in axis if a.touches(when)]
    if len(touched) <= 1 and (when.end - when.start).total_seconds() <= 1:
        return axis.at(when)
    if not touched:
        return axis.at(when)
    kept = replace(axis, acquisitions=tuple(touched))
    here = {slot.scene.reference_time for slot in _slots(state, state.grid.bbox, kept, view)}
    there = [a for a in touched if a.reference in here]
    if len(there) == 1:
        return there[0]
    names = ", ".join(iso_text(a.reference) for a in (there or touched)[:10])
    if there:
        raise TimeSelectionError(
            f"{when} selects {len(there)} acquisitions, one is needed: {names}"
        )
    raise TimeSelectionError(f"no acquisition at {when} touches the area; elsewhere: {names}")


def _slots(state: _State, area: Bbox, times: Times, view: CatalogView) -> tuple[Slot, ...]:
    return touching_slots(state.coverage, state.bands, area, times=times, view=view)


def _scaled(
    state: _State, by: tuple[query.ScaleFactor | query.ScaleSize, ...], method: Method
) -> _State:
    grid = state.grid
    sizes = {"x": grid.x.size, "y": grid.y.size}
    for one in by:
        if isinstance(one, query.ScaleFactor) and one.axis is None:
            names: tuple[str, ...] = ("x", "y")
        else:
            names = (_plane_axis(state.domain, one.axis or ""),)
        for name in names:
            if isinstance(one, query.ScaleSize):
                size = one.size
            else:
                size = round((grid.x.size if name == "x" else grid.y.size) * one.factor)
            if size < 1:
                raise InvalidParameterError(
                    f"scale would leave {size} cells along {name}; at least 1 is needed",
                    parameter="scale",
                )
            sizes[name] = size
    target = replace(grid, x=_resized(grid.x, sizes["x"]), y=_resized(grid.y, sizes["y"]))
    return replace(state, changes=(*state.changes, _Change(grid=target, method=method)))


def _plane_axis(domain: nodes.Domain, name: str) -> str:
    at = axis_position(domain, name) - len(domain.axes)
    if at < -2:
        raise InvalidParameterError(
            f"axis {name!r} cannot be scaled; x and y can", parameter="scale"
        )
    return "x" if at == -1 else "y"


def _resized(axis: RegularAxis, size: int) -> RegularAxis:
    if size == axis.size:
        return axis
    edge = axis.start + axis.first * axis.step
    return replace(axis, start=edge, step=axis.step * axis.size / size, first=0, size=size)


def _plan(state: _State, view: CatalogView) -> nodes.Plan:
    plan = _stored(state, view)
    _check_methods(state)
    for change in state.changes:
        domain = nodes.Domain(outer=plan.domain.outer, grid=change.grid)
        if change.method is None:
            plan = nodes.Trim(source=plan, domain=domain)
        else:
            plan = nodes.Resample(
                source=plan,
                grid=change.grid,
                method=change.method,
                from_edge=change.method is Method.NEAREST,
            )
    return _without_placeholders(plan)


def _without_placeholders(plan: nodes.Plan) -> nodes.Plan:
    """Slice the axes of a plane that the data does not have."""
    axes = plan.domain.axes
    for at in (len(axes) - 1, len(axes) - 2):
        if axes[at].name == PLACEHOLDER:
            plan = nodes.Slice(source=plan, axis=at, index=axes[at].first)
    return plan


def _check_methods(state: _State) -> None:
    """Refuse the most frequent of thousands of values: it means little and costs much."""
    wide = [band.name for band in state.bands if band.numpy_dtype.itemsize > 1]
    if wide and any(change.method is Method.MODE for change in state.changes):
        raise InvalidParameterError(
            f"interpolation mode is for classes in one byte, not for {', '.join(wide)}",
            parameter="interpolation",
        )


def _stored(state: _State, view: CatalogView) -> nodes.Plan:
    stacks = stacked(state.times, _slots(state, state.base.bbox, state.times, view))
    time = (state.times,) if isinstance(state.times, TimeAxis) else ()
    outer = (*time, *(place.axis for place in state.places))
    coverage = state.coverage
    stored = stored_bands(state.bands)
    scans: dict[str, nodes.Plan] = {}
    for name in dict.fromkeys(band.group for band in stored):
        group = coverage.cube.group(name)
        grid = state.base if name == coverage.group else group.grid.cover(state.base.bbox)
        scan = nodes.Scan(
            cube=coverage.cube.name,
            group=group,
            level=0,
            bands=tuple(band for band in stored if band.group == name),
            stacks=stacks,
            domain=nodes.Domain(outer=outer, grid=grid),
        )
        scans[name] = (
            scan
            if name == coverage.group
            else nodes.Resample(source=scan, grid=state.base, method=Method.NEAREST)
        )
    if len(scans) == 1:
        plan = painted(next(iter(scans.values())), state.bands)
        return _without_slices(plan, state, len(time))
    bands = nodes.Bands(
        picks=tuple(
            nodes.Pick(source=scans[band.group], field=band.name, name=band.name) for band in stored
        )
    )
    return _without_slices(painted(bands, state.bands), state, len(time))


def _without_slices(plan: nodes.Plan, state: _State, first: int) -> nodes.Plan:
    """Slice the axes that were; `first` is the position of the first after time."""
    for at in reversed(range(len(state.places))):
        place = state.places[at]
        if place.sliced:
            plan = nodes.Slice(source=plan, axis=first + at, index=place.axis.first)
    return plan
