"""What the tile service says it offers."""

from itertools import pairwise

import pytest
from lxml import etree
from pyproj import CRS
from starlette.testclient import TestClient

from tests.acceptance.clients import rgba
from tests.ogc.conftest import Schemas

WMTS = ("http://www.opengis.net/wmts/1.0", "http://schemas.opengis.net/wmts/1.0/wmts.xsd")
NS = {
    "w": WMTS[0],
    "ows": "http://www.opengis.net/ows/1.1",
    "xlink": "http://www.w3.org/1999/xlink",
}
KVP = "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
GOOGLE_FIRST = 559082264.0287178
"""Annex E.4: the scale of the whole world in one tile of 256 px."""


@pytest.fixture(scope="module")
def body(tiles: TestClient) -> bytes:
    response = tiles.get("/wmts/1.0.0/WMTSCapabilities.xml")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/xml")
    return response.content


@pytest.fixture(scope="module")
def root(body: bytes) -> etree._Element:
    return etree.fromstring(body)


def texts(root: etree._Element, path: str) -> list[str]:
    return [str(element.text) for element in root.iterfind(path, NS)]


def test_the_document_is_valid(body: bytes, schemas: Schemas) -> None:
    schemas.check(body, WMTS)


def test_no_prefix_stands_before_names_of_wmts(body: bytes) -> None:
    assert b"<Capabilities xmlns=" in body
    assert b"ns0:" not in body


def test_kvp_ows_and_rest_give_one_document(tiles: TestClient, body: bytes) -> None:
    for address in (KVP, KVP.replace("/wmts", "/ows"), f"{KVP}&VERSION=1.0.0"):
        assert tiles.get(address).content == body


def test_identifiers_are_unique(root: etree._Element) -> None:
    contents = root.find("w:Contents", NS)
    assert contents is not None
    for path in ("w:Layer/ows:Identifier", "w:TileMatrixSet/ows:Identifier"):
        names = texts(contents, path)
        assert names
        assert len(set(names)) == len(names)
    for tiles in contents.iterfind("w:TileMatrixSet", NS):
        for path in ("w:TileMatrix/ows:Identifier", "w:TileMatrix/w:ScaleDenominator"):
            names = texts(tiles, path)
            assert len(set(names)) == len(names)
    for layer in contents.iterfind("w:Layer", NS):
        styles = texts(layer, "w:Style/ows:Identifier")
        assert len(set(styles)) == len(styles)
        defaults = [style.get("isDefault") for style in layer.iterfind("w:Style", NS)]
        assert defaults.count("true") == 1


def test_layers_link_only_sets_that_are_defined(root: etree._Element) -> None:
    defined = set(texts(root, "w:Contents/w:TileMatrixSet/ows:Identifier"))
    linked = set(texts(root, "w:Contents/w:Layer/w:TileMatrixSetLink/w:TileMatrixSet"))
    assert linked == defined == {"WebMercatorQuad", "WorldCRS84Quad", "EPSG32618_10m"}


