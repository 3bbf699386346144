"""OGC API - Maps, part 1 (OGC 20-058), named after its requirements."""

from itertools import pairwise

import numpy as np
import pytest
from pyproj import Transformer
from starlette.testclient import TestClient

from tests.conformance.asked import picture
from tests.conformance.ogcapi import (
    BOUNDS,
    CRS84,
    CUBE,
    JSON,
    MANY,
    PNG,
    ROOT,
    TIFF,
    UTM,
    Row,
    cells,
    check,
    declared,
    drawn,
    failing,
    get,
    links,
    parameters,
    rows,
)

MAP = f"{CUBE}/styles/B04/map"
"""Band 4 in grey."""


def boxed(client: TestClient, path: str) -> tuple[float, ...]:
    return tuple(map(float, get(client, path).headers["content-bbox"].split(",")))


@rows(
    {
        "maps10:/req/core/map-op": Row(path=f"{CUBE}/map", media="image/"),
        "maps10:/req/png/content": Row(path=f"{CUBE}/map?f=png&width=64", media=PNG),
        "maps10:/req/jpeg/content": Row(path=f"{CUBE}/map?f=jpeg&width=64", media="image/jpeg"),
        "maps10:/req/tiff/content": Row(path=f"{CUBE}/map?f=tiff&width=64", media=TIFF),
        "maps10:/req/collection-map/map-operation": Row(
            path=f"{ROOT}/collections/S2_L1C/map?f=png&width=64", media=PNG
        ),
        "maps10:/req/collection-map/unknown": failing(f"{ROOT}/collections/x/map", 404),
        "maps10:/req/dataset-map/map-operation": Row(path=f"{ROOT}/map?f=png&width=64", media=PNG),
        "maps10:/req/styled-map/map-operation": Row(
            path=f"{CUBE}/styles/ndvi/map?f=png&width=64", media=PNG
        ),
        "maps10:/req/styled-map/unknown": failing(f"{CUBE}/styles/x/map", 404),
        "maps10:/req/tilesets/tiles": Row(
            path=f"{CUBE}/map/tiles/WebMercatorQuad/13/3168/2375?f=png", media=PNG
        ),
        "maps10:/req/collections-selection/unknown": failing(f"{ROOT}/map?collections=x", 404),
        "maps10:/req/background/bgcolor-definition/invalid": failing(f"{MAP}?bgcolor=x"),
        "maps10:/req/background/transparent-definition/invalid": failing(f"{MAP}?transparent=x"),
        "maps10:/req/background/void-color-definition/invalid": failing(f"{MAP}?void-color=x"),
        "maps10:/req/background/void-transparent-definition/invalid": failing(
            f"{MAP}?void-transparent=x"
        ),
        "maps10:/req/crs/invalid": failing(f"{MAP}?crs=x"),
        "maps10:/req/spatial-subsetting/bbox-definition/invalid": failing(f"{MAP}?bbox=1,2,3"),
        "maps10:/req/spatial-subsetting/bbox-crs-definition/invalid": failing(
            f"{MAP}?bbox=1,2,3,4&bbox-crs=x"
        ),
        "maps10:/req/spatial-subsetting/center-definition/invalid": failing(f"{MAP}?center=10"),
        "maps10:/req/spatial-subsetting/subset-definition/invalid": failing(f"{MAP}?subset=Q(1:2)"),
        "maps10:/req/scaling/width-definition/invalid": failing(f"{MAP}?width=0"),
        "maps10:/req/scaling/height-definition/invalid": failing(f"{MAP}?height=-1"),
        "maps10:/req/scaling/scale-denominator-definition/invalid": failing(
            f"{MAP}?scale-denominator=0"
        ),
        "maps10:/req/display-resolution/mm-per-pixel-definition/invalid": failing(
            f"{MAP}?mm-per-pixel=x"
        ),
        "maps10:/req/datetime/datetime-definition/invalid": failing(f"{MAP}?datetime=x"),
        "maps10:unknown-parameter": failing(f"{MAP}?nothing=1"),
        "maps10:format-unknown": failing(f"{MAP}?f=x"),
    }
)
def test_answers(demo: TestClient, row: Row) -> None:
    check(demo, row)


