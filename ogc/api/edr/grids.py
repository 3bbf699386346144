"""Areas, cubes, radii and corridors: the grids that a query of EDR asks for."""

from dataclasses import replace
from itertools import pairwise
from math import ceil

import numpy as np
import shapely
from pyproj import CRS, Geod

from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import Grid, crs_name, transformer
from datacube.plan.boxes import reproject_box
from datacube.plan.clipping import clip, union, warped
from datacube.plan.nodes import Domain, Plan
from datacube.plan.query import Method
from datacube.plan.scaling import Size, scale
from datacube.plan.warping import Frame, suggested_grid, warp
from datacube.protocols import Bbox, CatalogView
from ogc.api.edr.parts import Part, asked_part, bound, seen, trimmed
from ogc.api.edr.request import EdrQuery, Heights, Kind
from ogc.api.edr.shapes import Vertex
from ogc.crs import CRS84

_PIECE_M = 100_000.0
"""A corridor's line is widened in pieces of this length, each in a plane of its own."""
_MOST_PIECES = 200
_QUARTER_POINTS = 32
"""Points of a quarter of a circle."""
_TURNS_DEG, _POLE_DEG = 720, 90
_EARTH = Geod(ellps="WGS84")


def bind_grid(asked: EdrQuery, view: CatalogView) -> Plan:
    """Find the cells of an area, box, circle or corridor; reads the catalogue, never cells.

    A grid in the CRS that was asked for, else in the coverage's own. Cells whose middles lie
    outside are null; of a cube all cells that its box touches are kept.

    Raises
    ------
    RequestError
        Whatever is wrong with the request.
    OutOfDomainError, TimeSelectionError
        If nothing lies there.
    """
    part = asked_part(_with_heights(asked), view)
    grid = part.plan.domain.plane
    crs = asked.crs if asked.crs_asked else grid.crs
    area = _area(asked, crs)
    wanted = _lattice(grid, crs).cover(_bounds(area))
    plan = trimmed(part.plan, _boxed(part, _box_in(wanted.bbox, crs, grid.crs)))
    plan = seen(Part(coverage=part.coverage, plan=plan), view)
    if crs != grid.crs:
        plan = warp(plan, Frame(crs=crs, like=wanted), Method.NEAREST)
    outer = len(plan.domain.outer)
    if asked.kind is Kind.CUBE:
        asked_sizes = {outer: asked.rows, outer + 1: asked.columns}
        sizes = {at: Size(cells=cells) for at, cells in asked_sizes.items() if cells is not None}
        plan = scale(plan, sizes) if sizes else plan
    else:
        plan = clip(plan, area, rows=outer, cols=outer + 1)
    return bound(plan, view)


def _with_heights(asked: EdrQuery) -> EdrQuery:
    """Ask for the heights that the vertices have, half the corridor's height to each side."""
    found = [vertex.z for vertex in asked.vertices if vertex.z is not None]
    if found:
        half = (asked.depth or 0.0) / 2
        if half or asked.kind is Kind.CORRIDOR:
            return replace(asked, heights=Heights(low=min(found) - half, high=max(found) + half))
        return replace(asked, heights=Heights(values=tuple(found)))
    if asked.depth and asked.heights and len(asked.heights.values) == 1:
        (middle,) = asked.heights.values
        half = asked.depth / 2
        return replace(asked, heights=Heights(low=middle - half, high=middle + half))
    return asked


def _lattice(grid: Grid, crs: CRS) -> Grid:
    """Return the cells of answers in a CRS: the same ones whatever part is asked for."""
    return grid if crs == grid.crs else suggested_grid(grid, crs)


def _boxed(part: Part, box: Bbox) -> Domain:
    domain = part.plan.domain
    return replace(domain, grid=domain.plane.cover(box))


def _bounds(area: shapely.Geometry) -> Bbox:
    west, south, east, north = shapely.bounds(area).tolist()
    return west, south, east, north


