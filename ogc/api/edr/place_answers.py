"""Answers that list places: point series, profiles of a line, tables and features."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS

from datacube.axes import Axis, TimeAxis
from datacube.cells import Cells
from datacube.encode.json_forms import coverage_json_parameters
from datacube.grid import crs_url, northing_first, transformer
from datacube.plan.nodes import Field
from ogc.api.edr.parts import vertical_position
from ogc.api.edr.places import Places
from ogc.api.edr.shapes import Vertex
from ogc.api.edr.values import (
    Number,
    Table,
    axis_key,
    column_order,
    coordinate_texts,
    iso_of,
    numbers_of,
)
from ogc.crs import CRS84

type Json = dict[str, Any]
type Row = tuple[tuple[object, ...], tuple[Number, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceValues:
    """Cells at places, with places as the first axis and without times that have no data."""

    id: str
    points: tuple[Vertex, ...]
    crs: CRS
    fields: tuple[Field, ...]
    axes: tuple[Axis, ...]
    """Those behind places; time first, where it is one of them."""
    keys: tuple[str, ...]
    """Their names in answers."""
    cells: Cells

    @classmethod
    def of(cls, name: str, places: Places, cells: Cells, crs: CRS) -> "PlaceValues":
        """Arrange what was computed of the places' plan."""
        domain = places.plan.domain
        vertical = vertical_position(domain)
        axes = tuple(axis for at, axis in enumerate(domain.outer) if at != places.axis)
        ordered = cells.select(tuple(field.name for field in places.plan.fields))
        return cls(
            id=name,
            points=places.points,
            crs=crs,
            fields=places.plan.fields,
            axes=axes,
            keys=tuple(axis_key(axis, domain, vertical) for axis in axes),
            cells=Cells(
                ordered.names,
                tuple(np.moveaxis(a, places.axis, 0) for a in ordered.values),
                tuple(np.moveaxis(a, places.axis, 0) for a in ordered.valid),
            ),
        )

    @property
    def anything(self) -> np.ndarray:
        """Where any band has data."""
        made: np.ndarray = np.logical_or.reduce(self.cells.valid)
        return made

    def place(self, number: int) -> tuple[tuple[str, object], ...]:
        """Return where, and where the line has them at what height and when, a place is."""
        point = self.points[number]
        found: list[tuple[str, object]] = [("x", point.x), ("y", point.y)]
        if point.z is not None:
            found.append(("z", point.z))
        if point.seconds is not None:
            found.insert(0, ("t", iso_of(point.seconds)))
        return tuple(found)


def series_json(values: PlaceValues) -> Json:
    """Return positions as CoverageJSON: each its own coverage, `PointSeries` where it is one.

    Times without data at a position are left out; positions without any are, too.
    """
    made = [_series(values, number) for number in range(len(values.points)) if _any(values, number)]
    return _one_or_many(values, made, _series_type(values))


def _any(values: PlaceValues, number: int) -> bool:
    return bool(values.anything[number].any())


def _series_type(values: PlaceValues) -> str:
    match values.keys:
        case ():
            return "Point"
        case ("t",):
            return "PointSeries"
        case ("z",):
            return "VerticalProfile"
        case _:
            return "Grid"


def _series(values: PlaceValues, number: int) -> Json:
    """Return domain and ranges of one position."""
    axes: Json = {name: {"values": [place]} for name, place in values.place(number)}
    timed = values.keys[:1] == ("t",)
    there = values.anything[number]
    kept = np.flatnonzero(there.reshape(len(there), -1).any(axis=1)) if timed else None
    for at, (key, axis) in enumerate(zip(values.keys, values.axes, strict=True)):
        texts = coordinate_texts(axis)
        chosen = kept.tolist() if at == 0 and kept is not None else range(axis.size)
        axes[key] = {"values": [texts[k] for k in chosen]}
    ranges = {}
    for field, one, valid in zip(
        values.fields, values.cells.values, values.cells.valid, strict=True
    ):
        part, known = one[number], valid[number]
        if kept is not None:
            part, known = part[kept], known[kept]
        ranges[field.name] = _range(field, values.keys, part.shape, numbers_of(part, known))
    return {"axes": axes, "ranges": ranges}


def _range(
    field: Field, keys: tuple[str, ...], shape: tuple[int, ...], numbers: list[Number]
) -> Json:
    kind = "integer" if field.numpy_dtype.kind in "biu" else "float"
    return {
        "type": "NdArray",
        "dataType": kind,
        "axisNames": list(keys),
        "shape": list(shape),
        "values": numbers,
    }


