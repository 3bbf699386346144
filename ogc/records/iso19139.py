"""Metadata records of layers and coverages (ISO 19115:2003 in the encoding of ISO/TS 19139)."""

from dataclasses import dataclass
from datetime import datetime

from pyproj import CRS

from datacube.encode.xml import Element, Vocabulary, document
from datacube.protocols import Bbox
from datacube.service_provider import ServiceProvider
from datacube.times import iso_text

_GMD = "http://www.isotc211.org/2005/gmd"
SCHEMA = "http://schemas.opengis.net/iso/19139/20070417/gmd/gmd.xsd"
MEDIA_TYPE = "text/xml"
LANGUAGES = "http://www.loc.gov/standards/iso639-2/"
_CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
_XML = Vocabulary(
    namespaces={
        "gmd": _GMD,
        "gco": "http://www.isotc211.org/2005/gco",
        "gml": "http://www.opengis.net/gml/3.2",
        "gmx": "http://www.isotc211.org/2005/gmx",
        "xlink": "http://www.w3.org/1999/xlink",
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address at which the data are had."""

    url: str
    protocol: str
    """As registries of metadata name it: `OGC:WMS`."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a record says."""

    id: str
    title: str
    abstract: str
    series: bool
    """A series of data sets, as a collection is, else one data set."""
    keywords: tuple[str, ...]
    licence: str
    attribution: str
    lonlat: Bbox | None
    """West, south, east, north in degrees; None where the data have no place on the Earth."""
    times: tuple[datetime, datetime] | None
    """First and last acquisition."""
    crss: tuple[CRS, ...]
    resolution: tuple[float, str] | None
    """Side of the finest cells, with its unit."""
    links: tuple[Link, ...]


def encode(record: Record, provider: ServiceProvider) -> bytes:
    """Write a `gmd:MD_Metadata` document.

    It is dated by the newest acquisition: no clock makes equal records differ.
    """
    root = _XML.root("gmd:MD_Metadata")
    _XML.attribute(root, "xsi:schemaLocation", f"{_GMD} {SCHEMA}")
    _text(root, "gmd:fileIdentifier", record.id)
    _language(root)
    _code(_XML.add(root, "gmd:characterSet"), "MD_CharacterSetCode", "utf8")
    level = "series" if record.series else "dataset"
    _code(_XML.add(root, "gmd:hierarchyLevel"), "MD_ScopeCode", level)
    _party(_XML.add(root, "gmd:contact"), provider)
    _date(root, "gmd:dateStamp", record)
    _text(root, "gmd:metadataStandardName", "ISO 19115:2003")
    for crs in record.crss:
        _reference_system(root, crs)
    _identification(root, record, provider)
    _distribution(root, record.links)
    _quality(root, record, level)
    return document(root)


def _identification(root: Element, record: Record, provider: ServiceProvider) -> None:
    data = _XML.add(_XML.add(root, "gmd:identificationInfo"), "gmd:MD_DataIdentification")
    citation = _XML.add(_XML.add(data, "gmd:citation"), "gmd:CI_Citation")
    _text(citation, "gmd:title", record.title)
    dated = _XML.add(_XML.add(citation, "gmd:date"), "gmd:CI_Date")
    _date(dated, "gmd:date", record)
    _code(_XML.add(dated, "gmd:dateType"), "CI_DateTypeCode", "revision")
    identifier = _XML.add(_XML.add(citation, "gmd:identifier"), "gmd:MD_Identifier")
    _text(identifier, "gmd:code", record.id)
    _text(data, "gmd:abstract", record.abstract)
    if record.attribution:
        _text(data, "gmd:credit", record.attribution)
    _party(_XML.add(data, "gmd:pointOfContact"), provider)
    keywords = _XML.add(_XML.add(data, "gmd:descriptiveKeywords"), "gmd:MD_Keywords")
    for keyword in record.keywords:
        _text(keywords, "gmd:keyword", keyword)
    _constraints(data, record, provider)
    grid = _XML.add(data, "gmd:spatialRepresentationType")
    _code(grid, "MD_SpatialRepresentationTypeCode", "grid")
    if record.resolution is not None:
        side, unit = record.resolution
        resolution = _XML.add(_XML.add(data, "gmd:spatialResolution"), "gmd:MD_Resolution")
        _XML.add(_XML.add(resolution, "gmd:distance"), "gco:Distance", side, uom=unit)
    _language(data)
    topic = _XML.add(data, "gmd:topicCategory")
    _XML.add(topic, "gmd:MD_TopicCategoryCode", "imageryBaseMapsEarthCover")
    _extent(data, record)


def _constraints(data: Element, record: Record, provider: ServiceProvider) -> None:
    constraints = _XML.add(_XML.add(data, "gmd:resourceConstraints"), "gmd:MD_LegalConstraints")
    _text(constraints, "gmd:useLimitation", record.licence or "no conditions are known")
    _code(_XML.add(constraints, "gmd:accessConstraints"), "MD_RestrictionCode", "otherRestrictions")
    _text(constraints, "gmd:otherConstraints", provider.access_constraints or "none")


def _extent(data: Element, record: Record) -> None:
    if record.lonlat is None and record.times is None:
        return
    extent = _XML.add(_XML.add(data, "gmd:extent"), "gmd:EX_Extent")
    if record.lonlat is not None:
        west, south, east, north = record.lonlat
        place = _XML.add(extent, "gmd:geographicElement")
        box = _XML.add(place, "gmd:EX_GeographicBoundingBox")
        for name, value in (
            ("westBoundLongitude", west),
            ("eastBoundLongitude", east),
            ("southBoundLatitude", south),
            ("northBoundLatitude", north),
        ):
            _XML.add(_XML.add(box, f"gmd:{name}"), "gco:Decimal", f"{value:.6f}")
    if record.times is not None:
        first, last = record.times
        element = _XML.add(_XML.add(extent, "gmd:temporalElement"), "gmd:EX_TemporalExtent")
        period = _XML.add(_XML.add(element, "gmd:extent"), "gml:TimePeriod")
        _XML.attribute(period, "gml:id", "times")
        _XML.add(period, "gml:beginPosition", iso_text(first))
        _XML.add(period, "gml:endPosition", iso_text(last))


def _reference_system(root: Element, crs: CRS) -> None:
    authority = crs.to_authority()
    if authority is None:
        return
    system = _XML.add(_XML.add(root, "gmd:referenceSystemInfo"), "gmd:MD_ReferenceSystem")
    identifier = _XML.add(_XML.add(system, "gmd:referenceSystemIdentifier"), "gmd:RS_Identifier")
    name, code = authority
    _text(identifier, "gmd:code", f"http://www.opengis.net/def/crs/{name}/0/{code}")


def _distribution(root: Element, links: tuple[Link, ...]) -> None:
    distribution = _XML.add(_XML.add(root, "gmd:distributionInfo"), "gmd:MD_Distribution")
    for link in links:
        options = _XML.add(
            _XML.add(distribution, "gmd:transferOptions"), "gmd:MD_DigitalTransferOptions"
        )
        resource = _XML.add(_XML.add(options, "gmd:onLine"), "gmd:CI_OnlineResource")
        _XML.add(_XML.add(resource, "gmd:linkage"), "gmd:URL", link.url)
        _text(resource, "gmd:protocol", link.protocol)
        _text(resource, "gmd:name", link.name)


def _quality(root: Element, record: Record, level: str) -> None:
    quality = _XML.add(_XML.add(root, "gmd:dataQualityInfo"), "gmd:DQ_DataQuality")
    scope = _XML.add(_XML.add(quality, "gmd:scope"), "gmd:DQ_Scope")
    _code(_XML.add(scope, "gmd:level"), "MD_ScopeCode", level)
    lineage = _XML.add(_XML.add(quality, "gmd:lineage"), "gmd:LI_Lineage")
    _text(lineage, "gmd:statement", record.attribution or record.abstract)


def _party(parent: Element, provider: ServiceProvider) -> None:
    party = _XML.add(parent, "gmd:CI_ResponsibleParty")
    for tag, text in (
        ("individualName", provider.contact),
        ("organisationName", provider.name),
        ("positionName", provider.position),
    ):
        if text:
            _text(party, f"gmd:{tag}", text)
    if provider.contacts or provider.url:
        contact = _XML.add(_XML.add(party, "gmd:contactInfo"), "gmd:CI_Contact")
        if provider.phone:
            phone = _XML.add(_XML.add(contact, "gmd:phone"), "gmd:CI_Telephone")
            _text(phone, "gmd:voice", provider.phone)
        address = _XML.add(_XML.add(contact, "gmd:address"), "gmd:CI_Address")
        for tag, text in (
            ("deliveryPoint", provider.street),
            ("city", provider.city),
            ("administrativeArea", provider.region),
            ("postalCode", provider.postal_code),
            ("country", provider.country),
            ("electronicMailAddress", provider.email),
        ):
            if text:
                _text(address, f"gmd:{tag}", text)
        if provider.url:
            resource = _XML.add(_XML.add(contact, "gmd:onlineResource"), "gmd:CI_OnlineResource")
            _XML.add(_XML.add(resource, "gmd:linkage"), "gmd:URL", provider.url)
    _code(_XML.add(party, "gmd:role"), "CI_RoleCode", "pointOfContact")


def _language(parent: Element) -> None:
    element = _XML.add(parent, "gmd:language")
    _XML.add(element, "gmd:LanguageCode", "eng", codeList=LANGUAGES, codeListValue="eng")


def _date(parent: Element, tag: str, record: Record) -> None:
    element = _XML.add(parent, tag)
    if record.times is None:
        _XML.attribute(element, "gco:nilReason", "unknown")
    else:
        _XML.add(element, "gco:Date", record.times[1].date().isoformat())


def _text(parent: Element, tag: str, text: str) -> None:
    _XML.add(_XML.add(parent, tag), "gco:CharacterString", text)


def _code(parent: Element, kind: str, value: str) -> None:
    _XML.add(parent, f"gmd:{kind}", value, codeList=f"{_CODES}#{kind}", codeListValue=value)
