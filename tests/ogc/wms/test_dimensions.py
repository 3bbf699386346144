"""TIME, ELEVATION and DIM_* against arrays in NumPy."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray
from pyproj import CRS

from datacube.plan.query import MapTime
from ogc.service import dispatch
from ogc.wms.dimensions import is_series, parse_time
from tests.builders.made import HEIGHTS_M, WGS84, Frame, Made, add_cube, make_store, regular
from tests.ogc.fakes import SITE
from tests.ogc.wms.conftest import Send, body_of
from tests.ogc.wms.test_versions import pixels

FRAME = "&version=1.3.0&crs=CRS:84&format=image/png&transparent=true"
TIMED = f"request=GetMap&layers=T&styles=b4{FRAME}&bbox=0,0,30,30&width=60&height=60"
WIND = f"request=GetMap&layers=W&styles=u{FRAME}&bbox=0,50,15,60&width=30&height=20"

type Shades = NDArray[np.float64]


def shades(body: bytes) -> Shades:
    """Return greys, NaN where transparent."""
    picture = pixels(body)
    np.testing.assert_array_equal(picture[..., 0], picture[..., 1])
    return np.where(picture[..., 3] == 255, picture[..., 0].astype(float), np.nan)


def grey(values: NDArray[np.generic], top: float) -> Shades:
    """Paint values from 0 to `top` as the styles of single bands do; NaN stays."""
    return np.rint(255 * np.clip(values.astype(float) / top, 0, 1))


def stored(made: Made, at: int) -> Shades:
    """Return `b4` of T at one date, NaN where it has no data."""
    values = made.arrays["T"]["b4"][at].astype(float)
    return np.where(values == 65535, np.nan, values)


def mosaic(*newest_first: Shades) -> Shades:
    shown = newest_first[0].copy()
    for behind in newest_first[1:]:
        shown = np.where(np.isnan(shown), behind, shown)
    return shown


@pytest.mark.parametrize(
    ("time", "date"),
    [
        ("2020-01-01", 0),
        ("2020-01-01T00:00:00Z", 0),
        ("2020-01-01T11:00:00Z", 0),
        ("2019-12-31T13:00:00Z", 0),
        ("2020-01-01,2020-02-01", 1),
        ("2020-02-01,2020-01-01", 1),
        ("2020-01-01/2020-02-01", 1),
        ("2020-01-01/2020-02-01/P1D", 1),
        ("2020-01-01/current", -1),
        ("2020-01-01/2020-02-01/P1M", 1),
        ("2020-01-01/2020-03-01/P2M", 0),
        ("2020-01", 0),
        ("1999,2020-01", 0),
        ("2020-01-01T06:00:00Z,2020-02", 1),
    ],
)
def test_times(send: Send, made: Made, time: str, date: int) -> None:
    # Every cell has data in b8: what the newest scene lacks in b4 is a hole of that scene.
    found = shades(body_of(send(f"{TIMED}&time={time}")))
    np.testing.assert_array_equal(found, grey(stored(made, date), 10_000))


@pytest.mark.parametrize("time", ["", "&time=", "&time=current", "&time=default"])
def test_no_time_is_the_recent_past_and_is_told(send: Send, made: Made, time: str) -> None:
    reply = send(TIMED + time)
    np.testing.assert_array_equal(shades(body_of(reply)), grey(stored(made, -1), 10_000))
    warnings = [value for name, value in reply.headers if name == "Warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith("99 Default value used: time=")


def test_a_nearest_time_is_told(send: Send) -> None:
    reply = send(f"{TIMED}&time=2020-01-01T11:00:00Z")
    assert ("Warning", "99 Nearest value used: time=2020-01-01T00:00:00Z") in reply.headers


@pytest.mark.parametrize("time", ["1999", "2020-01-15T00:00:00Z", "1999,1998", "2020-13"])
def test_times_without_data(send: Send, time: str) -> None:
    assert b'code="InvalidDimensionValue"' in body_of(send(f"{TIMED}&time={time}"), 400)


def wind(made: Made, *places: int) -> Shades:
    """Return `u` of W at its newest date, the first place with data."""
    newest = made.arrays["W"]["u"][2].astype(float)
    return mosaic(*(newest[at] for at in places))


@pytest.mark.parametrize(
    ("asked", "places", "told"),
    [
        ("", [0], "99 Default value used: height=2"),
        ("&elevation=", [0], "99 Default value used: height=2"),
        ("&dim_height=default", [0], "99 Default value used: height=2"),
        ("&ELEVATION=10", [1], ""),
        ("&DIM_HEIGHT=10", [1], ""),
        ("&elevation=12", [1], "99 Nearest value used: height=10"),
        ("&dim_height=50,10", [2, 1], ""),
        ("&dim_height=5/60", [1, 2], ""),
        ("&dim_height=5/60/1", [1, 2], ""),
        ("&dim_height=1e 2", [3], ""),
        ("&dim_height=2&elevation=100", [0], ""),
    ],
)
def test_heights(send: Send, made: Made, asked: str, places: list[int], told: str) -> None:
    reply = send(f"{WIND}&time=2020-05-01{asked}")
    np.testing.assert_array_equal(shades(body_of(reply)), grey(wind(made, *places), 1))
    warnings = [value for name, value in reply.headers if name == "Warning"]
    assert warnings == ([told] if told else [])
    assert HEIGHTS_M == (2, 10, 50, 100)


@pytest.mark.parametrize("height", ["1000", "-5", "20/40", "high", "10/2", "nan", ",", "1e400"])
def test_heights_that_are_not_there(send: Send, height: str) -> None:
    assert b'code="InvalidDimensionValue"' in body_of(send(f"{WIND}&elevation={height}"), 400)


def test_layers_without_a_dimension_ignore_it(send: Send) -> None:
    assert body_of(send(f"{TIMED}&time=2020-01&elevation=5&dim_member=3")) == body_of(
        send(f"{TIMED}&time=2020-01")
    )


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Ask about a cube of 13 times, five seconds apart, on a regular axis of heights."""
    made = make_store(tmp_path_factory.mktemp("steps"))
    start = datetime(2000, 1, 1, tzinfo=UTC)
    times = tuple((start + timedelta(seconds=5 * n)).isoformat() for n in range(13))
    axes = (
        regular("elevation", -0.5, 3.5, 4, "m"),
        regular("Lat", 2, 0, 2),
        regular("Lon", 0, 2, 2),
    )
    cells = np.arange(13 * 16, dtype="int16").reshape(13, 4, 2, 2)
    # At one time there is nothing: what is seconds away must not stand for it.
    cells[6] = -32768
    add_cube(made, "Autos", {"v": cells}, Frame(axes=axes, crs=CRS(WGS84), times=times))

    def ask(query: str) -> bytes:
        return body_of(dispatch(query, made.local.engine.session, SITE))

    return ask


