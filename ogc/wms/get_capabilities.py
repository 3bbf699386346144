"""GetCapabilities: what the map service offers (OGC 06-042, 7.2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree
from pyproj import CRS

from datacube.errors import InvalidParameterError, RequestError
from datacube.grid import northing_first
from datacube.plan.style import StyleBook
from datacube.protocols import Bbox, CatalogView
from datacube.service_provider import ServiceProvider
from datacube.times import iso_text
from ogc.crs import COMMON, wms_name
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.kvp import Kvp, integer
from ogc.wms.get_map import FORMATS, MAX_LAYERS, VERSION
from ogc.wms.layers import Layer, find_layers
from ogc.xml import MEDIA_TYPE, XLINK, XSI, Vocabulary, document, number

MAX_DAYS = 1000
"""Above so many, days are advertised as one interval: long lists freeze clients."""

_WMS = "http://www.opengis.net/wms"
# WMS names without a prefix: QGIS refuses prefixes that it does not expect.
_XML = Vocabulary(namespaces={"": _WMS, "xlink": XLINK, "xsi": XSI})


class CurrentUpdateSequenceError(RequestError):
    """The client has the newest document."""

    code = "current-update-sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapabilities:
    """A request for the capabilities. Any VERSION is answered with the one offered."""

    update_sequence: int | None = None
    """The revision of the document that the client has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is offered at one revision."""

    revision: int
    layers: tuple[Layer, ...]
    newest: tuple[datetime | None, ...]
    """Of each layer, its newest visible acquisition."""


def parse(kvp: Kvp) -> GetCapabilities:
    """Read the parameters. FORMAT is ignored: the document is always XML (7.2.3.1).

    Raises
    ------
    InvalidParameterError
        If UPDATESEQUENCE is no integer.
    """
    text = kvp.one("updatesequence", default="")
    if not text:
        return GetCapabilities()
    return GetCapabilities(
        update_sequence=integer(text, "UPDATESEQUENCE", low=-(2**53), high=2**53)
    )


def handle(request: GetCapabilities, view: CatalogView, styles: StyleBook) -> Capabilities:
    """Describe what the view's principal may see.

    Raises
    ------
    CurrentUpdateSequenceError, InvalidParameterError
        If the client's document is current, or newer than any (7.2.3.5).
    """
    if request.update_sequence is not None:
        if request.update_sequence == view.revision:
            raise CurrentUpdateSequenceError(f"revision {view.revision} is current")
        if request.update_sequence > view.revision:
            raise InvalidParameterError(
                f"UPDATESEQUENCE {request.update_sequence} lies ahead of "
                f"the current revision {view.revision}",
                parameter="UPDATESEQUENCE",
            )
    layers = find_layers(view, styles)
    return Capabilities(
        revision=view.revision,
        layers=layers,
        newest=tuple(view.newest(layer.collection.id) for layer in layers),
    )


def encode(capabilities: Capabilities, site: Site) -> bytes:
    """Write a WMS_Capabilities document."""
    root = _XML.root("WMS_Capabilities", version=VERSION, updateSequence=str(capabilities.revision))
    _XML.attribute(
        root,
        "xsi:schemaLocation",
        f"{_WMS} http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd",
    )
    _add_service(root, site)
    capability = _XML.add(root, "Capability")
    request = _XML.add(capability, "Request")
    _add_operation(request, "GetCapabilities", (MEDIA_TYPE,), site)
    _add_operation(request, "GetMap", FORMATS, site)
    _XML.add(_XML.add(capability, "Exception"), "Format", "XML")
    _add_root_layer(capability, capabilities, site)
    return document(root)


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation."""
    capabilities = handle(parse(kvp), session.view, session.styles)
    return reply_document(encode(capabilities, site), MEDIA_TYPE, capabilities.revision)


def _add_service(root: etree._Element, site: Site) -> None:
    service = _XML.add(root, "Service")
    _XML.add(service, "Name", "WMS")
    _XML.add(service, "Title", site.title)
    _XML.add(service, "Abstract", site.abstract)
    _add_keywords(service, site.keywords)
    _add_link(service, site)
    _add_contact(service, site.provider)
    _XML.add(service, "Fees", site.provider.fees or "none")
    _XML.add(service, "AccessConstraints", site.provider.access_constraints or "none")
    _XML.add(service, "LayerLimit", str(MAX_LAYERS))
    _XML.add(service, "MaxWidth", str(site.limits.map_side_px))
    _XML.add(service, "MaxHeight", str(site.limits.map_side_px))


