"""Subsets of a plane in another CRS than its own."""

from dataclasses import replace
from math import inf

from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import Grid, crs_name, transformer
from datacube.plan.boxes import reproject_box
from datacube.plan.query import Slice, Trim
from datacube.times import Period


def foreign_plane(grid: Grid, x: Trim | Slice | None, y: Trim | Slice | None, crs: CRS) -> Grid:
    """Return the cells of a grid whose centres lie in a box given in another CRS.

    Where one axis is not given the box is as long as the grid. A slice keeps the cell
    of the place that it names, halfway along the other axis where that is no slice.

    Raises
    ------
    InvalidParameterError
        If the grid has no place on the Earth, or bounds are times or run backwards.
    OutOfDomainError
        If the box and the grid have no place in common.
    """
    if not grid.on_earth:
        raise InvalidParameterError(
            f"axes {grid.y.name!r} and {grid.x.name!r} have no place in {crs_name(crs)}",
            parameter="subset",
        )
    outer = _box(grid.bbox, grid.crs, crs)
    (x0, x1), (y0, y1) = _bounds(x, outer[0], outer[2]), _bounds(y, outer[1], outer[3])
    box = _box((x0, y0, x1, y1), crs, grid.crs)
    made = replace(
        grid,
        x=grid.x.inside(*_ended(grid.x, box[0], box[2])),
        y=grid.y.inside(*_ended(grid.y, box[1], box[3])),
    )
    if not (isinstance(x, Slice) or isinstance(y, Slice)):
        return made
    at_x, at_y = transformer(crs, grid.crs).transform((x0 + x1) / 2, (y0 + y1) / 2)
    if isinstance(x, Slice):
        index = grid.x.at(float(at_x))
        made = replace(made, x=grid.x.select(index, index))
    if isinstance(y, Slice):
        index = grid.y.at(float(at_y))
        made = replace(made, y=grid.y.select(index, index))
    return made


def _ended(axis: RegularAxis, low: float, high: float) -> tuple[float, float]:
    """Return the bounds of a box, the axis' own where the box has no end."""
    return (
        axis.bounds[0] if low == -inf else low,
        axis.bounds[1] if high == inf else high,
    )


def _box(
    box: tuple[float, float, float, float], source: CRS, target: CRS
) -> tuple[float, float, float, float]:
    made = reproject_box(box, source, target, widen=0.0)
    if made is None:
        raise OutOfDomainError(f"{box} of {crs_name(source)} has no place in {crs_name(target)}")
    return made


def _bounds(asked: Trim | Slice | None, low: float, high: float) -> tuple[float, float]:
    if asked is None:
        return low, high
    if isinstance(asked, Slice):
        return (at := _number(asked.at, asked.axis)), at
    first = low if asked.low is None else _number(asked.low, asked.axis)
    last = high if asked.high is None else _number(asked.high, asked.axis)
    if first > last:
        raise InvalidParameterError(
            f"subset of {asked.axis!r}: {first:g} lies above {last:g}", parameter="subset"
        )
    return first, last


def _number(value: float | Period, axis: str) -> float:
    if isinstance(value, Period):
        raise InvalidParameterError(
            f"axis {axis!r} takes numbers, not the time {value}", parameter="subset"
        )
    return float(value)
