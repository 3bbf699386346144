"""WMTS 1.0.0: GetCapabilities by KVP, XML and SOAP, and the document itself."""

import io
from collections.abc import Iterable
from itertools import pairwise

import pytest
from lxml import etree
from PIL import Image
from starlette.testclient import TestClient

from tests.conformance.wmts10 import (
    CAPABILITIES,
    INVALID,
    OWS,
    SCHEMA,
    WMTS,
    Answered,
    Binding,
    asked,
    by_binding,
)
from tests.ogc.conftest import Schemas

NS = {"w": WMTS, "ows": OWS, "xlink": "http://www.w3.org/1999/xlink"}
XLINK = "{http://www.w3.org/1999/xlink}href"
SECTIONS = {
    "ServiceIdentification": f"{{{OWS}}}ServiceIdentification",
    "ServiceProvider": f"{{{OWS}}}ServiceProvider",
    "OperationsMetadata": f"{{{OWS}}}OperationsMetadata",
    "Contents": f"{{{WMTS}}}Contents",
}
GOOGLE = "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible"


@pytest.fixture(scope="module")
def told(demo: TestClient) -> Answered:
    """Return the whole document."""
    return asked(demo, Binding.KVP_GET, CAPABILITIES)


def texts(found: Answered, path: str) -> list[str]:
    return [str(one.text) for one in found.root.iterfind(path, NS)]


def sections(found: Answered) -> set[str]:
    """Return what the document has but for the address of the whole, which it always has."""
    return {child.tag for child in found.root} - {f"{{{WMTS}}}ServiceMetadataURL"}


def unique(found: Iterable[str]) -> None:
    names = list(found)
    assert names
    assert len(set(names)) == len(names)


@by_binding(
    "getcapabilities:request-mandatory",
    "getcapabilities:response:schema-valid",
    "getcapabilities:response:media-type",
)
def test_it_is_a_valid_document(demo: TestClient, schemas: Schemas, binding: Binding) -> None:
    found = asked(demo, binding, CAPABILITIES)
    schemas.check(found.body, SCHEMA)
    assert found.status == 200
    assert (found.root.tag, found.root.get("version")) == (f"{{{WMTS}}}Capabilities", "1.0.0")
    assert found.media == ("text/xml" if binding is Binding.SOAP else "application/xml")


@pytest.mark.requirement("wmts10:getcapabilities:response:schema-referenced")
def test_it_names_its_schema(told: Answered) -> None:
    where = told.root.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "").split()
    places = dict(zip(where[::2], where[1::2], strict=True))
    assert places[WMTS].startswith("http://schemas.opengis.net/wmts/1.0/")


@by_binding("getcapabilities:accept-versions:valid")
@pytest.mark.parametrize("versions", ["1.0.0", "9.9.9,1.0.0", "1.0.0,9.9.9"])
def test_an_offered_version_is_taken(demo: TestClient, binding: Binding, versions: str) -> None:
    found = asked(demo, binding, CAPABILITIES | {"ACCEPTVERSIONS": versions})
    assert (found.status, found.root.get("version")) == (200, "1.0.0")


@by_binding("getcapabilities:accept-versions:invalid")
def test_no_offered_version(demo: TestClient, binding: Binding) -> None:
    found = asked(demo, binding, CAPABILITIES | {"ACCEPTVERSIONS": "9.9.9"})
    found.fails("VersionNegotiationFailed")


@by_binding("getcapabilities:accept-formats")
@pytest.mark.parametrize(
    ("formats", "sent"),
    [("text/xml", "text/xml"), ("application/xml", "application/xml"), ("a/b", "application/xml")],
)
def test_formats(demo: TestClient, binding: Binding, formats: str, sent: str) -> None:
    found = asked(demo, binding, CAPABILITIES | {"ACCEPTFORMATS": formats})
    assert found.status == 200
    assert found.media == ("text/xml" if binding is Binding.SOAP else sent)


@by_binding("getcapabilities:sections:each")
@pytest.mark.parametrize("section", SECTIONS)
def test_a_section(demo: TestClient, schemas: Schemas, binding: Binding, section: str) -> None:
    found = asked(demo, binding, CAPABILITIES | {"SECTIONS": section})
    assert sections(found) == {SECTIONS[section]}
    schemas.check(found.body, SCHEMA)


