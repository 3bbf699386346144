"""Shards that are missing or damaged, one read at a time and all by verify."""

from dataclasses import replace

import pytest

from datacube.catalog import open_catalog
from datacube.errors import (
    StoreDamagedError,
)
from datacube.grid import Window
from datacube.store import ZarrStore, verify
from tests.builders.catalogue_rows import purge_below
from tests.datacube.catalog.making import COLLECTION, make_scene
from tests.datacube.store.making import CUBE, WINDOW, noise, offer, request, shard_files, write_slot


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


def test_verify_counts_what_is_there_and_names_what_is_not(store: ZarrStore) -> None:
    catalog = open_catalog(store.location.name)
    cube = catalog.ensure_cube(COLLECTION, CUBE)
    for scene_id in ("A", "B"):
        catalog.commit([offer(store, cube, catalog.claim(cube.name)[0], scene_id)])
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
    old = offer(store, cube, catalog.claim(cube.name)[0], "A")
    catalog.commit([old])
    (first, *_) = shard_files(store)
    better = offer(store, cube, catalog.claim(cube.name)[0], "A")
    better = replace(better, scene=make_scene("A", baseline="05.10"))
    assert catalog.commit([better]).retired == ((old.scene.scene_id, old.scene.product_id),)
    first.unlink()
    report = verify(catalog.view(), store, slots_of=catalog.readable_slots)
    assert (report.slots, len(report.damage)) == (2, 1)
    assert "slot 0" in report.damage[0]
    assert verify(catalog.view(), store).intact
    purge_below(catalog, 2)
    assert verify(catalog.view(), store, slots_of=catalog.readable_slots).intact
