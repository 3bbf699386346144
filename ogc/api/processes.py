"""The processes (OGC API - Processes, Part 1: Core, OGC 18-062r2), which answer at once."""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pygeoapi.process.base import BaseProcessor

from datacube.errors import InvalidParameterError
from ogc.exchange import Reply, Session, Site, revision_header, taken
from ogc.kvp import Kvp, MissingParameterError, shown
from ogc.problem import MEDIA_TYPE
from ogc.wcps import process
from ogc.wcps.process import COMPAT

type Document = dict[str, Any]

JSON = "application/json"
RESPONSES = ("raw", "document")
"""How results may come, the usual one first."""
_EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
_TEXT_TYPES = ("text/", "application/json", "application/prs.coverage+json", "application/gml")

ECHO: Document = {
    "version": "1.0.0",
    "id": "echo",
    "title": "Echo",
    "description": "Answers what it is given: for tests of clients.",
    "keywords": ["test"],
    "jobControlOptions": ["sync-execute"],
    "outputTransmission": ["value"],
    "inputs": {
        "echoInput": {
            "title": "Anything",
            "description": "Text, a number, a list or an object.",
            "minOccurs": 1,
            "maxOccurs": 1,
            "schema": {"oneOf": [{"type": kind} for kind in ("string", "number", "object")]},
        }
    },
    "outputs": {
        "echoOutput": {
            "title": "The same",
            "schema": {"oneOf": [{"type": kind} for kind in ("string", "number", "object")]},
        }
    },
    "links": [],
    "example": {"inputs": {"echoInput": "Hello"}},
}
WCPS: Document = {
    "version": "1.0.0",
    "id": "wcps",
    "title": "WCPS query",
    "description": "Answers a query of WCPS with one encoded result.",
    "keywords": ["WCPS", "datacube"],
    "jobControlOptions": ["sync-execute"],
    "outputTransmission": ["value"],
    "inputs": {
        "query": {
            "title": "Query",
            "description": "for $c in (COVERAGE) return ...",
            "minOccurs": 1,
            "maxOccurs": 1,
            "schema": {"type": "string"},
        },
        "compat": {
            "title": "Rules for nulls",
            "description": "Whose rules hold for cells without data.",
            "minOccurs": 0,
            "maxOccurs": 1,
            "schema": {"type": "string", "enum": sorted(COMPAT)},
        },
    },
    "outputs": {
        "result": {
            "title": "Result",
            "description": "In the format that the query asks for.",
            "schema": {"type": "string", "format": "byte"},
        }
    },
    "links": [],
    "example": {"inputs": {"query": "for $c in (S2_L2A_32633) return count($c.B08)"}},
}


class Echo(BaseProcessor):  # type: ignore[misc]  # pygeoapi has no annotations
    """Tells pygeoapi of the process `echo`; it is run by `execute`."""

    def __init__(self, processor_def: Document) -> None:
        super().__init__(processor_def, ECHO)


class Wcps(BaseProcessor):  # type: ignore[misc]  # pygeoapi has no annotations
    """Tells pygeoapi of the process `wcps`; it is run by `execute`."""

    def __init__(self, processor_def: Document) -> None:
        super().__init__(processor_def, WCPS)


RESOURCES: Mapping[str, Document] = {
    "echo": {"type": "process", "processor": {"name": "ogc.api.processes.Echo"}},
    "wcps": {"type": "process", "processor": {"name": "ogc.api.processes.Wcps"}},
}
"""The processes as pygeoapi configures them."""
_DESCRIPTIONS: Mapping[str, Document] = {"echo": ECHO, "wcps": WCPS}


def execute(name: str, body: bytes, session: Session, site: Site) -> Reply:
    """Run a process; what it gives is complete.

    Raises
    ------
    InvalidParameterError
        If the body is no request, or an input is missing, unknown or of another type.
    CubeError
        Whatever the query fails by.
    """
    if name not in _DESCRIPTIONS:
        return no_such("process", name, session.view.revision)
    request = _read(body)
    inputs, form = _checked(name, request)
    if name == "echo":
        value = inputs["echoInput"]
        raw = Reply(
            status=HTTPStatus.OK,
            media_type=JSON,
            body=json.dumps(value).encode(),
            headers=(revision_header(session.view.revision),),
        )
        return raw if form == "raw" else _document("echoOutput", raw)
    kvp = Kvp(pairs=tuple((key, value) for key, value in inputs.items()))
    raw = process.answer(kvp, session, site)
    return raw if form == "raw" else _document("result", raw)


def _read(body: bytes) -> Document:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidParameterError(f"the body is no JSON: {error}") from error
    if not isinstance(request, dict):
        raise InvalidParameterError("the body is no object; allowed is one with inputs")
    return request


def _checked(name: str, request: Document) -> tuple[Document, str]:
    """Return the inputs and the form of the response."""
    offered: Document = _DESCRIPTIONS[name]["inputs"]
    inputs = request.get("inputs", {})
    if not isinstance(inputs, dict):
        raise InvalidParameterError("inputs is no object", parameter="inputs")
    for key, value in inputs.items():
        if key not in offered:
            raise InvalidParameterError(
                f"unknown input {shown(key)}; allowed: {', '.join(offered)}", parameter="inputs"
            )
        if offered[key]["schema"].get("type") == "string" and not isinstance(value, str):
            raise InvalidParameterError(
                f"input {key} is {shown(json.dumps(value))}; allowed is text", parameter=key
            )
    for key, described in offered.items():
        if described["minOccurs"] and inputs.get(key) in (None, ""):
            raise MissingParameterError(key, f"input {key} is missing")
    form = request.get("response", RESPONSES[0])
    if form not in RESPONSES:
        raise InvalidParameterError(
            f"response is {shown(str(form))}; allowed are {' and '.join(RESPONSES)}",
            parameter="response",
        )
    known = set(_DESCRIPTIONS[name]["outputs"])
    outputs = request.get("outputs", {})
    if not isinstance(outputs, dict) or set(outputs) - known:
        raise InvalidParameterError(
            f"outputs is not allowed; allowed: {', '.join(sorted(known))}", parameter="outputs"
        )
    return inputs, form


def _document(output: str, raw: Reply) -> Reply:
    """Put the bytes of a result into a document: text as it is, all else in base64."""
    body = taken(raw.body)
    value: Any
    if raw.media_type == JSON:
        value = json.loads(body)
    elif raw.media_type.startswith(_TEXT_TYPES):
        value = {"value": body.decode(), "mediaType": raw.media_type}
    else:
        text = base64.b64encode(body).decode()
        value = {"value": text, "encoding": "base64", "mediaType": raw.media_type}
    kept = tuple(pair for pair in raw.headers if pair[0] != "ETag")
    told = json.dumps({output: value}).encode()
    return Reply(status=HTTPStatus.OK, media_type=JSON, body=told, headers=kept)


def no_such(kind: str, name: str, revision: int) -> Reply:
    """Tell that there is no such process or job (requirements `no-such-process`, `no-such-job`)."""
    document = {
        "type": f"{_EXCEPTIONS}/no-such-{kind}",
        "title": f"No such {kind}",
        "status": int(HTTPStatus.NOT_FOUND),
        "code": f"NoSuch{kind.capitalize()}",
        "detail": f"there is no {kind} {shown(name)}",
    }
    body = json.dumps(document).encode()
    return Reply(
        status=HTTPStatus.NOT_FOUND,
        media_type=MEDIA_TYPE,
        body=body,
        headers=(revision_header(revision),),
    )
