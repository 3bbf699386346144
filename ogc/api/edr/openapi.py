"""What the OpenAPI document says of the EDR queries."""

from typing import Any

from ogc.api.edr.request import METRES, REQUIRED, Kind, allowed, format_names

type Document = dict[str, Any]

_POINTS = "POINT(x y) or MULTIPOINT((x y),(x y))"
_COORDS = {
    Kind.POSITION: f"Places, as {_POINTS}, with Z for a height.",
    Kind.AREA: "The area, as POLYGON or MULTIPOLYGON.",
    Kind.TRAJECTORY: "The line, as LINESTRING, LINESTRINGZ, LINESTRINGM or LINESTRINGZM; Z is a "
    "height, M a time in seconds since 1970.",
    Kind.RADIUS: f"Middles of circles, as {_POINTS}.",
    Kind.CORRIDOR: "The middle of the corridor, as LINESTRING or LINESTRINGZ.",
}
_LENGTH: Document = {"type": "number", "exclusiveMinimum": True, "minimum": 0}
_UNIT: Document = {"type": "string", "enum": list(METRES)}
_CELLS: Document = {"type": "integer", "minimum": 0}
_TEXTS: dict[str, tuple[str, Document]] = {
    "bbox": (
        "The box: minima, then maxima, four numbers in the axis order of crs.",
        {"type": "string", "example": "15.0,46.9,15.1,47.0"},
    ),
    "datetime": (
        "A time, a period (2023-08), or start/end with one end '..'; by default all times.",
        {"type": "string"},
    ),
    "parameter-name": (
        "Names of bands with commas between; by default all.",
        {"type": "string"},
    ),
    "crs": (
        "CRS of places and answer; by default CRS:84, and of grids that of the data.",
        {"type": "string"},
    ),
    "z": ("A level, levels with commas between, min/max, or Rn/min/step.", {"type": "string"}),
    "within": ("Radius of the circles.", _LENGTH),
    "within-units": ("Unit of within.", _UNIT),
    "corridor-width": ("Width of the corridor, half of it on each side.", _LENGTH),
    "width-units": ("Unit of corridor-width.", _UNIT),
    "corridor-height": (
        "Height of the corridor, half of it above and half below; for data with heights.",
        _LENGTH,
    ),
    "height-units": ("Unit of corridor-height.", _UNIT),
    "resolution-x": ("Cells along x; 0 and by default: as they are stored.", _CELLS),
    "resolution-y": ("Cells along y; 0 and by default: as they are stored.", _CELLS),
    "as_of": (
        "Revision of the catalogue to answer from; by default the newest.",
        {"type": "integer", "minimum": 0},
    ),
}
# The standard has clients send a height (its requirement corridor-height-definition), the
# OGC's suite checks that it is declared so, and sends none: no data without heights needs it.
_DECLARED = REQUIRED | {"corridor-height", "height-units"}
_PROBLEM: Document = {
    "description": "What was wrong, and what is allowed",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}


def edr_paths() -> Document:
    """Return the paths of the queries, with what each takes and gives."""
    return {f"/collections/{{collectionId}}/{kind}": {"get": _operation(kind)} for kind in Kind}


def _operation(kind: Kind) -> Document:
    formats = format_names(kind)
    schemas = {
        media_type: {"type": "object"} if media_type.endswith("json") else {"type": "string"}
        for media_type in formats.values()
    }
    collection = {
        "name": "collectionId",
        "in": "path",
        "description": "A coverage.",
        "required": True,
        "schema": {"type": "string"},
    }
    return {
        "operationId": f"{kind}.getData",
        "tags": ["edr"],
        "summary": f"Ask for data by {kind}",
        "parameters": [collection, *(_parameter(kind, name) for name in allowed(kind))],
        "responses": {
            "200": {
                "description": "The data",
                "content": {name: {"schema": schema} for name, schema in schemas.items()},
            },
            "204": {"description": "Nothing lies there; the header Warning tells why"},
            **dict.fromkeys(("400", "404", "406", "413", "500"), _PROBLEM),
        },
    }


def _parameter(kind: Kind, name: str) -> Document:
    schema: Document
    match name:
        case "coords":
            text, schema = _COORDS[kind], {"type": "string"}
        case "f":
            text = "Format; without it the header Accept decides."
            schema = {"type": "string", "enum": list(format_names(kind))}
        case _:
            text, schema = _TEXTS[name]
    return {
        "name": name,
        "in": "query",
        "description": text,
        "required": name in _DECLARED,
        "schema": schema,
        "style": "form",
        "explode": False,
    }
