"""The document that GetCapabilities answers with (wmtsGetCapabilities_response.xsd)."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from datacube.encode.xml import Element
from datacube.grid import northing_first
from datacube.plan.formats import PNG
from datacube.plan.style import Style
from datacube.protocols import Bbox
from datacube.render.tiles import TILE_PX, TileLimits, TileMatrixSet
from ogc.exchange import Site
from ogc.ows_common import add_provider
from ogc.records.get_record import record_url
from ogc.tiles.get_tile import EXTENSION_OF, FORMATS
from ogc.tiles.layers import TileLayer
from ogc.wms import get_legend_graphic
from ogc.wms.get_feature_info import FORMATS as INFO_FORMATS
from ogc.wmts.names import CAPABILITIES, SCHEMAS, VERSION, WMTS, XML, crs_urn, endpoint
from ogc.wmts.resources import INFO_EXTENSIONS
from ogc.xml import document, number

MAX_DAYS = 1000
"""Above so many, days are advertised as one interval: long lists freeze clients."""
MAX_WHOLE = 100
"""Above so many layers only what clients need is said of each: no limits (some 12 kB), legends,
boxes in other CRSs, and only the usual format's address.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedLayer:
    """A layer with what is offered of it."""

    layer: TileLayer
    styles: tuple[Style, ...]
    """The default first."""
    tiles: tuple[tuple[TileMatrixSet, tuple[TileLimits, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is offered at one revision."""

    revision: int
    sections: tuple[str, ...]
    """None of them where the client's document is current (OWS Common 1.1, 7.3.4)."""
    layers: tuple[OfferedLayer, ...]


def encode(capabilities: Capabilities, site: Site) -> bytes:
    """Write a Capabilities document."""
    root = XML.root("Capabilities", version=VERSION, updateSequence=str(capabilities.revision))
    schema = f"{WMTS} {SCHEMAS}/wmtsGetCapabilities_response.xsd"
    XML.attribute(root, "xsi:schemaLocation", schema)
    sections = capabilities.sections
    if "ServiceIdentification" in sections:
        _add_identification(root, site)
    if "ServiceProvider" in sections:
        add_provider(XML, root, site.provider)
    if "OperationsMetadata" in sections:
        _add_operations(root, site)
    if "Contents" in sections:
        _add_contents(root, capabilities.layers, site)
    if "Themes" in sections:
        XML.add(root, "Themes")
    if sections:
        link = XML.add(root, "ServiceMetadataURL")
        XML.attribute(link, "xlink:href", f"{endpoint(site)}/{VERSION}/{CAPABILITIES}")
    return document(root)


def _add_identification(root: Element, site: Site) -> None:
    element = XML.add(root, "ows:ServiceIdentification")
    XML.add(element, "ows:Title", site.title)
    XML.add(element, "ows:Abstract", site.abstract)
    _add_keywords(element, site.keywords)
    XML.add(element, "ows:ServiceType", "OGC WMTS")
    XML.add(element, "ows:ServiceTypeVersion", VERSION)
    XML.add(element, "ows:Fees", site.provider.fees)
    XML.add(element, "ows:AccessConstraints", site.provider.access_constraints)


def _add_keywords(parent: Element, keywords: tuple[str, ...]) -> None:
    listed = XML.add(parent, "ows:Keywords")
    for keyword in keywords:
        XML.add(listed, "ows:Keyword", keyword)


def _add_operations(root: Element, site: Site) -> None:
    operations = XML.add(root, "ows:OperationsMetadata")
    address = endpoint(site)
    for name, resource in (
        ("GetCapabilities", f"{address}/{VERSION}/{CAPABILITIES}"),
        ("GetTile", f"{address}/"),
        ("GetFeatureInfo", f"{address}/"),
    ):
        operation = XML.add(operations, "ows:Operation", name=name)
        http = XML.add(XML.add(operation, "ows:DCP"), "ows:HTTP")
        _add_binding(http, "ows:Get", f"{address}?", ("GetEncoding", "KVP"))
        _add_binding(http, "ows:Get", resource, ("GetEncoding", "RESTful"))
        _add_binding(http, "ows:Post", address, ("PostEncoding", "KVP", "XML", "SOAP"))


def _add_binding(http: Element, method: str, address: str, encodings: tuple[str, ...]) -> None:
    binding = XML.add(http, method)
    XML.attribute(binding, "xlink:href", address)
    name, *values = encodings
    allowed = XML.add(XML.add(binding, "ows:Constraint", name=name), "ows:AllowedValues")
    for value in values:
        XML.add(allowed, "ows:Value", value)


def _add_contents(root: Element, layers: tuple[OfferedLayer, ...], site: Site) -> None:
    contents = XML.add(root, "Contents")
    brief = len(layers) > MAX_WHOLE
    sets: dict[str, TileMatrixSet] = {}
    for offered in layers:
        _add_layer(contents, offered, site, brief=brief)
        sets |= {tiles.id: tiles for tiles, _ in offered.tiles}
    for tiles in sets.values():
        _add_set(contents, tiles)


def _add_layer(contents: Element, offered: OfferedLayer, site: Site, *, brief: bool) -> None:
    layer, collection = offered.layer, offered.layer.collection
    element = XML.add(contents, "Layer")
    XML.add(element, "ows:Title", layer.title)
    XML.add(element, "ows:Abstract", collection.description or layer.title)
    _add_keywords(element, (layer.id, *site.keywords))
    _add_box(element, "ows:WGS84BoundingBox", layer.lonlat)
    XML.add(element, "ows:Identifier", layer.id)
    for tiles, _ in offered.tiles if not brief else ():
        box = layer.bbox(tiles)
        if northing_first(tiles.crs):
            box = (box[1], box[0], box[3], box[2])
        _add_box(element, "ows:BoundingBox", box, crs=crs_urn(tiles.crs))
    record = XML.add(element, "ows:Metadata")
    XML.attribute(record, "xlink:href", record_url(site.root, layer.id))
    for place, style in enumerate(offered.styles):
        entry = XML.add(element, "Style", isDefault="false" if place else "true")
        XML.add(entry, "ows:Title", style.title)
        if style.abstract:
            XML.add(entry, "ows:Abstract", style.abstract)
        XML.add(entry, "ows:Identifier", style.name)
        if not brief:
            _add_legend(entry, layer.id, style, site)
    for media_type in FORMATS:
        XML.add(element, "Format", media_type)
    for media_type in INFO_FORMATS:
        XML.add(element, "InfoFormat", media_type)
    if layer.timed:
        _add_time(element, layer.days(MAX_DAYS))
    for tiles, limits in offered.tiles:
        _add_link(element, tiles, () if brief else limits)
    most = 1 if brief else len(FORMATS) + len(INFO_EXTENSIONS)
    _add_resources(element, layer, site, most=most)


def _add_legend(entry: Element, layer: str, style: Style, site: Site) -> None:
    parameters = {
        "service": "WMS",
        "version": "1.3.0",
        "request": "GetLegendGraphic",
        "layer": layer,
        "style": style.name,
        "format": PNG,
    }
    width, height = get_legend_graphic.size(style)
    legend = XML.add(entry, "LegendURL", format=PNG, width=str(width), height=str(height))
    XML.attribute(legend, "xlink:href", f"{site.root}/ows?{urlencode(parameters)}")


def _add_box(element: Element, tag: str, box: Bbox, **attributes: str) -> None:
    bounds = XML.add(element, tag, **attributes)
    XML.add(bounds, "ows:LowerCorner", f"{number(box[0])} {number(box[1])}")
    XML.add(bounds, "ows:UpperCorner", f"{number(box[2])} {number(box[3])}")


def _add_time(element: Element, days: tuple[str, ...]) -> None:
    dimension = XML.add(element, "Dimension")
    XML.add(dimension, "ows:Identifier", "time")
    XML.add(dimension, "ows:UOM", "ISO8601")
    # The newest valid pixels: an interval as default would cut the addresses of resources.
    XML.add(dimension, "Default", "current")
    XML.add(dimension, "Current", "true")
    for value in days or ("current",):
        XML.add(dimension, "Value", value)


def _add_link(element: Element, tiles: TileMatrixSet, limits: tuple[TileLimits, ...]) -> None:
    link = XML.add(element, "TileMatrixSetLink")
    XML.add(link, "TileMatrixSet", tiles.id)
    if not limits:
        return
    listed = XML.add(link, "TileMatrixSetLimits")
    for limit in limits:
        # The schema knows no largest index of 0: a matrix of one tile has no limits to tell.
        if limit.max_row == 0 or limit.max_column == 0:
            continue
        entry = XML.add(listed, "TileMatrixLimits")
        XML.add(entry, "TileMatrix", limit.matrix)
        XML.add(entry, "MinTileRow", limit.min_row)
        XML.add(entry, "MaxTileRow", limit.max_row)
        XML.add(entry, "MinTileCol", limit.min_column)
        XML.add(entry, "MaxTileCol", limit.max_column)


def _add_resources(element: Element, layer: TileLayer, site: Site, *, most: int) -> None:
    time = "/{time}" if layer.timed else ""
    stem = (
        f"{endpoint(site)}/{VERSION}/{quote(layer.id)}/{{Style}}{time}"
        "/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
    )
    for media_type in FORMATS[:most]:
        XML.add(
            element,
            "ResourceURL",
            format=media_type,
            resourceType="tile",
            template=f"{stem}.{EXTENSION_OF[media_type]}",
        )
    for extension, media_type in list(INFO_EXTENSIONS.items())[:most]:
        XML.add(
            element,
            "ResourceURL",
            format=media_type,
            resourceType="FeatureInfo",
            template=f"{stem}/{{J}}/{{I}}.{extension}",
        )


def _add_set(contents: Element, tiles: TileMatrixSet) -> None:
    element = XML.add(contents, "TileMatrixSet")
    XML.add(element, "ows:Title", tiles.title)
    XML.add(element, "ows:Identifier", tiles.id)
    swapped = northing_first(tiles.crs)
    min_x, min_y, max_x, max_y = tiles.bbox
    box = (min_y, min_x, max_y, max_x) if swapped else (min_x, min_y, max_x, max_y)
    _add_box(element, "ows:BoundingBox", box, crs=crs_urn(tiles.crs))
    XML.add(element, "ows:SupportedCRS", crs_urn(tiles.crs))
    if tiles.scale_set:
        XML.add(element, "WellKnownScaleSet", tiles.scale_set)
    for matrix in tiles.matrices:
        entry = XML.add(element, "TileMatrix")
        XML.add(entry, "ows:Identifier", matrix.id)
        XML.add(entry, "ScaleDenominator", matrix.scale_denominator)
        corner = (matrix.top, matrix.left) if swapped else (matrix.left, matrix.top)
        XML.add(entry, "TopLeftCorner", f"{number(corner[0])} {number(corner[1])}")
        XML.add(entry, "TileWidth", TILE_PX)
        XML.add(entry, "TileHeight", TILE_PX)
        XML.add(entry, "MatrixWidth", matrix.columns)
        XML.add(entry, "MatrixHeight", matrix.rows)
