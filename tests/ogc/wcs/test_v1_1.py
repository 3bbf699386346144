"""WCS 1.1.1: documents that are valid, answers of two parts, boxes in the order of the CRS."""

import numpy as np
import pytest
import rasterio
from lxml import etree
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from ogc.wcs.v1_1.names import OWS, SCHEMA, WCS
from tests.builders.made import T_TIMES
from tests.builders.multipart import bytes_of
from tests.ogc.conftest import Schemas
from tests.ogc.wcs.conftest import Asker, content, parts
from tests.ogc.wcs.test_v1_0 import SHOWN

CAPABILITIES = "service=WCS&version=1.1.1&request=GetCapabilities"
DESCRIBE = "service=WCS&version=1.1.1&request=DescribeCoverage&identifiers="
GET = "service=WCS&version=1.1.1&request=GetCoverage&format=image/tiff&identifier="
NAMES = {"wcs": WCS, "ows": OWS, "gml": "http://www.opengis.net/gml"}
LOCATION = (WCS, SCHEMA)
LAT_FIRST = "urn:ogc:def:crs:EPSG::4326"
LON_FIRST = "urn:ogc:def:crs:OGC:1.3:CRS84"


def _raster(asker: Asker, query: str) -> tuple[NDArray[np.generic], rasterio.Affine]:
    _, file = parts(asker.get(GET + query))
    with MemoryFile(bytes_of(file)) as opened, opened.open() as dataset:
        return dataset.read(), dataset.transform


def test_capabilities_are_valid(asker: Asker, schemas: Schemas) -> None:
    body = content(asker.get(CAPABILITIES))
    schemas.check(body, LOCATION)
    root = etree.fromstring(body)
    found = root.iterfind("wcs:Contents/wcs:CoverageSummary/wcs:Identifier", NAMES)
    assert sorted(str(one.text) for one in found) == SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_descriptions_are_valid(asker: Asker, schemas: Schemas, name: str) -> None:
    body = content(asker.get(DESCRIBE + name))
    schemas.check(body, LOCATION)
    root = etree.fromstring(body)
    keys = [str(one.text) for one in root.iterfind(".//wcs:Key", NAMES)]
    assert keys == list(asker.made.arrays[name.removesuffix("_1")])
    times = root.findall(".//wcs:TemporalDomain/gml:timePosition", NAMES)
    assert len(times) == len(asker.made.coverage(name).acquisitions)


def test_the_answer_lists_its_file(asker: Asker, schemas: Schemas) -> None:
    reply = asker.get(f"{GET}A&boundingbox=0,0,30,30")
    listed, file = parts(reply)
    schemas.check(bytes_of(listed), LOCATION)
    reference = etree.fromstring(bytes_of(listed)).find(".//ows:Reference", NAMES)
    assert reference is not None
    href = reference.get("{http://www.w3.org/1999/xlink}href")
    assert file["Content-ID"] == f"<{str(href).removeprefix('cid:')}>"
    assert file.get_content_type() == "image/tiff"


@pytest.mark.parametrize(
    "query",
    [
        f"boundingbox=5,10,15,20,{LON_FIRST}",
        f"boundingbox=10,5,20,15,{LAT_FIRST}",
        f"boundingbox=10,5,20,15,{LAT_FIRST}&gridoffsets=-0.5,0.5",
        f"boundingbox=10,5,20,15,{LAT_FIRST}&gridoffsets=0,0.5,-0.5,0",
        f"boundingbox=10.25,5.25,19.75,14.75,{LAT_FIRST}&gridoffsets=0,0.5,-0.5,0&gridorigin=19.75,5.25",
        f"boundingbox=5.25,10.25,14.75,19.75,{LON_FIRST}&gridbasecrs={LAT_FIRST}&gridoffsets=-0.5,0.5&gridorigin=19.75,5.25",
    ],
)  # fmt: skip
def test_boxes_and_grids_that_mean_the_same_cells(asker: Asker, query: str) -> None:
    values, transform = _raster(asker, f"A&{query}")
    np.testing.assert_array_equal(values[0], asker.made.arrays["A"]["v"][20:40, 10:30])
    assert transform.almost_equals(rasterio.Affine(0.5, 0, 5, 0, -0.5, 20))


def test_bands_times_and_defaults(asker: Asker) -> None:
    box = f"boundingbox=0,0,30,30,{LAT_FIRST}"
    query = f"T&{box}&timesequence={T_TIMES[2]}&rangesubset=contents[bands[b8]]"
    values, _ = _raster(asker, query)
    np.testing.assert_array_equal(values, asker.made.arrays["T"]["b8"][2:3])
    listed = query.replace(T_TIMES[2], f"{T_TIMES[2]},{T_TIMES[5]}")
    values, _ = _raster(asker, listed)
    np.testing.assert_array_equal(values, asker.made.arrays["T"]["b8"][[2, 5]])
    reply = asker.get(f"{GET}T&{box}")
    assert ("Warning", f"99 Default value used: time={T_TIMES[-1]}T00:00:00Z") in reply.headers


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{GET}no&boundingbox=0,0,1,1", "CoverageNotDefined"),
        (f"{DESCRIBE}G", "CoverageNotDefined"),
        (f"{GET}A", "MissingParameterValue"),
        (f"{GET}A&boundingbox=0,0,1", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=1,0,0,1", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=0,0,1,1&gridoffsets=0,1", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=0,0,1,1&gridoffsets=1,1,1,1", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=0,0,1,1&gridoffsets=1e-30,1&gridorigin=0,0", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=0,0,1,1&gridoffsets=9,9&gridorigin=5,5", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=0,0,1,1&store=true", "InvalidParameterValue"),
        (f"{GET}A&boundingbox=0,0,1,1&rangesubset=contents:magic", "InvalidParameterValue"),
        (
            f"{GET}A&boundingbox=0,0,1,1&gridbasecrs=urn:ogc:def:crs:EPSG::3857",
            "InvalidParameterValue",
        ),
        ("service=WCS&version=1.1.1&request=DescribeEOCoverageSet&eoid=T", "OperationNotSupported"),
    ],
)
def test_exceptions(asker: Asker, schemas: Schemas, query: str, code: str) -> None:
    reply = asker.get(query)
    assert isinstance(reply.body, bytes)
    assert (reply.status, f'exceptionCode="{code}"'.encode() in reply.body) == (400, True), (
        reply.body
    )
    schemas.check(reply.body, (OWS, "http://schemas.opengis.net/ows/1.1.0/owsAll.xsd"))


@pytest.mark.parametrize("name", ["InsertCoverage", "UpdateCoverage", "DeleteCoverage"])
def test_transactions_are_refused_with_the_reason(asker: Asker, name: str) -> None:
    reply = asker.get(f"service=WCS&version=2.0.1&request={name}&coverageid=A")
    assert isinstance(reply.body, bytes)
    assert reply.status == 403
    assert b'exceptionCode="OperationNotAllowed"' in reply.body
    assert f"{name} is off".encode() in reply.body
    capabilities = content(asker.get("service=WCS&request=GetCapabilities"))
    assert name.encode() not in capabilities
