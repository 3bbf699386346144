"""Coverages that grow: more files, changed files, files that do not fit."""

import os
from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import from_origin

from ingest.summary import Status
from tests.ingest.recipes.conftest import Kitchen
from tests.ingest.recipes.files import write_tiff

RECIPE = """
coverage: GROW
files: "*.tif"
axes:
  - {name: time, is: time, file_name: {pattern: '(?P<value>\\d{8})', format: '%Y%m%d'}}
bands: [{name: v, nodata: -1}]
"""
CELLS = np.arange(600, dtype="int16").reshape(20, 30)


def test_later_files_extend_and_the_same_are_skipped(kitchen: Kitchen) -> None:
    write_tiff(kitchen.folder / "a_20200101.tif", CELLS)
    kitchen.served(RECIPE)
    write_tiff(kitchen.folder / "a_20200201.tif", CELLS + 1)
    east = from_origin(500_300, 5_200_000, 10, 10)
    write_tiff(kitchen.folder / "b_20200201.tif", CELLS + 2, transform=east)
    summary = kitchen.served(RECIPE)
    assert [o.status for o in summary.outcomes] == ["skipped", "ingested", "ingested"]
    assert "there already" in str(summary.outcomes[0].note)
    made = kitchen.dataset("GROW")["v"]
    assert made.shape == (2, 20, 60)
    np.testing.assert_array_equal(made.values[1], np.concatenate([CELLS + 1, CELLS + 2], axis=1))
    np.testing.assert_array_equal(made.values[0, :, :30], CELLS)
    assert np.isnan(made.values[0, :, 30:]).all()


def test_a_changed_file_supersedes_itself(kitchen: Kitchen) -> None:
    path = write_tiff(kitchen.folder / "a_20200101.tif", CELLS)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    kitchen.served(RECIPE)
    write_tiff(path, CELLS * 2)
    summary = kitchen.served(RECIPE)
    assert summary.counts["superseded"] == 1
    (stored,) = kitchen.stored("GROW", "v")
    np.testing.assert_array_equal(stored, CELLS * 2)


@pytest.mark.parametrize("overlap", ["newest", "name"])
def test_which_file_wins_where_files_overlap(kitchen: Kitchen, overlap: str) -> None:
    """`a` was modified last, `b` has the later name."""
    for name, when, values in (("b", 1_500_000_000, CELLS + 1), ("a", 1_600_000_000, CELLS)):
        path = write_tiff(kitchen.folder / f"{name}_20200101.tif", values)
        os.utime(path, (when, when))
    kitchen.served(RECIPE + f"overlap: {overlap}\n")
    expected = CELLS if overlap == "newest" else CELLS + 1
    np.testing.assert_array_equal(kitchen.dataset("GROW")["v"].values[0], expected)


