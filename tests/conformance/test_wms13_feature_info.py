"""GetFeatureInfo of WMS 1.3.0, by the names of the OGC's suite."""

import pytest
from starlette.testclient import TestClient

from tests.conformance.asked import Case, cases, check
from tests.conformance.wms13 import LAYERS, ask, capabilities
from tests.ogc.conftest import Schemas

INFO = {
    "VERSION": "1.3.0",
    "REQUEST": "GetFeatureInfo",
    "LAYERS": "cite_Lakes",
    "QUERY_LAYERS": "cite_Lakes",
    "STYLES": "",
    "CRS": "CRS:84",
    "BBOX": "-0.0025,-0.0025,0.0025,0.0025",
    "WIDTH": "200",
    "HEIGHT": "200",
    "FORMAT": "image/png",
    "INFO_FORMAT": "application/json",
    "I": "150",
    "J": "130",
}
POLYGONS = {
    "LAYERS": "cite_BasicPolygons",
    "QUERY_LAYERS": "cite_BasicPolygons",
    "BBOX": "-2,2,2,6",
    "WIDTH": "100",
    "HEIGHT": "100",
    "I": "50",
    "J": "50",
}
EXCEPTIONS = (
    "http://www.opengis.net/ogc",
    "http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd",
)
JSON = "application/json"
TWO = {"LAYERS": "cite_Lakes,cite_Forests", "QUERY_LAYERS": "cite_Lakes,cite_Forests"}


@cases(
    {
        "wms13:basic_elements:extra-GetFeatureInfo-param": Case(
            changes={"BOGUS": "ignored"}, media=JSON
        ),
        "wms13:getfeatureinfo:two-query_layers": Case(changes=TWO, media=JSON),
        "wms13:getfeatureinfo:three-query_layers": Case(
            changes={key: f"{value},cite_Streams" for key, value in TWO.items()}, media=JSON
        ),
        "wms13:getfeatureinfo:less-query_layers": Case(
            changes=TWO | {"QUERY_LAYERS": "cite_Forests"}, media=JSON
        ),
        "wms13:getfeatureinfo:invalid-info_format": Case(
            changes={"INFO_FORMAT": "invalid"}, code="InvalidFormat"
        ),
        "wms13:getfeatureinfo:invalid-i": Case(changes={"I": "200"}, code="InvalidPoint"),
        "wms13:getfeatureinfo:invalid-j": Case(changes={"J": "-1"}, code="InvalidPoint"),
        "wms13:getfeatureinfo:invalid-query_layers": Case(
            changes={"QUERY_LAYERS": "UndefinedLayer"}, code="LayerNotDefined"
        ),
    }
)
def test_get_feature_info(cite: TestClient, case: Case) -> None:
    check(ask(cite, INFO, case.changes), case)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(
            {}, marks=pytest.mark.requirement("wms13:getfeatureinfo:exceptions-default"), id="none"
        ),
        pytest.param(
            {"EXCEPTIONS": "XML"},
            marks=pytest.mark.requirement("wms13:getfeatureinfo:exceptions-xml"),
            id="xml",
        ),
    ],
)
def test_exceptions_are_valid(cite: TestClient, schemas: Schemas, asked: dict[str, str]) -> None:
    nothing = {"LAYERS": "UndefinedLayer", "QUERY_LAYERS": "UndefinedLayer"}
    reply = ask(cite, INFO, nothing | asked)
    assert reply.headers["content-type"].startswith("text/xml")
    schemas.check(reply.content, EXCEPTIONS)


@pytest.mark.requirement("wms13:getfeatureinfo:each-info_format")
def test_each_format(cite: TestClient) -> None:
    formats = capabilities(cite).findall(".//{*}GetFeatureInfo/{*}Format")
    assert len(formats) >= 4
    for name in formats:
        check(ask(cite, INFO, {"INFO_FORMAT": name.text}), Case(media=name.text))


@pytest.mark.requirement("wms13:getfeatureinfo:each-queryable-layer")
def test_each_layer(cite: TestClient) -> None:
    for name in LAYERS:
        asked = {"LAYERS": f"cite_{name}", "QUERY_LAYERS": f"cite_{name}"}
        reply = ask(cite, INFO, asked)
        check(reply, Case(media=JSON))
        assert {one["properties"]["layer"] for one in reply.json()["features"]} <= {f"cite_{name}"}


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(
            None, id="none", marks=pytest.mark.requirement("wms13:queryable:feature_count-default")
        ),
        pytest.param("1", id="1", marks=pytest.mark.requirement("wms13:queryable:feature_count-1")),
    ],
)
def test_one_feature_is_no_more_than_two(cite: TestClient, count: str | None) -> None:
    one = ask(cite, INFO | POLYGONS, {"FEATURE_COUNT": count}).json()
    two = ask(cite, INFO | POLYGONS, {"FEATURE_COUNT": "2"}).json()
    assert 1 == len(one["features"]) <= len(two["features"])
