"""One request in every binding, and what its answer says of how long it holds."""

from base64 import b64decode

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.ogc.conftest import Schemas
from tests.ogc.wmts.test_faults import FORM, SOAP, TILE, changed, envelope, xml_tile

WMTS = ("http://www.opengis.net/wmts/1.0", "http://schemas.opengis.net/wmts/1.0/wmts.xsd")
NAME = f"{{{WMTS[0]}}}"
CAPABILITIES = (
    '<GetCapabilities xmlns="http://www.opengis.net/wmts/1.0" '
    'xmlns:ows="http://www.opengis.net/ows/1.1" service="WMTS">'
    "<ows:AcceptVersions><ows:Version>1.0.0</ows:Version></ows:AcceptVersions>"
    "<ows:Sections><ows:Section>Contents</ows:Section></ows:Sections>"
    "<ows:AcceptFormats><ows:OutputFormat>text/xml</ows:OutputFormat></ows:AcceptFormats>"
    "</GetCapabilities>"
)
XML = {"Content-Type": "application/xml"}
SOAP_XML = {"Content-Type": "application/soap+xml; charset=utf-8"}


@pytest.fixture(scope="module")
def tile(tiles: TestClient) -> bytes:
    response = tiles.get(f"/wmts?{changed({}, TILE)}")
    assert response.status_code == 200
    return response.content


def test_forms_xml_and_soap_give_the_same_tile(
    tiles: TestClient, tile: bytes, schemas: Schemas
) -> None:
    assert tile.startswith(b"\x89PNG")
    assert tiles.post("/wmts", content=changed({}, TILE), headers=FORM).content == tile
    # The OGC's suite posts to an address that has the parameters, and nothing beside.
    assert tiles.post(f"/wmts?{changed({}, TILE)}").content == tile
    assert tiles.post(f"/wmts?{changed({}, TILE)}", headers=FORM).content == tile
    schemas.check(xml_tile().encode(), WMTS)
    assert tiles.post("/wmts", content=xml_tile(), headers=XML).content == tile
    answer = tiles.post("/wmts", content=envelope(xml_tile()), headers=SOAP_XML)
    assert answer.status_code == 200
    payload = etree.fromstring(answer.content).find(f"{{{SOAP}}}Body/{NAME}BinaryPayload")
    assert payload is not None
    schemas.check(etree.tostring(payload), WMTS)
    assert payload.findtext(f"{NAME}Format") == "image/png"
    assert b64decode(str(payload.findtext(f"{NAME}BinaryContent"))) == tile


def test_keys_have_any_case_and_unknown_ones_are_passed_over(
    tiles: TestClient, tile: bytes
) -> None:
    mixed = {key.capitalize(): value for key, value in TILE.items()}
    assert tiles.get(f"/wmts?{changed({'Dpi': '96'}, mixed)}").content == tile


def test_capabilities_in_xml_and_soap(tiles: TestClient, schemas: Schemas) -> None:
    schemas.check(CAPABILITIES.encode(), WMTS)
    plain = tiles.post("/wmts", content=CAPABILITIES, headers=XML)
    schemas.check(plain.content, WMTS)
    # The OGC's suite names the request in the namespace of OWS Common.
    common = (
        '<GetCapabilities xmlns="http://www.opengis.net/ows/1.1" service="WMTS"><Sections>'
        "<Section>Contents</Section></Sections></GetCapabilities>"
    )
    assert tiles.post("/wmts", content=common, headers=XML).content == plain.content
    root = etree.fromstring(plain.content)
    assert [etree.QName(child).localname for child in root] == ["Contents", "ServiceMetadataURL"]
    answer = tiles.post("/wmts", content=envelope(CAPABILITIES), headers=SOAP_XML)
    inner = etree.fromstring(answer.content).find(f"{{{SOAP}}}Body/{NAME}Capabilities")
    assert inner is not None
    schemas.check(etree.tostring(inner), WMTS)


@pytest.mark.parametrize("time", [None, "default", "current", ""])
def test_the_default_time_is_the_newest_valid_pixel(tiles: TestClient, time: str | None) -> None:
    response = tiles.get(f"/wmts?{changed({'TIME': time}, TILE)}")
    assert response.status_code == 200
    assert "Default value used: time=" in response.headers["warning"]
    assert response.headers["cache-control"] == "public, max-age=60"


def test_an_interval_may_stand_in_a_resource(tiles: TestClient) -> None:
    base = "/wmts/1.0.0/S2_L1C/true-colour"
    wanted = tiles.get(f"{base}/2015-12-26/WebMercatorQuad/13/3168/2375.png").content
    for time in ("2015-12-20--2015-12-27", "2015-12-20%2F2015-12-27", "2015"):
        response = tiles.get(f"{base}/{time}/WebMercatorQuad/13/3168/2375.png")
        assert response.content == wanted


def test_a_pinned_tile_may_be_kept_for_good(tiles: TestClient) -> None:
    first = tiles.get(f"/wmts?{changed({}, TILE)}")
    assert first.headers["cache-control"] == "public, max-age=60"
    revision = first.headers["copernicube-revision"]
    pinned = tiles.get(f"/wmts?{changed({'AS_OF': revision}, TILE)}")
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert pinned.headers["etag"] == first.headers["etag"]
    unpinned = tiles.get(f"/wmts?{changed({'AS_OF': revision, 'TIME': None}, TILE)}")
    assert unpinned.headers["cache-control"] == "public, max-age=60"


def test_a_known_tile_is_not_sent_again(tiles: TestClient) -> None:
    address = f"/wmts?{changed({}, TILE)}"
    tag = tiles.get(address).headers["etag"]
    again = tiles.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["cache-control"] == "public, max-age=60"


def test_browsers_may_read_tiles_and_where_maps_lie(tiles: TestClient) -> None:
    response = tiles.get(f"/wmts?{changed({}, TILE)}", headers={"Origin": "https://a.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"]
    assert {"Content-Crs", "Content-Bbox"} <= {name.strip() for name in exposed.split(",")}


def test_tiles_without_data_are_transparent(tiles: TestClient) -> None:
    """The corner of the layer's limits at a coarse matrix, whatever is there."""
    response = tiles.get("/wmts/1.0.0/S2_L1C/default/current/WebMercatorQuad/1/1/1.png")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
