"""Failures, each by every binding that can ask so: code, locator, status, valid document."""

from urllib.parse import urlencode

import pytest
from lxml import etree
from starlette.testclient import TestClient

from datacube.errors import LimitExceededError, OutOfDomainError, RevisionError, StoreError
from ogc.faults import UnsupportedError
from ogc.turns import BusyError
from ogc.wmts.faults import TABLE
from tests.ogc.conftest import Schemas

OWS = "http://www.opengis.net/ows/1.1"
SCHEMA = (OWS, "http://schemas.opengis.net/ows/1.1.0/owsAll.xsd")
SOAP = "http://www.w3.org/2003/05/soap-envelope"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TILE = {
    "SERVICE": "WMTS",
    "VERSION": "1.0.0",
    "REQUEST": "GetTile",
    "LAYER": "S2_L1C",
    "STYLE": "true-colour",
    "FORMAT": "image/png",
    "TILEMATRIXSET": "WebMercatorQuad",
    "TILEMATRIX": "13",
    "TILEROW": "3168",
    "TILECOL": "2375",
    "TIME": "2015-12-26",
}
CAPABILITIES = {"SERVICE": "WMTS", "REQUEST": "GetCapabilities"}


def told(body: bytes, schemas: Schemas) -> tuple[str | None, str | None]:
    """Return code and locator of a valid report."""
    schemas.check(body, SCHEMA)
    found = etree.fromstring(body).findall(f"{{{OWS}}}Exception")
    assert len(found) == 1
    assert found[0].findtext(f"{{{OWS}}}ExceptionText")
    return found[0].get("exceptionCode"), found[0].get("locator")


INVALID, OUTSIDE = "InvalidParameterValue", "TileOutOfRange"
PLACE = "WebMercatorQuad/13/3168/2375"
CASES = [
    ({"SERVICE": None}, "MissingParameterValue", "SERVICE", 400),
    ({"SERVICE": "WXS"}, "InvalidParameterValue", "SERVICE", 400),
    ({"REQUEST": None}, "MissingParameterValue", "REQUEST", 400),
    ({"REQUEST": "GetMap"}, "InvalidParameterValue", "REQUEST", 400),
    ({"VERSION": None}, "MissingParameterValue", "VERSION", 400),
    ({"VERSION": "9.9.9"}, "InvalidParameterValue", "VERSION", 400),
    ({"LAYER": None}, "MissingParameterValue", "LAYER", 400),
    ({"LAYER": "nothing"}, "InvalidParameterValue", "Layer", 400),
    ({"STYLE": None}, "MissingParameterValue", "STYLE", 400),
    ({"STYLE": "nothing"}, "InvalidParameterValue", "Style", 400),
    ({"FORMAT": None}, "MissingParameterValue", "FORMAT", 400),
    ({"FORMAT": "image/tga"}, "InvalidParameterValue", "Format", 400),
    ({"TILEMATRIXSET": None}, "MissingParameterValue", "TILEMATRIXSET", 400),
    ({"TILEMATRIXSET": "nothing"}, "InvalidParameterValue", "TileMatrixSet", 400),
    ({"TILEMATRIX": None}, "MissingParameterValue", "TILEMATRIX", 400),
    ({"TILEMATRIX": "25"}, "InvalidParameterValue", "TileMatrix", 400),
    ({"TILEROW": None}, "MissingParameterValue", "TILEROW", 400),
    ({"TILEROW": "x"}, "InvalidParameterValue", "TileRow", 400),
    ({"TILEROW": "0"}, "TileOutOfRange", "TileRow", 400),
    ({"TILEROW": "-1"}, "TileOutOfRange", "TileRow", 400),
    ({"TILEROW": "99999"}, "TileOutOfRange", "TileRow", 400),
    ({"TILECOL": None}, "MissingParameterValue", "TILECOL", 400),
    ({"TILECOL": "1.5"}, "InvalidParameterValue", "TileCol", 400),
    ({"TILECOL": "0"}, "TileOutOfRange", "TileCol", 400),
    ({"TIME": "yesterday"}, "InvalidParameterValue", "TIME", 400),
    ({"TIME": "0001"}, "InvalidParameterValue", "TIME", 400),
    ({"TIME": "1999-01-01"}, "InvalidParameterValue", "TIME", 400),
    ({"TIME": "2016/2015"}, "InvalidParameterValue", "TIME", 400),
    ({"AS_OF": "99999"}, "InvalidParameterValue", None, 400),
]


