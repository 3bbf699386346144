"""WCS 1.0.0: documents that are valid, and cells that GDAL's warp has, too."""

from math import isclose

import numpy as np
import pytest
import rasterio
from lxml import etree
from numpy.typing import NDArray
from owslib.coverage.wcs100 import WebCoverageService_1_0_0
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds
from rasterio.warp import Resampling, reproject, transform_bounds

from tests.builders.made import HEIGHTS_M, T_TIMES
from tests.ogc.conftest import Schemas
from tests.ogc.wcs.conftest import Asker, content

CAPABILITIES = "service=WCS&version=1.0.0&request=GetCapabilities"
DESCRIBE = "service=WCS&version=1.0.0&request=DescribeCoverage"
GET = "service=WCS&version=1.0.0&request=GetCoverage&format=GeoTIFF"
NAMES = {"wcs": "http://www.opengis.net/wcs", "gml": "http://www.opengis.net/gml"}
_AT = "http://schemas.opengis.net/wcs/1.0.0"
SCHEMA = (NAMES["wcs"], f"{_AT}/wcsAll.xsd")
EXCEPTION_SCHEMA = ("http://www.opengis.net/ogc", f"{_AT}/OGC-exception.xsd")
SHOWN = ["A", "A_1", "B", "B_1", "T", "T_1", "U", "U_1", "W", "W_1"]
"""Of the examples those that have a place on the Earth, whole and as their one group."""


def _raster(asker: Asker, query: str) -> tuple[NDArray[np.generic], rasterio.DatasetReader]:
    with MemoryFile(content(asker.get(f"{GET}&{query}"))) as file, file.open() as opened:
        return opened.read(), opened


def test_capabilities_are_valid_and_list_what_maps_can_show(asker: Asker, schemas: Schemas) -> None:
    body = content(asker.get(CAPABILITIES))
    schemas.check(body, SCHEMA)
    root = etree.fromstring(body)
    assert (root.tag, root.get("version")) == (f"{{{NAMES['wcs']}}}WCS_Capabilities", "1.0.0")
    briefs = root.findall("wcs:ContentMetadata/wcs:CoverageOfferingBrief", NAMES)
    assert sorted(str(one.findtext("wcs:name", None, NAMES)) for one in briefs) == SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_descriptions_are_valid(asker: Asker, schemas: Schemas, name: str) -> None:
    body = content(asker.get(f"{DESCRIBE}&coverage={name}"))
    schemas.check(body, SCHEMA)
    root = etree.fromstring(body)
    own = asker.made.coverage(name)
    high = str(root.findtext(".//gml:high", None, NAMES)).split()
    assert [int(last) + 1 for last in high] == [own.grid.x.size, own.grid.y.size]
    times = root.findall(".//wcs:temporalDomain/gml:timePosition", NAMES)
    assert len(times) == len(own.acquisitions)
    bands = [
        str(one.text)
        for axis in root.iterfind(".//wcs:AxisDescription", NAMES)
        if axis.findtext("wcs:name", None, NAMES) == "Band"
        for one in axis.iterfind(".//wcs:singleValue", NAMES)
    ]
    assert bands == list(asker.made.arrays[name.removesuffix("_1")])


def test_without_a_name_every_coverage_is_described(asker: Asker, schemas: Schemas) -> None:
    body = content(asker.get(DESCRIBE))
    schemas.check(body, SCHEMA)
    found = etree.fromstring(body).findall("wcs:CoverageOffering/wcs:name", NAMES)
    assert sorted(str(one.text) for one in found) == SHOWN


def test_a_box_on_the_cells_gives_the_cells(asker: Asker) -> None:
    """A has cells of half a degree from 0 to 30 on both axes."""
    query = "coverage=A&crs=EPSG:4326&bbox=5,10,15,20&resx=0.5&resy=0.5"
    values, file = _raster(asker, query)
    np.testing.assert_array_equal(values[0], asker.made.arrays["A"]["v"][20:40, 10:30])
    assert tuple(file.bounds) == (5, 10, 15, 20)


def test_x_comes_first_whatever_the_crs(asker: Asker) -> None:
    by_size, _ = _raster(asker, "coverage=A&crs=EPSG:4326&bbox=5,0,15,30&width=20&height=60")
    by_84, _ = _raster(asker, "coverage=A&crs=CRS:84&bbox=5,0,15,30&width=20&height=60")
    np.testing.assert_array_equal(by_size[0], asker.made.arrays["A"]["v"][:, 10:30])
    np.testing.assert_array_equal(by_84, by_size)


def test_what_lies_beyond_the_coverage_is_nodata(asker: Asker) -> None:
    query = "coverage=A&crs=EPSG:4326&bbox=-5,-5,5,5&width=20&height=20"
    values, file = _raster(asker, query)
    assert values.shape == (1, 20, 20)
    np.testing.assert_array_equal(values[0, :10, 10:], asker.made.arrays["A"]["v"][50:, :10])
    assert (values[0, 10:] == file.nodata).all()
    assert (values[0, :, :10] == file.nodata).all()