def test_well_known_scale_sets_are_what_the_annex_lists(root: etree._Element) -> None:
    for name, urn, first in (
        ("WebMercatorQuad", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible", GOOGLE_FIRST),
        ("WorldCRS84Quad", "urn:ogc:def:wkss:OGC:1.0:GoogleCRS84Quad", GOOGLE_FIRST / 2),
    ):
        tiles = root.find(f"w:Contents/w:TileMatrixSet[ows:Identifier='{name}']", NS)
        assert tiles is not None
        assert texts(tiles, "w:WellKnownScaleSet") == [urn]
        scales = [float(text) for text in texts(tiles, "w:TileMatrix/w:ScaleDenominator")]
        assert scales[0] == pytest.approx(first, rel=1e-12)
        assert all(b == pytest.approx(a / 2, rel=1e-12) for a, b in pairwise(scales))


@pytest.mark.parametrize(
    ("name", "crs", "corner"),
    [
        (
            "WebMercatorQuad",
            "urn:ogc:def:crs:EPSG::3857",
            (-20037508.342789244, 20037508.342789244),
        ),
        ("WorldCRS84Quad", "urn:ogc:def:crs:OGC:1.3:CRS84", (-180, 90)),
        ("EPSG32618_10m", "urn:ogc:def:crs:EPSG::32618", (-600_000, 10_800_000)),
    ],
)
def test_sets_start_where_their_crs_has_it(
    root: etree._Element, name: str, crs: str, corner: tuple[float, float]
) -> None:
    tiles = root.find(f"w:Contents/w:TileMatrixSet[ows:Identifier='{name}']", NS)
    assert tiles is not None
    assert texts(tiles, "ows:SupportedCRS") == [crs]
    assert CRS.from_user_input(crs).name
    corners = set(texts(tiles, "w:TileMatrix/w:TopLeftCorner"))
    assert [tuple(map(float, text.split())) for text in corners] == [corner]


def test_limits_lie_within_their_matrices(root: etree._Element) -> None:
    sizes = {}
    for tiles in root.iterfind("w:Contents/w:TileMatrixSet", NS):
        for matrix in tiles.iterfind("w:TileMatrix", NS):
            key = (
                tiles.findtext("ows:Identifier", None, NS),
                matrix.findtext("ows:Identifier", None, NS),
            )
            sizes[key] = (
                int(texts(matrix, "w:MatrixHeight")[0]),
                int(texts(matrix, "w:MatrixWidth")[0]),
            )
    seen = 0
    for link in root.iterfind("w:Contents/w:Layer/w:TileMatrixSetLink", NS):
        name = link.findtext("w:TileMatrixSet", None, NS)
        for limit in link.iterfind("w:TileMatrixSetLimits/w:TileMatrixLimits", NS):
            rows, columns = sizes[name, limit.findtext("w:TileMatrix", None, NS)]
            first, last, left, right = (
                int(str(limit.findtext(f"w:{key}", None, NS)))
                for key in ("MinTileRow", "MaxTileRow", "MinTileCol", "MaxTileCol")
            )
            assert 0 <= first <= last < rows
            assert 0 <= left <= right < columns
            seen += 1
    assert seen > 80


def test_times_are_days_with_a_default(root: etree._Element) -> None:
    layer = root.find("w:Contents/w:Layer[ows:Identifier='S2_L2A']", NS)
    assert layer is not None
    assert texts(layer, "w:Dimension/ows:Identifier") == ["time"]
    assert texts(layer, "w:Dimension/ows:UOM") == ["ISO8601"]
    assert texts(layer, "w:Dimension/w:Default") == ["current"]
    assert texts(layer, "w:Dimension/w:Current") == ["true"]
    days = texts(layer, "w:Dimension/w:Value")
    assert (len(days), days[0], days[-1]) == (140, "2015-08-01", "2021-01-01")


def test_operations_name_every_binding(root: etree._Element) -> None:
    for name in ("GetCapabilities", "GetTile", "GetFeatureInfo"):
        operation = root.find(f"ows:OperationsMetadata/ows:Operation[@name='{name}']", NS)
        assert operation is not None
        assert texts(operation, ".//ows:Get//ows:Value") == ["KVP", "RESTful"]
        assert texts(operation, ".//ows:Post//ows:Value") == ["KVP", "XML", "SOAP"]
        for binding in operation.iterfind(".//ows:Get", NS):
            href = binding.get(f"{{{NS['xlink']}}}href", "")
            assert href.startswith("http://testserver/wmts")
            kvp = binding.findtext(".//ows:Value", None, NS) == "KVP"
            assert href.endswith("?") == kvp


def test_every_template_has_an_answer(tiles: TestClient, root: etree._Element) -> None:
    values = {
        "{Style}": "true-colour",
        "{time}": "current",
        "{TileMatrixSet}": "WebMercatorQuad",
        "{TileMatrix}": "13",
        "{TileRow}": "3168",
        "{TileCol}": "2375",
        "{I}": "128",
        "{J}": "128",
    }
    layer = root.find("w:Contents/w:Layer[ows:Identifier='S2_L1C']", NS)
    assert layer is not None
    resources = list(layer.iterfind("w:ResourceURL", NS))
    kinds = [resource.get("resourceType") for resource in resources]
    assert (kinds.count("tile"), kinds.count("FeatureInfo")) == (3, 4)
    for resource in resources:
        address = resource.get("template", "")
        for name, value in values.items():
            address = address.replace(name, value)
        assert "{" not in address
        response = tiles.get(address)
        assert response.status_code == 200, address
        assert response.headers["content-type"].startswith(resource.get("format", "-"))


def test_every_layer_has_a_record(tiles: TestClient, root: etree._Element) -> None:
    for link in root.iterfind("w:Contents/w:Layer/ows:Metadata", NS):
        response = tiles.get(link.get(f"{{{NS['xlink']}}}href", ""))
        assert response.status_code == 200
        assert b"MD_Metadata" in response.content


def test_legends_are_as_large_as_they_say(tiles: TestClient, root: etree._Element) -> None:
    links = list(root.iterfind("w:Contents/w:Layer/w:Style/w:LegendURL", NS))
    assert len(links) > 20
    for link in links[:4] + links[-2:]:
        response = tiles.get(link.get(f"{{{NS['xlink']}}}href", ""))
        assert response.headers["content-type"] == link.get("format") == "image/png"
        rows, columns = rgba(response.content).shape[:2]
        assert (str(columns), str(rows)) == (link.get("width"), link.get("height"))


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        ("ServiceIdentification", ["ServiceIdentification"]),
        ("serviceprovider,Contents", ["ServiceProvider", "Contents"]),
        ("OperationsMetadata", ["OperationsMetadata"]),
        ("Themes", ["Themes"]),
        (
            "All",
            [
                "ServiceIdentification",
                "ServiceProvider",
                "OperationsMetadata",
                "Contents",
                "Themes",
            ],
        ),
    ],
)
def test_sections_choose_parts(
    tiles: TestClient, schemas: Schemas, sections: str, wanted: list[str]
) -> None:
    body = tiles.get(f"{KVP}&Sections={sections}").content
    schemas.check(body, WMTS)
    parts = [etree.QName(child).localname for child in etree.fromstring(body)]
    assert [part for part in parts if part != "ServiceMetadataURL"] == wanted


