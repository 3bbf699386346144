"""The parts of a coverage description, shaped so that GDAL, OWSLib and the schemas agree.

- Axes are listed as the CRS orders them, time last: GDAL takes the first two as the
  plane. Grid axes are listed x, y, time, with `+1 +2 +3`, so that GDAL never swaps.
- Grid limits are the indices of `CRS:1`, counted from the cube's fixed origin, and the
  origin is the centre of the first cell listed, as GDAL and rasdaman take it.
- Coefficients of time are quoted ISO 8601 text, which OWSLib demands; GDAL lists times
  from the TimeDomain that GeoServer writes.
"""

import re
from datetime import UTC, datetime, timedelta
from math import isfinite, log10

import numpy as np
from lxml import etree

from datacube.cube import Band, Coverage
from datacube.grid import crs_url, northing_first
from datacube.times import iso_text
from ogc.xml import Vocabulary, number

COVERAGE_SUBTYPE = "ReferenceableGridCoverage"
_ANSI_EPOCH = datetime(1600, 12, 31, tzinfo=UTC)
_ANSI_CRS = "http://www.opengis.net/def/crs/OGC/0/AnsiDate"
_NIL_REASON = "http://www.opengis.net/def/nil/OGC/0/missing"


def ncname(text: str) -> str:
    """Return `text` as an XML id.

    >>> ncname("10m cube")
    '_10m_cube'
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", text)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def ansi_days(when: datetime) -> float:
    """Return the OGC's AnsiDate: days since 1600-12-31.

    >>> ansi_days(datetime(1601, 1, 1, 12, tzinfo=UTC))
    1.5
    """
    return (when - _ANSI_EPOCH) / timedelta(days=1)


def compound_crs(coverage: Coverage) -> str:
    """Return the OGC name of the plane's CRS together with that of time."""
    return f"http://www.opengis.net/def/crs-compound?1={crs_url(coverage.grid.crs)}&2={_ANSI_CRS}"


def axis_labels(coverage: Coverage) -> tuple[str, ...]:
    """Return the names of the axes as the CRS orders them, time last: `E N ansi`."""
    x, y = coverage.grid.x.name, coverage.grid.y.name
    plane = (y, x) if northing_first(coverage.grid.crs) else (x, y)
    return (*plane, coverage.time.name)


def add_bounds(xml: Vocabulary, parent: etree._Element, coverage: Coverage) -> None:
    """Append gml:boundedBy: outer edges of the cells, areas of validity of the times."""
    min_x, min_y, max_x, max_y = coverage.grid.bbox
    times = coverage.time.acquisitions
    low = _ordered(coverage, min_x, min_y, ansi_days(min(a.first for a in times)))
    high = _ordered(coverage, max_x, max_y, ansi_days(max(a.last for a in times)))
    envelope = xml.add(xml.add(parent, "gml:boundedBy"), "gml:Envelope", **_reference(coverage))
    xml.add(envelope, "gml:lowerCorner", low)
    xml.add(envelope, "gml:upperCorner", high)


def add_function(xml: Vocabulary, parent: etree._Element) -> None:
    """Append gml:coverageFunction: cells run along x, then y, then time."""
    function = xml.add(xml.add(parent, "gml:coverageFunction"), "gml:GridFunction")
    xml.add(function, "gml:sequenceRule", "Linear", axisOrder="+1 +2 +3")


def add_time_domain(xml: Vocabulary, parent: etree._Element, coverage: Coverage, name: str) -> None:
    """Append the list of times as GeoServer has it, which is what GDAL shows."""
    extension = xml.add(xml.add(parent, "gmlcov:metadata"), "gmlcov:Extension")
    domain = xml.add(extension, "wcsgs:TimeDomain")
    for position, acquisition in enumerate(coverage.time):
        instant = xml.add(domain, "gml:TimeInstant")
        xml.attribute(instant, "gml:id", f"{name}-t{position}")
        xml.add(instant, "gml:timePosition", iso_text(acquisition.reference))


