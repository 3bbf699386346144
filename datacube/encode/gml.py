"""Coverages in GML, shaped so that GDAL, OWSLib, rasdaman's clients and the schemas agree.

CIS 1.0 (OGC 09-146r2):

- Axes are listed as the CRS orders them, further axes after the plane, time last: GDAL
  takes the first two as the plane. Grid axes are listed x, y, ..., time, with
  `+1 +2 +3 ...`, so that GDAL never swaps.
- Grid limits are the indices of `CRS:1`, counted from the cube's fixed origin, and the
  origin is the centre of the first cell listed, as GDAL and rasdaman take it.
- Coefficients of time are quoted ISO 8601 text, which OWSLib demands; GDAL lists times
  from the TimeDomain that GeoServer writes.

CIS 1.1 (OGC 09-146r8): a GeneralGrid of regular and irregular axes, time first.
"""

from collections.abc import Mapping
from math import isfinite

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.encode.described import (
    Described,
    allowed_numbers,
    bounds_text,
    data_type_url,
    describe_field,
    extent,
    first_coordinate,
    listed_places,
    ncname,
    nil_values,
    unit_code,
    uom_label,
)
from datacube.encode.xml import Element, Vocabulary, number
from datacube.plan.axis_order import index_labels
from datacube.plan.encoding import GENERAL_GRID
from datacube.plan.nodes import Field
from datacube.times import iso_text

