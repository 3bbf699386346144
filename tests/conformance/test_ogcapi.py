"""OGC API Tiles, Maps, EDR and Coverages."""

import io

import pytest
import rasterio
from starlette.testclient import TestClient

from tests.conformance.asked import Case, check, picture

ROOT = "/ogcapi"
ONE = f"{ROOT}/collections/S2_L1C_32618_20m"
CUBE = f"{ROOT}/collections/S2_L1C_32618"
TILES = f"{CUBE}/map/tiles"
PNG, JSON = "image/png", "application/"
AREA = "POLYGON((-75.61 37.68,-75.609 37.68,-75.609 37.681,-75.61 37.681,-75.61 37.68))"
LINE = "LINESTRING(-75.61 37.68,-75.609 37.681)"
WIDE = "corridor-width=100&width-units=m&corridor-height=10&height-units=m"

ROWS = {
    "tiles10:core:tc-success": (f"{TILES}/WebMercatorQuad/13/3168/2375?f=png", 200, PNG),
    "tiles10:core:tc-error-set": (f"{TILES}/x/13/3168/2375?f=png", 404, None),
    "tiles10:core:tilematrix-definition": (f"{TILES}/WebMercatorQuad/99/0/0?f=png", 404, None),
    "tiles10:core:tilerow-definition": (f"{TILES}/WebMercatorQuad/2/4/0?f=png", 404, None),
    "tiles10:core:tilecol-definition": (f"{TILES}/WebMercatorQuad/2/0/4?f=png", 404, None),
    "tiles10:tilesets-list": (f"{ROOT}/map/tiles?f=json", 200, JSON),
    "tiles10:geodata-tilesets": (f"{TILES}?f=json", 200, JSON),
    "tiles10:dataset-tilesets": (f"{ROOT}/map/tiles/WebMercatorQuad?f=json", 200, JSON),
    "tiles10:tilematrixsets": (f"{ROOT}/tileMatrixSets?f=json", 200, JSON),
    "maps10:core:map-op": (f"{CUBE}/map?f=png&width=64", 200, PNG),
    "maps10:jpeg": (f"{CUBE}/map?f=jpeg&width=64", 200, "image/jpeg"),
    "maps10:tiff": (f"{CUBE}/map?f=tiff&width=64", 200, "image/tiff"),
    "maps10:styled-map": (f"{CUBE}/styles/ndvi/map?f=png&width=64", 200, PNG),
    "maps10:styled-map-unknown": (f"{CUBE}/styles/x/map?f=png&width=64", 404, None),
    "maps10:dataset-map": (f"{ROOT}/map?f=png&width=64&collections=S2_L1C", 200, PNG),
    "maps10:collections-unknown": (f"{ROOT}/map?f=png&width=64&collections=x", 404, None),
    "maps10:bgcolor-invalid": (f"{CUBE}/map?f=png&width=64&bgcolor=x", 400, None),
    "maps10:crs-unknown": (f"{CUBE}/map?f=png&width=64&crs=x", 400, None),
    "maps10:bbox-invalid": (f"{CUBE}/map?f=png&width=64&bbox=1,2,3", 400, None),
    "maps10:width-invalid": (f"{CUBE}/map?f=png&width=0", 400, None),
    "edr10:position": (f"{ONE}/position?coords=POINT(-75.61 37.68)&f=covjson", 200, JSON),
    "edr10:area": (f"{ONE}/area?coords={AREA}&f=covjson", 200, JSON),
    "edr10:cube": (f"{ONE}/cube?bbox=-75.61,37.68,-75.609,37.681&f=covjson", 200, JSON),
    "edr10:trajectory": (f"{ONE}/trajectory?coords={LINE}&f=covjson", 200, JSON),
    "edr10:corridor": (f"{ONE}/corridor?coords={LINE}&{WIDE}&f=covjson", 200, JSON),
    "edr10:radius": (
        f"{ONE}/radius?coords=POINT(-75.61 37.68)&within=100&within-units=m&f=covjson",
        200,
        JSON,
    ),
    **{
        f"edr10:{query}-empty-query": (f"{ONE}/{query}", 400, None)
        for query in ("position", "area", "cube", "trajectory", "corridor", "radius")
    },
    "edr10:coords-invalid": (f"{ONE}/position?coords=x", 400, None),
    "edr10:collection-unknown": (f"{ROOT}/collections/x/position?coords=POINT(0 0)", 404, None),
    "edr10:parameter-name-unknown": (
        f"{ONE}/position?coords=POINT(-75.61 37.68)&parameter-name=x",
        400,
        None,
    ),
    "edr10:datetime-invalid": (
        f"{ONE}/position?coords=POINT(-75.61 37.68)&datetime=x",
        400,
        None,
    ),
    "coverages1:core:geotiff": (f"{ONE}/coverage?f=tiff&properties=B05", 200, "image/tiff"),
    "coverages1:core:collection-unknown": (f"{ROOT}/collections/x/coverage", 404, None),
    "coverages1:subset:axis-unknown": (f"{ONE}/coverage?f=tiff&subset=Q(1:2)", 400, None),
    "coverages1:fields:unknown": (f"{ONE}/coverage?f=tiff&properties=x", 400, None),
    "coverages1:scaling:factor-invalid": (f"{ONE}/coverage?f=tiff&scale-factor=0", 400, None),
    "coverages1:bbox:invalid": (f"{ONE}/coverage?f=tiff&bbox=1,2,3", 400, None),
    "coverages1:crs:unknown": (f"{ONE}/coverage?f=tiff&crs=x", 400, None),
}