def _add_contact(service: etree._Element, provider: ServiceProvider) -> None:
    information = _XML.add(service, "ContactInformation")
    primary = _XML.add(information, "ContactPersonPrimary")
    _XML.add(primary, "ContactPerson", provider.contact or provider.name)
    _XML.add(primary, "ContactOrganization", provider.name)
    if provider.position:
        _XML.add(information, "ContactPosition", provider.position)
    if provider.street or provider.city:
        address = _XML.add(information, "ContactAddress")
        _XML.add(address, "AddressType", "postal")
        _XML.add(address, "Address", provider.street)
        _XML.add(address, "City", provider.city)
        _XML.add(address, "StateOrProvince", provider.region)
        _XML.add(address, "PostCode", provider.postal_code)
        _XML.add(address, "Country", provider.country)
    if provider.phone:
        _XML.add(information, "ContactVoiceTelephone", provider.phone)
    if provider.email:
        _XML.add(information, "ContactElectronicMailAddress", provider.email)


def _add_operation(
    request: etree._Element, name: str, formats: tuple[str, ...], site: Site
) -> None:
    operation = _XML.add(request, name)
    for media_type in formats:
        _XML.add(operation, "Format", media_type)
    http = _XML.add(_XML.add(operation, "DCPType"), "HTTP")
    for method in ("Get", "Post"):
        _add_link(_XML.add(http, method), site)


def _add_link(parent: etree._Element, site: Site) -> None:
    link = _XML.add(parent, "OnlineResource")
    _XML.attribute(link, "xlink:type", "simple")
    _XML.attribute(link, "xlink:href", site.prefix)


def _add_keywords(parent: etree._Element, keywords: tuple[str, ...]) -> None:
    listed = _XML.add(parent, "KeywordList")
    for keyword in keywords:
        _XML.add(listed, "Keyword", keyword)


def _add_root_layer(capability: etree._Element, capabilities: Capabilities, site: Site) -> None:
    root = _XML.add(capability, "Layer")
    _XML.add(root, "Title", site.title)
    for crs in COMMON:
        _XML.add(root, "CRS", wms_name(crs))
    for layer, newest in zip(capabilities.layers, capabilities.newest, strict=True):
        _add_layer(root, layer, newest, site)


def _add_layer(root: etree._Element, layer: Layer, newest: datetime | None, site: Site) -> None:
    collection = layer.collection
    element = _XML.add(root, "Layer", queryable="0", opaque="0")
    _XML.add(element, "Name", collection.id)
    _XML.add(element, "Title", collection.title)
    _XML.add(element, "Abstract", collection.description or collection.title)
    _add_keywords(element, (collection.id, *site.keywords))
    for extent in layer.extents:
        if extent.crs not in COMMON:
            _XML.add(element, "CRS", wms_name(extent.crs))
    _add_geographic_box(element, layer.lonlat)
    for extent in layer.extents:
        _add_box(element, extent.crs, extent.bbox)
    _add_time(element, layer, newest, site)
    if collection.attribution:
        _XML.add(_XML.add(element, "Attribution"), "Title", collection.attribution)
    for style in layer.styles:
        entry = _XML.add(element, "Style")
        _XML.add(entry, "Name", style.name)
        _XML.add(entry, "Title", style.title)
        if style.abstract:
            _XML.add(entry, "Abstract", style.abstract)


def _add_geographic_box(element: etree._Element, lonlat: Bbox) -> None:
    west, south, east, north = lonlat
    box = _XML.add(element, "EX_GeographicBoundingBox")
    _XML.add(box, "westBoundLongitude", west)
    _XML.add(box, "eastBoundLongitude", east)
    _XML.add(box, "southBoundLatitude", south)
    _XML.add(box, "northBoundLatitude", north)


def _add_box(element: etree._Element, crs: CRS, bbox: Bbox) -> None:
    min_x, min_y, max_x, max_y = (number(value) for value in bbox)
    if northing_first(crs):
        min_x, min_y, max_x, max_y = min_y, min_x, max_y, max_x
    _XML.add(
        element, "BoundingBox", CRS=wms_name(crs), minx=min_x, miny=min_y, maxx=max_x, maxy=max_y
    )


def _add_time(element: etree._Element, layer: Layer, newest: datetime | None, site: Site) -> None:
    if not layer.days:
        return
    days = layer.days
    values = ",".join(days) if len(days) <= MAX_DAYS else f"{days[0]}/{days[-1]}/P1D"
    dimension = _XML.add(
        element, "Dimension", values, name="time", units="ISO8601", multipleValues="0"
    )
    dimension.set("nearestValue", "1")
    dimension.set("current", "1")
    if newest is not None:
        first = newest - timedelta(days=site.default_map_days)
        dimension.set("default", f"{iso_text(first)}/{iso_text(newest)}")
