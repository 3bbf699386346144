"""The queries of OGC API EDR against cells known by NumPy."""

from dataclasses import replace
from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from httpx2 import Response
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.features import geometry_mask
from rasterio.transform import from_origin
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from datacube.protocols import Limits
from ogc.api.routes import api_routes
from tests.builders.fakes import BASE_TIME
from tests.ogc.api.conftest import CELLS, COLS, ROWS, client_of, make_world
from tests.ogc.api.covjson import check
from tests.ogc.zarr.conftest import FIVE_DAYS, LEFT_M, TOP_M, engine_over

COLLECTION = "/ogcapi/collections/S2_L2A_32633"
TO_DEGREES = Transformer.from_crs(32633, 4326, always_xy=True)
TO_METRES = Transformer.from_crs(4326, 32633, always_xy=True)
OLDER, NEWER = "2023-08-10T09:50:31.024Z", "2023-08-15T09:50:31.024Z"
B04 = {OLDER: CELLS[2], NEWER: CELLS[0]}
DAY = {"datetime": "2023-08-15", "parameter-name": "B04"}


def lonlat(row: float, column: float) -> tuple[float, float]:
    """Return longitude and latitude of the middle of a cell."""
    x, y = TO_DEGREES.transform(LEFT_M + (column + 0.5) * 10, TOP_M - (row + 0.5) * 10)
    return x, y


def point(row: float, column: float) -> str:
    lon, lat = lonlat(row, column)
    return f"{lon} {lat}"


def ask(client: TestClient, kind: str, **params: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in params.items()}
    reply = client.get(f"{COLLECTION}/{kind}", params=named)
    assert reply.status_code == 200, reply.text
    return reply


def table(reply: Response) -> pd.DataFrame:
    assert reply.headers["content-type"].startswith("text/csv")
    return pd.read_csv(StringIO(reply.text))


