"""WCS 2.0.1: core by every binding, and its extensions."""

import io
from email.parser import BytesParser

import numpy as np
import pytest
import rasterio
from httpx2 import Response
from lxml import etree
from starlette.testclient import TestClient

from tests.conformance.asked import Case, ask, check, code_of, requirements
from tests.ogc.conftest import Schemas

COVERAGE = "S2_L1C_32618_20m"
BASE = {"SERVICE": "WCS", "VERSION": "2.0.1"}
DESCRIBE = BASE | {"REQUEST": "DescribeCoverage", "COVERAGEID": COVERAGE}
GET = BASE | {
    "REQUEST": "GetCoverage",
    "COVERAGEID": COVERAGE,
    "SUBSET": "E(443000,444000)",
    "SUBSET1": "N(4168000,4169000)",
    "RANGESUBSET": "B05",
}
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
METHOD = "http://www.opengis.net/def/interpolation/OGC/1/"
TIFF, GML = "image/tiff", "application/gml+xml"
SCHEMAS = (
    ("http://www.opengis.net/wcs/2.0", "http://schemas.opengis.net/wcs/2.0/wcsAll.xsd"),
    ("http://www.opengis.net/gml/3.3/rgrid", "http://schemas.opengis.net/gml/3.3/rgrid.xsd"),
)
WCS = 'xmlns="http://www.opengis.net/wcs/2.0" service="WCS" version="2.0.1"'


@requirements(
    wcs20__core__req10_service_missing=Case(
        changes={"SERVICE": None}, code="MissingParameterValue"
    ),
    wcs20__core__req12_version_invalid=Case(
        changes={"VERSION": "9.9.9"}, code="VersionNegotiationFailed"
    ),
    wcs20__core__req21_no_such_coverage=Case(
        changes={"COVERAGEID": "x"}, code="NoSuchCoverage", status=404
    ),
    wcs20__core__req18_empty_coverage_id_list=Case(
        changes={"COVERAGEID": ""}, code="emptyCoverageIdList", status=404
    ),
    wcs20__core__req17_describe_coverage=Case(media="text/xml"),
)
def test_describe(demo: TestClient, case: Case) -> None:
    check(ask(demo, DESCRIBE, case.changes), case)


@requirements(
    wcs20__core__req25_get_coverage=Case(media=TIFF),
    wcs20__core__req27_format_supported=Case(changes={"FORMAT": GML}, media=GML),
    wcs20__core__req28_format_unknown=Case(changes={"FORMAT": "x/y"}, code="InvalidParameterValue"),
    wcs20__core__req29_media_type_only_multipart=Case(
        changes={"MEDIATYPE": "text/plain"}, code="InvalidParameterValue"
    ),
    wcs20__core__req30_multipart=Case(
        changes={"MEDIATYPE": "multipart/related"}, media="multipart/related"
    ),
    wcs20__core__req34_unknown_axis=Case(
        changes={"SUBSET": "Q(1,2)"}, code="InvalidAxisLabel", status=404
    ),
    wcs20__core__req35_axis_twice=Case(
        changes={"SUBSET1": "E(443000,443500)"}, code="InvalidAxisLabel", status=404
    ),
    wcs20__core__req37_trim_out_of_range=Case(
        changes={"SUBSET": "E(1,2)"}, code="InvalidSubsetting", status=404
    ),
    wcs20__core__req38_trim_reversed=Case(
        changes={"SUBSET": "E(444000,443000)"}, code="InvalidSubsetting", status=404
    ),
    wcs20__core__req41_slice_out_of_range=Case(
        changes={"SUBSET": "E(1)"}, code="InvalidSubsetting", status=404
    ),
    wcs20__core__get_no_such_coverage=Case(
        changes={"COVERAGEID": "x"}, code="NoSuchCoverage", status=404
    ),
    wcs20__scaling__scalefactor=Case(changes={"SCALEFACTOR": "0.5"}, media=TIFF),
    wcs20__scaling__scalefactor_zero=Case(
        changes={"SCALEFACTOR": "0"}, code="InvalidScaleFactor", status=404
    ),
    wcs20__scaling__scaleaxes_undefined=Case(
        changes={"SCALEAXES": "Q(2)"}, code="ScaleAxisUndefined", status=404
    ),
    wcs20__scaling__scaleextent_invalid=Case(
        changes={"SCALEEXTENT": "E(10:5),N(0:5)"}, code="InvalidExtent", status=404
    ),
    wcs20__scaling__exclusive=Case(
        changes={"SCALEFACTOR": "0.5", "SCALESIZE": "E(10),N(10)"},
        code="InvalidScaleFactor",
        status=404,
    ),
    wcs20__range_subsetting__no_such_field=Case(
        changes={"RANGESUBSET": "x"}, code="NoSuchField", status=404
    ),
    wcs20__range_subsetting__illegal_sequence=Case(
        changes={"RANGESUBSET": "B07:B05"}, code="IllegalFieldSequence"
    ),
    wcs20__interpolation__nearest_neighbor=Case(
        changes={"INTERPOLATION": f"{METHOD}nearest-neighbor"}, media=TIFF
    ),
    wcs20__interpolation__linear=Case(changes={"INTERPOLATION": f"{METHOD}linear"}, media=TIFF),
    wcs20__interpolation__cubic=Case(changes={"INTERPOLATION": f"{METHOD}cubic"}, media=TIFF),
    wcs20__interpolation__unknown=Case(
        changes={"INTERPOLATION": f"{METHOD}x"},
        code="InterpolationMethodNotSupported",
        status=404,
    ),
    wcs20__crs__subsettingcrs_not_supported=Case(
        changes={"SUBSETTINGCRS": f"{EPSG}1"}, code="SubsettingCrs-NotSupported", status=404
    ),
    wcs20__crs__outputcrs_not_supported=Case(
        changes={"OUTPUTCRS": f"{EPSG}1"}, code="OutputCrs-NotSupported", status=404
    ),
)
def test_get_coverage(demo: TestClient, case: Case) -> None:
    check(ask(demo, GET, case.changes), case)


