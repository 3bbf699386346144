"""TIME and ELEVATION of WMS 1.3.0: the suite's requests, and the pixels that it looks at."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from affine import Affine
from numpy.typing import NDArray
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.cli import commands
from copernicube.config import Settings
from tests.conformance.asked import Case, check, picture
from tests.conformance.wms13 import Box, ask, capabilities, clear, whites
from tools.make_cite_store import write_cube

BASE = {
    "VERSION": "1.3.0",
    "REQUEST": "GetMap",
    "STYLES": "",
    "CRS": "CRS:84",
    "FORMAT": "image/png",
}
TERRAIN = BASE | {
    "LAYERS": "cite_Terrain",
    "BBOX": "-0.5,-0.5,0.5,0.5",
    "WIDTH": "600",
    "HEIGHT": "600",
    "TRANSPARENT": "TRUE",
}
LAKES = BASE | {
    "LAYERS": "cite_Lakes",
    "BBOX": "0,-0.002,0.004,0",
    "WIDTH": "200",
    "HEIGHT": "100",
}
AUTOS = BASE | {
    "LAYERS": "cite_Autos",
    "BBOX": "-0.0042,-0.0024,0.0042,0.0024",
    "WIDTH": "420",
    "HEIGHT": "240",
}
HIGH_SPOT, LOW_SPOT, WHOLE = (0, 0, 150, 150), (450, 450, 150, 150), (0, 0, 600, 600)
STATIONS = (
    (135, 105),
    (95, 115),
    (60, 125),
    (45, 135),
    (45, 155),
    (45, 185),
    (45, 225),
    (45, 5),
    (45, 55),
    (45, 105),
    (45, 205),
    (75, 215),
    (75, 175),
    (75, 135),
    (75, 95),
    (75, 55),
    (350, 20),
    (345, 45),
)
"""Corners of the squares, 10 pixels wide, in which the suite looks for cars; counted from 1."""
SEEN = (
    {1},
    {2},
    {3},
    {4},
    {5, 8},
    {6, 9},
    {7, 10},
    {5},
    {11, 12},
    {13},
    {14},
    {15, 17},
    {16, 18},
)
"""Where cars are, every five seconds."""


def cars(drawn: NDArray[np.uint8]) -> set[int]:
    """Return the numbers of the stations that are not wholly white."""
    return {n for n, at in enumerate(STATIONS, start=1) if whites(drawn, (*at, 10, 10)) < 100}


@pytest.mark.requirement("wms13:time:time-each-instant")
@pytest.mark.parametrize("number", range(13))
def test_each_instant(cite: TestClient, number: int) -> None:
    instant = f"2000-01-01T00:{number * 5 // 60:02}:{number * 5 % 60:02}Z"
    assert cars(picture(ask(cite, AUTOS, {"TIME": instant}))) == SEEN[number]


FIRST, LAST = "2000-01-01T00:00:00Z", "2000-01-01T00:01:00Z"
EARLY, LATE = f"{FIRST}/2000-01-01T00:00:10Z", f"2000-01-01T00:00:50Z/{LAST}"


@pytest.mark.parametrize(
    ("time", "seen"),
    [
        pytest.param(time, seen, id=name, marks=pytest.mark.requirement(f"wms13:time:{name}"))
        for name, time, seen in (
            ("time-interval", LATE, {14, 15, 16, 17, 18}),
            ("time-interval-and-instant", f"{FIRST},{LATE}", {1, 14, 15, 16, 17, 18}),
            ("time-interval-list", f"{EARLY},{LATE}", {1, 2, 3, 14, 15, 16, 17, 18}),
            ("time-instant-list", f"{FIRST},{LAST}", {1, 16, 18}),
        )
    ],
)
def test_lists_and_intervals(cite: TestClient, time: str, seen: set[int]) -> None:
    assert cars(picture(ask(cite, AUTOS, {"TIME": time}))) == seen


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(asked, id=name, marks=pytest.mark.requirement(f"wms13:{name}"))
        for name, asked in (
            ("time:time-current-instant", AUTOS | {"TIME": "current"}),
            ("time:time-current-interval", AUTOS | {"TIME": f"{FIRST}/current"}),
            (
                "time:time-and-other-layer",
                AUTOS | {"LAYERS": "cite_Autos,cite_Streams", "TIME": FIRST},
            ),
            (
                "raster_elevation:terrain-and-other-layer",
                TERRAIN
                | {
                    "LAYERS": "cite_BasicPolygons,cite_Terrain",
                    "BBOX": "-1,-1,1,1",
                    "ELEVATION": "0/425",
                    "WIDTH": "60",
                    "HEIGHT": "60",
                },
            ),
            (
                "vector_elevation:geometry-and-other-layer",
                LAKES | {"LAYERS": "cite_Lakes,cite_Streams", "ELEVATION": "500"},
            ),
        )
    ],
)
def test_a_map_is_drawn(cite: TestClient, asked: dict[str, str]) -> None:
    reply = ask(cite, asked, {})
    assert reply.headers["content-type"] == "image/png", reply.text
    assert picture(reply).any()


@pytest.mark.requirement("wms13:time:time-default")
def test_the_default_time_is_told(cite: TestClient) -> None:
    (dimension,) = capabilities(cite).findall(".//{*}Dimension[@name='time']")
    reply = ask(cite, AUTOS, {})
    assert cars(picture(reply))
    wanted = f"99 Default value used: time={dimension.get('default')}"
    assert reply.headers["warning"].startswith(wanted)


@pytest.mark.parametrize(
    ("elevation", "hidden"),
    [
        pytest.param(
            elevation,
            hidden,
            id=name,
            marks=pytest.mark.requirement(f"wms13:raster_elevation:{name}"),
        )
        for name, elevation, hidden in (
            ("terrain-low-range", "0/200", {LOW_SPOT: 0, WHOLE: 337500}),
            ("terrain-mid-range", "200/335", {HIGH_SPOT: 22500, LOW_SPOT: 22500, WHOLE: 45000}),
            ("terrain-high-range", "335/425", {HIGH_SPOT: 0, WHOLE: 337500}),
            (
                "terrain-low-and-high-ranges",
                "0/200,335/425",
                {HIGH_SPOT: 0, LOW_SPOT: 0, WHOLE: 315000},
            ),
        )
    ],
)
def test_ranges_of_elevations(cite: TestClient, elevation: str, hidden: dict[Box, int]) -> None:
    drawn = picture(ask(cite, TERRAIN, {"ELEVATION": elevation}))
    assert {box: clear(drawn, box) for box in hidden} == hidden


@pytest.mark.requirement("wms13:raster_elevation:terrain-range-and-value")
def test_a_range_and_a_value(cite: TestClient, testdata: Path) -> None:
    drawn = picture(ask(cite, TERRAIN, {"ELEVATION": "0/200,250"}))
    assert (clear(drawn, HIGH_SPOT), clear(drawn, LOW_SPOT)) == (22500, 0)
    with rasterio.open(testdata / "cite_wms13/raster/terrain.tif") as file:
        heights = file.read(1)
    assert clear(drawn, WHOLE) == int(((heights > 200) & (heights != 250)).sum())


@pytest.mark.requirement("wms13:raster_elevation:terrain-value")
def test_a_value(cite: TestClient) -> None:
    drawn = picture(ask(cite, TERRAIN, {"ELEVATION": "250"}))
    assert 45000 < clear(drawn, WHOLE) < 360000


@pytest.mark.requirement("wms13:raster_elevation:terrain-invalid")
@pytest.mark.parametrize("elevation", ["1000", "250.5", "x"])
def test_an_elevation_that_is_not_advertised(cite: TestClient, elevation: str) -> None:
    check(ask(cite, TERRAIN, {"ELEVATION": elevation}), Case(code="InvalidDimensionValue"))


@pytest.mark.requirement("wms13:raster_elevation:terrain-default")
def test_the_default_elevation_is_the_whole_range(cite: TestClient) -> None:
    reply = ask(cite, TERRAIN, {})
    assert reply.headers["warning"].startswith("99 Default value used: elevation=0/425")
    assert clear(picture(reply), WHOLE) == 0


SHORES: dict[str, dict[Box, int]] = {
    "480": {(0, 0, 50, 100): 5000, (65, 35, 10, 30): 0, (100, 0, 100, 100): 10000},
    "490": {
        (0, 0, 40, 100): 4000,
        (60, 30, 15, 45): 0,
        (60, 60, 60, 10): 0,
        (100, 0, 100, 50): 5000,
        (130, 50, 70, 50): 3500,
    },
    "500": {
        (0, 0, 20, 100): 2000,
        (50, 30, 35, 50): 0,
        (85, 55, 55, 20): 0,
        (170, 0, 30, 100): 3000,
    },
}
"""White pixels of the suite's boxes, by elevation."""


