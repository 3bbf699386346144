"""What capabilities say of the service and its provider, in either version."""

from math import isqrt

from lxml import etree

from datacube.encode.xml import Element, Vocabulary
from datacube.service_provider import ServiceProvider
from ogc.exchange import Site
from ogc.xml import XLINK


def add_service(xml: Vocabulary, root: Element, site: Site, *, old: bool) -> None:
    """Append `Service`; limits are no part of it in the `old` version."""
    service = xml.add(root, "Service")
    xml.add(service, "Name", "OGC:WMS" if old else "WMS")
    xml.add(service, "Title", site.title)
    xml.add(service, "Abstract", site.abstract)
    listed = xml.add(service, "KeywordList")
    for keyword in site.keywords:
        xml.add(listed, "Keyword", keyword)
    add_link(xml, service, site.prefix)
    _add_contact(xml, service, site.provider)
    xml.add(service, "Fees", site.provider.fees or "none")
    xml.add(service, "AccessConstraints", site.provider.access_constraints or "none")
    if not old:
        xml.add(service, "LayerLimit", str(site.limits.map_layers))
        # Both at once have to be allowed: the conformance suite asks for such a map.
        side = min(site.limits.map_side_px, isqrt(site.limits.map_pixels))
        xml.add(service, "MaxWidth", str(side))
        xml.add(service, "MaxHeight", str(side))


def add_link(xml: Vocabulary, parent: Element, address: str) -> None:
    """Append `OnlineResource`.

    It declares its prefix itself, where its document has no root that could (1.1.1).
    """
    link = etree.SubElement(parent, xml.name("OnlineResource"), nsmap={"xlink": XLINK})
    link.set(f"{{{XLINK}}}type", "simple")
    link.set(f"{{{XLINK}}}href", address)


def _add_contact(xml: Vocabulary, service: Element, provider: ServiceProvider) -> None:
    information = xml.add(service, "ContactInformation")
    primary = xml.add(information, "ContactPersonPrimary")
    xml.add(primary, "ContactPerson", provider.contact or provider.name)
    xml.add(primary, "ContactOrganization", provider.name)
    if provider.position:
        xml.add(information, "ContactPosition", provider.position)
    if provider.street or provider.city:
        address = xml.add(information, "ContactAddress")
        xml.add(address, "AddressType", "postal")
        xml.add(address, "Address", provider.street)
        xml.add(address, "City", provider.city)
        xml.add(address, "StateOrProvince", provider.region)
        xml.add(address, "PostCode", provider.postal_code)
        xml.add(address, "Country", provider.country)
    if provider.phone:
        xml.add(information, "ContactVoiceTelephone", provider.phone)
    if provider.email:
        xml.add(information, "ContactElectronicMailAddress", provider.email)
