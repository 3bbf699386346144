"""Zipped Zarr, opened by xarray through Zarr's own store of zips."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
import xarray as xr
import zarr.storage

from datacube.axes import RegularAxis
from datacube.cells import Cells
from datacube.encode import zarr_zip
from datacube.encode.zarr_zip import encode_zarr_zip
from datacube.errors import InvalidParameterError
from datacube.grid import Window
from datacube.plan.encoding import EncodeParameters
from datacube.plan.nodes import Domain, Plan
from tests.builders.plans import (
    TIMES,
    Held,
    held,
    reflectance,
    scene_classes,
    time_axis,
    utm_grid,
)

ZIP = "application/zip"


@contextmanager
def opened(
    body: bytes | Path, folder: Path, *, mask_and_scale: bool = True
) -> Iterator[xr.Dataset]:
    path = folder / "answer.zip"
    path.write_bytes(body if isinstance(body, bytes) else body.read_bytes())
    store = zarr.storage.ZipStore(path, mode="r")
    with xr.open_zarr(store, chunks=None, mask_and_scale=mask_and_scale) as dataset:
        yield dataset


def test_times_and_bands_are_read_by_xarray(tmp_path: Path) -> None:
    bands = (reflectance("B04"), reflectance("B08"), scene_classes())
    # Blocks of several chunks, which the last ones do not fill.
    source = held(bands, utm_grid(1100, 700), outer=(time_axis(),))
    body = encode_zarr_zip(source.job(ZIP, scenes=("S2A_ONE",)))
    with opened(body, tmp_path, mask_and_scale=False) as dataset:
        assert dataset["B04"].dims == ("time", "y", "x")
        for band in bands:
            expected = source.expected(band.name, band.nodata)
            np.testing.assert_array_equal(dataset[band.name].values, expected)
        moments = np.array([t.replace(tzinfo=None) for t in TIMES], "datetime64[us]")
        np.testing.assert_array_equal(dataset["time"].values, moments)
        # The centres of cell (200, 300) of 10 m from (300,000, 5,400,000).
        assert (dataset["x"].values[0], dataset["y"].values[0]) == (303_005, 5_397_995)
        assert "32633" in dataset["spatial_ref"].attrs["spatial_ref"]
        assert dataset.attrs["source_scenes"] == "S2A_ONE"
        assert dataset.attrs["title"] == "S2_L2A_32633"


def test_cf_tells_how_numbers_are_decoded(tmp_path: Path) -> None:
    source = held((reflectance("B04"),), utm_grid(30, 40))
    with opened(encode_zarr_zip(source.job(ZIP)), tmp_path) as dataset:
        expected = np.where(source.valid["B04"], source.values["B04"] * 0.0001, np.nan)
        np.testing.assert_allclose(dataset["B04"].values, expected, rtol=1e-12)


def test_members_are_stored_and_equal_answers_are_equal_bytes(tmp_path: Path) -> None:
    source = held((reflectance("B04"),), utm_grid(600, 30))
    body = encode_zarr_zip(source.job(ZIP))
    assert body == encode_zarr_zip(source.job(ZIP))
    assert isinstance(body, bytes)
    path = tmp_path / "answer.zip"
    path.write_bytes(body)
    with ZipFile(path) as file:
        assert {info.compress_type for info in file.infolist()} == {ZIP_STORED}
        assert {"zarr.json", "B04/c/0/0", "B04/c/1/0", "x/c/0"} <= set(file.namelist())


def test_chunks_without_a_valid_cell_are_left_out(tmp_path: Path) -> None:
    source = held((reflectance("B04"),), utm_grid(600, 30))
    source.valid["B04"][:512] = False
    body = encode_zarr_zip(source.job(ZIP))
    with opened(body, tmp_path, mask_and_scale=False) as dataset:
        np.testing.assert_array_equal(dataset["B04"].values, source.expected("B04", -32768))
    with ZipFile(tmp_path / "answer.zip") as file:
        assert "B04/c/0/0" not in file.namelist()


def test_what_has_no_number_is_nodata(tmp_path: Path) -> None:
    band = replace(reflectance("ratio"), dtype="float32", nodata=float("nan"), scale=1.0)
    source = held((band,), utm_grid(4, 4))
    source.values["ratio"][0, 0], source.valid["ratio"][0, 0] = np.inf, True
    with opened(encode_zarr_zip(source.job(ZIP)), tmp_path) as dataset:
        assert np.isnan(dataset["ratio"].values[0, 0])


def test_an_axis_alone_is_cut_in_runs(tmp_path: Path) -> None:
    size = 600_000
    axis = RegularAxis(name="position", uom="m", start=0.0, step=1.0, size=size)
    source = held((reflectance("B04"),), utm_grid(4, 4))
    plan = replace(source.plan, domain=Domain(outer=(axis,), grid=None))
    values = np.random.default_rng(3).integers(1, 4000, size).astype("int16")
    long = Held(plan, {"B04": values}, {"B04": np.ones(size, bool)})
    with opened(encode_zarr_zip(long.job(ZIP)), tmp_path, mask_and_scale=False) as dataset:
        np.testing.assert_array_equal(dataset["B04"].values, values)
    with ZipFile(tmp_path / "answer.zip") as file:
        assert {"B04/c/0", "B04/c/1", "B04/c/2"} <= set(file.namelist())


def test_a_large_answer_is_a_file_with_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = held((reflectance("B04"),), utm_grid(600, 520))
    small = encode_zarr_zip(source.job(ZIP))
    monkeypatch.setattr(zarr_zip, "IN_MEMORY_BYTES", 1000)
    large = encode_zarr_zip(source.job(ZIP))
    assert isinstance(large, Path)
    assert large.read_bytes() == small
    assert list(tmp_path.iterdir()) == [large]


def test_a_failure_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(zarr_zip, "IN_MEMORY_BYTES", 1000)
    source = held((reflectance("B04"),), utm_grid(60, 52))

    def fail(_plan: Plan, _window: Window) -> Cells:
        raise OSError("no cells")

    with pytest.raises(OSError, match="no cells"):
        encode_zarr_zip(replace(source.job(ZIP), compute=fail))
    assert list(tmp_path.iterdir()) == []


def test_metadata_are_attributes_and_other_parameters_are_refused(tmp_path: Path) -> None:
    job = held((reflectance("B04"),), utm_grid(4, 4)).job(ZIP)
    told = EncodeParameters(metadata=(("project", "fields"),))
    named = replace(job, node=replace(job.node, parameters=told))
    with opened(encode_zarr_zip(named), tmp_path) as dataset:
        assert dataset.attrs["project"] == "fields"
    swapped = replace(job, node=replace(job.node, parameters=EncodeParameters(transpose=(0, 1))))
    with pytest.raises(InvalidParameterError, match="only metadata is offered"):
        encode_zarr_zip(swapped)
