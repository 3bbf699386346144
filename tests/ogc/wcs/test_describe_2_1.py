"""Descriptions in CIS 1.1, read by the PyPI client `wcs`."""

from datetime import UTC, datetime

import pytest
from lxml import etree
from wcs.parser import parse_coverage_summaries, parse_describe_coverage

from tests.ogc.conftest import Schemas
from tests.ogc.fakes import NEWEST, Client
from tests.ogc.wcs.conftest import Asker, content
from tests.ogc.wcs.parts_2_1 import WCS_2_1, check_capabilities, check_descriptions

# As the client asks.
DESCRIBE = (
    "service=WCS&version=2.1.0&outputType=GeneralGridCoverage&request=DescribeCoverage&coverageId="
)


def test_the_client_reads_axes_grid_and_fields(client: Client) -> None:
    read = parse_describe_coverage(client.body(DESCRIBE + "S2_L2A_32633"))
    assert read.name == "S2_L2A_32633"
    time, east, north = read.bbox.axes
    assert [axis.name for axis in (time, east, north)] == ["ansi", "E", "N"]
    assert time.coefficients[-1] == NEWEST
    assert (len(time.coefficients), time.crs) == (
        3,
        "http://www.opengis.net/def/crs/OGC/0/AnsiDate",
    )
    assert (east.low, east.high, east.resolution) == (399_960, 509_760, 10)
    assert (north.low, north.high, north.resolution) == (5_190_240, 5_300_040, -10)
    assert east.crs == north.crs == "http://www.opengis.net/def/crs/EPSG/0/32633"
    # CRS:1 counts from the cube's fixed origin, x -600,000 m and y 10,800,000 m.
    limits = [(axis.name, axis.low, axis.high) for axis in read.grid_bbox.axes]
    assert limits == [("i", 0, 2), ("j", 99_996, 110_975), ("k", 549_996, 560_975)]
    fields = read.range_type.fields
    assert [field.name for field in fields] == ["B04", "B08", "SCL"]
    assert fields[0].definition.endswith("/signedShort")
    assert [nil.nil_value for nil in fields[0].nil_values] == ["-32768"]
    assert fields[0].uom == "10*-4"
    assert "ansi" in read.to_short_str()


def test_latitude_comes_first_where_the_crs_says_so(client: Client) -> None:
    read = parse_describe_coverage(client.body(DESCRIBE + "DEM_4326"))
    assert [axis.name for axis in read.bbox.axes] == ["ansi", "Lat", "Lon"]
    assert read.bbox.axes[0].coefficients == [datetime(2020, 1, 1, tzinfo=UTC)]


def test_the_client_lists_coverages(client: Client) -> None:
    found = parse_coverage_summaries(client.body("service=WCS&request=GetCapabilities"))
    assert {coverage.name for coverage in found} >= {"S2_L2A_32633", "DEM_4326"}
    assert all(coverage.subtype for coverage in found)


def test_documents_are_valid(asker: Asker, schemas: Schemas) -> None:
    names = [one for name in "ABTGLPWU" for one in (name, f"{name}_1")]
    described = check_descriptions(content(asker.get(DESCRIBE + ",".join(names))), schemas)
    found = [one.findtext(f"{{{WCS_2_1}}}CoverageId") for one in described]
    assert found == names
    query = "service=WCS&acceptversions=2.1.0&request=GetCapabilities"
    for sections in ("", "&sections=Contents", "&sections=ServiceMetadata"):
        check_capabilities(content(asker.get(query + sections)), schemas)


def test_descriptions_that_are_wrong_are_seen(asker: Asker, schemas: Schemas) -> None:
    body = content(asker.get(DESCRIBE + "T"))
    for right, wrong in (
        (b"RegularAxis", b"RegulaAxis"),
        (b"axisLabel=", b"axislabel="),
        (b"<swe:uom", b"<swe:unit"),
        (b"nativeFormat>", b"native>"),
    ):
        assert right in body
        with pytest.raises((etree.DocumentInvalid, etree.XMLSyntaxError)):
            check_descriptions(body.replace(right, wrong), schemas)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("version=2.1.0&outputtype=Swath&request=DescribeCoverage&coverageid=x", "OUTPUTTYPE"),
        ("version=2.2.0&request=DescribeCoverage&coverageid=x", "VersionNegotiationFailed"),
        ("version=2.1.0&request=DescribeCoverage&coverageid=x", "NoSuchCoverage"),
    ],
)
def test_faults(client: Client, query: str, code: str) -> None:
    reply = client.get(f"service=WCS&{query}")
    assert isinstance(reply.body, bytes)
    assert reply.status in {400, 404}
    assert code.encode() in reply.body
