"""The capabilities of WCS 1.0.0 as XML."""

from datacube.cube import Coverage
from datacube.encode.xml import Element
from ogc.exchange import Site
from ogc.records.get_record import record_url
from ogc.wcs.v1_0.faults import MEDIA_TYPE as FAULT_TYPE
from ogc.wcs.v1_0.names import XML
from ogc.wcs.v1_0.offerings import add_about, root
from ogc.xml import document

_NONE = "NONE"
"""Keyword of the standard for no fees and no constraints."""


def encode(coverages: tuple[Coverage, ...], revision: int, site: Site) -> bytes:
    """Write a WCS_Capabilities document of coverages that maps can show."""
    made = root("WCS_Capabilities", "wcsCapabilities.xsd", revision)
    _add_service(made, site)
    _add_capability(made, site)
    contents = XML.add(made, "ContentMetadata")
    for coverage in coverages:
        offering = XML.add(contents, "CoverageOfferingBrief")
        add_about(offering, coverage, record_url(site.root, coverage.id))
    return document(made)


def _add_service(parent: Element, site: Site) -> None:
    service = XML.add(parent, "Service")
    XML.add(service, "description", site.abstract)
    XML.add(service, "name", "WCS")
    XML.add(service, "label", site.title)
    if site.keywords:
        keywords = XML.add(service, "keywords")
        for keyword in site.keywords:
            XML.add(keywords, "keyword", keyword)
    provider = site.provider
    party = XML.add(service, "responsibleParty")
    if provider.contact:
        XML.add(party, "individualName", provider.contact)
    XML.add(party, "organisationName", provider.name)
    if provider.position:
        XML.add(party, "positionName", provider.position)
    _add_contact(party, site)
    XML.add(service, "fees", provider.fees or _NONE)
    XML.add(service, "accessConstraints", provider.access_constraints or _NONE)


def _add_contact(party: Element, site: Site) -> None:
    """Append phone, address and page; what is not known is left out."""
    provider = site.provider
    address = {
        "deliveryPoint": provider.street,
        "city": provider.city,
        "administrativeArea": provider.region,
        "postalCode": provider.postal_code,
        "country": provider.country,
        "electronicMailAddress": provider.email,
    }
    if not (provider.phone or provider.url or any(address.values())):
        return
    contact = XML.add(party, "contactInfo")
    if provider.phone:
        XML.add(XML.add(contact, "phone"), "voice", provider.phone)
    if any(address.values()):
        place = XML.add(contact, "address")
        for name, text in address.items():
            if text:
                XML.add(place, name, text)
    if provider.url:
        XML.attribute(XML.add(contact, "onlineResource"), "xlink:href", provider.url)


def _add_capability(parent: Element, site: Site) -> None:
    capability = XML.add(parent, "Capability")
    requests = XML.add(capability, "Request")
    for name in ("GetCapabilities", "DescribeCoverage", "GetCoverage"):
        http = XML.add(XML.add(XML.add(requests, name), "DCPType"), "HTTP")
        resource = XML.add(XML.add(http, "Get"), "OnlineResource")
        XML.attribute(resource, "xlink:href", site.prefix)
    XML.add(XML.add(capability, "Exception"), "Format", FAULT_TYPE)
