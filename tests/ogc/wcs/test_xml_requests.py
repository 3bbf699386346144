"""Requests in XML mean what the same requests mean as parameters."""

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from datacube.errors import CubeError
from datacube.plan.query import Method, ScaleFactor, ScaleSize, Slice, Trim
from ogc.kvp import Kvp
from ogc.posted import read_posted
from ogc.service import dispatch
from ogc.wcs import describe_coverage, get_capabilities, get_coverage
from ogc.wcs.get_coverage import GetCoverage
from ogc.wcs.names import method_url
from ogc.wcs.subsets import render_subset
from tests.ogc.conftest import Schemas
from tests.ogc.fakes import SITE, Client
from tests.ogc.wcs.conftest import Asker, content
from tests.ogc.wcs.test_get_coverage import AXES, CRSS, SCALINGS, subsets
from tests.ogc.wcs.test_metadata import SCHEMA

WCS = "http://www.opengis.net/wcs/2.0"
CRS = "http://www.opengis.net/wcs/crs/1.0"
SCAL = "http://www.opengis.net/WCS_service-extension_scaling/1.0"
INT = "http://www.opengis.net/WCS_service-extension_interpolation/1.0"
RSUB = "http://www.opengis.net/wcs/range-subsetting/1.0"
OWS = "http://www.opengis.net/ows/2.0"
PROC = "http://www.opengis.net/wcs_service-extension_processing/2.0"
HEAD = f'xmlns="{WCS}" service="WCS" version="2.0.1"'
EXTENSIONS = (
    SCHEMA,
    (CRS, "http://schemas.opengis.net/wcs/crs/1.0/wcsCrs.xsd"),
    (SCAL, "http://schemas.opengis.net/wcs/scaling/1.0/wcsScal.xsd"),
    (INT, "http://schemas.opengis.net/wcs/interpolation/1.0/wcsInt.xsd"),
    (RSUB, "http://schemas.opengis.net/wcs/range-subsetting/1.0/wcsRsub.xsd"),
)
PARSERS = {
    "getcapabilities": get_capabilities.parse,
    "describecoverage": describe_coverage.parse,
    "getcoverage": get_coverage.parse,
}


def coverage(inside: str) -> str:
    return f"<GetCoverage {HEAD}>{inside}</GetCoverage>"


def extended(inside: str) -> str:
    return coverage(f"<Extension>{inside}</Extension><CoverageId>A</CoverageId>")


