"""Every document in both versions, for every kind of coverage a store can hold."""

from datetime import datetime

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray

from tests.ogc.conftest import Schemas
from tests.ogc.wcs.conftest import Asker, content
from tests.ogc.wcs.test_metadata import CAPABILITIES, DESCRIBE, GRIDS, NAMES, SCHEMA

ALL = "ABTGLPWU"
"""Maps, series, index grid, line, times at a point, four axes, UTM."""
REGULAR = "ABGL"
TIMED = "TPWU"
GMLCOV = (
    "http://www.opengis.net/gmlcov/1.0",
    "http://schemas.opengis.net/gmlcov/1.0/gmlcovAll.xsd",
)
CIS = ("http://www.opengis.net/cis/1.1/gml", "http://schemas.opengis.net/cis/1.1/gml/cisAll.xsd")
CIS_NAMES = {**NAMES, "cis": CIS[0], "wcs21": "http://www.opengis.net/wcs/2.1/gml"}
GML = "format=application/gml%2Bxml"
SECTIONS = {
    "ServiceIdentification": "ows:ServiceIdentification",
    "ServiceProvider": "ows:ServiceProvider",
    "OperationsMetadata": "ows:OperationsMetadata",
    "ServiceMetadata": "wcs:ServiceMetadata",
    "Contents": "wcs:Contents",
}


@pytest.mark.parametrize("name", ALL)
def test_a_description_is_valid_and_of_the_simplest_grid(
    asker: Asker, schemas: Schemas, name: str
) -> None:
    body = content(asker.get(DESCRIBE + name))
    schemas.check(body, SCHEMA, GRIDS)
    root = etree.fromstring(body)
    kind = root.findtext(".//wcs:CoverageSubtype", None, NAMES)
    rectified = root.find(".//gml:RectifiedGrid", NAMES) is not None
    by_vectors = root.find(".//r:ReferenceableGridByVectors", NAMES) is not None
    assert (rectified, by_vectors) == (name in REGULAR, name not in REGULAR)
    assert kind == ("RectifiedGridCoverage" if rectified else "ReferenceableGridCoverage")


@pytest.mark.parametrize("name", ALL)
def test_capabilities_and_descriptions_agree(asker: Asker, name: str) -> None:
    for version, space in (("2.0.1", "wcs"), ("2.1.0", "wcs21")):
        listed = etree.fromstring(content(asker.get(f"{CAPABILITIES}&acceptversions={version}")))
        (summary,) = (
            one
            for one in listed.iterfind(f"{space}:Contents/{space}:CoverageSummary", CIS_NAMES)
            if one.findtext(f"{space}:CoverageId", None, CIS_NAMES) == name
        )
        told = etree.fromstring(content(asker.get(DESCRIBE.replace("2.0.1", version) + name)))
        path = f"{space}:CoverageSubtype"
        assert summary.findtext(path, None, CIS_NAMES) == told.findtext(
            f".//{path}", None, CIS_NAMES
        )
        box = summary.find("ows:BoundingBox", CIS_NAMES)
        if name in TIMED:
            assert box is None
            continue
        assert box is not None
        axes = told.find(".//gml:Envelope", NAMES)
        if axes is None:
            axes = told.find(".//cis:Envelope", CIS_NAMES)
        assert axes is not None
        assert box.get("dimensions") == axes.get("srsDimension")


@pytest.mark.parametrize("name", ALL)
def test_the_native_format_is_what_comes_without_one(asker: Asker, name: str) -> None:
    told = etree.fromstring(content(asker.get(DESCRIBE + name)))
    reply = asker.coverage(name)
    assert reply.status == 200
    assert reply.media_type == told.findtext(".//wcs:nativeFormat", None, NAMES)


