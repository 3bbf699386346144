"""Writing, reading and checking cells."""

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import zarr
from numpy.typing import NDArray
from obstore.store import MemoryStore

from datacube.catalog import open_catalog, rebuild_catalog
from datacube.cube import (
    VALID_BAND,
    Band,
    BandShards,
    Cube,
    Slot,
    SlotWindow,
    free_group,
)
from datacube.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
)
from datacube.grid import Grid, Window
from datacube.protocols import BandRead, NewSlot
from datacube.store import ZarrStore, open_store, verify, zarr_store
from datacube.store.location import Objects
from tests.datacube.catalog.making import COLLECTION, make_cube, make_scene

CUBE = make_cube()
FINE = CUBE.group("r10m")
NODATA = -32768
type Ints = NDArray[np.int16]


def request(window: Window, *, band: str = "B02", level: int = 0) -> BandRead:
    dtype, nodata = ("uint8", 0) if band == VALID_BAND else ("int16", NODATA)
    return BandRead(group=FINE, level=level, band=band, dtype=dtype, nodata=nodata, window=window)


def noise(window: Window, seed: int = 0) -> Ints:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 10_000, window.shape, dtype=np.int16)


def write_slot(
    store: ZarrStore,
    values: Ints,
    window: Window,
    *,
    cube: Cube = CUBE,
    number: int = 0,
    band: str = "B02",
) -> Slot:
    """Write one band at level 0 as one write, and return the slot as a catalogue would."""
    group = cube.groups[0]
    asked = BandRead(group=group, level=0, band=band, dtype="int16", nodata=NODATA, window=window)
    written = store.write(cube, number, asked, values)
    (r0, r1), (c0, c1) = group.shard_window(window, 0).ranges
    bits = np.array([[(r, c) in written for c in range(c0, c1)] for r in range(r0, r1)])
    return Slot(
        cube=cube.name,
        number=number,
        scene=make_scene(),
        windows=(SlotWindow(group=group.name, window=window, levels=1),),
        shards=(
            BandShards(
                group=group.name, level=0, band=band, bits=np.packbits(bits.ravel()).tobytes()
            ),
        ),
    )


@pytest.fixture
def store(tmp_path: Path) -> ZarrStore:
    return open_store(tmp_path / "store")


WINDOW = Window(((600_000, 603_000), (96_000, 100_500)))


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


def shard_files(store: ZarrStore) -> list[Path]:
    return sorted(p for p in Path(store.location.name).rglob("c/*/*/*") if p.is_file())


def test_a_missing_shard_is_an_error_and_never_nodata(store: ZarrStore) -> None:
    slot = write_slot(store, noise(WINDOW), WINDOW)
    shard_files(store)[0].unlink()
    with pytest.raises(StoreDamagedError, match=r"shard 292/46 of cube S2_TEST_32633, slot 0"):
        store.read(slot, request(Window(((600_000, 600_010), (96_000, 96_010)))))
    # The others are readable.
    store.read(slot, request(Window(((602_000, 602_010), (99_000, 99_010)))))


