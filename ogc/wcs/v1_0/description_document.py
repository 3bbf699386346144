"""Descriptions of coverages in WCS 1.0.0 as XML."""

from datacube.cube import Coverage
from datacube.encode.described import first_coordinate
from datacube.encode.xml import Element
from datacube.grid import Grid, crs_name
from ogc.crs import COMMON
from ogc.exchange import Site
from ogc.records.get_record import record_url
from ogc.wcs.v1_0.names import (
    BAND_AXIS,
    FORMATS,
    METHODS,
    XML,
    place_parameter,
)
from ogc.wcs.v1_0.offerings import add_about, add_time, root
from ogc.xml import document, number


def encode(coverages: tuple[Coverage, ...], revision: int, site: Site) -> bytes:
    """Write a CoverageDescription document of coverages that maps can show."""
    made = root("CoverageDescription", "describeCoverage.xsd", revision)
    for coverage in coverages:
        offering = XML.add(made, "CoverageOffering")
        add_about(offering, coverage, record_url(site.root, coverage.id))
        _add_domain(offering, coverage)
        _add_range(offering, coverage)
        _add_crss(offering, coverage)
        formats = XML.add(offering, "supportedFormats", nativeFormat=next(iter(FORMATS)))
        for name in FORMATS:
            XML.add(formats, "formats", name)
        methods = XML.add(offering, "supportedInterpolations", default=next(iter(METHODS)))
        for name in METHODS:
            XML.add(methods, "interpolationMethod", name)
    return document(made)


def old_name(grid: Grid) -> str:
    """Return the name of a grid's CRS; in WCS 1.0.0 x comes first in every CRS."""
    name = crs_name(grid.crs)
    return "CRS:84" if name == "OGC:CRS84" else name


def _add_domain(offering: Element, coverage: Coverage) -> None:
    grid, domain = coverage.grid, XML.add(offering, "domainSet")
    spatial = XML.add(domain, "spatialDomain")
    left, bottom, right, top = (number(edge) for edge in grid.bbox)
    envelope = XML.add(spatial, "gml:Envelope", srsName=old_name(grid))
    XML.add(envelope, "gml:pos", f"{left} {bottom}")
    XML.add(envelope, "gml:pos", f"{right} {top}")
    made = XML.add(spatial, "gml:RectifiedGrid", dimension="2", srsName=old_name(grid))
    limits = XML.add(XML.add(made, "gml:limits"), "gml:GridEnvelope")
    XML.add(limits, "gml:low", "0 0")
    XML.add(limits, "gml:high", f"{grid.x.size - 1} {grid.y.size - 1}")
    for name in ("x", "y"):
        XML.add(made, "gml:axisName", name)
    first = " ".join(number(first_coordinate(axis)) for axis in (grid.x, grid.y))
    XML.add(XML.add(made, "gml:origin"), "gml:pos", first)
    XML.add(made, "gml:offsetVector", f"{number(grid.x.step)} 0")
    XML.add(made, "gml:offsetVector", f"0 {number(grid.y.step)}")
    if coverage.acquisitions:
        temporal = XML.add(domain, "temporalDomain")
        for one in coverage.acquisitions:
            add_time(temporal, one.reference)


def _add_range(offering: Element, coverage: Coverage) -> None:
    values = XML.add(XML.add(offering, "rangeSet"), "RangeSet")
    XML.add(values, "name", "values")
    XML.add(values, "label", "Stored values")
    _add_axis(values, BAND_AXIS, "Bands", [band.name for band in coverage.bands])
    for axis in coverage.axes:
        keys = [number(float(place)) for place in axis.coordinates()]
        _add_axis(values, place_parameter(axis.name), axis.name, keys, default=keys[0])
    nodata = {number(band.nodata) for band in coverage.bands if not band.gapless}
    if len(nodata) == 1:
        # One for all: files have no more, and QGIS takes the first for every band.
        XML.add(XML.add(values, "nullValues"), "singleValue", nodata.pop())


def _add_axis(
    values: Element, name: str, label: str, keys: list[str], *, default: str = ""
) -> None:
    axis = XML.add(XML.add(values, "axisDescription"), "AxisDescription")
    XML.add(axis, "name", name)
    XML.add(axis, "label", label)
    listed = XML.add(axis, "values")
    for key in keys:
        XML.add(listed, "singleValue", key)
    if default:
        XML.add(listed, "default", default)


def _add_crss(offering: Element, coverage: Coverage) -> None:
    own = old_name(coverage.grid)
    crss = XML.add(offering, "supportedCRSs")
    # The first is the one that QGIS takes where its user chooses none.
    for name in dict.fromkeys((own, *map(crs_name, COMMON[1:]))):
        XML.add(crss, "requestResponseCRSs", name)
    XML.add(crss, "nativeCRSs", own)
