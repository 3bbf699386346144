from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile

from datacube.cells import Cells
from datacube.encode import geotiff as module
from datacube.encode import rasters
from datacube.encode.geotiff import encode_geotiff
from datacube.errors import InvalidParameterError
from tests.builders.plans import (
    TIMES,
    UTM_33,
    geographic_grid,
    held,
    reflectance,
    scene_classes,
    time_axis,
    utm_grid,
)


def test_one_band_is_read_back_by_gdal_at_its_place() -> None:
    source = held((reflectance("B04"),), utm_grid(300, 700))
    body = encode_geotiff(source.job("image/tiff", scenes=("S2A_ONE", "S2B_TWO")))
    assert isinstance(body, bytes)
    with MemoryFile(body) as file, file.open() as dataset:
        assert dataset.crs.to_epsg() == 32633
        # Cell (200, 300) of 10 m from (300,000, 5,400,000).
        assert dataset.transform.to_gdal() == (303_000, 10, 0, 5_398_000, 0, -10)
        assert (dataset.nodata, dataset.dtypes) == (-32768, ("int16",))
        assert dataset.descriptions == ("B04",)
        assert (dataset.scales, dataset.offsets, dataset.units) == ((0.0001,), (0.0,), ("1",))
        assert dataset.tags()["source_scenes"] == "S2A_ONE, S2B_TWO"
        assert dataset.tags()["title"] == "S2_L2A_32633"
        np.testing.assert_array_equal(dataset.read(1), source.expected("B04", -32768))


def test_it_is_a_cog_with_overviews() -> None:
    source = held((reflectance("B04"),), utm_grid(900, 1200))
    body = encode_geotiff(source.job("image/tiff"))
    assert isinstance(body, bytes)
    with MemoryFile(body) as file, file.open() as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.block_shapes == [(512, 512)]
        assert dataset.overviews(1) == [2, 4]


def test_times_and_bands_become_bands_time_first() -> None:
    bands = (reflectance("B04"), reflectance("B08"))
    source = held(bands, utm_grid(40, 30), outer=(time_axis(),))
    body = encode_geotiff(source.job("image/tiff"))
    assert isinstance(body, bytes)
    with MemoryFile(body) as file, file.open() as dataset:
        assert dataset.descriptions == (
            "B04 2023-08-10T10:00:31.024Z",
            "B08 2023-08-10T10:00:31.024Z",
            "B04 2023-08-15T09:50:31.123456Z",
            "B08 2023-08-15T09:50:31.123456Z",
        )
        for at in range(len(TIMES)):
            for number, name in enumerate(("B04", "B08")):
                np.testing.assert_array_equal(
                    dataset.read(2 * at + number + 1), source.expected(name, -32768)[at]
                )


def test_mixed_types_are_promoted_without_loss() -> None:
    source = held((reflectance("B04"), scene_classes()), utm_grid(40, 30))
    body = encode_geotiff(source.job("image/tiff"))
    assert isinstance(body, bytes)
    with MemoryFile(body) as file, file.open() as dataset:
        assert dataset.dtypes == ("int16", "int16")
        assert dataset.scales == (0.0001, 1.0)
        # GeoTIFF has one nodata: the classes take that of the reflectance.
        for number, name in enumerate(("B04", "SCL"), start=1):
            np.testing.assert_array_equal(dataset.read(number), source.expected(name, -32768))


def test_float_with_nan() -> None:
    band = replace(reflectance("ndvi"), dtype="float32", nodata=float("nan"), scale=1.0)
    source = held((band,), geographic_grid(20, 30))
    body = encode_geotiff(source.job("image/tiff"))
    assert isinstance(body, bytes)
    with MemoryFile(body) as file, file.open() as dataset:
        assert dataset.crs.to_epsg() == 4326
        assert np.isnan(dataset.nodata)
        np.testing.assert_array_equal(dataset.read(1), source.expected("ndvi", np.nan))


def test_a_large_answer_is_a_file_with_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = held((reflectance("B04"),), utm_grid(600, 520))
    small = encode_geotiff(source.job("image/tiff"))
    monkeypatch.setattr(rasters, "IN_MEMORY_BYTES", 1000)
    large = encode_geotiff(source.job("image/tiff"))
    assert isinstance(large, Path)
    assert large.read_bytes() == small
    assert list(tmp_path.iterdir()) == [large]


def test_a_failure_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(rasters, "IN_MEMORY_BYTES", 1000)
    source = held((reflectance("B04"),), utm_grid(60, 52))

    def fail(*_: object) -> Cells:
        raise OSError("no cells")

    with pytest.raises(OSError, match="no cells"):
        encode_geotiff(replace(source.job("image/tiff"), compute=fail))
    assert list(tmp_path.iterdir()) == []


def test_too_many_bands_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BANDS", 3)
    source = held((reflectance("B04"), reflectance("B08")), utm_grid(4, 4), outer=(time_axis(),))
    with pytest.raises(InvalidParameterError, match="4 bands; a GeoTIFF holds 3"):
        encode_geotiff(source.job("image/tiff"))


def test_the_crs_is_the_cubes() -> None:
    source = held((reflectance("B04"),), utm_grid(4, 4))
    body = encode_geotiff(source.job("image/tiff"))
    assert isinstance(body, bytes)
    with MemoryFile(body) as file, rasterio.open(file.name) as dataset:
        assert UTM_33.equals(dataset.crs.to_wkt())