def size(reply: Response) -> tuple[int, ...]:
    assert reply.status_code == 200, reply.text
    with rasterio.open(io.BytesIO(reply.content)) as file:
        return file.count, file.height, file.width


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(asked, shape, id=name, marks=pytest.mark.requirement(f"wcs20:{name}"))
        for name, asked, shape in (
            ("core:req36-trim", {}, (1, 50, 50)),
            ("scaling:factor-halves", {"SCALEFACTOR": "0.5"}, (1, 25, 25)),
            ("scaling:scaleaxes", {"SCALEAXES": "E(0.5),N(0.2)"}, (1, 10, 25)),
            ("scaling:scalesize", {"SCALESIZE": "E(30),N(20)"}, (1, 20, 30)),
            ("range-subsetting:list", {"RANGESUBSET": "B12,B05"}, (2, 50, 50)),
            ("range-subsetting:interval", {"RANGESUBSET": "B05:B8A"}, (4, 50, 50)),
            ("range-subsetting:all", {"RANGESUBSET": None}, (6, 50, 50)),
        )
    ],
)
def test_the_size(
    demo: TestClient, asked: dict[str, str | None], expected: tuple[int, ...]
) -> None:
    assert size(ask(demo, GET, asked)) == expected


@pytest.mark.requirement("wcs20:range-subsetting:order")
def test_bands_come_in_the_order_asked(demo: TestClient) -> None:
    both, alone = (
        rasterio.open(io.BytesIO(ask(demo, GET, {"RANGESUBSET": names}).content)).read()
        for names in ("B12,B05", "B05")
    )
    assert (both[1] == alone[0]).all()
    assert (both[0] != alone[0]).any()


@pytest.mark.requirement("wcs20:core:subset-order-is-free")
def test_subsets_may_come_in_any_order(demo: TestClient) -> None:
    turned = {"SUBSET": GET["SUBSET1"], "SUBSET1": GET["SUBSET"]}
    first, second = (
        rasterio.open(io.BytesIO(ask(demo, GET, asked).content)).read() for asked in ({}, turned)
    )
    assert (first == second).all()
    assert np.ptp(first) > 0


@pytest.mark.requirement("wcs20:core:req26-native-format")
def test_the_native_format_is_the_default(demo: TestClient) -> None:
    reply = ask(demo, DESCRIBE, {})
    native = etree.fromstring(reply.content).findtext(".//{*}nativeFormat")
    assert native == ask(demo, GET, {}).headers["content-type"].split(";")[0]


@pytest.mark.requirement("wcs20:crs:outputcrs")
def test_the_output_is_in_its_crs(demo: TestClient) -> None:
    reply = ask(demo, GET, {"OUTPUTCRS": f"{EPSG}3857"})
    with rasterio.open(io.BytesIO(reply.content)) as file:
        assert file.crs.to_epsg() == 3857
    reply = ask(demo, GET, {"OUTPUTCRS": f"{EPSG}3857", "FORMAT": GML})
    envelope = etree.fromstring(reply.content).find(".//{*}Envelope")
    assert envelope is not None, reply.text[:500]
    assert f"{EPSG}3857" in (envelope.get("srsName") or "")


