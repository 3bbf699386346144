"""The OpenAPI document: every route that is served, with what it takes and gives."""

from collections.abc import Iterator
from typing import Any

from datacube.explain.values import Level
from datacube.plan.formats import QUERY_FORMATS, TEXT
from datacube.plan.query import Method
from ogc.api import coverage_parts
from ogc.api.edr.openapi import edr_paths
from ogc.api.get_coverage import ALLOWED, FORMATS
from ogc.api.maps_openapi import map_paths
from ogc.api.processes import RESOURCES, RESPONSES
from ogc.posted import FORM, JSON
from ogc.posted import TEXT as PLAIN
from ogc.problem import MEDIA_TYPE
from ogc.wcps.process import COMPAT
from ogc.wcps.process import FORMS as FORMS_TOLD

type Document = dict[str, Any]
"""A JSON document."""

_AS_OF = {
    "name": "as_of",
    "in": "query",
    "description": "Revision of the catalogue to answer from; by default the newest.",
    "required": False,
    "schema": {"type": "integer", "minimum": 0},
}
_PROBLEM: Document = {
    "description": "What was wrong, and what is allowed",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_BUSY: Document = _PROBLEM | {
    "description": "More is asked for at once than is worked on or may wait",
    "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}},
}
_KNOWN: Document = {
    "304": {"description": "The client has the answer, as the header If-None-Match says"},
    "206": {
        "description": "The part that the header Range asks for",
        "headers": {"Content-Range": {"schema": {"type": "string"}}},
    },
    "416": {"description": "The answer has none of the bytes that the header Range asks for"},
}
_PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "parameter": {"type": "string"},
    },
}
_FACTOR: Document = {"type": "number", "minimum": 0, "exclusiveMinimum": True}
_SIDE: Document = {"type": "integer", "minimum": 1}
_COVERAGE: dict[str, tuple[str, Document]] = {
    "bbox": (
        "Keep the cells that this box touches: minima, then maxima, in the axis order of bbox-crs.",
        {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
    ),
    "bbox-crs": ("CRS of bbox, by default CRS:84 (longitude, latitude).", {"type": "string"}),
    "datetime": (
        (
            "A time, which selects one acquisition, or an interval start/end, of which one end may "
            "be '..'."
        ),
        {"type": "string"},
    ),
    "subset": (
        (
            'Keep part of the axes: E(500000:510000),time("2023-08-01":"2023-08-31"). Lat and Lon '
            "are degrees in any coverage."
        ),
        {"type": "string"},
    ),
    "subset-crs": ("CRS of subset, by default the coverage's.", {"type": "string"}),
    "crs": ("CRS of the answer, by default the coverage's.", {"type": "string"}),
    "properties": (
        "Names of bands, in the order wanted; by default all.",
        {"type": "array", "items": {"type": "string"}},
    ),
    "scale-factor": ("How many times fewer cells along every axis of the plane.", _FACTOR),
    "scale-axes": ("How many times fewer cells, by axis: E(2),N(4).", {"type": "string"}),
    "scale-size": ("Number of cells, by axis: E(512),N(512).", {"type": "string"}),
    "width": ("Columns; rows follow where height is not given.", _SIDE),
    "height": ("Rows; columns follow where width is not given.", _SIDE),
    "interpolation": (
        "How scaled and warped cells are made, by default nearest.",
        {"type": "string", "enum": [str(method) for method in Method]},
    ),
    "f": (
        "Format; without it the header Accept decides.",
        {"type": "string", "enum": list(FORMATS)},
    ),
}
_PAGES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("/", "getLandingPage", "First page", ()),
    ("/conformance", "getConformance", "Conformance classes", ()),
    ("/openapi", "getApi", "This document", ()),
    ("/collections", "getCollections", "Collections and coverages", ("limit", "offset")),
    ("/collections/{collectionId}", "getCollection", "A collection or coverage", ()),
    ("/collections/{collectionId}/schema", "getSchema", "Bands, as JSON Schema", ()),
    ("/processes", "getProcesses", "Processes", ("limit",)),
    ("/processes/{processId}", "getProcess", "A process", ()),
    ("/jobs", "getJobs", "Jobs, of which there are none: every process answers at once", ()),
)
"""Path, operation, summary, parameters beside those of every page."""
_PAGE_TYPES = {
    "/openapi": "application/vnd.oai.openapi+json;version=3.0",
    "/collections/{collectionId}/schema": "application/schema+json",
}
"""Media types of pages in JSON that are more than JSON."""
_PATH_TEXTS = {
    "collectionId": "A coverage, or a collection.",
    "processId": "A process.",
    "jobId": "A job.",
}


def describe_api(metadata: Document, url: str) -> Document:
    """Return the document of the API at `url`; `metadata` is what pygeoapi is configured by."""
    told = metadata["identification"]
    provider = metadata["provider"]
    paths: Document = {page[0]: {"get": _page(*page)} for page in _PAGES}
    paths["/collections/{collectionId}/coverage"] = {"get": _coverage()}
    for part in coverage_parts.PARTS:
        paths[f"/collections/{{collectionId}}/coverage/{part}"] = {"get": _part(part)}
    paths |= map_paths() | edr_paths()
    paths["/wcps"] = _wcps()
    paths |= _processes()
    for item in paths.values():
        for method, operation in item.items():
            _tell_problems(operation)
            if method == "get":
                operation["responses"] = operation["responses"] | _KNOWN
    return {
        "openapi": "3.0.3",
        "info": {
            "title": told["title"],
            "description": told["description"],
            "version": "1.0",
            "contact": {"name": provider["name"], "url": provider["url"]},
            "license": dict(metadata["license"]),
        },
        "servers": [{"url": url}],
        "tags": [{"name": name} for name in sorted(_tags(paths))],
        "paths": paths,
        "components": {"schemas": {"Problem": _PROBLEM_SCHEMA}},
    }


