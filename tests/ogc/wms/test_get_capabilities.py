from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree
from owslib.map.wms130 import WebMapService_1_3_0

from datacube.axes import TimeAxis
from ogc.wms.dimensions import MAX_VALUES
from ogc.wms.formats import FORMATS
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import REVISION, Client, FakeSession, FakeView, utm_coverage

QUERY = "SERVICE=WMS&REQUEST=GetCapabilities"
WMS = {"w": "http://www.opengis.net/wms"}
SCHEMAS = (
    (WMS["w"], "http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd"),
    ("http://www.opengis.net/sld", "http://schemas.opengis.net/sld/1.1.0/sld_capabilities.xsd"),
)


def test_the_document_is_valid(client: Client, schemas: Schemas) -> None:
    schemas.check(client.body(QUERY), *SCHEMAS)


def test_an_empty_catalogue_is_valid(schemas: Schemas) -> None:
    client = Client(session=FakeSession(view=FakeView(coverages={}, revision=0)))
    schemas.check(client.body(QUERY), *SCHEMAS)


@pytest.mark.parametrize(
    ("version", "answered"),
    [
        ("", "1.3.0"),
        ("&VERSION=1.3.0", "1.3.0"),
        ("&VERSION=9.9.9", "1.3.0"),
        ("&VERSION=1.3.1", "1.3.0"),
        ("&VERSION=1.2.0", "1.1.1"),
        ("&VERSION=1.1.1", "1.1.1"),
        ("&VERSION=1.0.0", "1.1.1"),
        ("&WMTVER=1.0.0", "1.1.1"),
        ("&VERSION=new", "1.3.0"),
    ],
)
def test_versions_are_negotiated(client: Client, version: str, answered: str) -> None:
    """Lower, higher, between, absent (OGC 06-042, 6.2.4)."""
    assert etree.fromstring(client.body(QUERY + version)).get("version") == answered


def test_owslib_reads_layers_boxes_styles_and_times(client: Client) -> None:
    service = WebMapService_1_3_0("http://127.0.0.1/ows", xml=client.body(QUERY))
    assert list(service.contents) == ["DEM", "S2_L2A"]
    layer = service.contents["S2_L2A"]
    assert list(layer.styles) == ["B04", "B08", "SCL"]
    assert layer.timepositions == ["2022-12-01", "2022-12-06", "2022-12-11"]
    assert layer.boundingBoxWGS84 == pytest.approx(
        (13.66287, 46.85818, 15.13047, 47.85370), abs=1e-5
    )
    assert service.getOperationByName("GetMap").formatOptions == list(FORMATS)
    assert service.getOperationByName("GetMap").methods[0]["url"] == "http://127.0.0.1/ows?"


def test_boxes_follow_the_axis_order_of_their_crs(client: Client) -> None:
    root = etree.fromstring(client.body(QUERY))
    found = {
        box.get("CRS"): [float(box.get(key, "nan")) for key in ("minx", "miny", "maxx", "maxy")]
        for box in root.iterfind(".//w:Layer[w:Name='DEM']/w:BoundingBox", WMS)
    }
    assert found["CRS:84"] == [9, 45, 19, 50]
    assert found["EPSG:4326"] == [45, 9, 50, 19]
    # Spherical Mercator by hand: x = R * longitude.
    assert found["EPSG:3857"][0] == pytest.approx(6378137 * 9 * 3.141592653589793 / 180)


def test_native_crs_and_the_common_ones_are_listed(client: Client) -> None:
    root = etree.fromstring(client.body(QUERY))
    common = root.findall("w:Capability/w:Layer/w:CRS", WMS)
    assert [crs.text for crs in common] == ["CRS:84", "EPSG:4326", "EPSG:3857"]
    own = root.findall(".//w:Layer[w:Name='S2_L2A']/w:CRS", WMS)
    assert [crs.text for crs in own] == ["EPSG:32633"]


def test_no_prefix_is_invented(client: Client) -> None:
    body = client.body(QUERY)
    assert body.startswith(b"<?xml")
    assert b"<WMS_Capabilities xmlns=" in body
    assert b"ns0:" not in body


def test_the_default_time_is_the_window_that_maps_show(client: Client) -> None:
    root = etree.fromstring(client.body(QUERY))
    dimension = root.find(".//w:Layer[w:Name='S2_L2A']/w:Dimension", WMS)
    assert dimension is not None
    assert dimension.get("default") == "2022-11-11T10:04:09.024Z/2022-12-11T10:04:09.024Z"
    assert dimension.get("nearestValue") == "1"


def test_long_lists_of_days_become_an_interval() -> None:
    coverage = utm_coverage()
    first = coverage.acquisitions[0]
    steps = [timedelta(days=5 * number) for number in range(MAX_VALUES + 1)]
    axis = TimeAxis(
        acquisitions=tuple(
            replace(
                first,
                reference=first.reference + step,
                first=first.first + step,
                last=first.last + step,
            )
            for step in steps
        )
    )
    view = FakeView(coverages={coverage.id: replace(coverage, time=axis)})
    root = etree.fromstring(Client(session=FakeSession(view=view)).body(QUERY))
    dimension = root.find(".//w:Dimension", WMS)
    assert dimension is not None
    assert dimension.text == "2022-12-01/2036-08-09/P1D"


@pytest.mark.parametrize(
    ("sequence", "code"),
    [(REVISION, "CurrentUpdateSequence"), (REVISION + 1, "InvalidUpdateSequence")],
)
def test_update_sequence(client: Client, sequence: int, code: str) -> None:
    reply = client.get(f"{QUERY}&UPDATESEQUENCE={sequence}")
    assert reply.status == 400
    assert isinstance(reply.body, bytes)
    assert code.encode() in reply.body
    client.body(f"{QUERY}&UPDATESEQUENCE={REVISION - 1}")