def _box_in(box: Bbox, source: CRS, target: CRS) -> Bbox:
    made = reproject_box(box, source, target, widen=0.0 if source == target else 0.01)
    if made is None:
        raise OutOfDomainError(f"{box} in {crs_name(source)} has no place in {crs_name(target)}")
    return made


def _area(asked: EdrQuery, crs: CRS) -> shapely.Geometry:
    """Return the area asked for in the CRS of the answer, x first."""
    match asked.kind:
        case Kind.CUBE:
            # What a box in degrees covers is the box around it in metres.
            return shapely.box(*_cube_box(asked, crs))
        case Kind.RADIUS:
            lonlat = _lonlat(np.array([(v.x, v.y) for v in asked.vertices]), asked.crs)
            return union(_widened(point, point, asked.reach_m, crs) for point in lonlat)
        case Kind.CORRIDOR:
            pieces = pairwise(_pieces(asked.vertices, asked.crs))
            return union(_widened(a, b, asked.reach_m, crs) for a, b in pieces)
        case _:
            return warped(_given(asked), asked.crs, crs)


def _given(asked: EdrQuery) -> shapely.Geometry:
    if asked.area is None:
        raise InvalidParameterError("an area is needed", parameter="coords")
    return asked.area


def _cube_box(asked: EdrQuery, crs: CRS) -> Bbox:
    box = _bounds(_given(asked))
    made = reproject_box(box, asked.crs, crs, widen=0.0)
    if made is None:
        raise OutOfDomainError(f"bbox {box} has no place in {crs_name(crs)}")
    return made


def _lonlat(points: np.ndarray, crs: CRS) -> list[tuple[float, float]]:
    lon, lat = transformer(crs, CRS84).transform(points[:, 0], points[:, 1])
    if not ((np.abs(lon) <= _TURNS_DEG).all() and (np.abs(lat) <= _POLE_DEG).all()):
        raise InvalidParameterError(
            f"coords have a place that {crs_name(crs)} does not know", parameter="coords"
        )
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _pieces(vertices: tuple[Vertex, ...], crs: CRS) -> list[tuple[float, float]]:
    """Return points along a line that is straight in its CRS, at most `_PIECE_M` apart."""
    corners = np.array([(vertex.x, vertex.y) for vertex in vertices])
    lon, lat = np.array(_lonlat(corners, crs)).T
    *_, lengths = _EARTH.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    counts = [max(1, ceil(length / _PIECE_M)) for length in lengths]
    if sum(counts) > _MOST_PIECES:
        raise InvalidParameterError(
            f"the line is {sum(lengths) / 1000:,.0f} km long in {len(counts)} segments; allowed: "
            f"{_MOST_PIECES} segments of up to {_PIECE_M / 1000:g} km",
            parameter="coords",
        )
    dense = np.concatenate(
        [
            corners[:1],
            *(
                np.linspace(a, b, count + 1)[1:]
                for (a, b), count in zip(pairwise(corners), counts, strict=True)
            ),
        ]
    )
    return _lonlat(dense, crs)


def _widened(
    one: tuple[float, float], other: tuple[float, float], reach_m: float, target: CRS
) -> shapely.Geometry:
    """Return what lies within a distance of a straight piece, in another CRS.

    Distances are those of the azimuthal equidistant plane around its middle: true from
    there, and to 1e-4 within 100 km.
    """
    azimuth, _, length = _EARTH.inv(*one, *other)
    lon, lat, _ = _EARTH.fwd(*one, azimuth, length / 2)
    plane = CRS.from_dict({"proj": "aeqd", "lon_0": lon, "lat_0": lat, "datum": "WGS84"})
    x, y = transformer(CRS84, plane).transform((one[0], other[0]), (one[1], other[1]))
    line = shapely.LineString(zip(x, y, strict=True))
    middle = shapely.Point(x[0], y[0]) if one == other else line
    return warped(shapely.buffer(middle, reach_m, quad_segs=_QUARTER_POINTS), plane, target)