def _tags(paths: Document) -> set[str]:
    return {tag for item in paths.values() for told in item.values() for tag in told["tags"]}


def _tell_problems(operation: Document) -> None:
    """Describe every failure in one way; an older revision may be gone on any route."""
    answers = operation["responses"]
    told = {status for status in answers if status.startswith(("4", "5"))}
    for status in sorted(told | {"400", "404", "410", "413", "500"}):
        answers[status] = _PROBLEM
    answers["503"] = _BUSY


def _page(path: str, operation: str, summary: str, further: tuple[str, ...]) -> Document:
    media_type = _PAGE_TYPES.get(path, JSON)
    content = {media_type: {"schema": {"type": "object"}}, "text/html": _text()}
    forms: tuple[str, ...] = ("json", "html")
    if operation == "getCollection":
        forms = (*forms, "jsonld")
        content["application/ld+json"] = {"schema": {"type": "object"}}
    parameters = [
        *_paths(path),
        *map(_whole_number, further),
        _query("f", "Format; without it the header Accept decides.", _enum(forms)),
        _query("lang", "Language of the page.", {"type": "string"}),
        _AS_OF,
    ]
    return _operation(operation, path.split("/")[1] or "common", summary, parameters, content)


def _whole_number(name: str) -> Document:
    text = "Entries to list at most." if name == "limit" else "Entries to leave out."
    schema: Document = {"type": "integer", "minimum": 1 if name == "limit" else 0}
    return _query(name, text, schema)


def _coverage() -> Document:
    content = {kind: _body(kind) for kind in FORMATS.values()}
    parameters = [
        *_paths("/collections/{collectionId}"),
        *(_query(name, *_COVERAGE[name]) for name in ALLOWED if name in _COVERAGE),
        _AS_OF,
    ]
    made = _operation("getCoverage", "coverages", "Cells of a coverage", parameters, content)
    made["responses"]["406"] = _PROBLEM
    made["responses"]["200"]["headers"] = {
        name: {"schema": {"type": "string"}, "description": text}
        for name, text in (
            ("Content-Crs", "CRS of the cells"),
            ("Content-Bbox", "Where they lie, in the axis order of Content-Crs"),
        )
    }
    return made


def _part(part: str) -> Document:
    parameters = [
        *_paths("/collections/{collectionId}"),
        _query("f", "Format.", _enum(("json",))),
        _AS_OF,
    ]
    content = {JSON: {"schema": {"type": "object"}}}
    return _operation(
        f"getCoverage{part.capitalize()}", "coverages", f"The {part}", parameters, content
    )


def _processes() -> Document:
    asked: Document = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"type": "object"},
            "outputs": {"type": "object"},
            "response": _enum(RESPONSES),
        },
    }
    parameters = [
        *_paths("/processes/{processId}"),
        _query("f", "Of no effect: the request says how results come.", {"type": "string"}),
        _AS_OF,
    ]
    media_types = dict.fromkeys((JSON, TEXT, *QUERY_FORMATS))
    run = _operation(
        "execute",
        "processes",
        f"Run a process: {', '.join(RESOURCES)}",
        parameters,
        {kind: _body(kind) for kind in media_types},
    )
    run["requestBody"] = {"required": True, "content": {JSON: {"schema": asked}}}
    made: Document = {"/processes/{processId}/execution": {"post": run}}
    for end, operation in (("", "getJob"), ("/results", "getJobResults")):
        path = f"/jobs/{{jobId}}{end}"
        made[path] = {
            "get": {
                "operationId": operation,
                "tags": ["jobs"],
                "summary": "A job, of which there is none",
                "parameters": [*_paths(path), _AS_OF],
                "responses": {"404": _PROBLEM},
            }
        }
    return made


def _operation(
    operation: str, tag: str, summary: str, parameters: list[Document], content: Document
) -> Document:
    return {
        "operationId": operation,
        "tags": [tag],
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": {"description": "The answer", "content": content}},
    }


def _paths(path: str) -> Iterator[Document]:
    for name, text in _PATH_TEXTS.items():
        if f"{{{name}}}" in path:
            yield {
                "name": name,
                "in": "path",
                "description": text,
                "required": True,
                "schema": {"type": "string"},
            }


def _query(name: str, text: str, schema: Document) -> Document:
    return {
        "name": name,
        "in": "query",
        "description": text,
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": False,
    }


def _enum(values: tuple[str, ...]) -> Document:
    return {"type": "string", "enum": list(values)}


def _body(media_type: str) -> Document:
    """Describe a body: JSON of any shape, a text, or bytes."""
    kind = media_type.partition(";")[0]
    if kind.endswith("json"):
        return {"schema": {}}
    text = kind.startswith("text/") or kind.endswith("xml")
    return {"schema": {"type": "string"} if text else {"type": "string", "format": "binary"}}


def _text() -> Document:
    return {"schema": {"type": "string"}}


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
            "content": {kind: _body(kind) for kind in dict.fromkeys((JSON, TEXT, *QUERY_FORMATS))},
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
