"""The OpenAPI document: pygeoapi's, told what our own routes take and give."""

import re
from typing import Any

from datacube.explain.values import Level
from datacube.plan.formats import QUERY_FORMATS, TEXT
from ogc.api.collections import Document
from ogc.api.edr.openapi import edr_paths
from ogc.api.get_coverage import ALLOWED, FORMATS
from ogc.api.maps_openapi import map_paths
from ogc.posted import FORM, JSON
from ogc.posted import TEXT as PLAIN
from ogc.wcps.process import COMPAT
from ogc.wcps.process import FORMS as FORMS_TOLD

SERVED = re.compile(
    r"/(openapi|conformance|processes"
    r"|collections(/[^/]+(/(schema|queryables|coverage))?)?)?"
)
"""Paths that have a route; pygeoapi describes more."""
_AS_OF = {
    "name": "as_of",
    "in": "query",
    "description": "Revision of the catalogue to answer from; by default the newest.",
    "required": False,
    "schema": {"type": "integer", "minimum": 0},
}
_PROBLEM: Document = {
    "description": "What was wrong, and what is allowed",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
_TEXTS = {
    "bbox": "Keep the cells that this box touches: minima, then maxima, in the axis order of "
    "bbox-crs.",
    "bbox-crs": "CRS of bbox, by default CRS:84 (longitude, latitude).",
    "datetime": "A time, which selects one acquisition, or an interval start/end, of which one "
    "end may be '..'.",
    "properties": "Names of bands, in the order wanted; by default all.",
    "f": "Format; without it the header Accept decides.",
}


def amend_openapi(document: Document) -> Document:
    """Drop paths without a route, add `as_of` everywhere, describe the coverage route as it is."""
    paths: Document = {}
    for path, item in document["paths"].items():
        if SERVED.fullmatch(path) and "get" in item:
            paths[path] = item
            if path.endswith("/coverage"):
                _describe_coverage(item["get"])
            else:
                item["get"].setdefault("parameters", []).append(_AS_OF)
    paths["/wcps"] = _wcps()
    paths |= map_paths()
    paths |= edr_paths()
    document["paths"] = paths
    return document


def _wcps() -> Document:
    """Describe the route of queries: GET, and POST of any body that `ogc.posted` reads."""
    query: Document = {"type": "string", "example": "for $c in (S2_L2A_32633) return count($c.B08)"}
    asked: Document = {"type": "object", "properties": {"query": query}, "required": ["query"]}
    further = [
        {
            "name": name,
            "in": "query",
            "description": description,
            "required": False,
            "schema": {"type": "string", "enum": sorted(allowed)},
        }
        for name, description, allowed in (
            ("compat", "Rules for nulls.", tuple(COMPAT)),
            ("explain", "Tell the plan or the cost of the query instead of answering.", Level),
            ("f", "Form of an explanation; without it the header Accept decides.", FORMS_TOLD),
        )
    ]
    answered = {
        "200": {
            "description": "The result; several are parts of a multipart body",
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}}
                for media_type in (TEXT, *QUERY_FORMATS)
            },
        },
        **dict.fromkeys(("400", "404", "413", "500"), _PROBLEM),
    }
    common: Document = {
        "tags": ["wcps"],
        "summary": "Answer a query of WCPS",
        "responses": answered,
    }
    written = {
        "name": "query",
        "in": "query",
        "description": "The query; `Q` is another spelling.",
        "required": True,
        "schema": query,
    }
    return {
        "get": common | {"operationId": "getWcps", "parameters": [written, *further, _AS_OF]},
        "post": common
        | {
            "operationId": "postWcps",
            "parameters": [*further, _AS_OF],
            "requestBody": {
                "required": True,
                "content": {
                    FORM: {"schema": asked},
                    JSON: {"schema": asked},
                    PLAIN: {"schema": query},
                },
            },
        },
    }


def _describe_coverage(operation: dict[str, Any]) -> None:
    bands: Document = next(p for p in operation["parameters"] if p.get("name") == "properties")
    schemas: Document = {
        "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "bbox-crs": {"type": "string"},
        "datetime": {"type": "string"},
        "properties": bands["schema"],
        "f": {"type": "string", "enum": list(FORMATS)},
    }
    operation["parameters"] = [
        {
            "name": name,
            "in": "query",
            "description": _TEXTS[name],
            "required": False,
            "schema": schemas[name],
            "style": "form",
            "explode": False,
        }
        for name in ALLOWED
        if name in schemas
    ]
    operation["parameters"].append(_AS_OF)
    operation["responses"] = {
        "200": {
            "description": "The cells",
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}}
                for media_type in FORMATS.values()
            },
        },
        **dict.fromkeys(("400", "404", "406", "413", "500"), _PROBLEM),
    }
