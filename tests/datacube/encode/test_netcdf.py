import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from odc.geo.xr import ODCExtensionDa

from datacube.encode import netcdf as module
from datacube.encode.netcdf import encode_netcdf
from tests.builders.plans import (
    TIMES,
    geographic_grid,
    held,
    reflectance,
    scene_classes,
    time_axis,
    utm_grid,
)

# odc-geo multiplies transforms by `*`, which affine 3.1 announces to deprecate.
odc_geo_reads = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@odc_geo_reads
def test_xarray_decodes_it() -> None:
    source = held((reflectance("B04"), scene_classes()), utm_grid(40, 30), outer=(time_axis(),))
    body = encode_netcdf(source.job("application/netcdf", scenes=("S2A_ONE", "S2B_TWO")))
    assert isinstance(body, bytes)
    with xr.open_dataset(BytesIO(body), engine="h5netcdf", decode_coords="all") as dataset:
        assert dict(dataset.sizes) == {"time": 2, "y": 40, "x": 30}
        assert dataset.attrs["Conventions"].startswith("CF-1.")
        assert dataset.attrs["source_scenes"] == "S2A_ONE, S2B_TWO"
        np.testing.assert_array_equal(
            dataset.time, np.array([t.replace(tzinfo=None) for t in TIMES], "datetime64[us]")
        )
        np.testing.assert_array_equal(dataset.x, 303_005 + 10 * np.arange(30))
        np.testing.assert_array_equal(dataset.y, 5_397_995 - 10 * np.arange(40))
        np.testing.assert_allclose(dataset.B04, source.expected("B04", np.nan) * 0.0001, rtol=1e-6)
        np.testing.assert_array_equal(dataset.SCL, source.expected("SCL", np.nan))
        assert dataset.SCL.attrs["flag_meanings"] == "vegetation water cloud"
        assert dataset.SCL.attrs["flag_values"].dtype == np.uint8
        assert isinstance(dataset.B04.odc, ODCExtensionDa)
        assert dataset.B04.odc.crs == 32633
        assert dataset.B04.odc.transform == source.plan.domain.plane.transform


def test_stored_numbers_are_kept() -> None:
    source = held((reflectance("B04"),), utm_grid(700, 600))
    body = encode_netcdf(source.job("application/netcdf"))
    assert isinstance(body, bytes)
    with xr.open_dataset(BytesIO(body), engine="h5netcdf", mask_and_scale=False) as dataset:
        assert dataset.B04.dtype == np.int16
        np.testing.assert_array_equal(dataset.B04, source.expected("B04", -32768))


def test_gdal_finds_its_place(tmp_path: Path) -> None:
    source = held((reflectance("B04"),), utm_grid(40, 30), outer=(time_axis(),))
    body = encode_netcdf(source.job("application/netcdf"))
    assert isinstance(body, bytes)
    file = tmp_path / "b04.nc"
    file.write_bytes(body)
    with rasterio.open(f"netcdf:{file}:B04") as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == source.plan.domain.plane.transform
        assert (dataset.count, dataset.nodata, dataset.scales[0]) == (2, -32768, 0.0001)
        np.testing.assert_array_equal(dataset.read(), source.expected("B04", -32768))


@odc_geo_reads
def test_geographic_dimensions_are_lat_and_lon() -> None:
    source = held((reflectance("B04"),), geographic_grid(4, 6))
    body = encode_netcdf(source.job("application/netcdf"))
    assert isinstance(body, bytes)
    with xr.open_dataset(BytesIO(body), engine="h5netcdf", decode_coords="all") as dataset:
        assert dataset.B04.dims == ("lat", "lon")
        assert dataset.lat.attrs["units"] == "degrees_north"
        assert dataset.B04.odc.crs == 4326


def test_equal_answers_are_equal_bytes_whenever_made() -> None:
    source = held((reflectance("B04"),), utm_grid(40, 30), outer=(time_axis(),))
    first = encode_netcdf(source.job("application/netcdf"))
    time.sleep(1.1)  # HDF5 would note modification times in whole seconds
    assert encode_netcdf(source.job("application/netcdf")) == first


def test_a_large_answer_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 1000)
    source = held((reflectance("B04"),), utm_grid(600, 520))
    large = encode_netcdf(source.job("application/netcdf"))
    assert isinstance(large, Path)
    with xr.open_dataset(large, engine="h5netcdf", mask_and_scale=False) as dataset:
        np.testing.assert_array_equal(dataset.B04, source.expected("B04", -32768))