CASES = [
    (f'<GetCapabilities xmlns="{WCS}" service="WCS"/>', "request=GetCapabilities"),
    (
        (
            f'<GetCapabilities xmlns="{WCS}" xmlns:o="{OWS}" service="WCS" updateSequence="3">'
            "<o:AcceptVersions><o:Version>2.1.0</o:Version><o:Version>2.0.1</o:Version>"
            "</o:AcceptVersions><o:Sections><o:Section>Contents</o:Section></o:Sections>"
            "<o:AcceptFormats><o:OutputFormat>application/xml</o:OutputFormat></o:AcceptFormats>"
            "</GetCapabilities>"
        ),
        (
            "request=GetCapabilities&acceptversions=2.1.0,2.0.1&sections=Contents"
            "&acceptformats=application/xml&updatesequence=3"
        ),
    ),
    (
        (
            f"<DescribeCoverage {HEAD}><CoverageId>A</CoverageId><CoverageId>B</CoverageId>"
            "</DescribeCoverage>"
        ),
        "request=DescribeCoverage&coverageid=A,B",
    ),
    (
        # As the OGC's suite spells it.
        extended(
            f'<r:rangeSubset xmlns:r="{RSUB}"><r:rangeItem><r:rangeComponent>b4</r:rangeComponent>'
            "</r:rangeItem><r:rangeItem><r:rangeInterval><r:startComponent>b5</r:startComponent>"
            "<r:endComponent>b8</r:endComponent></r:rangeInterval></r:rangeItem></r:rangeSubset>"
            '<i:Interpolation xmlns:i="http://www.opengis.net/wcs/interpolation/1.0">'
            '<i:InterpolationMethod interpolationMethod="linear"/></i:Interpolation>'
        ),
        "request=GetCoverage&coverageid=A&rangesubset=b4,b5:b8&interpolation=linear",
    ),
    (
        coverage(
            "<CoverageId>A</CoverageId>"
            "<DimensionTrim><Dimension>Lat</Dimension><TrimLow>1.5</TrimLow></DimensionTrim>"
            "<DimensionTrim><Dimension>h</Dimension><TrimLow>1</TrimLow><TrimHigh>2</TrimHigh>"
            '</DimensionTrim><DimensionSlice><Dimension>ansi</Dimension><SlicePoint>"2020-01"'
            "</SlicePoint></DimensionSlice><format>application/netcdf</format>"
            "<mediaType>multipart/related</mediaType>"
        ),
        (
            "request=GetCoverage&coverageid=A&subset=Lat(1.5,*)&subset=h(1,2)"
            "&subset=ansi(%222020-01%22)&format=application/netcdf&mediatype=multipart/related"
        ),
    ),
    (
        extended(
            f'<c:subsettingCrs xmlns:c="{CRS}">EPSG:3857</c:subsettingCrs>'
            f'<c:outputCrs xmlns:c="{CRS}">EPSG:4326</c:outputCrs>'
        ),
        "request=GetCoverage&coverageid=A&subsettingcrs=EPSG:3857&outputcrs=EPSG:4326",
    ),
    (
        extended(
            f'<s:Scaling xmlns:s="{SCAL}"><s:ScaleByFactor><s:scaleFactor>0.5</s:scaleFactor>'
            "</s:ScaleByFactor></s:Scaling>"
        ),
        "request=GetCoverage&coverageid=A&scalefactor=0.5",
    ),
    (
        extended(
            f'<s:Scaling xmlns:s="{SCAL}"><s:ScaleAxesByFactor><s:ScaleAxis><s:axis>Lat</s:axis>'
            "<s:scaleFactor>2</s:scaleFactor></s:ScaleAxis><s:ScaleAxis><s:axis>"
            "http://www.opengis.net/def/axis/OGC/1/Lon</s:axis><s:scaleFactor>3</s:scaleFactor>"
            "</s:ScaleAxis></s:ScaleAxesByFactor></s:Scaling>"
        ),
        "request=GetCoverage&coverageid=A&scaleaxes=Lat(2),Lon(3)",
    ),
    (
        extended(
            f'<s:Scaling xmlns:s="{SCAL}"><s:ScaleToSize><s:TargetAxisSize><s:axis>i</s:axis>'
            "<s:targetSize>10</s:targetSize></s:TargetAxisSize></s:ScaleToSize></s:Scaling>"
        ),
        "request=GetCoverage&coverageid=A&scalesize=i(10)",
    ),
    (
        extended(
            f'<s:Scaling xmlns:s="{SCAL}"><s:ScaleToExtent><s:TargetAxisExtent><s:axis>i</s:axis>'
            "<s:low>-2</s:low><s:high>10</s:high></s:TargetAxisExtent></s:ScaleToExtent>"
            "</s:Scaling>"
        ),
        "request=GetCoverage&coverageid=A&scaleextent=i(-2:10)",
    ),
    (
        extended(
            f'<n:Interpolation xmlns:n="{INT}"><n:globalInterpolation>'
            "http://www.opengis.net/def/interpolation/OGC/1/linear</n:globalInterpolation>"
            "<n:InterpolationPerAxis><n:axis>ansi</n:axis><n:interpolationMethod>"
            "nearest-neighbor</n:interpolationMethod></n:InterpolationPerAxis></n:Interpolation>"
        ),
        (
            "request=GetCoverage&coverageid=A&interpolation=linear"
            "&interpolationperaxis=ansi,nearest-neighbor"
        ),
    ),
    (
        extended(
            f'<n:Interpolation xmlns:n="{INT}"><n:globalInterpolation>linear'
            "</n:globalInterpolation><n:InterpolationPerAxis><n:axis>Lat</n:axis>"
            "<n:interpolationMethod>linear</n:interpolationMethod></n:InterpolationPerAxis>"
            "</n:Interpolation>"
        ),
        "request=GetCoverage&coverageid=A&interpolation=linear&interpolationperaxis=Lat,linear",
    ),
    (
        extended(
            f'<r:RangeSubset xmlns:r="{RSUB}"><r:RangeItem><r:RangeComponent>B02'
            "</r:RangeComponent></r:RangeItem><r:RangeItem><r:RangeInterval><r:startComponent>B04"
            "</r:startComponent><r:endComponent>B08</r:endComponent></r:RangeInterval>"
            "</r:RangeItem></r:RangeSubset>"
        ),
        "request=GetCoverage&coverageid=A&rangesubset=B02,B04:B08",
    ),
]


