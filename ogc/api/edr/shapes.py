"""Geometries of `coords`, as Well-Known Text."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely.errors import ShapelyError

from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.grid import northing_first
from datacube.plan.clipping import POINTS, union
from datacube.plan.clipping import polygon as checked_polygon
from ogc.kvp import shown

_COORDS = "coords"
_GREATEST = 1e12
"""Beyond it nothing lies, and areas of polygons lose their digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """A place, x first whatever the axis order of the request was."""

    x: float
    y: float
    z: float | None = None
    """On the vertical axis; None where the geometry has no Z."""
    seconds: float | None = None
    """M: a time in seconds since 1970 (OGC 19-086r6, 8.2.5); None where it has no M."""


def parse_vertices(
    text: str, crs: CRS, *, kinds: tuple[str, ...], measured: bool = False
) -> tuple[Vertex, ...]:
    """Read points or the vertices of a line.

    `kinds` are the types that are allowed, as Shapely calls them; M is allowed where
    `measured`.

    Raises
    ------
    InvalidParameterError
        If it is no such geometry, is empty or not finite.
    LimitExceededError
        If it has more vertices than `clipping.POINTS`.
    """
    made = _parsed(text, kinds)
    has_z, has_m = bool(shapely.has_z(made)), bool(shapely.has_m(made))
    if has_m and not measured:
        raise _refused(text, "no M coordinates here; times are asked for with datetime")
    table = shapely.get_coordinates(made, include_z=True, include_m=True)
    wanted = [True, True, has_z, has_m]
    _check_numbers(text, table[:, wanted])
    if northing_first(crs):
        table = table[:, [1, 0, 2, 3]]
    return tuple(
        Vertex(x=x, y=y, z=z if has_z else None, seconds=m if has_m else None)
        for x, y, z, m in table.tolist()
    )


def parse_area(text: str, crs: CRS) -> shapely.Geometry:
    """Read a polygon or several, x first whatever the axis order of the CRS.

    Raises
    ------
    InvalidParameterError
        If it is none, or a ring crosses itself or has no area.
    LimitExceededError
        If it has more vertices than `clipping.POINTS`.
    """
    made = _parsed(text, ("Polygon", "MultiPolygon"))
    if shapely.has_z(made) or shapely.has_m(made):
        raise _refused(text, "two coordinates a point; a height is asked for with z")
    _check_numbers(text, shapely.get_coordinates(made))
    if northing_first(crs):
        made = shapely.transform(made, lambda points: points[:, ::-1])
    try:
        return union(
            checked_polygon(
                [
                    [(x, y) for x, y in shapely.get_coordinates(ring).tolist()]
                    for ring in (part.exterior, *part.interiors)
                ]
            )
            for part in shapely.get_parts(made)
        )
    except InvalidParameterError as error:
        raise InvalidParameterError(str(error), parameter=_COORDS) from error


def _parsed(text: str, kinds: tuple[str, ...]) -> shapely.Geometry:
    allowed = " or ".join(kind.upper() for kind in kinds)
    try:
        # Numbers beyond doubles become infinite, which is refused later.
        with np.errstate(all="ignore"):
            made = shapely.from_wkt(text)
    except (ShapelyError, NotImplementedError, UnicodeError, ValueError) as error:
        raise _refused(text, f"Well-Known Text: {allowed}") from error
    if made.geom_type not in kinds or made.is_empty:
        raise _refused(text, f"{allowed} with coordinates")
    number = shapely.get_num_coordinates(made)
    if number > POINTS:
        raise LimitExceededError(f"coords has {number:,} points; allowed: {POINTS:,}")
    return made


def _check_numbers(text: str, numbers: NDArray[np.float64]) -> None:
    if not (np.abs(numbers) <= _GREATEST).all():
        raise _refused(text, f"finite numbers from -{_GREATEST:g} to {_GREATEST:g}")


def _refused(text: str, allowed: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"coords {shown(text)} is not allowed; allowed: {allowed}", parameter=_COORDS
    )