INFO = TILE | {
    "REQUEST": "GetFeatureInfo",
    "I": "128",
    "J": "100",
    "INFOFORMAT": "application/json",
}
INFO_CASES = [
    ({"I": None}, "MissingParameterValue", "I"),
    ({"J": None}, "MissingParameterValue", "J"),
    ({"I": "x"}, "InvalidParameterValue", "I"),
    ({"I": "256"}, "PointIJOutOfRange", "I"),
    ({"I": "-1"}, "PointIJOutOfRange", "I"),
    ({"J": "256"}, "PointIJOutOfRange", "J"),
    ({"INFOFORMAT": None}, "MissingParameterValue", "INFOFORMAT"),
    ({"INFOFORMAT": "image/png"}, "InvalidParameterValue", "InfoFormat"),
    ({"LAYER": "nothing"}, "InvalidParameterValue", "Layer"),
    ({"STYLE": "nothing"}, "InvalidParameterValue", "Style"),
    ({"FORMAT": "image/tga"}, "InvalidParameterValue", "Format"),
    ({"TILEMATRIXSET": "nothing"}, "InvalidParameterValue", "TileMatrixSet"),
    ({"TILEMATRIX": "99"}, "InvalidParameterValue", "TileMatrix"),
    ({"TILEROW": "0"}, "TileOutOfRange", "TileRow"),
    ({"TILECOL": "0"}, "TileOutOfRange", "TileCol"),
    ({"TIME": "1999"}, "InvalidParameterValue", "TIME"),
]


def changed(changes: dict[str, str | None], base: dict[str, str]) -> str:
    merged = base | {k: v for k, v in changes.items() if v is not None}
    return urlencode({k: v for k, v in merged.items() if changes.get(k, "") is not None})


@pytest.mark.parametrize(("changes", "code", "locator", "status"), CASES)
def test_get_tile(
    tiles: TestClient,
    schemas: Schemas,
    changes: dict[str, str | None],
    code: str,
    locator: str | None,
    status: int,
) -> None:
    query = changed(changes, TILE)
    for response in (
        tiles.get(f"/wmts?{query}"),
        tiles.post("/wmts", content=query, headers=FORM),
    ):
        assert (response.status_code, *told(response.content, schemas)) == (status, code, locator)


@pytest.mark.parametrize(("changes", "code", "locator"), INFO_CASES)
def test_get_feature_info(
    tiles: TestClient, schemas: Schemas, changes: dict[str, str | None], code: str, locator: str
) -> None:
    query = changed(changes, INFO)
    for response in (
        tiles.get(f"/wmts?{query}"),
        tiles.post("/wmts", content=query, headers=FORM),
    ):
        assert response.status_code == 400
        assert told(response.content, schemas) == (code, locator)


@pytest.mark.parametrize(
    ("changes", "code", "locator"),
    [
        ({"AcceptVersions": "2.0.0"}, "VersionNegotiationFailed", None),
        ({"updateSequence": "9999999"}, "InvalidUpdateSequence", None),
        ({"updateSequence": "x"}, "InvalidUpdateSequence", None),
        ({"Sections": "Everything"}, "InvalidParameterValue", "Sections"),
    ],
)
def test_get_capabilities(
    tiles: TestClient,
    schemas: Schemas,
    changes: dict[str, str | None],
    code: str,
    locator: str | None,
) -> None:
    response = tiles.get(f"/wmts?{changed(changes, CAPABILITIES)}")
    assert response.status_code == 400
    assert told(response.content, schemas) == (code, locator)


@pytest.mark.parametrize(
    ("path", "code", "locator"),
    [
        ("2.0.0/WMTSCapabilities.xml", INVALID, "2.0.0/WMTSCapabilities.xml"),
        ("1.0.0/", INVALID, "1.0.0/"),
        ("1.0.0/S2_L1C/13/3168.png", INVALID, "1.0.0/S2_L1C/13/3168.png"),
        (f"1.0.0/nothing/default/current/{PLACE}.png", INVALID, "Layer"),
        (f"1.0.0/S2_L1C/nothing/current/{PLACE}.png", INVALID, "Style"),
        (f"1.0.0/S2_L1C/default/yesterday/{PLACE}.png", INVALID, "TIME"),
        (f"1.0.0/S2_L1C/default/1999-01-01/{PLACE}.png", INVALID, "TIME"),
        ("1.0.0/S2_L1C/default/current/nothing/13/3168/2375.png", INVALID, "TileMatrixSet"),
        ("1.0.0/S2_L1C/default/current/WebMercatorQuad/25/3168/2375.png", INVALID, "TileMatrix"),
        ("1.0.0/S2_L1C/default/current/WebMercatorQuad/13/x/2375.png", INVALID, "TileRow"),
        ("1.0.0/S2_L1C/default/current/WebMercatorQuad/13/3168/1.5.png", INVALID, "TileCol"),
        (f"1.0.0/S2_L1C/default/current/{PLACE}.tga", INVALID, "Format"),
        ("1.0.0/S2_L1C/default/current/WebMercatorQuad/13/0/2375.png", OUTSIDE, "TileRow"),
        ("1.0.0/S2_L1C/default/current/WebMercatorQuad/13/3168/0.png", OUTSIDE, "TileCol"),
        (f"1.0.0/S2_L1C/default/current/{PLACE}/256/5.json", "PointIJOutOfRange", "J"),
        (f"1.0.0/S2_L1C/default/current/{PLACE}/5/256.json", "PointIJOutOfRange", "I"),
        (f"1.0.0/S2_L1C/default/current/{PLACE}/x/5.json", INVALID, "J"),
        (f"1.0.0/S2_L1C/default/current/{PLACE}/5/5.tga", INVALID, "Format"),
    ],
)
def test_resources(tiles: TestClient, schemas: Schemas, path: str, code: str, locator: str) -> None:
    response = tiles.get(f"/wmts/{path}")
    assert (response.status_code, *told(response.content, schemas)) == (404, code, locator)


