"""Positions and trajectories: the cells that a query of EDR lists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from datacube.axes import SNAP_DECIMALS, IrregularAxis, PlaceAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, LimitExceededError, OutOfDomainError
from datacube.grid import Grid, Window, crs_name, transformer
from datacube.plan.lines import LINE_CELLS, gather
from datacube.plan.nodes import Domain, Plan
from datacube.protocols import CatalogView
from ogc.api.edr.parts import Part, asked_part, bound, seen, trimmed, vertical_position
from ogc.api.edr.request import EdrQuery, Kind
from ogc.api.edr.shapes import Vertex

type Numbers = NDArray[np.float64]

_PARTS = 64
"""A segment of a line in another CRS is cut into this many before it is warped."""
_MOST_STEPS = 10 * LINE_CELLS
"""Steps of a line, most of which may lie beside the coverage."""
_X, _Y, _Z, _M = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Cells at places."""

    plan: Plan
    """Bound. One of its axes counts the places; it has no plane."""
    axis: int
    """Position of that axis."""
    points: tuple[Vertex, ...]
    """One a place, in the CRS that was asked for: as asked, of a line the middles of its cells.

    Heights and times are those of the cells, and None where they are axes of the plan.
    """


def bind_places(asked: EdrQuery, view: CatalogView) -> Places:
    """Find the cells at positions or along a line; reads the catalogue, never cells.

    Positions beside the coverage are left out, and the parts of a line there. Of places
    with Z the nearest level counts, of those with M the nearest acquisition.

    Raises
    ------
    RequestError
        Whatever is wrong with the request.
    OutOfDomainError, TimeSelectionError
        If nothing lies there.
    """
    part = asked_part(asked, view)
    domain = part.plan.domain
    _check_axes(asked, domain)
    grid = domain.plane
    table = np.array([_row(vertex) for vertex in asked.vertices], dtype=np.float64)
    line = asked.kind is Kind.TRAJECTORY
    if line and asked.crs != grid.crs:
        table = _between(table, [_PARTS] * (len(table) - 1))
    px, py = transformer(asked.crs, grid.crs).transform(table[:, _X], table[:, _Y])
    columns, rows = _positions(grid.x, np.asarray(px)), _positions(grid.y, np.asarray(py))
    if line:
        columns, rows, table = _steps(columns, rows, table)
    inside = _inside(grid.x, columns) & _inside(grid.y, rows)
    if not inside.any():
        raise OutOfDomainError(
            f"no place asked for lies within {part.coverage.id}, whose box in "
            f"{crs_name(grid.crs)} is {part.coverage.grid.bbox}"
        )
    columns, rows, table = columns[inside], rows[inside], table[inside]
    cells = np.column_stack([_cells(grid.y, rows), _cells(grid.x, columns)])
    return _gathered(asked, part, cells, table, view)


def _check_axes(asked: EdrQuery, domain: Domain) -> None:
    first = asked.vertices[0]
    if first.z is not None and vertical_position(domain) is None:
        raise InvalidParameterError(
            f"coords have Z, and {asked.coverage_id} has no vertical axis", parameter="coords"
        )
    if first.seconds is not None and not isinstance(domain.axes[0], TimeAxis):
        raise InvalidParameterError(
            f"coords have M, and {asked.coverage_id} has no axis of time", parameter="coords"
        )


def _row(vertex: Vertex) -> tuple[float, float, float, float]:
    z, m = (np.nan if one is None else one for one in (vertex.z, vertex.seconds))
    return vertex.x, vertex.y, z, m


def _between(corners: Numbers, parts: Sequence[int]) -> Numbers:
    """Return the corners with evenly spaced rows between them, so many parts a segment."""
    made = [corners[:1]]
    for (a, b), count in zip(pairwise(corners), parts, strict=True):
        made.append(np.linspace(a, b, count + 1)[1:])
    return np.concatenate(made)


def _positions(axis: RegularAxis, places: Numbers) -> Numbers:
    made: Numbers = np.round((places - axis.start) / axis.step, SNAP_DECIMALS)
    return made


def _inside(axis: RegularAxis, positions: Numbers) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        found: NDArray[np.bool_] = (positions >= axis.first) & (positions <= axis.stop)
    return found


def _cells(axis: RegularAxis, positions: Numbers) -> NDArray[np.int64]:
    """Return the cells at positions; the far edge counts as inside."""
    made: NDArray[np.int64] = np.minimum(np.floor(positions), axis.stop - 1).astype(np.int64)
    return made