REFERENCEABLE = "ReferenceableGridCoverage"
RECTIFIED = "RectifiedGridCoverage"
NAMESPACES = {
    "gml": "http://www.opengis.net/gml/3.2",
    "gmlcov": "http://www.opengis.net/gmlcov/1.0",
    "rgrid": "http://www.opengis.net/gml/3.3/rgrid",
    "swe": "http://www.opengis.net/swe/2.0",
    "wcsgs": "http://www.geoserver.org/wcsgs/2.0",
    "cis11": "http://www.opengis.net/cis/1.1/gml",
    "meta": "urn:x-copernicube:metadata",
    "xlink": "http://www.w3.org/1999/xlink",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_NIL_REASON = "http://www.opengis.net/def/nil/OGC/0/missing"


def subtype(described: Described, *, general: bool = False) -> str:
    """Return the type of coverage that it is, in CIS 1.1 where `general`."""
    if general:
        return GENERAL_GRID
    return RECTIFIED if is_rectified(described) else REFERENCEABLE


def add_description(
    xml: Vocabulary,
    parent: Element,
    described: Described,
    *,
    name: str,
    native_format: str,
    general: bool = False,
) -> None:
    """Append wcs:CoverageDescription (OGC 09-110r4, 8.3); `name` is its id.

    Its parts are of CIS 1.0, or where `general` of CIS 1.1, as WCS 2.1 has them.
    """
    description = xml.add(parent, "wcs:CoverageDescription")
    xml.attribute(description, "gml:id", name)
    _add_about(xml, description, described)
    add_envelope = add_axis_envelope if general else add_bounds
    add_envelope(xml, description, described)
    xml.add(description, "wcs:CoverageId", described.id)
    if general:
        add_general_grid(xml, description, described)
        add_record(xml, xml.add(description, "cis11:RangeType"), described.fields)
    else:
        add_function(xml, description, described)
        add_time_domain(xml, description, described, name)
        add_domain(xml, description, described, name, rectified=is_rectified(described))
        add_range(xml, description, described.fields)
    parameters = xml.add(description, "wcs:ServiceParameters")
    xml.add(parameters, "wcs:CoverageSubtype", subtype(described, general=general))
    xml.add(parameters, "wcs:nativeFormat", native_format)


def _add_about(xml: Vocabulary, description: Element, described: Described) -> None:
    if described.about:
        xml.add(description, "gml:description", described.about)
        xml.add(description, "gml:name", described.title)


def add_bounds(xml: Vocabulary, parent: Element, described: Described) -> None:
    """Append gml:boundedBy: outer edges of the cells, areas of validity of the times."""
    extents = {axis.name: extent(axis) for axis in described.mapped_axes}
    low = _ordered(described, {name: ends[0] for name, ends in extents.items()})
    high = _ordered(described, {name: ends[1] for name, ends in extents.items()})
    envelope = xml.add(xml.add(parent, "gml:boundedBy"), "gml:Envelope", **_reference(described))
    xml.add(envelope, "gml:lowerCorner", low)
    xml.add(envelope, "gml:upperCorner", high)


def add_function(xml: Vocabulary, parent: Element, described: Described) -> None:
    """Append gml:coverageFunction: cells run along x, then y, then further axes, then time."""
    listed = described.grid_axes
    order = " ".join(f"+{listed.index(axis) + 1}" for axis in described.run_axes)
    function = xml.add(xml.add(parent, "gml:coverageFunction"), "gml:GridFunction")
    xml.add(function, "gml:sequenceRule", "Linear", axisOrder=order)


def add_time_domain(xml: Vocabulary, parent: Element, described: Described, name: str) -> None:
    """Append the list of times as GeoServer has it, which is what GDAL shows."""
    if described.time is None:
        return
    extension = xml.add(xml.add(parent, "gmlcov:metadata"), "gmlcov:Extension")
    domain = xml.add(extension, "wcsgs:TimeDomain")
    for position, acquisition in enumerate(described.time):
        instant = xml.add(domain, "gml:TimeInstant")
        xml.attribute(instant, "gml:id", f"{name}-t{position}")
        xml.add(instant, "gml:timePosition", iso_text(acquisition.reference))


def is_rectified(described: Described) -> bool:
    """Tell whether all axes are regular, so that a RectifiedGrid can tell their places."""
    return all(isinstance(axis, RegularAxis) for axis in described.grid_axes)


def add_domain(
    xml: Vocabulary, parent: Element, described: Described, name: str, *, rectified: bool = False
) -> None:
    """Append gml:domainSet: a grid of x, y, further axes and time.

    A ReferenceableGridByVectors, or where `rectified` a RectifiedGrid.
    """
    axes, prefix = described.grid_axes, "gml" if rectified else "rgrid"
    grid = xml.add(
        xml.add(parent, "gml:domainSet"),
        "gml:RectifiedGrid" if rectified else "rgrid:ReferenceableGridByVectors",
        dimension=f"{len(axes)}",
        **_reference(described),
    )
    xml.attribute(grid, "gml:id", f"{name}-grid")
    limits = xml.add(xml.add(grid, "gml:limits"), "gml:GridEnvelope")
    xml.add(limits, "gml:low", " ".join(f"{axis.first}" for axis in axes))
    xml.add(limits, "gml:high", " ".join(f"{axis.stop - 1}" for axis in axes))
    xml.add(grid, "gml:axisLabels", " ".join(axis.name for axis in axes))
    crs = described.crs_of(described.mapped_axes)
    point = xml.add(xml.add(grid, f"{prefix}:origin"), "gml:Point", srsName=crs)
    xml.attribute(point, "gml:id", f"{name}-origin")
    origin = {axis.name: first_coordinate(axis) for axis in axes}
    xml.add(point, "gml:pos", _ordered(described, origin))
    for listed in axes:
        step = listed.step if isinstance(listed, RegularAxis) else 1
        vector = _ordered(described, {listed.name: step})
        if rectified:
            xml.add(grid, "gml:offsetVector", vector, srsName=crs)
            continue
        axis = xml.add(xml.add(grid, "rgrid:generalGridAxis"), "rgrid:GeneralGridAxis")
        xml.add(axis, "rgrid:offsetVector", vector, srsName=crs)
        xml.add(axis, "rgrid:coefficients", _coefficients(listed))
        xml.add(axis, "rgrid:gridAxesSpanned", listed.name)
        xml.add(axis, "rgrid:sequenceRule", "Linear", axisOrder="+1")


def add_range(xml: Vocabulary, parent: Element, fields: tuple[Field, ...]) -> None:
    """Append gmlcov:rangeType: the numbers of each field."""
    add_record(xml, xml.add(parent, "gmlcov:rangeType"), fields)


def add_record(xml: Vocabulary, parent: Element, fields: tuple[Field, ...]) -> None:
    """Append swe:DataRecord, a Quantity a field."""
    record = xml.add(parent, "swe:DataRecord")
    for field in fields:
        quantity = xml.add(
            xml.add(record, "swe:field", name=ncname(field.name)),
            "swe:Quantity",
            definition=data_type_url(field),
        )
        xml.add(quantity, "swe:label", field.band.title if field.band else field.name)
        xml.add(quantity, "swe:description", describe_field(field))
        nulls = nil_values(field)
        if nulls:
            nil = xml.add(xml.add(quantity, "swe:nilValues"), "swe:NilValues")
            for value in nulls:
                xml.add(nil, "swe:nilValue", _value(value), reason=_NIL_REASON)
        xml.add(quantity, "swe:uom", code=unit_code(field.band) if field.band else "1")
        allowed = allowed_numbers(field.band) if field.band else None
        if allowed:
            values = xml.add(xml.add(quantity, "swe:constraint"), "swe:AllowedValues")
            xml.add(values, "swe:interval", f"{number(allowed[0])} {number(allowed[1])}")


def add_axis_envelope(xml: Vocabulary, parent: Element, described: Described) -> None:
    """Append cis:Envelope of CIS 1.1."""
    axes = described.nested_axes
    envelope = xml.add(
        parent,
        "cis11:Envelope",
        srsName=described.crs_of(axes),
        axisLabels=" ".join(axis.name for axis in axes),
        srsDimension=f"{len(axes)}",
    )
    for axis in axes:
        low, high = bounds_text(axis)
        xml.add(
            envelope,
            "cis11:AxisExtent",
            axisLabel=axis.name,
            uomLabel=uom_label(axis),
            lowerBound=_quoted(axis, low),
            upperBound=_quoted(axis, high),
        )


def add_general_grid(xml: Vocabulary, parent: Element, described: Described) -> None:
    """Append cis:DomainSet of CIS 1.1: regular and irregular axes, then grid limits."""
    axes = described.nested_axes
    grid = xml.add(
        xml.add(parent, "cis11:DomainSet"),
        "cis11:GeneralGrid",
        srsName=described.crs_of(axes),
        axisLabels=" ".join(axis.name for axis in axes),
    )
    for axis in axes:
        if isinstance(axis, RegularAxis):
            low, high = bounds_text(axis)
            xml.add(
                grid,
                "cis11:RegularAxis",
                axisLabel=axis.name,
                uomLabel=uom_label(axis),
                lowerBound=low,
                upperBound=high,
                resolution=number(axis.step),
            )
            continue
        made = xml.add(grid, "cis11:IrregularAxis", axisLabel=axis.name, uomLabel=uom_label(axis))
        for place in listed_places(axis):
            xml.add(made, "cis11:C", _quoted(axis, place))
    labels = index_labels(len(axes))
    limits = xml.add(
        grid,
        "cis11:GridLimits",
        srsName=index_crs_url(len(axes)),
        axisLabels=" ".join(labels),
    )
    for label, axis in zip(labels, axes, strict=True):
        xml.add(
            limits,
            "cis11:IndexAxis",
            axisLabel=label,
            lowerBound=f"{axis.first}",
            upperBound=f"{axis.stop - 1}",
        )


def index_crs_url(count: int) -> str:
    """Return the OGC name of the CRS of grid indices."""
    return f"http://www.opengis.net/def/crs/OGC/0/Index{count}D"


def _coefficients(axis: Axis) -> str:
    """List times as text, other places as their distance from the first; nothing if regular."""
    match axis:
        case TimeAxis():
            return " ".join(f'"{text}"' for text in listed_places(axis))
        case IrregularAxis(coefficients=coefficients):
            return " ".join(number(place - coefficients[0]) for place in coefficients)
        case _:
            return ""


def _reference(described: Described) -> dict[str, str]:
    axes = described.mapped_axes
    return {
        "srsName": described.crs_of(axes),
        "axisLabels": " ".join(axis.name for axis in axes),
        "uomLabels": " ".join(map(_uom_label, axes)),
        "srsDimension": f"{len(axes)}",
    }


def _uom_label(axis: Axis) -> str:
    """Return the unit as an NCName, which the schema asks for; rasdaman's word for indices."""
    if isinstance(axis, RegularAxis) and axis.index:
        return "GridSpacing"
    return "unity" if axis.uom == "1" else ncname(axis.uom)


def _ordered(described: Described, values: Mapping[str, float]) -> str:
    """Write one number an axis as the CRS orders them, 0 where none is given."""
    return " ".join(number(values.get(axis.name, 0)) for axis in described.mapped_axes)


def _quoted(axis: Axis, text: str) -> str:
    return f'"{text}"' if isinstance(axis, TimeAxis) else text


def _value(value: float) -> str:
    return number(value) if isfinite(value) else "NaN"
