"""WMS 1.1.1, by the names of the OGC's suite (`wms:` left out, its numbers too)."""

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from httpx2 import Response
from lxml import etree
from owslib.util import ServiceException
from owslib.wms import WebMapService
from PIL import Image
from starlette.testclient import TestClient

from datacube.encode.xml import Element
from tests.conformance.asked import Case, ask, cases, check, picture
from tests.conformance.wms13 import DRAWN, LAYERS, share, whites
from tests.ogc.conftest import Schemas

CAPABILITIES = {"SERVICE": "WMS", "VERSION": "1.1.1", "REQUEST": "GetCapabilities"}
MAP = {
    "VERSION": "1.1.1",
    "REQUEST": "GetMap",
    "LAYERS": "cite_Lakes",
    "STYLES": "",
    "SRS": "EPSG:4326",
    "BBOX": "0,-0.0020,0.0040,0",
    "WIDTH": "200",
    "HEIGHT": "100",
    "FORMAT": "image/png",
}
INFO = MAP | {
    "REQUEST": "GetFeatureInfo",
    "QUERY_LAYERS": "cite_Lakes",
    "INFO_FORMAT": "application/vnd.ogc.gml",
    "X": "70",
    "Y": "50",
}
WMS_XML, SE_XML = "application/vnd.ogc.wms_xml", "application/vnd.ogc.se_xml"
PNG, GML = "image/png", "application/vnd.ogc.gml"
ABSENT = {"LAYERS": "NonExistant"}
TWO, THREE = "cite_Lakes,cite_Streams", "cite_MapNeatline,cite_RoadSegments,cite_DividedRoutes"
HREF = "{http://www.w3.org/1999/xlink}href"

type Valid = Callable[[Response], Element]


@pytest.fixture(scope="module")
def valid(schemas: Schemas) -> Valid:
    """Return a check of documents by their DTD, which gives the root."""
    folder = schemas.folder / "ogc/wms/1.1.1"
    types = {
        "WMT_MS_Capabilities": etree.DTD(str(folder / "capabilities_1_1_1.dtd")),
        "ServiceExceptionReport": etree.DTD(str(folder / "exception_1_1_1.dtd")),
    }

    def checked(reply: Response) -> Element:
        parser = etree.XMLParser(load_dtd=False, no_network=True)
        root = etree.fromstring(reply.content, parser)
        assert types[root.tag].validate(root), types[root.tag].error_log
        assert f"<!DOCTYPE {root.tag} SYSTEM" in reply.text
        return root

    return checked


@pytest.fixture(scope="module")
def told(cite: TestClient, valid: Valid) -> Element:
    return valid(ask(cite, CAPABILITIES, {}))


def layers(told: Element) -> list[Element]:
    return told.findall(".//Layer[Name]")


@pytest.mark.requirement("wms11:wmsops-getcapabilities-response")
@pytest.mark.requirement("wms11:wmsops-getcapabilities-output_formats")
def test_documents_are_valid(cite: TestClient, demo: TestClient, valid: Valid) -> None:
    for client in (cite, demo):
        reply = ask(client, CAPABILITIES, {})
        assert reply.headers["content-type"].startswith(WMS_XML)
        assert valid(reply).get("version") == "1.1.1"


@pytest.mark.requirement("wms11:wmsops-getcapabilities-params-request")
@pytest.mark.requirement("wms11:basic_elements-param_rules-order_and_case")
@pytest.mark.parametrize(
    "query",
    [
        "REQUEST=GetCapabilities&SERVICE=WMS&VERSION=1.1.1",
        "version=1.1.1&service=WMS&request=GetCapabilities",
        "VeRsIoN=1.1.1&SeRvIcE=WMS&ReQuEsT=GetCapabilities&BoGuS=ignored",
    ],
)
def test_the_order_and_case_of_names_is_free(cite: TestClient, valid: Valid, query: str) -> None:
    assert valid(cite.get(f"/ows?{query}")).tag == "WMT_MS_Capabilities"


