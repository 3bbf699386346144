"""Capabilities and descriptions of WCS 1.1.1 as XML, and the list of an answer's files."""

from datacube.cube import Coverage
from datacube.encode.described import first_coordinate
from datacube.encode.xml import Element
from datacube.grid import northing_first
from datacube.protocols import Bbox
from datacube.times import iso_text
from ogc.crs import COMMON, CRS84, lonlat_bbox
from ogc.exchange import Site
from ogc.ows_common import add_provider
from ogc.wcs.v1_1.names import (
    AXIS,
    FIELD,
    FORMATS,
    GRID_CS,
    GRID_IN_CRS,
    IMAGE_CRS,
    METHODS,
    SCHEMA,
    WCS,
    XML,
    urn,
)
from ogc.xml import document, number

_LOCATION = f"{WCS} {SCHEMA}"


def encode_capabilities(coverages: tuple[Coverage, ...], revision: int, site: Site) -> bytes:
    """Write a wcs:Capabilities document of coverages that maps can show."""
    root = XML.root("wcs:Capabilities", version="1.1.1", updateSequence=str(revision))
    XML.attribute(root, "xsi:schemaLocation", _LOCATION)
    service = XML.add(root, "ows:ServiceIdentification")
    XML.add(service, "ows:Title", site.title)
    XML.add(service, "ows:Abstract", site.abstract)
    XML.add(service, "ows:ServiceType", "WCS")
    XML.add(service, "ows:ServiceTypeVersion", "1.1.1")
    XML.add(service, "ows:Fees", site.provider.fees)
    XML.add(service, "ows:AccessConstraints", site.provider.access_constraints)
    add_provider(XML, root, site.provider)
    operations = XML.add(root, "ows:OperationsMetadata")
    for name in ("GetCapabilities", "DescribeCoverage", "GetCoverage"):
        operation = XML.add(operations, "ows:Operation", name=name)
        http = XML.add(XML.add(operation, "ows:DCP"), "ows:HTTP")
        XML.attribute(XML.add(http, "ows:Get"), "xlink:href", site.prefix)
    contents = XML.add(root, "wcs:Contents")
    for coverage in coverages:
        summary = XML.add(contents, "wcs:CoverageSummary")
        XML.add(summary, "ows:Title", coverage.cube.title)
        west, south, east, north = map(number, lonlat_bbox(coverage.grid))
        box = XML.add(summary, "ows:WGS84BoundingBox")
        XML.add(box, "ows:LowerCorner", f"{west} {south}")
        XML.add(box, "ows:UpperCorner", f"{east} {north}")
        _add_offers(summary, coverage)
        XML.add(summary, "wcs:Identifier", coverage.id)
    return document(root)


def encode_descriptions(coverages: tuple[Coverage, ...], revision: int, site: Site) -> bytes:  # noqa: ARG001 versions share one signature
    """Write a wcs:CoverageDescriptions document of coverages that maps can show."""
    root = XML.root("wcs:CoverageDescriptions")
    XML.attribute(root, "xsi:schemaLocation", _LOCATION)
    for coverage in coverages:
        description = XML.add(root, "wcs:CoverageDescription")
        XML.add(description, "ows:Title", coverage.cube.title)
        XML.add(description, "wcs:Identifier", coverage.id)
        domain = XML.add(description, "wcs:Domain")
        _add_space(domain, coverage)
        if coverage.acquisitions:
            times = XML.add(domain, "wcs:TemporalDomain")
            for one in coverage.acquisitions:
                XML.add(times, "gml:timePosition", iso_text(one.reference))
        _add_field(XML.add(description, "wcs:Range"), coverage)
        _add_offers(description, coverage)
    return document(root)


def encode_files(coverage_id: str, href: str) -> bytes:
    """Write the wcs:Coverages document that refers to the file of an answer."""
    root = XML.root("wcs:Coverages")
    XML.attribute(root, "xsi:schemaLocation", _LOCATION)
    coverage = XML.add(root, "wcs:Coverage")
    XML.add(coverage, "ows:Title", coverage_id)
    reference = XML.add(coverage, "ows:Reference")
    XML.attribute(reference, "xlink:href", href)
    XML.attribute(reference, "xlink:role", "urn:ogc:def:role:WCS:1.1:coverage")
    return document(root)


def _add_offers(parent: Element, coverage: Coverage) -> None:
    for name in dict.fromkeys(map(urn, (coverage.grid.crs, *COMMON))):
        XML.add(parent, "wcs:SupportedCRS", name)
    for media_type in FORMATS:
        XML.add(parent, "wcs:SupportedFormat", media_type)


def _add_space(domain: Element, coverage: Coverage) -> None:
    grid, space = coverage.grid, XML.add(domain, "wcs:SpatialDomain")
    turned = northing_first(grid.crs)
    _add_box(space, urn(CRS84), lonlat_bbox(grid), turned=False)
    _add_box(space, urn(grid.crs), grid.bbox, turned=turned)
    # Without it GDAL takes the box to end at the centres of cells, and counts one too many.
    _add_box(space, IMAGE_CRS, (0, 0, grid.x.size, grid.y.size), turned=False)
    made = XML.add(space, "wcs:GridCRS")
    XML.add(made, "wcs:GridBaseCRS", urn(grid.crs))
    XML.add(made, "wcs:GridType", GRID_IN_CRS)
    origin = [number(first_coordinate(axis)) for axis in (grid.x, grid.y)]
    vectors = [(number(grid.x.step), "0"), ("0", number(grid.y.step))]
    if turned:
        origin.reverse()
        vectors = [(north, east) for east, north in vectors]
    XML.add(made, "wcs:GridOrigin", " ".join(origin))
    XML.add(made, "wcs:GridOffsets", " ".join(part for vector in vectors for part in vector))
    XML.add(made, "wcs:GridCS", GRID_CS)


def _add_box(parent: Element, crs: str, bbox: Bbox, *, turned: bool) -> None:
    left, bottom, right, top = map(number, bbox)
    corners = ((left, bottom), (right, top))
    box = XML.add(parent, "ows:BoundingBox", crs=crs, dimensions="2")
    for tag, (x, y) in zip(("ows:LowerCorner", "ows:UpperCorner"), corners, strict=True):
        XML.add(box, tag, f"{y} {x}" if turned else f"{x} {y}")


def _add_field(parent: Element, coverage: Coverage) -> None:
    field = XML.add(parent, "wcs:Field")
    XML.add(field, "wcs:Identifier", FIELD)
    XML.add(XML.add(field, "wcs:Definition"), "ows:AnyValue")
    nodata = {number(band.nodata) for band in coverage.bands if not band.gapless}
    if len(nodata) == 1:
        XML.add(field, "wcs:NullValue", nodata.pop())
    methods = XML.add(field, "wcs:InterpolationMethods")
    for name in METHODS:
        XML.add(methods, "wcs:InterpolationMethod", name)
    XML.add(methods, "wcs:Default", next(iter(METHODS)))
    axis = XML.add(field, "wcs:Axis", identifier=AXIS)
    keys = XML.add(axis, "wcs:AvailableKeys")
    for band in coverage.bands:
        XML.add(keys, "wcs:Key", band.name)
