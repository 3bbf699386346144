"""The extensions of WCS 2 on real cells: NumPy and GDAL tell what is right."""

import io

import numpy as np
import pytest
import rasterio
import xarray as xr
from lxml import etree
from numpy.typing import NDArray
from rasterio.transform import from_bounds
from rasterio.warp import Resampling, reproject, transform_bounds

from ogc.exchange import Reply
from tests.ogc.wcs.conftest import Asker, content
from tests.ogc.wcs.test_metadata import NAMES

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
GML = "format=application/gml%2Bxml"


def code_of(reply: Reply) -> tuple[int, str]:
    assert isinstance(reply.body, bytes)
    (exception,) = etree.fromstring(reply.body)
    return reply.status, str(exception.get("exceptionCode"))


def warped(
    values: NDArray[np.generic], made: rasterio.DatasetReader, resampling: Resampling
) -> NDArray[np.generic]:
    """Return the cells of A on the grid of a file, as GDAL warps them."""
    target = np.full(made.shape, -32768, values.dtype)
    reproject(
        values,
        target,
        src_transform=A_PLACE,
        src_crs="EPSG:4326",
        dst_transform=made.transform,
        dst_crs=made.crs,
        src_nodata=-32768,
        dst_nodata=-32768,
        resampling=resampling,
    )
    return target


A_PLACE = from_bounds(0, 0, 30, 30, 60, 60)
"""Of A: 60 x 60 cells in longitude and latitude."""


@pytest.mark.parametrize("name", [f"{EPSG}3857", "EPSG:3857", "urn:ogc:def:crs:EPSG::3857"])
def test_output_in_another_crs_is_gdals_warp(asker: Asker, name: str) -> None:
    cells, file = asker.raster(f"A&outputcrs={name}")
    with file.open() as made:
        assert made.crs.to_epsg() == 3857
        # The extent and the cell size that GDAL suggests.
        west, south, east, north = transform_bounds("EPSG:4326", "EPSG:3857", 0, 0, 30, 30)
        assert made.bounds == pytest.approx((west, south, east, north), abs=made.res[0])
        wanted = warped(asker.made.arrays["A"]["v"], made, Resampling.nearest)
    assert (cells[0] == wanted).mean() > 0.999


def test_linear_output_is_gdals(asker: Asker) -> None:
    cells, file = asker.raster("A&outputcrs=EPSG:3857&interpolation=linear")
    with file.open() as made:
        wanted = warped(asker.made.arrays["A"]["v"], made, Resampling.bilinear)
    inner = np.s_[4:-4, 4:-4]
    near = np.abs(cells[0][inner].astype(int) - wanted[inner].astype(int)) <= 1
    assert near.mean() > 0.999


