"""Coordinate reference systems as queries name them."""

import re
from functools import lru_cache

from pyproj import CRS
from pyproj.exceptions import CRSError

from datacube.errors import UnknownNameError

CRS84 = CRS.from_user_input("OGC:CRS84")
_WEB_MERCATOR_ALIASES = frozenset({"102100", "102113", "900913", "3785"})
"""ArcGIS and old tile clients name EPSG:3857 so."""
OFFERED = ("CRS:84", "EPSG:4326", "EPSG:3857", "EPSG:<code>")
_CODE = r"(?P<code>[A-Z0-9]{1,10})"
_FORMS = (
    re.compile(rf"(?P<authority>EPSG|CRS|OGC):{_CODE}", re.IGNORECASE),
    re.compile(
        rf"urn:(?:x-)?ogc:def:crs:(?P<authority>EPSG|OGC):[0-9.]{{0,12}}:{_CODE}", re.IGNORECASE
    ),
    # Servers have resolvers of their own: `http://localhost:8080/rasdaman/def/crs/EPSG/0/4326`.
    re.compile(
        r"(?:https?://[\w.:-]{1,253}(?:/[\w-]{1,60}){0,4}/(?:def/crs|gml/srs)/)?"
        rf"(?P<authority>EPSG|OGC)/[0-9.]{{1,12}}/{_CODE}",
        re.IGNORECASE,
    ),
)
_INDICES = re.compile(
    r"CRS:1|(?:https?://.{1,300}/)?OGC[/:](?:[0-9.]+/)?Index[0-9]D", re.IGNORECASE
)
_TIMES = re.compile(
    r"(?:https?://.{1,300}/)?OGC[/:](?:[0-9.]+/)?(?:AnsiDate|UnixTime)", re.IGNORECASE
)


@lru_cache(maxsize=512)
def parse_crs(text: str) -> CRS:
    """Read `EPSG:n`, `EPSG/0/n`, `CRS:84`, an OGC URN or URL. Nothing else ever reaches PROJ.

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
    raise UnknownNameError("crs", text[:80], OFFERED)


def names_indices(text: str) -> bool:
    """Tell whether a CRS's name means grid indices.

    >>> names_indices("CRS:1"), names_indices("EPSG:4326")
    (True, False)
    """
    return _INDICES.fullmatch(text.strip()) is not None


def names_times(text: str) -> bool:
    """Tell whether a CRS's name means times.

    >>> names_times("http://www.opengis.net/def/crs/OGC/0/AnsiDate"), names_times("CRS:1")
    (True, False)
    """
    return _TIMES.fullmatch(text.strip()) is not None


def _lookup(authority: str, code: str, text: str) -> CRS:
    if authority in {"CRS", "OGC"}:
        if code in {"84", "CRS84"}:
            return CRS84
        raise UnknownNameError("crs", text[:80], OFFERED)
    if not code.isdecimal() or not code.isascii():
        raise UnknownNameError("crs", text[:80], OFFERED)
    try:
        found = CRS.from_epsg(3857 if code in _WEB_MERCATOR_ALIASES else int(code))
    except CRSError as error:
        raise UnknownNameError("crs", text[:80], OFFERED) from error
    if len(found.axis_info) != 2 or not (found.is_projected or found.is_geographic):
        raise UnknownNameError("crs", text[:80], OFFERED)
    return found
