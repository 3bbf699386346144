"""INSPIRE's part of capabilities: languages, and where the service is described.

Technical Guidance for View Services 3.11, 4.2.3.3, and for Download Services 3.1, 6.1: all that
INSPIRE wants to know of a service stands in the capabilities (scenario 2), so no service record
is needed. The schemas are those of inspire.ec.europa.eu.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType

from lxml import etree

from datacube.encode.xml import Element, Vocabulary
from datacube.errors import InvalidParameterError
from ogc.exchange import Site
from ogc.kvp import Kvp, shown

COMMON = "http://inspire.ec.europa.eu/schemas/common/1.0"
VIEW = "http://inspire.ec.europa.eu/schemas/inspire_vs/1.0"
DOWNLOAD = "http://inspire.ec.europa.eu/schemas/inspire_dls/1.0"
NAMESPACES = MappingProxyType(
    {"inspire_common": COMMON, "inspire_vs": VIEW, "inspire_dls": DOWNLOAD}
)
VIEW_LOCATION = f"{VIEW} {VIEW}/inspire_vs.xsd"
DOWNLOAD_LOCATION = f"{DOWNLOAD} {DOWNLOAD}/inspire_dls.xsd"

ENGLISH, GERMAN = "eng", "ger"
LANGUAGES = (ENGLISH, GERMAN)
"""Of titles and abstracts, the default first; ISO 639-2/B as INSPIRE asks."""

_XML = Vocabulary(namespaces={**NAMESPACES, "xsi": "http://www.w3.org/2001/XMLSchema-instance"})
_NO_ADDRESS = "unknown@unknown.invalid"
"""INSPIRE demands an address where an operator has named none."""
_REGULATION = "http://eur-lex.europa.eu/LexUriServ/LexUriServ.do?uri=OJ:L:2010:323:0011:0102:EN:PDF"
_REGULATION_DATE = "2010-12-08"
"""Of the Commission Regulation (EU) No 1089/2010, to which conformity is stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    abstract: str
    keywords: tuple[str, ...]


_TEXTS = MappingProxyType(
    {
        GERMAN: _Texts(
            abstract="Datenwürfel der Erdbeobachtung über offene Standards.",
            keywords=("Erdbeobachtung", "Datenwürfel"),
        )
    }
)


def language(kvp: Kvp) -> str:
    """Return the language that a request asks for by LANGUAGE or ACCEPTLANGUAGES.

    One that is not offered gives the default, as the Technical Guidance demands of LANGUAGE
    (requirement 68); ACCEPTLANGUAGES takes the first that is offered.

    Raises
    ------
    InvalidParameterError
        If LANGUAGE is no code of a language.
    """
    asked = kvp.one("language", default="")
    if asked and not (len(asked) <= 8 and asked.replace("-", "").isalpha()):
        raise InvalidParameterError(
            f"LANGUAGE {shown(asked)} is no language; offered are {', '.join(LANGUAGES)}",
            parameter="LANGUAGE",
        )
    wanted = [asked, *kvp.one("acceptlanguages", default="").replace(",", " ").split()]
    known = {"en": ENGLISH, "de": GERMAN, "deu": GERMAN} | {each: each for each in LANGUAGES}
    found = (known.get(each.casefold().split("-")[0]) for each in wanted)
    return next((each for each in found if each), ENGLISH)


def spoken(site: Site, chosen: str) -> Site:
    """Return what the service says of itself in another language.

    Texts that an operator has set stay: nobody translated them.
    """
    texts, untouched = _TEXTS.get(chosen), Site(url="")
    if texts is None:
        return site
    return replace(
        site,
        abstract=texts.abstract if site.abstract == untouched.abstract else site.abstract,
        keywords=texts.keywords if site.keywords == untouched.keywords else site.keywords,
    )