@pytest.mark.requirement("maps10:/req/core/map-success")
def test_a_map_is_the_whole_layer_in_its_own_system(demo: TestClient) -> None:
    reply = get(demo, f"{MAP}?width=408&height=408")
    assert reply.headers["content-crs"] == f"<{UTM}>"
    assert boxed(demo, f"{MAP}?width=408&height=408") == BOUNDS
    shown = picture(reply)
    assert shown.shape == (408, 408, 4)
    # The oracle is the coverage, whose cells GDAL reads: brighter where the number is greater.
    stored = cells(get(demo, f"{CUBE}/coverage?f=tiff&properties=B04"))[0]
    full = drawn(demo, f"{MAP}?width=816&height=816")
    seen = full[..., 3] == 255
    order = np.argsort(stored[seen], kind="stable")
    assert (np.diff(full[..., 0][seen][order].astype(int)) >= 0).all()


@pytest.mark.requirement("maps10:/req/core/conformance-success")
@pytest.mark.parametrize(
    "part",
    [
        *("core", "tilesets", "background", "collections-selection", "scaling", "crs"),
        *("display-resolution", "spatial-subsetting", "datetime", "collection-map"),
        *("dataset-map", "styled-map", "png", "jpeg", "tiff", "cors", "api-operations"),
    ],
)
def test_conformance_is_declared(demo: TestClient, part: str) -> None:
    assert declared(demo, "ogcapi-maps-1/1.0", part)


@pytest.mark.requirement("maps10:/req/collections-selection/collections-parameter")
@pytest.mark.requirement("maps10:/req/collections-selection/collections-response")
def test_a_map_of_chosen_collections(demo: TestClient) -> None:
    """Bottom first: what is named is drawn, and nothing else."""
    one = "bbox=-75.64,37.66,-75.57,37.72&width=40&height=40&f=png"
    alone = drawn(demo, f"{ROOT}/collections/S2_L1C/map?{one}&crs=CRS:84")
    chosen = drawn(demo, f"{ROOT}/map?{one}&crs=CRS:84&collections=S2_L1C")
    np.testing.assert_array_equal(alone, chosen)
    other = drawn(demo, f"{ROOT}/map?{one}&crs=CRS:84&collections=S2_L2A")
    assert (other[..., 3] == 0).all()
    both = drawn(demo, f"{ROOT}/map?{one}&crs=CRS:84&collections=S2_L2A,S2_L1C")
    np.testing.assert_array_equal(both, alone)


@pytest.mark.requirement("maps10:/req/scaling/width-definition")
@pytest.mark.requirement("maps10:/req/scaling/height-definition")
@pytest.mark.requirement("maps10:/req/scaling/map-success")
@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ("width=100&height=50", (50, 100)),
        ("width=160", (160, 160)),
        ("height=30", (30, 30)),
        ("bbox=-75.64,37.66,-75.60,37.68&crs=CRS:84&width=100", (50, 100)),
    ],
)
def test_a_map_has_the_size_asked_for(demo: TestClient, asked: str, shape: tuple[int, int]) -> None:
    assert drawn(demo, f"{MAP}?{asked}").shape[:2] == shape


@pytest.mark.requirement("maps10:/req/scaling/scale-denominator-definition")
@pytest.mark.requirement("maps10:/req/display-resolution/mm-per-pixel-definition")
@pytest.mark.requirement("maps10:/req/display-resolution/map-success")
@pytest.mark.parametrize(("asked", "side"), [("", 408), ("&mm-per-pixel=0.56", 204)])
def test_a_map_has_the_scale_asked_for(demo: TestClient, asked: str, side: int) -> None:
    """A pixel of 0.28 mm, the standard's, at 20 m is 1 to 71,428.57."""
    path = f"{MAP}?scale-denominator={20 / 0.00028}{asked}"
    assert drawn(demo, path).shape[:2] == (side, side)


BOX = (444000.0, 4169000.0, 446000.0, 4170000.0)
TEXT = ",".join(map(str, BOX))