MISFITS = {
    "CRS": ({"crs": "EPSG:32634"}, "its CRS is EPSG:32634, that of the cube EPSG:32633"),
    "resolution": (
        {"transform": from_origin(500_000, 5_200_000, 20, 20)},
        "its cells on E are 20 m, not 10",
    ),
    "shift": (
        {"transform": from_origin(500_004, 5_200_000, 10, 10)},
        "shifted against those of the cube: E by 0.40000, N by 0.00000 of a cell",
    ),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_cells_that_do_not_fit_are_refused_with_the_reason(kitchen: Kitchen, misfit: str) -> None:
    profile, reason = MISFITS[misfit]
    write_tiff(kitchen.folder / "a_20200101.tif", CELLS)
    write_tiff(kitchen.folder / "b_20200201.tif", CELLS, **profile)
    summary = kitchen.cook(RECIPE)
    assert [o.status for o in summary.outcomes] == [Status.INGESTED, Status.FAILED]
    assert summary.exit_code == 1
    assert reason in str(summary.outcomes[1].note)


def test_average_aligns_files_of_finer_cells(kitchen: Kitchen) -> None:
    write_tiff(
        kitchen.folder / "a_20200101.tif", CELLS, transform=from_origin(500_000, 5_200_000, 20, 20)
    )
    fine = np.repeat(np.repeat(CELLS, 2, 0), 2, 1)
    fine[::2] += 10
    write_tiff(kitchen.folder / "b_20200201.tif", fine)
    kitchen.served(RECIPE + "resample: average\n")
    made = kitchen.dataset("GROW")["v"].values
    np.testing.assert_array_equal(made[0], CELLS)
    np.testing.assert_array_equal(made[1], CELLS + 5)


def test_a_declared_grid_takes_files_in_any_order(kitchen: Kitchen) -> None:
    write_tiff(
        kitchen.folder / "a_20200101.tif", CELLS, transform=from_origin(500_005, 5_200_000, 10, 10)
    )
    write_tiff(kitchen.folder / "b_20200201.tif", CELLS)
    summary = kitchen.cook(RECIPE + "grid: {origin: [0, 0], resolution: 10}\n")
    assert [o.status for o in summary.outcomes] == [Status.FAILED, Status.INGESTED]
    assert "E by 0.50000" in str(summary.outcomes[0].note)


def test_a_dry_run_writes_nothing(kitchen: Kitchen) -> None:
    write_tiff(kitchen.folder / "a_20200101.tif", CELLS)
    summary = kitchen.cook(RECIPE, dry_run=True)
    assert [o.status for o in summary.outcomes] == [Status.PLANNED]
    assert not kitchen.store.exists()


def test_float32_coordinates_of_tiles_meet(kitchen: Kitchen) -> None:
    """Two tiles of cells of 1/112 degree, written as float32, lie on one lattice."""
    import xarray as xr  # noqa: PLC0415  # for this test alone

    lon = (np.arange(2240) + 0.5) / 112 - 180
    lat = 60 - (np.arange(50) + 0.5) / 112
    for name, part in (("a", lon[:1120]), ("b", lon[1120:])):
        cells = np.full((50, 1120), ord(name), "uint8")
        xr.Dataset(
            {"v": (("lat", "lon"), cells)},
            coords={
                "lat": ("lat", lat.astype("float32"), {"units": "degrees_north"}),
                "lon": ("lon", part.astype("float32"), {"units": "degrees_east"}),
            },
        ).to_netcdf(kitchen.folder / f"{name}.nc", engine="netcdf4")
    kitchen.served("{coverage: F, files: '*.nc', bands: [{name: v}]}")
    made = kitchen.dataset("F")["v"].values
    assert made.shape == (50, 2240)
    np.testing.assert_array_equal(made, np.repeat([[97, 98]], 1120, axis=1).repeat(50, axis=0))


def test_the_store_of_many_slots_is_bounded_by_its_files(kitchen: Kitchen) -> None:
    """A file that cannot be read in the middle fails alone."""
    for month in range(1, 5):
        write_tiff(kitchen.folder / f"a_2020{month:02}01.tif", CELLS + month)
    broken = Path(kitchen.folder / "a_20200301.tif")
    broken.write_bytes(broken.read_bytes()[:200])
    summary = kitchen.cook(RECIPE)
    assert summary.counts["ingested"] == 3
    assert summary.counts["failed"] == 1
    assert summary.exit_code == 1
    assert len(kitchen.slots("GROW")) == 3


def test_a_large_plane_is_cut_into_scenes_of_their_own(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second file lies 300 cells east and south: its parts end where the first one's do."""
    monkeypatch.setattr("ingest.recipes.reader.PART_PX", 1024)
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 5000, (2, 1500, 1100)).astype("int16")
    write_tiff(kitchen.folder / "a_20200101.tif", one)
    shifted = from_origin(503_000, 5_197_000, 10, 10)
    write_tiff(kitchen.folder / "b_20200201.tif", other, transform=shifted)
    summary = kitchen.served(RECIPE)
    assert summary.counts["ingested"] == 8
    made = kitchen.dataset("GROW")["v"].values
    np.testing.assert_array_equal(made[0, :1500, :1100], one)
    np.testing.assert_array_equal(made[1, 300:, 300:], other)
    rows = sorted({s.windows[0].window.rows for s in kitchen.slots("GROW")})
    assert rows == [(0, 1024), (300, 1024), (1024, 1500), (1024, 1800)]
    assert kitchen.cook(RECIPE).counts["skipped"] == 8
