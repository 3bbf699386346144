"""What JSON states of a coverage beside its values: CIS 1.1 and CoverageJSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.encode import gml
from datacube.encode.described import (
    Described,
    bounds_text,
    data_type_url,
    describe_field,
    listed_places,
    nil_values,
    unit_code,
    uom_label,
)
from datacube.grid import crs_url
from datacube.plan.axis_order import index_labels
from datacube.plan.encoding import GENERAL_GRID
from datacube.plan.nodes import Field

type Json = dict[str, Any]


def cis_json(described: Described) -> Json:
    """Return a GeneralGridCoverage as CIS 1.1 writes it in JSON, without its range set."""
    axes = described.nested_axes
    crs, labels = described.crs_of(axes), [axis.name for axis in axes]
    extents: list[Json] = []
    for axis in axes:
        low, high = _bounds(axis)
        extents.append(
            {
                "type": "AxisExtentType",
                "axisLabel": axis.name,
                "lowerBound": low,
                "upperBound": high,
                "uomLabel": uom_label(axis),
            }
        )
    limits = [
        {
            "type": "IndexAxisType",
            "axisLabel": label,
            "lowerBound": axis.first,
            "upperBound": axis.stop - 1,
        }
        for label, axis in zip(index_labels(len(axes)), axes, strict=True)
    ]
    return {
        "type": GENERAL_GRID,
        "id": described.id,
        "envelope": {
            "type": "EnvelopeByAxisType",
            "srsName": crs,
            "axisLabels": labels,
            "axis": extents,
        },
        "domainSet": {
            "type": "DomainSetType",
            "generalGrid": {
                "type": "GeneralGridType",
                "srsName": crs,
                "axisLabels": labels,
                "axis": [_cis_axis(axis) for axis in axes],
                "gridLimits": {
                    "type": "GridLimitsType",
                    "srsName": gml.index_crs_url(len(axes)),
                    "axisLabels": [limit["axisLabel"] for limit in limits],
                    "axis": limits,
                },
            },
        },
        "rangeType": {
            "type": "DataRecordType",
            "field": [_cis_field(field) for field in described.fields],
        },
    }


def _cis_axis(axis: Axis) -> Json:
    if isinstance(axis, RegularAxis):
        low, high = _bounds(axis)
        return {
            "type": "RegularAxisType",
            "axisLabel": axis.name,
            "lowerBound": low,
            "upperBound": high,
            "uomLabel": uom_label(axis),
            "resolution": axis.step,
        }
    return {
        "type": "IrregularAxisType",
        "axisLabel": axis.name,
        "uomLabel": uom_label(axis),
        "coordinate": _places(axis),
    }


def _cis_field(field: Field) -> Json:
    made: Json = {
        "type": "QuantityType",
        "name": field.name,
        "definition": data_type_url(field),
        "description": describe_field(field),
        "uom": {
            "type": "UnitReference",
            "code": unit_code(field.band) if field.band is not None else "1",
        },
    }
    nulls = [value if np.isfinite(value) else str(value) for value in nil_values(field)]
    if nulls:
        made["nilValues"] = nulls
    return made


def _bounds(axis: Axis) -> tuple[str | float, str | float]:
    if isinstance(axis, TimeAxis):
        return bounds_text(axis)
    return axis.extent


def _places(axis: TimeAxis | IrregularAxis) -> list[str] | list[float]:
    if isinstance(axis, TimeAxis):
        return list(listed_places(axis))
    return list(axis.coefficients)


def coverage_json(described: Described) -> Json:
    """Return a coverage of CoverageJSON without its ranges."""
    axes: Json = {}
    for axis in described.nested_axes:
        name = coverage_json_name(axis, described)
        if isinstance(axis, RegularAxis):
            places = axis.coordinates()
            axes[name] = {"start": float(places[0]), "stop": float(places[-1]), "num": axis.size}
        else:
            axes[name] = {"values": _places(axis)}
    return {
        "type": "Coverage",
        "id": described.id,
        "domain": {
            "type": "Domain",
            "domainType": "Grid",
            "axes": axes,
            "referencing": _referencing(described),
        },
        "parameters": coverage_json_parameters(described.fields),
    }


def coverage_json_parameters(fields: Sequence[Field]) -> Json:
    """Return what the values of each field mean."""
    return {
        field.name or "value": {
            "type": "Parameter",
            "description": {"en": describe_field(field)},
            "unit": {"symbol": unit_code(field.band) if field.band is not None else "1"},
            "observedProperty": {
                "label": {"en": field.band.title if field.band is not None else field.name}
            },
        }
        for field in fields
    }


def coverage_json_name(axis: Axis, described: Described) -> str:
    """Return the name of an axis: `x`, `y` and `t` where they are places on the Earth and time."""
    grid = described.domain.grid
    if axis is described.time:
        return "t"
    if grid is not None and grid.on_earth and axis.name in {grid.x.name, grid.y.name}:
        return "x" if axis.name == grid.x.name else "y"
    return axis.name


def _referencing(described: Described) -> list[Json]:
    made: list[Json] = []
    grid = described.domain.grid
    if described.time is not None:
        system: Json = {"type": "TemporalRS", "calendar": "Gregorian"}
        made.append({"coordinates": ["t"], "system": system})
    if grid is not None and grid.on_earth:
        kind = "GeographicCRS" if grid.crs.is_geographic else "ProjectedCRS"
        system = {"type": kind, "id": crs_url(grid.crs)}
        # As the CRS lists its axes (OGC 21-069r2, 6.1.1).
        names = [coverage_json_name(axis, described) for axis in described.nested_axes]
        made.append({"coordinates": [n for n in names if n in {"x", "y"}], "system": system})
    return made
