"""Every limit is a setting, and a refusal tells its name, its value and what was asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import load_settings
from datacube.protocols import Limits

MAP = (
    "/ows?service=WMS&version=1.3.0&request=GetMap&layers={layers}&styles=&crs=CRS:84"
    "&bbox=-75.65,37.66,-75.6,37.7&width={width}&height={height}&format=image/png&time={time}"
)
INFO = (
    "/ows?service=WMS&version=1.3.0&request=GetFeatureInfo&layers={layers}&query_layers={layers}"
    "&styles=&crs=EPSG:3035&bbox=2532004,5271982,2533004,5272982&width=100&height=100&i=50&j=50"
    "&info_format=application/json&time={time}"
)
COVERAGE = "/ows?service=WCS&version=2.0.1&request=GetCoverage&coverageid=S2_L1C_32618"
QUERY = "for $c in (S2_L1C_32618) return {}"
POLYGONS = 'for $c in (S2_L1C_32618_60m) return polygonize($c.B01[ansi("2015")], "CSV")'
MEGABYTES = r"an estimated [\d.,]+ (MB|bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request that is over one limit."""

    value: float
    """Of the limit."""
    path: str
    asked: str
    """What of the message tells how much was asked, as a pattern."""
    allowed: str = ""
    """How the message tells the value; empty: as it is."""
    body: bytes | None = None
    """Of a POST."""


def get_map(**changes: object) -> str:
    usual = {"layers": "S2_L1C", "width": 100, "height": 60, "time": ""}
    return MAP.format(**(usual | changes))


CASES: Mapping[str, tuple[Case, ...]] = {
    "map_side_px": (
        Case(value=90, path=get_map(), asked="width 100 px"),
        Case(
            value=90,
            path="/ogcapi/collections/S2_L1C/map?bbox=-75.65,37.66,-75.6,37.7&height=91&width=9",
            asked="height 91 px",
        ),
        Case(value=90, path="/tiles/S2_L1C/13/2375/3168.png", asked="width 256 px"),
    ),
    "map_pixels": (
        Case(value=5000, path=get_map(), asked="100 x 60 = 6000 px"),
        Case(
            value=5000,
            path=f"/ows?query={POLYGONS}",
            asked="18496 cells",
        ),
    ),
    "map_layers": (
        Case(value=2, path=get_map(layers="S2_L1C,S2_L1C,S2_L2A"), asked="3 layers"),
        Case(value=1, path=INFO.format(layers="S2_L2A,S2_L1C", time=""), asked="2 layers"),
        Case(
            value=1,
            path="/ogcapi/map?collections=S2_L1C,S2_L2A&bbox=-75.65,37.66,-75.6,37.7",
            asked="2 layers",
        ),
    ),
    "map_times": (
        Case(value=2, path=get_map(time="2015-06-23,2021-02-01,2021-03-01"), asked="3 times"),
        Case(value=20, path=get_map(time="2015-01-04/2015-12-31/P10D"), asked="37 times"),
        Case(value=1, path=INFO.format(layers="S2_L2A", time="2019,2020"), asked="2 times"),
    ),
    "series_scenes": (
        Case(
            value=10,
            path=INFO.format(layers="S2_L2A", time="2015-01-01/2021-12-31"),
            asked=r"a series of \d\d+ scenes",
        ),
    ),
    "table_rows": (
        Case(
            value=100,
            path="/ogcapi/collections/S2_L1C_32618_60m/cube?f=CSV&bbox=-75.65,37.66,-75.6,37.7",
            asked=r"a table of [\d,]+ rows",
        ),
        Case(
            value=1,
            path=(
                "/ogcapi/collections/S2_L1C_32618_60m/position?f=CSV"
                "&coords=MULTIPOINT((-75.61 37.69),(-75.62 37.69))"
            ),
            asked="a table of 2 rows",
        ),
    ),
    "decoded_bytes": (
        Case(value=50_000, allowed="50,000 bytes", path=COVERAGE, asked=MEGABYTES),
        Case(value=50_000, allowed="50,000 bytes", path=get_map(), asked=MEGABYTES),
        Case(
            value=50_000,
            allowed="50,000 bytes",
            path=f"/ogcapi/wcps?query={QUERY.format('avg($c.B04)')}",
            asked=MEGABYTES,
        ),
    ),
    "output_bytes": (
        Case(value=150_000, allowed="0.1 MB", path=COVERAGE, asked=MEGABYTES),
        Case(
            value=150_000,
            allowed="0.1 MB",
            path="/ogcapi/collections/S2_L1C_32618/coverage",
            asked=MEGABYTES,
        ),
    ),
    "memory_bytes": (Case(value=99_000, allowed="99,000 bytes", path=COVERAGE, asked=MEGABYTES),),
    "seconds": (Case(value=1e-6, allowed="1e-06 s", path=COVERAGE, asked="took longer"),),
    "parameter_bytes": (
        Case(value=1000, path=f"/ows?service=WMS&more={'a' * 2000}", asked="parameters have 2017"),
        Case(value=1000, path=f"/wmts?more={'a' * 2000}", asked="parameters have 2005"),
        Case(value=1000, path=f"/ogcapi/wcps?query={'a' * 2000}", asked="parameters have 2006"),
    ),
    "body_bytes": tuple(
        Case(value=1000, path=path, asked="body has 2000", body=b"a" * 2000)
        for path in ("/ows", "/wmts", "/ogcapi/wcps", "/ogcapi/processes/x/execution")
    ),
}
"""By field of `Limits`."""


type Client = Callable[..., TestClient]
"""Makes a client of a server with these settings."""


def send(client: TestClient, case: Case) -> Response:
    return client.get(case.path) if case.body is None else client.post(case.path, content=case.body)


@pytest.fixture(scope="module")
def client(demo_store: Path) -> Client:
    @cache
    def made(**environment: str) -> TestClient:
        return TestClient(
            build(load_settings({"COPERNICUBE_STORE": str(demo_store)} | environment))
        )

    return made


def test_the_table_has_every_limit() -> None:
    assert set(CASES) == {item.name for item in fields(Limits)}


@pytest.mark.parametrize(
    ("field", "case"), [(field, case) for field, cases in CASES.items() for case in cases]
)
def test_over_a_limit(client: Client, field: str, case: Case) -> None:
    reply = send(client(**{f"COPERNICUBE_LIMIT_{field.upper()}": str(case.value)}), case)
    assert reply.status_code == 413, reply.text
    assert f"LIMIT_{field.upper()}" in reply.text
    assert re.search(case.asked, reply.text)
    assert (case.allowed or str(case.value)) in reply.text


@pytest.mark.parametrize(
    ("field", "case"),
    [
        (field, case)
        for field, cases in CASES.items()
        if field not in ("parameter_bytes", "body_bytes")
        for case in cases
    ],
)
def test_below_all_limits_the_same_is_answered(client: Client, field: str, case: Case) -> None:
    reply = send(client(), case)
    assert reply.status_code == 200, f"{field}: {reply.text}"


def test_capabilities_tell_the_limits_that_are_set(client: Client) -> None:
    limited = client(COPERNICUBE_LIMIT_MAP_LAYERS="3", COPERNICUBE_LIMIT_MAP_SIDE_PX="500")
    text = limited.get("/ows?service=WMS&version=1.3.0&request=GetCapabilities").text
    assert "<LayerLimit>3</LayerLimit>" in text
    assert "<MaxWidth>500</MaxWidth>" in text
