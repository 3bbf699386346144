"""What layers hold at a place, written as JSON, GML, HTML or plain text."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree, html
from lxml.html import builder
from pyproj import CRS

from datacube.evaluate.place import BandValue, LayerReadings, PlaceAnswer, Reading
from datacube.times import iso_text
from ogc.xml import Vocabulary, document, number

_GML = Vocabulary(
    namespaces={
        "wfs": "http://www.opengis.net/wfs",
        "gml": "http://www.opengis.net/gml",
        "info": "urn:copernicube:featureinfo",
    }
)
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")
_STYLE = """body{font:14px sans-serif;margin:8px}table{border-collapse:collapse;margin:0 0 12px}
th,td{border:1px solid #ccc;padding:2px 6px;text-align:left}"""

type _Text = str | float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The place that was asked about."""

    crs: CRS
    x: float
    """Easting or longitude in `crs`; likewise y."""
    y: float
    longitude: float
    latitude: float


def to_json(point: Point, found: PlaceAnswer) -> bytes:
    """Write a GeoJSON FeatureCollection: a feature for each layer that has data.

    Its properties are the newest values; those of a series stand under `series`, oldest first.
    """
    features = [
        {
            "type": "Feature",
            "id": layer.name,
            "geometry": {
                "type": "Point",
                "coordinates": [round(point.longitude, 9), round(point.latitude, 9)],
            },
            "properties": _layer_properties(layer, series=found.series),
        }
        for layer in found.layers
        if layer.readings
    ]
    told = {"type": "FeatureCollection", "features": features}
    return json.dumps(told, ensure_ascii=False, allow_nan=False).encode()


def _layer_properties(layer: LayerReadings, *, series: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "layer": layer.name,
        "title": layer.layer.collection.title,
        "style": layer.style.name,
        **_properties(layer.readings[-1]),
    }
    if layer.over_time:
        told["shown"] = _one_or_all(layer.over_time)
    if series:
        told["series"] = [_properties(reading) for reading in layer.readings]
    return told


def _properties(reading: Reading) -> dict[str, object]:
    """Return one reading: stored numbers by band, and what is said of them beside."""
    told: dict[str, object] = {
        "time": None if reading.time is None else iso_text(reading.time),
        "cube": reading.cube,
        "scene": reading.scene,
        **dict(reading.at),
        **{value.band.name: value.value for value in reading.values},
    }
    physical = {v.band.name: _physical(v) for v in reading.values if _is_scaled(v)}
    units = {v.band.name: v.band.unit for v in reading.values if v.band.unit not in {"", "1"}}
    classes = {v.band.name: text for v in reading.values if (text := _class(v))}
    others = {v.band.name: v.scene for v in reading.values if v.scene != reading.scene}
    if reading.quantities:
        told["shown"] = _one_or_all(reading.quantities)
    more = {"physical": physical, "units": units, "classes": classes, "scenes": others}
    return told | {name: values for name, values in more.items() if values}


def _one_or_all(quantities: tuple[float | int | None, ...]) -> object:
    return quantities[0] if len(quantities) == 1 else list(quantities)


def _is_scaled(value: BandValue) -> bool:
    return (value.band.scale, value.band.offset) != (1.0, 0.0)


def _physical(value: BandValue) -> float | None:
    physical = value.physical
    return None if physical is None else float(f"{physical:.9g}")


def _class(value: BandValue) -> str:
    return next((c.title for c in value.band.classes if c.value == value.value), "")


def to_gml(point: Point, found: PlaceAnswer) -> bytes:
    """Write a GML 2 FeatureCollection: a feature for each layer and time, newest first."""
    root = _GML.root("wfs:FeatureCollection")
    place = f"{number(point.longitude)},{number(point.latitude)}"
    box = _GML.add(_GML.add(root, "gml:boundedBy"), "gml:Box", srsName="EPSG:4326")
    _GML.add(box, "gml:coordinates", f"{place} {place}")
    for layer in found.layers:
        for at, reading in enumerate(reversed(layer.readings)):
            name = _element(layer.name)
            member = _GML.add(root, "gml:featureMember")
            feature = _GML.add(member, f"info:{name}", fid=f"{name}.{at}")
            geometry = _GML.add(
                _GML.add(feature, "info:geometry"), "gml:Point", srsName="EPSG:4326"
            )
            _GML.add(geometry, "gml:coordinates", place)
            for key, text in _rows(layer, reading):
                _GML.add(feature, f"info:{_element(key)}", _plain(text))
    return document(root)


def _element(text: str) -> str:
    """Return a name for an element.

    >>> _element("2 m (air)")
    '_2_m__air_'
    """
    plain = _UNFIT.sub("_", text)
    return plain if plain[:1].isalpha() or plain.startswith("_") else f"_{plain}"


def _rows(layer: LayerReadings, reading: Reading) -> Iterable[tuple[str, _Text]]:
    """List what one reading tells, label and value."""
    yield "layer", layer.name
    yield "style", layer.style.name
    if reading.time is not None:
        yield "time", iso_text(reading.time)
    yield "scene", reading.scene
    yield from reading.at
    for value in reading.values:
        yield value.band.name, value.value
        if _is_scaled(value) and value.value is not None:
            yield f"{value.band.name}_physical", _physical(value)
        if _class(value):
            yield f"{value.band.name}_class", _class(value)
        if value.scene != reading.scene:
            yield f"{value.band.name}_scene", value.scene
    yield from _quantities("shown", reading.quantities)
    if layer.style.temporal is not None and reading is layer.readings[-1]:
        yield from _quantities(f"shown_{layer.style.temporal.reduction}", layer.over_time)


def _quantities(name: str, found: tuple[float | int | None, ...]) -> Iterable[tuple[str, _Text]]:
    for at, quantity in enumerate(found):
        yield name if len(found) == 1 else f"{name}_{at + 1}", quantity


def _plain(text: _Text) -> str:
    if text is None:
        return ""
    return text if isinstance(text, str) else f"{text:.9g}"


def to_text(point: Point, found: PlaceAnswer) -> bytes:
    """Write lines `label = value`; a series gives its times newest first."""
    lines = [f"place = {point.longitude:.7g}, {point.latitude:.7g} (longitude, latitude)"]
    for layer in found.layers:
        if not layer.readings:
            lines += ["", f"layer = {layer.name}", "no data here at this time"]
        for reading in reversed(layer.readings):
            lines.append("")
            lines += [f"{label} = {_shown(text)}" for label, text in _rows(layer, reading)]
    return "\n".join([*lines, ""]).encode()


def to_html(point: Point, found: PlaceAnswer) -> bytes:
    """Write a page with one table a layer; a series has a row a time, newest first."""
    place = f"{point.longitude:.7g}, {point.latitude:.7g}"
    body = builder.BODY(builder.P(f"Longitude, latitude: {place}"))
    for layer in found.layers:
        body.append(builder.H3(layer.layer.collection.title))
        body.append(_table(layer))
    head = builder.HEAD(
        builder.META(charset="utf-8"), builder.TITLE("Values"), builder.STYLE(_STYLE)
    )
    page = builder.HTML(head, body)
    return bytes(etree.tostring(page, method="html", encoding="utf-8", doctype="<!DOCTYPE html>"))


def _table(layer: LayerReadings) -> html.HtmlElement:
    if not layer.readings:
        return builder.P("No data here at this time.")
    rows = [dict(_rows(layer, reading)) for reading in reversed(layer.readings)]
    if len(rows) == 1:
        return builder.TABLE(
            *(builder.TR(builder.TH(k), builder.TD(_shown(v))) for k, v in rows[0].items())
        )
    labels = list(dict.fromkeys(label for row in rows for label in row))
    return builder.TABLE(
        builder.TR(*(builder.TH(label) for label in labels)),
        *(builder.TR(*(builder.TD(_shown(row.get(k))) for k in labels)) for row in rows),
    )


def _shown(text: _Text) -> str:
    return _plain(text) if text is not None else "no data"


DOCUMENTS: Mapping[str, Callable[[Point, PlaceAnswer], bytes]] = MappingProxyType(
    {
        "application/json": to_json,
        "text/html": to_html,
        "text/plain": to_text,
        "application/vnd.ogc.gml": to_gml,
        "text/xml": to_gml,
    }
)
"""Writers by media type."""
