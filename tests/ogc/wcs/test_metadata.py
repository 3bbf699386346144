from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from owslib.coverage.wcs201 import WebCoverageService_2_0_1

from datacube.cube import Band
from datacube.encode.described import describe_band, unit_code
from ogc.kvp import Kvp
from ogc.wcs.client import render_describe_coverage
from ogc.wcs.describe_coverage import DescribeCoverage, parse
from ogc.wcs.names import FORMATS
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import REVISION, Client

CAPABILITIES = "service=WCS&request=GetCapabilities"
DESCRIBE = "service=WCS&version=2.0.1&request=DescribeCoverage&coverageid="
NAMES = {
    "wcs": "http://www.opengis.net/wcs/2.0",
    "gml": "http://www.opengis.net/gml/3.2",
    "r": "http://www.opengis.net/gml/3.3/rgrid",
    "swe": "http://www.opengis.net/swe/2.0",
    "ows": "http://www.opengis.net/ows/2.0",
}
SCHEMA = (NAMES["wcs"], "http://schemas.opengis.net/wcs/2.0/wcsAll.xsd")
GRIDS = (NAMES["r"], "http://schemas.opengis.net/gml/3.3/rgrid.xsd")


def test_capabilities_are_valid(client: Client, schemas: Schemas) -> None:
    schemas.check(client.body(CAPABILITIES), SCHEMA, GRIDS)
    schemas.check(client.body(f"{CAPABILITIES}&updatesequence={REVISION}"), SCHEMA, GRIDS)


def test_descriptions_are_valid(client: Client, schemas: Schemas) -> None:
    ids = "S2_L2A_32633,DEM_4326,DEM_4326"
    body = client.body(DESCRIBE + ids)
    schemas.check(body, SCHEMA, GRIDS)
    found = etree.fromstring(body).findall("wcs:CoverageDescription/wcs:CoverageId", NAMES)
    assert ",".join(str(one.text) for one in found) == ids


def test_exceptions_are_valid(client: Client, schemas: Schemas) -> None:
    reply = client.get(DESCRIBE + "nothing")
    assert isinstance(reply.body, bytes)
    assert reply.status == 404
    assert b'exceptionCode="NoSuchCoverage" locator="nothing"' in reply.body
    schemas.check(reply.body, (NAMES["ows"], "http://schemas.opengis.net/ows/2.0/owsAll.xsd"))


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        (DESCRIBE, "emptyCoverageIdList", 404),
        (DESCRIBE + ",", "emptyCoverageIdList", 404),
        (DESCRIBE + "a," * 200, "InvalidParameterValue", 400),
        (DESCRIBE.replace("2.0.1", "3.0.0") + "a", "VersionNegotiationFailed", 400),
        (CAPABILITIES + "&acceptversions=0.9,3.0", "VersionNegotiationFailed", 400),
        (CAPABILITIES + "&updatesequence=99", "InvalidUpdateSequence", 400),
        ("service=WCS&request=Transaction", "OperationNotSupported", 501),
        ("service=WFS&request=GetCapabilities", "InvalidParameterValue", 400),
        ("request=GetCapabilities", "MissingParameterValue", 400),
        ("service=WCS", "MissingParameterValue", 400),
        ("", "MissingParameterValue", 400),
    ],
)
def test_faults(client: Client, query: str, code: str, status: int) -> None:
    reply = client.get(query)
    assert isinstance(reply.body, bytes)
    assert reply.status == status
    assert f'exceptionCode="{code}"'.encode() in reply.body


def test_versions_are_negotiated(client: Client) -> None:
    for accepted in ("", "&acceptversions=0.9,2.0.1", "&version=2.0.0"):
        assert etree.fromstring(client.body(CAPABILITIES + accepted)).get("version") == "2.0.1"


def test_owslib_reads_contents_and_formats(client: Client) -> None:
    service = WebCoverageService_2_0_1("http://x/ows", client.body(CAPABILITIES), None)
    assert list(service.contents) == ["DEM_4326", "S2_L2A_32633"]
    coverage = service.contents["S2_L2A_32633"]
    assert coverage.supportedFormats == list(FORMATS)
    assert service.getOperationByName("GetCoverage").methods[0]["url"] == "http://127.0.0.1/ows?"
    coverage.descCov = etree.fromstring(client.body(DESCRIBE + coverage.id))
    assert coverage.timepositions == [
        datetime(2022, 12, day, 10, 4, 9, 24000).astimezone(coverage.timepositions[0].tzinfo)
        if coverage.timepositions[0].tzinfo
        else datetime(2022, 12, day, 10, 4, 9, 24000)  # noqa: DTZ001 what OWSLib returns
        for day in (1, 6, 11)
    ]
    assert coverage.grid.axislabels == ["E", "N", "ansi"]
    assert coverage.grid.lowlimits == ["99996", "549996", "0"]
    assert coverage.boundingboxes[0]["bbox"] == (399960.0, 5190240.0, 509760.0, 5300040.0)


