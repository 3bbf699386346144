"""The capabilities of the coverage service as XML (OGC 09-110r4, 8.2; OWS Common 2.0)."""

from dataclasses import dataclass

from datacube.axes import TimeAxis
from datacube.cube import Coverage
from datacube.encode import gml
from datacube.encode.described import Described, bounds_text
from datacube.encode.xml import Element
from datacube.grid import crs_name, crs_url
from datacube.plan.query import Method
from ogc.crs import COMMON, lonlat_bbox
from ogc.exchange import Site
from ogc.ows_common import add_provider
from ogc.records.get_record import record_url
from ogc.records.inspire import ENGLISH, add_download, spoken
from ogc.wcs.describe_coverage import described_coverage
from ogc.wcs.eo import names as eo
from ogc.wcs.eo.documents import add_summary
from ogc.wcs.eo.scenes import series_of
from ogc.wcs.names import (
    CRS,
    FORMATS,
    INTERPOLATION,
    OFFERED_VERSIONS,
    OWS,
    PROFILES,
    VERSION,
    VERSION_2_1,
    WCS,
    WCS_2_1,
    method_url,
)
from ogc.wcs.transaction.names import OPERATIONS as TRANSACTIONS
from ogc.wcs.transaction.names import PROFILE as TRANSACTION
from ogc.xml import XLINK, XSI, Vocabulary, document, number