@by_binding("getcapabilities:sections:all")
@pytest.mark.parametrize("asked_for", ["All", "Contents,All"])
def test_all_sections(demo: TestClient, told: Answered, binding: Binding, asked_for: str) -> None:
    found = asked(demo, binding, CAPABILITIES | {"SECTIONS": asked_for})
    assert [child.tag for child in found.root] == [child.tag for child in told.root]
    assert {*SECTIONS.values()} <= {child.tag for child in found.root}


@by_binding("getcapabilities:sections:multiple")
def test_several_sections(demo: TestClient, binding: Binding) -> None:
    found = asked(demo, binding, CAPABILITIES | {"SECTIONS": "Contents,ServiceProvider"})
    assert sections(found) == {SECTIONS["Contents"], SECTIONS["ServiceProvider"]}


@by_binding("getcapabilities:sections:invalid")
def test_an_unknown_section(demo: TestClient, binding: Binding) -> None:
    asked(demo, binding, CAPABILITIES | {"SECTIONS": "Nothing"}).fails(INVALID, "sections")


@by_binding("getcapabilities:update-sequence")
def test_update_sequence(demo: TestClient, told: Answered, binding: Binding) -> None:
    now = told.root.get("updateSequence", "")
    current = asked(demo, binding, CAPABILITIES | {"UPDATESEQUENCE": now})
    assert (current.status, len(current.root)) == (200, 0)
    assert current.root.get("updateSequence") == now
    lower = asked(demo, binding, CAPABILITIES | {"UPDATESEQUENCE": "0"})
    assert lower.root.find("w:Contents", NS) is not None
    asked(demo, binding, CAPABILITIES | {"UPDATESEQUENCE": "999999"}).fails("InvalidUpdateSequence")


@pytest.mark.requirement("wmts10:getcapabilities:online-resource")
def test_addresses_are_ready_for_parameters(told: Answered) -> None:
    found = told.root.findall("ows:OperationsMetadata/ows:Operation", NS)
    assert {one.get("name") for one in found} == {"GetCapabilities", "GetTile", "GetFeatureInfo"}
    for operation in found:
        for get in operation.iterfind("ows:DCP/ows:HTTP/ows:Get", NS):
            address = get.get(XLINK, "")
            assert address.startswith("http")
            encodings = [str(v.text) for v in get.iterfind(".//ows:Value", NS)]
            assert encodings
            assert "KVP" not in encodings or address.endswith(("?", "&"))


@pytest.mark.requirement("wmts10:getcapabilities:encoding-constraint")
def test_each_address_names_its_encoding(told: Answered) -> None:
    encodings: set[str] = set()
    for verb in told.root.iterfind("ows:OperationsMetadata/ows:Operation/ows:DCP/ows:HTTP/*", NS):
        (constraint,) = verb.findall("ows:Constraint", NS)
        assert constraint.get("name") in {"GetEncoding", "PostEncoding"}
        encodings.update(str(v.text) for v in constraint.iterfind(".//ows:Value", NS))
    assert encodings >= {"KVP", "RESTful", "SOAP"}


@pytest.mark.requirement("wmts10:getcapabilities:layer-identifiers-unique")
def test_layers(told: Answered) -> None:
    unique(texts(told, "w:Contents/w:Layer/ows:Identifier"))


@pytest.mark.requirement("wmts10:getcapabilities:style-identifiers-unique")
@pytest.mark.requirement("wmts10:getcapabilities:one-default-style")
def test_styles(told: Answered) -> None:
    for layer in told.root.iterfind("w:Contents/w:Layer", NS):
        styles = layer.findall("w:Style", NS)
        unique(str(one.findtext("ows:Identifier", namespaces=NS)) for one in styles)
        assert sum(one.get("isDefault") == "true" for one in styles) == 1


@pytest.mark.requirement("wmts10:getcapabilities:dimension-identifiers-unique")
@pytest.mark.requirement("wmts10:getcapabilities:dimension-default-listed")
def test_dimensions(told: Answered) -> None:
    layers = told.root.findall("w:Contents/w:Layer[w:Dimension]", NS)
    assert layers
    for layer in layers:
        dimensions = layer.findall("w:Dimension", NS)
        unique(str(one.findtext("ows:Identifier", namespaces=NS)) for one in dimensions)
        for one in dimensions:
            assert one.findtext("w:Default", namespaces=NS)
            assert one.findtext("w:Value", namespaces=NS)


