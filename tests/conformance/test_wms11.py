"""WMS 1.1.1: what differs from 1.3.0."""

import pytest
from starlette.testclient import TestClient

from tests.conformance.asked import Case, ask, check, picture, requirements

MAP = {
    "SERVICE": "WMS",
    "VERSION": "1.1.1",
    "REQUEST": "GetMap",
    "LAYERS": "cite_Lakes",
    "STYLES": "",
    "SRS": "EPSG:4326",
    "BBOX": "0.0000025,-0.0019975,0.0040025,0.0000025",
    "WIDTH": "200",
    "HEIGHT": "100",
    "FORMAT": "image/png",
}
INFO = MAP | {
    "REQUEST": "GetFeatureInfo",
    "QUERY_LAYERS": "cite_Lakes",
    "INFO_FORMAT": "application/vnd.ogc.gml",
    "X": "60",
    "Y": "30",
}


@requirements(
    wms11__getmap__basic=Case(media="image/png"),
    wms11__getmap__srs_needed=Case(changes={"SRS": None}),
    wms11__getmap__invalid_srs=Case(changes={"SRS": "EPSG:x"}, code="InvalidSRS"),
    wms11__getmap__invalid_layer=Case(changes={"LAYERS": "x"}, code="LayerNotDefined"),
    wms11__getmap__invalid_style=Case(changes={"STYLES": "x"}, code="StyleNotDefined"),
    wms11__getmap__invalid_format=Case(changes={"FORMAT": "x/y"}, code="InvalidFormat"),
    wms11__getmap__exceptions_inimage=Case(
        changes={"LAYERS": "x", "EXCEPTIONS": "application/vnd.ogc.se_inimage"}, media="image/png"
    ),
    wms11__getmap__exceptions_blank=Case(
        changes={"LAYERS": "x", "EXCEPTIONS": "application/vnd.ogc.se_blank"}, media="image/png"
    ),
)
def test_get_map(cite: TestClient, case: Case) -> None:
    check(ask(cite, MAP, case.changes), case)


@requirements(
    wms11__queryable__gml=Case(media="application/vnd.ogc.gml"),
    wms11__queryable__x_y=Case(changes={"X": None}),
    wms11__queryable__point_outside=Case(changes={"Y": "100"}, code="InvalidPoint"),
    wms11__queryable__invalid_layer=Case(changes={"QUERY_LAYERS": "x"}, code="LayerNotDefined"),
)
def test_get_feature_info(cite: TestClient, case: Case) -> None:
    check(ask(cite, INFO, case.changes), case)


@pytest.mark.requirement("wms11:getmap:lon-lat-order")
def test_longitude_is_first(cite: TestClient) -> None:
    old = picture(ask(cite, MAP, {}))
    turned = {"VERSION": "1.3.0", "CRS": "CRS:84", "SRS": None}
    assert (old == picture(ask(cite, MAP, turned))).all()
    assert len(set(map(tuple, old.reshape(-1, 4).tolist()))) == 2


@pytest.mark.requirement("wms11:getcapabilities:media-type")
@pytest.mark.requirement("wms11:getcapabilities:doctype")
@pytest.mark.requirement("wms11:getcapabilities:extent")
def test_capabilities(cite: TestClient) -> None:
    reply = ask(cite, {"SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetCapabilities"}, {})
    assert reply.headers["content-type"].startswith("application/vnd.ogc.wms_xml")
    assert "<!DOCTYPE WMT_MS_Capabilities" in reply.text
    assert reply.text.count("<Extent ") == reply.text.count("<Dimension ") == 3


@pytest.mark.requirement("wms11:exceptions:media-type")
def test_exceptions(cite: TestClient) -> None:
    reply = ask(cite, MAP, {"LAYERS": "x"})
    assert reply.headers["content-type"].startswith("application/vnd.ogc.se_xml")
    assert "<!DOCTYPE ServiceExceptionReport" in reply.text
