"""The coverage route, its files read back by rasterio and xarray."""

from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from tests.ogc.api.conftest import CELLS, client_of, make_world
from tests.ogc.zarr.conftest import LEFT_M, TOP_M

COVERAGE = "/ogcapi/collections/S2_L2A_32633/coverage"
DAY = {"datetime": "2023-08-15"}


def pixels(body: bytes) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    with MemoryFile(body) as file, file.open() as opened:
        return opened.read(), tuple(opened.transform[:6])


def test_a_day_and_a_band_are_the_cells_of_the_scene(client: TestClient) -> None:
    reply = client.get(COVERAGE, params=DAY | {"properties": "B08,B04"})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/tiff"
    assert reply.headers["copernicube-revision"] == "2"
    assert reply.headers["copernicube-scenes"].startswith("S2_S2_L2A_32633_T33UUP_20230815")
    cells, transform = pixels(reply.content)
    np.testing.assert_array_equal(cells, CELLS[[1, 0]])
    assert transform == (10, 0, LEFT_M, 0, -10, TOP_M)


def test_a_box_keeps_the_cells_that_it_touches(client: TestClient) -> None:
    native = f"{LEFT_M + 101},{TOP_M - 299},{LEFT_M + 200},{TOP_M - 150}"
    params = DAY | {"properties": "B04", "bbox": native, "bbox-crs": "EPSG:32633"}
    cells, transform = pixels(client.get(COVERAGE, params=params).content)
    np.testing.assert_array_equal(cells[0], CELLS[0, 15:30, 10:20])
    assert (transform[2], transform[5]) == (LEFT_M + 100, TOP_M - 150)


@pytest.mark.parametrize(
    "crs", ["", "CRS:84", "EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/4326"]
)
def test_a_box_in_degrees_goes_by_the_axis_order_of_its_crs(client: TestClient, crs: str) -> None:
    change = Transformer.from_crs(32633, 4326, always_xy=True)
    west, south, east, north = change.transform_bounds(
        LEFT_M + 105, TOP_M - 295, LEFT_M + 195, TOP_M - 155
    )
    numbers = (south, west, north, east) if "4326" in crs else (west, south, east, north)
    params = DAY | {"properties": "B04", "bbox": ",".join(map(str, numbers))}
    if crs:
        params["bbox-crs"] = crs
    cells, transform = pixels(client.get(COVERAGE, params=params).content)
    row, col = round((TOP_M - transform[5]) / 10), round((transform[2] - LEFT_M) / 10)
    # The box in metres around a box in degrees is at most a cell wider on each side.
    assert (row in (14, 15), col in (9, 10)) == (True, True)
    height, width = cells.shape[1:]
    assert (height in range(15, 18), width in range(10, 13)) == (True, True)
    np.testing.assert_array_equal(cells[0], CELLS[0, row : row + height, col : col + width])


def test_an_interval_keeps_the_axis_of_time(client: TestClient) -> None:
    params = {"datetime": "../2023-08-15", "properties": "B04", "f": "netcdf"}
    reply = client.get(COVERAGE, params=params)
    assert reply.headers["content-type"] == "application/netcdf"
    with xr.open_dataset(BytesIO(reply.content), engine="h5netcdf", mask_and_scale=False) as opened:
        np.testing.assert_array_equal(opened.B04, CELLS[[2, 0]])
        assert opened.time.dt.day.values.tolist() == [10, 15]


@pytest.mark.parametrize(
    ("accept", "sent"),
    [
        ("", "image/tiff"),
        ("*/*", "image/tiff"),
        ("application/x-netcdf", "application/netcdf"),
        ("image/tiff;q=0.5, application/netcdf", "application/netcdf"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "image/tiff"),
    ],
)
def test_the_header_accept_decides_where_f_does_not(
    client: TestClient, accept: str, sent: str
) -> None:
    reply = client.get(COVERAGE, params=DAY, headers={"accept": accept})
    assert reply.headers["content-type"] == sent
    tiff = client.get(COVERAGE, params=DAY | {"f": "tiff"}, headers={"accept": accept})
    assert tiff.headers["content-type"] == "image/tiff"


@pytest.mark.parametrize(
    ("params", "status", "told"),
    [
        ({"rangesubset": "B04"}, 400, "allowed: bbox, bbox-crs, datetime, subset, subset-crs"),
        ({"bbox": "1,2,3"}, 400, "four numbers"),
        ({"bbox": "1,2,3,inf"}, 400, "four numbers"),
        ({"bbox": "170,0,-170,1"}, 400, "across 180 degrees"),
        ({"bbox": "0,0,1,1"}, 404, "misses axis"),
        ({"bbox": "1,2,3,4", "bbox-crs": "EPSG:nix"}, 400, "unknown crs"),
        ({"datetime": "1999"}, 404, "the nearest"),
        ({"datetime": "yesterday"}, 400, "ISO 8601"),
        ({"datetime": "2023-08"}, 404, "selects 2 acquisitions"),
        ({"properties": "B99"}, 400, "this coverage has B04, B08, SCL"),
        ({"f": "docx"}, 400, "offered: tiff, netcdf"),
        ({"as_of": "9.5"}, 400, "integers"),
        ({"bbox": ["1,2,3,4", "1,2,3,5"]}, 400, "different values"),
    ],
)
def test_bad_requests_are_problem_documents(
    client: TestClient, params: dict[str, str | list[str]], status: int, told: str
) -> None:
    reply = client.get(COVERAGE, params=params)
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert reply.json()["status"] == status
    assert told in reply.json()["detail"]


def test_an_unknown_coverage_is_404_and_an_impossible_accept_406(client: TestClient) -> None:
    unknown = client.get("/ogcapi/collections/NIX/coverage")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NotFound")
    assert client.get(COVERAGE, headers={"accept": "video/mp4"}).status_code == 406


def test_as_of_gives_the_same_bytes_after_a_new_scene() -> None:
    world = make_world()
    with client_of(world) as client:
        before = client.get(COVERAGE, params=DAY)
        world.add(next(iter(world.cubes.values())), {"B04": CELLS[1]}, baseline="06.00")
        now, then = (client.get(COVERAGE, params=DAY | extra) for extra in ({}, {"as_of": "2"}))
    assert then.content == before.content
    assert then.headers["etag"] == before.headers["etag"]
    assert (now.headers["copernicube-revision"], then.headers["copernicube-revision"]) == ("3", "2")
    np.testing.assert_array_equal(pixels(now.content)[0][0], CELLS[1])