@pytest.mark.requirement("maps10:/req/spatial-subsetting/bbox-definition")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/bbox-crs-definition")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/subset-definition")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/subset-crs-definition")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/center-definition")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/center-crs-definition")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/map-success")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/subset-response")
@pytest.mark.requirement("maps10:/req/spatial-subsetting/width-height")
@pytest.mark.parametrize(
    "asked",
    [
        f"bbox={TEXT}&bbox-crs=EPSG:32618",
        f"bbox={TEXT}&bbox-crs={UTM}",
        f"bbox={TEXT}&bbox-crs=[EPSG:32618]",
        f"subset=E({BOX[0]}:{BOX[2]}),N({BOX[1]}:{BOX[3]})&subset-crs=EPSG:32618",
        f"center=445000,4169500&center-crs=EPSG:32618&scale-denominator={10 / 0.00028}",
    ],
)
def test_a_map_shows_the_area_asked_for(demo: TestClient, asked: str) -> None:
    path = f"{MAP}?{asked}&f=png&{'' if 'center' in asked else 'crs=EPSG:32618&'}"
    part = drawn(demo, f"{path}width=200&height=100")
    whole = drawn(demo, f"{MAP}?width=816&height=816")
    top, left = int((BOUNDS[3] - BOX[3]) / 10), int((BOX[0] - BOUNDS[0]) / 10)
    np.testing.assert_array_equal(part, whole[top : top + 100, left : left + 200])
    assert boxed(demo, f"{path}width=200&height=100") == BOX


@pytest.mark.requirement("maps10:/req/spatial-subsetting/bbox-axis-order")
def test_a_box_has_the_axes_of_its_system(demo: TestClient) -> None:
    first = drawn(demo, f"{MAP}?bbox=-75.64,37.66,-75.60,37.70&crs=CRS:84&width=50&height=50")
    turned = "bbox=37.66,-75.64,37.70,-75.60&bbox-crs=EPSG:4326&crs=CRS:84"
    np.testing.assert_array_equal(drawn(demo, f"{MAP}?{turned}&width=50&height=50"), first)