@pytest.mark.parametrize("name", ALL)
def test_gml_of_cis_1_0_is_valid_and_holds_every_value(
    asker: Asker, schemas: Schemas, name: str
) -> None:
    body = content(asker.coverage(f"{name}&{GML}"))
    schemas.check(body, GMLCOV, GRIDS)
    root = etree.fromstring(body)
    text = str(root.findtext(".//gml:tupleList", None, NAMES))
    tuples = [[float(value) for value in cell.split(",")] for cell in text.split()]
    # x runs first, then y, further axes and time: as NumPy's rows do.
    bands = asker.made.arrays[name].values()
    wanted = np.stack([values.ravel() for values in bands], axis=-1)
    np.testing.assert_allclose(np.array(tuples), wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_gml_of_cis_1_1_is_valid_and_holds_every_value(
    asker: Asker, schemas: Schemas, name: str
) -> None:
    query = f"service=WCS&version=2.1.0&request=GetCoverage&coverageid={name}&{GML}"
    body = content(asker.get(query))
    schemas.check(body, CIS)
    root = etree.fromstring(body)
    assert etree.QName(root).localname == "GeneralGridCoverage"
    found = [float(str(value.text)) for value in root.iterfind(".//cis:V", CIS_NAMES)]
    bands = asker.made.arrays[name].values()
    wanted = np.stack([_as_listed(values, name) for values in bands], axis=-1)
    np.testing.assert_allclose(np.array(found), wanted.ravel(), rtol=1e-6)


def _as_listed(values: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Return cells in the order of the axes of CIS 1.1: easting before northing in UTM."""
    return (values.swapaxes(-1, -2) if name == "U" else values).ravel()


def test_capabilities_in_both_versions(asker: Asker, schemas: Schemas) -> None:
    body = content(asker.get(CAPABILITIES))
    schemas.check(body, SCHEMA, GRIDS)
    root = etree.fromstring(body)
    assert root.get("version") == "2.0.1"
    general = etree.fromstring(content(asker.get(f"{CAPABILITIES}&acceptversions=2.1.0,2.0.1")))
    assert (general.get("version"), etree.QName(general).namespace) == (
        "2.1.0",
        CIS_NAMES["wcs21"],
    )
    offered = [one.text for one in root.iterfind(".//ows:ServiceTypeVersion", NAMES)]
    assert offered == ["2.0.1", "2.1.0", "1.1.1", "1.0.0"]


def test_the_extensions_say_what_they_offer(asker: Asker) -> None:
    root = etree.fromstring(content(asker.get(CAPABILITIES)))
    crss = [str(one.text) for one in root.iter("{http://www.opengis.net/wcs/crs/1.0}crsSupported")]
    assert len(crss) == len(set(crss))
    assert {url.rpartition("/")[2] for url in crss} == {"CRS84", "4326", "3857", "32633"}
    for url in crss:
        reply = asker.coverage(
            f"U&subset=E(400000,400200)&subset=N(5200000,5200200)&outputcrs={url}"
        )
        assert reply.status in (200, 404), reply.body
    methods = root.iter(
        "{http://www.opengis.net/WCS_service-extension_interpolation/1.0}InterpolationSupported"
    )
    urls = [str(one.text) for one in methods]
    assert "http://www.opengis.net/def/interpolation/OGC/1/nearest-neighbor" in urls
    for url in urls:
        reply = asker.coverage(f"A&scalesize=Lat(5),Lon(5)&interpolation={url}")
        # Of what A has thousands of, none is the most frequent.
        assert reply.status == (404 if url.endswith("mode") else 200), (url, reply.body)


def content_of(reply: object) -> bytes:
    body = getattr(reply, "body", b"")
    assert isinstance(body, bytes)
    return body


def test_every_post_says_which_bodies_it_reads(asker: Asker) -> None:
    root = etree.fromstring(content(asker.get(CAPABILITIES)))
    metadata = root.find("ows:OperationsMetadata", NAMES)
    assert metadata is not None
    names = [one.get("name") for one in metadata.iterfind("ows:Operation", NAMES)]
    assert names == [
        "GetCapabilities",
        "DescribeCoverage",
        "GetCoverage",
        "ProcessCoverages",
        "DescribeEOCoverageSet",
    ]
    (own,) = metadata.findall("ows:Constraint", NAMES)
    values = [one.text for one in own.iterfind(".//ows:Value", NAMES)]
    assert (own.get("name"), values) == ("PostEncoding", ["KVP", "XML", "SOAP"])
    posts = metadata.findall(".//ows:Post", NAMES)
    assert {post.get("{http://www.w3.org/1999/xlink}href") for post in posts} == {
        "http://127.0.0.1/ows"
    }


@pytest.mark.parametrize("sections", [*SECTIONS, "All", "contents,serviceProvider", ""])
def test_sections(asker: Asker, schemas: Schemas, sections: str) -> None:
    body = content(asker.get(f"{CAPABILITIES}&sections={sections}"))
    schemas.check(body, SCHEMA, GRIDS)
    asked = {part.casefold() for part in sections.split(",")}
    root = etree.fromstring(body)
    for name, tag in SECTIONS.items():
        there = root.find(tag, NAMES) is not None
        assert there == (not sections or bool(asked & {"all", name.casefold()})), name


@pytest.mark.parametrize(
    ("formats", "media_type"),
    [
        ("application/xml", "application/xml"),
        ("image/png,application/xml,text/xml", "application/xml"),
        ("text/html", "text/xml"),
    ],
)
def test_formats_of_the_capabilities(asker: Asker, formats: str, media_type: str) -> None:
    assert asker.get(f"{CAPABILITIES}&acceptformats={formats}").media_type == media_type


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("sections=Layers", "InvalidParameterValue"),
        ("updatesequence=x", "InvalidUpdateSequence"),
        ("acceptversions=0.9,3.0", "VersionNegotiationFailed"),
    ],
)
def test_wrong_capabilities_requests(asker: Asker, more: str, code: str) -> None:
    reply = asker.get(f"{CAPABILITIES}&{more}")
    assert (reply.status, f'exceptionCode="{code}"'.encode() in content_of(reply)) == (400, True)


def test_times_in_the_domain_are_those_of_the_store(asker: Asker) -> None:
    root = etree.fromstring(content(asker.get(DESCRIBE + "T")))
    axes = root.findall(".//r:GeneralGridAxis", NAMES)
    (time,) = (axis for axis in axes if axis.findtext("r:gridAxesSpanned", "", NAMES) == "ansi")
    listed = str(time.findtext("r:coefficients", None, NAMES)).split()
    own = asker.made.coverage("T").time
    assert own is not None
    assert [datetime.fromisoformat(text.strip('"')) for text in listed] == [
        one.reference for one in own
    ]
