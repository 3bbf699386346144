"""Files, locks, full disks and media that cannot be written."""

import multiprocessing
import os
import pickle
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from datacube.catalog import SqlCatalog, open_catalog
from datacube.catalog import sqlite as sqlite_module
from datacube.catalog.copying import COPY_CHECK_S
from datacube.errors import (
    InvalidParameterError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
)
from tests.datacube.catalog.making import commit_scene, make_scene

CUBE = "S2_TEST_32633"


@pytest.fixture
def read_only_mount(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Return a folder and a read-only mount of it."""
    source, mounted = tmp_path / "source", tmp_path / "mounted"
    source.mkdir()
    mounted.mkdir()
    steps = (
        ["mount", "--bind", str(source), str(mounted)],
        ["mount", "-o", "remount,ro,bind", str(mounted)],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
    yield source, mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 1 MiB."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_a_catalogue_on_read_only_media_is_read_and_followed(
    read_only_mount: tuple[Path, Path],
) -> None:
    source, mounted = read_only_mount
    writer = open_catalog(source)
    commit_scene(writer, make_scene("A"))
    reader = open_catalog(mounted)
    assert reader.read_only
    assert reader.database.copied
    # The writer is alive, so the commit stands in the -wal alone.
    assert (source / "catalog.sqlite-wal").stat().st_size > 0
    assert reader.view().counts() == {CUBE: 1}
    commit_scene(writer, make_scene("B"))
    time.sleep(COPY_CHECK_S)
    assert reader.view().counts() == {CUBE: 2}
    with pytest.raises(StoreReadOnlyError):
        reader.claim(CUBE)
    with pytest.raises(StoreError, match="no catalogue"):
        open_catalog(mounted / "missing.sqlite")
    reader.close()


def test_opened_for_reading_refuses_to_write_and_sees_new_commits(tmp_path: Path) -> None:
    writer = open_catalog(tmp_path)
    reader = open_catalog(tmp_path, read_only=True)
    commit_scene(writer, make_scene("A"))
    assert reader.view().counts() == {CUBE: 1}
    assert not reader.database.copied
    with pytest.raises(StoreReadOnlyError):
        reader.claim(CUBE)
    with pytest.raises(StoreError, match="no catalogue"):
        open_catalog(tmp_path / "other.sqlite", read_only=True)


def _commit_many(catalog: SqlCatalog, count: int) -> None:
    for number in range(count):
        commit_scene(catalog, make_scene(f"B{number}"))


def test_a_full_disk_is_named_and_what_was_committed_stays_readable(small_disk: Path) -> None:
    catalog = open_catalog(small_disk)
    commit_scene(catalog, make_scene("A"))
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"x" * (free - free % os.sysconf("SC_PAGESIZE")))
    with pytest.raises(StoreFullError, match="no space"):
        _commit_many(catalog, 200)
    before = catalog.view().counts()
    assert before[CUBE] >= 1
    catalog.close()
    # The next one finds no room for the files that SQLite wants beside the catalogue.
    reader = open_catalog(small_disk)
    assert reader.view().counts() == before
    reader.close()
    (small_disk / "ballast").unlink()
    again = open_catalog(small_disk)
    commit_scene(again, make_scene("C"))
    assert again.view().counts() == {CUBE: before[CUBE] + 1}
    again.close()


def test_a_writer_waits_for_a_lock_and_gives_up_in_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "BUSY_TIMEOUT_S", 0.1)
    catalog = open_catalog(tmp_path)
    commit_scene(catalog, make_scene("A"))
    holder = sqlite3.connect(
        tmp_path / "catalog.sqlite", isolation_level=None, check_same_thread=False
    )
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another writer"):
        catalog.claim(CUBE)
    # Readers do not wait.
    assert catalog.view().revision == 1
    release = threading.Timer(0.15, lambda: holder.execute("ROLLBACK"))
    release.start()
    assert catalog.claim(CUBE)[0] == 1
    release.join()
    holder.close()


def test_a_file_that_is_no_catalogue_is_reported(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database, but long enough" * 100)
    with pytest.raises(StoreDamagedError):
        open_catalog(tmp_path)


def test_a_catalogue_of_another_version_is_refused(tmp_path: Path) -> None:
    open_catalog(tmp_path).close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE name = 'schema_version'")
    connection.close()
    with pytest.raises(StoreError, match="version 99"):
        open_catalog(tmp_path)


def test_a_catalogue_travels_to_another_process(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    commit_scene(catalog, make_scene("A"))
    assert pickle.loads(pickle.dumps(catalog)).view().counts() == {CUBE: 1}  # noqa: S301 - our own


@pytest.mark.parametrize("url", ["mysql://host/db", "s3://bucket/store"])
def test_a_url_that_holds_no_catalogue_says_what_does(url: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"sqlite:///PATH"):
        open_catalog(url)


def _open_and_commit(store: Path, worker: int) -> None:
    commit_scene(open_catalog(store), make_scene(f"W{worker}"))


def test_processes_may_make_the_same_catalogue_and_cube_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    makers = [context.Process(target=_open_and_commit, args=(tmp_path, n)) for n in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)
        assert maker.exitcode == 0
    assert open_catalog(tmp_path).view().counts() == {CUBE: 4}
