from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.errors import CubeError
from datacube.plan.query import Encode, Map, MapLayer, MapTime
from datacube.times import parse_period
from ogc.crs import parse_crs
from ogc.kvp import Kvp
from ogc.wms.client import render_get_map
from ogc.wms.get_map import GetMap, handle, parse
from tests.ogc.fakes import PNG, Client

BASE = (
    "service=WMS&version=1.3.0&request=GetMap&layers=S2_L2A&styles=&crs=CRS:84"
    "&bbox=10,45,11,46&width=256&height=128&format=image/png"
)


def _map(**changes: str) -> GetMap:
    pairs = [
        (key, changes.pop(key, value))
        for key, value in (pair.split("=", 1) for pair in BASE.split("&"))
    ]
    return parse(Kvp(pairs=(*pairs, *changes.items())))


@pytest.mark.parametrize(
    ("crs", "bbox"),
    [
        ("CRS:84", "10,45,11,46"),
        ("EPSG:4326", "45,10,46,11"),
        ("EPSG:3035", "45,10,46,11"),
        ("EPSG:32633", "10,45,11,46"),
        ("EPSG:3857", "10,45,11,46"),
        ("EPSG:102100", "1.0e1,4.5E 1,+11,46."),
    ],
)
def test_the_box_is_read_in_the_axis_order_of_its_crs(crs: str, bbox: str) -> None:
    assert _map(crs=crs, bbox=bbox).bbox == (10.0, 45.0, 11.0, 46.0)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2022-12-11T10:04:09.024Z", "2022-12-11T10:04:09.024", "2022-12-11T10:04:09.025"),
        ("2022-12-11", "2022-12-11", "2022-12-12"),
        ("2022-12", "2022-12-01", "2023-01-01"),
        ("2022", "2022-01-01", "2023-01-01"),
    ],
)
def test_one_time_is_as_long_as_its_precision(text: str, start: str, end: str) -> None:
    time = _map(time=text).time
    assert time.instant is not None
    assert time.instant.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert time.instant.end == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2022-11/2022-12", "2022-11/2022-12/P1D", " 2022-11 / 2022-12 ", "2022-11/2022-12/PT5S"],
)
def test_intervals(text: str) -> None:
    assert _map(time=text).time == MapTime(
        start=parse_period("2022-11"), end=parse_period("2022-12")
    )


@pytest.mark.parametrize("text", ["2022-11-01,2022-12-01", "2022-11-01/2022-12-31/P1M"])
def test_lists_and_long_steps_are_values_one_by_one(text: str) -> None:
    first, second = parse_period("2022-11-01"), parse_period("2022-12-01")
    assert _map(time=text).time == MapTime(instant=first, further=(MapTime(instant=second),))


def test_a_list_may_mix_intervals_instants_and_the_present() -> None:
    values = _map(time="2022-11/2022-12,2023-01-01T00:00:05Z,current").time.values
    assert [value.start is not None for value in values] == [True, False, False]
    assert values[2] == MapTime()


def test_an_interval_may_end_now() -> None:
    end = _map(time="2022-11/current").time.end
    assert end is not None
    assert end.end > datetime(9000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "current", "CURRENT"])
def test_the_default_time(text: str) -> None:
    assert _map(time=text).time == MapTime()


def test_a_jpeg_is_never_transparent() -> None:
    assert _request(handle(_map(transparent="true"))).transparent
    jpeg = handle(_map(transparent="TRUE", format="image/jpeg", bgcolor="0x0000FF"))
    assert not _request(jpeg).transparent
    assert _request(jpeg).background == (0, 0, 255)