def _steps(columns: Numbers, rows: Numbers, table: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return index positions along a line, at most half a cell from one to the next."""
    corners = np.column_stack([columns, rows, table])
    known = np.isfinite(corners[:, :2]).all(axis=1)
    corners = corners[known]
    if len(corners) < 2:
        raise OutOfDomainError("the line has no place in the CRS of the coverage")
    lengths = np.abs(np.diff(corners[:, :2], axis=0)).max(axis=1)
    if 2 * lengths.sum() > _MOST_STEPS:
        raise LimitExceededError(
            f"the line is {lengths.sum():,.0f} cells long; allowed: {_MOST_STEPS // 2:,}"
        )
    made = _between(corners, [max(1, ceil(2 * length)) for length in lengths])
    return made[:, 0], made[:, 1], made[:, 2:]


def _gathered(
    asked: EdrQuery, part: Part, cells: NDArray[np.int64], table: Numbers, view: CatalogView
) -> Places:
    """Gather `(row, column)` cells, and their levels and times where these were asked for."""
    domain = trimmed_plane(part.plan.domain, cells)
    plan = trimmed(part.plan, domain)
    plan = seen(replace(part, plan=plan), view)
    domain = plan.domain
    outer = len(domain.outer)
    axes, numbers = [outer, outer + 1], [cells[:, 0], cells[:, 1]]
    level = vertical_position(domain) if np.isfinite(table[:, _Z]).all() else None
    if level is not None:
        axes.append(level)
        nearest = _nearest(_coordinates(domain.outer[level]), table[:, _Z])
        numbers.append(nearest + domain.outer[level].first)
    time = domain.outer[0] if np.isfinite(table[:, _M]).all() else None
    if isinstance(time, TimeAxis):
        axes.append(0)
        numbers.append(_nearest(_seconds(time), table[:, _M]))
    chosen = np.column_stack(numbers)
    if asked.kind is Kind.TRAJECTORY:
        chosen = chosen[np.concatenate([[True], (np.diff(chosen, axis=0) != 0).any(axis=1)])]
        table = _middles(part.plan.domain.plane, chosen, asked)
    if len(chosen) > LINE_CELLS:
        raise LimitExceededError(f"{len(chosen):,} cells are asked for; allowed: {LINE_CELLS:,}")
    made = gather(plan, axes, [tuple(row) for row in chosen.tolist()], "place")
    heights = seconds = [None] * len(chosen)
    if level is not None:
        listed = domain.outer[level]
        heights = _coordinates(listed)[chosen[:, 2] - listed.first].tolist()
    if isinstance(time, TimeAxis):
        seconds = _seconds(time)[chosen[:, -1]].tolist()
    points = tuple(
        Vertex(x=x, y=y, z=z, seconds=when)
        for (x, y, *_), z, when in zip(table.tolist(), heights, seconds, strict=True)
    )
    return Places(plan=bound(made, view), axis=made.axes[0], points=points)


def trimmed_plane(domain: Domain, cells: NDArray[np.int64]) -> Domain:
    """Return a domain cut to the hull of `(row, column)` cells."""
    (row0, column0), (row1, column1) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    window = Window(((row0, row1 + 1), (column0, column1 + 1)))
    return replace(domain, grid=domain.plane.at(window))


def _coordinates(axis: object) -> Numbers:
    if not isinstance(axis, RegularAxis | IrregularAxis):
        raise TypeError(f"{axis} has no numbers")
    vertical: PlaceAxis = axis
    return vertical.coordinates()


def _seconds(axis: TimeAxis) -> Numbers:
    return np.array([acquisition.reference.timestamp() for acquisition in axis])


def _nearest(ordered: Numbers, places: Numbers) -> NDArray[np.int64]:
    """Return the number of the nearest of ascending or descending coordinates."""
    made: NDArray[np.int64] = np.array(
        [int(np.abs(ordered - place).argmin()) for place in places], dtype=np.int64
    )
    return made


def _middles(grid: Grid, chosen: NDArray[np.int64], asked: EdrQuery) -> Numbers:
    """Return the middles of `(row, column, ...)` cells in the CRS that was asked for."""
    y = grid.y.start + (chosen[:, 0] + 0.5) * grid.y.step
    x = grid.x.start + (chosen[:, 1] + 0.5) * grid.x.step
    return np.column_stack(transformer(grid.crs, asked.crs).transform(x, y))