def test_a_current_client_gets_the_head_alone(tiles: TestClient, root: etree._Element) -> None:
    revision = root.get("updateSequence")
    body = etree.fromstring(tiles.get(f"{KVP}&updateSequence={revision}").content)
    assert body.get("updateSequence") == revision
    assert len(body) == 0
    older = etree.fromstring(tiles.get(f"{KVP}&updateSequence=1").content)
    assert older.find("w:Contents", NS) is not None


@pytest.mark.parametrize("accepted", ["1.0.0", "2.0.0,1.0.0", "0.9,1.0.0,3"])
def test_versions_are_negotiated(tiles: TestClient, accepted: str) -> None:
    root = etree.fromstring(tiles.get(f"{KVP}&AcceptVersions={accepted}").content)
    assert root.get("version") == "1.0.0"


@pytest.mark.parametrize(
    ("formats", "sent"),
    [
        ("text/xml", "text/xml"),
        ("application/xml", "application/xml"),
        ("application/pdf", "application/xml"),
        ("application/pdf,text/xml", "text/xml"),
    ],
)
def test_the_format_is_an_accepted_spelling_of_xml(
    tiles: TestClient, formats: str, sent: str
) -> None:
    response = tiles.get(f"{KVP}&AcceptFormats={formats}")
    assert response.headers["content-type"].startswith(sent)
