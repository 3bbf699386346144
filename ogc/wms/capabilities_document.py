"""The capabilities document of WMS 1.3.0 (OGC 06-042, annex E.1) and 1.1.1 (OGC 01-068r3, A.1)."""

from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from lxml import etree
from pyproj import CRS

from datacube.encode.xml import Element
from datacube.grid import northing_first
from datacube.plan.formats import PNG
from datacube.plan.style import Style
from datacube.protocols import Bbox
from datacube.service_provider import attribution
from ogc.crs import COMMON, CRS84, hull, wms_name
from ogc.exchange import Site
from ogc.records.get_record import record_url
from ogc.records.inspire import ENGLISH, VIEW_LOCATION, add_view, spoken
from ogc.records.iso19139 import MEDIA_TYPE as RECORD_TYPE
from ogc.wms import get_feature_info, get_legend_graphic
from ogc.wms.capabilities_service import add_link, add_service
from ogc.wms.dimensions import Dimension
from ogc.wms.faults import EXCEPTION_FORMATS
from ogc.wms.formats import FORMATS
from ogc.wms.layers import Layer
from ogc.wms.versions import Version
from ogc.xml import MEDIA_TYPE, XLINK, XSI, Vocabulary, document, number, typed_document

MEDIA_TYPES = MappingProxyType(
    {Version.V1_3_0: MEDIA_TYPE, Version.V1_1_1: "application/vnd.ogc.wms_xml"}
)
"""Of the document, by version."""
_WMS = "http://www.opengis.net/wms"
_SLD = "http://www.opengis.net/sld"
# WMS names without a prefix: QGIS refuses prefixes that it does not expect.
_XML = Vocabulary(namespaces={"": _WMS, "xlink": XLINK, "xsi": XSI, "sld": _SLD})
_OLD_XML = Vocabulary(namespaces={"xlink": XLINK})
_LOCATIONS = (
    f"{_WMS} http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd "
    f"{_SLD} http://schemas.opengis.net/sld/1.1.0/sld_capabilities.xsd {VIEW_LOCATION}"
)
_OLD_TYPE = "http://schemas.opengis.net/wms/1.1.1/capabilities_1_1_1.dtd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is offered at one revision."""

    revision: int
    layers: tuple[Layer, ...]


def encode(
    capabilities: Capabilities, site: Site, version: Version, language: str = ENGLISH
) -> bytes:
    """Write the document of a version; what the service says of itself in a language."""
    writer = _Writer(version=version, site=spoken(site, language), language=language)
    if version is Version.V1_1_1:
        # The prefix is declared where it is used: the document type knows no other place.
        root = etree.Element("WMT_MS_Capabilities")
    else:
        root = _XML.root("WMS_Capabilities")
        _XML.attribute(root, "xsi:schemaLocation", _LOCATIONS)
    root.set("version", str(version))
    root.set("updateSequence", str(capabilities.revision))
    writer.add_all(root, capabilities)
    if version is Version.V1_3_0:
        return document(root)
    return typed_document(root, _OLD_TYPE)


