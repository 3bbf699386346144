"""GetCapabilities: what the coverage service offers (OGC 09-110r4, 8.2)."""

from dataclasses import dataclass

from lxml import etree

from datacube.axes import TimeAxis
from datacube.cube import Coverage
from datacube.encode.described import bounds_text
from datacube.encode.gml import REFERENCEABLE
from datacube.errors import InvalidParameterError
from datacube.protocols import CatalogView
from ogc.crs import lonlat_bbox
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, integer, shown
from ogc.ows_common import add_provider
from ogc.wcs.describe_coverage import described_coverage
from ogc.wcs.names import ACCEPTED_VERSIONS, FORMATS, OWS, PROFILES, VERSION, WCS
from ogc.xml import MEDIA_TYPE, XLINK, XSI, Vocabulary, document, number

_XML = Vocabulary(namespaces={"wcs": WCS, "ows": OWS, "xlink": XLINK, "xsi": XSI})


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapabilities:
    """A request for the capabilities."""

    update_sequence: int | None = None
    """The revision of the document that the client has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is offered at one revision."""

    revision: int
    coverages: tuple[Coverage, ...] | None
    """None where the client's document is current: only its head is sent (OWS Common 7.3.4)."""


def parse(kvp: Kvp) -> GetCapabilities:
    """Read the parameters; without ACCEPTVERSIONS the newest version is meant.

    Raises
    ------
    InvalidParameterError
        If UPDATESEQUENCE is no integer.
    UnsupportedError
        If no accepted version is offered.
    """
    accepted = kvp.one("acceptversions", default=VERSION)
    if not {version.strip() for version in accepted.split(",")} & {*ACCEPTED_VERSIONS}:
        raise UnsupportedError(
            f"WCS versions {shown(accepted)} are not offered; offered is {VERSION}",
            parameter="VERSION",
        )
    text = kvp.one("updatesequence", default="")
    if not text:
        return GetCapabilities()
    return GetCapabilities(
        update_sequence=integer(text, "UPDATESEQUENCE", low=-(2**53), high=2**53)
    )


def handle(request: GetCapabilities, view: CatalogView) -> Capabilities:
    """Describe what the view's principal may see.

    Raises
    ------
    InvalidParameterError
        If the client's document is newer than any.
    """
    asked = request.update_sequence
    if asked is not None and asked > view.revision:
        raise InvalidParameterError(
            f"UPDATESEQUENCE {asked} lies ahead of the current revision {view.revision}",
            parameter="UPDATESEQUENCE",
        )
    coverages = (
        None if asked == view.revision else tuple(view.coverage(i) for i in view.coverage_ids())
    )
    return Capabilities(revision=view.revision, coverages=coverages)


def encode(capabilities: Capabilities, site: Site) -> bytes:
    """Write a wcs:Capabilities document."""
    root = _XML.root("wcs:Capabilities", version=VERSION, updateSequence=str(capabilities.revision))
    _XML.attribute(
        root, "xsi:schemaLocation", f"{WCS} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"
    )
    if capabilities.coverages is None:
        return document(root)
    _add_identification(root, site)
    operations = _XML.add(root, "ows:OperationsMetadata")
    for name in ("GetCapabilities", "DescribeCoverage", "GetCoverage"):
        _add_operation(operations, name, site)
    http = _add_operation(operations, "ProcessCoverages", site)
    post = _XML.add(http, "ows:Post")
    _XML.attribute(post, "xlink:href", site.url)
    # OWS Common 11.5: which bodies a POST may have.
    encodings = _XML.add(_XML.add(post, "ows:Constraint", name="PostEncoding"), "ows:AllowedValues")
    for encoding in ("KVP", "XML"):
        _XML.add(encodings, "ows:Value", encoding)
    service = _XML.add(root, "wcs:ServiceMetadata")
    for media_type in FORMATS:
        _XML.add(service, "wcs:formatSupported", media_type)
    contents = _XML.add(root, "wcs:Contents")
    for coverage in capabilities.coverages:
        _add_summary(contents, coverage, site)
    return document(root)


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation."""
    capabilities = handle(parse(kvp), session.view)
    return reply_document(encode(capabilities, site), MEDIA_TYPE, capabilities.revision)


def _add_operation(operations: etree._Element, name: str, site: Site) -> etree._Element:
    """Append an operation by GET; return its ows:HTTP."""
    operation = _XML.add(operations, "ows:Operation", name=name)
    http = _XML.add(_XML.add(operation, "ows:DCP"), "ows:HTTP")
    _XML.attribute(_XML.add(http, "ows:Get"), "xlink:href", site.prefix)
    return http


def _add_identification(root: etree._Element, site: Site) -> None:
    service = _XML.add(root, "ows:ServiceIdentification")
    _XML.add(service, "ows:Title", site.title)
    _XML.add(service, "ows:Abstract", site.abstract)
    keywords = _XML.add(service, "ows:Keywords")
    for keyword in site.keywords:
        _XML.add(keywords, "ows:Keyword", keyword)
    _XML.add(service, "ows:ServiceType", "OGC WCS", codeSpace="OGC")
    _XML.add(service, "ows:ServiceTypeVersion", VERSION)
    for profile in PROFILES:
        _XML.add(service, "ows:Profile", profile)
    _XML.add(service, "ows:Fees", site.provider.fees)
    _XML.add(service, "ows:AccessConstraints", site.provider.access_constraints)
    add_provider(_XML, root, site.provider)


def _add_summary(contents: etree._Element, coverage: Coverage, site: Site) -> None:
    summary = _XML.add(contents, "wcs:CoverageSummary")
    _XML.add(summary, "ows:Title", coverage.cube.title)
    if coverage.mappable:
        west, south, east, north = (number(value) for value in lonlat_bbox(coverage.grid))
        box = _XML.add(summary, "ows:WGS84BoundingBox")
        _XML.add(box, "ows:LowerCorner", f"{west} {south}")
        _XML.add(box, "ows:UpperCorner", f"{east} {north}")
    _XML.add(summary, "wcs:CoverageId", coverage.id)
    _XML.add(summary, "wcs:CoverageSubtype", REFERENCEABLE)
    if site.compat:
        _add_native_box(summary, coverage)


def _add_native_box(summary: etree._Element, coverage: Coverage) -> None:
    """Append the extent on all axes, time first, as rasdaman does.

    Only for its clients: times are texts there, which others take for broken numbers.
    """
    described = described_coverage(coverage)
    axes = described.nested_axes
    ends = [
        [f'"{end}"' if isinstance(axis, TimeAxis) else end for end in bounds_text(axis)]
        for axis in axes
    ]
    box = _XML.add(
        summary, "ows:BoundingBox", crs=described.crs_of(axes), dimensions=f"{len(axes)}"
    )
    for at, corner in enumerate(("ows:LowerCorner", "ows:UpperCorner")):
        _XML.add(box, corner, " ".join(end[at] for end in ends))
    more = _XML.add(_XML.add(summary, "ows:AdditionalParameters"), "ows:AdditionalParameter")
    _XML.add(more, "ows:Name", "axisList")
    _XML.add(more, "ows:Value", ",".join(axis.name for axis in axes))
