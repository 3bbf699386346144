"""XYZ tiles and TileJSON over scenes in memory."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from datacube.errors import CubeError
from ogc.tiles.routes import tile_routes
from ogc.tiles.times import parse_map_time
from tests.acceptance.clients import rgba
from tests.ogc.api.conftest import make_world
from tests.ogc.zarr.conftest import engine_over

type Document = dict[str, Any]


@pytest.fixture(scope="module")
def xyz() -> TestClient:
    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/").removesuffix("/tiles")

    routes = tile_routes(engine_over(make_world()).session, root)
    return TestClient(Starlette(routes=[Mount("/tiles", routes=routes)]))


@pytest.fixture(scope="module")
def described(xyz: TestClient) -> Document:
    response = xyz.get("/tiles/S2_L2A.json")
    assert response.status_code == 200
    document: Document = response.json()
    return document


def address(described: Document, zoom: int, **more: str) -> str:
    """Return the tile in the middle of the layer, by the formula that tile maps publish."""
    lon, lat, _ = described["center"]
    n = 2**zoom
    x = int((lon + 180) / 360 * n)
    phi = np.radians(lat)
    y = int((1 - np.log(np.tan(phi) + 1 / np.cos(phi)) / np.pi) / 2 * n)
    (template,) = described["tiles"]
    filled = str(template).format(z=zoom, x=x, y=y)
    return filled + ("?" + "&".join(f"{k}={v}" for k, v in more.items()) if more else "")


def test_the_description_is_that_of_the_layer(described: Document) -> None:
    assert described["tilejson"] == "3.0.0"
    assert described["scheme"] == "xyz"
    assert described["tiles"] == ["http://testserver/tiles/S2_L2A/{z}/{x}/{y}.png"]
    west, south, east, north = described["bounds"]
    lon, lat, zoom = described["center"]
    assert west < lon < east
    assert south < lat < north
    assert 0 == described["minzoom"] <= zoom <= described["maxzoom"]


def test_the_finest_zoom_is_the_first_that_shows_every_cell(described: Document) -> None:
    """Pixels of 10 m in longitude at the latitude of the scene."""
    _, lat, _ = described["center"]
    pixels_m = [156543.03392804097 / 2**z * np.cos(np.radians(lat)) for z in range(25)]
    assert described["maxzoom"] == next(z for z, side in enumerate(pixels_m) if side <= 10.05)


def test_the_middle_has_data_at_every_zoom(xyz: TestClient, described: Document) -> None:
    for zoom in (0, 5, 12, 14, 18):
        response = xyz.get(address(described, zoom, style="B04"))
        assert response.status_code == 200
        if zoom >= 12:
            assert (rgba(response.content)[..., 3] == 255).any()


def test_parameters_go_into_the_template(xyz: TestClient) -> None:
    document = xyz.get("/tiles/S2_L2A.json?style=B08&time=2023-08&f=webp").json()
    wanted = "http://testserver/tiles/S2_L2A/{z}/{x}/{y}.webp?time=2023-08&style=B08"
    assert document["tiles"] == [wanted]


@pytest.mark.parametrize(
    ("ending", "media_type"),
    [("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp")],
)
def test_endings_choose_the_format(
    xyz: TestClient, described: Document, ending: str, media_type: str
) -> None:
    response = xyz.get(address(described, 14).replace(".png", f".{ending}"))
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)


def test_styles_differ(xyz: TestClient, described: Document) -> None:
    bodies = {xyz.get(address(described, 14, style=name)).content for name in ("B04", "B08")}
    assert len(bodies) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tiles/nothing/1/1/0.png", 404),
        ("/tiles/nothing.json", 404),
        ("/tiles/S2_L2A/1/0/0.png", 404),
        ("/tiles/S2_L2A/99/0/0.png", 404),
        ("/tiles/S2_L2A/1/x/0.png", 400),
        ("/tiles/S2_L2A/1/1/0.tga", 400),
        ("/tiles/S2_L2A/1/1/0.png?style=nothing", 404),
        ("/tiles/S2_L2A/1/1/0.png?time=1999", 404),
        ("/tiles/S2_L2A/1/1/0.png?time=soon", 400),
        ("/tiles/S2_L2A/1/1/0.png?tim=2023", 400),
        ("/tiles/S2_L2A/1/1/0.png?as_of=x", 400),
        ("/tiles/S2_L2A.json?time=soon", 400),
        ("/tiles/S2_L2A.json?f=tga", 400),
        ("/tiles/", 404),
        ("/tiles/S2_L2A/1", 404),
    ],
)
def test_failures_are_problems(xyz: TestClient, path: str, status: int) -> None:
    response = xyz.get(path)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.content)["status"] == status


def test_times_of_all_spellings() -> None:
    for text in ("", "current", "Default"):
        assert parse_map_time(text, "time").instant is None
        assert parse_map_time(text, "time").start is None
    assert str(parse_map_time("2023-08", "time").instant) == "2023-08"
    for text in ("2023-08-01/2023-08-31", "2023-08-01--2023-08-31", "2023-08-01/2023-08-31/P1D"):
        time = parse_map_time(text, "time")
        assert (str(time.start), str(time.end)) == ("2023-08-01", "2023-08-31")
    assert str(parse_map_time("../2023", "time").end) == "2023"
    assert str(parse_map_time("2023/..", "time").start) == "2023"


@given(st.text(alphabet="0123456789-/.TZP: ", max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        time = parse_map_time(text, "time")
    except CubeError:
        return
    if time.start is not None and time.end is not None:
        assert time.start.start < time.end.end