def newest_date(capabilities: Capabilities) -> str:
    """Return the day of the newest acquisition; the day of WMS 1.3.0 where nothing has a time."""
    found = [layer.newest for layer in capabilities.layers if layer.newest is not None]
    return max(found).date().isoformat() if found else "2006-03-15"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Adds elements as one version names and orders them."""

    version: Version
    site: Site
    language: str

    @property
    def old(self) -> bool:
        return self.version is Version.V1_1_1

    @property
    def xml(self) -> Vocabulary:
        return _OLD_XML if self.old else _XML

    def add_all(self, root: Element, capabilities: Capabilities) -> None:
        add_service(self.xml, root, self.site, old=self.old)
        capability = self.xml.add(root, "Capability")
        request = self.xml.add(capability, "Request")
        self._add_operation(request, "GetCapabilities", (MEDIA_TYPES[self.version],))
        self._add_operation(request, "GetMap", FORMATS)
        self._add_operation(request, "GetFeatureInfo", get_feature_info.FORMATS)
        legend = "GetLegendGraphic" if self.old else "sld:GetLegendGraphic"
        self._add_operation(request, legend, get_legend_graphic.FORMATS)
        exception = self.xml.add(capability, "Exception")
        for name in EXCEPTION_FORMATS[self.version]:
            self.xml.add(exception, "Format", name)
        if not self.old:
            add_view(capability, self.site, self.language, date=newest_date(capabilities))
        symbolization = "UserDefinedSymbolization" if self.old else "sld:UserDefinedSymbolization"
        # SLD_BODY; layers of its own and services elsewhere are not looked up.
        self.xml.add(
            capability, symbolization, SupportSLD="1", UserLayer="0", UserStyle="1", RemoteWFS="0"
        )
        self._add_root_layer(capability, capabilities.layers)

    def _add_operation(self, request: Element, name: str, formats: tuple[str, ...]) -> None:
        operation = self.xml.add(request, name)
        for media_type in formats:
            self.xml.add(operation, "Format", media_type)
        http = self.xml.add(self.xml.add(operation, "DCPType"), "HTTP")
        for method in ("Get", "Post"):
            add_link(self.xml, self.xml.add(http, method), self.site.prefix)

    def _add_root_layer(self, capability: Element, layers: tuple[Layer, ...]) -> None:
        root = self.xml.add(capability, "Layer")
        self.xml.add(root, "Title", self.site.title)
        shared = _shared_crs(layers)
        for crs in shared:
            self._add_crs(root, crs)
        if layers:
            lonlat = hull([layer.lonlat for layer in layers])
            self._add_geographic_box(root, lonlat)
            self._add_box(root, CRS84, lonlat)
        for layer in layers:
            self._add_layer(root, layer, shared)

    def _add_crs(self, parent: Element, crs: CRS) -> None:
        if not self.old:
            self.xml.add(parent, "CRS", wms_name(crs))
        elif crs != CRS84:
            self.xml.add(parent, "SRS", wms_name(crs))

    def _add_layer(self, root: Element, layer: Layer, shared: tuple[CRS, ...]) -> None:
        collection = layer.collection
        element = self.xml.add(root, "Layer", queryable="1", opaque="0")
        self.xml.add(element, "Name", collection.id)
        self.xml.add(element, "Title", collection.title)
        self.xml.add(element, "Abstract", collection.description or collection.title)
        keywords = self.xml.add(element, "KeywordList")
        for keyword in (collection.id, *self.site.keywords):
            self.xml.add(keywords, "Keyword", keyword)
        for extent in layer.extents:
            if extent.crs not in shared:
                self._add_crs(element, extent.crs)
        self._add_geographic_box(element, layer.lonlat)
        for extent in layer.extents:
            self._add_box(element, extent.crs, extent.bbox)
        self._add_dimensions(element, layer.dimensions)
        if collection.attribution:
            notice = attribution(collection.attribution, layer.years)
            self.xml.add(self.xml.add(element, "Attribution"), "Title", notice)
        self._add_record(element, collection.id)
        for style in layer.styles:
            self._add_style(element, collection.id, style)

    def _add_record(self, element: Element, name: str) -> None:
        kind = "TC211" if self.old else "ISO19115:2003"
        metadata = self.xml.add(element, "MetadataURL", type=kind)
        self.xml.add(metadata, "Format", RECORD_TYPE)
        add_link(self.xml, metadata, record_url(self.site.root, name))

    def _add_geographic_box(self, element: Element, lonlat: Bbox) -> None:
        west, south, east, north = lonlat
        if self.old:
            names = zip(("minx", "miny", "maxx", "maxy"), lonlat, strict=True)
            box = {name: number(value) for name, value in names}
            self.xml.add(element, "LatLonBoundingBox", **box)
            return
        box_element = self.xml.add(element, "EX_GeographicBoundingBox")
        self.xml.add(box_element, "westBoundLongitude", west)
        self.xml.add(box_element, "eastBoundLongitude", east)
        self.xml.add(box_element, "southBoundLatitude", south)
        self.xml.add(box_element, "northBoundLatitude", north)

    def _add_box(self, element: Element, crs: CRS, bbox: Bbox) -> None:
        min_x, min_y, max_x, max_y = (number(value) for value in bbox)
        if self.old and crs == CRS84:
            return
        if northing_first(crs) and not self.old:
            min_x, min_y, max_x, max_y = min_y, min_x, max_y, max_x
        named = {"SRS" if self.old else "CRS": wms_name(crs)}
        self.xml.add(
            element, "BoundingBox", **named, minx=min_x, miny=min_y, maxx=max_x, maxy=max_y
        )

    def _add_dimensions(self, element: Element, dimensions: tuple[Dimension, ...]) -> None:
        """Add what exists, and in 1.1.1 after all of that which values there are."""
        for dimension in dimensions:
            added = self.xml.add(element, "Dimension", name=dimension.name, units=dimension.units)
            if dimension.symbol:
                added.set("unitSymbol", dimension.symbol)
            if not self.old:
                _describe(added, dimension)
        if self.old:
            for dimension in dimensions:
                _describe(self.xml.add(element, "Extent", name=dimension.name), dimension)

    def _add_style(self, element: Element, layer: str, style: Style) -> None:
        entry = self.xml.add(element, "Style")
        self.xml.add(entry, "Name", style.name)
        self.xml.add(entry, "Title", style.title)
        if style.abstract:
            self.xml.add(entry, "Abstract", style.abstract)
        width, height = get_legend_graphic.size(style)
        legend = self.xml.add(entry, "LegendURL", width=str(width), height=str(height))
        self.xml.add(legend, "Format", PNG)
        parameters = {
            "service": "WMS",
            "version": str(self.version),
            "request": "GetLegendGraphic",
            "layer": layer,
            "style": style.name,
            "format": PNG,
        }
        add_link(self.xml, legend, self.site.prefix + urlencode(parameters))


def _describe(element: Element, dimension: Dimension) -> None:
    element.text = dimension.values
    if dimension.default:
        element.set("default", dimension.default)
    element.set("multipleValues", "1" if dimension.several else "0")
    element.set("nearestValue", "1" if dimension.nearest else "0")
    if dimension.current:
        element.set("current", "1")


def _shared_crs(layers: tuple[Layer, ...]) -> tuple[CRS, ...]:
    """Return the CRSs of every layer: the common ones, and others that all have."""
    shared = list(COMMON)
    for extent in layers[0].extents if layers else ():
        everywhere = all(extent.crs in [e.crs for e in layer.extents] for layer in layers)
        if extent.crs not in shared and everywhere:
            shared.append(extent.crs)
    return tuple(shared)