def _vectors(grid: etree._Element) -> dict[str, list[float]]:
    return {
        str(axis.findtext("r:gridAxesSpanned", None, NAMES)): [
            float(part) for part in str(axis.findtext("r:offsetVector", None, NAMES)).split()
        ]
        for axis in grid.iterfind("r:generalGridAxis/r:GeneralGridAxis", NAMES)
    }


def test_axes_of_a_projected_coverage_are_e_n_ansi(client: Client) -> None:
    root = etree.fromstring(client.body(DESCRIBE + "S2_L2A_32633"))
    envelope = root.find(".//gml:Envelope", NAMES)
    grid = root.find(".//r:ReferenceableGridByVectors", NAMES)
    assert envelope is not None
    assert grid is not None
    assert envelope.get("axisLabels") == "E N ansi"
    assert envelope.get("srsName") == grid.get("srsName")
    assert "EPSG/0/32633&2=" in str(grid.get("srsName"))
    assert _vectors(grid) == {"E": [10, 0, 0], "N": [0, -10, 0], "ansi": [0, 0, 1]}
    # The centre of the first cell, in the north-west.
    origin = str(grid.findtext("r:origin/gml:Point/gml:pos", None, NAMES)).split()
    assert [float(part) for part in origin[:2]] == [399_965, 5_300_035]


def test_axes_of_a_geographic_coverage_are_lat_lon_ansi(client: Client) -> None:
    root = etree.fromstring(client.body(DESCRIBE + "DEM_4326"))
    envelope = root.find(".//gml:Envelope", NAMES)
    grid = root.find(".//r:ReferenceableGridByVectors", NAMES)
    assert envelope is not None
    assert grid is not None
    assert envelope.get("axisLabels") == "Lat Lon ansi"
    lower = str(envelope.findtext("gml:lowerCorner", None, NAMES)).split()
    assert [float(part) for part in lower[:2]] == [45, 9]
    # Grid axes run x first; the vectors stand in the order of the CRS.
    assert list(_vectors(grid)) == ["Lon", "Lat", "ansi"]
    assert _vectors(grid)["Lon"] == [0, 0.25, 0]
    assert grid.findtext("gml:limits/gml:GridEnvelope/gml:low", None, NAMES) == "-4 0 0"


def test_fields_state_scale_unit_and_nil(client: Client) -> None:
    root = etree.fromstring(client.body(DESCRIBE + "S2_L2A_32633"))
    field = root.find(".//swe:field[@name='B04']/swe:Quantity", NAMES)
    assert field is not None
    assert "value = stored * 0.0001 in unit 1" in str(field.findtext("swe:description", "", NAMES))
    assert field.findtext(".//swe:nilValue", None, NAMES) == "-32768"
    assert field.findtext(".//swe:interval", None, NAMES) == "-32767 32767"
    uom = field.find("swe:uom", NAMES)
    assert uom is not None
    assert uom.get("code") == "10*-4"


def _band(unit: str, scale: float, offset: float) -> Band:
    return Band(
        name="b", title="B", dtype="uint16", nodata=0, group="r", scale=scale, offset=offset,
        unit=unit,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "scale", "offset", "code"),
    [
        ("1", 0.0001, 0, "10*-4"),
        ("1", 0.0002, 0, "1"),
        ("1", 0.1, -1, "1"),
        ("m", 0.01, 0, "m"),
        ("mg m^-3", 1, 0, "mg.m-3"),
        ("m s**-1", 1, 0, "m.s-1"),
        ("kg / m2", 1, 0, "kg/m2"),
    ],
)
def test_units_of_stored_numbers(unit: str, scale: float, offset: float, code: str) -> None:
    assert unit_code(_band(unit, scale, offset)) == code


def test_a_scaled_band_says_how_to_decode() -> None:
    assert describe_band(_band("K", 0.01, 200)).endswith("value = stored * 0.01 + 200 in unit K")


@given(st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), min_size=1, max_size=5))
def test_what_the_client_renders_the_server_reads(ids: list[str]) -> None:
    request = DescribeCoverage(coverage_ids=tuple(ids))
    assert parse(Kvp.parse(render_describe_coverage(request))) == request
