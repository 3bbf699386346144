"""Binding of coverage queries, step by step, with what binds the same operations of WCPS.

The chain of a query is walked from the coverage outwards. Times and slots are fixed
here, before any rule.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import assert_never

from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.errors import (
    InvalidParameterError,
    OutOfDomainError,
    UnknownNameError,
)
from datacube.grid import crs_name, same_crs
from datacube.plan import query
from datacube.plan.axis_order import crs_order, index_labels
from datacube.plan.boxes import reproject_box
from datacube.plan.cut import cut, number
from datacube.plan.names import axis_position, repeated, select_bands
from datacube.plan.nodes import Domain, Plan, Trim
from datacube.plan.picking import pick_times
from datacube.plan.query import Method
from datacube.plan.resolve import coverage_cells, resolve
from datacube.plan.rules import rewrite
from datacube.plan.scaling import Size, check_classes, check_size, factor_size, scale, scaled_axis
from datacube.plan.warping import Frame, target_grid, warp
from datacube.protocols import CatalogView

type _Asked = query.Trim | query.Slice
type _Step = query.Subset | query.PickTimes | query.CutBox | query.Scale | query.Warp


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What a chain of queries has come to so far."""

    plan: Plan
    x: _Asked | None = None
    """What was last asked of x in `crs`; likewise y."""
    y: _Asked | None = None
    crs: CRS | None = None
    """The CRS in which the plane was cut, where that is not its own."""


def bind_coverage(
    asked: query.Query, view: CatalogView, *, keep_plane: bool = True
) -> tuple[Plan, str]:
    """Bind a coverage query; return its plan and the coverage's id.

    A slice removes the axis. With `keep_plane` one of x or y leaves an axis of one cell, as
    files hold planes.

    Raises
    ------
    RequestError
        If a name, place, time or band does not exist.
    """
    steps: list[_Step] = []
    chosen: list[tuple[str, ...]] = []
    while not isinstance(asked, query.Coverage):
        if isinstance(asked, query.SelectBands):
            chosen.append(asked.bands)
        else:
            steps.append(asked)
        asked = asked.source
    coverage = view.coverage(asked.coverage_id)
    bands = coverage.bands
    for names in reversed(chosen):
        bands = select_bands(bands, names, again=True)
    # A band that comes again is read once.
    state = _State(plan=coverage_cells(coverage, tuple(dict.fromkeys(bands))))
    for step in reversed(steps):
        state = _taken(state, step, view, keep_plane=keep_plane)
    plan = repeated(state.plan, tuple(band.name for band in bands))
    return resolve(rewrite(plan), view), coverage.id


def _taken(state: _State, step: _Step, view: CatalogView, *, keep_plane: bool) -> _State:
    plan = state.plan
    match step:
        case query.Subset():
            return _subset(state, step, view, keep_plane=keep_plane)
        case query.PickTimes(times=times):
            return replace(state, plan=pick_times(plan, times, view))
        case query.CutBox(bbox=bbox, crs=crs):
            grid = plan.domain.plane
            box = reproject_box(bbox, crs, grid.crs, widen=0.0)
            if box is None:
                raise OutOfDomainError(f"bbox {bbox} has no place in {grid.crs.name}")
            domain = replace(plan.domain, grid=grid.cover(box))
            return replace(
                state, plan=plan if domain == plan.domain else Trim(source=plan, domain=domain)
            )
        case query.Scale(by=by):
            sizes = _sizes(plan.domain, by)
            return replace(state, plan=scale(plan, sizes, _methods(plan.domain, step)))
        case query.Warp():
            return _warped(state, step)
        case _:
            assert_never(step)


def _subset(state: _State, step: query.Subset, view: CatalogView, *, keep_plane: bool) -> _State:
    """Apply one bracket; bounds of the plane that name no CRS are in the step's."""
    domain = state.plan.domain
    outer = len(domain.outer)
    found: dict[int, _Asked] = {}
    asked: list[_Asked] = []
    for one in step.subsets:
        at = axis_position(domain, one.axis)
        if at >= outer and one.crs is None and step.crs is not None and not _by_index(one):
            one = found[at] = replace(one, crs=step.crs)  # noqa: PLW2901 the same subset, completed
        asked.append(_inclusive(domain, at, one))
    plan = cut(state.plan, asked, view, keep_plane=keep_plane)
    if not found:
        return replace(state, plan=plan)
    return replace(state, plan=plan, x=found.get(outer + 1), y=found.get(outer), crs=step.crs)


def _by_index(asked: _Asked) -> bool:
    return asked.grid_index if isinstance(asked, query.Slice) else asked.grid_indices


