"""Renders WMS requests; `get_map.parse` reads them back."""

from urllib.parse import urlencode

from datacube.grid import northing_first
from datacube.plan.query import MapTime
from ogc.crs import wms_name
from ogc.wms.get_map import GetMap
from ogc.wms.versions import Version


def render_get_map(request: GetMap) -> str:
    """Return the query string of a GetMap request."""
    min_x, min_y, max_x, max_y = request.bbox
    box = (
        (min_y, min_x, max_y, max_x)
        if northing_first(request.crs)
        else (min_x, min_y, max_x, max_y)
    )
    parameters = {
        "SERVICE": "WMS",
        "VERSION": str(Version.V1_3_0),
        "REQUEST": "GetMap",
        "LAYERS": ",".join(layer.layer for layer in request.layers),
        "STYLES": ",".join(str(layer.style) for layer in request.layers),
        "CRS": wms_name(request.crs),
        "BBOX": ",".join(repr(number) for number in box),
        "WIDTH": str(request.width_px),
        "HEIGHT": str(request.height_px),
        "FORMAT": request.media_type,
        "TRANSPARENT": "TRUE" if request.transparent else "FALSE",
        "BGCOLOR": "0x{:02X}{:02X}{:02X}".format(*request.background),
    }
    time = render_time(request.time)
    return urlencode(parameters | ({"TIME": time} if time else {}))


def render_time(time: MapTime) -> str:
    """Write the TIME parameter; empty for the default.

    >>> from datacube.times import parse_period
    >>> render_time(MapTime(start=parse_period("2023-08"), end=parse_period("2023-10")))
    '2023-08/2023-10'
    """
    if time.instant is not None:
        return str(time.instant)
    return f"{time.start}/{time.end}" if time.start is not None else ""