@pytest.mark.parametrize(("document", "query"), CASES)
def test_xml_says_what_parameters_say(document: str, query: str) -> None:
    posted = read_posted("application/xml; charset=utf-8", document.encode()).read()
    parse = PARSERS[posted.one("request").casefold()]
    assert parse(posted) == parse(Kvp.parse(f"service=WCS&{query}"))


@pytest.mark.parametrize("document", [document for document, _ in CASES])
def test_the_requests_above_are_those_of_the_schemas(schemas: Schemas, document: str) -> None:
    schemas.check(document.encode(), *EXTENSIONS)


def test_methods_by_axis_as_the_suite_sends_them() -> None:
    space = 'xmlns:n="http://www.opengis.net/wcs/interpolation/1.0"'
    axes = "".join(f'<n:InterpolationAxis axis="{a}" interpolationMethod="cubic"/>' for a in "EN")
    for inside, method in ((axes, Method.CUBIC), ("", None), ("<n:InterpolationAxis/>", None)):
        document = extended(
            f"<n:Interpolation {space}><n:InterpolationAxes>{inside}</n:InterpolationAxes>"
            "</n:Interpolation>"
        )
        posted = read_posted("text/xml", document.encode()).read()
        if method is None:
            with pytest.raises(CubeError, match="axis,method"):
                get_coverage.parse(posted)
        else:
            assert get_coverage.parse(posted).methods == (("E", method), ("N", method))


def test_answers_do_not_tell_how_they_were_asked_for(asker: Asker) -> None:
    for document, query in CASES[:3]:
        assert content(asker.post(document)) == content(asker.get(f"service=WCS&{query}"))
    document = coverage(
        "<CoverageId>A</CoverageId><DimensionTrim><Dimension>Lat</Dimension><TrimLow>3</TrimLow>"
        "<TrimHigh>9</TrimHigh></DimensionTrim>"
    )
    assert content(asker.post(document)) == content(asker.coverage("A&subset=Lat(3,9)"))


def test_a_query_in_the_processing_extension(asker: Asker) -> None:
    document = (
        f'<p:ProcessCoverages xmlns:p="{PROC}" service="WCS" version="2.0.1"><p:query>'
        "for $c in (A) return count($c &lt; 5)</p:query></p:ProcessCoverages>"
    )
    wanted = int((asker.made.arrays["A"]["v"] < 5).sum())
    assert content(asker.post(document)) == str(wanted).encode()


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        (f'<GetCapabilities xmlns="{WCS}"/>', 400, "MissingParameterValue"),
        (f'<GetCapabilities xmlns="{WCS}" service="WFS"/>', 400, "InvalidParameterValue"),
        (f'<Transaction xmlns="{WCS}" service="WCS"/>', 501, "OperationNotSupported"),
        (f"<DescribeCoverage {HEAD}/>", 404, "emptyCoverageIdList"),
        (coverage("<CoverageId/>"), 400, "MissingParameterValue"),
        (coverage("<CoverageId>A</CoverageId><mediaType>x</mediaType>"), 400, "InvalidParameter"),
        (
            coverage(
                "<CoverageId>A</CoverageId><DimensionSlice><Dimension>Lat</Dimension>"
                "<SlicePoint>1,2</SlicePoint></DimensionSlice>"
            ),
            404,
            "InvalidSubsetting",
        ),
        (
            coverage("<CoverageId>A</CoverageId><DimensionSlice/>"),
            404,
            "InvalidSubsetting",
        ),
        (f'<GetCoverage xmlns="{WCS}" service="WCS" version="9"/>', 400, "VersionNegotiation"),
        (extended(f'<r:RangeSubset xmlns:r="{RSUB}"/>'), 400, "IllegalFieldSequence"),
    ],
)
def test_faults(asker: Asker, document: str, status: int, code: str) -> None:
    reply = asker.post(document)
    assert isinstance(reply.body, bytes)
    assert (reply.status, f'exceptionCode="{code}' in reply.body.decode()) == (status, True)


