"""What collections, conformance and OpenAPI say of the EDR queries."""

from typing import Any

import pytest
from pyproj import CRS
from starlette.testclient import TestClient

from ogc.api.edr.request import Kind, allowed

COLLECTION = "/ogcapi/collections/S2_L2A_32633"


def get(client: TestClient, path: str) -> Any:  # noqa: ANN401 a JSON document
    return client.get(path, params={"f": "json"}).json()


def test_a_collection_says_where_and_how_to_ask(client: TestClient) -> None:
    document = get(client, COLLECTION)
    assert set(document["data_queries"]) == set(map(str, Kind))
    assert document["output_formats"] == ["CSV", "CoverageJSON", "GeoJSON", "netCDF"]
    assert document["crs"][0].endswith("/OGC/1.3/CRS84")
    assert document["parameter_names"]["B04"]["observedProperty"]["label"] == "B04"
    assert document["parameter_names"]["SCL"]["data-type"] == "integer"
    for kind, query in document["data_queries"].items():
        link = query["link"]
        assert (link["rel"], link["href"]) == ("data", f"http://testserver{COLLECTION}/{kind}")
        variables = link["variables"]
        assert (variables["query_type"], variables["default_output_format"]) == (
            kind,
            "CoverageJSON",
        )
        assert [CRS.from_wkt(one["wkt"]).to_epsg() for one in variables["crs_details"]][1:] == [
            32633
        ]
    assert get(client, "/ogcapi/collections")["collections"][0]["data_queries"]


@pytest.mark.parametrize("kind", Kind)
def test_every_listed_format_and_crs_answers(client: TestClient, kind: Kind) -> None:
    document = get(client, COLLECTION)
    west, south, east, north = document["extent"]["spatial"]["bbox"][0]
    x, y = (west + east) / 2, (south + north) / 2
    line = f"LINESTRING({west} {south},{x} {y},{east} {north})"
    params = {
        Kind.POSITION: {"coords": f"POINT({x} {y})"},
        Kind.AREA: {"coords": f"POLYGON(({x} {y},{east} {y},{east} {north},{x} {y}))"},
        Kind.CUBE: {"bbox": f"{x},{y},{east},{north}"},
        Kind.TRAJECTORY: {"coords": line},
        Kind.RADIUS: {"coords": f"POINT({x} {y})", "within": "100", "within-units": "m"},
        # As the OGC's suite asks, without a height.
        Kind.CORRIDOR: {"coords": line, "corridor-width": "20", "width-units": "m"},
    }[kind]
    start, end = document["extent"]["temporal"]["interval"][0]
    crs = document["crs"][0]
    asked = params | {"parameter-name": "B04", "datetime": f"{start}/{end}", "crs": crs}
    sent = []
    for name in document["data_queries"][kind]["link"]["variables"]["output_formats"]:
        reply = client.get(f"{COLLECTION}/{kind}", params=asked | {"f": name})
        assert reply.status_code == 200, reply.text
        sent.append(reply.headers["content-type"].partition(";")[0])
    last = "geo+json" if kind in {Kind.POSITION, Kind.TRAJECTORY} else "netcdf"
    assert sent == ["application/prs.coverage+json", "text/csv", f"application/{last}"]


def test_conformance_lists_the_queries(client: TestClient) -> None:
    classes = get(client, "/ogcapi/conformance")["conformsTo"]
    for kind in Kind:
        assert f"http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/{kind}" in classes
    assert not any("edr-1/1.1/conf/" + name in one for one in classes for name in ("items", "loca"))


@pytest.mark.parametrize("kind", Kind)
def test_openapi_defines_the_parameters_as_the_suite_asks(client: TestClient, kind: Kind) -> None:
    document = get(client, "/ogcapi/openapi")
    operation = document["paths"][f"/collections/{{collectionId}}/{kind}"]["get"]
    found = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
    assert set(found) == set(allowed(kind))
    for name, one in found.items():
        assert (one["style"], one["explode"]) == ("form", False)
        without = client.get(f"{COLLECTION}/{kind}", params={})
        assert without.status_code == 400
        if one["required"]:
            lengths = {n for n in found if "with" in n or "width" in n or "height" in n}
            assert name in {"coords", "bbox"} | lengths
    where = "bbox" if kind is Kind.CUBE else "coords"
    assert found[where]["required"]
    assert found[where]["schema"]["type"] == "string"
    assert {"200", "204", "400", "404", "413"} <= set(operation["responses"])
