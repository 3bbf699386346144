"""Elements of OWS Common that WCS and WMTS capabilities share (OGC 06-121r9)."""

from datacube.encode.xml import Element, Vocabulary
from datacube.service_provider import ServiceProvider


def add_provider(xml: Vocabulary, root: Element, provider: ServiceProvider) -> None:
    """Append `ows:ServiceProvider`; what is not known is left out."""
    element = xml.add(root, "ows:ServiceProvider")
    xml.add(element, "ows:ProviderName", provider.name)
    if provider.url:
        site = xml.add(element, "ows:ProviderSite")
        xml.attribute(site, "xlink:href", provider.url)
    contact = xml.add(element, "ows:ServiceContact")
    _add_texts(
        xml,
        contact,
        {"ows:IndividualName": provider.contact, "ows:PositionName": provider.position},
    )
    if not provider.contacts:
        return
    information = xml.add(contact, "ows:ContactInfo")
    if provider.phone:
        xml.add(xml.add(information, "ows:Phone"), "ows:Voice", provider.phone)
    address = {
        "ows:DeliveryPoint": provider.street,
        "ows:City": provider.city,
        "ows:AdministrativeArea": provider.region,
        "ows:PostalCode": provider.postal_code,
        "ows:Country": provider.country,
        "ows:ElectronicMailAddress": provider.email,
    }
    if any(address.values()):
        _add_texts(xml, xml.add(information, "ows:Address"), address)


def _add_texts(xml: Vocabulary, parent: Element, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        if text:
            xml.add(parent, name, text)