@pytest.mark.requirement("wms11:wmsops-getcapabilities-params-version")
@pytest.mark.requirement("wms11:basic_elements-version-negotiation")
@pytest.mark.parametrize("asked", ["1.1.1", "1.2.0", "1.0.0", "0.0.0"])
def test_versions_below_the_next_are_answered_by_this_one(
    cite: TestClient, valid: Valid, asked: str
) -> None:
    assert valid(ask(cite, CAPABILITIES, {"VERSION": asked})).get("version") == "1.1.1"


@cases(
    {
        "wms11:wmsops-getcapabilities-params-updatesequence-lower": Case(
            changes={"UPDATESEQUENCE": "0"}, media=WMS_XML
        ),
        "wms11:wmsops-getcapabilities-params-updatesequence-higher": Case(
            changes={"UPDATESEQUENCE": "999999"}, code="InvalidUpdateSequence"
        ),
    }
)
def test_update_sequences(cite: TestClient, case: Case) -> None:
    check(ask(cite, CAPABILITIES, case.changes), case)


@pytest.mark.requirement("wms11:wmsops-getcapabilities-params-updatesequence-current")
def test_the_current_sequence_has_nothing_newer(
    cite: TestClient, told: Element, valid: Valid
) -> None:
    reply = ask(cite, CAPABILITIES, {"UPDATESEQUENCE": told.get("updateSequence")})
    (exception,) = valid(reply)
    assert exception.get("code") == "CurrentUpdateSequence"


@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-capability_metadata")
def test_operations_have_addresses_and_formats(told: Element) -> None:
    operations = told.find("Capability/Request")
    assert operations is not None
    for name in ("GetCapabilities", "GetMap", "GetFeatureInfo"):
        address = operations.find(f"{name}/DCPType/HTTP/Get/OnlineResource")
        assert address is not None
        assert address.get(HREF, "").endswith(("?", "&"))
    assert operations.findtext("GetCapabilities/Format") == WMS_XML
    assert GML in [one.text for one in operations.findall("GetFeatureInfo/Format")]
    assert told.findtext("Capability/Exception/Format") == SE_XML


@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-general_metadata")
def test_the_service_is_named_and_free(told: Element) -> None:
    assert told.findtext("Service/Name") == "OGC:WMS"
    assert told.findtext("Service/Title")
    assert (told.findtext("Service/Fees"), told.findtext("Service/AccessConstraints")) == (
        "none",
        "none",
    )


@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-layer_properties-bbox")
@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-layer_properties-srs")
@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-layer_properties-latlonbbox")
def test_boxes_are_lon_lat_and_of_offered_systems(told: Element) -> None:
    shared = {one.text for one in told.findall("Capability/Layer/SRS")}
    assert {"EPSG:4326", "EPSG:3857"} <= shared
    for layer in layers(told):
        boxes = {one.get("SRS"): one for one in layer.findall("BoundingBox")}
        assert len(boxes) == len(layer.findall("BoundingBox"))
        assert set(boxes) <= shared | {one.text for one in layer.findall("SRS")}
        place = layer.find("LatLonBoundingBox")
        assert place is not None
        corners = [float(place.get(key, "nan")) for key in ("minx", "miny", "maxx", "maxy")]
        assert corners[0] < corners[2]
        assert corners[1] < corners[3]
        degrees = [float(boxes["EPSG:4326"].get(key, "nan")) for key in place.attrib]
        assert degrees == pytest.approx(corners, abs=1e-5)
    lakes = next(one for one in layers(told) if one.findtext("Title") == "cite:Lakes")
    box = lakes.find("LatLonBoundingBox")
    assert box is not None
    assert float(box.get("minx", "nan")) > 0 > float(box.get("maxy", "nan"))