@pytest.mark.parametrize(
    ("asked", "shown", "warning"),
    [
        pytest.param(
            asked, shown, warning, marks=pytest.mark.requirement(f"wms13:vector_elevation:{name}")
        )
        for name, asked, shown, warning in (
            ("geometry-low", "480", "480", ""),
            ("geometry-med", "490", "490", ""),
            ("geometry-high", "500", "500", ""),
            ("geometry-nearest-value", "492", "490", "99 Nearest value used: elevation=490"),
            ("geometry-default-value", None, "500", "99 Default value used: elevation=500"),
        )
    ],
)
def test_the_lake_at_an_elevation(
    cite: TestClient, asked: str | None, shown: str, warning: str
) -> None:
    reply = ask(cite, LAKES, {"ELEVATION": asked})
    drawn = picture(reply)
    assert {box: whites(drawn, box) for box in SHORES[shown]} == SHORES[shown]
    assert reply.headers.get("warning", "").startswith(warning)


@pytest.mark.requirement("wms13:vector_elevation:geometry-multiple-values")
def test_several_elevations_where_one_is_allowed(cite: TestClient) -> None:
    check(ask(cite, LAKES, {"ELEVATION": "500,480"}), Case(code="InvalidDimensionValue"))


@pytest.mark.requirement("wms13:dims:missing-no-default")
def test_an_elevation_that_has_no_default_is_needed(tmp_path: Path) -> None:
    """No layer of the suite's is such: it has one made."""
    cells = np.repeat(np.array([1, 2], np.uint8), 4).reshape(2, 2, 2)
    write_cube(
        tmp_path / "d.nc", "d", cells, Affine(1, 0, 0, 0, -1, 0), "elevation", np.array([5.0, 9.0])
    )
    axis = {"name": "elevation", "is": "further", "dimension": "elevation", "unit": "m"}
    recipe = {
        "coverage": "deep",
        "files": "d.nc",
        "crs": "EPSG:4326",
        "axes": [{**axis, "maps": {"required": True}}],
        "bands": [{"name": "d", "nodata": 0}],
    }
    (tmp_path / "d.yaml").write_text(yaml.safe_dump(recipe))
    store = str(tmp_path / "store")
    commands.main(
        ["ingest", "--recipe", str(tmp_path / "d.yaml"), "--store", store], standalone_mode=False
    )
    client = TestClient(build(Settings(store=store)))
    (dimension,) = capabilities(client).findall(".//{*}Dimension")
    assert dimension.get("default") is None
    small = {"LAYERS": "deep", "BBOX": "0,-2,2,0", "WIDTH": "2", "HEIGHT": "2"}
    reply = ask(client, BASE | small, {})
    check(reply, Case(code="MissingDimensionValue"))
    assert "5 to 9 m" in reply.text
    assert (picture(ask(client, BASE | small, {"ELEVATION": "9"}))[..., 3] == 255).all()
