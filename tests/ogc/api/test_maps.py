"""OGC API - Maps, by the requirements of OGC 20-058."""

import numpy as np
import pytest
from httpx2 import Response
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from tests.acceptance.clients import rgba
from tests.ogc.api.conftest import CELLS, COLS, ROWS

REL = "http://www.opengis.net/def/rel/ogc/1.0"
COLLECTION = "/ogcapi/collections/S2_L2A"
MAP = f"{COLLECTION}/styles/B04/map"
"""Band 4 in grey."""
OLDER = "datetime=2023-08-10"


def get(client: TestClient, address: str, **headers: str) -> Response:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.text
    return response


def bounds(client: TestClient) -> tuple[float, float, float, float]:
    """Return the whole scene in EPSG:32633, as the collection's page says it."""
    page = client.get("/ogcapi/collections/S2_L2A_32633?f=json").json()
    west, south, east, north = page["extent"]["spatial"]["storageCrsBbox"][0]
    return west, south, east, north


def shown(response: Response) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = rgba(response.content)
    return picture


def boxed(response: Response) -> tuple[float, ...]:
    return tuple(float(part) for part in response.headers["content-bbox"].split(","))


def test_core_a_map_is_the_whole_layer_in_its_own_crs(client: TestClient) -> None:
    response = get(client, f"{MAP}?{OLDER}&width={COLS}&height={ROWS}")
    assert response.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/32633>"
    assert boxed(response) == bounds(client)
    picture = shown(response)
    assert picture.shape == (ROWS, COLS, 4)
    np.testing.assert_array_equal(picture[..., 3] == 255, CELLS[2] != -32768)
    # Brighter where the stored number is greater.
    known = CELLS[2] != -32768
    order = np.argsort(CELLS[2][known], kind="stable")
    assert (np.diff(picture[..., 0][known][order].astype(int)) >= 0).all()


def test_scaling_one_side_keeps_pixels_square(client: TestClient) -> None:
    assert shown(get(client, f"{MAP}?width=160")).shape[:2] == (120, 160)
    assert shown(get(client, f"{MAP}?height=30")).shape[:2] == (30, 40)
    assert shown(get(client, MAP)).shape[:2] == (768, 1024)


