"""Polygons that clip plans."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, floor

import numpy as np
import shapely
from pyproj import CRS
from shapely.validation import explain_validity

from datacube.axes import Axis, IrregularAxis, RegularAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import crs_name, transformer
from datacube.plan.nodes import Mask, Plan, Trim

POINTS = 100_000
"""Most points of a geometry."""
_PARTS = 64
"""A side of the box of a geometry is cut into this many before it is warped."""
_LEAST_POINTS = 3

type Point = tuple[float, float]
"""`(x, y)`."""


def polygon(rings: Sequence[Sequence[Point]]) -> shapely.Geometry:
    """Return the area within the first ring and outside the others; rings need not be closed.

    Holes may touch the outer ring.

    Raises
    ------
    InvalidParameterError
        If a ring crosses itself or has no area, or nothing is left.
    """
    outer, *holes = (_ring(ring) for ring in rings)
    area = shapely.difference(outer, shapely.union_all(holes)) if holes else outer
    return _checked(area)


def union(areas: Iterable[shapely.Geometry]) -> shapely.Geometry:
    """Return the area of several, which may overlap."""
    return _checked(shapely.union_all(list(areas)))


def warped(area: shapely.Geometry, source: CRS, target: CRS) -> shapely.Geometry:
    """Return an area in another CRS; its sides are straight in the CRS that it was given in.

    Raises
    ------
    OutOfDomainError
        If a part of it has no place there.
    """
    if source == target:
        return area
    x0, y0, x1, y1 = shapely.bounds(area).tolist()
    dense = shapely.segmentize(area, max(x1 - x0, y1 - y0) / _PARTS)
    move = transformer(source, target)

    def moved(points: np.ndarray) -> np.ndarray:
        return np.column_stack(move.transform(points[:, 0], points[:, 1]))

    made = shapely.transform(dense, moved)
    if not np.isfinite(shapely.get_coordinates(made)).all():
        raise OutOfDomainError(
            f"the geometry in {crs_name(source)} has no place in {crs_name(target)}"
        )
    return _checked(shapely.make_valid(made))


def clip(plan: Plan, area: shapely.Geometry, *, rows: int, cols: int) -> Plan:
    """Keep the cells whose centres lie in an area, trimmed to the box of these; else null.

    `rows` and `cols` are the positions of the axes on which its y and x count. A cell of
    an index axis lies at its index.

    Raises
    ------
    OutOfDomainError
        If the area misses the plan.
    """
    x0, y0, x1, y1 = shapely.bounds(area).tolist()
    domain = plan.domain
    for at, low, high in ((rows, y0, y1), (cols, x0, x1)):
        domain = domain.having(at, _boxed(domain.axes[at], low, high))
    if domain != plan.domain:
        plan = Trim(source=plan, domain=domain)
    return Mask(source=plan, area=shapely.to_wkb(area), rows=rows, cols=cols)


def _ring(points: Sequence[Point]) -> shapely.Geometry:
    if len(set(points)) < _LEAST_POINTS:
        raise InvalidParameterError(
            f"a ring of a polygon has at least {_LEAST_POINTS} points, not {len(set(points))}"
        )
    made = shapely.Polygon(points)
    if not made.is_valid or made.area == 0:
        raise InvalidParameterError(f"a ring is no polygon: {explain_validity(made)}")
    return made


def _checked(area: shapely.Geometry) -> shapely.Geometry:
    parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    if not parts:
        raise InvalidParameterError("the polygon has no area")
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _boxed(axis: Axis, low: float, high: float) -> Axis:
    """Keep the cells whose centre lies in the closed interval, at least one."""
    match axis:
        case IrregularAxis():
            return axis.inside(low, high)
        case RegularAxis():
            centre = 0.0 if axis.index else 0.5
            i, j = sorted(axis.position(end) - centre for end in (low, high))
            first, last = max(ceil(i), axis.first), min(floor(j), axis.stop - 1)
            if first <= last:
                return replace(axis, first=first, size=last - first + 1)
            return replace(axis, index=False).inside(low, high) if not axis.index else _one(axis, i)
        case _:
            raise InvalidParameterError(f"axis {axis.name!r} has no coordinates for a polygon")


def _one(axis: RegularAxis, position: float) -> RegularAxis:
    index = floor(position)
    if not axis.first <= index < axis.stop:
        raise OutOfDomainError(
            f"the polygon misses axis {axis.name!r} with indices {axis.first}:{axis.stop - 1}"
        )
    return axis.select(index, index)