def _inclusive(domain: Domain, at: int, asked: _Asked) -> _Asked:
    """Return a trim of an index axis with both of its bounds inside, as WCS means it."""
    axis = domain.axes[at]
    if (
        isinstance(asked, query.Slice)
        or asked.grid_indices
        or asked.crs is not None
        or not (isinstance(axis, RegularAxis) and axis.index)
    ):
        return asked
    low, high = (
        None if end is None else number(end, asked.axis) for end in (asked.low, asked.high)
    )
    return replace(
        asked,
        low=None if low is None else ceil(axis.position(low)),
        high=None if high is None else floor(axis.position(high)),
        grid_indices=True,
    )


def _sizes(domain: Domain, by: Sequence[query.ScaleFactor | query.ScaleSize]) -> dict[int, Size]:
    """Return what axes, by position, are scaled to; a factor without axis is for all regular."""
    sizes: dict[int, Size] = {}
    for one in by:
        if isinstance(one, query.ScaleFactor) and one.axis is None:
            places = [at for at, axis in enumerate(domain.axes) if isinstance(axis, RegularAxis)]
        else:
            places = [_grid_axis(domain, one.axis or "")]
        for at in places:
            if at in sizes:
                raise InvalidParameterError(f"axis {one.axis!r} is scaled twice", parameter="scale")
            sizes[at] = _size(domain, at, one)
    return sizes


def _methods(domain: Domain, step: query.Scale | query.Warp) -> list[Method]:
    """Return the method of each axis of a domain that still has its plane or some of its axes."""
    methods = [step.method] * len(domain.axes)
    for name, method in step.methods:
        with suppress(UnknownNameError):
            methods[axis_position(domain, name)] = method
    return methods


def _size(domain: Domain, at: int, asked: query.ScaleFactor | query.ScaleSize) -> Size:
    axis = domain.axes[at]
    if isinstance(asked, query.ScaleSize):
        # What is too large for any answer is refused by its cost, which is then told.
        cells = asked.size if asked.size > 0 else check_size(asked.size, axis.name)
        size = Size(cells=cells, first=asked.first)
    else:
        size = Size(cells=factor_size(axis.size, asked.factor, axis.name))
    if size.cells != axis.size and not isinstance(axis, RegularAxis):
        raise InvalidParameterError(
            f"axis {axis.name!r} lists its {axis.size} places and cannot be scaled; "
            "regular axes can",
            parameter="scale",
        )
    return size


def _grid_axis(domain: Domain, name: str) -> int:
    """Return the position of an axis by its name, or by its name in the grid of CIS 1.1."""
    try:
        return axis_position(domain, name)
    except UnknownNameError as error:
        order = crs_order(domain)
        labels = dict(zip(index_labels(len(order)), order, strict=True))
        if name.casefold() in labels:
            return labels[name.casefold()]
        raise InvalidParameterError(str(error), parameter="scaleAxis") from error


def _warped(state: _State, step: query.Warp) -> _State:
    """Warp to the extent that was asked for in the same CRS, else to where the cells are."""
    plan = state.plan
    if plan.domain.grid is None or not plan.domain.plane.on_earth:
        raise InvalidParameterError(
            f"the axes have no CRS of the Earth to come in {crs_name(step.crs)} from",
            parameter="outputCrs",
        )
    if step.onto is not None:
        check_classes(plan, step.method)
        return _State(plan=warp(plan, Frame(crs=step.crs, like=step.onto), step.method))
    if same_crs(plan.domain.plane.crs, step.crs):
        methods = _methods(plan.domain, step)
        return _State(plan=scale(plan, _sizes(plan.domain, step.by), methods))
    *_, method, across = _methods(plan.domain, step)
    if method is not across:
        raise InvalidParameterError(
            f"from {crs_name(plan.domain.plane.crs)} to {crs_name(step.crs)} x and y move "
            f"together, and their methods are {across} and {method}; allowed is one for both",
            parameter="interpolation",
        )
    frame = Frame(crs=step.crs)
    try:
        grid = target_grid(plan.domain.plane, frame)
    except OutOfDomainError as error:
        raise InvalidParameterError(str(error), parameter="outputCrs") from error
    if state.crs == step.crs:
        grid = replace(grid, x=_within(grid.x, state.x), y=_within(grid.y, state.y))
    sizes = _sizes(Domain(grid=grid), step.by)
    grid = replace(
        grid,
        y=scaled_axis(grid.y, sizes[0]) if 0 in sizes else grid.y,
        x=scaled_axis(grid.x, sizes[1]) if 1 in sizes else grid.x,
    )
    check_classes(plan, method)
    return _State(plan=warp(plan, replace(frame, like=grid), method))


def _within(axis: RegularAxis, asked: _Asked | None) -> RegularAxis:
    """Keep the cells whose centres lie within what was asked in the axis' CRS."""
    if asked is None:
        return axis
    low, high = (asked.at, asked.at) if isinstance(asked, query.Slice) else (asked.low, asked.high)
    return axis.inside(
        axis.bounds[0] if low is None else number(low, asked.axis),
        axis.bounds[1] if high is None else number(high, asked.axis),
    )
