"""Coverages of several dates as files: which band, plane or chunk is which date."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr.storage
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from tests.builders.made import T_TIMES
from tests.ogc.wcs.conftest import Asker, content

SEVERAL = f"subset=ansi(%22{T_TIMES[1]}%22,%22{T_TIMES[4]}%22)"
DATES = slice(1, 5)
BANDS = ("b4", "b8")


def moments() -> NDArray[np.datetime64]:
    return np.array([text.removesuffix("Z") for text in T_TIMES[DATES]], "datetime64[us]")


def test_a_geotiff_has_a_band_for_each_date_and_field_time_first(asker: Asker) -> None:
    body = content(asker.coverage(f"T&{SEVERAL}&format=image/tiff"))
    with MemoryFile(body) as file, file.open() as dataset:
        assert dataset.count == len(moments()) * len(BANDS)
        for number in range(1, dataset.count + 1):
            date, field = divmod(number - 1, len(BANDS))
            expected = asker.made.arrays["T"][BANDS[field]][DATES][date]
            np.testing.assert_array_equal(dataset.read(number), expected)
            tags = dataset.tags(number)
            assert tags["band"] == BANDS[field]
            assert np.datetime64(tags["time"].removesuffix("Z")) == moments()[date]
            assert dataset.descriptions[number - 1] == f"{BANDS[field]} {tags['time']}"


def test_a_netcdf_has_an_axis_of_time(asker: Asker) -> None:
    body = content(asker.coverage(f"T&{SEVERAL}&format=application/netcdf"))
    with xr.open_dataset(BytesIO(body), engine="h5netcdf", mask_and_scale=False) as dataset:
        check(dataset, asker)
        assert dataset["time"].attrs["axis"] == "T"


@pytest.mark.parametrize("name", ["application/zip", "application/zip;application=zarr"])
def test_a_zipped_zarr_has_an_axis_of_time(asker: Asker, tmp_path: Path, name: str) -> None:
    reply = asker.coverage(f"T&{SEVERAL}&format={name}")
    assert reply.media_type == "application/zip"
    check_zip(content(reply), asker, tmp_path)


def test_wcps_writes_the_same_zip(asker: Asker, tmp_path: Path) -> None:
    first, last = T_TIMES[1], T_TIMES[4]
    query = f'for $c in (T) return encode($c[ansi("{first}":"{last}")], "zarr")'
    check_zip(content(asker.get(f"service=WCPS&query={query}")), asker, tmp_path)


def check_zip(body: bytes, asker: Asker, folder: Path) -> None:
    path = folder / "answer.zip"
    path.write_bytes(body)
    store = zarr.storage.ZipStore(path, mode="r")
    with xr.open_zarr(store, chunks=None, mask_and_scale=False) as dataset:
        check(dataset, asker)
        assert "4326" in dataset["spatial_ref"].attrs["spatial_ref"]


def check(dataset: xr.Dataset, asker: Asker) -> None:
    """Compare dates, places and cells with what was stored."""
    np.testing.assert_array_equal(dataset["time"].values, moments())
    for name in BANDS:
        assert dataset[name].dims == ("time", "lat", "lon")
        np.testing.assert_array_equal(dataset[name].values, asker.made.arrays["T"][name][DATES])
    assert dataset["lat"].attrs["units"] == "degrees_north"