@pytest.mark.requirement("wms11:dims-declaring")
@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-layer_properties-dim_and_extent")
def test_each_dimension_has_an_extent(told: Element) -> None:
    units = {"time": "ISO8601", "elevation": "CRS:88"}
    found = 0
    for layer in layers(told):
        dimensions = {one.get("name"): one.get("units") for one in layer.findall("Dimension")}
        assert dimensions.items() <= units.items()
        assert [one.get("name") for one in layer.findall("Extent")] == list(dimensions)
        for extent in layer.findall("Extent"):
            assert extent.text
            assert extent.get("default")
            found += 1
    assert found == 3


@pytest.mark.requirement(
    "wms11:wmsops-getcapabilities-response-layer_properties-identifier_and_authorityurl"
)
@pytest.mark.requirement("wms11:wmsops-getcapabilities-response-layer_properties-style")
def test_names_are_unique(told: Element) -> None:
    authorities = [one.get("name") for one in told.findall(".//AuthorityURL")]
    assert len(set(authorities)) == len(authorities)
    assert {one.get("authority") for one in told.findall(".//Identifier")} <= set(authorities)
    for layer in layers(told):
        styles = [one.text for one in layer.findall("Style/Name")]
        assert styles
        assert len(set(styles)) == len(styles)


@pytest.mark.requirement("wms11:profiles-basic")
@pytest.mark.requirement("wms11:profiles-queryable")
def test_the_layers_of_the_profiles(told: Element) -> None:
    assert {one.findtext("Title") for one in layers(told)} == {f"cite:{name}" for name in LAYERS}
    assert {one.get("queryable") for one in layers(told)} == {"1"}
    formats = {one.text for one in told.findall("Capability/Request/GetMap/Format")}
    assert {"image/gif", PNG} & formats


@cases(
    {
        "wms11:wmsops-getmap-params-request": Case(media=PNG),
        "wms11:wmsops-getmap-params-srs": Case(changes={"SRS": "EPSG:3857"}, media=PNG),
        "wms11:wmsops-getmap-params-srs-invalid": Case(
            changes={"SRS": "EPSG:UNDEFINED"}, code="InvalidSRS"
        ),
        "wms11:wmsops-getmap-params-srs-missing": Case(changes={"SRS": None}),
        "wms11:wmsops-getmap-params-layers-two": Case(changes={"LAYERS": TWO}, media=PNG),
        "wms11:wmsops-getmap-params-layers-three": Case(changes={"LAYERS": THREE}, media=PNG),
        "wms11:wmsops-getmap-params-layers-invalid": Case(changes=ABSENT, code="LayerNotDefined"),
        "wms11:wmsops-getmap-params-layers-first-invalid": Case(
            changes={"LAYERS": "NonExistant,cite_Lakes"}, code="LayerNotDefined"
        ),
        "wms11:wmsops-getmap-params-layers-second-invalid": Case(
            changes={"LAYERS": "cite_Lakes,NonExistant"}, code="LayerNotDefined"
        ),
        "wms11:wmsops-getmap-params-styles": Case(changes={"STYLES": "Lakes"}, media=PNG),
        "wms11:wmsops-getmap-params-styles-default-commas": Case(
            changes={"LAYERS": TWO, "STYLES": ","}, media=PNG
        ),
        "wms11:wmsops-getmap-params-styles-invalid": Case(
            changes={"STYLES": "x"}, code="StyleNotDefined"
        ),
        "wms11:wmsops-getmap-params-format-invalid": Case(
            changes={"FORMAT": "image/undefined"}, code="InvalidFormat"
        ),
        "wms11:wmsops-getmap-params-bbox-minx-gt-maxx": Case(changes={"BBOX": "0.004,-0.002,0,0"}),
        "wms11:wmsops-getmap-params-bbox-minx-eq-maxx": Case(changes={"BBOX": "0,-0.002,0,0"}),
        "wms11:wmsops-getmap-params-bbox-miny-gt-maxy": Case(changes={"BBOX": "0,0,0.004,-0.002"}),
        "wms11:wmsops-getmap-params-bbox-miny-eq-maxy": Case(changes={"BBOX": "0,0,0.004,0"}),
        "wms11:wmsops-getmap-params-exceptions-default": Case(
            changes=ABSENT, code="LayerNotDefined"
        ),
        "wms11:wmsops-getmap-params-exceptions-xml": Case(
            changes=ABSENT | {"EXCEPTIONS": SE_XML}, code="LayerNotDefined"
        ),
    }
)
def test_get_map(cite: TestClient, valid: Valid, case: Case) -> None:
    reply = ask(cite, MAP, case.changes)
    check(reply, case)
    if case.media is None:
        assert reply.headers["content-type"].startswith(SE_XML)
        assert valid(reply).tag == "ServiceExceptionReport"