@pytest.mark.requirement("wcs20:core:req13-capabilities-valid")
@pytest.mark.requirement("wcs20:core:req16-summaries-are-offered")
@pytest.mark.requirement("wcs20:core:req17-n-ids-n-descriptions")
@pytest.mark.requirement("wcs20:core:req43-binding-profile")
@pytest.mark.requirement("wcs20:crs:crs-supported-unique")
def test_capabilities_and_descriptions(demo: TestClient, schemas: Schemas) -> None:
    reply = ask(demo, BASE, {"REQUEST": "GetCapabilities"})
    schemas.check(reply.content, *SCHEMAS)
    root = etree.fromstring(reply.content)
    names = [one.text or "" for one in root.findall(".//{*}CoverageSummary/{*}CoverageId")]
    assert COVERAGE in names
    described = ask(demo, DESCRIBE, {"COVERAGEID": ",".join(names)})
    schemas.check(described.content, *SCHEMAS)
    found = etree.fromstring(described.content).findall("{*}CoverageDescription/{*}CoverageId")
    assert [one.text for one in found] == names
    profiles = [one.text or "" for one in root.findall(".//{*}Profile")]
    for binding in ("get-kvp", "post-xml", "soap"):
        assert any(each.endswith(f"/conf/{binding}") for each in profiles)
    crs = [one.text for one in root.findall(".//{*}crsSupported")]
    assert crs
    assert len(set(crs)) == len(crs)


@pytest.mark.requirement("wcs20:core:req30-gml-in-multipart")
def test_the_first_part_is_gml(demo: TestClient) -> None:
    reply = ask(demo, GET, {"MEDIATYPE": "multipart/related", "FORMAT": TIFF})
    head = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + reply.content)
    parts = message.get_payload()
    assert isinstance(parts, list)
    assert [part.get_content_type() for part in parts] == [GML, TIFF]  # type: ignore[union-attr]  # parts of a multipart are messages


BODIES = {
    "getcapabilities": (f"<GetCapabilities {WCS.replace('version="2.0.1"', '')}/>", "Capabilities"),
    "describecoverage": (
        f"<DescribeCoverage {WCS}><CoverageId>{COVERAGE}</CoverageId></DescribeCoverage>",
        "CoverageDescriptions",
    ),
    "getcoverage": (
        (
            f"<GetCoverage {WCS}><CoverageId>{COVERAGE}</CoverageId><DimensionTrim>"
            "<Dimension>E</Dimension><TrimLow>443000</TrimLow><TrimHigh>443200</TrimHigh>"
            "</DimensionTrim><DimensionTrim><Dimension>N</Dimension><TrimLow>4168000</TrimLow>"
            f"<TrimHigh>4168200</TrimHigh></DimensionTrim><format>{GML}</format></GetCoverage>"
        ),
        "Coverage",
    ),
    "no-such-coverage": (
        f"<DescribeCoverage {WCS}><CoverageId>x</CoverageId></DescribeCoverage>",
        "NoSuchCoverage",
    ),
}


@pytest.mark.parametrize(
    ("name", "soap"),
    [
        pytest.param(
            name,
            binding == "soap",
            id=f"{binding}-{name}",
            marks=pytest.mark.requirement(f"wcs20:{binding}:{name}"),
        )
        for binding in ("post-xml", "soap")
        for name in BODIES
    ],
)
def test_bodies(demo: TestClient, name: str, soap: bool) -> None:  # noqa: FBT001 a parametrised case
    body, answer = BODIES[name]
    media = "text/xml"
    if soap:
        media = "application/soap+xml"
        space = "http://www.w3.org/2003/05/soap-envelope"
        body = f'<s:Envelope xmlns:s="{space}"><s:Body>{body}</s:Body></s:Envelope>'
    reply = demo.post("/ows", content=body, headers={"Content-Type": media})
    root = etree.fromstring(reply.content)
    assert soap == (etree.QName(root).localname == "Envelope")
    if name == "no-such-coverage":
        assert code_of(reply) == answer
        return
    assert reply.status_code == 200, reply.text
    assert any(etree.QName(one).localname.endswith(answer) for one in root.iter(etree.Element))


@pytest.mark.requirement("wcs20:processing:process-coverages")
def test_a_query_is_processed(demo: TestClient) -> None:
    query = f"for $c in ({COVERAGE}) return count($c.B05 >= 0)"
    reply = ask(demo, BASE, {"REQUEST": "ProcessCoverages", "QUERY": query})
    assert reply.status_code == 200, reply.text
    # The grid of 408 by 408 cells, at one time.
    assert float(reply.text) == 408 * 408


@pytest.mark.requirement("wcs20:processing:invalid-query")
def test_a_wrong_query_is_refused(demo: TestClient) -> None:
    reply = ask(demo, BASE, {"REQUEST": "ProcessCoverages", "QUERY": "for return"})
    assert 400 <= reply.status_code < 500
    assert code_of(reply)
