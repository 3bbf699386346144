"""Values at pixels of tiles against the source, in every binding and format."""

import json
from pathlib import Path

import pytest
import rasterio
from lxml import etree, html
from starlette.testclient import TestClient

from tests.ogc.conftest import Schemas
from tests.ogc.wmts.test_faults import FORM, INFO, SOAP, changed, envelope, xml_tile

WMTS = ("http://www.opengis.net/wmts/1.0", "http://schemas.opengis.net/wmts/1.0/wmts.xsd")
NAME = f"{{{WMTS[0]}}}"
NATIVE = {"TILEMATRIXSET": "EPSG32618_10m", "TILEMATRIX": "9", "TILEROW": "2589", "TILECOL": "408"}
LEFT, TOP = -600_000 + 408 * 2560, 10_800_000 - 2589 * 2560
"""Corner of the tile in EPSG:32618."""


def values(samples: Path, column: int, row: int) -> dict[str, int]:
    """Return the bands of 10 m at the centre of a pixel of the native tile, by rasterio alone."""
    place = LEFT + 10 * column + 5, TOP - 10 * row - 5
    found = {}
    for band in ("B02", "B03", "B04", "B08"):
        with rasterio.open(samples / f"virginia/{band}.tif") as source:
            (found[band],) = (int(value) for value in next(source.sample([place])))
    return found


@pytest.mark.parametrize(("column", "row"), [(0, 0), (255, 255), (17, 200)])
def test_a_native_pixel_tells_the_stored_numbers(
    tiles: TestClient, samples: Path, column: int, row: int
) -> None:
    query = changed({"I": str(column), "J": str(row)}, INFO | NATIVE)
    response = tiles.get(f"/wmts?{query}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/json")
    (feature,) = json.loads(response.content)["features"]
    wanted = values(samples, column, row)
    assert {band: feature["properties"][band] for band in wanted} == wanted
    assert feature["properties"]["layer"] == "S2_L1C"


def test_a_pixel_without_data_tells_nothing(tiles: TestClient) -> None:
    """The last row of the tile below ends south of the scene."""
    query = changed({"I": "255", "J": "255"}, INFO | NATIVE | {"TILEROW": "2590"})
    assert tiles.get(f"/wmts?{query}").json()["features"] == []


def test_resources_forms_xml_and_soap_tell_the_same(tiles: TestClient, schemas: Schemas) -> None:
    query = changed({}, INFO)
    wanted = tiles.get(f"/wmts?{query}").content
    assert json.loads(wanted)["features"]
    path = "/wmts/1.0.0/S2_L1C/true-colour/2015-12-26/WebMercatorQuad/13/3168/2375/100/128.json"
    assert tiles.get(path).content == wanted
    assert tiles.post("/wmts", content=query, headers=FORM).content == wanted
    body = (
        f'<GetFeatureInfo xmlns="{WMTS[0]}" service="WMTS" version="1.0.0">{xml_tile()}'
        "<J>100</J><I>128</I><InfoFormat>application/json</InfoFormat></GetFeatureInfo>"
    )
    schemas.check(body.encode(), WMTS)
    plain = tiles.post("/wmts", content=body, headers={"Content-Type": "text/xml"})
    assert plain.content == wanted
    kind = {"Content-Type": "application/soap+xml"}
    answer = tiles.post("/wmts", content=envelope(body), headers=kind)
    payload = etree.fromstring(answer.content).find(f"{{{SOAP}}}Body/{NAME}TextPayload")
    assert payload is not None
    schemas.check(etree.tostring(payload), WMTS)
    assert str(payload.findtext(f"{NAME}TextContent")).encode() == wanted


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", "application/vnd.ogc.gml"])
def test_every_format_tells_the_value(tiles: TestClient, samples: Path, media_type: str) -> None:
    query = changed({"I": "17", "J": "200", "INFOFORMAT": media_type}, INFO | NATIVE)
    response = tiles.get(f"/wmts?{query}")
    assert response.headers["content-type"].startswith(media_type)
    number = str(values(samples, 17, 200)["B04"])
    if media_type == "text/html":
        cells = [cell.text for cell in html.fromstring(response.content).iter("td")]
        assert number in cells
    elif media_type == "text/plain":
        assert f"B04 = {number}" in response.text
    else:
        texts = [element.text for element in etree.fromstring(response.content).iter()]
        assert number in texts


def test_the_default_time_is_told(tiles: TestClient) -> None:
    response = tiles.get(f"/wmts?{changed({'TIME': None}, INFO)}")
    assert "Default value used: time=" in response.headers["warning"]
