"""Versions and capabilities of WMS 1.3.0."""

import io
from itertools import pairwise

import pytest
from lxml import etree
from PIL import Image
from starlette.testclient import TestClient

from tests.conformance.asked import Case, ask, check, requirements
from tests.ogc.conftest import Schemas

BASE = {"SERVICE": "WMS", "REQUEST": "GetCapabilities", "VERSION": "1.3.0"}
LOCATION = (
    "http://www.opengis.net/wms",
    "http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd",
)
SLD = ("http://www.opengis.net/sld", "http://schemas.opengis.net/sld/1.1.0/sld_capabilities.xsd")
XML = "text/xml"
SUITE = (
    "BasicPolygons",
    "Bridges",
    "Buildings",
    "DividedRoutes",
    "Forests",
    "Lakes",
    "MapNeatline",
    "NamedPlaces",
    "Ponds",
    "RoadSegments",
    "Streams",
    "Terrain",
    "Autos",
)
"""Layers of the suite, without the prefix of their titles."""


@pytest.fixture(scope="module")
def told(cite: TestClient) -> etree._Element:
    return etree.fromstring(ask(cite, BASE, {}).content)


def layers(told: etree._Element) -> list[etree._Element]:
    return told.findall(".//{*}Layer[{*}Name]")


@requirements(
    wms13__getcapabilities__no_format=Case(media=XML),
    wms13__getcapabilities__each_format=Case(changes={"FORMAT": "text/xml"}, media=XML),
    wms13__getcapabilities__invalid_format=Case(changes={"FORMAT": "x/y"}, media=XML),
    wms13__getcapabilities__extra_param=Case(changes={"UNKNOWN": "1"}, media=XML),
    wms13__getcapabilities__updatesequence_lower=Case(changes={"UPDATESEQUENCE": "0"}, media=XML),
    wms13__getcapabilities__updatesequence_higher=Case(
        changes={"UPDATESEQUENCE": "999999"}, code="InvalidUpdateSequence"
    ),
    wms13__getcapabilities__parameter_names_in_any_case=Case(
        changes={"SERVICE": None, "REQUEST": None, "SeRvIcE": "WMS", "rEqUeSt": "GetCapabilities"},
        media=XML,
    ),
)
def test_get_capabilities(cite: TestClient, case: Case) -> None:
    check(ask(cite, BASE, case.changes), case)


@pytest.mark.requirement("wms13:getcapabilities:updatesequence-current")
def test_the_current_sequence_has_nothing_newer(cite: TestClient, told: etree._Element) -> None:
    check(
        ask(cite, BASE, {"UPDATESEQUENCE": told.get("updateSequence")}),
        Case(code="CurrentUpdateSequence"),
    )


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param(
            asked, answered, id=name, marks=pytest.mark.requirement(f"wms13:version:{name}")
        )
        for name, asked, answered in (
            ("negotiate-no-version", None, "1.3.0"),
            ("negotiate-basic", "1.3.0", "1.3.0"),
            ("negotiate-higher", "100.0.0", "1.3.0"),
            ("negotiate-lower", "0.0.0", "1.1.1"),
        )
    ],
)
def test_versions_are_negotiated(cite: TestClient, asked: str | None, answered: str) -> None:
    reply = ask(cite, BASE, {"VERSION": asked})
    parser = etree.XMLParser(load_dtd=False)
    assert etree.fromstring(reply.content, parser).get("version") == answered


@pytest.mark.requirement("wms13:getcapabilities:schema")
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


@pytest.mark.requirement("wms13:getcapabilities:exception-xml")
def test_exceptions_are_advertised(told: etree._Element) -> None:
    assert [one.text for one in told.findall(".//{*}Exception/{*}Format")] == [
        "XML",
        "INIMAGE",
        "BLANK",
    ]


@pytest.mark.requirement("wms13:getcapabilities:resource-format")
@pytest.mark.requirement("wms13:getcapabilities:resource-size")
def test_resources_are_what_they_are_said_to_be(cite: TestClient, told: etree._Element) -> None:
    found = told.findall(".//{*}LegendURL") + told.findall(".//{*}MetadataURL")
    assert len(found) >= 26
    for each in found:
        resource = each.find("{*}OnlineResource")
        assert resource is not None
        reply = cite.get(resource.get("{http://www.w3.org/1999/xlink}href", ""))
        media = each.findtext("{*}Format") or "-"
        assert reply.status_code == 200, resource.attrib
        assert reply.headers["content-type"].startswith(media)
        if each.get("width"):
            size = Image.open(io.BytesIO(reply.content)).size
            assert size == (int(each.get("width", "0")), int(each.get("height", "0")))


@pytest.mark.requirement("wms13:getcapabilities:crs-for-all-layers")
@pytest.mark.requirement("wms13:getcapabilities:crs-present")
@pytest.mark.requirement("wms13:recommendations:crs84-epsg4326")
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


@pytest.mark.requirement("wms13:getcapabilities:ex-geobbox-present")
@pytest.mark.requirement("wms13:getcapabilities:ex-geobbox-coordinates")
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
@pytest.mark.requirement("wms13:recommendations:dims-default")
def test_dimensions(told: etree._Element) -> None:
    units = {"time": "ISO8601", "elevation": "CRS:88"}
    found = 0
    for layer in layers(told):
        names = [one.get("name", "") for one in layer.findall("{*}Dimension")]
        assert len(set(names)) == len(names)
        for one in layer.findall("{*}Dimension"):
            found += 1
            assert one.get("units") == units[one.get("name", "")]
            assert one.get("default")
    assert found == 3


@pytest.mark.requirement("wms13:basic:layers")
@pytest.mark.requirement("wms13:basic:subsettable")
def test_the_layers_of_the_suite(told: etree._Element) -> None:
    titles = {layer.findtext("{*}Title") for layer in layers(told)}
    assert titles == {f"cite:{name}" for name in SUITE}
    for layer in layers(told):
        assert layer.get("noSubsets", "0") == "0"
        assert layer.get("fixedWidth", "0") == layer.get("fixedHeight", "0") == "0"


@pytest.mark.requirement("wms13:recommendations:contact")
@pytest.mark.requirement("wms13:recommendations:service-keywords")
@pytest.mark.requirement("wms13:recommendations:image-png")
@pytest.mark.requirement("wms13:basic:gif-or-png")
def test_the_service_says_who_and_what_it_is(told: etree._Element) -> None:
    assert told.findtext("{*}Service/{*}KeywordList/{*}Keyword")
    assert told.find("{*}Service/{*}ContactInformation") is not None
    assert "image/png" in [one.text for one in told.findall(".//{*}GetMap/{*}Format")]


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part, id=name, marks=pytest.mark.requirement(f"wms13:recommendations:{name}"))
        for name, part in (
            ("layer-abstracts", "{*}Abstract"),
            ("layer-keywords", "{*}KeywordList/{*}Keyword"),
            ("layer-metadataurl", "{*}MetadataURL/{*}OnlineResource"),
        )
    ],
)
def test_every_layer_is_described(told: etree._Element, part: str) -> None:
    assert all(layer.find(part) is not None for layer in layers(told))
