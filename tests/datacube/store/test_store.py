"""Writing and reading cells."""

import pickle
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import zarr
from obstore.store import MemoryStore

from datacube.catalog import open_catalog
from datacube.cube import Band
from datacube.errors import (
    StoreDamagedError,
)
from datacube.grid import Grid, Window
from datacube.lattices import free_group
from datacube.protocols import BandRead
from datacube.store import ZarrStore, open_store, zarr_store
from datacube.store.objects import Objects
from tests.datacube.catalog.making import COLLECTION
from tests.datacube.store.making import (
    CUBE,
    FINE,
    NODATA,
    WINDOW,
    noise,
    request,
    shard_files,
    write_slot,
)


def test_any_window_of_a_scene_reads_back(store: ZarrStore) -> None:
    values = noise(WINDOW)
    slot = write_slot(store, values, WINDOW)
    canvas = np.full((4_000, 5_500), NODATA, dtype=np.int16)
    around = Window(((599_500, 603_500), (95_500, 101_000)))
    canvas[WINDOW.slices(around)] = values
    rng = np.random.default_rng(1)
    for _ in range(40):
        row, col = int(rng.integers(599_500, 603_000)), int(rng.integers(95_500, 100_500))
        height, width = (int(n) for n in rng.integers(1, 500, 2))
        part = Window(((row, min(row + height, 603_500)), (col, min(col + width, 101_000))))
        assert (store.read(slot, request(part)) == canvas[part.slices(around)]).all()
    outside = Window(((0, 10), (0, 10)))
    assert (store.read(slot, request(outside)) == NODATA).all()
    assert (store.read(slot, request(WINDOW, band="B08")) == NODATA).all()


def test_real_pixels_are_stored_exactly_and_by_plain_zarr_rules(
    store: ZarrStore, testdata: Path
) -> None:
    with rasterio.open(testdata / "s2_l1c_virginia_13bands" / "T18SVG_B08.jp2") as source:
        values = source.read(1).astype("int16")
    window = Window(((600_001, 600_001 + values.shape[0]), (96_007, 96_007 + values.shape[1])))
    slot = write_slot(store, values, window, band="B08")
    assert (store.read(slot, request(window, band="B08")) == values).all()
    # The reference implementation of Zarr, without our reader or the fast pipeline.
    path = f"{store.location.name}/{CUBE.name}/r10m/0/B08"
    array = zarr.open_array(path, mode="r")
    (y0, y1), (x0, x1) = window.ranges
    assert (np.asarray(array[0:1, y0:y1, x0:x1])[0] == values).all()
    assert array.shape == (2**20, 1_200_000, 240_000)
    assert (array.chunks, array.shards) == ((1, 256, 256), (1, 2048, 2048))


def test_shards_without_data_are_neither_written_nor_recorded(store: ZarrStore) -> None:
    values = noise(WINDOW)
    values[:, : 98_304 - 96_000] = NODATA  # the shard border 48 * 2048
    asked = request(WINDOW)
    written = store.write(CUBE, 0, asked, values)
    assert written == tuple((row, col) for row in (292, 293, 294) for col in (48, 49))
    assert store.write(CUBE, 1, asked, np.full(WINDOW.shape, NODATA, dtype=np.int16)) == ()
    assert store.slots_found() == {CUBE.name: 0}


def test_a_second_write_to_a_shard_is_refused(store: ZarrStore) -> None:
    values = noise(WINDOW)
    left = Window((WINDOW.rows, (96_000, 97_000)))
    right = Window((WINDOW.rows, (97_000, 98_000)))
    store.write(CUBE, 0, request(left), values[:, :1000])
    with pytest.raises(ValueError, match="whole shards"):
        store.write(CUBE, 0, request(right), values[:, 1000:2000])
    store.write(CUBE, 1, request(right), values[:, 1000:2000])
    with pytest.raises(ValueError, match="int32"):
        store.write(CUBE, 2, request(left), values[:, :1000].astype("int32"))


def test_parts_of_a_scene_written_shard_by_shard_join(store: ZarrStore) -> None:
    values = noise(WINDOW)
    slot = write_slot(store, values, WINDOW)
    for rows in ((600_000, 600_064), (600_064, 602_112), (602_112, 603_000)):
        part = Window((rows, WINDOW.cols))
        store.write(CUBE, 1, request(part), values[part.slices(WINDOW)])
    assert (store.read(replace(slot, number=1), request(WINDOW)) == values).all()


