"""Addresses of resources: `/wmts/1.0.0/{layer}/{style}/{time}/{set}/{matrix}/{row}/{column}.png`.

OGC 07-057r7, clause 10. Layers without times have no part for it.
"""

from urllib.parse import urlencode

from datacube.errors import UnknownNameError
from ogc.kvp import Kvp
from ogc.tiles.get_tile import EXTENSIONS
from ogc.wmts.names import CAPABILITIES, VERSION

_FIXED = ("TileMatrixSet", "TileMatrix", "TileRow")
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
    before, tail = parts[1:-1], parts[-1 - len(_FIXED) : -1]
    if len(before) < 2 + len(_FIXED) or not last:
        raise UnknownNameError("page", path[:80], _TEMPLATES)
    layer, style, *time = before[: -len(_FIXED)]
    pairs += [
        ("request", "GetTile"),
        ("layer", layer),
        ("style", style),
        ("format", EXTENSIONS.get(extension.casefold(), extension)),
        ("time", "/".join(time) or _NEWEST),
        *zip(_FIXED, tail, strict=True),
        ("TileCol", last),
    ]
    return _checked(pairs)


def _checked(pairs: list[tuple[str, str]]) -> Kvp:
    # Through the parser of forms, so that every way of asking meets the same checks.
    return Kvp.parse(urlencode(pairs))