@pytest.mark.requirement("maps10:/req/crs/crs-definition")
@pytest.mark.requirement("maps10:/req/crs/map-success")
@pytest.mark.parametrize(
    ("asked", "told", "order"),
    [
        ("[OGC:CRS84]", CRS84, "xyxy"),
        ("[EPSG:4326]", "http://www.opengis.net/def/crs/EPSG/0/4326", "yxyx"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", None, "xyxy"),
    ],
)
def test_a_map_is_in_the_system_asked_for(
    demo: TestClient, asked: str, told: str | None, order: str
) -> None:
    reply = get(demo, f"{MAP}?crs={asked}&width=60&height=60")
    assert reply.headers["content-crs"] == f"<{told or asked}>"
    found = tuple(map(float, reply.headers["content-bbox"].split(",")))
    east_first = (found[1], found[0], found[3], found[2]) if order == "yxyx" else found
    change = Transformer.from_crs(UTM, told or asked, always_xy=True)
    wanted = change.transform_bounds(*BOUNDS, densify_pts=21)
    np.testing.assert_allclose(east_first, wanted, rtol=1e-5)
    assert (picture(reply)[25:35, 25:35, 3] == 255).all()


@pytest.mark.requirement("maps10:/req/datetime/datetime-definition")
@pytest.mark.requirement("maps10:/req/datetime/datetime-response")
@pytest.mark.requirement("maps10:/req/datetime/subset-definition")
@pytest.mark.requirement("maps10:/req/datetime/subset-response")
@pytest.mark.requirement("maps10:/req/datetime/map-success")
def test_maps_have_times(demo: TestClient) -> None:
    path = f"{MANY}/styles/B04/map?f=png&width=50&height=50"
    times = get(demo, f"{MANY}?f=json").json()["extent"]["temporal"]["interval"][0]
    assert times[0] == "2015-08-01T00:00:00Z"
    first = drawn(demo, f"{path}&datetime=2015-08-01")
    last = drawn(demo, f"{path}&datetime=2021-01-01")
    assert (first != last).any()
    for same, shown in (
        ("datetime=2015-08-01T00:00:00Z", first),
        ('subset=time("2015-08-01")', first),
        ("datetime=2020-12-01/2021-01-01", last),
        ('subset=time("2020-12-01":"2021-01-01")', last),
    ):
        np.testing.assert_array_equal(drawn(demo, f"{path}&{same}"), shown)
    stored = cells(get(demo, f"{MANY}/coverage?f=tiff&properties=B04&datetime=2015-08-01"))[0]
    fine = drawn(demo, f"{MANY}/styles/B04/map?width=100&height=100&datetime=2015-08-01")
    order = np.argsort(stored[fine[..., 3] == 255], kind="stable")
    shades = fine[..., 0][fine[..., 3] == 255][order].astype(int)
    assert all(a <= b for a, b in pairwise(shades))


@pytest.mark.requirement("maps10:/req/collection-map/desc-links")
@pytest.mark.requirement("maps10:/req/collection-map/desc-crs")
def test_collections_lead_to_their_maps(demo: TestClient) -> None:
    for listed in get(demo, f"{ROOT}/collections?f=json").json()["collections"]:
        page = get(demo, f"{ROOT}/collections/{listed['id']}?f=json").json()
        (address,) = links(page, "map")
        assert get(demo, f"{address}&width=16").headers["content-type"] == PNG
        assert CRS84 in page["crs"]
        for crs in page["crs"]:
            assert get(demo, f"{address}&width=16&crs={crs}").headers["content-crs"] == f"<{crs}>"


@pytest.mark.requirement("maps10:/req/dataset-map/landing-page")
def test_the_landing_page_leads_to_the_map_of_all(demo: TestClient) -> None:
    page = get(demo, f"{ROOT}?f=json").json()
    (address,) = links(page, "map")
    assert get(demo, f"{address}?width=16&f=png").headers["content-type"] == PNG


@pytest.mark.requirement("maps10:/req/dataset-map/desc-extent")
@pytest.mark.requirement("maps10:/req/dataset-map/desc-crs")
def test_the_landing_page_tells_where_the_map_lies(demo: TestClient) -> None:
    page = get(demo, f"{ROOT}?f=json").json()
    west, south, east, north = page["extent"]["spatial"]["bbox"][0]
    # From Virginia to Romania.
    np.testing.assert_allclose((west, south, east, north), (-75.65, 37.65, 22.16, 45.21), atol=0.01)
    assert page["extent"]["temporal"]["interval"][0][0] == "2015-06-23T00:00:00Z"
    assert CRS84 in page["crs"]
    for crs in page["crs"]:
        reply = get(demo, f"{ROOT}/map?width=16&f=png&crs={crs}")
        assert reply.headers["content-crs"] == f"<{crs}>"


@pytest.mark.requirement("maps10:/req/styled-map/desc-links")
def test_styles_lead_to_their_maps(demo: TestClient) -> None:
    (address,) = links(get(demo, f"{CUBE}?f=json").json(), "styles")
    styles = get(demo, address)
    assert styles.headers["content-type"].startswith(JSON)
    assert {"true-colour", "ndvi"} <= {one["id"] for one in styles.json()["styles"]}
    for one in styles.json()["styles"]:
        (shown,) = links(one, "map")
        assert get(demo, f"{shown}?width=16&f=png").headers["content-type"] == PNG


@pytest.mark.requirement("maps10:/req/tilesets/desc-links")
def test_collections_lead_to_tile_sets(demo: TestClient) -> None:
    (address,) = links(get(demo, f"{CUBE}?f=json").json(), "tilesets-map")
    assert get(demo, address).json()["tilesets"]


@pytest.mark.requirement("maps10:/req/cors/cors")
def test_pages_of_other_sites_may_read(demo: TestClient) -> None:
    reply = get(demo, f"{CUBE}/map?f=png&width=32", origin="http://example.org")
    assert reply.headers["access-control-allow-origin"] == "*"
    exposed = reply.headers["access-control-expose-headers"]
    assert {"Content-Bbox", "Content-Crs"} <= set(exposed.split(", "))


@pytest.mark.requirement("maps10:/req/api-operations/completeness")
@pytest.mark.requirement("maps10:/req/api-operations/operation-id")
def test_operations_are_described(demo: TestClient) -> None:
    document = get(demo, f"{ROOT}/openapi?f=json").json()
    named = {
        "/map": "dataset.getMap",
        "/collections/{collectionId}/map": "collection.getMap",
        "/collections/{collectionId}/styles/{styleId}/map": "collection.style.getMap",
    }
    for path, name in named.items():
        assert document["paths"][path]["get"]["operationId"] == name
        assert {
            *("bbox", "bbox-crs", "crs", "width", "height", "center", "center-crs", "subset"),
            *("subset-crs", "datetime", "bgcolor", "transparent", "void-color"),
            *("void-transparent", "scale-denominator", "mm-per-pixel", "f"),
        } <= set(parameters(demo, path))
    assert "collections" in parameters(demo, "/map")
