"""Addresses of resources: `/wmts/1.0.0/{layer}/{style}/{time}/{set}/{matrix}/{row}/{column}.png`.

Values at a pixel stand below their tile: `.../{row}/{column}/{J}/{I}.json` (OGC 07-057r7,
clause 10). Layers without times have no part for it.
"""

from types import MappingProxyType
from urllib.parse import urlencode

from datacube.errors import UnknownNameError
from ogc.kvp import Kvp
from ogc.tiles.get_tile import EXTENSIONS
from ogc.wmts.names import CAPABILITIES, VERSION

INFO_EXTENSIONS = MappingProxyType(
    {
        "json": "application/json",
        "html": "text/html",
        "txt": "text/plain",
        "gml": "application/vnd.ogc.gml",
    }
)
"""What addresses of the values at a pixel end in."""
_OF_TILE = ("TileMatrixSet", "TileMatrix", "TileRow", "TileCol")
_OF_PIXEL = (*_OF_TILE, "J", "I")
_TEMPLATES = (
    f"{VERSION}/{CAPABILITIES}",
    f"{VERSION}/{{layer}}/{{style}}/{{time}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}.png",
)
_NEWEST = "current"


def read_resource(path: str, asked: Kvp) -> Kvp:
    """Return the parameters that KVP would have for the address of a resource.

    `path` is what follows `/wmts/`, decoded; the slash of an interval of time may stand in
    it. Of the query `asked`, only `as_of` counts.

    Raises
    ------
    UnknownNameError
        If nothing has such an address.
    """
    pairs = [("service", "WMTS"), ("version", VERSION)]
    pairs += [(key, value) for key, value in asked if key == "as_of"]
    parts = path.split("/")
    if parts[0] != VERSION:
        raise UnknownNameError("page", path[:80], _TEMPLATES)
    if parts[1:] == [CAPABILITIES]:
        return _checked([*pairs, ("request", "GetCapabilities")])
    last, _, extension = parts[-1].rpartition(".")
    info = INFO_EXTENSIONS.get(extension.casefold())
    fixed = _OF_TILE if info is None else _OF_PIXEL
    numbers = [*parts[1:-1], last]
    if len(numbers) < 2 + len(fixed) or not last:
        raise UnknownNameError("page", path[:80], _TEMPLATES)
    layer, style, *time = numbers[: -len(fixed)]
    pairs += [
        ("layer", layer),
        ("style", style),
        ("time", "/".join(time) or _NEWEST),
        *zip(fixed, numbers[-len(fixed) :], strict=True),
    ]
    if info is None:
        media_type = EXTENSIONS.get(extension.casefold(), extension)
        return _checked([*pairs, ("request", "GetTile"), ("format", media_type)])
    return _checked([*pairs, ("request", "GetFeatureInfo"), ("infoformat", info)])


def _checked(pairs: list[tuple[str, str]]) -> Kvp:
    # Through the parser of forms, so that every way of asking meets the same checks.
    return Kvp.parse(urlencode(pairs))
