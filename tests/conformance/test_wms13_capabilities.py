"""Versions and capabilities of WMS 1.3.0."""

import io
from itertools import pairwise

import pytest
from lxml import etree
from PIL import Image
from starlette.testclient import TestClient

from tests.conformance.asked import Case, cases, check
from tests.conformance.wms13 import LAYERS, ask, capabilities
from tests.ogc.conftest import Schemas

BASE = {"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": "1.3.0"}
LOCATION = (
    "http://www.opengis.net/wms",
    "http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd",
)
SLD = ("http://www.opengis.net/sld", "http://schemas.opengis.net/sld/1.1.0/sld_capabilities.xsd")
XML = "text/xml"
HREF = "{http://www.w3.org/1999/xlink}href"


@pytest.fixture(scope="module")
def told(cite: TestClient) -> etree._Element:
    return capabilities(cite)


def layers(told: etree._Element) -> list[etree._Element]:
    return told.findall(".//{*}Layer[{*}Name]")


@cases(
    {
        "wms13:getcapabilities:no-format": Case(media=XML),
        "wms13:getcapabilities:each-format": Case(changes={"FORMAT": "text/xml"}, media=XML),
        "wms13:getcapabilities:invalid-format": Case(changes={"FORMAT": "invalid"}, media=XML),
        "wms13:getcapabilities:updatesequence-lower": Case(
            changes={"UPDATESEQUENCE": "0"}, media=XML
        ),
        "wms13:getcapabilities:updatesequence-higher": Case(
            changes={"UPDATESEQUENCE": "999999"}, code="InvalidUpdateSequence"
        ),
        "wms13:basic_elements:extra-GetCapabilities-param": Case(
            changes={"BOGUS": "ignored"}, media=XML
        ),
    }
)
def test_get_capabilities(cite: TestClient, case: Case) -> None:
    reply = ask(cite, BASE, case.changes)
    check(reply, case)
    if case.media:
        assert etree.fromstring(reply.content).tag == f"{{{LOCATION[0]}}}WMS_Capabilities"


@pytest.mark.requirement("wms13:getcapabilities:updatesequence-current")
def test_the_current_sequence_has_nothing_newer(cite: TestClient, told: etree._Element) -> None:
    check(
        ask(cite, BASE, {"UPDATESEQUENCE": told.get("updateSequence")}),
        Case(code="CurrentUpdateSequence"),
    )


@pytest.mark.requirement("wms13:basic_elements:escaped-chars")
def test_escaped_characters_are_read(cite: TestClient) -> None:
    name = "".join(f"%{ord(character):X}" for character in "GetCapabilities")
    reply = cite.get(f"/ows?ReQuEsT={name}&VeRsIoN=1.3.0&SeRvIcE=WMS")
    assert etree.fromstring(reply.content).tag == f"{{{LOCATION[0]}}}WMS_Capabilities"


@pytest.mark.requirement("wms13:basic_elements:escaped-space")
def test_plus_is_a_space(cite: TestClient) -> None:
    """No layer has a space in its name; what is told of one that is asked for has it."""
    reply = cite.get(
        "/ows?VERSION=1.3.0&REQUEST=GetMap&LAYERS=no+such&STYLES=&CRS=CRS:84&BBOX=0,0,1,1"
        "&WIDTH=8&HEIGHT=8&FORMAT=image/png"
    )
    assert "no such" in reply.text


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param(
            asked, answered, id=name, marks=pytest.mark.requirement(f"wms13:basic_elements:{name}")
        )
        for name, asked, answered in (
            ("negotiate-no-version", None, "1.3.0"),
            ("negotiate-basic_elements-version", "1.3.0", "1.3.0"),
            ("negotiate-higher-version", "100.0.0", "1.3.0"),
            ("negotiate-lower-version", "0.0.0", "1.1.1"),
        )
    ],
)
def test_versions_are_negotiated(cite: TestClient, asked: str | None, answered: str) -> None:
    reply = ask(cite, BASE, {"VERSION": asked})
    parser = etree.XMLParser(load_dtd=False)
    assert etree.fromstring(reply.content, parser).get("version") == answered


@pytest.mark.requirement("wms13:getcapabilities:normative-schema")
@pytest.mark.requirement("wms13:getcapabilities:validate-using-schemaLocation")
def test_the_document_is_valid(cite: TestClient, demo: TestClient, schemas: Schemas) -> None:
    for client in (cite, demo):
        schemas.check(ask(client, BASE, {}).content, LOCATION, SLD)


