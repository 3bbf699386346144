"""OGC API - Tiles, part 1 (OGC 20-057), of maps."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.conformance.asked import picture
from tests.conformance.ogcapi import (
    CUBE,
    JSON,
    MANY,
    PNG,
    REL,
    ROOT,
    Row,
    check,
    declared,
    failing,
    get,
    links,
    rows,
)

TILES = f"{CUBE}/map/tiles"
TILE = f"{TILES}/WebMercatorQuad/13/3168/2375"


@rows(
    {
        "tiles10:/req/core/tc-op": Row(path=TILE, media="image/"),
        "tiles10:/req/core/tc-error": failing(f"{TILE}?nothing=1"),
        "tiles10:/req/core/tc-error/unknown-set": failing(f"{TILES}/x/13/3168/2375", 404),
        "tiles10:/req/core/tc-error/unknown-collection": failing(
            f"{ROOT}/collections/x/map/tiles/WebMercatorQuad/0/0/0", 404
        ),
        "tiles10:/req/core/tilematrix-definition": failing(f"{TILES}/WebMercatorQuad/99/0/0", 404),
        "tiles10:/req/core/tilerow-definition": failing(f"{TILES}/WebMercatorQuad/2/4/0", 404),
        "tiles10:/req/core/tilecol-definition": failing(f"{TILES}/WebMercatorQuad/2/0/4", 404),
        "tiles10:/req/tilesets-list/tsl-op": Row(path=f"{TILES}?f=json", media=JSON),
        "tiles10:/req/tileset/description-op": Row(
            path=f"{TILES}/WebMercatorQuad?f=json", media=JSON
        ),
        "tiles10:/req/dataset-tilesets/tile": Row(
            path=f"{ROOT}/map/tiles/WebMercatorQuad/0/0/0?f=png", media=PNG
        ),
        "tiles10:/req/jpeg/content": Row(path=f"{TILE}?f=jpg", media="image/jpeg"),
        "tiles10:styled": Row(
            path=f"{CUBE}/styles/ndvi/map/tiles/WebMercatorQuad/13/3168/2375?f=png", media=PNG
        ),
        "tiles10:styled-unknown": failing(
            f"{CUBE}/styles/x/map/tiles/WebMercatorQuad/13/3168/2375", 404
        ),
        "tiles10:/req/collections-selection/unknown": failing(
            f"{ROOT}/map/tiles/WebMercatorQuad/0/0/0?collections=x", 404
        ),
        "tiles10:/req/datetime/invalid": failing(f"{TILE}?datetime=x"),
    }
)
def test_answers(demo: TestClient, row: Row) -> None:
    check(demo, row)


@pytest.mark.requirement("tiles10:/req/core/tc-success")
@pytest.mark.requirement("tiles10:/req/png/content")
def test_a_tile_is_a_picture(demo: TestClient) -> None:
    drawn = picture(get(demo, f"{TILE}?f=png"))
    assert drawn.shape == (256, 256, 4)
    assert (drawn[..., 3] == 255).any()
    assert get(demo, TILE).headers["content-type"] == PNG


@pytest.mark.requirement("tiles10:/req/core/conformance-success")
@pytest.mark.parametrize(
    "part",
    ["core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "oas30"],
)
def test_conformance_is_declared(demo: TestClient, part: str) -> None:
    assert declared(demo, "ogcapi-tiles-1/1.0", part)


@pytest.mark.requirement("tiles10:/req/tilesets-list/tsl-success")
@pytest.mark.requirement("tiles10:/req/geodata-tilesets/desc-links")
@pytest.mark.requirement("tiles10:/req/tileset/success")
def test_tile_sets_are_found_from_the_collection(demo: TestClient) -> None:
    (address,) = links(get(demo, f"{CUBE}?f=json").json(), "tilesets-map")
    listed = get(demo, address).json()["tilesets"]
    assert {one["title"].split()[-1] for one in listed} >= {"WebMercatorQuad", "WorldCRS84Quad"}
    for one in listed:
        assert one["dataType"] == "map"
        tileset = get(demo, links(one, "self")[0]).json()
        assert tileset["crs"] == one["crs"]
        scheme = get(demo, links(tileset, "tiling-scheme")[0]).json()
        known = {matrix["id"] for matrix in scheme["tileMatrices"]}
        assert {limit["tileMatrix"] for limit in tileset["tileMatrixSetLimits"]} <= known


@pytest.mark.requirement("tiles10:/req/tileset/limits")
@pytest.mark.parametrize("zoom", ["8", "13", "14"])
def test_limits_are_where_there_is_something(demo: TestClient, zoom: str) -> None:
    tileset = get(demo, f"{TILES}/WebMercatorQuad?f=json").json()
    (address,) = {
        one["href"] for one in tileset["links"] if one["rel"] == "item" and one["type"] == PNG
    }
    (limit,) = (one for one in tileset["tileMatrixSetLimits"] if one["tileMatrix"] == zoom)
    corner = address.replace("{tileMatrix}", zoom)
    middle = corner.replace(
        "{tileRow}", f"{(limit['minTileRow'] + limit['maxTileRow']) // 2}"
    ).replace("{tileCol}", f"{(limit['minTileCol'] + limit['maxTileCol']) // 2}")
    assert (picture(get(demo, middle))[..., 3] > 0).any()
    beside = corner.replace("{tileRow}", f"{limit['maxTileRow'] + 1}").replace("{tileCol}", "0")
    outside = demo.get(beside)
    assert outside.status_code in {200, 204, 404}
    if outside.status_code == 200:
        assert (picture(outside)[..., 3] == 0).all()


@pytest.mark.requirement("tiles10:/req/dataset-tilesets/landingpage")
def test_tile_sets_are_found_from_the_landing_page(demo: TestClient) -> None:
    (address,) = links(get(demo, f"{ROOT}?f=json").json(), "tilesets-map")
    listed = get(demo, address).json()["tilesets"]
    assert listed
    for one in listed:
        get(demo, links(one, "self")[0])


@pytest.mark.requirement("tiles10:/req/tilematrixsets")
def test_tile_matrix_sets(demo: TestClient) -> None:
    sets = get(demo, f"{ROOT}/tileMatrixSets?f=json").json()["tileMatrixSets"]
    assert {one["id"] for one in sets} >= {"WebMercatorQuad", "WorldCRS84Quad"}
    quad = get(demo, f"{ROOT}/tileMatrixSets/WebMercatorQuad?f=json").json()
    assert quad["crs"].endswith("/3857")
    scales = [matrix["scaleDenominator"] for matrix in quad["tileMatrices"]]
    assert scales[0] == pytest.approx(559082264.028717)
    np.testing.assert_allclose(np.divide(scales[:-1], scales[1:]), 2)


@pytest.mark.requirement("tiles10:/req/collections-selection/collections-parameter")
def test_a_tile_of_chosen_collections(demo: TestClient) -> None:
    one = picture(get(demo, f"{ROOT}/collections/S2_L1C/map/tiles/WebMercatorQuad/13/3168/2375"))
    chosen = get(demo, f"{ROOT}/map/tiles/WebMercatorQuad/13/3168/2375?collections=S2_L1C")
    assert (picture(chosen) == one).all()


@pytest.mark.requirement("tiles10:/req/datetime/datetime-definition")
def test_tiles_have_times(demo: TestClient) -> None:
    tileset = get(demo, f"{MANY}/map/tiles/WebMercatorQuad?f=json").json()
    (limit,) = (one for one in tileset["tileMatrixSetLimits"] if one["tileMatrix"] == "14")
    tile = f"{MANY}/map/tiles/WebMercatorQuad/14/{limit['minTileRow']}/{limit['minTileCol']}"
    times = ("2015-08-01", "2021-01-01")
    first, last = (picture(get(demo, f"{tile}?f=png&datetime={time}")) for time in times)
    assert (first != last).any()


@pytest.mark.requirement("tiles10:/req/oas30/completeness")
@pytest.mark.requirement("tiles10:/req/oas30/operation-id")
def test_operations_are_described(demo: TestClient) -> None:
    document = get(demo, f"{ROOT}/openapi?f=json").json()
    suffixes = {
        "/map/tiles": "map.getTileSetsList",
        "/map/tiles/{tileMatrixSetId}": "map.getTileSet",
        "/map/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": "map.getTile",
    }
    for start, kind in (
        ("", "dataset"),
        ("/collections/{collectionId}", "collection"),
        ("/collections/{collectionId}/styles/{styleId}", "collection.style"),
    ):
        for path, name in suffixes.items():
            assert document["paths"][f"{start}{path}"]["get"]["operationId"] == f"{kind}.{name}"
    named = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(named) == len(set(named))
    assert f"{REL}/tilesets-map" in {one["rel"] for one in get(demo, ROOT).json()["links"]}