def cells_of(frame: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of a table in metres."""
    rows = np.floor((TOP_M - frame.y) / 10).to_numpy(int)
    return rows, np.floor((frame.x - LEFT_M) / 10).to_numpy(int)


def mask_of(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which cells of the scene a table of one time has, once it has their values."""
    rows, columns = cells_of(frame)
    np.testing.assert_array_equal(frame.B04, CELLS[0][rows, columns])
    found = np.zeros((ROWS, COLS), bool)
    found[rows, columns] = True
    return found


def places(axis: dict[str, float]) -> NDArray[np.float64]:
    """Return the coordinates of a regular axis of CoverageJSON."""
    return np.linspace(axis["start"], axis["stop"], int(axis["num"]))


def middles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the middles of all cells."""
    return np.meshgrid(LEFT_M + 10 * np.arange(COLS) + 5, TOP_M - 10 * np.arange(ROWS) - 5)


def test_a_position_is_a_point_series_of_what_each_scene_has_there(client: TestClient) -> None:
    reply = ask(client, "position", coords=f"POINT({point(30, 20)})")
    (found,) = check(reply.json())
    assert reply.headers["content-type"] == "application/prs.coverage+json"
    assert found["domain"]["domainType"] == "PointSeries"
    axes = found["domain"]["axes"]
    assert axes["t"]["values"] == [OLDER, NEWER]
    assert (axes["x"]["values"][0], axes["y"]["values"][0]) == lonlat(30, 20)
    ranges = {name: one["values"] for name, one in found["ranges"].items()}
    assert ranges == {
        "B04": [CELLS[2, 30, 20], CELLS[0, 30, 20]],
        "B08": [None, CELLS[1, 30, 20]],
        "SCL": [None, 4],
    }
    assert reply.headers["copernicube-scenes"].count("S2_S2_L2A_32633") == 2


def test_a_table_of_positions_is_read_by_pandas(client: TestClient) -> None:
    chosen = np.random.default_rng(3).integers((10, 10), (ROWS, COLS), (40, 2))
    text = ",".join(f"({point(row, column)})" for row, column in chosen)
    frame = table(ask(client, "position", coords=f"MULTIPOINT({text})", f="CSV"))
    assert list(frame.columns) == ["t", "x", "y", "B04", "B08", "SCL"]
    for when, cells in B04.items():
        part = frame[frame.t == when]
        np.testing.assert_array_equal(part.B04, cells[chosen[:, 0], chosen[:, 1]])
    assert frame[frame.t == OLDER].B08.isna().all()


def test_positions_beside_the_data_are_left_out(client: TestClient) -> None:
    coords = f"MULTIPOINT(({point(30, 20)}),(3 4),({point(5, 5)}),({point(31, 21)}))"
    coverages = check(ask(client, "position", coords=coords, parameter_name="B04").json())
    # At (5, 5) the scenes hold no data.
    assert [one["ranges"]["B04"]["values"] for one in coverages] == [
        [CELLS[2, row, column], CELLS[0, row, column]] for row, column in ((30, 20), (31, 21))
    ]


def test_features_name_parameters_and_time(client: TestClient) -> None:
    reply = ask(client, "position", coords=f"POINT({point(30, 20)})", f="GeoJSON", crs="CRS84")
    assert reply.headers["content-type"] == "application/geo+json"
    first, _ = reply.json()["features"]
    assert first["geometry"]["coordinates"] == pytest.approx(lonlat(30, 20), abs=1e-7)
    assert first["properties"]["datetime"] == OLDER
    assert first["properties"]["B04"] == CELLS[2, 30, 20]
    assert first["properties"]["parameter-name"] == ["B04", "B08", "SCL"]
    assert first["properties"]["edrqueryendpoint"].endswith("/S2_L2A_32633/position")


@pytest.mark.parametrize(
    ("crs", "coords"),
    [
        ("EPSG:32633", (LEFT_M + 205, TOP_M - 305)),
        ("EPSG:4326", lonlat(30, 20)[::-1]),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", lonlat(30, 20)),
        ("CRS84", lonlat(30, 20)),
    ],
)
def test_coordinates_stand_in_the_order_of_their_crs(
    client: TestClient, crs: str, coords: tuple[float, float]
) -> None:
    reply = ask(client, "position", coords=f"POINT({coords[0]} {coords[1]})", crs=crs, **DAY)
    (found,) = check(reply.json())
    assert found["ranges"]["B04"]["values"] == [CELLS[0, 30, 20]]
    x, y = coords[::-1] if crs == "EPSG:4326" else coords
    axes = found["domain"]["axes"]
    assert (axes["x"]["values"], axes["y"]["values"]) == ([x], [y])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("2023-08-15", [NEWER]),
        ("2023-08", [OLDER, NEWER]),
        (OLDER, [OLDER]),
        ("2023-08-10/2023-08-15", [OLDER, NEWER]),
        ("../2023-08-12", [OLDER]),
        ("2023-08-12/..", [NEWER]),
    ],
)
def test_times_are_periods_and_intervals(client: TestClient, asked: str, found: list[str]) -> None:
    reply = ask(client, "position", coords=f"POINT({point(30, 20)})", datetime=asked)
    assert reply.json()["domain"]["axes"]["t"]["values"] == found


def test_only_the_cell_of_the_place_is_read() -> None:
    world = make_world()
    with client_of(world) as client:
        world.reads.clear()
        ask(client, "position", coords=f"POINT({point(30, 20)})", parameter_name="B04")
    assert {window.shape for _, _, _, window in world.reads} == {(1, 1)}
    assert {band for _, band, _, _ in world.reads} <= {"B04", "valid"}


def test_a_trajectory_has_every_cell_on_the_line(client: TestClient) -> None:
    corners = ((12, 15), (40, 60), (50, 20))
    line = ",".join(point(*corner) for corner in corners)
    coverages = check(
        ask(client, "trajectory", coords=f"LINESTRING({line})", parameter_name="B04").json()
    )
    assert [one["domain"]["domainType"] for one in coverages] == ["Trajectory"] * 2
    for one, (when, cells) in zip(coverages, B04.items(), strict=True):
        composite = one["domain"]["axes"]["composite"]
        assert composite["coordinates"] == ["t", "x", "y"]
        times, lon, lat = zip(*composite["values"], strict=True)
        assert set(times) == {when}
        x, y = TO_METRES.transform(lon, lat)
        rows = np.floor((TOP_M - np.array(y)) / 10).astype(int)
        columns = np.floor((np.array(x) - LEFT_M) / 10).astype(int)
        np.testing.assert_array_equal(one["ranges"]["B04"]["values"], cells[rows, columns])
        steps = np.abs(np.diff(np.column_stack([rows, columns]), axis=0))
        assert steps.max() == 1
        visited = set(zip(rows.tolist(), columns.tolist(), strict=True))
        assert set(corners) <= visited
        assert len(visited) >= 45 + 40


def test_a_line_with_times_takes_the_nearest_acquisition(client: TestClient) -> None:
    early, late = (when.timestamp() for when in (BASE_TIME - FIVE_DAYS, BASE_TIME))
    coords = f"LINESTRINGM({point(30, 20)} {early},{point(30, 40)} {late})"
    (found,) = check(ask(client, "trajectory", coords=coords, parameter_name="B04").json())
    tuples = found["domain"]["axes"]["composite"]["values"]
    times = [place[0] for place in tuples]
    assert times == [OLDER] * times.count(OLDER) + [NEWER] * times.count(NEWER)
    assert abs(times.count(OLDER) - times.count(NEWER)) <= 2
    lon, lat = zip(*[place[1:] for place in tuples], strict=True)
    x, _ = TO_METRES.transform(lon, lat)
    columns = np.floor((np.array(x) - LEFT_M) / 10).astype(int)
    expected = [B04[when][30, column] for when, column in zip(times, columns, strict=True)]
    assert found["ranges"]["B04"]["values"] == expected


def test_an_area_has_the_cells_whose_middles_lie_inside(client: TestClient) -> None:
    corners = ((12.2, 12.3), (14.1, 70.4), (55.3, 33.7), (12.2, 12.3))
    hole = ((20.1, 30.2), (24.3, 44.1), (33.2, 31.4), (20.1, 30.2))
    rings = ",".join(f"({','.join(point(*corner) for corner in ring)})" for ring in (corners, hole))
    reply = ask(client, "area", coords=f"POLYGON({rings})", f="CSV", **DAY)
    native = [
        [(LEFT_M + (c + 0.5) * 10, TOP_M - (r + 0.5) * 10) for r, c in ring]
        for ring in (corners, hole)
    ]
    expected = geometry_mask(
        [{"type": "Polygon", "coordinates": native}],
        (ROWS, COLS),
        from_origin(LEFT_M, TOP_M, 10, 10),
        invert=True,
    )
    np.testing.assert_array_equal(mask_of(table(reply)), expected)


def test_an_area_as_netcdf_and_as_a_grid_agree(client: TestClient) -> None:
    ring = ",".join(point(*corner) for corner in ((12, 12), (14, 30), (25, 15), (12, 12)))
    coords = f"POLYGON(({ring}))"
    (grid,) = check(ask(client, "area", coords=coords, parameter_name="B04").json())
    assert grid["domain"]["domainType"] == "Grid"
    numbers = np.array(grid["ranges"]["B04"]["values"], float).reshape(
        grid["ranges"]["B04"]["shape"]
    )
    assert grid["ranges"]["B04"]["axisNames"] == ["t", "x", "y"]
    reply = ask(client, "area", coords=coords, parameter_name="B04", f="netCDF")
    with xr.open_dataset(BytesIO(reply.content), engine="h5netcdf", mask_and_scale=False) as opened:
        stored = opened.B04.transpose("time", "x", "y").values
    np.testing.assert_array_equal(np.nan_to_num(numbers, nan=-32768), stored)
    assert np.isnan(numbers).any()


def test_a_cube_has_the_cells_that_its_box_touches(client: TestClient) -> None:
    box = f"{LEFT_M + 101},{TOP_M - 299},{LEFT_M + 200},{TOP_M - 150}"
    frame = table(ask(client, "cube", bbox=box, crs="EPSG:32633", f="CSV", parameter_name="B04"))
    for when, cells in B04.items():
        part = frame[frame.t == when]
        np.testing.assert_array_equal(part.B04, cells[15:30, 10:20].ravel())


def test_a_cube_in_another_crs_shows_the_nearest_cells(client: TestClient) -> None:
    (west, south), (east, north) = lonlat(50, 15), lonlat(15, 70)
    asked = {"bbox": f"{west},{south},{east},{north}", "crs": "CRS:84"}
    (grid,) = check(ask(client, "cube", **asked, **DAY).json())
    lon, lat = (places(grid["domain"]["axes"][name]) for name in "xy")
    assert west - 2e-4 < lon.min() < lon.max() < east + 2e-4
    assert south - 2e-4 < lat.min() < lat.max() < north + 2e-4
    x, y = TO_METRES.transform(*np.meshgrid(lon, lat, indexing="ij"))
    columns, rows = (x - LEFT_M) / 10, (TOP_M - y) / 10
    expected = CELLS[0][rows.astype(int), columns.astype(int)]
    edge = np.minimum(np.abs(columns - np.round(columns)), np.abs(rows - np.round(rows))) < 0.01
    numbers = np.array(grid["ranges"]["B04"]["values"]).reshape(expected.shape)
    np.testing.assert_array_equal(numbers[~edge], expected[~edge])
    few = ask(client, "cube", **asked, **DAY, resolution_x="20", resolution_y="0").json()
    chosen = np.arange(20) * len(lon) // 20
    assert few["ranges"]["B04"]["shape"] == [1, 20, len(lat)]
    np.testing.assert_array_equal(few["ranges"]["B04"]["values"], numbers[chosen].ravel())


def test_grids_in_another_crs_share_their_cells_down_to_a_thin_box_at_the_edge(
    client: TestClient,
) -> None:
    (west, south), (east, north) = lonlat(50, 15), lonlat(15, 70)
    _, top = lonlat(0, 40)
    grids = []
    for box in ((west, south, east, north), (west, top - 1e-5, east, top + 2e-4)):
        asked = {"bbox": ",".join(map(str, box)), "crs": "CRS:84"}
        (grid,) = check(ask(client, "cube", **asked, **DAY).json())
        grids.append([places(grid["domain"]["axes"][name]) for name in "xy"])
    for one, other in zip(*grids, strict=True):
        step = one[1] - one[0]
        apart = (other - one[0]) / step
        np.testing.assert_allclose(apart, np.round(apart), atol=1e-4)


@pytest.mark.parametrize(("within", "unit"), [("123.4", "m"), ("0.15", "km"), ("0.1", "miles")])
def test_a_radius_is_a_distance_on_the_ellipsoid(
    client: TestClient, within: str, unit: str
) -> None:
    coords = f"POINT({point(30, 40)})"
    reply = ask(client, "radius", coords=coords, within=within, within_units=unit, f="CSV", **DAY)
    metres = float(within) * {"m": 1.0, "km": 1000.0, "miles": 1609.344}[unit]
    lon, lat = TO_DEGREES.transform(*middles())
    west, north = (np.full_like(lon, one) for one in lonlat(30, 40))
    *_, away = Geod(ellps="WGS84").inv(west, north, lon, lat)
    clear = np.abs(away - metres) > 0.3
    found = mask_of(table(reply))
    np.testing.assert_array_equal(found[clear], (away < metres)[clear])
    assert found.sum() > 100


def test_a_corridor_reaches_half_its_width_to_each_side(client: TestClient) -> None:
    a, b = (15.0, 15.0), (45.0, 70.0)
    reply = ask(
        client,
        "corridor",
        coords=f"LINESTRING({point(*a)},{point(*b)})",
        corridor_width="120",
        width_units="m",
        corridor_height="10",
        height_units="m",
        f="CSV",
        **DAY,
    )
    rows, columns = np.mgrid[:ROWS, :COLS]
    along = np.subtract(b, a)
    share = ((rows - a[0]) * along[0] + (columns - a[1]) * along[1]) / (along @ along)
    share = np.clip(share, 0, 1)
    away = 10 * np.hypot(rows - a[0] - share * along[0], columns - a[1] - share * along[1])
    # UTM metres are 1.0004 true ones here.
    clear = np.abs(away - 60) > 0.3
    found = mask_of(table(reply))
    np.testing.assert_array_equal(found[clear], (away < 60)[clear])


def test_limits_are_told_with_the_estimate() -> None:
    engine = replace(engine_over(make_world()), limits=Limits(output_bytes=1000))

    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    app = Starlette(routes=[Mount("/ogcapi", routes=api_routes(engine.session, root))])
    (west, south), (east, north) = lonlat(50, 15), lonlat(15, 70)
    with TestClient(app) as client:
        for name in ("CSV", "CoverageJSON"):
            params = {"bbox": f"{west},{south},{east},{north}", "f": name}
            reply = client.get(f"{COLLECTION}/cube", params=params)
            assert (reply.status_code, reply.json()["code"]) == (413, "LimitExceeded")
        assert ask(client, "position", coords=f"POINT({point(30, 20)})").status_code == 200


def test_equal_answers_have_equal_tags(client: TestClient) -> None:
    for kind, params in (
        ("position", {"coords": f"POINT({point(30, 20)})"}),
        (
            "area",
            {"coords": f"POLYGON(({point(9, 9)},{point(9, 19)},{point(19, 9)},{point(9, 9)}))"},
        ),
    ):
        first = ask(client, kind, **params)
        tag = {"if-none-match": first.headers["etag"]}
        again = client.get(f"{COLLECTION}/{kind}", params=params, headers=tag)
        assert (again.status_code, again.content) == (304, b"")
