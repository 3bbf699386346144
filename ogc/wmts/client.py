"""Renders WMTS requests; `get_tile.parse` reads them back."""

from urllib.parse import urlencode

from datacube.plan.query import MapTime
from ogc.tiles.get_tile import GetTile
from ogc.wmts.names import VERSION


def render_get_tile(request: GetTile) -> str:
    """Return the query string of a GetTile request for the first layer."""
    parameters = {
        "SERVICE": "WMTS",
        "VERSION": VERSION,
        "REQUEST": "GetTile",
        "LAYER": request.layers[0],
        "STYLE": request.style,
        "FORMAT": request.media_type,
        "TILEMATRIXSET": request.tile_matrix_set,
        "TILEMATRIX": request.matrix,
        "TILEROW": str(request.row),
        "TILECOL": str(request.column),
    }
    time = _time(request.time)
    return urlencode(parameters | ({"TIME": time} if time else {}))


def _time(time: MapTime) -> str:
    if time.instant is not None:
        return str(time.instant)
    return f"{time.start}/{time.end}" if time.start is not None else ""
