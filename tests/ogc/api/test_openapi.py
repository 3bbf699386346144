"""The OpenAPI document against the standard, against the routes, and against the answers."""

import re
from typing import Any

from openapi_spec_validator import validate
from pyproj import Transformer
from starlette.routing import Route
from starlette.testclient import TestClient

from ogc.api.routes import api_routes
from tests.ogc.api.conftest import make_world
from tests.ogc.zarr.conftest import LEFT_M, TOP_M, engine_over

PLACES = {
    "collectionId": "S2_L2A",
    "styleId": "B04",
    "tileMatrixSetId": "WorldCRS84Quad",
    "tileMatrix": "1",
    "tileRow": "0",
    "tileCol": "2",
    "processId": "wcps",
    "jobId": "none",
}
"""Values of the path's parameters under which the document's paths have an answer."""
_CHANGE = Transformer.from_crs(32633, 4326, always_xy=True)
_WEST, _SOUTH = _CHANGE.transform(LEFT_M + 305, TOP_M - 305)
_EAST, _NORTH = _CHANGE.transform(LEFT_M + 405, TOP_M - 205)
_POINT = f"POINT({_WEST} {_SOUTH})"
_LINE = f"LINESTRING({_WEST} {_SOUTH},{_EAST} {_NORTH})"
_RING = f"{_WEST} {_SOUTH},{_EAST} {_SOUTH},{_EAST} {_NORTH},{_WEST} {_SOUTH}"
NEEDED = {
    "position": {"coords": _POINT},
    "area": {"coords": f"POLYGON(({_RING}))"},
    "cube": {"bbox": f"{_WEST},{_SOUTH},{_EAST},{_NORTH}"},
    "trajectory": {"coords": _LINE},
    "radius": {"coords": _POINT, "within": "50", "within-units": "m"},
    "corridor": {
        "coords": _LINE,
        "corridor-width": "50",
        "width-units": "m",
    },
    "coverage": {"datetime": "2023-08-15"},
    "wcps": {"query": "for $c in (S2_L2A_32633) return count($c.B04)"},
}
"""What a path needs by its end, so that there is an answer."""


def document_of(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/ogcapi/openapi").json()
    return document


def test_the_document_is_valid_and_names_every_operation_once(client: TestClient) -> None:
    document = document_of(client)
    validate(document)
    operations = [told for item in document["paths"].values() for told in item.values()]
    names = [told["operationId"] for told in operations]
    assert len(names) == len(set(names)) > 30
    problem = {"$ref": "#/components/schemas/Problem"}
    for told in operations:
        assert {"404"} <= told["responses"].keys()
        assert "Retry-After" in told["responses"]["503"]["headers"]
        for status, answer in told["responses"].items():
            # Whoever asks for bytes that are not there gets none, not even of a problem.
            if status >= "400" and status != "416":
                assert answer["content"]["application/problem+json"]["schema"] == problem
        keys = [(one["name"], one["in"]) for one in told["parameters"]]
        assert len(keys) == len(set(keys))


def test_it_has_exactly_the_routes_that_are_served(client: TestClient) -> None:
    routes = api_routes(engine_over(make_world()).session, lambda _: "http://testserver")
    served = {
        (method, re.sub(r"\{[^}]*\}", "{}", route.path))
        for route in routes
        if isinstance(route, Route) and route.path != "/{path:path}"
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }
    parts = {("GET", "/collections/{}/coverage/" + part) for part in ("domainset", "rangetype")}
    served = served - {("GET", "/collections/{}/coverage/{}")} | parts
    told = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
        for path, item in document_of(client)["paths"].items()
        for method in item
    }
    assert told == served


def test_every_operation_answers_as_it_is_described(client: TestClient) -> None:
    for path, item in document_of(client)["paths"].items():
        if "get" not in item:
            continue
        name = "S2_L2A_32633" if "/coverage/" in path or _end(path) in NEEDED else "S2_L2A"
        href = path
        for key, value in (PLACES | {"collectionId": name}).items():
            href = href.replace(f"{{{key}}}", value)
        reply = client.get(f"/ogcapi{href}", params=NEEDED.get(_end(path), {}))
        answers = item["get"]["responses"]
        assert str(reply.status_code) in answers, (path, reply.text)
        assert reply.status_code == (404 if path.startswith("/jobs/") else 200), (path, reply.text)
        told = {kind.partition(";")[0] for kind in answers[str(reply.status_code)]["content"]}
        assert reply.headers["content-type"].partition(";")[0] in told, path


def test_every_parameter_is_read_and_no_other(client: TestClient) -> None:
    for path, item in document_of(client)["paths"].items():
        if "get" not in item or path == "/wcps":
            continue
        href = path
        for key, value in (PLACES | {"collectionId": "S2_L2A_32633"}).items():
            href = href.replace(f"{{{key}}}", value)
        for one in item["get"]["parameters"]:
            if one["in"] == "query":
                reply = client.get(f"/ogcapi{href}", params={one["name"]: ""})
                assert "unknown parameter" not in reply.text, (path, one["name"])
        reply = client.get(f"/ogcapi{href}", params={"nonsense": "1"})
        if path.startswith("/jobs/"):
            assert reply.status_code == 404
        else:
            assert (reply.status_code, reply.json()["parameter"]) == (400, "nonsense"), path


def _end(path: str) -> str:
    return path.rpartition("/")[2]