def _lengthened(values: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    """Return rows twice as long by a textbook method: values lie in the middle of cells."""
    size = values.shape[1]
    at = (np.arange(2 * size) + 0.5) / 2 - 0.5
    if method == "nearest":
        return values[:, np.arange(2 * size) // 2]
    if method == "linear":
        return np.stack([np.interp(at, np.arange(size), row) for row in values])
    # Catmull and Rom's cubic through four cells; the outermost are left to the caller.
    left = np.floor(at).astype(int)
    made = np.full((len(values), 2 * size), np.nan)
    for column, (first, t) in enumerate(zip(left, at - left, strict=True)):
        if 1 <= first < size - 2:
            p0, p1, p2, p3 = (values[:, first + step] for step in (-1, 0, 1, 2))
            made[:, column] = p1 + 0.5 * t * (
                (p2 - p0) + t * ((2 * p0 - 5 * p1 + 4 * p2 - p3) + t * (3 * (p1 - p2) + p3 - p0))
            )
    return made


@pytest.mark.parametrize(
    ("along", "across"),
    [("linear", "nearest"), ("nearest", "linear"), ("linear", "cubic"), ("cubic", "nearest")],
)
def test_x_and_y_have_their_own_method(asker: Asker, along: str, across: str) -> None:
    asked = f"A&scalefactor=2&interpolation=Lat:{along},Lon:{across}"
    cells, _ = asker.raster(asked)
    stored = asker.made.arrays["A"]["v"].astype(float)
    wanted = _lengthened(_lengthened(stored.T, along).T, across)
    known = np.isfinite(wanted)
    assert known.mean() > 0.8
    assert cells.dtype == asker.made.arrays["A"]["v"].dtype
    assert np.abs(cells[0][known] - wanted[known]).max() <= 0.5 + 1e-6
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(
            cells, asker.raster(f"A&scalefactor=2&interpolation={along}")[0]
        )
    part = f"{asked}&subset=Lat(10,20)&subset=Lon(10,20)"
    assert asker.raster(part)[0].shape == (1, 40, 40)


def test_a_method_of_an_axis_that_does_not_change_changes_nothing(asker: Asker) -> None:
    same, _ = asker.raster('T&subset=ansi("2020-01")&scalefactor=2&interpolation=linear')
    named = "interpolation=linear&interpolationperaxis=ansi,cubic"
    cells, _ = asker.raster(f'T&subset=ansi("2020-01")&scalefactor=2&{named}')
    np.testing.assert_array_equal(cells, same)


def test_a_band_that_comes_again_has_a_name_of_its_own(asker: Asker) -> None:
    query = "T&rangesubset={}&format=application/netcdf"
    first, second = (band.name for band in asker.made.coverage("T").bands)
    body = content(asker.coverage(query.format(f"{first},{second},{first},{first}")))
    alone = content(asker.coverage(query.format(f"{first},{second}")))
    with (
        xr.open_dataset(io.BytesIO(body), engine="h5netcdf") as file,
        xr.open_dataset(io.BytesIO(alone), engine="h5netcdf") as once,
    ):
        for name, own in (
            (first, first),
            (second, second),
            (f"{first}_2", first),
            (f"{first}_3", first),
        ):
            np.testing.assert_array_equal(file[name], once[own])
            assert file[name].attrs == once[own].attrs


def test_bounds_in_another_crs_give_a_result_in_it(asker: Asker) -> None:
    """Without OUTPUTCRS the result comes in the CRS of the bounds, and covers just them."""
    box = "subset=E(600000,1200000)&subset=N(700000,1400000)"
    _, file = asker.raster(f"A&{box}&subsettingcrs=EPSG:3857")
    with file.open() as made:
        assert made.crs.to_epsg() == 3857
        assert made.bounds == pytest.approx((600000, 700000, 1200000, 1400000), abs=made.res[0])
    _, file = asker.raster(f"A&{box}&subsettingcrs=EPSG:3857&outputcrs=EPSG:4326")
    with file.open() as made:
        assert made.crs.to_epsg() == 4326
        west, south, east, north = transform_bounds("EPSG:3857", "EPSG:4326", 6e5, 7e5, 12e5, 14e5)
        assert made.bounds == pytest.approx((west, south, east, north), abs=0.51)


def test_bounds_may_name_a_crs_alone(asker: Asker) -> None:
    """A CRS within SUBSET cuts and nothing else: cells stay as they are stored."""
    one = f"subset=E,{EPSG}3857(600000,1200000)&subset=N,{EPSG}3857(700000,1400000)"
    cells, file = asker.raster(f"A&{one}")
    with file.open() as made:
        assert made.crs.to_epsg() == 4326
        left, top = made.transform.c, made.transform.f
    row, column = round((30 - top) * 2), round(left * 2)
    rows, columns = cells.shape[1:]
    stored = asker.made.arrays["A"]["v"][row : row + rows, column : column + columns]
    np.testing.assert_array_equal(cells[0], stored)


def test_time_and_height_stay_in_another_crs(asker: Asker) -> None:
    body = content(asker.coverage("W&outputcrs=EPSG:3857&format=application/netcdf"))
    with xr.open_dataset(io.BytesIO(body), engine="h5netcdf") as file:
        assert file["v"].shape[:2] == (3, 4)


def test_the_description_beside_the_file_has_the_output_crs(asker: Asker) -> None:
    root = etree.fromstring(content(asker.coverage(f"A&outputcrs=EPSG:3857&{GML}")))
    envelope = root.find(".//gml:Envelope", NAMES)
    assert envelope is not None
    assert (envelope.get("srsName"), envelope.get("axisLabels")) == (f"{EPSG}3857", "E N")


@pytest.mark.parametrize(
    ("query", "shape", "limits"),
    [
        ("scalefactor=0.5", (30, 30), (0, 0)),
        ("scaleaxes=Lat(0.5)", (30, 60), (0, 0)),
        ("scaleaxes=Lat(0.5),Lon(2)", (30, 120), (0, 0)),
        ("scalesize=Lon(7),Lat(11)", (11, 7), (0, 0)),
        ("scalesize=Lon(7.0)&scalesize=Lat(11.0)", (11, 7), (0, 0)),
        # The grid's labels, in the order of the CRS: Lat, Lon.
        ("scalesize=i(11),j(7)", (11, 7), (0, 0)),
        ("scaleextent=Lon(-3:3),Lat(10:20)", (11, 7), (10, -3)),
        ("scaleextent=i(10:20),j(-3:3)", (11, 7), (10, -3)),
    ],
)
def test_scaled_cells_are_those_at_the_leading_edge(
    asker: Asker, query: str, shape: tuple[int, int], limits: tuple[int, int]
) -> None:
    cells, _ = asker.raster(f"A&{query}")
    rows, columns = (np.arange(n) * 60 // n for n in shape)
    np.testing.assert_array_equal(cells[0], asker.made.arrays["A"]["v"][np.ix_(rows, columns)])
    root = etree.fromstring(content(asker.coverage(f"A&{query}&{GML}")))
    low = str(root.findtext(".//gml:GridEnvelope/gml:low", None, NAMES)).split()
    high = str(root.findtext(".//gml:GridEnvelope/gml:high", None, NAMES)).split()
    assert [int(high[at]) - int(low[at]) + 1 for at in (1, 0)] == list(shape)
    if "extent" in query:
        assert (int(low[1]), int(low[0])) == limits


def test_the_mean_of_scaled_cells(asker: Asker) -> None:
    cells, _ = asker.raster("A&scalefactor=0.25&interpolation=average")
    wanted = asker.made.arrays["A"]["v"].reshape(15, 4, 15, 4).astype(float).mean(axis=(1, 3))
    np.testing.assert_array_equal(cells[0], np.rint(wanted))


def test_scaled_and_warped_is_one_step(asker: Asker) -> None:
    _, file = asker.raster("A&outputcrs=EPSG:3857&scalesize=E(50),N(40)&interpolation=average")
    with file.open() as made:
        assert (made.width, made.height) == (50, 40)


def test_index_axes_are_scaled_too(asker: Asker) -> None:
    body = content(asker.coverage("G&scalesize=i(5)&format=application/netcdf"))
    with xr.open_dataset(io.BytesIO(body), engine="h5netcdf", mask_and_scale=False) as file:
        rows = np.arange(5) * 11 // 5
        np.testing.assert_array_equal(file["v"].values, asker.made.arrays["G"]["v"][rows])


@pytest.mark.parametrize(
    ("bands", "wanted"),
    [
        ("u,v", ("u", "v")),
        ("v", ("v",)),
        ("u:v", ("u", "v")),
        ("1,0", ("v", "u")),
        ("*", ("u", "v")),
    ],
)
def test_bands_come_in_the_order_asked(asker: Asker, bands: str, wanted: tuple[str, ...]) -> None:
    root = etree.fromstring(content(asker.coverage(f"W&rangesubset={bands}&{GML}")))
    found = tuple(str(one.get("name")) for one in root.iterfind(".//swe:field", NAMES))
    assert found == wanted


def test_a_sliced_axis_is_gone_but_where_files_hold_planes(asker: Asker) -> None:
    for query, labels in (
        ("A&subset=Lat(12.1)", "Lon"),
        ("T&subset=Lat(12.1)&subset=Lon(3)", "ansi"),
        ("T&subset=ansi(%222020-01-01%22)", "Lat Lon"),
    ):
        root = etree.fromstring(content(asker.coverage(f"{query}&{GML}")))
        envelope = root.find(".//gml:Envelope", NAMES)
        assert envelope is not None
        assert envelope.get("axisLabels") == labels
    cells, file = asker.raster("A&subset=Lat(12.1)")
    with file.open() as made:
        assert made.shape == (1, 60)
    np.testing.assert_array_equal(cells[0][0], asker.made.arrays["A"]["v"][35])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("A&subset=Q(1,2)", 404, "InvalidAxisLabel"),
        ("A&subset=Lat(1,2)&subset=Lat(3)", 404, "InvalidAxisLabel"),
        ("A&subset=Lat(5,1)", 404, "InvalidSubsetting"),
        ("A&subset=Lat(100,200)", 404, "InvalidSubsetting"),
        ("A&subset=Lat(100)", 404, "InvalidSubsetting"),
        ("nowhere&subset=Lat(1)", 404, "NoSuchCoverage"),
        ("nowhere", 404, "NoSuchCoverage"),
        ("&subset=Lat(1)", 400, "MissingParameterValue"),
        ("A&outputcrs=EPSG:99999", 404, "OutputCrs-NotSupported"),
        ("G&outputcrs=EPSG:4326", 404, "OutputCrs-NotSupported"),
        ("A&subset=Lat(1,2)&subsettingcrs=EPSG:99999", 404, "SubsettingCrs-NotSupported"),
        ("A&scalesize=Q(4)", 404, "ScaleAxisUndefined"),
        ("A&scaleaxes=ansi(0.5)", 404, "ScaleAxisUndefined"),
        ("A&scaleaxes=Lat(2),Lat(3)", 404, "InvalidScaleFactor"),
        ("A&scalefactor=-1", 404, "InvalidScaleFactor"),
        ("A&scalefactor=2&scalesize=Lat(4)", 404, "InvalidScaleFactor"),
        ("A&scalesize=Lat(0)", 404, "InvalidScaleFactor"),
        ("A&scalesize=Lat(1.5)", 404, "InvalidScaleFactor"),
        ("A&scalesize=Lat(4)&scalesize=Lat(4)", 404, "InvalidScaleFactor"),
        ("A&scaleextent=Lat(5:4)", 404, "InvalidExtent"),
        ("T&scalesize=ansi(3)", 404, "InvalidScaleFactor"),
        ("A&outputcrs=EPSG:3857&interpolation=mode", 404, "InterpolationMethodNotSupported"),
        ("A&interpolation=barycentric", 404, "InterpolationMethodNotSupported"),
        ("A&interpolationperaxis=Q,linear", 404, "InvalidAxisLabel"),
        ("A&interpolation=Lat:linear,lat:linear", 404, "InterpolationMethodNotSupported"),
        (
            "A&scalefactor=2&outputcrs=EPSG:3857&interpolation=Lat:linear,Lon:cubic",
            404,
            "InterpolationMethodNotSupported",
        ),
        # Places that are listed cannot be scaled by any method.
        ("W&scaleaxes=height(2)&interpolation=height:linear", 404, "InvalidScaleFactor"),
        ("A&rangesubset=nothing", 404, "NoSuchField"),
        ("W&rangesubset=v:u", 400, "IllegalFieldSequence"),
        ("A&format=image/gif", 400, "InvalidParameterValue"),
        ("A&mediatype=text/plain", 400, "InvalidParameterValue"),
    ],
)
def test_faults(asker: Asker, query: str, status: int, code: str) -> None:
    assert code_of(asker.coverage(query)) == (status, code)


@pytest.mark.parametrize("name", "ATPWU")
def test_the_whole_envelope_is_the_whole_coverage(asker: Asker, name: str) -> None:
    """Bounds as the envelope gives them, times in days, as the OGC's suite sends them."""
    described = asker.get(f"service=WCS&version=2.0.1&request=DescribeCoverage&coverageid={name}")
    envelope = etree.fromstring(content(described)).find(".//gml:Envelope", NAMES)
    assert envelope is not None
    low, high = (
        str(envelope.findtext(f"gml:{end}Corner", None, NAMES)).split()
        for end in ("lower", "upper")
    )
    labels = str(envelope.get("axisLabels")).split()
    subsets = [f"&subset={a}({x},{y})" for a, x, y in zip(labels, low, high, strict=True)]
    form = "&format=application/netcdf"
    assert content(asker.coverage(name + "".join(subsets) + form)) == content(
        asker.coverage(name + form)
    )


def test_the_order_of_subsets_does_not_matter(asker: Asker) -> None:
    one = content(asker.coverage("A&subset=Lat(3,9)&subset=Lon(4,8)"))
    assert content(asker.coverage("A&subset=Lon(4,8)&subset=Lat(3,9)")) == one


def test_jpeg_2000_and_pictures_know_their_place(asker: Asker) -> None:
    body = content(asker.coverage("A&format=image/jp2&subset=Lat(0,10)"))
    with rasterio.MemoryFile(body) as file, file.open() as made:
        np.testing.assert_array_equal(made.read(1), asker.made.arrays["A"]["v"][40:])