def add_view(parent: Element, site: Site, chosen: str, *, date: str) -> None:
    """Append `inspire_vs:ExtendedCapabilities`; `date` is the day of the newest acquisition."""
    element = _begin(parent, "inspire_vs")
    _describe(element, site, "view", "infoMapAccessService", date)
    _languages(element, chosen)


def add_download(
    parent: Element, site: Site, chosen: str, *, date: str, datasets: tuple[str, ...]
) -> None:
    """Append `inspire_dls:ExtendedCapabilities` with the ids of the data sets."""
    element = _begin(parent, "inspire_dls")
    _describe(element, site, "download", "infoCoverageAccessService", date)
    _languages(element, chosen)
    for name in datasets:
        identifier = _XML.add(element, "inspire_dls:SpatialDataSetIdentifier")
        _XML.add(identifier, "inspire_common:Code", name)
        _XML.add(identifier, "inspire_common:Namespace", f"{site.root}/records/")


def _begin(parent: Element, prefix: str) -> Element:
    """Append the extension, which declares its prefixes itself."""
    declared = {name: NAMESPACES[name] for name in ("inspire_common", prefix)}
    tag = f"{{{NAMESPACES[prefix]}}}ExtendedCapabilities"
    return etree.SubElement(parent, tag, nsmap=declared)


def _describe(element: Element, site: Site, kind: str, classified: str, date: str) -> None:
    locator = _XML.add(element, "inspire_common:ResourceLocator")
    _XML.add(locator, "inspire_common:URL", site.url)
    _XML.add(element, "inspire_common:ResourceType", "service")
    reference = _XML.add(element, "inspire_common:TemporalReference")
    _XML.add(reference, "inspire_common:DateOfLastRevision", date)
    conformity = _XML.add(element, "inspire_common:Conformity")
    specification = _XML.add(conformity, "inspire_common:Specification")
    kind_ = "inspire_common:citationInspireInteroperabilityRegulation_eng"
    _XML.attribute(specification, "xsi:type", kind_)
    title = (
        "COMMISSION REGULATION (EU) No 1089/2010 of 23 November 2010 implementing Directive "
        "2007/2/EC of the European Parliament and of the Council as regards interoperability of "
        "spatial data sets and services"
    )
    _XML.add(specification, "inspire_common:Title", title)
    _XML.add(specification, "inspire_common:DateOfPublication", _REGULATION_DATE)
    _XML.add(specification, "inspire_common:URI", "OJ:L:2010:323:0011:0102:EN:PDF")
    place = _XML.add(specification, "inspire_common:ResourceLocator")
    _XML.add(place, "inspire_common:URL", _REGULATION)
    _XML.add(place, "inspire_common:MediaType", "application/pdf")
    _XML.add(conformity, "inspire_common:Degree", "notEvaluated")
    contact = _XML.add(element, "inspire_common:MetadataPointOfContact")
    _XML.add(contact, "inspire_common:OrganisationName", site.provider.name)
    _XML.add(contact, "inspire_common:EmailAddress", site.provider.email or _NO_ADDRESS)
    _XML.add(element, "inspire_common:MetadataDate", date)
    _XML.add(element, "inspire_common:SpatialDataServiceType", kind)
    keyword = _XML.add(element, "inspire_common:MandatoryKeyword")
    _XML.attribute(keyword, "xsi:type", "inspire_common:classificationOfSpatialDataService")
    _XML.add(keyword, "inspire_common:KeywordValue", classified)


def _languages(element: Element, chosen: str) -> None:
    supported = _XML.add(element, "inspire_common:SupportedLanguages")
    default = _XML.add(supported, "inspire_common:DefaultLanguage")
    _XML.add(default, "inspire_common:Language", LANGUAGES[0])
    for each in LANGUAGES[1:]:
        further = _XML.add(supported, "inspire_common:SupportedLanguage")
        _XML.add(further, "inspire_common:Language", each)
    response = _XML.add(element, "inspire_common:ResponseLanguage")
    _XML.add(response, "inspire_common:Language", chosen)
