"""GetFeatureInfo and dimensions of WMS 1.3.0."""

import pytest
from starlette.testclient import TestClient

from tests.conformance.asked import Case, ask, check, picture, requirements

INFO = {
    "VERSION": "1.3.0",
    "REQUEST": "GetFeatureInfo",
    "LAYERS": "cite_Lakes",
    "QUERY_LAYERS": "cite_Lakes",
    "STYLES": "",
    "CRS": "CRS:84",
    "BBOX": "0,-0.002,0.004,0",
    "WIDTH": "200",
    "HEIGHT": "100",
    "FORMAT": "image/png",
    "INFO_FORMAT": "application/json",
    "I": "60",
    "J": "30",
}
MAP = {key: value for key, value in INFO.items() if key not in {"QUERY_LAYERS", "I", "J"}} | {
    "REQUEST": "GetMap",
    "TRANSPARENT": "TRUE",
}
JSON = "application/json"
TWO = {"LAYERS": "cite_Lakes,cite_Forests", "QUERY_LAYERS": "cite_Lakes,cite_Forests"}
TERRAIN = {"LAYERS": "cite_Terrain", "BBOX": "-0.5,-0.5,0.5,0.5"}
AUTOS = {"LAYERS": "cite_Autos"}
PNG = "image/png"


@requirements(
    wms13__getfeatureinfo__basic=Case(media=JSON),
    wms13__getfeatureinfo__extra_param=Case(changes={"UNKNOWN": "1"}, media=JSON),
    wms13__getfeatureinfo__two_query_layers=Case(changes=TWO, media=JSON),
    wms13__getfeatureinfo__three_query_layers=Case(
        changes={key: f"{value},cite_Streams" for key, value in TWO.items()}, media=JSON
    ),
    wms13__getfeatureinfo__fewer_query_layers=Case(
        changes=TWO | {"QUERY_LAYERS": "cite_Forests"}, media=JSON
    ),
    wms13__getfeatureinfo__each_info_format_html=Case(
        changes={"INFO_FORMAT": "text/html"}, media="text/html"
    ),
    wms13__getfeatureinfo__each_info_format_text=Case(
        changes={"INFO_FORMAT": "text/plain"}, media="text/plain"
    ),
    wms13__getfeatureinfo__each_info_format_gml=Case(
        changes={"INFO_FORMAT": "application/vnd.ogc.gml"}, media="application/vnd.ogc.gml"
    ),
    wms13__getfeatureinfo__each_info_format_xml=Case(
        changes={"INFO_FORMAT": "text/xml"}, media="text/xml"
    ),
    wms13__getfeatureinfo__invalid_info_format=Case(
        changes={"INFO_FORMAT": "x/y"}, code="InvalidFormat"
    ),
    wms13__getfeatureinfo__invalid_i=Case(changes={"I": "200"}, code="InvalidPoint"),
    wms13__getfeatureinfo__invalid_j=Case(changes={"J": "-1"}, code="InvalidPoint"),
    wms13__getfeatureinfo__invalid_query_layers=Case(
        changes={"QUERY_LAYERS": "x"}, code="LayerNotDefined"
    ),
    wms13__getfeatureinfo__exceptions_default=Case(
        changes={"QUERY_LAYERS": "x"}, code="LayerNotDefined"
    ),
    wms13__getfeatureinfo__exceptions_xml=Case(
        changes={"QUERY_LAYERS": "x", "EXCEPTIONS": "XML"}, code="LayerNotDefined"
    ),
)
def test_get_feature_info(cite: TestClient, case: Case) -> None:
    check(ask(cite, INFO, case.changes), case)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(None, marks=pytest.mark.requirement("wms13:queryable:feature-count-default")),
        pytest.param("1", marks=pytest.mark.requirement("wms13:queryable:feature-count-1")),
    ],
)
def test_at_most_one_feature_a_layer(cite: TestClient, count: str | None) -> None:
    reply = ask(cite, INFO, {"FEATURE_COUNT": count})
    assert len(reply.json()["features"]) < 2


