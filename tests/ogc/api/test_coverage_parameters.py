"""Every parameter of the coverage route against plain NumPy and rasterio's warp."""

import json
import re
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.warp import reproject
from starlette.testclient import TestClient

from tests.builders.fakes import World, optical_cube
from tests.ogc.api.conftest import CELLS, client_of
from tests.ogc.api.test_coverage import COVERAGE, DAY, pixels
from tests.ogc.zarr.conftest import LEFT_M, TOP_M

RED = DAY | {"properties": "B04"}
COLLECTION = "/ogcapi/collections/S2_L2A/coverage"


@pytest.mark.parametrize(
    ("subset", "rows", "columns"),
    [
        (f"E({LEFT_M + 100}:{LEFT_M + 200}),N({TOP_M - 300}:{TOP_M - 150})", (15, 30), (10, 20)),
        (f"x({LEFT_M + 100}:*)", (0, 60), (10, 80)),
        (f"northing(*:{TOP_M - 150})", (15, 60), (0, 80)),
    ],
)
def test_subsets_of_the_plane_keep_the_cells_inside(
    client: TestClient, subset: str, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    reply = client.get(COVERAGE, params=RED | {"subset": subset})
    assert reply.status_code == 200, reply.text
    cells, transform = pixels(reply.content)
    np.testing.assert_array_equal(cells[0], CELLS[0, slice(*rows), slice(*columns)])
    assert (transform[2], transform[5]) == (LEFT_M + 10 * columns[0], TOP_M - 10 * rows[0])


@pytest.mark.parametrize("named", [{}, {"subset-crs": "EPSG:4326"}, {"subset-crs": "[OGC:CRS84]"}])
def test_subsets_in_degrees_need_no_crs(client: TestClient, named: dict[str, str]) -> None:
    change = Transformer.from_crs(32633, 4326, always_xy=True)
    west, south, east, north = change.transform_bounds(
        LEFT_M + 100, TOP_M - 300, LEFT_M + 200, TOP_M - 150
    )
    subset = f"Lat({south}:{north}),Lon({west}:{east})"
    reply = client.get(COVERAGE, params=RED | named | {"subset": subset})
    assert reply.status_code == 200, reply.text
    cells, transform = pixels(reply.content)
    row, column = round((TOP_M - transform[5]) / 10), round((transform[2] - LEFT_M) / 10)
    assert (row in (14, 15), column in (9, 10)) == (True, True)
    height, width = cells.shape[1:]
    np.testing.assert_array_equal(cells[0], CELLS[0, row : row + height, column : column + width])


@pytest.mark.parametrize(
    ("subset", "days"),
    [
        ('time("2023-08-10":"2023-08-15")', [10, 15]),
        ("ansi(2023-08-10:2023-08-15)", [10, 15]),
        ('datetime(*:"2023-08-12")', [10]),
        ("time(2023-08-09T00:00:00Z:2023-08-12T00:00:00Z)", [10]),
    ],
)
def test_subsets_of_time_keep_their_axis(client: TestClient, subset: str, days: list[int]) -> None:
    params = {"subset": subset, "properties": "B04", "f": "netcdf"}
    reply = client.get(COVERAGE, params=params)
    assert reply.status_code == 200, reply.text
    with xr.open_dataset(BytesIO(reply.content), engine="h5netcdf", mask_and_scale=False) as opened:
        assert opened.time.dt.day.values.tolist() == days


def test_a_subset_of_one_time_is_a_slice(client: TestClient) -> None:
    reply = client.get(COVERAGE, params={"subset": 'time("2023-08-10")', "properties": "B04"})
    np.testing.assert_array_equal(pixels(reply.content)[0][0], CELLS[2])


@pytest.mark.parametrize(
    ("params", "step"),
    [
        ({"scale-factor": "2"}, (2, 2)),
        ({"scale-axes": "E(4),N(2)"}, (2, 4)),
        ({"scale-size": "x(40),y(30)"}, (2, 2)),
        ({"width": "40", "height": "30"}, (2, 2)),
        ({"width": "40"}, (2, 2)),
        ({"height": "15"}, (4, 4)),
    ],
)
def test_scaling_says_how_many_cells(
    client: TestClient, params: dict[str, str], step: tuple[int, int]
) -> None:
    asked = RED | params | {"interpolation": "average"}
    reply = client.get(COVERAGE, params=asked)
    assert reply.status_code == 200, reply.text
    cells, transform = pixels(reply.content)
    high, wide = step
    blocks = CELLS[0].reshape(60 // high, high, 80 // wide, wide)
    counted = (blocks != -32768).sum(axis=(1, 3))
    summed = np.where(blocks == -32768, 0, blocks.astype(float)).sum(axis=(1, 3))
    means = np.where(counted > 0, summed / np.maximum(counted, 1), -32768)
    assert cells.shape[1:] == means.shape
    assert np.abs(cells[0] - means).max() <= 0.5
    assert (transform[0], transform[4]) == (10 * wide, -10 * high)


def test_crs_warps_as_gdal_does_and_the_headers_say_where(client: TestClient) -> None:
    reply = client.get(COVERAGE, params=RED | {"crs": "EPSG:3857"})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/3857>"
    with MemoryFile(reply.content) as file, file.open() as opened:
        assert opened.crs.to_epsg() == 3857
        cells, transform, bounds = opened.read(1), opened.transform, opened.bounds
    told = [float(text) for text in reply.headers["content-bbox"].split(",")]
    assert told == pytest.approx(list(bounds), abs=1e-6)
    expected = np.full(cells.shape, -32768, np.int16)
    reproject(
        CELLS[0],
        expected,
        src_transform=from_origin(LEFT_M, TOP_M, 10, 10),
        src_crs="EPSG:32633",
        dst_transform=transform,
        dst_crs="EPSG:3857",
        src_nodata=-32768,
        dst_nodata=-32768,
        resampling=Resampling.nearest,
        tolerance=0,
    )
    assert (cells == expected).mean() > 0.995


def test_headers_go_by_the_axis_order_of_the_crs(client: TestClient) -> None:
    reply = client.get(COVERAGE, params=RED | {"crs": "EPSG:4326"})
    south, west, north, east = map(float, reply.headers["content-bbox"].split(","))
    assert (40 < south < north < 55, 10 < west < east < 20) == (True, True)
    assert reply.headers["vary"] == "Accept"
    assert "max-age" in reply.headers["cache-control"]


SMALL = RED | {"subset": f"x({LEFT_M + 100}:{LEFT_M + 140}),y({TOP_M - 130}:{TOP_M - 100})"}
CUT = CELLS[0, 10:13, 10:14]


def test_every_format_holds_the_cells(client: TestClient) -> None:
    def body(name: str, kind: str) -> bytes:
        reply = client.get(COVERAGE, params=SMALL | {"f": name})
        assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, kind)
        return reply.content

    np.testing.assert_array_equal(pixels(body("geotiff", "image/tiff"))[0][0], CUT)
    document = json.loads(body("covjson", "application/prs.coverage+json"))
    told = document["ranges"]["B04"]
    values = np.array(told["values"]).reshape(told["shape"])
    across = told["axisNames"].index("x") < told["axisNames"].index("y")
    np.testing.assert_array_equal(values.T if across else values, CUT)
    numbers = [int(text) for text in re.findall(r"-?[0-9]+", body("csv", "text/csv").decode())]
    assert numbers == CUT.T.ravel().tolist()
    assert json.loads(body("json", "application/json"))
    assert b"GridCoverage" in body("gml", "application/gml+xml")
    for name in ("png", "jpeg", "jp2"):
        kind = {"jp2": "image/jp2"}.get(name, f"image/{name}")
        with Image.open(BytesIO(body(name, kind))) as picture:
            assert picture.size == (4, 3)


@pytest.mark.parametrize(
    ("params", "status", "told"),
    [
        ({"subset": "E(1:2"}, 400, "no list of axis(value)"),
        ({"subset": "E(2:1)"}, 400, "not allowed"),
        ({"subset": "E(a:b)"}, 400, "not allowed"),
        ({"subset": "E(1:2:3)"}, 400, "not allowed"),
        ({"subset": "E(1,2)"}, 400, "not allowed"),
        ({"subset": "E(1:2),E(1:2)"}, 400, "2 times"),
        ({"subset": 'time("2023"),ansi("2023")'}, 400, "2 times"),
        ({"subset": "height(1:2)"}, 400, "height"),
        ({"subset": "E(1:2)"}, 404, "misses"),
        ({"subset": "E(1:2)", "bbox": "1,2,3,4"}, 400, "allowed is one of them"),
        ({"subset": 'time("2023")', "datetime": "2023"}, 400, "allowed is one of them"),
        ({"subset-crs": "EPSG:1"}, 400, "EPSG:1"),
        ({"crs": "nowhere"}, 400, "nowhere"),
        ({"scale-factor": "0"}, 400, "numbers from"),
        ({"scale-factor": "nan"}, 400, "numbers from"),
        ({"scale-factor": "2", "scale-size": "E(1)"}, 400, "allowed is one of them"),
        ({"scale-factor": "2", "width": "1"}, 400, "allowed is one of them"),
        ({"scale-axes": "E(2),E(2)"}, 400, "twice"),
        ({"scale-axes": "height(2)"}, 400, "height"),
        ({"scale-size": "E(1.5)"}, 400, "integers"),
        ({"width": "-1"}, 400, "integers"),
        ({"width": "2147483647", "height": "2147483647"}, 413, "over the limit"),
        ({"interpolation": "magic"}, 400, "magic"),
    ],
)
def test_every_bad_parameter_is_told_in_a_problem(
    client: TestClient, params: dict[str, str], status: int, told: str
) -> None:
    asked = params if "time" in params.get("subset", "") else DAY | params
    reply = client.get(COVERAGE, params=asked)
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), reply.text
    assert told in reply.json()["detail"], reply.json()