@pytest.mark.requirement("wms11:wmsops-getmap-params-exceptions-se_inimage")
def test_an_exception_is_drawn(cite: TestClient) -> None:
    drawn = picture(ask(cite, MAP, ABSENT | {"EXCEPTIONS": "application/vnd.ogc.se_inimage"}))
    assert drawn.shape == (100, 200, 4)
    assert len(np.unique(drawn.reshape(-1, 4), axis=0)) > 1


@pytest.mark.requirement("wms11:wmsops-getmap-params-exceptions-se_blank")
@pytest.mark.parametrize(
    ("asked", "colour"),
    [({"BGCOLOR": "0xFF0000"}, (255, 0, 0, 255)), ({"TRANSPARENT": "TRUE"}, (0, 0, 0, 0))],
)
def test_an_exception_is_blank(
    cite: TestClient, asked: dict[str, str], colour: tuple[int, ...]
) -> None:
    blank = ABSENT | {"EXCEPTIONS": "application/vnd.ogc.se_blank"}
    assert (picture(ask(cite, MAP, blank | asked)) == colour).all()


@pytest.mark.requirement("wms11:wmsops-getmap-params-format")
@pytest.mark.parametrize("media", ["image/gif", "image/jpeg", PNG])
def test_formats(cite: TestClient, media: str) -> None:
    reply = ask(cite, MAP, {"FORMAT": media})
    assert reply.headers["content-type"] == media
    assert picture(reply).shape == (100, 200, 4)


@pytest.mark.requirement("wms11:wmsops-getmap-params-width_height")
@pytest.mark.parametrize(("width", "height"), [(8, 5), (1024, 768)])
def test_the_size(cite: TestClient, width: int, height: int) -> None:
    drawn = picture(ask(cite, MAP, {"WIDTH": f"{width}", "HEIGHT": f"{height}"}))
    assert drawn.shape == (height, width, 4)


@pytest.mark.requirement("wms11:wmsops-getmap-params-bgcolor")
@pytest.mark.requirement("wms11:wmsops-getmap-params-transparent")
@pytest.mark.parametrize(
    ("asked", "background"),
    [
        ({}, (255, 255, 255, 255)),
        ({"BGCOLOR": "0x0000FF"}, (0, 0, 255, 255)),
        ({"TRANSPARENT": "FALSE"}, (255, 255, 255, 255)),
        ({"TRANSPARENT": "TRUE"}, (0, 0, 0, 0)),
    ],
)
def test_the_background(
    cite: TestClient, asked: dict[str, str], background: tuple[int, ...]
) -> None:
    drawn = picture(ask(cite, MAP, asked))
    assert (drawn[:, :20] == background).all()
    assert (drawn[35:65, 65:75] == DRAWN["Lakes"]).all()


@pytest.mark.requirement("wms11:wmsops-getmap-params-bbox")
def test_the_box_is_the_outer_edge_of_pixels_with_longitude_first(cite: TestClient) -> None:
    """The suite's box has water at every border pixel; turned, it lies on dry land."""
    small = {"WIDTH": "10", "HEIGHT": "7"}
    wet = picture(ask(cite, MAP, small | {"BBOX": "0.0016,-0.0012,0.0026,-0.0005"}))
    edge = ((0, 0, 10, 1), (0, 6, 10, 1), (0, 1, 1, 5), (9, 1, 1, 5))
    assert [whites(wet, box) for box in edge] == [0, 0, 0, 0]
    dry = picture(ask(cite, MAP, small | {"BBOX": "-0.0012,0.0016,-0.0005,0.0026"}))
    assert share(dry) == 0
    far = picture(ask(cite, MAP, {"BBOX": "10,10,10.1,10.1", "TRANSPARENT": "TRUE"}))
    assert (far[..., 3] == 0).all()