@pytest.mark.parametrize(
    ("method", "resampling"),
    [("nearest neighbor", Resampling.nearest), ("bilinear", Resampling.bilinear)],
)
def test_another_crs_is_what_gdal_warps(asker: Asker, method: str, resampling: Resampling) -> None:
    own = asker.made.coverage("U").grid
    left, bottom, right, top = transform_bounds("EPSG:32633", "EPSG:3857", *own.bbox)
    box = (left + 300, bottom + 300, right - 300, top - 300)
    text = ",".join(map(repr, box))
    query = f"coverage=U&crs=EPSG:3857&bbox={text}&width=90&height=80&time=2023-08-15"
    values, file = _raster(asker, f"{query}&interpolation={method}")
    wanted = np.full((80, 90), -32768, np.int16)
    reproject(
        asker.made.arrays["U"]["B04"][0],
        wanted,
        src_transform=own.transform,
        src_crs="EPSG:32633",
        src_nodata=-32768,
        dst_transform=from_bounds(*box, 90, 80),
        dst_crs="EPSG:3857",
        dst_nodata=-32768,
        resampling=resampling,
        tolerance=0,
    )
    assert file.crs.to_epsg() == 3857
    assert all(isclose(a, b) for a, b in zip(file.bounds, box, strict=True))
    # A value half way between two numbers may round to either.
    assert (np.abs(values[0].astype(int) - wanted) <= 1).mean() > 0.999


def test_a_response_in_another_crs_than_the_box(asker: Asker) -> None:
    query = "coverage=A&crs=EPSG:4326&bbox=5,10,15,20&response_crs=EPSG:3857&width=30&height=40"
    values, file = _raster(asker, query)
    assert (file.crs.to_epsg(), values.shape) == (3857, (1, 40, 30))
    wanted = transform_bounds("EPSG:4326", "EPSG:3857", 5, 10, 15, 20)
    np.testing.assert_allclose(tuple(file.bounds), wanted, rtol=1e-6)


def test_the_newest_time_is_taken_where_none_is_asked(asker: Asker) -> None:
    query = "coverage=T&crs=EPSG:4326&bbox=0,0,30,30&width=60&height=60"
    reply = asker.get(f"{GET}&{query}")
    assert ("Warning", f"99 Default value used: time={T_TIMES[-1]}T00:00:00Z") in reply.headers
    values, _ = _raster(asker, query)
    for plane, band in zip(values, ("b4", "b8"), strict=True):
        np.testing.assert_array_equal(plane, asker.made.arrays["T"][band][-1])


@pytest.mark.parametrize("at", range(len(T_TIMES)))
def test_every_time_and_chosen_bands(asker: Asker, at: int) -> None:
    query = f"coverage=T&crs=EPSG:4326&time={T_TIMES[at]}&resx=0.5&resy=0.5&band=b8"
    reply = asker.get(f"{GET}&{query}")
    assert "Warning" not in dict(reply.headers)
    values, _ = _raster(asker, query)
    np.testing.assert_array_equal(values, asker.made.arrays["T"]["b8"][at : at + 1])


def test_further_axes_have_a_parameter_and_a_default(asker: Asker) -> None:
    query = f"coverage=W&crs=EPSG:4326&time={T_TIMES[1]}&resx=0.5&resy=0.5&band=v"
    reply = asker.get(f"{GET}&{query}")
    assert ("Warning", "99 Default value used: height=2") in reply.headers
    for at, height in enumerate(HEIGHTS_M):
        values, _ = _raster(asker, f"{query}&dim_height={height}")
        np.testing.assert_array_equal(values[0], asker.made.arrays["W"]["v"][1, at])


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ((T_TIMES[4], T_TIMES[1]), [1, 4]),
        ((T_TIMES[1], T_TIMES[2], T_TIMES[2]), [1, 2]),
        ((T_TIMES[0], f"{T_TIMES[3]}/{T_TIMES[5]}"), [0, 3, 4, 5]),
        ((f"{T_TIMES[0]}/{T_TIMES[-1]}", T_TIMES[2]), list(range(7))),
        (("2021-03", "2020-05"), [2, 4]),
    ],
)
def test_listed_times_are_planes_in_their_order(
    asker: Asker, times: tuple[str, ...], kept: list[int]
) -> None:
    listed = ",".join(times)
    query = f"coverage=T&crs=EPSG:4326&time={listed}&bbox=0,10,20,30&width=40&height=40&band=b4"
    values, _ = _raster(asker, query)
    wanted = asker.made.arrays["T"]["b4"][kept, :40, :40]
    np.testing.assert_array_equal(values, wanted)
    assert "Warning" not in dict(asker.get(f"{GET}&{query}").headers)


