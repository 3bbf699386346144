import os
from pathlib import Path

import pytest

from datacube.encode.kept import KeptDocuments
from datacube.encode.kept_files import KeptFiles

ONE, OTHER = "a1" * 16, "b2" * 16


def kept(folder: Path, *, most_bytes: int = 1_000_000) -> KeptFiles:
    return KeptFiles(KeptDocuments(0), folder, most_bytes)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_another_process_finds_what_one_kept(tmp_path: Path) -> None:
    assert kept(tmp_path).keep(ONE, b"picture") == b"picture"
    assert kept(tmp_path).find(ONE) == b"picture"
    assert kept(tmp_path).find(OTHER) is None


@pytest.mark.parametrize(("start", "stop"), [(0, -9), (1, None), (0, 0)])
def test_damaged_files_are_removed_and_made_again(
    tmp_path: Path, start: int, stop: int | None
) -> None:
    kept(tmp_path).keep(ONE, b"a picture of some length")
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[start:stop])
    assert kept(tmp_path).find(ONE) is None
    assert not files(tmp_path)


def test_files_used_longest_ago_are_removed(tmp_path: Path) -> None:
    store = kept(tmp_path, most_bytes=10_000)
    keys = [f"{number:032x}" for number in range(10)]
    for age, key in enumerate(keys):
        store.keep(key, bytes(990))
        (path,) = (p for p in files(tmp_path) if p.stem == key)
        os.utime(path, (age, age))
    assert store.find(keys[0]) is not None  # now it was used last
    store.keep("f" * 32, bytes(990))
    held = {path.stem for path in files(tmp_path)}
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 10_000
    assert keys[0] in held
    assert "f" * 32 in held
    assert keys[1] not in held


def test_a_folder_that_cannot_be_written_costs_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"")
    store = kept(place / "folder")
    for _ in range(2):
        assert store.keep(ONE, b"picture") == b"picture"
        assert store.find(ONE) is None
    assert len(caplog.records) == 1
