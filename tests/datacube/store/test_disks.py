"""Disks that are full, read-only or must not forget."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from datacube.errors import (
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
)
from datacube.store import ZarrStore, open_store
from tests.datacube.store.making import CUBE, WINDOW, noise, request, shard_files, write_slot


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