OPERATIONS = (
    "GetCapabilities",
    "DescribeCoverage",
    "GetCoverage",
    "ProcessCoverages",
    eo.OPERATION,
)
CONTENTS = frozenset({"Contents", "CoverageSummary", "DatasetSeriesSummary"})
"""Sections of which each makes a wcs:Contents; the first is both of the others."""
_SHARED = {"ows": OWS, "crs": CRS, "int": INTERPOLATION, "xlink": XLINK, "xsi": XSI}
_EO = {"wcseo": eo.WCSEO, "gml": gml.NAMESPACES["gml"]}
_VOCABULARIES = {
    VERSION: Vocabulary(namespaces={"wcs": WCS, **_SHARED, **_EO}),
    VERSION_2_1: Vocabulary(namespaces={"wcs": WCS_2_1, **_SHARED}),
}
_POST_ENCODINGS = ("KVP", "XML", "SOAP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is offered at one revision."""

    version: str
    """2.0.1 or 2.1.0."""
    revision: int
    sections: tuple[str, ...]
    """None where the client's document is current: its head is sent (OWS Common 7.3.4)."""
    coverages: tuple[Coverage, ...]


def encode(capabilities: Capabilities, site: Site, language: str = ENGLISH) -> bytes:
    """Write a wcs:Capabilities document; what the service says of itself in a language."""
    site = spoken(site, language)
    xml = _VOCABULARIES[capabilities.version]
    root = xml.root(
        "wcs:Capabilities",
        version=capabilities.version,
        updateSequence=str(capabilities.revision),
    )
    if capabilities.version == VERSION:
        xml.attribute(
            root, "xsi:schemaLocation", f"{WCS} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"
        )
    sections = capabilities.sections
    if "ServiceIdentification" in sections:
        _add_identification(xml, root, site)
    if "ServiceProvider" in sections:
        add_provider(xml, root, site.provider)
    if "OperationsMetadata" in sections:
        _add_operations(xml, root, site, capabilities.coverages, language)
    if "ServiceMetadata" in sections:
        _add_service(xml, root, capabilities.coverages)
    if CONTENTS & set(sections):
        _add_contents(xml, root, capabilities, site)
    return document(root)


def _add_contents(xml: Vocabulary, root: Element, capabilities: Capabilities, site: Site) -> None:
    """Append coverages, and series of scenes, or the one of them that was asked for."""
    contents = xml.add(root, "wcs:Contents")
    asked = CONTENTS & set(capabilities.sections)
    both, general = "Contents" in asked, capabilities.version == VERSION_2_1
    if both or "CoverageSummary" in asked:
        for coverage in capabilities.coverages:
            _add_summary(xml, contents, coverage, site, general=general)
    series = series_of(capabilities.coverages) if both or "DatasetSeriesSummary" in asked else ()
    if series and not general:
        # The profile is of WCS 2.0.
        extension = xml.add(contents, "wcs:Extension")
        for one in series:
            add_summary(extension, one)


def _add_identification(xml: Vocabulary, root: Element, site: Site) -> None:
    service = xml.add(root, "ows:ServiceIdentification")
    xml.add(service, "ows:Title", site.title)
    xml.add(service, "ows:Abstract", site.abstract)
    keywords = xml.add(service, "ows:Keywords")
    for keyword in site.keywords:
        xml.add(keywords, "ows:Keyword", keyword)
    xml.add(service, "ows:ServiceType", "OGC WCS", codeSpace="OGC")
    for version in OFFERED_VERSIONS:
        xml.add(service, "ows:ServiceTypeVersion", version)
    further = (TRANSACTION,) if site.transactions else ()
    for profile in (*PROFILES, *eo.PROFILES, *further):
        xml.add(service, "ows:Profile", profile)
    xml.add(service, "ows:Fees", site.provider.fees)
    xml.add(service, "ows:AccessConstraints", site.provider.access_constraints)


def _add_operations(
    xml: Vocabulary, root: Element, site: Site, coverages: tuple[Coverage, ...], language: str
) -> None:
    operations = xml.add(root, "ows:OperationsMetadata")
    for name in (*OPERATIONS, *(TRANSACTIONS if site.transactions else ())):
        operation = xml.add(operations, "ows:Operation", name=name)
        http = xml.add(xml.add(operation, "ows:DCP"), "ows:HTTP")
        xml.attribute(xml.add(http, "ows:Get"), "xlink:href", site.prefix)
        post = xml.add(http, "ows:Post")
        xml.attribute(post, "xlink:href", site.url)
        _add_encodings(xml, post)
        if name == eo.OPERATION:
            constraint = xml.add(operation, "ows:Constraint", name="CountDefault")
            xml.add(constraint, "ows:NoValues")
            xml.add(constraint, "ows:DefaultValue", str(eo.DEFAULT_COUNT))
    _add_encodings(xml, operations)
    extended = xml.add(operations, "ows:ExtendedCapabilities")
    newest = [coverage.time.ends[1] for coverage in coverages if coverage.time is not None]
    add_download(
        extended,
        site,
        language,
        date=max(newest).date().isoformat() if newest else "2012-07-12",
        datasets=tuple(coverage.id for coverage in coverages),
    )


def _add_encodings(xml: Vocabulary, parent: Element) -> None:
    """Append which bodies a POST may have (OWS Common 11.5)."""
    constraint = xml.add(parent, "ows:Constraint", name="PostEncoding")
    values = xml.add(constraint, "ows:AllowedValues")
    for encoding in _POST_ENCODINGS:
        xml.add(values, "ows:Value", encoding)


def _add_service(xml: Vocabulary, root: Element, coverages: tuple[Coverage, ...]) -> None:
    service = xml.add(root, "wcs:ServiceMetadata")
    for media_type in FORMATS:
        xml.add(service, "wcs:formatSupported", media_type)
    extension = xml.add(service, "wcs:Extension")
    metadata = xml.add(extension, "int:InterpolationMetadata")
    for method in Method:
        # The standard's text and clients spell it so, its schema with a small i.
        xml.add(metadata, "int:InterpolationSupported", method_url(method))
    own = (coverage.grid.crs for coverage in coverages if coverage.mappable)
    metadata = xml.add(extension, "crs:CrsMetadata")
    # A CRS that no authority knows has no address that resolves.
    named = (crs for crs in dict.fromkeys((*COMMON, *own)) if ":" in crs_name(crs))
    for url in dict.fromkeys(map(crs_url, named)):
        xml.add(metadata, "crs:crsSupported", url)


def _add_summary(
    xml: Vocabulary, contents: Element, coverage: Coverage, site: Site, *, general: bool
) -> None:
    described = described_coverage(coverage)
    summary = xml.add(contents, "wcs:CoverageSummary")
    xml.add(summary, "ows:Title", coverage.cube.title)
    if coverage.mappable:
        west, south, east, north = (number(value) for value in lonlat_bbox(coverage.grid))
        box = xml.add(summary, "ows:WGS84BoundingBox")
        xml.add(box, "ows:LowerCorner", f"{west} {south}")
        xml.add(box, "ows:UpperCorner", f"{east} {north}")
    xml.add(summary, "wcs:CoverageId", coverage.id)
    xml.add(summary, "wcs:CoverageSubtype", gml.subtype(described, general=general))
    if site.compat or described.time is None:
        _add_box(xml, summary, described, time_first=site.compat)
    metadata = xml.add(summary, "ows:Metadata")
    xml.attribute(metadata, "xlink:href", record_url(site.root, coverage.id))


def _add_box(xml: Vocabulary, summary: Element, described: Described, *, time_first: bool) -> None:
    """Append the extent on all axes, with their names as rasdaman gives them.

    Times are texts there, which others than its clients take for broken numbers.
    """
    axes = described.nested_axes if time_first else described.mapped_axes
    ends = [
        [f'"{end}"' if isinstance(axis, TimeAxis) else end for end in bounds_text(axis)]
        for axis in axes
    ]
    box = xml.add(summary, "ows:BoundingBox", crs=described.crs_of(axes), dimensions=f"{len(axes)}")
    for at, corner in enumerate(("ows:LowerCorner", "ows:UpperCorner")):
        xml.add(box, corner, " ".join(end[at] for end in ends))
    more = xml.add(xml.add(summary, "ows:AdditionalParameters"), "ows:AdditionalParameter")
    xml.add(more, "ows:Name", "axisList")
    xml.add(more, "ows:Value", ",".join(axis.name for axis in axes))
