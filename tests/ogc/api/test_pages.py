"""pygeoapi's pages over the live catalogue."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
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
    "/collections/S2_L2A",
    "/collections/S2_L2A/schema",
    "/tileMatrixSets",
    "/tileMatrixSets/WebMercatorQuad",
    "/processes",
    "/processes/wcps",
    "/jobs",
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
        if "/coverage?" in href:
            href += "&datetime=2023-08-15"  # noqa: PLW2901 a whole coverage has two times
        assert client.get(href).status_code == 200, href


def test_the_schema_lists_the_bands(client: TestClient) -> None:
    schema = get(client, "/collections/S2_L2A_32633/schema", f="json")
    assert list(schema["properties"]) == ["B04", "B08", "SCL"]
    assert schema["properties"]["B04"]["x-ogc-scale"] == 0.0001
    assert schema["properties"]["SCL"]["oneOf"] == [{"const": 4, "title": "Veg"}]


def test_conformance_declares_no_class_that_is_not_there(client: TestClient) -> None:
    classes = {c.rpartition("/")[2] for c in get(client, "/conformance", f="json")["conformsTo"]}
    assert {"collections", "coverage-bbox", "coverage-subset", "job-list", "position"} <= classes
    assert {"dismiss", "callback", "coverage-tiles"}.isdisjoint(classes)


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
        assert [c["id"] for c in listed] == ["S2_L2A_32633", "S2_L2A_32634", "S2_L2A"]
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
        ("/collections/NIX", 404, "offered: S2_L2A, S2_L2A_32633"),
        ("/collections/NIX/schema", 404, "offered: S2_L2A, S2_L2A_32633"),
        ("/nix", 404, "unknown page 'nix'"),
        ("/collections?f=png", 400, "offered: json, html"),
        ("/collections?limits=1", 400, "allowed: f, lang, as_of, limit, offset"),
        ("/collections?limit=0", 400, "from 1 to 10000"),
        ("/collections?offset=-1", 400, "integers"),
        ("/processes/nix", 404, "no process 'nix'"),
        ("/jobs/nix", 404, "no job 'nix'"),
        ("/jobs/nix/results", 404, "no job 'nix'"),
        ("/collections/S2_L2A_32633/coverage/nix", 404, "domainset, rangetype"),
        ("/collections/S2_L2A_32633/coverage/domainset?f=xml", 400, "offered: json"),
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
        assert len(document["collections"]) == 61
        seen, href = [], "/ogcapi/collections?f=json&limit=25"
        while href:
            page = client.get(href).json()
            assert page["numberMatched"] == 61
            assert page["numberReturned"] == len(page["collections"]) <= 25
            seen += [found["id"] for found in page["collections"]]
            steps = {link["rel"]: link["href"] for link in page["links"]}
            assert ("prev" in steps) == (len(seen) > 25)
            href = steps.get("next", "")
        assert seen == [found["id"] for found in document["collections"]]
        html = client.get("/ogcapi/collections?f=html&limit=25&offset=25").text
        assert ("Next page" in html, "Previous page" in html) == (True, True)


def test_pages_are_asked_again_by_their_tags(client: TestClient) -> None:
    for page in PAGES:
        first = client.get(f"/ogcapi{page}", params={"f": "json"})
        assert first.headers["cache-control"] == "no-cache"
        assert "Accept" in first.headers["vary"]
        known = {"if-none-match": first.headers["etag"]}
        again = client.get(f"/ogcapi{page}", params={"f": "json"}, headers=known)
        assert (again.status_code, again.content) == (304, b"")


def test_pages_for_people_load_nothing_from_elsewhere(client: TestClient) -> None:
    for page in PAGES:
        text = client.get(f"/ogcapi{page}", params={"f": "html"}).text
        loaded = re.findall(
            r"<(?:script|img)[^>]*src=\"([^\"]+)|<link rel=\"stylesheet\"[^>]*href=\"([^\"]+)", text
        )
        assert loaded, page
        for source, sheet in loaded:
            address = (source or sheet).replace("&amp;", "&")
            assert address.startswith("http://testserver/ogcapi/"), (page, address)
            assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("name", ["S2_L2A", "S2_L2A_32633"])
def test_a_collection_shows_people_its_map_and_what_to_copy(client: TestClient, name: str) -> None:
    text = unescape(client.get(f"/ogcapi/collections/{name}", params={"f": "html"}).text)
    copied = re.findall(r"data-copy=\"(.*?)\">Copy<", text)
    assert [re.search(rf"<dt>{k}</dt>", text) is not None for k in ("WMS", "WMTS", "WCS")] == [
        *(True, True, True)
    ]
    assert copied[0] == "http://testserver/ows?service=WMS&request=GetCapabilities"
    assert "coverageId=S2_L2A_32633" in copied[2]
    counted = client.get("/ogcapi/wcps", params={"query": copied[3]})
    assert counted.text == str(((CELLS[0] != -32768) & (CELLS[0] != 0)).sum())
    assert 'copernicube.open("http://testserver")["S2_L2A_32633"]' in copied[4]
    assert f"/collections/{name}/map?f=png" in text


def test_a_collection_of_zones_is_described_as_a_whole() -> None:
    world = make_world()
    world.add(optical_cube(32634), {"B04": CELLS[0]})
    with client_of(world) as client:
        document = get(client, "/collections/S2_L2A", f="json")
        parts = [get(client, f"/collections/S2_L2A_{zone}", f="json") for zone in (32633, 32634)]
    boxes = [part["extent"]["spatial"]["bbox"][0] for part in parts]
    expected = [*(min(box[i] for box in boxes) for i in (0, 1))]
    expected += [max(box[i] for box in boxes) for i in (2, 3)]
    assert document["extent"]["spatial"]["bbox"][0] == pytest.approx(expected, abs=1e-5)
    assert document["crs"][1:] == [part["storageCrs"] for part in parts]
    items = [link["href"] for link in document["links"] if link["rel"] == "item"]
    assert [href.rpartition("/")[2] for href in items] == ["S2_L2A_32633", "S2_L2A_32634"]
    assert document["extent"]["temporal"]["interval"][0][0].startswith("2023-08-10")


def test_domain_set_and_range_type_are_parts_of_the_coverage(client: TestClient) -> None:
    domain = get(client, "/collections/S2_L2A_32633/coverage/domainset")["generalGrid"]
    axes = {axis["axisLabel"]: axis for axis in domain["axis"]}
    assert (axes["E"]["lowerBound"], axes["E"]["upperBound"]) == (499_980, 500_780)
    assert axes["E"]["resolution"] == 10
    assert len(axes["ansi"]["coordinate"]) == 2
    fields = get(client, "/collections/S2_L2A_32633/coverage/rangetype")["field"]
    assert [field["name"] for field in fields] == ["B04", "B08", "SCL"]