BILLION = (
    "<!DOCTYPE a [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {chr(98 + k)} '{f'&{chr(97 + k)};' * 10}'>" for k in range(9))
    + f"]><GetCoverage {HEAD}><CoverageId>&j;</CoverageId></GetCoverage>"
)
EXTERNAL = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    f"<GetCoverage {HEAD}><CoverageId>&x;</CoverageId></GetCoverage>"
)
PARAMETER = (
    '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]>'
    f"<GetCoverage {HEAD}><CoverageId>A</CoverageId></GetCoverage>"
)


@pytest.mark.parametrize("document", [BILLION, EXTERNAL, PARAMETER])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_declarations_are_refused(document: str, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    with pytest.raises(CubeError, match=r"document type|not XML") as refused:
        read_posted("text/xml", (head + document).encode(encoding))
    assert "root:" not in str(refused.value)


def test_no_depth_and_no_length_harms() -> None:
    deep = f"<GetCoverage {HEAD}>" + "<a>" * 100_000
    long = coverage(f"<CoverageId>{'A' * 20_000_000}</CoverageId>")
    many = f"<DescribeCoverage {HEAD}>{'<CoverageId>A</CoverageId>' * 100_000}</DescribeCoverage>"
    for document in (deep, long, many):
        with pytest.raises(CubeError):
            describe_coverage.parse(read_posted("text/xml", document.encode()).read())


NAMES = st.sampled_from(
    [
        *("GetCoverage", "DescribeCoverage", "GetCapabilities", "ProcessCoverages", "Extension"),
        *("CoverageId", "DimensionTrim", "DimensionSlice", "Dimension", "TrimLow", "TrimHigh"),
        *("SlicePoint", "format", "mediaType", "Scaling", "ScaleByFactor", "ScaleToExtent"),
        *("TargetAxisExtent", "axis", "low", "high", "scaleFactor", "RangeSubset", "RangeItem"),
        *("RangeInterval", "Interpolation", "InterpolationPerAxis", "query", "Sections", "Section"),
    ]
)
TEXTS = st.one_of(
    st.sampled_from(["A", "Lat", "1", "-1e999", '"2020"', "*", "1,2", "EPSG:4326", "v:u", ""]),
    st.text(string.printable, max_size=12),
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 4) -> etree._Element:
    element = etree.Element(f"{{{WCS}}}{draw(NAMES)}")
    try:
        element.text = draw(TEXTS)
    except ValueError:
        element.text = "control"
    if draw(st.booleans()):
        element.set("service", "WCS")
    if depth:
        element.extend(draw(st.lists(elements(depth - 1), max_size=3)))
    if draw(st.integers(0, 9)) == 0:
        element.append(etree.Comment("comment"))
    return element


@given(elements())
def test_any_document_gets_an_answer_in_the_services_words(element: etree._Element) -> None:
    client = Client()
    try:
        posted = read_posted("text/xml", etree.tostring(element))
    except CubeError:
        return
    reply = dispatch(posted, client.open, SITE)
    assert isinstance(reply.body, bytes)
    unknown = b"OperationNotSupported" in reply.body
    assert reply.status < 500 or (reply.status == 501 and unknown), reply.body


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for kind in ("text/xml", "application/soap+xml"):
        # What is not refused was read; anything else raises.
        with suppress(CubeError):
            read_posted(kind, body)


def _as_xml(request: GetCoverage) -> bytes:
    root = etree.Element(f"{{{WCS}}}GetCoverage", service="WCS", version="2.0.1")
    extension = etree.SubElement(root, f"{{{WCS}}}Extension")
    for name, crs in (("subsetting", request.subsetting_crs), ("output", request.output_crs)):
        if crs is not None:
            etree.SubElement(extension, f"{{{CRS}}}{name}Crs").text = ":".join(crs.to_authority())
    if request.scaling:
        scaling = etree.SubElement(extension, f"{{{SCAL}}}Scaling")
        _scaling(scaling, request.scaling)
    method = etree.SubElement(extension, f"{{{INT}}}Interpolation")
    etree.SubElement(method, f"{{{INT}}}globalInterpolation").text = method_url(request.method)
    etree.SubElement(root, f"{{{WCS}}}CoverageId").text = request.coverage_id
    for subset in request.subsets:
        _subset(root, subset)
    return etree.tostring(root)


def _subset(root: etree._Element, subset: Trim | Slice) -> None:
    kind = "Slice" if isinstance(subset, Slice) else "Trim"
    element = etree.SubElement(root, f"{{{WCS}}}Dimension{kind}")
    head, _, inside = render_subset(subset).rstrip(")").partition("(")
    axis, _, crs = head.partition(",")
    dimension = etree.SubElement(element, f"{{{WCS}}}Dimension")
    dimension.text = axis
    if crs:
        dimension.set("crs", crs)
    names = ("SlicePoint",) if kind == "Slice" else ("TrimLow", "TrimHigh")
    for name, bound in zip(names, inside.split(","), strict=True):
        etree.SubElement(element, f"{{{WCS}}}{name}").text = bound


def _scaling(parent: etree._Element, by: tuple[ScaleFactor | ScaleSize, ...]) -> None:
    first = by[0]
    if isinstance(first, ScaleFactor) and first.axis is None:
        one = etree.SubElement(parent, f"{{{SCAL}}}ScaleByFactor")
        etree.SubElement(one, f"{{{SCAL}}}scaleFactor").text = repr(first.factor)
        return
    kind, item = ("ScaleAxesByFactor", "ScaleAxis")
    if isinstance(first, ScaleSize):
        kind, item = ("ScaleToSize", "TargetAxisSize")
        if first.first is not None:
            kind, item = ("ScaleToExtent", "TargetAxisExtent")
    group = etree.SubElement(parent, f"{{{SCAL}}}{kind}")
    for scale in by:
        element = etree.SubElement(group, f"{{{SCAL}}}{item}")
        etree.SubElement(element, f"{{{SCAL}}}axis").text = scale.axis
        if isinstance(scale, ScaleFactor):
            numbers = {"scaleFactor": repr(scale.factor)}
        elif scale.first is None:
            numbers = {"targetSize": str(scale.size)}
        else:
            numbers = {"low": str(scale.first), "high": str(scale.first + scale.size - 1)}
        for name, value in numbers.items():
            etree.SubElement(element, f"{{{SCAL}}}{name}").text = value


@given(
    st.builds(
        GetCoverage,
        coverage_id=AXES,
        subsets=st.lists(subsets(), max_size=3, unique_by=lambda s: s.axis.casefold()).map(tuple),
        subsetting_crs=CRSS,
        output_crs=CRSS,
        scaling=SCALINGS,
        method=st.sampled_from(Method),
    )
)
def test_what_xml_says_the_server_reads(request: GetCoverage) -> None:
    assert get_coverage.parse(read_posted("text/xml", _as_xml(request)).read()) == request
