"""The Zarr documents that stand before any cell."""

import json
import multiprocessing
from pathlib import Path

import pytest
import zarr

from datacube.store import ZarrStore, open_store
from tests.datacube.store.making import (
    CUBE,
    NODATA,
)


def test_prepared_arrays_carry_cf_and_the_conventions(store: ZarrStore) -> None:
    store.prepare(CUBE)
    root = Path(store.location.name) / CUBE.name
    band = zarr.open_array(root / "r10m/3/B02", mode="r")
    assert band.shape == (2**20, 150_000, 30_000)
    assert band.metadata.dimension_names == ("slot", "y", "x")  # type: ignore[union-attr]  # v3
    assert band.fill_value == NODATA
    assert band.attrs["scale_factor"] == 1e-4
    assert band.attrs["grid_mapping"] == "spatial_ref"
    classes = zarr.open_array(root / "r20m/0/SCL", mode="r")
    assert classes.attrs["flag_meanings"] == "vegetation"
    level = zarr.open_group(root / "r10m/3", mode="r")
    assert level.attrs["proj:code"] == "EPSG:32633"
    assert level.attrs["spatial:transform"] == [80.0, 0.0, -600_000.0, 0.0, -80.0, 10_800_000.0]
    mapping = zarr.open_array(root / "r10m/3/spatial_ref", mode="r")
    assert mapping.attrs["GeoTransform"] == "-600000.0 80.0 0.0 10800000.0 0.0 -80.0"
    layout = zarr.open_group(root / "r10m", mode="r").attrs["multiscales"]
    assert len(layout["layout"]) == 8  # type: ignore[call-overload,index,arg-type]  # JSON


def _prepare(folder: Path) -> None:
    open_store(folder).prepare(CUBE)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_four_processes_may_prepare_one_cube_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_prepare, args=(tmp_path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    documents = list(tmp_path.rglob("zarr.json"))
    assert len(documents) == 2 + 3 + 8 * (3 + 2 + 2 + 3 * 2)
    assert all(json.loads(d.read_text())["zarr_format"] == 3 for d in documents)
    assert not list(tmp_path.rglob("*.partial"))
