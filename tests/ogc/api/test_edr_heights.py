"""EDR queries of data with heights, and of data without times."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from ogc.api.routes import api_routes
from tests.builders.made import WGS84, Frame, add_cube, listed, make_store, regular
from tests.ogc.api.covjson import check

TIMES = ("2020-01-01", "2020-01-02", "2020-01-03")
LEVELS = (2.0, 10.0, 100.0, 500.0)
WIND = np.random.default_rng(8).uniform(0, 30, (3, 4, 20, 30)).astype("float32")
RELIEF = np.random.default_rng(9).integers(0, 900, (20, 30), dtype=np.int16)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Wind on four heights at three times, and a relief, both 10..13 E, 50..48 N."""
    made = make_store(tmp_path_factory.mktemp("edr") / "store")
    plane = (regular("Lat", 50, 48, 20), regular("Lon", 10, 13, 30))
    wind = Frame(axes=(listed("height", *LEVELS), *plane), crs=WGS84, times=TIMES)
    add_cube(made, "WIND", {"speed": WIND}, wind, band={"unit": "m/s"})
    add_cube(made, "RELIEF", {"h": RELIEF}, Frame(axes=plane, crs=WGS84))

    routes = api_routes(made.local.engine.session, lambda _: "http://testserver")
    with TestClient(Starlette(routes=[Mount("/ogcapi", routes=routes)])) as opened:
        yield opened


def ask(client: TestClient, path: str, **params: str) -> list[dict[str, Any]]:
    named = {name.replace("_", "-"): value for name, value in params.items()}
    reply = client.get(f"/ogcapi/collections/{path}", params=named)
    assert reply.status_code == 200, reply.text
    return check(reply.json())


def values(coverage: dict[str, Any], name: str = "speed") -> Any:  # noqa: ANN401 an array
    found = coverage["ranges"][name]
    return np.array(found["values"], "float32").reshape(found["shape"])


PLACE = "POINT(11.05 49.05)"
"""Row 9, column 10."""


def test_a_position_has_every_time_and_level(client: TestClient) -> None:
    (found,) = ask(client, "WIND/position", coords=PLACE)
    assert found["domain"]["domainType"] == "Grid"
    assert found["domain"]["axes"]["z"]["values"] == list(LEVELS)
    np.testing.assert_allclose(values(found), WIND[:, :, 9, 10], rtol=1e-6)


@pytest.mark.parametrize(
    ("z", "levels"),
    [
        ("10", [1]),
        ("2,500", [0, 3]),
        ("5/200", [1, 2]),
        ("../10", [0, 1]),
        ("50/..", [2, 3]),
        ("R2/2/8", [0, 1]),
    ],
)
def test_z_chooses_levels(client: TestClient, z: str, levels: list[int]) -> None:
    (found,) = ask(client, "WIND/position", coords=PLACE, z=z)
    np.testing.assert_allclose(values(found), WIND[:, levels, 9, 10], rtol=1e-6)
    assert found["domain"]["axes"]["z"]["values"] == [LEVELS[k] for k in levels]


def test_a_level_that_is_not_there_is_no_content_and_its_neighbours_are_told(
    client: TestClient,
) -> None:
    params = {"coords": PLACE, "z": "50"}
    reply = client.get("/ogcapi/collections/WIND/position", params=params)
    assert reply.status_code == 204
    assert "10 and 100" in reply.headers["warning"]


def test_points_with_z_take_the_nearest_level(client: TestClient) -> None:
    coords = "MULTIPOINT Z((11.05 49.05 3),(12.95 48.05 90))"
    first, second = ask(client, "WIND/position", coords=coords)
    assert first["domain"]["domainType"] == "PointSeries"
    np.testing.assert_allclose(values(first), WIND[:, 0, 9, 10], rtol=1e-6)
    np.testing.assert_allclose(values(second), WIND[:, 2, 19, 29], rtol=1e-6)
    assert second["domain"]["axes"]["z"]["values"] == [100.0]


def test_a_flight_goes_through_place_height_and_time(client: TestClient) -> None:
    day = 86_400
    start = 1_577_836_800
    coords = f"LINESTRINGZM(10.05 49.05 2 {start},12.95 49.05 500 {start + 2 * day})"
    (found,) = ask(client, "WIND/trajectory", coords=coords)
    assert found["domain"]["domainType"] == "Trajectory"
    composite = found["domain"]["axes"]["composite"]
    assert composite["coordinates"] == ["t", "x", "y", "z"]
    expected = []
    for when, x, y, z in composite["values"]:
        at = next(k for k, day in enumerate(TIMES) if when.startswith(day))
        row, column = int((50 - y) / 0.1), int((x - 10) / 0.1)
        assert abs(x - (10.05 + 0.1 * column)) < 1e-9
        expected.append(WIND[at, LEVELS.index(z), row, column])
    np.testing.assert_allclose(values(found), expected, rtol=1e-6)
    assert [place[0][:10] for place in composite["values"][:: len(expected) - 1]] == [
        TIMES[0],
        TIMES[2],
    ]
    assert [place[3] for place in composite["values"]] == sorted(
        place[3] for place in composite["values"]
    )


def test_a_corridor_has_the_levels_within_its_height(client: TestClient) -> None:
    reply = client.get(
        "/ogcapi/collections/WIND/corridor",
        params={
            "coords": "LINESTRINGZ(10.5 49.05 60,12.5 49.05 60)",
            "corridor-width": "30",
            "width-units": "km",
            "corridor-height": "110",
            "height-units": "m",
            "f": "CSV",
            "datetime": "2020-01-02",
        },
    )
    lines = [line.split(",") for line in reply.text.splitlines()]
    assert lines[0] == ["t", "x", "y", "z", "speed"]
    assert {line[3] for line in lines[1:]} == {"10.0", "100.0"}
    for _, x, y, z, speed in lines[1:]:
        row, column = int((50 - float(y)) / 0.1), int((float(x) - 10) / 0.1)
        cell = WIND[1, LEVELS.index(float(z)), row, column]
        assert float(speed) == pytest.approx(float(cell), rel=1e-6)


def test_data_without_time_are_a_point_and_a_line(client: TestClient) -> None:
    (found,) = ask(client, "RELIEF/position", coords=PLACE, datetime="2020")
    assert found["domain"]["domainType"] == "Point"
    assert found["ranges"]["h"]["values"] == [RELIEF[9, 10]]
    reply = client.get(
        "/ogcapi/collections/RELIEF/trajectory",
        params={"coords": "LINESTRING(10.05 49.05,12.95 49.05)", "f": "CSV"},
    )
    lines = reply.text.splitlines()
    assert lines[0] == "x,y,h"
    assert [int(line.split(",")[2]) for line in lines[1:]] == RELIEF[9].tolist()


def test_the_collection_tells_its_levels(client: TestClient) -> None:
    document = client.get("/ogcapi/collections/WIND", params={"f": "json"}).json()
    assert document["extent"]["vertical"]["interval"] == [[2.0, 500.0]]
    assert document["extent"]["vertical"]["values"] == ["2", "10", "100", "500"]
    assert document["parameter_names"]["speed"]["unit"]["symbol"]["value"] == "m/s"
