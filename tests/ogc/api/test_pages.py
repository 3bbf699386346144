"""pygeoapi's pages over the live catalogue."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft4Validator
from pygeoapi.openapi import SCHEMASDIR
from pygeoapi.util import yaml_load
from rasterio.warp import transform_bounds
from starlette.testclient import TestClient

from datacube.protocols import BandRead
from tests.builders.fakes import World, optical_cube
from tests.ogc.api.conftest import CELLS, client_of, make_world

PAGES = (
    "",
    "/openapi",
    "/conformance",
    "/collections",
    "/collections/S2_L2A_32633",
    "/collections/S2_L2A_32633/schema",
    "/collections/S2_L2A_32633/queryables",
    "/TileMatrixSets",
    "/TileMatrixSets/WebMercatorQuad",
    "/processes",
)


def get(client: TestClient, path: str, **params: str) -> Any:  # noqa: ANN401 a JSON document
    reply = client.get(f"/ogcapi{path}", params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_answers_in_json_and_html_with_its_revision(
    client: TestClient, page: str
) -> None:
    for name, media_type in (("json", "json"), ("html", "text/html")):
        reply = client.get(f"/ogcapi{page}", params={"f": name})
        assert reply.status_code == 200, reply.text
        assert media_type in reply.headers["content-type"]
        assert reply.headers["copernicube-revision"] == "2"
        older = client.get(f"/ogcapi{page}", params={"f": name, "as_of": "1"})
        assert older.headers["copernicube-revision"] == "1"


def test_a_browser_gets_html_and_a_program_json(client: TestClient) -> None:
    browser = "text/html,application/xhtml+xml,image/png,*/*;q=0.8"
    for accept, sent in (
        (browser, "text/html"),
        ("*/*", "application/json"),
        ("image/png", "json"),
    ):
        reply = client.get("/ogcapi/collections", headers={"accept": accept})
        assert sent in reply.headers["content-type"]


def test_a_collection_tells_its_extent_in_both_crss(client: TestClient) -> None:
    document = get(client, "/collections/S2_L2A_32633", f="json")
    native = (499_980.0, 5_199_420.0, 500_780.0, 5_200_020.0)
    expected = transform_bounds("EPSG:32633", "OGC:CRS84", *native)
    assert document["extent"]["spatial"]["bbox"][0] == pytest.approx(expected, abs=1e-6)
    assert document["extent"]["spatial"]["storageCrsBbox"] == [list(native)]
    assert document["storageCrs"] == "http://www.opengis.net/def/crs/EPSG/0/32633"
    assert document["extent"]["temporal"]["interval"] == [
        ["2023-08-10T09:50:31.024Z", "2023-08-15T09:50:31.024Z"]
    ]


def test_links_of_every_document_lead_somewhere(client: TestClient) -> None:
    found: set[str] = set()
    for page in ("", "/collections", "/collections/S2_L2A_32633"):
        document = get(client, page, f="json")
        found |= {link["href"] for link in document["links"]}
        for collection in document.get("collections", ()):
            found |= {link["href"] for link in collection["links"]}
    ours = {href for href in found if "/ogcapi" in href}
    assert len(ours) > 15
    for href in ours:
        if "/coverage" in href:
            href += "&datetime=2023-08-15"  # noqa: PLW2901 a whole coverage has two times
        assert client.get(href).status_code == 200, href


def test_the_schema_lists_the_bands(client: TestClient) -> None:
    schema = get(client, "/collections/S2_L2A_32633/schema", f="json")
    assert list(schema["properties"]) == ["B04", "B08", "SCL"]
    assert schema["properties"]["B04"]["x-ogc-scale"] == 0.0001
    assert schema["properties"]["SCL"]["oneOf"] == [{"const": 4, "title": "Veg"}]


PLACES = {
    "collectionId": "S2_L2A",
    "styleId": "B04",
    "tileMatrixSetId": "WorldCRS84Quad",
    "tileMatrix": "1",
    "tileRow": "0",
    "tileCol": "2",
}
"""Values of the path's parameters under which the document's paths have an answer."""


def test_the_openapi_document_is_valid_and_tells_the_truth(client: TestClient) -> None:
    document = get(client, "/openapi", f="json")
    with (SCHEMASDIR / "openapi" / "openapi-3.0.x.json").open() as file:
        Draft4Validator(yaml_load(file)).validate(document)
    for path in document["paths"]:
        if path == "/wcps":
            # What it answers is asked of a real store, in tests/acceptance.
            continue
        if any(
            p["required"] and p["in"] == "query"
            for p in document["paths"][path]["get"]["parameters"]
        ):
            # Asked in test_edr.py, with what they need.
            continue
        for name, value in PLACES.items():
            path = path.replace(f"{{{name}}}", value)  # noqa: PLW2901 a template, filled
        href = f"/ogcapi{path}" + ("?datetime=2023-08-15" if path.endswith("coverage") else "")
        assert client.get(href).status_code == 200, path
    coverage = document["paths"]["/collections/S2_L2A_32633/coverage"]["get"]
    queries = document["paths"]["/wcps"]
    assert [p["name"] for p in queries["get"]["parameters"]] == [
        *("query", "compat", "explain", "f", "as_of")
    ]
    assert "application/json" in queries["post"]["requestBody"]["content"]
    assert [p["name"] for p in coverage["parameters"]] == [
        *("bbox", "bbox-crs", "datetime", "properties", "f", "as_of")
    ]


def test_conformance_declares_no_class_that_is_not_there(client: TestClient) -> None:
    classes = {c.rpartition("/")[2] for c in get(client, "/conformance", f="json")["conformsTo"]}
    assert {"collections", "coverage-bbox", "coverage-datetime"} <= classes
    assert "coverage-subset" not in classes


def test_a_new_cube_shows_everywhere_at_once_and_as_of_hides_it() -> None:
    world = make_world()
    with client_of(world) as client:
        before = {
            (page, name): client.get(f"/ogcapi{page}", params={"f": name}).content
            for page in PAGES
            for name in ("json", "html")
        }
        world.add(optical_cube(32634), {"B04": CELLS[0]})
        listed = get(client, "/collections", f="json")["collections"]
        assert [c["id"] for c in listed] == ["S2_L2A_32633", "S2_L2A_32634"]
        assert "/collections/S2_L2A_32634" in get(client, "/openapi", f="json")["paths"]
        for page in ("/collections", "/collections/S2_L2A_32634"):
            assert b"S2_L2A_32634" in client.get(f"/ogcapi{page}", params={"f": "html"}).content
        for (page, name), body in before.items():
            older = client.get(f"/ogcapi{page}", params={"f": name, "as_of": "2"})
            assert older.content == body, page
        assert client.get("/ogcapi/collections/S2_L2A_32634?as_of=2").status_code == 404


def test_links_follow_the_address_that_a_client_used() -> None:
    with client_of(make_world()) as client:
        for host in ("one.example", "two.example"):
            headers = {"host": host}
            for name in ("json", "html"):
                reply = client.get(f"/ogcapi/collections?f={name}", headers=headers)
                assert f"http://{host}/ogcapi" in reply.text
                assert "http://two.example" not in reply.text or host == "two.example"


def test_pages_in_many_threads_do_not_mix_revisions() -> None:
    world = make_world()
    world.add(optical_cube(32634), {"B04": CELLS[0]})
    start = threading.Barrier(8)
    with client_of(world) as client:

        def fetch(number: int) -> bool:
            start.wait()
            as_of = 2 + number % 2
            text = client.get(f"/ogcapi/collections?f=html&as_of={as_of}").text
            return ("S2_L2A_32634" in text) == (as_of == 3)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(fetch, range(8)))


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/collections/NIX", 404, "offered: S2_L2A_32633"),
        ("/collections/NIX/schema", 404, "offered: S2_L2A_32633"),
        ("/nix", 404, "unknown page 'nix'"),
        ("/collections?f=png", 400, "offered: json, html, jsonld"),
        ("/collections?limit=1", 400, "allowed: f, lang, as_of"),
        ("/collections?as_of=-1", 400, "integers"),
    ],
)
def test_failures_are_problem_documents(
    client: TestClient, path: str, status: int, told: str
) -> None:
    reply = client.get(f"/ogcapi{path}")
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert told in reply.json()["detail"]
    assert ("copernicube-revision" in reply.headers) == ("as_of" not in path)


class Many(World):
    """Coverages whose cells nobody may read."""

    def read(self, slot: object, request: BandRead) -> Any:  # noqa: ANN401 it never returns
        raise AssertionError(f"{slot} {request} was read for a list")


def test_a_list_of_many_collections_opens_no_store() -> None:
    world = Many()
    for zone in range(32601, 32661):
        world.add(optical_cube(zone), {"B04": CELLS[0, :4, :4]})
    with client_of(world) as client:
        document = get(client, "/collections", f="json")
    assert len(document["collections"]) == 60
