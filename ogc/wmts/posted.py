"""Bodies of POST: a request in XML, bare or in a SOAP envelope (OGC 07-057r7, 8 and 9)."""

from collections.abc import Iterator
from urllib.parse import urlencode

from lxml import etree

from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, MissingParameterError, shown
from ogc.wmts.names import OWS, WMTS

REQUESTS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
_LISTS = {"AcceptVersions": "Version", "Sections": "Section", "AcceptFormats": "OutputFormat"}
"""Elements of a request for capabilities, and those that they are lists of."""
_HEAD = ("service", "version", "updateSequence")
_TEXTS = ("Layer", "Style", "Format", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol")
_POINT = ("I", "J", "InfoFormat")


def read_request(root: Element) -> Kvp:
    """Return an XML request as the parameters that KVP would have.

    The OGC's suite asks for capabilities in the namespace of OWS Common.

    Raises
    ------
    MissingParameterError
        If it names no service.
    UnsupportedError
        If the element is none of `REQUESTS` in the namespace of WMTS 1.0.
    InvalidParameterError
        If an element comes twice, or a text is more than a parameter may be.
    """
    name = etree.QName(root)
    if not root.get("service"):
        raise MissingParameterError("service")
    common = name.namespace == OWS and name.localname == "GetCapabilities"
    if not common and (name.namespace != WMTS or name.localname not in REQUESTS):
        raise UnsupportedError(
            f"an XML request {shown(name.text)} is not offered; "
            f"allowed are {', '.join(REQUESTS)} of {WMTS}",
            parameter="REQUEST",
        )
    pairs = [("request", name.localname)]
    pairs += [(key.casefold(), value) for key in _HEAD if (value := root.get(key)) is not None]
    if name.localname == "GetCapabilities":
        pairs += _listed(root)
    else:
        tile = root.find(f"{{{WMTS}}}GetTile") if name.localname == "GetFeatureInfo" else root
        if tile is None:
            raise InvalidParameterError("GetFeatureInfo has no element GetTile", parameter="Tile")
        pairs += _texts(tile, _TEXTS)
        pairs += _dimensions(tile)
        pairs += _texts(root, _POINT)
    # Through the parser of forms, so that every way of asking meets the same checks.
    return Kvp.parse(urlencode(pairs))


def _texts(parent: Element, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        for element in parent.iterfind(f"{{{WMTS}}}{name}"):
            yield name.casefold(), (element.text or "").strip()


def _dimensions(tile: Element) -> Iterator[tuple[str, str]]:
    for element in tile.iterfind(f"{{{WMTS}}}DimensionNameValue"):
        yield element.get("name", "").casefold(), (element.text or "").strip()


def _listed(root: Element) -> Iterator[tuple[str, str]]:
    for name, part in _LISTS.items():
        element = root.find(f"{{{OWS}}}{name}")
        if element is not None:
            texts = [(e.text or "").strip() for e in element.iterfind(f"{{{OWS}}}{part}")]
            yield name.casefold(), ",".join(texts)