def test_display_resolution_and_scale(client: TestClient) -> None:
    """A pixel of 0.28 mm at 1 : 35,714.29 is 10 m; one of 0.56 mm is 20 m."""
    scale = 10 / 0.00028
    assert shown(get(client, f"{MAP}?scale-denominator={scale}")).shape[:2] == (ROWS, COLS)
    coarse = get(client, f"{MAP}?scale-denominator={scale}&mm-per-pixel=0.56")
    assert shown(coarse).shape[:2] == (ROWS // 2, COLS // 2)


def test_spatial_subsetting_by_box_center_and_axes(client: TestClient) -> None:
    west, _, _, north = bounds(client)
    box = (west + 100, north - 300, west + 300, north - 200)
    whole = shown(get(client, f"{MAP}?{OLDER}&width={COLS}&height={ROWS}"))
    wanted = whole[20:30, 10:30]
    text, middle = ",".join(map(str, box)), f"{box[0] + 100},{box[1] + 50}"
    scale = 10 / 0.00028
    for query in (
        f"bbox={text}&bbox-crs=EPSG:32633&width=20&height=10",
        f"bbox={text}&bbox-crs=[EPSG:32633]&scale-denominator={scale}",
        f"bbox={text}&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/32633&width=20",
        f"subset=E({box[0]}:{box[2]}),N({box[1]}:{box[3]})&subset-crs=EPSG:32633&height=10",
        f"center={middle}&center-crs=EPSG:32633&width=20&height=10&scale-denominator={scale}",
    ):
        response = get(client, f"{MAP}?{OLDER}&{query}")
        assert boxed(response) == pytest.approx(box)
        np.testing.assert_array_equal(shown(response), wanted)


def test_crs_boxes_have_the_axis_order_of_their_crs(client: TestClient) -> None:
    to = Transformer.from_crs(32633, 4326, always_xy=True)
    west, south, east, north = to.transform_bounds(*bounds(client))
    size = "width=50&height=50"
    one = get(client, f"{MAP}?bbox={west},{south},{east},{north}&crs=EPSG:4326&{size}")
    assert one.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4326>"
    assert boxed(one) == pytest.approx((south, west, north, east))
    other = get(
        client,
        f"{MAP}?bbox={south},{west},{north},{east}&bbox-crs=EPSG:4326&crs=CRS:84&{size}",
    )
    assert other.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert boxed(other) == pytest.approx((west, south, east, north))
    np.testing.assert_array_equal(shown(one), shown(other))


def test_datetime_chooses_the_acquisition(client: TestClient) -> None:
    size = f"width={COLS}&height={ROWS}"
    by_parameter = get(client, f"{MAP}?{OLDER}&{size}").content
    by_subset = get(client, f'{MAP}?subset=time("2023-08-10")&{size}').content
    interval = get(client, f"{MAP}?datetime=../2023-08-12&{size}").content
    assert by_parameter == by_subset == interval
    assert get(client, f"{MAP}?{size}").content != by_parameter
    newest = get(client, f"{MAP}?datetime=2023-08-11/..&{size}").content
    latest = get(client, f"{MAP}?datetime=2023-08-15&{size}").content
    both = get(client, f'{MAP}?subset=time("2023-08-01":"2023-08-31")&{size}').content
    assert newest == latest != by_parameter
    assert both not in {newest, by_parameter}


def test_background_is_seen_where_there_is_no_data(client: TestClient) -> None:
    size = f"{OLDER}&width={COLS}&height={ROWS}"
    empty = CELLS[2] == -32768
    assert (shown(get(client, f"{MAP}?{size}"))[empty] == 0).all()
    for query, colour in (
        ("bgcolor=0xFF8000", (255, 128, 0, 255)),
        ("bgcolor=%23ff8000", (255, 128, 0, 255)),
        ("bgcolor=red", (255, 0, 0, 255)),
        ("transparent=false", (255, 255, 255, 255)),
        ("bgcolor=red&transparent=true", (0, 0, 0, 0)),
    ):
        assert (shown(get(client, f"{MAP}?{size}&{query}"))[empty] == colour).all(), query
    jpeg = shown(get(client, f"{MAP}?{size}&bgcolor=0x00FF00&f=jpeg"))
    assert np.abs(jpeg[2, 2].astype(int) - (0, 255, 0, 255)).max() < 10


@pytest.mark.parametrize(
    ("f", "accept", "media_type"),
    [
        ("", "", "image/png"),
        ("jpeg", "", "image/jpeg"),
        ("", "image/webp", "image/webp"),
        ("tiff", "image/png", "image/tiff"),
        ("image/tiff", "", "image/tiff"),
    ],
)
def test_formats(client: TestClient, f: str, accept: str, media_type: str) -> None:
    response = get(client, f"{MAP}?width=40" + (f"&f={f}" if f else ""), Accept=accept)
    assert response.headers["content-type"] == media_type


def test_a_geotiff_has_the_colours_and_the_place(client: TestClient) -> None:
    query = f"{OLDER}&width={COLS}&height={ROWS}"
    wanted = shown(get(client, f"{MAP}?{query}"))
    with MemoryFile(get(client, f"{MAP}?{query}&f=tiff").content) as file, file.open() as data:
        assert data.crs.to_epsg() == 32633
        assert tuple(data.bounds) == bounds(client)
        np.testing.assert_array_equal(np.moveaxis(data.read(), 0, -1), wanted)


def test_dataset_maps_show_the_collections_in_order(client: TestClient) -> None:
    size = f"{OLDER}&width={COLS}&height={ROWS}&f=png"
    wanted = shown(get(client, f"{COLLECTION}/map?{size}"))
    for named in ("", "&collections=S2_L2A", "&collections=S2_L2A_32633,S2_L2A"):
        np.testing.assert_array_equal(shown(get(client, f"/ogcapi/map?{size}{named}")), wanted)


def test_links_lead_to_maps_and_tiles(client: TestClient) -> None:
    page = client.get("/ogcapi/?f=json").json()
    document = client.get("/ogcapi/collections/S2_L2A_32633?f=json").json()
    for links in (page["links"], document["links"]):
        found = {link["rel"]: link["href"].removeprefix("http://testserver") for link in links}
        assert client.get(found[f"{REL}/map"]).status_code == 200
        assert client.get(found[f"{REL}/tilesets-map"]).status_code == 200
    styles = client.get(f"{COLLECTION}/styles").json()
    assert styles["default"] in {style["id"] for style in styles["styles"]}
    for style in styles["styles"]:
        for link in style["links"]:
            assert client.get(link["href"]).status_code == 200


def test_conformance_names_the_classes(client: TestClient) -> None:
    declared = set(client.get("/ogcapi/conformance?f=json").json()["conformsTo"])
    maps = "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf"
    tiles = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
    assert {f"{maps}/core", f"{maps}/crs", f"{maps}/tiff", f"{tiles}/core"} <= declared


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("width=0", 400),
        ("width=x", 400),
        ("width=99999999", 413),
        ("bbox=1,2,3", 400),
        ("bbox=1,2,3,x", 400),
        ("bbox=10,40,10,50", 400),
        ("bbox=nan,40,10,50", 400),
        ("bbox=500,40,510,50&crs=CRS:84", 400),
        ("bbox-crs=EPSG:0", 400),
        ("crs=nonsense", 400),
        ("bbox=10,40,11,41&center=10,40", 400),
        ("scale-denominator=0", 400),
        ("scale-denominator=1&width=3", 400),
        ("scale-denominator=1e-9", 413),
        ("scale-denominator=5e-324", 413),
        ("subset=Lat(1:2),Lat(3:4)", 400),
        ("subset=Height(1:2)", 400),
        ("subset=Lat(2:1)", 400),
        ("subset=Lat", 400),
        ("datetime=soon", 400),
        ("datetime=1999", 404),
        ('datetime=2023&subset=time("2023")', 400),
        ("bgcolor=nocolour", 400),
        ("transparent=perhaps", 400),
        ("f=gif", 400),
        ("nothing=1", 400),
        ("center=10", 400),
        ("center=10,95&crs=EPSG:3857", 400),
    ],
)
def test_failures_are_problems(client: TestClient, query: str, status: int) -> None:
    response = client.get(f"{MAP}?{query}")
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/ogcapi/collections/nothing/map",
        f"{COLLECTION}/styles/nothing/map",
        "/ogcapi/map?collections=nothing",
        "/ogcapi/collections/nothing/styles",
    ],
)
def test_what_does_not_exist_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_same_map_is_not_sent_twice(client: TestClient) -> None:
    first = get(client, f"{MAP}?{OLDER}&width=40")
    assert first.headers["cache-control"] == "public, max-age=60"
    again = client.get(f"{MAP}?{OLDER}&width=40", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    revision = first.headers["copernicube-revision"]
    pinned = get(client, f"{MAP}?{OLDER}&width=40&as_of={revision}")
    assert pinned.headers["cache-control"].endswith("immutable")