@requirements(
    wms13__time__each_instant=Case(changes=AUTOS | {"TIME": "2000-01-01T00:00:15Z"}, media=PNG),
    wms13__time__interval=Case(
        changes=AUTOS | {"TIME": "2000-01-01T00:00:10Z/2000-01-01T00:00:30Z"}, media=PNG
    ),
    wms13__time__instant_list=Case(
        changes=AUTOS | {"TIME": "2000-01-01T00:00:10Z,2000-01-01T00:00:30Z"}, media=PNG
    ),
    wms13__time__interval_list=Case(
        changes=AUTOS
        | {
            "TIME": "2000-01-01T00:00:00Z/2000-01-01T00:00:10Z/PT5S,"
            "2000-01-01T00:00:30Z/2000-01-01T00:00:40Z/PT5S"
        },
        media=PNG,
    ),
    wms13__time__interval_and_instant=Case(
        changes=AUTOS
        | {"TIME": "2000-01-01T00:00:00Z/2000-01-01T00:00:10Z/PT5S,2000-01-01T00:00:30Z"},
        media=PNG,
    ),
    wms13__time__current_instant=Case(changes=AUTOS | {"TIME": "current"}, media=PNG),
    wms13__time__current_interval=Case(
        changes=AUTOS | {"TIME": "2000-01-01T00:00:30Z/current"}, media=PNG
    ),
    wms13__time__time_and_other_layer=Case(
        changes={
            "LAYERS": "cite_Autos,cite_Lakes",
            "STYLES": ",",
            "TIME": "2000-01-01T00:00:15Z",
        },
        media=PNG,
    ),
    wms13__raster_elevation__low_range=Case(changes=TERRAIN | {"ELEVATION": "0/100"}, media=PNG),
    wms13__raster_elevation__mid_range=Case(changes=TERRAIN | {"ELEVATION": "100/200"}, media=PNG),
    wms13__raster_elevation__high_range=Case(changes=TERRAIN | {"ELEVATION": "200/425"}, media=PNG),
    wms13__raster_elevation__two_ranges=Case(
        changes=TERRAIN | {"ELEVATION": "0/100,200/300"}, media=PNG
    ),
    wms13__raster_elevation__range_and_value=Case(
        changes=TERRAIN | {"ELEVATION": "0/100,200"}, media=PNG
    ),
    wms13__raster_elevation__value=Case(changes=TERRAIN | {"ELEVATION": "200"}, media=PNG),
    wms13__raster_elevation__invalid=Case(
        changes=TERRAIN | {"ELEVATION": "x"}, code="InvalidDimensionValue"
    ),
    wms13__raster_elevation__other_layer=Case(
        changes=TERRAIN
        | {"LAYERS": "cite_Terrain,cite_Forests", "STYLES": ",", "ELEVATION": "200"},
        media=PNG,
    ),
)
def test_dimensions(cite: TestClient, case: Case) -> None:
    check(ask(cite, MAP, case.changes), case)


@pytest.mark.parametrize(
    ("asked", "warning"),
    [
        pytest.param(asked, warning, id=name, marks=pytest.mark.requirement(f"wms13:{name}"))
        for name, asked, warning in (
            ("time:default", AUTOS, "99 Default value used: time="),
            (
                "vector-elevation:default",
                {"LAYERS": "cite_Lakes"},
                "99 Default value used: elevation=",
            ),
            (
                "vector-elevation:nearest",
                {"LAYERS": "cite_Lakes", "ELEVATION": "492"},
                "99 Nearest value used: elevation=490",
            ),
        )
    ],
)
def test_a_value_that_was_chosen_is_told(
    cite: TestClient, asked: dict[str, str], warning: str
) -> None:
    reply = ask(cite, MAP, asked)
    picture(reply)
    assert warning in reply.headers.get("warning", "")


@pytest.mark.requirement("wms13:raster-elevation:default")
@pytest.mark.xfail(strict=True, reason="the default of Terrain is its lowest plane, not 0/425")
def test_the_default_elevation_is_the_whole_range(cite: TestClient) -> None:
    warning = ask(cite, MAP, TERRAIN).headers.get("warning", "")
    assert "99 Default value used: elevation=0/425" in warning