@pytest.mark.requirement("wms13:getcapabilities:capability-onlineresource")
def test_addresses_are_prefixes(told: etree._Element) -> None:
    found = [
        one.get("{http://www.w3.org/1999/xlink}href", "")
        for one in told.findall(".//{*}DCPType//{*}OnlineResource")
    ]
    assert found
    assert all(address.endswith(("?", "&")) for address in found)


@pytest.mark.requirement("wms13:getcapabilities:capability-xml-getcapabilities-format")
@pytest.mark.requirement("wms13:getcapabilities:capability-xml-exception-format")
def test_documents_and_exceptions_are_xml(told: etree._Element) -> None:
    assert [one.text for one in told.findall(".//{*}GetCapabilities/{*}Format")] == [XML]
    assert [one.text for one in told.findall(".//{*}Exception/{*}Format")] == [
        "XML",
        "INIMAGE",
        "BLANK",
    ]


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        pytest.param(kind, least, marks=pytest.mark.requirement(f"wms13:getcapabilities:{name}"))
        for name, kind, least in (
            ("style-legendurls", "LegendURL", len(LAYERS)),
            ("metadataurls", "MetadataURL", len(LAYERS)),
        )
    ],
)
def test_resources_are_what_they_are_said_to_be(
    cite: TestClient, told: etree._Element, kind: str, least: int
) -> None:
    found = told.findall(f".//{{*}}{kind}")
    assert len(found) >= least
    for each in found:
        resource = each.find("{*}OnlineResource")
        assert resource is not None
        reply = cite.get(resource.get(HREF, ""))
        media = each.findtext("{*}Format") or "-"
        assert reply.status_code == 200, resource.attrib
        assert reply.headers["content-type"].startswith(media)
        if kind == "LegendURL":
            size = Image.open(io.BytesIO(reply.content)).size
            assert size == (int(each.get("width", "0")), int(each.get("height", "0")))


@pytest.mark.requirement("wms13:getcapabilities:crs-for-all-layers")
@pytest.mark.requirement("wms13:getcapabilities:crs-present")
@pytest.mark.requirement("wms13:recommendations:layer-crs")
def test_the_root_lists_every_common_crs(told: etree._Element) -> None:
    root = {one.text for one in told.findall("{*}Capability/{*}Layer/{*}CRS")}
    own = [{one.text for one in layer.findall("{*}CRS")} | root for layer in layers(told)]
    assert set.intersection(*own) == root
    assert root >= {"CRS:84", "EPSG:4326"}


@pytest.mark.requirement("wms13:getcapabilities:bbox-present")
@pytest.mark.requirement("wms13:getcapabilities:bbox-crs-advertised")
@pytest.mark.requirement("wms13:getcapabilities:bbox-distinct-crs")
def test_boxes_name_each_advertised_crs_once(told: etree._Element) -> None:
    root = {one.text for one in told.findall("{*}Capability/{*}Layer/{*}CRS")}
    for layer in layers(told):
        names = [one.get("CRS") for one in layer.findall("{*}BoundingBox")]
        assert names
        assert len(set(names)) == len(names)
        assert set(names) <= root | {one.text for one in layer.findall("{*}CRS")}


@pytest.mark.requirement("wms13:getcapabilities:ex_geobbox-present")
@pytest.mark.requirement("wms13:getcapabilities:ex_geobbox-coordinates")
@pytest.mark.requirement("wms13:getcapabilities:layer-extents")
def test_boxes_have_an_area_and_the_order_of_their_axes(told: etree._Element) -> None:
    for layer in layers(told):
        place = layer.find("{*}EX_GeographicBoundingBox")
        assert place is not None
        west, east, south, north = (float(one.text or "nan") for one in place)
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
        boxes = {
            one.get("CRS"): [float(one.get(key, "nan")) for key in ("minx", "miny", "maxx", "maxy")]
            for one in layer.findall("{*}BoundingBox")
        }
        assert boxes["CRS:84"] == pytest.approx([west, south, east, north], abs=1e-5)
        assert boxes["EPSG:4326"] == pytest.approx([south, west, north, east], abs=1e-5)


@pytest.mark.requirement("wms13:getcapabilities:authorityurl-unique")
@pytest.mark.requirement("wms13:getcapabilities:identifier-matches-authorityurl")
def test_identifiers_have_an_authority(told: etree._Element) -> None:
    names = [one.get("name") for one in told.findall(".//{*}AuthorityURL")]
    assert len(set(names)) == len(names)
    assert {one.get("authority") for one in told.findall(".//{*}Identifier")} <= set(names)


