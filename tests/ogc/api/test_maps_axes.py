"""Maps and tiles of OGC API that choose on further axes, against arrays in NumPy and WMS."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from ogc.api.routes import api_routes
from ogc.service import dispatch
from ogc.tiles.routes import tile_routes
from tests.acceptance.clients import rgba
from tests.builders.made import Made, add_examples, make_store
from tests.ogc.fakes import SITE

MAP = "/ogcapi/collections/W/styles/u/map?datetime=2020-05-01&bbox=0,50,15,60&width=30&height=20"
TILE = "/ogcapi/collections/W/styles/u/map/tiles/WebMercatorQuad/4/5/8?f=png&datetime=2020-05-01"
"""0 to 22.5 degrees east, 41 to 55.8 degrees north."""
XYZ = "/tiles/W/4/8/5.png?style=u&time=2020-05-01"
MERCATOR = "&crs=EPSG:3857&bbox=0,5009377.0857,2504688.5428,7514065.6285"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    store = add_examples(make_store(tmp_path_factory.mktemp("map-axes")))
    yield store
    store.local.catalog.close()


@pytest.fixture(scope="module")
def client(made: Made) -> Iterator[TestClient]:
    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    sessions = made.local.engine.session
    mounts = [
        Mount("/ogcapi", routes=api_routes(sessions, root)),
        Mount("/tiles", routes=tile_routes(sessions, root)),
    ]
    with TestClient(Starlette(routes=mounts)) as one:
        yield one


def wind(made: Made, *places: int) -> NDArray[np.float64]:
    """Return the grey of `u` at its newest date, the first place with data; NaN without."""
    newest = made.arrays["W"]["u"][2].astype(float)
    shown = newest[places[0]].copy()
    for at in places[1:]:
        shown = np.where(np.isnan(shown), newest[at], shown)
    grey: NDArray[np.float64] = np.rint(255 * np.clip(shown, 0, 1))
    return grey


@pytest.mark.parametrize(
    ("asked", "places", "told"),
    [
        ("", [0], ["99 Default value used: height=2"]),
        ("&subset=height(10)", [1], []),
        ("&subset=HEIGHT(12)", [1], ["99 Nearest value used: height=10"]),
        ("&subset=height(5:60)", [1, 2], []),
        ("&subset=vertical(10)", [1], []),
    ],
)
def test_a_place_is_chosen(
    client: TestClient, made: Made, asked: str, places: list[int], told: list[str]
) -> None:
    reply = client.get(MAP + asked)
    assert reply.status_code == 200, reply.text
    picture = rgba(reply.content)
    grey = np.where(picture[..., 3] == 255, picture[..., 0].astype(float), np.nan)
    np.testing.assert_array_equal(grey, wind(made, *places))
    assert [text for text in reply.headers.get_list("warning") if "height" in text] == told


def test_places_go_with_the_area_in_one_subset(client: TestClient) -> None:
    base = MAP.replace("&bbox=0,50,15,60", "").replace("datetime=2020-05-01&", "")
    together = 'subset=Lon(0:15),Lat(50:60),height(50),time("2020-05-01")'
    wanted = client.get(f"{MAP}&subset=height(50)").content
    assert client.get(f"{base}&{together}").content == wanted
    assert wanted != client.get(MAP).content


@pytest.mark.parametrize(("subset", "dimension"), [("height(50)", "50"), ("height(5:60)", "5/60")])
def test_tiles_show_what_wms_shows(
    client: TestClient, made: Made, subset: str, dimension: str
) -> None:
    query = (
        "service=WMS&version=1.3.0&request=GetMap&layers=W&styles=u&width=256&height=256"
        f"&format=image/png&transparent=true&time=2020-05-01&dim_height={dimension}{MERCATOR}"
    )
    wanted = dispatch(query, made.local.engine.session, SITE)
    assert wanted.status == 200
    assert isinstance(wanted.body, bytes)
    for address in (TILE, XYZ):
        tile = client.get(f"{address}&subset={subset}")
        assert tile.status_code == 200, tile.text
        np.testing.assert_array_equal(rgba(tile.content), rgba(wanted.body))
        assert tile.content != client.get(address).content


def test_tilejson_repeats_the_subset(client: TestClient) -> None:
    document = client.get("/tiles/W.json?subset=height(50)").json()
    (address,) = document["tiles"]
    assert address.endswith("?subset=height%2850%29")


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        (f"{MAP}&subset=depth(5)", 400, "allowed are Lon, Lat, E, N, x, y, time, height"),
        (f"{MAP}&subset=height(high)", 400, "neither a number"),
        (f"{MAP}&subset=height(60:5)", 400, "neither a number"),
        (f"{MAP}&subset=height(5),height(10)", 400, "twice"),
        (f"{MAP}&subset=height(1000)", 404, "misses the axis"),
        (f"{TILE}&subset=depth(5)", 400, "no axis of the map"),
        (f"{TILE}&subset=Lat(50:60)", 400, "the address of a tile"),
        (f"{TILE}&subset=height(20:40)", 404, "misses the axis"),
        (f'{XYZ}&subset=time("2020")', 400, "the address of a tile"),
        ("/tiles/W.json?subset=height(x)", 400, "neither a number"),
    ],
)
def test_what_is_not_there_is_told(
    client: TestClient, address: str, status: int, words: str
) -> None:
    reply = client.get(address)
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert words in reply.json()["detail"]
