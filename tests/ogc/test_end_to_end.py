"""Requests through the whole engine over scenes in memory, read back by rasterio."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from datacube.encode import ENCODERS
from datacube.engine import Engine
from datacube.protocols import Limits
from datacube.render.styles import DEFAULT_STYLES
from ogc.exchange import Reply
from ogc.service import dispatch
from tests.builders.fakes import BASE_TIME, ORIGIN_M, World, optical_cube
from tests.ogc.fakes import SITE

LEFT_M, TOP_M = ORIGIN_M
RNG = np.random.default_rng(7)
RED = RNG.integers(0, 10_000, (60, 80), dtype=np.int16)
RED[:10, :10] = -32768
LATER = RNG.integers(0, 10_000, (60, 80), dtype=np.int16)
CLASSES = np.full((30, 40), 4, dtype=np.uint8)
CLASSES[:, 20:] = 0
COVERAGE = "service=WCS&version=2.0.1&request=GetCoverage&coverageid=S2_L2A_32633"
SLICE = '&subset=ansi("2023-08-15")'


@pytest.fixture(scope="module")
def engine() -> Engine:
    world = World()
    cube = optical_cube()
    world.add(cube, {"B04": RED, "SCL": CLASSES})
    world.add(cube, {"B04": LATER}, when=BASE_TIME + timedelta(days=5))
    return Engine(
        catalog=world, cells=world, styles=DEFAULT_STYLES, encoders=ENCODERS, limits=Limits()
    )


def _send(engine: Engine, query: str) -> Reply:
    return dispatch(query, engine.session, SITE)


def _body(reply: Reply) -> bytes:
    if isinstance(reply.body, Path):
        body = reply.body.read_bytes()
        reply.body.unlink()
        return body
    return reply.body


def _pixels(engine: Engine, query: str) -> tuple[NDArray[np.generic], tuple[float, ...]]:
    reply = _send(engine, query)
    body = _body(reply)
    assert reply.status == 200, body
    with MemoryFile(body) as file, file.open() as data:
        return data.read(), tuple(data.transform)[:6]


def _picture(body: bytes) -> NDArray[np.generic]:
    """Return a PNG's pixels, `(row, column, RGBA)`."""
    decoded = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA)


def test_a_coverage_has_the_stored_numbers_at_their_place(engine: Engine) -> None:
    box = f"&subset=E({LEFT_M + 50},{LEFT_M + 250})&subset=N({TOP_M - 300},{TOP_M - 100})"
    pixels, transform = _pixels(engine, f"{COVERAGE}{SLICE}{box}&rangesubset=B04")
    np.testing.assert_array_equal(pixels[0], RED[10:30, 5:25])
    assert transform == (10.0, 0.0, LEFT_M + 50, 0.0, -10.0, TOP_M - 100)


def test_grid_indices_are_those_of_the_description(engine: Engine) -> None:
    described = _body(_send(engine, COVERAGE.replace("GetCoverage", "DescribeCoverage")))
    low = etree.fromstring(described).findtext(".//{*}GridEnvelope/{*}low")
    column, row, _ = (int(part) for part in str(low).split())
    box = f"&subset=E,CRS:1({column + 2},{column + 4})&subset=N,CRS:1({row + 11},{row + 12})"
    pixels, _ = _pixels(engine, f"{COVERAGE}{SLICE}{box}&rangesubset=B04")
    np.testing.assert_array_equal(pixels[0], RED[11:13, 2:5])


def test_scaling_takes_the_cell_at_the_leading_edge(engine: Engine) -> None:
    pixels, _ = _pixels(engine, f"{COVERAGE}{SLICE}&rangesubset=B04&scalesize=E(40),N(30)")
    np.testing.assert_array_equal(pixels[0], RED[::2, ::2])


def test_several_dates_and_bands_come_in_one_file(engine: Engine) -> None:
    pixels, _ = _pixels(engine, f"{COVERAGE}&rangesubset=B04")
    np.testing.assert_array_equal(pixels, np.stack([RED, LATER]))


