"""Parameters and types of GeoTIFF, JPEG 2000 and netCDF, read back by GDAL and xarray."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import h5netcdf
import numpy as np
import pytest
import xarray
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import DatasetReader, MemoryFile
from wcps.service import Service

from datacube.axes import IrregularAxis
from datacube.cells import Valid
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Domain, Field, Held
from tests.builders.plans import geographic_grid, time_axis, utm_grid
from tests.builders.results import encoded, index_axis, result

TIFF, JP2, NETCDF = "image/tiff", "image/jp2", "application/netcdf"
RNG = np.random.default_rng(3)
KNOWN = np.array([[True, False, True], [True, True, True]])
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def plane(*arrays: NDArray[Any], valid: Valid | None = None, nulls: tuple[float, ...] = ()) -> Held:
    named = {f"b{k}": array for k, array in enumerate(arrays)}
    fields = tuple(
        Field(name=name, dtype=array.dtype.name, nodata=None, nulls=nulls)
        for name, array in named.items()
    )
    known = {} if valid is None else dict.fromkeys(named, valid)
    domain = Domain(grid=utm_grid(*arrays[0].shape))
    return result(domain, named, valid=known, fields=fields)


@contextmanager
def opened(body: bytes) -> Iterator[DatasetReader]:
    with MemoryFile(body) as file, file.open() as dataset:
        yield dataset


BYTES = np.array([[0, 77, 255], [3, 4, 5]], np.uint8)


def test_bytes_stay_bytes_and_a_mask_tells_what_is_null() -> None:
    with opened(encoded(plane(BYTES, valid=KNOWN), TIFF)) as dataset:
        assert (dataset.dtypes, dataset.nodata) == (("uint8",), None)
        assert dataset.read(1, masked=True).mask.tolist() == (~KNOWN).tolist()
        assert dataset.read(1).tolist() == [[0, 0, 255], [3, 4, 5]]


def test_several_times_of_bytes_need_a_wider_type() -> None:
    domain = Domain(outer=(time_axis(),), grid=utm_grid(2, 3))
    made = result(domain, {"v": np.stack([BYTES, BYTES])}, valid={"v": np.stack([KNOWN, ~KNOWN])})
    with opened(encoded(made, TIFF)) as dataset:
        assert (dataset.dtypes, dataset.nodata) == (("int16", "int16"), -32768)
        assert dataset.read(2).tolist() == [[-32768, 77, -32768], [-32768] * 3]


def test_nodata_of_a_geotiff() -> None:
    with opened(encoded(plane(BYTES, valid=KNOWN), TIFF, '{"nodata": [9]}')) as dataset:
        assert (dataset.dtypes, dataset.nodata) == (("uint8",), 9)
        assert dataset.read(1).tolist() == [[0, 9, 255], [3, 4, 5]]
    with pytest.raises(InvalidParameterError, match=r"nodata -9999 is no number of .* uint8"):
        encoded(plane(BYTES), TIFF, "nodata=-9999")


def test_nulls_are_written_as_rasdaman_does_in_compat() -> None:
    made = plane(BYTES, valid=KNOWN, nulls=(42, 0))
    with opened(encoded(made, TIFF, compat=True)) as dataset:
        assert (dataset.dtypes, dataset.nodata) == (("uint8",), 42)
        assert dataset.read(1).tolist() == [[0, 42, 255], [3, 4, 5]]


def test_what_is_divided_by_zero_is_nodata() -> None:
    values = np.array([[1.5, np.inf, -np.inf], [np.nan, 2, 3]], np.float32)
    with opened(encoded(plane(values), TIFF)) as dataset:
        assert np.isnan(dataset.nodata)
        expected = np.where(np.isfinite(values), values, np.nan)
        np.testing.assert_array_equal(dataset.read(1), expected)
    with opened(encoded(plane(values), TIFF, compat=True)) as dataset:
        np.testing.assert_array_equal(dataset.read(1), values)
    read = xarray.open_dataset(BytesIO(encoded(plane(values), NETCDF)), engine="h5netcdf")
    np.testing.assert_array_equal(read["b0"], np.where(np.isfinite(values), values, np.nan))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(dtype: str) -> None:
    values = (RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))).astype(dtype)
    with opened(encoded(plane(values, valid=KNOWN), TIFF)) as dataset:
        assert dataset.dtypes == (dtype,)
        back = dataset.read(1)
    np.testing.assert_array_equal(back[KNOWN], values[KNOWN])
    assert np.isnan(back[~KNOWN]).all()
    with pytest.raises(InvalidParameterError, match="complex numbers, which netCDF does not hold"):
        encoded(plane(values), NETCDF)


def test_place_metadata_and_transposition_of_a_geotiff() -> None:
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    parameters = (
        '{"metadata": {"owner": "me", "n": 1}, '
        '"geoReference": {"crs": "EPSG:3857", "bbox": [0, 0, 30, 40]}}'
    )
    with opened(encoded(plane(values), TIFF, parameters)) as dataset:
        assert dataset.crs.to_epsg() == 3857
        assert dataset.transform == Affine(10, 0, 0, 0, -20, 40)
        assert dataset.tags() | {"owner": "me", "n": "1"} == dataset.tags()
    with opened(encoded(plane(values), TIFF, '{"transpose": [0, 1]}')) as dataset:
        assert dataset.read(1).tolist() == values.T.tolist()
        # The pixel of the second row, third column as it was.
        assert dataset.transform @ (1, 2) == plane(values).domain.plane.transform @ (2, 1)
    gcps = (
        '{"geoReference": {"crs": "EPSG:4326", "GCPs": [{"pixel": 1, "line": 2, "x": 3, "y": 4}]}}'
    )
    with opened(encoded(plane(values), TIFF, gcps)) as dataset:
        (found,), crs = dataset.gcps
        assert (found.col, found.row, found.x, found.y, crs.to_epsg()) == (1, 2, 3, 4, 4326)


def test_colours_of_a_geotiff() -> None:
    palette = '{"colorPalette": {"colors": [[1, 2, 3], [4, 5, 6]]}}'
    with opened(encoded(plane(np.zeros((2, 3), np.uint8)), TIFF, palette)) as dataset:
        assert [dataset.colormap(1)[k] for k in (0, 1)] == [(1, 2, 3, 255), (4, 5, 6, 255)]
    table = '{"colorMap": {"type": "intervals", "colorTable": {"0": [1, 2, 3], "4": [7, 8, 9]}}}'
    with opened(encoded(plane(BYTES, valid=KNOWN), TIFF, table)) as dataset:
        assert dataset.read()[:, 0].T.tolist() == [[1, 2, 3, 255], [0, 0, 0, 0], [7, 8, 9, 255]]
    with pytest.raises(InvalidParameterError, match="palette is for one plane of uint8"):
        encoded(plane(np.zeros((2, 3))), TIFF, palette)


def test_options_of_a_geotiff() -> None:
    values = plane(np.zeros((700, 600), np.float32))
    asked = '{"formatParameters": {"COMPRESS": "lzw", "PREDICTOR": 3, "BLOCKSIZE": 256}}'
    with opened(encoded(values, TIFF, asked)) as dataset:
        assert dataset.compression.name == "lzw"
        assert dataset.block_shapes == [(256, 256)]
    assert encoded(values, TIFF, "GDAL_CACHEMAX=64") == encoded(values, TIFF)
    for bad in ("TILED=YES", "COMPRESS=a;b/c=d"):
        with pytest.raises(InvalidParameterError, match="allowed"):
            encoded(values, TIFF, bad)


def test_a_grid_without_a_crs() -> None:
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    made = result(Domain(outer=(index_axis("x", 2), index_axis("y", 3, first=5))), {"v": values})
    with opened(encoded(made, TIFF)) as dataset:
        assert dataset.crs is None
        assert dataset.transform == Affine(1, 0, 5, 0, 1, 0)
        np.testing.assert_array_equal(dataset.read(1), values)


def test_further_axes_without_a_plane() -> None:
    axis = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0))
    domain = Domain(outer=(axis, index_axis("x", 2), index_axis("y", 3)))
    values = np.arange(12, dtype=np.int16).reshape(2, 2, 3)
    with opened(encoded(result(domain, {"v": values}), TIFF)) as dataset:
        assert dataset.descriptions == ("v 2", "v 10")
        np.testing.assert_array_equal(dataset.read(), values)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "bool"])
def test_jpeg_2000_is_lossless(dtype: str) -> None:
    bands = [
        RNG.integers(0, 2 if dtype == "bool" else 200, (300, 280)).astype(dtype) for _ in "abc"
    ]
    with opened(encoded(plane(*bands), JP2)) as dataset:
        assert dataset.driver == "JP2OpenJPEG"
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == plane(*bands).domain.plane.transform
        np.testing.assert_array_equal(dataset.read(), np.stack(bands))


def test_jpeg_2000_carries_metadata() -> None:
    with opened(encoded(plane(BYTES), JP2, '{"metadata": {"owner": "me"}}')) as dataset:
        assert dataset.tags()["owner"] == "me"


def test_jpeg_2000_with_loss_is_smaller() -> None:
    ramp = np.add.outer(np.arange(300), np.arange(280)).astype(np.int16) + RNG.integers(
        0, 9, (300, 280)
    )
    made = plane(ramp.astype(np.uint16))
    assert len(encoded(made, JP2, "QUALITY=10")) < len(encoded(made, JP2)) / 2


@pytest.mark.parametrize("dtype", ["float32", "int32", "complex64"])
def test_jpeg_2000_refuses_other_types(dtype: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"holds uint8, int16, uint16; .* b0 {dtype}"):
        encoded(plane(np.zeros((2, 3), dtype)), JP2)


def netcdf(made: Held, parameters: str = "", *, compat: bool = False) -> xarray.Dataset:
    body = encoded(made, NETCDF, parameters, compat=compat)
    return xarray.open_dataset(BytesIO(body), engine="h5netcdf", mask_and_scale=False)


def test_netcdf_of_any_axes() -> None:
    line = netcdf(
        result(Domain(outer=(index_axis("x", 3, first=-1),)), {"v": np.array([1.5, 2, 3])})
    )
    assert line["v"].dims == ("x",)
    assert line["x"].to_numpy().tolist() == [-1, 0, 1]
    height = IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0))
    domain = Domain(outer=(time_axis(), height), grid=geographic_grid(2, 3))
    values = np.arange(24, dtype=np.int32).reshape(domain.shape)
    cube = netcdf(result(domain, {"v": values}))
    assert cube["v"].dims == ("time", "height", "lat", "lon")
    np.testing.assert_array_equal(cube["v"], values)


def test_names_nodata_and_attributes_of_a_netcdf() -> None:
    parameters = (
        '{"dimensions": ["E", "t"], "nodata": 9, "metadata": {"owner": "me"}, '
        '"variables": {"red": {"metadata": {"units": "K"}, "name": "Red"}}}'
    )
    domain = Domain(outer=(index_axis("a", 2), index_axis("b", 3)))
    read = netcdf(result(domain, {"v": BYTES}, valid={"v": KNOWN}), parameters)
    assert read["red"].dims == ("E", "t")
    assert read["red"].dtype == np.uint8
    assert read["red"].to_numpy().tolist() == [[0, 9, 255], [3, 4, 5]]
    attributes = read["red"].attrs
    assert (attributes["units"], attributes["long_name"]) == ("K", "Red")
    assert attributes["_FillValue"] == 9
    assert read.attrs["owner"] == "me"
    for bad in ('{"dimensions": ["a"]}', '{"variables": ["a", "b"]}', '{"variables": ["a/b"]}'):
        with pytest.raises(InvalidParameterError, match="different names"):
            netcdf(result(domain, {"v": BYTES}), bad)


def test_transposition_of_a_netcdf() -> None:
    domain = Domain(outer=(time_axis(),), grid=utm_grid(2, 3))
    values = np.arange(12, dtype=np.int32).reshape(domain.shape)
    read = netcdf(result(domain, {"v": values}), '{"transpose": [1, 2]}')
    assert read["v"].dims == ("time", "x", "y")
    np.testing.assert_array_equal(read["v"], values.transpose(0, 2, 1))


def test_booleans_and_nulls_of_a_netcdf() -> None:
    domain = Domain(outer=(index_axis("x", 3),))
    known = {"v": np.array([True, False, True])}
    made = result(domain, {"v": np.array([True, True, False])}, valid=known)
    read = netcdf(made)["v"]
    assert read.to_numpy().tolist() == [1, 255, 0]
    assert read.attrs["flag_meanings"] == "false true"
    assert read.attrs["flag_values"].tolist() == [0, 1]
    field = Field(name="v", dtype="uint8", nodata=None, nulls=(7,))
    made = result(domain, {"v": np.array([1, 2, 3], np.uint8)}, valid=known, fields=(field,))
    body = encoded(made, NETCDF, compat=True)
    with h5netcdf.File(BytesIO(body)) as file:
        assert file["v"].dtype == np.uint8
        assert file["v"][:].tolist() == [1, 7, 3]


def test_the_client_reads_netcdf() -> None:
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    made = result(
        Domain(outer=(index_axis("a", 2), index_axis("b", 3))), {"v": values, "w": values + 1}
    )
    response = _Response(encoded(made, NETCDF))
    read = Service("http://unused").response_to_wcps_result(response, convert_to_numpy=True)
    np.testing.assert_array_equal(read.value, np.stack([values, values + 1], axis=-1))


class _Response:
    """What the client asks of a response of `requests`."""

    def __init__(self, body: bytes) -> None:
        self.content = body
        self.headers = {"Content-Type": NETCDF}