@pytest.mark.parametrize(
    ("address", "status", "media"),
    [
        pytest.param(*row, id=name, marks=pytest.mark.requirement(name))
        for name, row in ROWS.items()
    ],
)
def test_answers(demo: TestClient, address: str, status: int, media: str | None) -> None:
    reply = demo.get(address)
    assert reply.status_code == status, reply.text[:500]
    if media:
        check(reply, Case(media=media))
    else:
        assert "json" in reply.headers["content-type"]


@pytest.mark.requirement("coverages1:scaling:scale-factor")
@pytest.mark.requirement("coverages1:fields:selection")
def test_a_coverage_is_scaled(demo: TestClient) -> None:
    reply = demo.get(f"{ONE}/coverage?f=tiff&properties=B05,B07&scale-factor=2")
    with rasterio.open(io.BytesIO(reply.content)) as file:
        assert (file.count, file.height, file.width) == (2, 204, 204)


@pytest.mark.requirement("coverages1:subset:spatial")
def test_a_coverage_is_cut(demo: TestClient) -> None:
    asked = "subset=E(443000:444000),N(4168000:4169000)&properties=B05"
    reply = demo.get(f"{ONE}/coverage?f=tiff&{asked}")
    with rasterio.open(io.BytesIO(reply.content)) as file:
        assert tuple(file.bounds) == (443000, 4168000, 444000, 4169000)


@pytest.mark.requirement("maps10:transparent-false")
@pytest.mark.requirement("maps10:bgcolor")
def test_the_background_of_a_map(demo: TestClient) -> None:
    drawn = picture(
        demo.get(f"{CUBE}/map?f=png&width=32&bbox=10,10,11,11&transparent=false&bgcolor=0x0000FF")
    )
    assert (drawn == (0, 0, 255, 255)).all()


@pytest.mark.requirement("maps10:cors")
def test_pages_of_other_sites_may_read(demo: TestClient) -> None:
    reply = demo.get(f"{CUBE}/map?f=png&width=32", headers={"Origin": "http://example.org"})
    assert reply.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "standard",
    [
        pytest.param(name, marks=pytest.mark.requirement(f"{short}:conformance"), id=name)
        for short, name in (
            ("tiles10", "ogcapi-tiles-1/1.0"),
            ("maps10", "ogcapi-maps-1/1.0"),
            ("edr10", "ogcapi-edr-1/1.1"),
            ("coverages1", "ogcapi-coverages-1/0.0"),
        )
    ],
)
def test_conformance_is_declared(demo: TestClient, standard: str) -> None:
    classes = demo.get(f"{ROOT}/conformance?f=json").json()["conformsTo"]
    assert f"http://www.opengis.net/spec/{standard}/conf/core" in classes


@pytest.mark.requirement("tiles10:oas30:operation-id")
@pytest.mark.requirement("maps10:api-operations")
@pytest.mark.requirement("edr10:openapi-parameters")
def test_operations_are_described(demo: TestClient) -> None:
    document = demo.get(f"{ROOT}/openapi?f=json").json()
    found = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(found) == len(set(found))
    paths = document["paths"]
    assert "get" in paths["/collections/{collectionId}/map"]
    named = str(paths["/collections/{collectionId}/position"]["get"]["parameters"])
    assert all(name in named for name in ("coords", "datetime", "parameter-name", "crs"))