def xml_tile(layer: str = "S2_L1C", row: str = "3168", time: str = "2015-12-26") -> str:
    return (
        '<GetTile xmlns="http://www.opengis.net/wmts/1.0" service="WMTS" version="1.0.0">'
        f"<Layer>{layer}</Layer><Style>true-colour</Style><Format>image/png</Format>"
        f'<DimensionNameValue name="time">{time}</DimensionNameValue>'
        "<TileMatrixSet>WebMercatorQuad</TileMatrixSet><TileMatrix>13</TileMatrix>"
        f"<TileRow>{row}</TileRow><TileCol>2375</TileCol></GetTile>"
    )


def envelope(content: str) -> str:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{content}</s:Body></s:Envelope>'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (xml_tile(layer="nothing"), "InvalidParameterValue"),
        (xml_tile(row="0"), "TileOutOfRange"),
        (xml_tile(time="1999"), "InvalidParameterValue"),
        ("<GetTile/>", "MissingParameterValue"),
        ('<GetTile service="WMTS"/>', "InvalidParameterValue"),
        (
            '<GetMap xmlns="http://www.opengis.net/wmts/1.0" service="WMTS"/>',
            "InvalidParameterValue",
        ),
        (
            '<GetCapabilities xmlns="http://www.opengis.net/wmts/1.0" service="WFS"/>',
            "InvalidParameterValue",
        ),
        (
            '<GetCapabilities xmlns="http://www.opengis.net/wmts/1.0"/>',
            "MissingParameterValue",
        ),
    ],
)
def test_xml_and_soap(tiles: TestClient, schemas: Schemas, body: str, code: str) -> None:
    plain = tiles.post("/wmts", content=body, headers={"Content-Type": "text/xml"})
    assert (plain.status_code, told(plain.content, schemas)[0]) == (400, code)
    kind = {"Content-Type": "application/soap+xml"}
    enveloped = tiles.post("/wmts", content=envelope(body), headers=kind)
    assert enveloped.headers["content-type"].startswith("application/soap+xml")
    assert enveloped.status_code == 400
    report = etree.fromstring(enveloped.content).find(
        f"{{{SOAP}}}Body/{{{SOAP}}}Fault/{{{SOAP}}}Detail/{{{OWS}}}ExceptionReport"
    )
    assert report is not None
    assert told(etree.tostring(report), schemas)[0] == code


@pytest.mark.parametrize(
    "body",
    [
        "no xml",
        "<GetTile",
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><GetTile>&b;</GetTile>',
        '<!DOCTYPE a [<!ENTITY b "bb">]><GetTile>&b;</GetTile>',
        envelope(""),
        envelope(xml_tile() * 2),
    ],
)
def test_what_is_no_request_is_refused(tiles: TestClient, body: str) -> None:
    response = tiles.post("/wmts", content=body, headers={"Content-Type": "text/xml"})
    assert response.status_code == 400
    assert b"InvalidParameterValue" in response.content
    assert b"root:" not in response.content


def test_other_bodies_are_refused(tiles: TestClient, schemas: Schemas) -> None:
    response = tiles.post("/wmts", content="{}", headers={"Content-Type": "application/json"})
    assert response.status_code == 415
    assert told(response.content, schemas) == ("InvalidParameterValue", "Content-Type")


def test_ows_tells_failures_of_tiles_as_wmts_does(tiles: TestClient, schemas: Schemas) -> None:
    response = tiles.get(f"/ows?{changed({'LAYER': 'nothing'}, TILE)}")
    assert response.status_code == 400
    assert told(response.content, schemas) == ("InvalidParameterValue", "Layer")


class _BrokenError(StoreError):
    """A failure that no table lists."""


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (KeyError("secret"), "NoApplicableCode", 500),
        (_BrokenError("the disk is gone"), "NoApplicableCode", 500),
        (LimitExceededError("too many cells"), "NoApplicableCode", 413),
        (BusyError("the queue is full", retry_after_s=3), "NoApplicableCode", 503),
        (UnsupportedError("no such thing", parameter="X"), "OperationNotSupported", 501),
        (RevisionError("never was", purged=False), "InvalidParameterValue", 400),
        (OutOfDomainError("nothing there"), "InvalidParameterValue", 400),
    ],
)
def test_failures_of_any_request(
    schemas: Schemas, error: Exception, code: str, status: int
) -> None:
    report = TABLE.report(error)
    assert report.fault.status == status
    body = TABLE.encode(report)
    assert told(body, schemas)[0] == code
    assert b"secret" not in body