@pytest.mark.parametrize(
    "how", ["truncated", "empty", "flipped in a chunk", "flipped in the index"]
)
def test_a_damaged_shard_is_an_error(store: ZarrStore, how: str) -> None:
    slot = write_slot(store, noise(WINDOW), WINDOW)
    path = next(p for p in shard_files(store) if p.parts[-2:] == ("293", "48"))
    data = bytearray(path.read_bytes())
    if how == "truncated":
        data = data[: len(data) // 2]
    elif how == "empty":
        data = bytearray()
    elif how == "flipped in a chunk":
        data[len(data) // 2] ^= 1
    else:
        data[-500] ^= 1
    path.write_bytes(data)
    shard = Window(((600_064, 602_112), (98_304, 100_352)))
    with pytest.raises(StoreDamagedError, match="shard 293/48"):
        store.read(slot, request(shard))


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
    store = ZarrStore(Objects(MemoryStore(), "memory://"))
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


def test_a_band_whose_nodata_is_nan(store: ZarrStore) -> None:
    band = Band(name="H", title="Height", dtype="float32", nodata=float("nan"), group="r10m")
    cube = replace(CUBE, name="DEM", groups=(FINE,), bands=(band,))
    store.prepare(cube)
    asked = BandRead(group=FINE, level=0, band="H", dtype="float32", nodata=np.nan, window=WINDOW)
    assert store.write(cube, 0, asked, np.full(WINDOW.shape, np.nan, dtype="float32")) == ()
    catalog = open_catalog(store.location.name)
    stood = catalog.ensure_cube(COLLECTION, cube)
    assert np.isnan(stood.bands[0].nodata)


# With the catalogue


def offer(store: ZarrStore, cube: Cube, number: int, scene_id: str) -> NewSlot:
    slot = write_slot(store, noise(WINDOW, seed=number), WINDOW, cube=cube, number=number)
    store.flush(cube, number)
    return NewSlot(
        cube=cube,
        number=number,
        scene=make_scene(scene_id),
        windows=slot.windows,
        shards=slot.shards,
    )


def test_verify_counts_what_is_there_and_names_what_is_not(store: ZarrStore) -> None:
    catalog = open_catalog(store.location.name)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    for scene_id in ("A", "B"):
        catalog.commit([offer(store, cube, catalog.claim(cube.name), scene_id)])
    report = verify(catalog.view(), store)
    assert report.intact
    assert (report.cubes, report.slots, report.shards) == (1, 2, 2 * 3 * 4)
    assert report.decoded_bytes == 2 * 3_000 * 4_500 * 2
    assert verify(catalog.view(), store, cubes=["other"]).slots == 0
    first, second, *_ = shard_files(store)
    first.unlink()
    second.write_bytes(b"")
    damage = verify(catalog.view(), store).damage
    assert len(damage) == 2
    assert "missing" in damage[0]
    assert "decoded" in damage[1]


def test_verify_reads_what_was_superseded_while_it_may_be_asked_for(store: ZarrStore) -> None:
    catalog = open_catalog(store.location.name)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    old = offer(store, cube, catalog.claim(cube.name), "A")
    catalog.commit([old])
    (first, *_) = shard_files(store)
    better = offer(store, cube, catalog.claim(cube.name), "A")
    better = replace(better, scene=make_scene("A", baseline="05.10"))
    assert catalog.commit([better]).retired == (old.scene.product_id,)
    first.unlink()
    report = verify(catalog.view(), store, slots_of=catalog.readable_slots)
    assert (report.slots, len(report.damage)) == (2, 1)
    assert "slot 0" in report.damage[0]
    assert verify(catalog.view(), store).intact
    catalog.raise_oldest_readable(2)
    assert verify(catalog.view(), store, slots_of=catalog.readable_slots).intact


def test_a_lost_catalogue_is_rebuilt_from_what_the_store_holds(store: ZarrStore) -> None:
    folder = Path(store.location.name)
    catalog = open_catalog(folder)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    for scene_id in ("A", "B"):
        done = catalog.commit([offer(store, cube, catalog.claim(cube.name), scene_id)])
        store.record_commit(done.revision, done.record)
    dead = catalog.claim(cube.name) + 5
    write_slot(store, noise(WINDOW), WINDOW, number=dead)
    before = catalog.view().slots(cube.name)
    catalog.close()
    for file in folder.glob("catalog.sqlite*"):
        file.unlink()
    made = rebuild_catalog(store.commit_records(), store.slots_found(), folder)
    assert made.view().slots(cube.name) == before
    assert made.claim(cube.name) == dead + 1
    assert verify(made.view(), store).intact


KILLED = """
import sys, time
from tests.datacube.store.test_store import CUBE, offer, COLLECTION
from datacube.catalog import open_catalog
from datacube.store import open_store
store, catalog = open_store(sys.argv[1]), open_catalog(sys.argv[1])
cube = catalog.ensure_cube(COLLECTION, CUBE)
number = catalog.claim(cube.name)
new = offer(store, cube, number, "KILLED")
print("written", flush=True)
time.sleep(60)
"""


def test_a_writer_killed_before_its_commit_leaves_nothing_visible(store: ZarrStore) -> None:
    folder = store.location.name
    catalog = open_catalog(folder)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        os.kill(writer.pid, signal.SIGKILL)
    assert catalog.view().revision == 0
    assert catalog.view().cubes() == ()
    number = catalog.claim(cube.name)
    assert number == 1
    catalog.commit([offer(store, cube, number, "KILLED")])
    (slot,) = catalog.view().slots(cube.name)
    assert (store.read(slot, request(WINDOW)) == noise(WINDOW, seed=1)).all()


# Disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 24 MiB."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    step = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(mounted)]
    done = subprocess.run(step, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_a_full_disk_is_named_and_leaves_what_was_written(small_disk: Path) -> None:
    store = open_store(small_disk)
    slot = write_slot(store, noise(WINDOW), WINDOW)
    with pytest.raises(StoreFullError, match="no space"):
        write_slot(store, noise(WINDOW), WINDOW, number=1)
    assert not list(small_disk.rglob("*.partial"))
    assert (store.read(slot, request(WINDOW)) == noise(WINDOW)).all()


def test_read_only_media_are_read_and_not_written(small_disk: Path) -> None:
    store = open_store(small_disk)
    slot = write_slot(store, noise(WINDOW), WINDOW)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    again = open_store(small_disk)
    assert (again.read(slot, request(WINDOW)) == noise(WINDOW)).all()
    with pytest.raises(StoreReadOnlyError):
        write_slot(again, noise(WINDOW), WINDOW, number=1)
    with pytest.raises(StoreReadOnlyError):
        again.record_commit(1, "{}")


def test_opened_for_reading_a_store_refuses_to_write(store: ZarrStore) -> None:
    slot = write_slot(store, noise(WINDOW), WINDOW)
    reader = open_store(store.location.name, read_only=True)
    assert (reader.read(slot, request(WINDOW)) == noise(WINDOW)).all()
    with pytest.raises(StoreReadOnlyError):
        write_slot(reader, noise(WINDOW), WINDOW, number=1)
    with pytest.raises(StoreError, match="no store"):
        open_store(f"{store.location.name}/missing", read_only=True)


def test_flush_syncs_every_shard_and_every_folder_above_it(
    store: ZarrStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_slot(store, noise(WINDOW), WINDOW)
    write_slot(store, noise(WINDOW), WINDOW, number=1)
    synced = set()
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.add(Path(f"/proc/self/fd/{number}").readlink())
    )
    store.flush(CUBE, 0)
    root = Path(store.location.name)
    ours = {p for p in shard_files(store) if "c/0/" in str(p)}
    assert len(ours) == 12
    assert {p for p in synced if p.is_file()} == ours
    above = {
        folder for p in ours for folder in p.parents if root == folder or root in folder.parents
    }
    assert above <= synced
