"""GetFeatureInfo against the arrays that were stored, read by other readers of each format."""

import json
from typing import Any

import lxml.html
import numpy as np
import pyogrio
import pytest
import shapely
from lxml import etree

from ogc.wms.get_feature_info import FORMATS
from tests.builders.made import Made
from tests.ogc.wms.conftest import Send, body_of

BASE = (
    "request=GetFeatureInfo&version=1.3.0&crs=CRS:84&layers=T&styles=b8&query_layers=T"
    "&bbox=0,0,30,30&width=60&height=60&i=11&j=7"
)
DAY = "&time=2020-02-01"
ROW, COLUMN = 7, 11


def told(send: Send, query: str) -> dict[str, Any]:
    reply = send(f"{query}&info_format=application/json")
    found: dict[str, Any] = json.loads(body_of(reply))
    return found


def test_the_values_of_every_band_their_scene_and_time(send: Send, made: Made) -> None:
    (feature,) = told(send, BASE + DAY)["features"]
    bands = made.arrays["T"]
    properties = feature["properties"]
    assert properties["b4"] == bands["b4"][1, ROW, COLUMN]
    assert properties["b8"] == properties["shown"] == bands["b8"][1, ROW, COLUMN]
    assert properties["time"] == "2020-02-01T00:00:00Z"
    assert properties["scene"].startswith("T_20200201T000000")
    assert feature["geometry"]["coordinates"] == [5.75, 26.25]


def test_places_without_data_in_a_band_say_so(send: Send, made: Made) -> None:
    rows, columns = np.nonzero(made.arrays["T"]["b4"][1] == 65535)
    query = BASE.replace("i=11&j=7", f"i={columns[0]}&j={rows[0]}")
    (feature,) = told(send, query + DAY)["features"]
    assert feature["properties"]["b4"] is None
    assert feature["properties"]["b8"] == made.arrays["T"]["b8"][1, rows[0], columns[0]]


@pytest.mark.parametrize("time", ["2020-01/2020-12", "2020-01-01,2020-02-01", "2020"])
def test_a_time_of_several_gives_the_series(send: Send, made: Made, time: str) -> None:
    (feature,) = told(send, f"{BASE}&time={time}")["features"]
    series = feature["properties"]["series"]
    times = [a.reference.isoformat()[:10] for a in made.coverage("T").acquisitions]
    kept = [n for n, day in enumerate(times) if day.startswith("2020")]
    if "," in time:
        kept = kept[:2]
    assert [sample["time"][:10] for sample in series] == [times[n] for n in kept]
    expected = [made.arrays["T"]["b8"][n, ROW, COLUMN] for n in kept]
    assert [sample["b8"] for sample in series] == expected
    assert feature["properties"]["b8"] == expected[-1]


def test_physical_values_stand_beside_the_stored(send: Send, made: Made) -> None:
    query = (
        "request=GetFeatureInfo&version=1.1.1&srs=EPSG:32633&layers=U&styles=&query_layers=U"
        "&bbox=499980,5197020,502780,5200020&width=280&height=300&x=5&y=9&time=2023-08-15"
    )
    (feature,) = told(send, query)["features"]
    stored = int(made.arrays["U"]["B04"][0, 9, 5])
    assert feature["properties"]["B04"] == stored
    assert feature["properties"]["physical"]["B04"] == pytest.approx(stored * 1e-4)


def test_both_versions_mean_the_same_pixel(send: Send) -> None:
    old = BASE.replace("1.3.0", "1.1.1").replace("crs=CRS:84", "srs=EPSG:4326")
    old = old.replace("&i=", "&x=").replace("&j=", "&y=")
    assert told(send, old + DAY) == told(send, BASE + DAY)
    # OpenLayers asks in EPSG:4326 with latitude first.
    flipped = BASE.replace("crs=CRS:84", "crs=EPSG:4326")
    assert told(send, flipped + DAY) == told(send, BASE + DAY)


def test_several_layers_in_the_order_of_the_query(send: Send, made: Made) -> None:
    query = BASE.replace("layers=T&styles=b8&query_layers=T", "layers=T,A&styles=&query_layers=A,T")
    found = told(send, query + DAY)["features"]
    assert [feature["id"] for feature in found] == ["A", "T"]
    assert found[0]["properties"]["v"] == made.arrays["A"]["v"][ROW, COLUMN]
    assert found[0]["properties"]["time"] is None
    fewer = told(send, query.replace("query_layers=A,T", "query_layers=A") + DAY)["features"]
    assert fewer == found[:1]