@pytest.fixture(scope="module")
def zones() -> Iterator[TestClient]:
    """Two zones: the neighbour's cells lie six degrees further east."""
    world = World()
    world.add(optical_cube(), {"B04": CELLS[0]})
    world.add(optical_cube(32634), {"B04": CELLS[1]})
    with client_of(world) as made:
        yield made


def box_in(zone: int) -> str:
    change = Transformer.from_crs(zone, 4326, always_xy=True)
    numbers = change.transform_bounds(LEFT_M + 110, TOP_M - 290, LEFT_M + 190, TOP_M - 160)
    return ",".join(map(str, numbers))


@pytest.mark.parametrize(("zone", "cells"), [(32633, CELLS[0]), (32634, CELLS[1])])
def test_a_collection_answers_by_the_cube_of_the_zone(
    zones: TestClient, zone: int, cells: np.ndarray
) -> None:
    for params in ({"crs": f"EPSG:{zone}"}, {"bbox": box_in(zone)}):
        reply = zones.get(COLLECTION, params=DAY | params)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-crs"].endswith(f"/{zone}>")
        found, transform = pixels(reply.content)
        row, column = round((TOP_M - transform[5]) / 10), round((transform[2] - LEFT_M) / 10)
        height, width = found.shape[1:]
        expected = cells[row : row + height, column : column + width]
        np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize("params", [{}, {"crs": "EPSG:4326"}, {"bbox": "10,40,30,60"}])
def test_a_collection_lists_its_zones_where_several_could_answer(
    zones: TestClient, params: dict[str, str]
) -> None:
    reply = zones.get(COLLECTION, params=DAY | params)
    assert reply.status_code == 400
    detail = reply.json()["detail"]
    assert "S2_L2A_32633 (EPSG:32633), S2_L2A_32634 (EPSG:32634)" in detail