def test_even_steps_are_advertised_as_intervals(hourly: Callable[[str], bytes]) -> None:
    root = etree.fromstring(hourly("service=WMS&request=GetCapabilities"))
    time, elevation = root.iter("{http://www.opengis.net/wms}Dimension")
    assert time.text == "2000-01-01T00:00:00Z/2000-01-01T00:01:00Z/PT5S"
    assert (elevation.get("name"), elevation.text) == ("elevation", "0/3/1")
    assert (elevation.get("units"), elevation.get("unitSymbol")) == ("CRS:88", "m")


def test_each_of_those_steps_has_its_map(hourly: Callable[[str], bytes]) -> None:
    query = (
        "service=WMS&version=1.3.0&request=GetMap&layers=Autos&styles=v&crs=CRS:84&bbox=0,0,2,2"
        "&width=2&height=2&format=image/png&transparent=true&elevation={}&time=2000-01-01T00:00:{:02}Z"
    )
    bodies = [hourly(query.format(height, 5 * at)) for at in range(12) for height in range(4)]
    cells = np.arange(12 * 16, dtype=float).reshape(12, 4, 2, 2)
    cells[6] = np.nan
    for body, expected in zip(bodies, cells.reshape(12 * 4, 2, 2), strict=True):
        np.testing.assert_array_equal(shades(body), grey(expected, 10_000))


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("", False),
        ("2020-01-01", False),
        ("2020-01-01T00:00:00Z", False),
        ("2020-01", True),
        ("2020-01-01,2020-01-02", True),
        ("2020/2021", True),
    ],
)
def test_which_times_are_series(text: str, *, series: bool) -> None:
    assert is_series(parse_time(text)) is series


def test_the_same_value_twice_is_one() -> None:
    assert parse_time("current,current") == MapTime()