@pytest.mark.requirement("wms13:getcapabilities:style-unique")
def test_styles_are_named_once(told: etree._Element) -> None:
    for layer in layers(told):
        names = sorted(one.text or "" for one in layer.findall("{*}Style/{*}Name"))
        assert names
        assert all(one != other for one, other in pairwise(names))


@pytest.mark.requirement("wms13:getcapabilities:dims-time")
@pytest.mark.requirement("wms13:getcapabilities:dims-elevation-crs88")
@pytest.mark.requirement("wms13:getcapabilities:dims-no-redeclarations")
@pytest.mark.requirement("wms13:recommendations:dims-defaults")
@pytest.mark.requirement("wms13:recommendations:dims-no-whitespace")
def test_dimensions(told: etree._Element) -> None:
    units = {"time": "ISO8601", "elevation": "CRS:88"}
    found = 0
    for layer in layers(told):
        names = [one.get("name", "") for one in layer.findall("{*}Dimension")]
        assert len(set(names)) == len(names)
        assert not any(character.isspace() for character in "".join(names))
        for one in layer.findall("{*}Dimension"):
            found += 1
            assert one.get("units") == units[one.get("name", "")]
            assert one.get("default")
    assert found == 3


@pytest.mark.parametrize(
    ("title", "declared"),
    [
        pytest.param(title, declared, id=name, marks=pytest.mark.requirement(f"wms13:{name}"))
        for name, title, declared in (
            (
                "raster_elevation:raster_elevation",
                "cite:Terrain",
                {
                    "units": "CRS:88",
                    "unitSymbol": "m",
                    "multipleValues": "1",
                    "nearestValue": "0",
                    "default": "0/425",
                    "values": "0/425/1",
                },
            ),
            (
                "vector_elevation:vector_elevation",
                "cite:Lakes",
                {
                    "units": "CRS:88",
                    "unitSymbol": "m",
                    "multipleValues": "0",
                    "nearestValue": "1",
                    "default": "500",
                    "values": "480,490,500",
                },
            ),
            (
                "time:time-options-requirements",
                "cite:Autos",
                {
                    "units": "ISO8601",
                    "multipleValues": "1",
                    "nearestValue": "1",
                    "values": "2000-01-01T00:00:00Z/2000-01-01T00:01:00Z/PT5S",
                },
            ),
        )
    ],
)
def test_dimensions_are_those_that_the_suite_looks_for(
    told: etree._Element, title: str, declared: dict[str, str]
) -> None:
    layer = next(one for one in layers(told) if one.findtext("{*}Title") == title)
    (dimension,) = layer.findall("{*}Dimension")
    found = {key: dimension.get(key, dimension.text) for key in declared}
    assert found == declared


@pytest.mark.requirement("wms13:queryable:getfeatureinfo-supported")
@pytest.mark.requirement("wms13:queryable:std-data-queryable")
@pytest.mark.requirement("wms13:basic:layers-of-the-suite")
def test_the_layers_of_the_suite(told: etree._Element) -> None:
    titles = {layer.findtext("{*}Title") for layer in layers(told)}
    assert titles == {f"cite:{name}" for name in LAYERS}
    assert told.find("{*}Capability/{*}Request/{*}GetFeatureInfo") is not None
    for layer in layers(told):
        assert layer.get("queryable") == "1"
        assert layer.get("noSubsets", "0") == "0"
        assert layer.get("fixedWidth", "0") == layer.get("fixedHeight", "0") == "0"


@pytest.mark.requirement("wms13:recommendations:service-contact-info")
@pytest.mark.requirement("wms13:recommendations:service-keywords")
@pytest.mark.requirement("wms13:recommendations:png-getmap-format")
@pytest.mark.requirement("wms13:basic:gif-or-png")
def test_the_service_says_who_and_what_it_is(told: etree._Element) -> None:
    assert told.findtext("{*}Service/{*}KeywordList/{*}Keyword")
    contact = told.find("{*}Service/{*}ContactInformation")
    assert contact is not None
    assert contact.findtext("{*}ContactVoiceTelephone")
    assert contact.findtext("{*}ContactAddress/{*}City")
    assert "image/png" in [one.text for one in told.findall(".//{*}GetMap/{*}Format")]


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part, id=name, marks=pytest.mark.requirement(f"wms13:recommendations:{name}"))
        for name, part in (
            ("layer-abstracts", "{*}Abstract"),
            ("layer-keywordlists", "{*}KeywordList/{*}Keyword"),
            ("metadataurls", "{*}MetadataURL/{*}OnlineResource"),
        )
    ],
)
def test_every_layer_is_described(told: etree._Element, part: str) -> None:
    assert all(layer.find(part) is not None for layer in layers(told))