def add_domain(xml: Vocabulary, parent: etree._Element, coverage: Coverage, name: str) -> None:
    """Append gml:domainSet: a ReferenceableGridByVectors of x, y and time."""
    x, y, time = coverage.grid.x, coverage.grid.y, coverage.time
    grid = xml.add(
        xml.add(parent, "gml:domainSet"),
        "rgrid:ReferenceableGridByVectors",
        dimension="3",
        **_reference(coverage),
    )
    xml.attribute(grid, "gml:id", f"{name}-grid")
    limits = xml.add(xml.add(grid, "gml:limits"), "gml:GridEnvelope")
    xml.add(limits, "gml:low", f"{x.first} {y.first} {time.first}")
    xml.add(limits, "gml:high", f"{x.stop - 1} {y.stop - 1} {time.stop - 1}")
    xml.add(grid, "gml:axisLabels", f"{x.name} {y.name} {time.name}")
    first = time.acquisitions[0].reference
    point = xml.add(xml.add(grid, "rgrid:origin"), "gml:Point", srsName=compound_crs(coverage))
    xml.attribute(point, "gml:id", f"{name}-origin")
    centre_x = x.start + (x.first + 0.5) * x.step
    centre_y = y.start + (y.first + 0.5) * y.step
    xml.add(point, "gml:pos", _ordered(coverage, centre_x, centre_y, ansi_days(first)))
    instants = " ".join(f'"{iso_text(a.reference)}"' for a in time)
    for label, vector, coefficients in (
        (x.name, (x.step, 0, 0), ""),
        (y.name, (0, y.step, 0), ""),
        (time.name, (0, 0, 1), instants),
    ):
        axis = xml.add(xml.add(grid, "rgrid:generalGridAxis"), "rgrid:GeneralGridAxis")
        xml.add(
            axis,
            "rgrid:offsetVector",
            _ordered(coverage, *vector),
            srsName=compound_crs(coverage),
        )
        xml.add(axis, "rgrid:coefficients", coefficients)
        xml.add(axis, "rgrid:gridAxesSpanned", label)
        xml.add(axis, "rgrid:sequenceRule", "Linear", axisOrder="+1")


def add_range(xml: Vocabulary, parent: etree._Element, coverage: Coverage) -> None:
    """Append gmlcov:rangeType: the stored numbers of each band."""
    record = xml.add(xml.add(parent, "gmlcov:rangeType"), "swe:DataRecord")
    for band in coverage.bands:
        quantity = xml.add(xml.add(record, "swe:field", name=ncname(band.name)), "swe:Quantity")
        xml.add(quantity, "swe:label", band.title)
        xml.add(quantity, "swe:description", describe_band(band))
        nil = xml.add(xml.add(quantity, "swe:nilValues"), "swe:NilValues")
        xml.add(nil, "swe:nilValue", _value(band.nodata), reason=_NIL_REASON)
        xml.add(quantity, "swe:uom", code=unit_code(band))
        allowed = _allowed(band)
        if allowed:
            values = xml.add(xml.add(quantity, "swe:constraint"), "swe:AllowedValues")
            xml.add(values, "swe:interval", f"{number(allowed[0])} {number(allowed[1])}")


def describe_band(band: Band) -> str:
    """State what the stored numbers of a band mean."""
    if band.classes:
        listed = ", ".join(f"{c.value} {c.title}" for c in band.classes)
        return f"{band.title}; {band.dtype} classes: {listed}"
    if band.scale == 1 and band.offset == 0:
        return f"{band.title}; {band.dtype} in unit {band.unit}"
    offset = f" + {number(band.offset)}" if band.offset else ""
    return (
        f"{band.title}; stored as {band.dtype}, "
        f"value = stored * {number(band.scale)}{offset} in unit {band.unit}"
    )


def unit_code(band: Band) -> str:
    """Return the UCUM unit of the stored numbers, where one step has such a name.

    Ratios that are scaled by a power of ten have: `10*-4` for reflectance x 10000.
    For any other scale it is the unit of the decoded value, and the description
    of the field tells how to decode.
    """
    if band.unit == "1" and band.offset == 0 and band.scale > 0 and band.scale != 1:
        exponent = round(log10(band.scale))
        if np.isclose(band.scale, 10.0**exponent, rtol=1e-12):
            return f"10*{exponent}"
    return band.unit


def _reference(coverage: Coverage) -> dict[str, str]:
    labels = axis_labels(coverage)
    uoms = {axis.name: axis.uom for axis in (coverage.grid.x, coverage.grid.y)}
    uoms[coverage.time.name] = coverage.time.uom
    return {
        "srsName": compound_crs(coverage),
        "axisLabels": " ".join(labels),
        "uomLabels": " ".join(uoms[label] for label in labels),
        "srsDimension": "3",
    }


def _ordered(coverage: Coverage, x: float, y: float, time: float) -> str:
    plane = (y, x) if northing_first(coverage.grid.crs) else (x, y)
    return " ".join(number(value) for value in (*plane, time))


def _value(value: float) -> str:
    return number(value) if isfinite(value) else "NaN"


def _allowed(band: Band) -> tuple[float, float] | None:
    if band.classes:
        values = [c.value for c in band.classes]
        return min(values), max(values)
    if band.numpy_dtype.kind not in "iu":
        return None
    limits = np.iinfo(band.numpy_dtype)
    low, high = int(limits.min), int(limits.max)
    return low + (band.nodata == low), high - (band.nodata == high)
