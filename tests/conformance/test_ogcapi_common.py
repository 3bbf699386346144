"""OGC API - Common, parts 1 (OGC 19-072) and 2 (collections)."""

import pytest
from starlette.testclient import TestClient

from tests.conformance.ogcapi import (
    CRS84,
    HTML,
    JSON,
    ROOT,
    Row,
    check,
    declared,
    failing,
    get,
    links,
    rows,
)


@rows(
    {
        "common1:/req/landing-page/root-op": Row(path=f"{ROOT}?f=json", media=JSON),
        "common1:/req/landing-page/api-definition-op": Row(
            path=f"{ROOT}/openapi?f=json", media="application/vnd.oai.openapi+json;version=3.0"
        ),
        "common1:/req/landing-page/conformance-op": Row(
            path=f"{ROOT}/conformance?f=json", media=JSON
        ),
        "common1:/req/html/content": Row(path=f"{ROOT}?f=html", media=HTML),
        "common1:/req/collections/rc-md-op": Row(path=f"{ROOT}/collections?f=json", media=JSON),
        "common1:/req/collections/src-md-op": Row(
            path=f"{ROOT}/collections/S2_L1C?f=json", media=JSON
        ),
        "common1:collections:html": Row(path=f"{ROOT}/collections?f=html", media=HTML),
        "common1:collections:unknown": failing(f"{ROOT}/collections/x?f=json", 404),
        "common1:unknown-parameter": failing(f"{ROOT}/collections?nothing=1"),
        "common1:invalid-value": failing(f"{ROOT}/collections?limit=many"),
        "common1:unknown-page": failing(f"{ROOT}/nothing", 404),
    }
)
def test_answers(demo: TestClient, row: Row) -> None:
    check(demo, row)


@pytest.mark.requirement("common1:/req/landing-page/root-success")
def test_the_landing_page_leads_everywhere(demo: TestClient) -> None:
    page = get(demo, f"{ROOT}?f=json").json()
    assert page["title"]
    for relation in ("service-desc", "service-doc", "conformance", "data"):
        for address in links(page, relation):
            get(demo, address)
        assert links(page, relation), relation


@pytest.mark.requirement("common1:/req/landing-page/conformance-success")
@pytest.mark.parametrize(
    ("standard", "part"),
    [
        ("ogcapi-common-1/1.0", "core"),
        ("ogcapi-common-1/1.0", "landing-page"),
        ("ogcapi-common-1/1.0", "oas30"),
        ("ogcapi-common-2/1.0", "collections"),
    ],
)
def test_conformance_is_declared(demo: TestClient, standard: str, part: str) -> None:
    assert declared(demo, standard, part)


@pytest.mark.requirement("common1:/req/landing-page/api-definition-success")
@pytest.mark.requirement("common1:/req/oas30/oas-definition-1")
def test_the_interface_is_described(demo: TestClient) -> None:
    document = get(demo, f"{ROOT}/openapi?f=json").json()
    assert document["openapi"].startswith("3.0")
    assert {"/", "/conformance", "/collections", "/collections/{collectionId}"} <= set(
        document["paths"]
    )
    assert all(
        "200" in one["responses"] or one["operationId"].startswith("getJob")
        for path in document["paths"].values()
        for one in path.values()
    )


@pytest.mark.requirement("common1:/req/json/content")
@pytest.mark.parametrize("path", ["", "/conformance", "/collections", "/collections/S2_L1C"])
def test_json_is_the_default(demo: TestClient, path: str) -> None:
    assert get(demo, f"{ROOT}{path}").headers["content-type"].startswith(JSON)
    people = get(demo, f"{ROOT}{path}", accept="text/html")
    assert people.headers["content-type"].startswith(HTML)


@pytest.mark.requirement("common1:/req/collections/rc-md-success")
@pytest.mark.requirement("common1:/req/collections/src-md-success")
def test_collections_are_those_of_the_list(demo: TestClient) -> None:
    page = get(demo, f"{ROOT}/collections?f=json").json()
    assert links(page, "self")
    for listed in page["collections"]:
        (address,) = (one for one in links(listed, "self") if "json" in one)
        assert get(demo, address).json()["id"] == listed["id"]


@pytest.mark.requirement("common1:/req/collections/rc-extent")
def test_collections_tell_their_extent(demo: TestClient) -> None:
    for listed in get(demo, f"{ROOT}/collections?f=json").json()["collections"]:
        extent = listed["extent"]
        west, south, east, north = extent["spatial"]["bbox"][0]
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
        assert extent["spatial"]["crs"] == CRS84
        start, end = extent["temporal"]["interval"][0]
        assert start <= end


@pytest.mark.requirement("common1:collections:limit")
def test_pages_of_collections(demo: TestClient) -> None:
    seen: list[str] = []
    address = f"{ROOT}/collections?f=json&limit=4"
    while address:
        page = get(demo, address).json()
        assert page["numberReturned"] == len(page["collections"]) <= 4
        seen += [one["id"] for one in page["collections"]]
        address = next(iter(links(page, "next")), "")
    assert len(seen) == len(set(seen)) == page["numberMatched"] == 9


@pytest.mark.requirement("common1:/req/core/http")
def test_other_methods_are_refused(demo: TestClient) -> None:
    assert demo.delete(f"{ROOT}/collections").status_code == 405