def test_cells_left_and_above_the_first_scene_have_negative_indices(store: ZarrStore) -> None:
    lattice = FINE.grid.at(Window(((600_000, 600_100), (96_000, 96_100))))
    origin = Grid(
        crs=lattice.crs,
        x=replace(lattice.x, start=lattice.x.bounds[0], first=0),
        y=replace(lattice.y, start=lattice.y.bounds[1], first=0),
    )
    group = free_group(origin, "r10m")
    cube = replace(CUBE, name="FREE", groups=(group,), bands=(CUBE.band("B02"),))
    window = Window(((-1_500, 40), (-2_100, -10)))
    values = noise(window)
    slot = write_slot(store, values, window, cube=cube)
    asked = BandRead(group=group, level=0, band="B02", dtype="int16", nodata=NODATA, window=window)
    assert (store.read(slot, asked) == values).all()
    path = f"{store.location.name}/FREE/r10m/0/B02"
    array = zarr.open_array(path, mode="r")
    assert array.shape == (2**20, 2**24, 2**24)
    at = (2**23 - 1_500, 2**23 - 2_100)
    assert np.asarray(array[0:1, at[0] : at[0] + 1, at[1] : at[1] + 1])[0] == values[0, 0]


def test_threads_read_what_one_reads(store: ZarrStore) -> None:
    values = noise(WINDOW)
    slot = write_slot(store, values, WINDOW)
    failures: list[Window] = []

    def read_some(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(25):
            row, col = int(rng.integers(600_000, 602_700)), int(rng.integers(96_000, 100_200))
            part = Window(((row, row + 300), (col, col + 300)))
            if not (store.read(slot, request(part)) == values[part.slices(WINDOW)]).all():
                failures.append(part)

    threads = [threading.Thread(target=read_some, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_every_pipeline_reads_the_same(store: ZarrStore, monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(WINDOW)
    values[500:900, 300:2_000] = NODATA  # inner chunks that the shards leave out
    slot = write_slot(store, values, WINDOW)
    part = Window(((600_100, 602_500), (96_010, 99_000)))
    expected = values[part.slices(WINDOW)]
    assert (store.read(slot, request(part)) == expected).all()
    monkeypatch.setattr(zarr_store, "DIRECT_CELLS", 0)
    assert (store.read(slot, request(part)) == expected).all()
    shard_files(store)[5].unlink()
    with pytest.raises(StoreDamagedError, match="is recorded and missing"):
        store.read(slot, request(WINDOW))


def test_an_array_of_another_layout_is_read_by_its_own_codecs(store: ZarrStore) -> None:
    store.prepare(CUBE)
    folder = Path(store.location.name) / CUBE.name / "r10m/0/B02"
    shutil.rmtree(folder)
    array = zarr.create_array(
        folder,
        shape=(4, 1_200_000, 240_000),
        chunks=(1, 128, 128),
        shards=(1, 2048, 2048),
        dtype="int16",
        fill_value=NODATA,
    )
    values = noise(WINDOW)
    (y0, y1), (x0, x1) = WINDOW.ranges
    array[0:1, y0:y1, x0:x1] = values[np.newaxis]
    slot = write_slot(open_store(folder.parent / "elsewhere"), values, WINDOW)
    assert (store.read(slot, request(WINDOW)) == values).all()


def test_a_window_of_256_px_reads_in_about_a_millisecond(store: ZarrStore) -> None:
    slot = write_slot(store, noise(WINDOW), WINDOW)
    asked = request(Window(((600_320, 600_576), (96_512, 96_768))))
    took = []
    for _ in range(100):
        start = time.perf_counter()
        store.read(slot, asked)
        took.append(time.perf_counter() - start)
    # The target is 1 ms; other work on the machine must not fail the test.
    assert np.median(took) < 0.005


def test_a_store_travels_to_another_process(store: ZarrStore) -> None:
    slot = write_slot(store, noise(WINDOW), WINDOW)
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
    assert (again.read(slot, request(WINDOW)) == store.read(slot, request(WINDOW))).all()


def test_objects_hold_what_folders_hold() -> None:
    store = ZarrStore(Objects("memory://", MemoryStore()))
    store.prepare(CUBE)
    values = noise(WINDOW)
    slot = write_slot(store, values, WINDOW, number=3)
    store.flush(CUBE, 3)
    assert (store.read(slot, request(WINDOW)) == values).all()
    with pytest.raises(ValueError, match="whole shards"):
        store.write(CUBE, 3, request(WINDOW), values)
    store.record_commit(1, "{}")
    store.record_commit(1, '{"revision":1}')
    assert list(store.commit_records()) == [(1, '{"revision":1}')]
    assert store.slots_found() == {CUBE.name: 3}
    gone = replace(slot, number=4)
    with pytest.raises(StoreDamagedError, match="missing"):
        store.read(gone, request(WINDOW))


def test_a_band_whose_nodata_is_nan(store: ZarrStore) -> None:
    band = Band(name="H", title="Height", dtype="float32", nodata=float("nan"), group="r10m")
    cube = replace(CUBE, name="DEM", groups=(FINE,), bands=(band,))
    store.prepare(cube)
    asked = BandRead(group=FINE, level=0, band="H", dtype="float32", nodata=np.nan, window=WINDOW)
    assert store.write(cube, 0, asked, np.full(WINDOW.shape, np.nan, dtype="float32")) == ()
    catalog = open_catalog(store.location.name)
    stood = catalog.ensure_cube(COLLECTION, cube)
    assert np.isnan(stood.bands[0].nodata)
