"""Coordinate reference systems as OGC services name them, and their axis order."""

from collections.abc import Sequence
from math import isfinite, pi

from pyproj import CRS

from datacube.grid import Grid, crs_name, transformer
from datacube.plan.crs import CRS84, parse_crs
from datacube.protocols import Bbox

__all__ = [
    "COMMON",
    "CRS84",
    "beyond_world",
    "hull",
    "lonlat_bbox",
    "parse_crs",
    "wms_name",
    "world_box",
]

COMMON = (CRS84, CRS.from_epsg(4326), CRS.from_epsg(3857))
"""Offered for every layer."""


def wms_name(crs: CRS) -> str:
    """Return the name that WMS uses: `CRS:84`, `EPSG:32633`."""
    name = crs_name(crs)
    return "CRS:84" if name == "OGC:CRS84" else name


_MERCATOR_M = 20_037_508.342789244
"""Half the side of the square that is the world in EPSG:3857."""
_EQUATOR_M = 40_075_017.0
"""Length of the equator: a plane that shows the world once is no wider."""


def beyond_world(crs: CRS, bbox: Bbox) -> bool:
    """Tell whether `(min x, min y, max x, max y)` lies wholly where the CRS has no place.

    Geographic: beyond a pole, or more than a turn away. Projected: further from the
    origin than the equator is long, so that wrapped maps of the world stay allowed.
    """
    min_x, min_y, max_x, max_y = bbox
    if crs.is_geographic:
        factor = crs.axis_info[0].unit_conversion_factor
        limit_y, limit_x = 0.5 * pi / factor, 2 * pi / factor
        # 90 degrees in radians and back differ in the last digit.
        limit_y, limit_x = round(limit_y, 9), round(limit_x, 9)
    else:
        limit_x = limit_y = _EQUATOR_M / crs.axis_info[0].unit_conversion_factor
    return min_x >= limit_x or max_x <= -limit_x or min_y >= limit_y or max_y <= -limit_y


def world_box(crs: CRS) -> Bbox | None:
    """Return `(min x, min y, max x, max y)` of the places that a CRS has, x first.

    None for planes whose world is no box, such as those of UTM.
    """
    if crs.is_geographic:
        half = round(pi / crs.axis_info[0].unit_conversion_factor, 9)
        return -half, -half / 2, half, half / 2
    return (-_MERCATOR_M, -_MERCATOR_M, _MERCATOR_M, _MERCATOR_M) if crs == COMMON[2] else None


def lonlat_bbox(grid: Grid) -> Bbox:
    """Return the hull of a grid in longitude and latitude; all longitudes where it wraps."""
    box = transformer(grid.crs, CRS84).transform_bounds(*grid.bbox)
    west, south, east, north = (float(number) for number in box)
    if not (isfinite(west) and isfinite(east)) or west >= east:
        west, east = -180.0, 180.0
    south = south if isfinite(south) else -90.0
    north = north if isfinite(north) else 90.0
    return max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)


def hull(boxes: Sequence[Bbox]) -> Bbox:
    """Return the box around boxes of one CRS, of which there is at least one."""
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)
