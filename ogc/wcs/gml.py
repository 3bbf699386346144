"""The parts of a coverage description, shaped so that GDAL, OWSLib and the schemas agree.

- Axes are listed as the CRS orders them, further axes after the plane, time last: GDAL
  takes the first two as the plane. Grid axes are listed x, y, ..., time, with
  `+1 +2 +3 ...`, so that GDAL never swaps.
- Grid limits are the indices of `CRS:1`, counted from the cube's fixed origin, and the
  origin is the centre of the first cell listed, as GDAL and rasdaman take it.
- Coefficients of time are quoted ISO 8601 text, which OWSLib demands; GDAL lists times
  from the TimeDomain that GeoServer writes.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite, log10

import numpy as np
from lxml import etree

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.cube import Band, Coverage
from datacube.grid import crs_url, y_first
from datacube.times import iso_text
from ogc.xml import Vocabulary, number

COVERAGE_SUBTYPE = "ReferenceableGridCoverage"
_ANSI_EPOCH = datetime(1600, 12, 31, tzinfo=UTC)
_ANSI_CRS = "http://www.opengis.net/def/crs/OGC/0/AnsiDate"
_AXIS_CRS = "http://www.opengis.net/def/crs/OGC/0/Index1D"
"""Of an axis that has none of its own: height above ground, ensemble member, ..."""
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
    """Return the OGC name of the plane's CRS together with those of all other axes."""
    names = [crs_url(coverage.grid.crs)] if coverage.grid.axes else []
    names += [_AXIS_CRS] * len(coverage.axes)
    names += [_ANSI_CRS] * (coverage.time is not None)
    if len(names) == 1:
        return names[0]
    numbered = "&".join(f"{at}={name}" for at, name in enumerate(names, start=1))
    return f"http://www.opengis.net/def/crs-compound?{numbered}"


def listed_axes(coverage: Coverage) -> tuple[Axis, ...]:
    """Return the axes as the CRS orders them, time last: `E N height ansi`."""
    plane = coverage.grid.axes
    if not y_first(coverage.grid):
        plane = plane[::-1]
    return (*plane, *_others(coverage))


def _grid_axes(coverage: Coverage) -> tuple[Axis, ...]:
    """Return the axes as cells run: x, y, further axes, time."""
    return (*coverage.grid.axes[::-1], *_others(coverage))


def _others(coverage: Coverage) -> tuple[Axis, ...]:
    return (*coverage.axes, *(() if coverage.time is None else (coverage.time,)))


def axis_labels(coverage: Coverage) -> tuple[str, ...]:
    """Return the names of the axes as the CRS orders them, time last: `E N ansi`."""
    return tuple(axis.name for axis in listed_axes(coverage))


def add_bounds(xml: Vocabulary, parent: etree._Element, coverage: Coverage) -> None:
    """Append gml:boundedBy: outer edges of the cells, areas of validity of the times."""
    extents = {axis.name: _extent(axis) for axis in listed_axes(coverage)}
    low = _ordered(coverage, {name: ends[0] for name, ends in extents.items()})
    high = _ordered(coverage, {name: ends[1] for name, ends in extents.items()})
    envelope = xml.add(xml.add(parent, "gml:boundedBy"), "gml:Envelope", **_reference(coverage))
    xml.add(envelope, "gml:lowerCorner", low)
    xml.add(envelope, "gml:upperCorner", high)


def _extent(axis: Axis) -> tuple[float, float]:
    if isinstance(axis, TimeAxis):
        return ansi_days(min(a.first for a in axis)), ansi_days(max(a.last for a in axis))
    return axis.extent


def add_function(xml: Vocabulary, parent: etree._Element, coverage: Coverage) -> None:
    """Append gml:coverageFunction: cells run along x, then y, then further axes, then time."""
    order = " ".join(f"+{at}" for at in range(1, len(coverage.domain_axes) + 1))
    function = xml.add(xml.add(parent, "gml:coverageFunction"), "gml:GridFunction")
    xml.add(function, "gml:sequenceRule", "Linear", axisOrder=order)