def line_json(values: PlaceValues) -> Json:
    """Return a trajectory as CoverageJSON: one coverage a time, or one where the line has times.

    Times without data on the line are left out.
    """
    timed = values.keys[:1] == ("t",)
    rest = values.keys[1:] if timed else values.keys
    whole = isinstance(values.axes[0], TimeAxis) if values.axes else False
    times = coordinate_texts(values.axes[0]) if whole else [None]
    made = []
    for number, time in enumerate(times):
        at = (slice(None), number) if timed else (slice(None),)
        if not values.anything[at].any():
            continue
        places = [values.place(k) for k in range(len(values.points))]
        names = tuple(name for name, _ in places[0])
        tuples = [[place for _, place in one] for one in places]
        if time is not None:
            names, tuples = ("t", *names), [[time, *one] for one in tuples]
        axes: Json = {
            "composite": {"dataType": "tuple", "coordinates": list(names), "values": tuples}
        }
        for key, axis in zip(rest, values.axes[1:] if timed else values.axes, strict=True):
            axes[key] = {"values": list(coordinate_texts(axis))}
        ranges = {
            field.name: _range(
                field, ("composite", *rest), one[at].shape, numbers_of(one[at], valid[at])
            )
            for field, one, valid in zip(
                values.fields, values.cells.values, values.cells.valid, strict=True
            )
        }
        made.append({"axes": axes, "ranges": ranges})
    has_time = timed or any(point.seconds is not None for point in values.points)
    return _one_or_many(values, made, "Trajectory" if has_time and not rest else "")


def _one_or_many(values: PlaceValues, made: list[Json], domain_type: str) -> Json:
    parameters = coverage_json_parameters(values.fields)
    referencing = _referencing(values)
    kind = {"domainType": domain_type} if domain_type else {}
    if len(made) == 1:
        domain = {"type": "Domain", **kind, "axes": made[0]["axes"], "referencing": referencing}
        return {
            "type": "Coverage",
            "id": values.id,
            "domain": domain,
            "parameters": parameters,
            "ranges": made[0]["ranges"],
        }
    return {
        "type": "CoverageCollection",
        **kind,
        "parameters": parameters,
        "referencing": referencing,
        "coverages": [
            {
                "type": "Coverage",
                "domain": {"type": "Domain", **kind, "axes": one["axes"]},
                "ranges": one["ranges"],
            }
            for one in made
        ],
    }


def _referencing(values: PlaceValues) -> list[Json]:
    names = [name for name, _ in values.place(0)]
    made: list[Json] = []
    if "t" in (*names, *values.keys):
        system: Json = {"type": "TemporalRS", "calendar": "Gregorian"}
        made.append({"coordinates": ["t"], "system": system})
    kind = "GeographicCRS" if values.crs.is_geographic else "ProjectedCRS"
    # As the CRS lists its axes (OGC 21-069r2, 6.1.1).
    plane = ["y", "x"] if northing_first(values.crs) else ["x", "y"]
    made.append({"coordinates": plane, "system": {"type": kind, "id": crs_url(values.crs)}})
    if "z" in (*names, *values.keys):
        made.append({"coordinates": ["z"], "system": {"type": "VerticalCRS"}})
    return made


def place_table(values: PlaceValues) -> Table:
    """List the places, and of each the times and levels that have data."""
    own = tuple(name for name, _ in values.place(0))
    keys = tuple(sorted((*own, *values.keys), key=column_order))
    return Table(keys=keys, names=values.cells.names, rows=_rows(values, keys))


def _rows(values: PlaceValues, keys: tuple[str, ...]) -> Iterator[Row]:
    anything = values.anything
    columns = [
        numbers_of(one[anything], valid[anything])
        for one, valid in zip(values.cells.values, values.cells.valid, strict=True)
    ]
    texts = [coordinate_texts(axis) for axis in values.axes]
    kept = np.argwhere(anything).tolist()
    for (number, *index), numbers in zip(kept, zip(*columns, strict=True), strict=True):
        named = dict(values.place(number))
        for key, text, k in zip(values.keys, texts, index, strict=True):
            named[key] = text[k]
        yield tuple(named[key] for key in keys), numbers


def features_json(values: PlaceValues, address: str) -> Json:
    """Return the rows of the table as features of EDR GeoJSON, in longitude and latitude."""
    table = place_table(values)
    move = transformer(values.crs, CRS84)
    features = []
    for place, numbers in table.rows:
        named = dict(zip(table.keys, place, strict=True))
        x, y = named.pop("x"), named.pop("y")
        lon, lat = move.transform(x, y)
        properties: Json = {
            "label": values.id,
            "edrqueryendpoint": address,
            "parameter-name": list(table.names),
        }
        if "t" in named:
            properties["datetime"] = named.pop("t")
        properties |= named
        properties |= dict(zip(table.names, numbers, strict=True))
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(lon, 8), round(lat, 8)]},
                "properties": properties,
            }
        )
    return {
        "type": "FeatureCollection",
        "parameters": coverage_json_parameters(values.fields),
        "features": features,
    }


def encoded(document: Json) -> bytes:
    """Write a document."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
