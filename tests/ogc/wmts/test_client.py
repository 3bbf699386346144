"""What our client renders is what the service reads, and any text is answered or refused."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from datacube.errors import CubeError
from datacube.plan.query import MapTime
from datacube.times import parse_period
from ogc.kvp import Kvp
from ogc.tiles.get_tile import FORMATS, GetTile
from ogc.wmts.client import render_get_tile
from ogc.wmts.get_tile import parse
from ogc.wmts.resources import read_resource

WORDS = st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1)
PERIODS = st.sampled_from(["2015", "2016-02", "2016-02-29", "2016-02-29T10:00:00.5Z"]).map(
    parse_period
)
TIMES = st.one_of(
    st.just(MapTime()),
    PERIODS.map(lambda when: MapTime(instant=when)),
    PERIODS.map(lambda when: MapTime(start=when, end=parse_period("2017"))),
)
REQUESTS = st.builds(
    GetTile,
    layers=st.tuples(WORDS),
    style=st.one_of(st.just(""), WORDS),
    media_type=st.sampled_from(FORMATS),
    tile_matrix_set=WORDS,
    matrix=WORDS,
    row=st.integers(-5, 2**30),
    column=st.integers(-5, 2**30),
    time=TIMES,
)


@given(REQUESTS)
def test_rendered_requests_read_back(request: GetTile) -> None:
    assert parse(Kvp.parse(render_get_tile(request))) == request


@given(st.text(max_size=80))
def test_any_path_is_read_or_refused(path: str) -> None:
    for address in (path, f"1.0.0/{path}", f"1.0.0/a/b/c/d/{path}"):
        with suppress(CubeError):
            assert read_resource(address, Kvp(pairs=())).one("service") == "WMTS"


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "layer",
                "style",
                "format",
                "tilematrixset",
                "tilematrix",
                "tilerow",
                "tilecol",
                "time",
                "version",
                "sections",
                "acceptversions",
            ]
        ),
        st.text(max_size=30),
    ),
    st.sampled_from(["GetTile", "GetCapabilities", "GetFeatureInfo"]),
)
def test_any_parameters_are_answered_without_failure(
    tiles: TestClient, parameters: dict[str, str], operation: str
) -> None:
    asked = {"service": "WMTS", "request": operation, "version": "1.0.0"} | parameters
    response = tiles.get("/wmts", params=asked)
    assert response.status_code in {200, 400, 501}, response.text


@settings(max_examples=20)
@given(st.binary(max_size=200))
def test_any_body_is_answered_without_failure(tiles: TestClient, body: bytes) -> None:
    for media_type in ("text/xml", "application/soap+xml", "application/x-www-form-urlencoded"):
        response = tiles.post("/wmts", content=body, headers={"Content-Type": media_type})
        assert response.status_code == 400, response.text