def test_beside_all_data_there_is_no_feature(send: Send) -> None:
    query = BASE.replace("bbox=0,0,30,30", "bbox=100,0,130,30") + DAY
    assert told(send, query)["features"] == []
    for media_type in FORMATS:
        body_of(send(f"{query}&info_format={media_type}"))


def test_gdal_reads_the_gml(send: Send, made: Made) -> None:
    body = body_of(send(f"{BASE}{DAY}&info_format=application/vnd.ogc.gml"))
    meta, _, geometry, columns = pyogrio.raw.read(body)
    values = {name: column[0] for name, column in zip(meta["fields"], columns, strict=True)}
    for band in ("b4", "b8"):
        assert values[band] == made.arrays["T"][band][1, ROW, COLUMN]
    assert values["time"] == np.datetime64("2020-02-01T00:00:00")
    assert shapely.from_wkb(geometry[0]).equals(shapely.Point(5.75, 26.25))


def test_pages_and_texts_show_what_the_json_says(send: Send, made: Made) -> None:
    page = lxml.html.fromstring(body_of(send(f"{BASE}{DAY}&info_format=text/html")))
    cells = {row.findtext("th"): row.findtext("td") for row in page.iter("tr")}
    assert cells["b8"] == str(made.arrays["T"]["b8"][1, ROW, COLUMN])
    text = body_of(send(f"{BASE}{DAY}&info_format=text/plain")).decode()
    assert f"b8 = {cells['b8']}\n" in text
    rows = lxml.html.fromstring(body_of(send(f"{BASE}&time=2020&info_format=text/html")))
    assert len(list(rows.iter("tr"))) == 1 + len(
        told(send, f"{BASE}&time=2020")["features"][0]["properties"]["series"]
    )


def test_what_was_chosen_is_told(send: Send) -> None:
    reply = send(f"{BASE}&info_format=text/plain")
    assert any(v.startswith("99 Default value used: time=") for k, v in reply.headers)


@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_has_its_type(send: Send, media_type: str) -> None:
    reply = send(f"{BASE}{DAY}&info_format={media_type}&feature_count=1")
    assert (reply.status, reply.media_type) == (200, media_type)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"i": "60"}, "InvalidPoint"),
        ({"j": "60"}, "InvalidPoint"),
        ({"i": "-1"}, "InvalidPoint"),
        ({"j": "1.5"}, "InvalidPoint"),
        ({"i": ""}, None),
        ({"query_layers": "none"}, "LayerNotDefined"),
        ({"query_layers": "A"}, "LayerNotDefined"),
        ({"query_layers": ""}, None),
        ({"layers": "none", "query_layers": "none"}, "LayerNotDefined"),
        ({"styles": "none"}, "StyleNotDefined"),
        ({"info_format": "image/png"}, "InvalidFormat"),
        ({"info_format": ""}, None),
        ({"feature_count": "0"}, None),
        ({"crs": "EPSG:0"}, "InvalidCRS"),
        ({"time": "1999"}, "InvalidDimensionValue"),
        ({"version": "7"}, None),
    ],
)
def test_bad_requests(send: Send, change: dict[str, str], code: str | None) -> None:
    good = dict(pair.split("=") for pair in f"{BASE}{DAY}&info_format=text/plain".split("&"))
    reply = send("&".join(f"{key}={value}" for key, value in (good | change).items()))
    root = etree.fromstring(body_of(reply, 400))
    assert root[0].get("code") == code


@pytest.mark.parametrize("shown", ["b4", "b8"])
def test_the_legend_lists_its_rules(send: Send, shown: str) -> None:
    query = f"request=GetLegendGraphic&layer=T&style={shown}&format=application/json"
    found = json.loads(body_of(send(query)))
    assert [rule["value"] for rule in found["rules"]] == [0, 10_000]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("layer=none", "LayerNotDefined"),
        ("layer=T&style=none", "StyleNotDefined"),
        ("layer=T&format=image/bmp", "InvalidFormat"),
        ("style=b4", None),
    ],
)
def test_bad_legends(send: Send, query: str, code: str | None) -> None:
    root = etree.fromstring(body_of(send(f"request=GetLegendGraphic&{query}"), 400))
    assert root[0].get("code") == code
