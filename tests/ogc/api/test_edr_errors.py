"""What EDR queries refuse, and what they say where nothing lies."""

import pytest
from starlette.testclient import TestClient

from tests.ogc.api.test_edr import COLLECTION, point


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("position", {"coords": "POINT(3 4)"}),
        ("position", {"coords": f"POINT({point(5, 5)})", "parameter-name": "B04"}),
        ("position", {"coords": f"POINT({point(30, 20)})", "datetime": "1999"}),
        ("area", {"coords": "POLYGON((3 4,4 4,4 5,3 4))"}),
        ("cube", {"bbox": "3,4,5,6"}),
        ("trajectory", {"coords": "LINESTRING(3 4,4 4)"}),
        ("radius", {"coords": "POINT(3 4)", "within": "1", "within-units": "km"}),
        (
            "corridor",
            {"coords": "LINESTRING(3 4,4 4)", "corridor-width": "1", "width-units": "km"},
        ),
    ],
)
def test_where_nothing_lies_the_answer_is_empty_and_tells_why(
    client: TestClient, kind: str, params: dict[str, str]
) -> None:
    reply = client.get(f"{COLLECTION}/{kind}", params=params)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["warning"].startswith("99 ")
    assert reply.headers["copernicube-revision"] == "2"


ONE = {"coords": "POINT(15 47)"}


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        *((kind, {}, "is missing") for kind in ("position", "area", "trajectory")),
        *((kind, {}, "is missing") for kind in ("cube", "radius", "corridor")),
        ("position", {"coords": ""}, "coords is missing"),
        ("position", {"coords": "POINT"}, "POINT or MULTIPOINT"),
        ("position", {"coords": "POINT EMPTY"}, "with coordinates"),
        ("position", {"coords": "POINT(1e400 1)"}, "finite"),
        ("position", {"coords": "POINT(nan 1)"}, "finite"),
        ("trajectory", {"coords": "LINESTRING(1e300 1,2 3)"}, "from -1e+12"),
        ("trajectory", {"coords": "CIRCULARSTRING(1 1,2 2,3 3)"}, "Well-Known Text"),
        ("radius", {"coords": "POINT(1 100)", "within": "1", "within-units": "m"}, "not know"),
        ("position", {"coords": "POLYGON((0 0,1 0,1 1,0 0))"}, "POINT or MULTIPOINT"),
        ("position", {"coords": "POINTM(15 47 3)"}, "no M"),
        ("position", {"coords": "POINTZ(15 47 3)"}, "no vertical axis"),
        ("position", ONE | {"z": "10"}, "no vertical axis"),
        ("position", ONE | {"z": "low"}, "levels"),
        ("position", ONE | {"z": "9/1"}, "levels"),
        ("position", ONE | {"parameter-name": "B99"}, "this coverage has B04"),
        ("position", ONE | {"f": "netCDF"}, "coveragejson, csv, geojson"),
        ("position", ONE | {"crs": "EPSG:nix"}, "unknown crs"),
        ("position", ONE | {"datetime": "yesterday"}, "ISO 8601"),
        ("position", ONE | {"within": "3"}, "unknown parameter"),
        ("area", {"coords": "POLYGON((0 0,1 1,1 0,0 1,0 0))"}, "no polygon"),
        ("area", {"coords": "POLYGON((0 0,1 1,1 0))"}, "Well-Known Text"),
        ("area", {"coords": "POLYGON Z((0 0 1,1 0 1,1 1 1,0 0 1))"}, "with z"),
        ("cube", {"bbox": "1,2,3"}, "four numbers"),
        ("cube", {"bbox": "5,2,3,4"}, "minima below maxima"),
        ("cube", {"bbox": "15,46,16,47", "resolution-x": "-1"}, "integers from 0"),
        ("trajectory", {"coords": "POINT(15 47)"}, "LINESTRING"),
        ("trajectory", {"coords": "LINESTRINGM(1 2 3,2 3 4)", "datetime": "2023"}, "one of them"),
        ("radius", ONE | {"within": "3"}, "within-units is missing"),
        ("radius", ONE | {"within": "3", "within-units": "px"}, "m, km"),
        ("radius", ONE | {"within": "-3", "within-units": "m"}, "above 0"),
        ("radius", ONE | {"within": "3e9", "within-units": "m"}, "500,000 m"),
        ("corridor", {"coords": "LINESTRING(1 2,2 3)", "corridor-width": "3"}, "width-units"),
        (
            "corridor",
            {"coords": "LINESTRINGM(1 2 3,2 3 4)", "corridor-width": "3", "width-units": "m"},
            "no M",
        ),
        (
            "corridor",
            {"coords": "LINESTRING(-90 2,30 3,150 4)", "corridor-width": "3", "width-units": "m"},
            "km long",
        ),
    ],
)
def test_bad_queries_are_problem_documents(
    client: TestClient, kind: str, params: dict[str, str], told: str
) -> None:
    reply = client.get(f"{COLLECTION}/{kind}", params=params)
    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")
    assert told in reply.json()["detail"]


def test_what_does_not_exist_is_404_and_an_impossible_accept_406(client: TestClient) -> None:
    unknown = client.get("/ogcapi/collections/NIX/position", params=ONE)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NotFound")
    reply = client.get(f"{COLLECTION}/position", params=ONE, headers={"accept": "video/mp4"})
    assert reply.status_code == 406