@pytest.mark.requirement("wmts10:getcapabilities:formats-mandatory")
def test_each_layer_has_a_format_of_pictures(told: Answered) -> None:
    for layer in told.root.iterfind("w:Contents/w:Layer", NS):
        assert {"image/png", "image/jpeg"} & {str(f.text) for f in layer.iterfind("w:Format", NS)}


@pytest.mark.requirement("wmts10:getcapabilities:tile-matrix-set-identifiers-unique")
def test_sets(told: Answered) -> None:
    unique(texts(told, "w:Contents/w:TileMatrixSet/ows:Identifier"))


@pytest.mark.requirement("wmts10:getcapabilities:layer-tile-matrix-set-valid")
@pytest.mark.requirement("wmts10:getcapabilities:tile-matrix-limits-valid")
def test_layers_link_to_sets_of_the_document(told: Answered) -> None:
    matrices = {
        str(one.findtext("ows:Identifier", namespaces=NS)): {
            str(m.text) for m in one.iterfind("w:TileMatrix/ows:Identifier", NS)
        }
        for one in told.root.iterfind("w:Contents/w:TileMatrixSet", NS)
    }
    for layer in told.root.iterfind("w:Contents/w:Layer", NS):
        links = layer.findall("w:TileMatrixSetLink", NS)
        assert links
        for link in links:
            of = matrices[str(link.findtext("w:TileMatrixSet", namespaces=NS))]
            limits = link.findall("w:TileMatrixSetLimits/w:TileMatrixLimits", NS)
            assert {str(one.findtext("w:TileMatrix", namespaces=NS)) for one in limits} <= of


@pytest.mark.requirement("wmts10:getcapabilities:tile-matrix-identifiers-unique")
@pytest.mark.requirement("wmts10:getcapabilities:scale-denominators-unique")
def test_matrices(told: Answered) -> None:
    for matrices in told.root.iterfind("w:Contents/w:TileMatrixSet", NS):
        unique(str(m.text) for m in matrices.iterfind("w:TileMatrix/ows:Identifier", NS))
        scales = [
            float(str(one.text)) for one in matrices.iterfind("w:TileMatrix/w:ScaleDenominator", NS)
        ]
        assert all(coarse > fine for coarse, fine in pairwise(scales))


@pytest.mark.requirement("wmts10:getcapabilities:well-known-scale-set")
def test_a_well_known_scale_set_is_kept(told: Answered) -> None:
    (found,) = (
        one
        for one in told.root.iterfind("w:Contents/w:TileMatrixSet", NS)
        if one.findtext("w:WellKnownScaleSet", namespaces=NS) == GOOGLE
    )
    first = found.findtext("w:TileMatrix/w:ScaleDenominator", namespaces=NS)
    assert float(str(first)) == pytest.approx(559082264.0287178, rel=1e-12)
    for level, one in enumerate(found.iterfind("w:TileMatrix", NS)):
        width = int(str(one.findtext("w:MatrixWidth", namespaces=NS)))
        assert width == 2**level


@pytest.mark.requirement("wmts10:getcapabilities:legend-url:resource")
@pytest.mark.requirement("wmts10:getcapabilities:legend-url:format")
@pytest.mark.requirement("wmts10:getcapabilities:legend-url:size")
def test_legends(demo: TestClient, told: Answered) -> None:
    legends = told.root.findall("w:Contents/w:Layer/w:Style/w:LegendURL", NS)
    assert legends
    for legend in legends[:12]:
        reply = demo.get(legend.get(XLINK, ""))
        assert reply.status_code == 200
        assert reply.headers["content-type"] == legend.get("format")
        size = Image.open(io.BytesIO(reply.content)).size
        assert tuple(str(n) for n in size) == (legend.get("width"), legend.get("height"))


@pytest.mark.requirement("wmts10:getcapabilities:service-metadata-url")
def test_the_document_is_at_its_own_address(demo: TestClient, told: Answered) -> None:
    where = told.root.find("w:ServiceMetadataURL", NS)
    assert where is not None
    reply = demo.get(where.get(XLINK, ""))
    assert reply.status_code == 200
    assert etree.fromstring(reply.content).find("w:Contents/w:Layer", NS) is not None
