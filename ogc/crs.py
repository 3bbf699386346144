"""Coordinate reference systems as OGC services name them, and their axis order."""

import re
from functools import lru_cache
from math import isfinite, pi

from pyproj import CRS
from pyproj.exceptions import CRSError

from datacube.errors import UnknownNameError
from datacube.grid import Grid, crs_name, transformer
from datacube.protocols import Bbox

CRS84 = CRS.from_user_input("OGC:CRS84")
COMMON = (CRS84, CRS.from_epsg(4326), CRS.from_epsg(3857))
"""Offered for every layer."""
_WEB_MERCATOR_ALIASES = frozenset({"102100", "102113", "900913", "3785"})
"""ArcGIS and old tile clients name EPSG:3857 so."""
_OFFERED = ("CRS:84", "EPSG:4326", "EPSG:3857", "EPSG:<code>")
_FORMS = (
    re.compile(r"(?P<authority>EPSG|CRS|OGC):(?P<code>[A-Z0-9]{1,10})", re.IGNORECASE),
    re.compile(
        r"urn:(?:x-)?ogc:def:crs:(?P<authority>EPSG|OGC):[0-9.]{0,12}:(?P<code>[A-Z0-9]{1,10})",
        re.IGNORECASE,
    ),
    re.compile(
        r"https?://(?:www\.)?opengis\.net/(?:def/crs|gml/srs)/(?P<authority>EPSG|OGC)"
        r"/[0-9.]{1,12}/(?P<code>[A-Z0-9]{1,10})",
        re.IGNORECASE,
    ),
)


@lru_cache(maxsize=512)
def parse_crs(text: str) -> CRS:
    """Read `EPSG:n`, `CRS:84`, an OGC URN or an OGC URL. Nothing else ever reaches PROJ.

    >>> parse_crs("EPSG:102100") == parse_crs("http://www.opengis.net/def/crs/EPSG/0/3857")
    True

    Raises
    ------
    UnknownNameError
        If the name is not of such a form, or names no CRS of a plane.
    """
    for form in _FORMS:
        match = form.fullmatch(text.strip())
        if match:
            return _lookup(match["authority"].upper(), match["code"].upper(), text)
    raise UnknownNameError("crs", text[:80], _OFFERED)


def _lookup(authority: str, code: str, text: str) -> CRS:
    if authority in {"CRS", "OGC"}:
        if code in {"84", "CRS84"}:
            return CRS84
        raise UnknownNameError("crs", text[:80], _OFFERED)
    if not code.isdecimal() or not code.isascii():
        raise UnknownNameError("crs", text[:80], _OFFERED)
    try:
        found = CRS.from_epsg(3857 if code in _WEB_MERCATOR_ALIASES else int(code))
    except CRSError as error:
        raise UnknownNameError("crs", text[:80], _OFFERED) from error
    if len(found.axis_info) != 2 or not (found.is_projected or found.is_geographic):
        raise UnknownNameError("crs", text[:80], _OFFERED)
    return found


def wms_name(crs: CRS) -> str:
    """Return the name that WMS uses: `CRS:84`, `EPSG:32633`."""
    name = crs_name(crs)
    return "CRS:84" if name == "OGC:CRS84" else name


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


def lonlat_bbox(grid: Grid) -> Bbox:
    """Return the hull of a grid in longitude and latitude; all longitudes where it wraps."""
    box = transformer(grid.crs, CRS84).transform_bounds(*grid.bbox)
    west, south, east, north = (float(number) for number in box)
    if not (isfinite(west) and isfinite(east)) or west >= east:
        west, east = -180.0, 180.0
    south = south if isfinite(south) else -90.0
    north = north if isfinite(north) else 90.0
    return max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)