def add_time_domain(xml: Vocabulary, parent: etree._Element, coverage: Coverage, name: str) -> None:
    """Append the list of times as GeoServer has it, which is what GDAL shows."""
    if coverage.time is None:
        return
    extension = xml.add(xml.add(parent, "gmlcov:metadata"), "gmlcov:Extension")
    domain = xml.add(extension, "wcsgs:TimeDomain")
    for position, acquisition in enumerate(coverage.time):
        instant = xml.add(domain, "gml:TimeInstant")
        xml.attribute(instant, "gml:id", f"{name}-t{position}")
        xml.add(instant, "gml:timePosition", iso_text(acquisition.reference))


def add_domain(xml: Vocabulary, parent: etree._Element, coverage: Coverage, name: str) -> None:
    """Append gml:domainSet: a ReferenceableGridByVectors of x, y, further axes and time."""
    axes = _grid_axes(coverage)
    grid = xml.add(
        xml.add(parent, "gml:domainSet"),
        "rgrid:ReferenceableGridByVectors",
        dimension=f"{len(axes)}",
        **_reference(coverage),
    )
    xml.attribute(grid, "gml:id", f"{name}-grid")
    limits = xml.add(xml.add(grid, "gml:limits"), "gml:GridEnvelope")
    xml.add(limits, "gml:low", " ".join(f"{axis.first}" for axis in axes))
    xml.add(limits, "gml:high", " ".join(f"{axis.stop - 1}" for axis in axes))
    xml.add(grid, "gml:axisLabels", " ".join(axis.name for axis in axes))
    point = xml.add(xml.add(grid, "rgrid:origin"), "gml:Point", srsName=compound_crs(coverage))
    xml.attribute(point, "gml:id", f"{name}-origin")
    xml.add(point, "gml:pos", _ordered(coverage, {axis.name: _origin(axis) for axis in axes}))
    for listed in axes:
        axis = xml.add(xml.add(grid, "rgrid:generalGridAxis"), "rgrid:GeneralGridAxis")
        step = listed.step if isinstance(listed, RegularAxis) else 1
        xml.add(
            axis,
            "rgrid:offsetVector",
            _ordered(coverage, {listed.name: step}),
            srsName=compound_crs(coverage),
        )
        xml.add(axis, "rgrid:coefficients", _coefficients(listed))
        xml.add(axis, "rgrid:gridAxesSpanned", listed.name)
        xml.add(axis, "rgrid:sequenceRule", "Linear", axisOrder="+1")


def _origin(axis: Axis) -> float:
    """Return the coordinate of the first cell."""
    if isinstance(axis, TimeAxis):
        return ansi_days(axis.acquisitions[0].reference)
    return float(axis.select(axis.first, axis.first).coordinates()[0])


def _coefficients(axis: Axis) -> str:
    """List times as text, other places as their distance from the first; nothing if regular."""
    match axis:
        case TimeAxis():
            return " ".join(f'"{iso_text(a.reference)}"' for a in axis)
        case IrregularAxis(coefficients=coefficients):
            return " ".join(number(place - coefficients[0]) for place in coefficients)
        case _:
            return ""


def add_range(xml: Vocabulary, parent: etree._Element, coverage: Coverage) -> None:
    """Append gmlcov:rangeType: the stored numbers of each band."""
    record = xml.add(xml.add(parent, "gmlcov:rangeType"), "swe:DataRecord")
    for band in coverage.bands:
        quantity = xml.add(xml.add(record, "swe:field", name=ncname(band.name)), "swe:Quantity")
        xml.add(quantity, "swe:label", band.title)
        xml.add(quantity, "swe:description", describe_band(band))
        if not band.gapless:
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
    axes = listed_axes(coverage)
    return {
        "srsName": compound_crs(coverage),
        "axisLabels": " ".join(axis.name for axis in axes),
        "uomLabels": " ".join(axis.uom for axis in axes),
        "srsDimension": f"{len(axes)}",
    }


def _ordered(coverage: Coverage, values: Mapping[str, float]) -> str:
    """Write one number an axis as the CRS orders them, 0 where none is given."""
    return " ".join(number(values.get(axis.name, 0)) for axis in listed_axes(coverage))


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
    if band.gapless:
        return low, high
    return low + (band.nodata == low), high - (band.nodata == high)
