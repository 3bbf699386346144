"""The JSON schema of styles in files (JSON Schema draft 2020-12)."""

from typing import Any

from datacube.plan.colour import MOST_COLOURS
from datacube.plan.query import Method
from datacube.plan.style import Reduction
from datacube.render.fragment import MOST_CHARACTERS

MOST_STOPS = 100
"""Of a ramp, which has 255 colours."""

type Json = dict[str, Any]

_NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}
_TEXT = {"type": "string", "maxLength": 2000}
_TITLE = {"type": "string", "maxLength": 200}
_COLOUR = {"type": "string", "pattern": "^#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$"}
_BAND = {"type": "string", "minLength": 1, "maxLength": 100}
_EXPRESSION = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS}
_CLASSES = {
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 1,
    "maxItems": 256,
    "uniqueItems": True,
}


def _object(required: tuple[str, ...], **properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_STRETCH = _object(
    ("low", "high"),
    low={"type": "number"},
    high={"type": "number"},
    gamma={"type": "number", "exclusiveMinimum": 0, "maximum": 100},
)
_GAMMA = _object((), gamma=_STRETCH["properties"]["gamma"])
_STRETCHED = {"anyOf": [_STRETCH, _GAMMA]}
_STOP = _object(("value", "colour"), value={"type": "number"}, colour=_COLOUR, title=_TITLE)
_INTERVAL = _object(
    ("colour",), low={"type": "number"}, high={"type": "number"}, colour=_COLOUR, title=_TITLE
)


def _list(items: Json, least: int, most: int) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


_WHAT = ("band", "bands", "expression", "wcps")
_HOW = ("stretch", "ramp", "intervals", "values")

STYLE: Json = {
    **_object(
        ("name",),
        name=_NAME,
        title=_TITLE,
        abstract=_TEXT,
        **{"for": _object((), collection=_BAND, family=_BAND) | {"maxProperties": 1}},
        default={"type": "boolean"},
        resampling={"enum": [method.value for method in Method]},
        opacity={"type": "number", "minimum": 0, "maximum": 1},
        unit={"type": "string", "maxLength": 40},
        band=_BAND,
        bands=_list(_BAND, 3, 3),
        expression=_EXPRESSION,
        wcps=_EXPRESSION,
        stretch={"anyOf": [_STRETCHED, _list(_STRETCHED, 3, 3)]},
        ramp=_list(_STOP, 2, MOST_STOPS),
        intervals=_list(_INTERVAL, 1, MOST_COLOURS),
        values=_list(_STOP, 1, MOST_COLOURS),
        time={"enum": [reduction.value for reduction in Reduction]},
        mask=_object(("band",), band=_BAND, keep=_CLASSES, drop=_CLASSES)
        | {"oneOf": [{"required": ["keep"]}, {"required": ["drop"]}]},
    ),
    "oneOf": [{"required": [what]} for what in _WHAT],
    "not": {"anyOf": [{"required": [a, b]} for a in _HOW for b in _HOW if a < b]},
    "dependentRequired": {"mask": ["time"]},
}
"""One style."""

STYLES: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Styles of map layers",
    **_object(("styles",), styles=_list(STYLE, 1, 1000)),
}
"""A file of styles."""