def test_an_interval_of_times_as_netcdf(asker: Asker) -> None:
    query = f"coverage=T&crs=EPSG:4326&time={T_TIMES[1]}/{T_TIMES[3]}&resx=0.5&resy=0.5"
    reply = asker.get(f"{GET.replace('GeoTIFF', 'NetCDF')}&{query}")
    assert (reply.status, reply.media_type) == (200, "application/netcdf")


SQUARE = "crs=EPSG:4326&bbox=0,0,1,1"
ONE = f"{SQUARE}&width=1&height=1"
WRONG = {
    f"coverage=no&{ONE}": "CoverageNotDefined",
    f"coverage=G&{ONE}": "InvalidParameterValue",
    "coverage=A&bbox=0,0,1,1&width=1&height=1": "MissingParameterValue",
    "coverage=A&crs=EPSG:4326&width=1&height=1": "MissingParameterValue",
    f"coverage=A&{SQUARE}&width=1": "MissingParameterValue",
    f"coverage=A&{SQUARE}&resx=0&resy=1": "InvalidParameterValue",
    f"coverage=A&{SQUARE}&width=0&height=1": "InvalidParameterValue",
    f"coverage=A&{ONE}&resx=1&resy=1": "InvalidParameterValue",
    f"coverage=A&{ONE}&interpolation=magic": "InvalidParameterValue",
    f"coverage=A&{ONE.replace('0,0,1,1', '1,0,0,1')}": "InvalidParameterValue",
    f"coverage=A&{ONE.replace('0,0,1,1', '0,0,1,nan')}": "InvalidParameterValue",
    f"coverage=A&{ONE.replace('4326', '99')}": "InvalidParameterValue",
    f"coverage=T&{ONE}&time=1999-01-01": "InvalidParameterValue",
    f"coverage=T&{ONE}&time=2020-01-01,1999-02-01": "InvalidParameterValue",
    f"coverage=T&{ONE}&time=2020-01-01,": "InvalidParameterValue",
    f"coverage=T&{ONE}&time={','.join(['2020-01-01'] * 1001)}": "InvalidParameterValue",
    f"coverage=A&{ONE}&time=2020-01-01,2020-02-01": "InvalidParameterValue",
    f"coverage=W&{ONE}&dim_height=3": "InvalidParameterValue",
    f"coverage=A&{ONE}&format=video": "InvalidParameterValue",
}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        *((f"{GET}&{query}", code) for query, code in WRONG.items()),
        (f"{GET.replace('GeoTIFF', 'video')}&coverage=A&{ONE}", "InvalidFormat"),
        (f"{DESCRIBE}&coverage=no", "CoverageNotDefined"),
        (f"{DESCRIBE}&coverage=G", "CoverageNotDefined"),
        ("service=WCS&version=1.0.0&request=Nothing", "OperationNotSupported"),
    ],
)
def test_exceptions(asker: Asker, schemas: Schemas, query: str, code: str) -> None:
    reply = asker.get(query)
    assert isinstance(reply.body, bytes)
    assert (reply.status, reply.media_type) == (400, "application/vnd.ogc.se_xml"), reply.body
    assert f'code="{code}"'.encode() in reply.body, reply.body
    schemas.check(reply.body, EXCEPTION_SCHEMA)


def test_more_cells_than_allowed_are_refused(asker: Asker) -> None:
    for size in ("width=100000&height=100000", "resx=1e-9&resy=1e-9"):
        reply = asker.get(f"{GET}&coverage=A&crs=EPSG:4326&bbox=0,0,30,30&{size}")
        assert reply.status in (400, 413), reply.body


def test_owslib_reads_both_documents(asker: Asker) -> None:
    wcs = WebCoverageService_1_0_0("http://127.0.0.1/ows", content(asker.get(CAPABILITIES)), None)
    assert sorted(wcs.contents) == SHOWN
    wanted = transform_bounds("EPSG:32633", "OGC:CRS84", *asker.made.coverage("U").grid.bbox)
    assert wcs.contents["U"].boundingBoxWGS84 == pytest.approx(wanted, abs=1e-6)
    assert {operation.name for operation in wcs.operations} >= {"GetCoverage", "DescribeCoverage"}


def test_the_version_chooses_the_document(asker: Asker) -> None:
    for query, version in (
        ("service=WCS&request=GetCapabilities", "2.0.1"),
        ("service=WCS&request=GetCapabilities&version=2.0.1", "2.0.1"),
        ("service=WCS&request=GetCapabilities&version=1.0.0", "1.0.0"),
        ("service=WCS&request=GetCapabilities&acceptversions=1.0.0,2.0.1", "1.0.0"),
        ("service=WCS&request=GetCapabilities&version=1.0.0&acceptversions=2.0.1", "2.0.1"),
    ):
        assert etree.fromstring(content(asker.get(query))).get("version") == version, query
