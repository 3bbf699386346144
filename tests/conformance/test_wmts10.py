"""WMTS 1.0.0 by KVP and by its REST addresses."""

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.conformance.asked import Case, ask, check, picture, requirements
from tests.ogc.conftest import Schemas

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
INFO = TILE | {"REQUEST": "GetFeatureInfo", "I": "10", "J": "10", "INFOFORMAT": "application/json"}
LOCATION = (
    "http://www.opengis.net/wmts/1.0",
    "http://schemas.opengis.net/wmts/1.0/wmts.xsd",
)
INVALID, MISSING = "InvalidParameterValue", "MissingParameterValue"


@requirements(
    wmts10__gettile__basic=Case(media="image/png"),
    wmts10__gettile__service_missing=Case(changes={"SERVICE": None}, code=MISSING),
    wmts10__gettile__service_invalid=Case(changes={"SERVICE": "WXS"}, code=INVALID),
    wmts10__gettile__request_invalid=Case(
        changes={"REQUEST": "GetX"}, code="OperationNotSupported", status=501
    ),
    wmts10__gettile__version_missing=Case(changes={"VERSION": None}, code=MISSING),
    wmts10__gettile__layer_missing=Case(changes={"LAYER": None}, code=MISSING),
    wmts10__gettile__layer_invalid=Case(changes={"LAYER": "x"}, code=INVALID),
    wmts10__gettile__style_missing=Case(changes={"STYLE": None}, code=MISSING),
    wmts10__gettile__style_invalid=Case(changes={"STYLE": "x"}, code=INVALID),
    wmts10__gettile__format_missing=Case(changes={"FORMAT": None}, code=MISSING),
    wmts10__gettile__format_invalid=Case(changes={"FORMAT": "x/y"}, code=INVALID),
    wmts10__gettile__set_missing=Case(changes={"TILEMATRIXSET": None}, code=MISSING),
    wmts10__gettile__set_invalid=Case(changes={"TILEMATRIXSET": "x"}, code=INVALID),
    wmts10__gettile__matrix_missing=Case(changes={"TILEMATRIX": None}, code=MISSING),
    wmts10__gettile__matrix_invalid=Case(changes={"TILEMATRIX": "x"}, code=INVALID),
    wmts10__gettile__row_missing=Case(changes={"TILEROW": None}, code=MISSING),
    wmts10__gettile__row_invalid=Case(changes={"TILEROW": "x"}, code=INVALID),
    wmts10__gettile__col_missing=Case(changes={"TILECOL": None}, code=MISSING),
    wmts10__gettile__col_invalid=Case(changes={"TILECOL": "x"}, code=INVALID),
    wmts10__gettile__row_out_of_range=Case(changes={"TILEROW": "0"}, code="TileOutOfRange"),
    wmts10__gettile__col_out_of_range=Case(changes={"TILECOL": "0"}, code="TileOutOfRange"),
    wmts10__gettile__dimension_invalid=Case(changes={"TIME": "x"}, code=INVALID),
    wmts10__gettile__dimension_default=Case(changes={"TIME": "default"}, media="image/png"),
    wmts10__gettile__dimension_current=Case(changes={"TIME": "current"}, media="image/png"),
)
def test_get_tile(demo: TestClient, case: Case) -> None:
    check(ask(demo, TILE, case.changes, "/wmts"), case)


@requirements(
    wmts10__getfeatureinfo__basic=Case(media="application/json"),
    wmts10__getfeatureinfo__i_missing=Case(changes={"I": None}, code=MISSING),
    wmts10__getfeatureinfo__i_out_of_range=Case(changes={"I": "256"}, code="PointIJOutOfRange"),
    wmts10__getfeatureinfo__j_out_of_range=Case(changes={"J": "-1"}, code="PointIJOutOfRange"),
    wmts10__getfeatureinfo__infoformat_invalid=Case(changes={"INFOFORMAT": "x/y"}, code=INVALID),
)
def test_get_feature_info(demo: TestClient, case: Case) -> None:
    check(ask(demo, INFO, case.changes, "/wmts"), case)


@requirements(
    wmts10__getcapabilities__accept_versions=Case(
        changes={"ACCEPTVERSIONS": "1.0.0"}, media="text/xml"
    ),
    wmts10__getcapabilities__accept_versions_invalid=Case(
        changes={"ACCEPTVERSIONS": "9.9.9"}, code="VersionNegotiationFailed"
    ),
    wmts10__getcapabilities__names_in_any_case=Case(
        changes={"SERVICE": None, "sErViCe": "WMTS"}, media="text/xml"
    ),
    wmts10__getcapabilities__update_sequence_higher=Case(
        changes={"UPDATESEQUENCE": "999999"}, code="InvalidUpdateSequence"
    ),
)
def test_get_capabilities(demo: TestClient, case: Case) -> None:
    check(ask(demo, CAPABILITIES, case.changes, "/wmts"), case)


@pytest.mark.requirement("wmts10:getcapabilities:schema")
@pytest.mark.requirement("wmts10:getcapabilities:identifiers-unique")
@pytest.mark.requirement("wmts10:getcapabilities:scale-denominators-unique")
def test_the_document(demo: TestClient, schemas: Schemas) -> None:
    reply = ask(demo, CAPABILITIES, {}, "/wmts")
    schemas.check(reply.content, LOCATION)
    root = etree.fromstring(reply.content)
    for path in (
        "{*}Contents/{*}Layer/{*}Identifier",
        "{*}Contents/{*}TileMatrixSet/{*}Identifier",
    ):
        names = [one.text for one in root.findall(path)]
        assert names
        assert len(set(names)) == len(names)
    for matrices in root.findall("{*}Contents/{*}TileMatrixSet"):
        scales = [one.text for one in matrices.findall("{*}TileMatrix/{*}ScaleDenominator")]
        assert scales
        assert len(set(scales)) == len(scales)


@pytest.mark.requirement("wmts10:gettile:tile-size")
@pytest.mark.requirement("wmts10:gettile:transparency")
def test_a_tile(demo: TestClient) -> None:
    drawn = picture(ask(demo, TILE, {}, "/wmts"))
    assert drawn.shape == (256, 256, 4)
    assert drawn[..., 3].any()


@pytest.mark.requirement("wmts10:rest:gettile")
def test_the_advertised_address_gives_the_same_tile(demo: TestClient) -> None:
    root = etree.fromstring(ask(demo, CAPABILITIES, {}, "/wmts").content)
    names = {key.lower(): value for key, value in TILE.items()}
    template = next(
        url
        for one in root.findall(".//{*}Layer/{*}ResourceURL")
        if "png" in one.get("format", "")
        and one.get("resourceType") == "tile"
        and "S2_L1C" in (url := one.get("template", ""))
    )
    for part in ("Style", "Time", "time", "TileMatrixSet", "TileMatrix", "TileRow", "TileCol"):
        template = template.replace(f"{{{part}}}", names[part.lower()])
    assert "{" not in template
    assert (picture(demo.get(template)) == picture(ask(demo, TILE, {}, "/wmts"))).all()
