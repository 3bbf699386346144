"""DescribeCoverage: domain and range of coverages (OGC 09-110r4, 8.3)."""

from dataclasses import dataclass

from datacube.cube import Coverage
from datacube.encode import gml
from datacube.encode.described import Described, ncname
from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError
from datacube.plan.encoding import GENERAL_GRID, OUTPUT_TYPES
from datacube.plan.formats import NETCDF
from datacube.plan.nodes import Domain, band_field
from datacube.protocols import CatalogView
from ogc.exchange import Reply, Session, Site, reply_document
from ogc.kvp import Kvp, MissingParameterError, shown
from ogc.wcs.names import ACCEPTED_VERSIONS, NATIVE_FORMAT, VERSION_2_1, WCS, WCS_2_1, check_version
from ogc.xml import MEDIA_TYPE, Vocabulary, document

MAX_IDS = 100
"""Coverages of one request."""
_XML = Vocabulary(
    namespaces={
        "wcs": WCS,
        **{k: v for k, v in gml.NAMESPACES.items() if k not in {"cis11", "meta"}},
    }
)
_XML_2_1 = Vocabulary(
    namespaces={
        "wcs": WCS_2_1,
        **{k: gml.NAMESPACES[k] for k in ("cis11", "gml", "swe", "xlink")},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeCoverage:
    """A request for descriptions."""

    coverage_ids: tuple[str, ...]
    general: bool = False
    """The answer is in CIS 1.1, which WCS 2.1 has, else in CIS 1.0."""


def parse(kvp: Kvp) -> DescribeCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnsupportedError
    """
    check_version(kvp, (*ACCEPTED_VERSIONS, VERSION_2_1))
    output_type = kvp.one("outputtype", default=OUTPUT_TYPES[0])
    known = {name.casefold(): name for name in OUTPUT_TYPES}.get(output_type.casefold())
    if known is None:
        raise InvalidParameterError(
            f"OUTPUTTYPE is {shown(output_type)}; allowed: {', '.join(OUTPUT_TYPES)}",
            parameter="OUTPUTTYPE",
        )
    ids = tuple(part.strip() for part in kvp.one("coverageid").split(",") if part.strip())
    if not ids:
        raise MissingParameterError("coverageid")
    if len(ids) > MAX_IDS:
        raise InvalidParameterError(
            f"COVERAGEID names {len(ids)} coverages; allowed are {MAX_IDS}",
            parameter="COVERAGEID",
        )
    return DescribeCoverage(coverage_ids=ids, general=known == GENERAL_GRID)


def handle(request: DescribeCoverage, view: CatalogView) -> tuple[Coverage, ...]:
    """Find the coverages, in the order asked.

    Raises
    ------
    UnknownNameError
        If one is not offered.
    """
    return tuple(view.coverage(coverage_id) for coverage_id in request.coverage_ids)


def encode(coverages: tuple[Coverage, ...], *, time_first: bool = False) -> bytes:
    """Write a CoverageDescriptions document, axes as `Described.time_first` says."""
    root = _XML.root("wcs:CoverageDescriptions")
    _XML.attribute(
        root, "xsi:schemaLocation", f"{WCS} http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"
    )
    for number, coverage in enumerate(coverages):
        _add_description(root, coverage, number, time_first=time_first)
    return document(root)


def encode_general(coverages: tuple[Coverage, ...]) -> bytes:
    """Write a CoverageDescriptions document of WCS 2.1, with the parts of CIS 1.1."""
    root = _XML_2_1.root("wcs:CoverageDescriptions")
    for number, coverage in enumerate(coverages):
        described = described_coverage(coverage)
        description = _XML_2_1.add(root, "wcs:CoverageDescription")
        name = ncname(coverage.id if number == 0 else f"{coverage.id}-{number}")
        _XML_2_1.attribute(description, "gml:id", name)
        _XML_2_1.add(description, "gml:description", _about(coverage))
        _XML_2_1.add(description, "gml:name", coverage.cube.title)
        gml.add_axis_envelope(_XML_2_1, description, described)
        _XML_2_1.add(description, "wcs:CoverageId", coverage.id)
        gml.add_general_grid(_XML_2_1, description, described)
        record = _XML_2_1.add(description, "cis11:RangeType")
        gml.add_record(_XML_2_1, record, described.fields)
        parameters = _XML_2_1.add(description, "wcs:ServiceParameters")
        _XML_2_1.add(parameters, "wcs:CoverageSubtype", GENERAL_GRID)
        _XML_2_1.add(parameters, "wcs:nativeFormat", _native_format(coverage))
    return document(root)


def described_coverage(coverage: Coverage, *, time_first: bool = False) -> Described:
    """Return what a description states of a stored coverage."""
    return Described(
        id=coverage.id,
        title=coverage.cube.title,
        domain=Domain(outer=coverage.outer_axes, grid=coverage.grid),
        fields=tuple(map(band_field, coverage.bands)),
        time_first=time_first,
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:
    """Answer the operation."""
    request = parse(kvp)
    coverages = handle(request, session.view)
    body = (
        encode_general(coverages) if request.general else encode(coverages, time_first=site.compat)
    )
    return reply_document(body, MEDIA_TYPE, session.view.revision)


def _add_description(root: Element, coverage: Coverage, number: int, *, time_first: bool) -> None:
    described = described_coverage(coverage, time_first=time_first)
    # Ids are unique within the document even where a coverage is asked for twice.
    name = ncname(coverage.id if number == 0 else f"{coverage.id}-{number}")
    description = _XML.add(root, "wcs:CoverageDescription")
    _XML.attribute(description, "gml:id", name)
    _XML.add(description, "gml:description", _about(coverage))
    _XML.add(description, "gml:name", coverage.cube.title)
    gml.add_bounds(_XML, description, described)
    _XML.add(description, "wcs:CoverageId", coverage.id)
    gml.add_function(_XML, description, described)
    gml.add_time_domain(_XML, description, described, name)
    gml.add_domain(_XML, description, described, name)
    gml.add_range(_XML, description, described.fields)
    parameters = _XML.add(description, "wcs:ServiceParameters")
    _XML.add(parameters, "wcs:CoverageSubtype", gml.REFERENCEABLE)
    _XML.add(parameters, "wcs:nativeFormat", _native_format(coverage))


def _native_format(coverage: Coverage) -> str:
    return NATIVE_FORMAT if len(coverage.grid.axes) == 2 else NETCDF


def _about(coverage: Coverage) -> str:
    times = "" if coverage.time is None else f", acquisitions: {coverage.time.size}"
    return (
        f"{coverage.cube.title}; bands: {len(coverage.bands)}{times}. Values are stored numbers; "
        "the description of each field states scale and unit."
    )
