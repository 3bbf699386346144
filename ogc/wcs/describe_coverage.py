"""DescribeCoverage: domain and range of coverages (OGC 09-110r4, 8.3)."""

from dataclasses import dataclass

from lxml import etree

from datacube.cube import Coverage
from datacube.errors import InvalidParameterError
from datacube.plan.formats import NETCDF
from datacube.protocols import CatalogView
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.kvp import Kvp, MissingParameterError
from ogc.wcs import gml
from ogc.wcs.names import GEOSERVER, GML, GMLCOV, NATIVE_FORMAT, RGRID, SWE, WCS, check_version
from ogc.xml import MEDIA_TYPE, XLINK, XSI, Vocabulary, document

MAX_IDS = 100
"""Coverages of one request."""
_XML = Vocabulary(
    namespaces={
        "wcs": WCS,
        "gml": GML,
        "gmlcov": GMLCOV,
        "rgrid": RGRID,
        "swe": SWE,
        "wcsgs": GEOSERVER,
        "xlink": XLINK,
        "xsi": XSI,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeCoverage:
    """A request for descriptions."""

    coverage_ids: tuple[str, ...]


def parse(kvp: Kvp) -> DescribeCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnsupportedError
    """
    check_version(kvp)
    ids = tuple(part.strip() for part in kvp.one("coverageid").split(",") if part.strip())
    if not ids:
        raise MissingParameterError("coverageid")
    if len(ids) > MAX_IDS:
        raise InvalidParameterError(
            f"COVERAGEID names {len(ids)} coverages; allowed are {MAX_IDS}",
            parameter="COVERAGEID",
        )
    return DescribeCoverage(coverage_ids=ids)


def handle(request: DescribeCoverage, view: CatalogView) -> tuple[Coverage, ...]:
    """Find the coverages, in the order asked.

    Raises
    ------
    UnknownNameError
        If one is not offered.
    """
    return tuple(view.coverage(coverage_id) for coverage_id in request.coverage_ids)


def encode(coverages: tuple[Coverage, ...]) -> bytes:
    """Write a CoverageDescriptions document."""
    root = _XML.root("wcs:CoverageDescriptions")
    _XML.attribute(
        root, "xsi:schemaLocation", f"{WCS} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"
    )
    for number, coverage in enumerate(coverages):
        _add_description(root, coverage, number)
    return document(root)


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    coverages = handle(parse(kvp), session.view)
    return reply_document(encode(coverages), MEDIA_TYPE, session.view.revision)


def _add_description(root: etree._Element, coverage: Coverage, number: int) -> None:
    # Ids are unique within the document even where a coverage is asked for twice.
    name = gml.ncname(coverage.id if number == 0 else f"{coverage.id}-{number}")
    description = _XML.add(root, "wcs:CoverageDescription")
    _XML.attribute(description, "gml:id", name)
    _XML.add(description, "gml:description", _about(coverage))
    _XML.add(description, "gml:name", coverage.cube.title)
    gml.add_bounds(_XML, description, coverage)
    _XML.add(description, "wcs:CoverageId", coverage.id)
    gml.add_function(_XML, description, coverage)
    gml.add_time_domain(_XML, description, coverage, name)
    gml.add_domain(_XML, description, coverage, name)
    gml.add_range(_XML, description, coverage)
    parameters = _XML.add(description, "wcs:ServiceParameters")
    _XML.add(parameters, "wcs:CoverageSubtype", gml.COVERAGE_SUBTYPE)
    plane = len(coverage.grid.axes) == 2
    _XML.add(parameters, "wcs:nativeFormat", NATIVE_FORMAT if plane else NETCDF)


def _about(coverage: Coverage) -> str:
    times = "" if coverage.time is None else f", acquisitions: {coverage.time.size}"
    return (
        f"{coverage.cube.title}; bands: {len(coverage.bands)}{times}. Values are stored numbers; "
        "the description of each field states scale and unit."
    )