@cases(
    {
        "wms11:wmsops-getfeatureinfo-params-info_format": Case(media=GML),
        "wms11:wmsops-getfeatureinfo-params-info_format-missing": Case(
            changes={"INFO_FORMAT": None}, media="application/json"
        ),
        "wms11:wmsops-getfeatureinfo-params-info_format-invalid": Case(
            changes={"INFO_FORMAT": "invalid"}, code="InvalidFormat"
        ),
        "wms11:wmsops-getfeatureinfo-params-query_layers-two": Case(
            changes={"LAYERS": TWO, "QUERY_LAYERS": TWO}, media=GML
        ),
        "wms11:wmsops-getfeatureinfo-params-query_layers-fewer": Case(
            changes={"LAYERS": TWO, "QUERY_LAYERS": "cite_Streams"}, media=GML
        ),
        "wms11:wmsops-getfeatureinfo-params-query_layers-invalid": Case(
            changes={"QUERY_LAYERS": "UndefinedLayer"}, code="LayerNotDefined"
        ),
        "wms11:wmsops-getfeatureinfo-params-exceptions": Case(
            changes={"QUERY_LAYERS": "UndefinedLayer", "EXCEPTIONS": SE_XML}, code="LayerNotDefined"
        ),
        "wms11:wmsops-getfeatureinfo-params-x_y-missing": Case(changes={"X": None}),
        "wms11:wmsops-getfeatureinfo-params-x_y-outside": Case(
            changes={"Y": "100"}, code="InvalidPoint"
        ),
        "wms11:wmsops-getfeatureinfo-params-feature_count": Case(
            changes={"FEATURE_COUNT": "2"}, media=GML
        ),
    }
)
def test_get_feature_info(cite: TestClient, valid: Valid, case: Case) -> None:
    reply = ask(cite, INFO, case.changes)
    check(reply, case)
    if case.media is None:
        assert reply.headers["content-type"].startswith(SE_XML)
        assert valid(reply).tag == "ServiceExceptionReport"


@pytest.mark.requirement("wms11:wmsops-getfeatureinfo-params-x_y")
@pytest.mark.parametrize(("x", "features"), [("70", 1), ("10", 0)])
def test_what_is_told_is_what_lies_under_the_pixel(cite: TestClient, x: str, features: int) -> None:
    reply = ask(cite, INFO, {"X": x})
    assert len(etree.fromstring(reply.content).findall(".//{*}featureMember")) == features


@pytest.mark.requirement("wms11:owslib")
def test_owslib_reads_capabilities_maps_and_features(demo_url: str) -> None:
    service = WebMapService(f"{demo_url}/ows", version="1.1.1")
    layer = service["S2_L1C"]
    assert layer.queryable == 1
    assert layer.timepositions == ["2015-06-23"]
    west, south, east, north = layer.boundingBoxWGS84
    assert -75.7 < west < east < -75.5
    asked: dict[str, object] = {
        "layers": ["S2_L1C"],
        "styles": ["B04"],
        "srs": "EPSG:4326",
        "bbox": (west, south, east, north),
        "size": (60, 40),
        "format": PNG,
        "time": "2015-06-23",
    }
    drawn = np.asarray(Image.open(io.BytesIO(service.getmap(**asked).read())).convert("RGB"))
    assert drawn.shape == (40, 60, 3)
    assert len(np.unique(drawn)) > 20
    middle = {"query_layers": ["S2_L1C"], "info_format": "application/json", "xy": (30, 20)}
    found = json.loads(service.getfeatureinfo(**asked, **middle).read())
    assert found["features"][0]["properties"]["B04"] > 0
    with pytest.raises(ServiceException, match="nosuch"):
        service.getmap(**asked | {"layers": ["nosuch"]})
