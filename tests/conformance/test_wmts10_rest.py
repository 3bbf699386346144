"""WMTS 1.0.0 by addresses of resources, and what HTTP says of them."""

import pytest
from httpx2 import Response
from lxml import etree
from starlette.testclient import TestClient

from tests.conformance.asked import ask, picture
from tests.conformance.wmts10 import CAPABILITIES, INFO, OWS, REPORT, SCHEMA, TILE
from tests.ogc.conftest import Schemas

VALUES = {
    "Style": TILE["STYLE"],
    "Time": TILE["TIME"],
    "TileMatrixSet": TILE["TILEMATRIXSET"],
    "TileMatrix": TILE["TILEMATRIX"],
    "TileRow": TILE["TILEROW"],
    "TileCol": TILE["TILECOL"],
    "I": INFO["I"],
    "J": INFO["J"],
}
DOCUMENT = "/wmts/1.0.0/WMTSCapabilities.xml"


def address(demo: TestClient, kind: str, media: str, **changes: str) -> str:
    """Fill the template that the capabilities have for a resource."""
    root = etree.fromstring(ask(demo, CAPABILITIES, {}, "/wmts").content)
    (layer,) = (
        one
        for one in root.iterfind("{*}Contents/{*}Layer")
        if one.findtext("{*}Identifier") == TILE["LAYER"]
    )
    (template,) = (
        one.get("template", "")
        for one in layer.iterfind("{*}ResourceURL")
        if (one.get("resourceType"), one.get("format")) == (kind, media)
    )
    for name, value in (VALUES | changes).items():
        template = template.replace(f"{{{name}}}", value)
        template = template.replace(f"{{{name.casefold()}}}", value)
    assert "{" not in template
    return template


def fails(reply: Response, code: str, locator: str = "") -> None:
    found = etree.fromstring(reply.content).findall(f"{{{OWS}}}Exception")
    assert (reply.status_code, [one.get("exceptionCode") for one in found]) == (404, [code])
    if locator:
        assert found[0].get("locator", "").casefold() == locator.casefold()


@pytest.mark.requirement("wmts10:rest:getcapabilities")
def test_the_document(demo: TestClient, schemas: Schemas) -> None:
    reply = demo.get(DOCUMENT)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/xml")
    schemas.check(reply.content, SCHEMA)


@pytest.mark.requirement("wmts10:rest:gettile:request-mandatory")
@pytest.mark.parametrize("media", ["image/png", "image/jpeg"])
def test_a_tile_is_the_one_of_kvp(demo: TestClient, media: str) -> None:
    reply = demo.get(address(demo, "tile", media))
    assert reply.headers["content-type"] == media
    same = ask(demo, TILE, {"FORMAT": media}, "/wmts")
    assert (picture(reply) == picture(same)).all()


@pytest.mark.requirement("wmts10:rest:getfeatureinfo:request-mandatory")
@pytest.mark.parametrize("media", ["text/html", "text/plain", "application/json"])
def test_feature_info_is_the_one_of_kvp(demo: TestClient, media: str) -> None:
    reply = demo.get(address(demo, "FeatureInfo", media))
    same = ask(demo, INFO, {"INFOFORMAT": media}, "/wmts")
    assert reply.status_code == 200
    assert reply.headers["content-type"].split(";")[0] == media
    assert reply.content == same.content


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [
        pytest.param(
            part,
            value,
            code,
            id=f"{part}-{value}",
            marks=pytest.mark.requirement(f"wmts10:rest:gettile:invalid:{part.lower()}"),
        )
        for part, value, code in (
            ("Style", "nothing", "InvalidParameterValue"),
            ("TileMatrixSet", "nothing", "InvalidParameterValue"),
            ("TileMatrix", "nothing", "InvalidParameterValue"),
            ("TileRow", "nothing", "InvalidParameterValue"),
            ("TileCol", "nothing", "InvalidParameterValue"),
            ("TileRow", "0", "TileOutOfRange"),
            ("TileCol", "0", "TileOutOfRange"),
            ("Time", "nothing", "InvalidParameterValue"),
        )
    ],
)
def test_a_part_is_wrong(
    demo: TestClient, schemas: Schemas, part: str, value: str, code: str
) -> None:
    reply = demo.get(address(demo, "tile", "image/png", **{part: value}))
    fails(reply, code, part)
    schemas.check(reply.content, REPORT)


@pytest.mark.requirement("wmts10:rest:gettile:invalid:layer")
def test_there_is_no_such_layer(demo: TestClient) -> None:
    good = address(demo, "tile", "image/png")
    fails(demo.get(good.replace("S2_L1C", "nothing")), "InvalidParameterValue", "layer")


@pytest.mark.requirement("wmts10:rest:gettile:invalid:format")
def test_there_is_no_such_ending(demo: TestClient) -> None:
    good = address(demo, "tile", "image/png")
    fails(demo.get(good.removesuffix("png") + "nothing"), "InvalidParameterValue")


@pytest.mark.requirement("wmts10:rest:gettile:missing")
def test_an_address_of_nothing(demo: TestClient) -> None:
    assert demo.get(address(demo, "tile", "image/png").rsplit("/", 1)[0]).status_code == 404


@pytest.mark.requirement("wmts10:rest:getfeatureinfo:out-of-range")
@pytest.mark.parametrize("part", ["I", "J"])
@pytest.mark.parametrize("value", ["256", "-1"])
def test_a_place_out_of_the_tile(demo: TestClient, part: str, value: str) -> None:
    where = address(demo, "FeatureInfo", "text/html", **{part: value})
    fails(demo.get(where), "PointIJOutOfRange", part)


@pytest.mark.requirement("wmts10:http:conditional")
@pytest.mark.parametrize("what", ["document", "kvp-document", "tile", "kvp-tile"])
def test_what_a_client_has_is_not_sent_again(demo: TestClient, what: str) -> None:
    where = {
        "document": DOCUMENT,
        "kvp-document": "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
        "tile": address(demo, "tile", "image/png"),
        "kvp-tile": "/wmts?" + "&".join(f"{key}={value}" for key, value in TILE.items()),
    }[what]
    first = demo.get(where)
    assert first.status_code == 200
    assert what.endswith("document") or first.headers["cache-control"]
    again = demo.get(where, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = demo.get(where, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.requirement("wmts10:http:cache-control")
def test_refusals_are_not_kept(demo: TestClient) -> None:
    reply = ask(demo, TILE, {"LAYER": "nothing"}, "/wmts")
    assert "max-age" not in reply.headers.get("cache-control", "")
    assert "etag" not in reply.headers
