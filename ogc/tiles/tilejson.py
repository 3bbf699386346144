"""TileJSON 3.0: where the XYZ tiles of a layer are, and what they cover."""

import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from datacube.protocols import Bbox, CatalogView
from datacube.render.tiles import WEB_MERCATOR_QUAD
from datacube.service_provider import attribution
from ogc.crs import CRS84
from ogc.tiles.layers import TileLayer, find_layer, plane_bbox

MEDIA_TYPE = "application/json"
_MAX_LATITUDE_DEG = 85.051129


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTileJson:
    """A request for the description of a layer's tiles."""

    layer: str
    extension: str = "png"
    parameters: tuple[tuple[str, str], ...] = ()
    """Query parameters that the tiles' addresses repeat: `time`, `style`, `as_of`, `subset`."""


def encode(request: GetTileJson, view: CatalogView, url: str) -> bytes:
    """Write the document; `url` is the address of all XYZ tiles, without a slash at its end.

    Raises
    ------
    UnknownNameError
        If there is no such layer.
    """
    layer = find_layer(request.layer, view)
    west, south, east, north = _bounds(layer)
    finest = finest_level(layer)
    query = f"?{urlencode(request.parameters)}" if request.parameters else ""
    document = {
        "tilejson": "3.0.0",
        "name": layer.title,
        "description": layer.collection.description or layer.title,
        "version": "1.0.0",
        "attribution": attribution(layer.collection.attribution, layer.years),
        "scheme": "xyz",
        "tiles": [f"{url}/{quote(layer.id)}/{{z}}/{{x}}/{{y}}.{request.extension}{query}"],
        "minzoom": 0,
        "maxzoom": finest,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, min(finest, _level_of(east - west))],
    }
    return json.dumps(document).encode()


def _bounds(layer: TileLayer) -> Bbox:
    west, south, east, north = layer.lonlat
    limit = _MAX_LATITUDE_DEG
    return west, max(south, -limit), east, min(north, limit)


def finest_level(layer: TileLayer) -> int:
    """Return the first level of web Mercator whose pixels are no larger than the cells."""
    sides = []
    for coverage in layer.coverages:
        grid = coverage.grid
        west, _, east, _ = plane_bbox(grid, CRS84)
        # A degree of longitude is as wide on the map everywhere.
        cell_deg = (east - west) / grid.x.size
        sides.append(cell_deg / 360 * WEB_MERCATOR_QUAD.matrices[0].tile_side)
    levels = WEB_MERCATOR_QUAD.matrices
    fine = [number for number, m in enumerate(levels) if m.cell_size <= min(sides) * 1.001]
    return fine[0] if fine else len(levels) - 1


def _level_of(width_deg: float) -> int:
    """Return the level at which so much of the world is about two tiles wide."""
    level = 0
    while level < len(WEB_MERCATOR_QUAD.matrices) - 1 and 360 / 2**level > width_deg / 2:
        level += 1
    return level