def test_an_old_revision_gives_old_bytes(engine: Engine) -> None:
    query = f"{COVERAGE}&rangesubset=B04&as_of=1"
    pixels, _ = _pixels(engine, query)
    np.testing.assert_array_equal(pixels, RED[np.newaxis])
    assert _body(_send(engine, query)) == _body(_send(engine, query))
    assert ("Copernicube-Revision", "1") in _send(engine, query).headers


def _map(bbox: str, crs: str, more: str = "") -> str:
    return (
        "service=WMS&version=1.3.0&request=GetMap&layers=S2_L2A&styles=scl&width=80&height=60"
        f"&format=image/png&transparent=true&time=2023-08-15&crs={crs}&bbox={bbox}{more}"
    )


NATIVE = f"{LEFT_M},{TOP_M - 600},{LEFT_M + 800},{TOP_M}"


def test_a_map_paints_classes_and_leaves_nodata_transparent(engine: Engine) -> None:
    pixels = _picture(_body(_send(engine, _map(NATIVE, "EPSG:32633"))))
    vegetation = [0, 160, 0, 255]
    np.testing.assert_array_equal(pixels[:, :40], np.broadcast_to(vegetation, (60, 40, 4)))
    assert not pixels[:, 40:, 3].any()


def test_axis_orders_give_one_picture(engine: Engine) -> None:
    """Longitude-latitude in CRS:84 and latitude-longitude in EPSG:4326 are one place."""
    west, south, east, north = 14.99, 46.94, 15.02, 46.96
    send = partial(_send, engine)
    one = _body(send(_map(f"{west},{south},{east},{north}", "CRS:84")))
    other = _body(send(_map(f"{south},{west},{north},{east}", "EPSG:4326")))
    assert one == other
    assert _picture(one)[:, :, 3].any()


def test_the_default_time_is_told(engine: Engine) -> None:
    reply = _send(engine, _map(NATIVE, "EPSG:32633").replace("&time=2023-08-15", ""))
    assert any(name == "Warning" and value.startswith("99 ") for name, value in reply.headers)


def test_a_place_without_data_is_empty(engine: Engine) -> None:
    pixels = _picture(_body(_send(engine, _map("0,0,1,1", "CRS:84"))))
    assert not pixels[:, :, 3].any()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (f"{COVERAGE}{SLICE}&subset=E(0,1)", 404, "InvalidSubsetting"),
        (f"{COVERAGE}&subset=Q(0,1)", 404, "InvalidAxisLabel"),
        (f"{COVERAGE}&rangesubset=B99", 404, "NoSuchField"),
        (f'{COVERAGE}&subset=ansi("1999-01-01")', 404, "InvalidSubsetting"),
        (f'{COVERAGE}&subset=ansi("2023-08")', 404, "InvalidSubsetting"),
        (f"{COVERAGE}&subset=ansi(5.5)", 404, "InvalidSubsetting"),
        (COVERAGE + "_7m", 404, "NoSuchCoverage"),
        (f"{COVERAGE}&scalefactor=5000", 413, "NoApplicableCode"),
        (f"{COVERAGE}&scalesize=Q(5)", 404, "ScaleAxisUndefined"),
        (_map(NATIVE, "EPSG:32633").replace("styles=scl", "styles=x"), 400, "StyleNotDefined"),
        (_map(NATIVE, "EPSG:32633").replace("=S2_L2A", "=x"), 400, "LayerNotDefined"),
        (_map(NATIVE, "EPSG:32633").replace("=80", "=100000"), 413, None),
    ],
)
def test_bad_requests(engine: Engine, query: str, status: int, code: str | None) -> None:
    reply = _send(engine, query)
    told = etree.fromstring(_body(reply))[0]
    assert (reply.status, told.get("code", told.get("exceptionCode"))) == (status, code)