def _request(encode: Encode) -> Map:
    assert isinstance(encode.source, Map)
    return encode.source


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"version": "2.0"}, None, 400),
        ({"version": ""}, None, 400),
        ({"layers": ""}, None, 400),
        ({"styles": "a,b"}, None, 400),
        ({"crs": "EPSG:1"}, "InvalidCRS", 400),
        ({"crs": ""}, None, 400),
        ({"format": "image/bmp"}, "InvalidFormat", 400),
        ({"bbox": "10,45,10,46"}, None, 400),
        ({"bbox": "11,45,10,46"}, None, 400),
        ({"bbox": "10,46,11,45"}, None, 400),
        ({"bbox": "10,45,11"}, None, 400),
        ({"bbox": "10,45,11,nan"}, None, 400),
        ({"bbox": "10,45,11,inf"}, None, 400),
        ({"bbox": "10,45,11,1e999"}, None, 400),
        ({"width": "0"}, None, 400),
        ({"width": "12.5"}, None, 400),
        ({"height": "9" * 5000}, None, 400),
        ({"width": "100000", "height": "100000"}, None, 413),
        ({"transparent": "yes"}, None, 400),
        ({"bgcolor": "red"}, None, 400),
        ({"time": "2022-13-01"}, "InvalidDimensionValue", 400),
        ({"time": "yesterday"}, "InvalidDimensionValue", 400),
        ({"time": "2022-11,no"}, "InvalidDimensionValue", 400),
        ({"time": "0001/9998/P2D"}, "InvalidDimensionValue", 400),
        ({"layers": "S2_L2A,"}, "LayerNotDefined", 400),
        ({"elevation": "high"}, "InvalidDimensionValue", 400),
        ({"elevation": "5/1"}, "InvalidDimensionValue", 400),
        ({"dim_height": "high"}, "InvalidDimensionValue", 400),
        ({"time": "2022-12/2022-11"}, "InvalidDimensionValue", 400),
        ({"time": "2022-11/2022-12/often"}, "InvalidDimensionValue", 400),
        ({"as_of": "99"}, None, 400),
        ({"as_of": "old"}, None, 400),
    ],
)
def test_bad_values_are_told_in_the_format_of_wms(
    client: Client, change: dict[str, str], code: str | None, status: int
) -> None:
    pairs = dict(pair.split("=", 1) for pair in BASE.split("&")) | change
    reply = client.get("&".join(f"{key}={value}" for key, value in pairs.items()))
    assert isinstance(reply.body, bytes)
    assert reply.status == status
    assert reply.media_type == "text/xml"
    assert b"<ServiceExceptionReport" in reply.body
    assert (f'code="{code}"'.encode() in reply.body) if code else (b" code=" not in reply.body)


def test_a_map_needs_no_service_parameter(client: Client) -> None:
    assert client.body(BASE.removeprefix("service=WMS&")) == PNG


def test_headers_tell_revision_scenes_and_defaults(client: Client) -> None:
    headers = client.get(BASE + "&as_of=3").headers
    assert client.opened == [3]
    assert ("Copernicube-Revision", "7") in headers
    assert ("Copernicube-Scenes", "S2A_X, S2B_Y") in headers
    assert ("ETag", '"abc"') in headers
    assert ("Warning", "99 Default value used: time=2022-11-11/2022-12-11") in headers


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name != "default"
)
PERIODS = st.dates().map(lambda day: parse_period(day.isoformat()))
NUMBERS = st.floats(-1e7, 1e7, allow_nan=False)


@st.composite
def requests(draw: st.DrawFn) -> GetMap:
    low_x, low_y = draw(NUMBERS), draw(NUMBERS)
    sizes = st.floats(1e-3, 1e6)
    first, last = sorted((draw(PERIODS), draw(PERIODS)), key=lambda period: period.start)
    times = (MapTime(), MapTime(instant=first), MapTime(start=first, end=last))
    layers = draw(st.lists(st.tuples(NAMES, st.one_of(st.just(""), NAMES)), min_size=1, max_size=4))
    return GetMap(
        layers=tuple(MapLayer(layer=layer, style=style) for layer, style in layers),
        crs=parse_crs(draw(st.sampled_from(["CRS:84", "EPSG:4326", "EPSG:3857", "EPSG:32633"]))),
        bbox=(low_x, low_y, low_x + draw(sizes), low_y + draw(sizes)),
        width_px=draw(st.integers(1, 10**6)),
        height_px=draw(st.integers(1, 10**6)),
        media_type=draw(st.sampled_from(["image/png", "image/jpeg"])),
        transparent=draw(st.booleans()),
        background=draw(st.tuples(*[st.integers(0, 255)] * 3)),
        time=draw(st.sampled_from(times)),
    )


@given(requests())
def test_what_the_client_renders_the_server_reads(request: GetMap) -> None:
    assert parse(Kvp.parse(render_get_map(request))) == request


@given(st.dictionaries(st.sampled_from([p.split("=")[0] for p in BASE.split("&")]), st.text()))
def test_parse_fails_only_with_errors_of_the_tree(changes: dict[str, str]) -> None:
    with suppress(CubeError):
        handle(_map(**changes))
