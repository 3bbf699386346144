"""OGC API - Tiles, by the requirements of OGC 20-057 that its suite asks for."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from datacube.grid import northing_first
from ogc.crs import parse_crs
from tests.acceptance.clients import rgba

REL = "http://www.opengis.net/def/rel/ogc/1.0"
COLLECTION = "/ogcapi/collections/S2_L2A"
CUBE = "/ogcapi/collections/S2_L2A_32633"
PLACES = (COLLECTION, CUBE, f"{COLLECTION}/styles/B04", "/ogcapi")
"""What has tiles of maps below `/map/tiles`."""

type Document = dict[str, Any]


def get(client: TestClient, path: str) -> Document:
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    document: Document = response.json()
    return document


def local(href: str) -> str:
    return href.removeprefix("http://testserver")


@pytest.mark.parametrize("place", PLACES)
def test_tilesets_list_every_set_has_its_page(client: TestClient, place: str) -> None:
    """/req/tilesets-list: links of relation `self` lead to tile sets, `tiling-scheme` to sets."""
    listed = get(client, f"{place}/map/tiles")["tilesets"]
    assert len(listed) >= 2
    for entry in listed:
        assert entry["dataType"] == "map"
        by_relation = {link["rel"]: local(link["href"]) for link in entry["links"]}
        tile_set = get(client, by_relation["self"])
        definition = get(client, by_relation[f"{REL}/tiling-scheme"])
        assert tile_set["crs"] == definition["crs"] == entry["crs"]
        assert tile_set["tileMatrixSetURI"] == entry["tileMatrixSetURI"]


@pytest.mark.parametrize("place", PLACES)
def test_geodata_tilesets_templates_give_tiles_within_limits(
    client: TestClient, place: str
) -> None:
    """/req/core/tc-success, and /req/core/tc-error beyond the limits."""
    for name in ("WebMercatorQuad", "WorldCRS84Quad"):
        document = get(client, f"{place}/map/tiles/{name}")
        templates = [link for link in document["links"] if link["rel"] == "item"]
        assert [link["type"] for link in templates] == ["image/png", "image/jpeg", "image/webp"]
        limit = next(
            entry for entry in document["tileMatrixSetLimits"] if entry["tileMatrix"] == "12"
        )
        for link in templates:
            assert link["templated"] is True
            address = local(link["href"])
            inside = address.format(
                tileMatrix=12, tileRow=limit["minTileRow"], tileCol=limit["maxTileCol"]
            )
            response = client.get(inside)
            assert response.status_code == 200
            assert response.headers["content-type"] == link["type"]
            assert rgba(response.content).shape == (256, 256, 4)
            outside = address.format(
                tileMatrix=12, tileRow=limit["minTileRow"], tileCol=limit["maxTileCol"] + 1
            )
            assert client.get(outside).status_code == 404


def test_tile_matrix_sets_are_listed_and_defined(client: TestClient) -> None:
    """/req/tilematrixset of OGC 17-083r4: members, order of the axes of each CRS."""
    listed = get(client, "/ogcapi/tileMatrixSets")["tileMatrixSets"]
    assert {"WebMercatorQuad", "WorldCRS84Quad", "EPSG32633_10m"} <= {e["id"] for e in listed}
    for entry in listed:
        definition = get(client, local(entry["links"][0]["href"]))
        assert definition["id"] == entry["id"]
        crs = parse_crs(definition["crs"])
        assert len(definition["orderedAxes"]) == 2
        scales = []
        for matrix in definition["tileMatrices"]:
            one, other = matrix["pointOfOrigin"]
            x, y = (other, one) if northing_first(crs) else (one, other)
            assert (x, y) in {
                (-20037508.342789244, 20037508.342789244),
                (-180, 90),
                (-600_000, 10_800_000),
            }
            scales.append(matrix["scaleDenominator"])
            assert matrix["cornerOfOrigin"] == "topLeft"
            assert matrix["tileWidth"] == matrix["tileHeight"] == 256
        assert scales == sorted(scales, reverse=True)


def test_tile_matrix_sets_have_pages_for_people(client: TestClient) -> None:
    for path in ("tileMatrixSets", "tileMatrixSets/EPSG32633_10m"):
        response = client.get(f"/ogcapi/{path}?f=html")
        assert response.headers["content-type"].startswith("text/html")
        assert "EPSG32633_10m" in response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/map/tiles/nothing", 404),
        ("/map/tiles?f=pdf", 400),
        ("/map/tiles?format=json", 400),
        ("/map/tiles/WebMercatorQuad/30/0/0", 404),
        ("/map/tiles/WebMercatorQuad/x/0/0", 404),
        ("/map/tiles/WebMercatorQuad/1/x/0", 400),
        ("/map/tiles/WebMercatorQuad/1/0/-1", 404),
        ("/map/tiles/WebMercatorQuad/1/0/1?f=gif", 400),
        ("/map/tiles/WebMercatorQuad/1/0/1?datetime=soon", 400),
        ("/map/tiles/WebMercatorQuad/1/0/1?datetime=1999", 404),
        ("/map/tiles/WebMercatorQuad/1/0/1?time=2023", 400),
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_tc_error(client: TestClient, place: str, path: str, status: int) -> None:
    response = client.get(f"{place}{path}")
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/ogcapi/collections/nothing/map/tiles",
        "/ogcapi/collections/nothing/map/tiles/WebMercatorQuad/0/0/0",
        "/ogcapi/collections/S2_L2A/styles/nothing/map/tiles/WebMercatorQuad/0/0/0",
        "/ogcapi/map/tiles?collections=nothing",
        "/ogcapi/tileMatrixSets/nothing",
    ],
)
def test_what_does_not_exist_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_dataset_tiles_paint_the_collections_that_are_named(client: TestClient) -> None:
    limit = get(client, f"{COLLECTION}/map/tiles/WebMercatorQuad")["tileMatrixSetLimits"][14]
    tile = f"WebMercatorQuad/14/{limit['minTileRow']}/{limit['minTileCol']}"
    wanted = client.get(f"{COLLECTION}/map/tiles/{tile}").content
    assert client.get(f"/ogcapi/map/tiles/{tile}?collections=S2_L2A").content == wanted
    assert client.get(f"/ogcapi/map/tiles/{tile}").content == wanted


def test_accept_chooses_the_format(client: TestClient) -> None:
    address = f"{COLLECTION}/map/tiles/WebMercatorQuad/0/0/0"
    for accept, media_type in (
        ("image/webp", "image/webp"),
        ("image/jpeg;q=0.5,image/webp;q=0.4", "image/jpeg"),
        ("image/*", "image/png"),
        ("text/html,*/*;q=0.1", "image/png"),
    ):
        response = client.get(address, headers={"Accept": accept})
        assert response.headers["content-type"] == media_type
    assert client.get(address, headers={"Accept": "application/pdf"}).status_code == 406
    assert (
        client.get(f"{address}?f=jpg", headers={"Accept": "image/png"}).headers["content-type"]
        == "image/jpeg"
    )


def test_operation_ids_are_unique_and_every_tile_route_has_one(client: TestClient) -> None:
    """/req/oas30/completeness and /req/oas30/operation-id."""
    response = client.get("/ogcapi/openapi?f=json")
    paths = response.json()["paths"]
    ids = [told["operationId"] for item in paths.values() for told in item.values()]
    assert len(ids) == len(set(ids))
    assert {
        "collection.map.getTile",
        "collection.style.map.getTile",
        "dataset.map.getTile",
        "dataset.map.getTileSetsList",
        "getTileMatrixSet",
    } <= set(ids)
