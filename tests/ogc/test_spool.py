"""Downloads that are kept: bounded in bytes and time, and always the same bytes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datacube.encode.answer import Answer
from ogc.spool import Spool, SpoolLimits


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take all temporary files into a folder of the test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def answer(tag: str, body: bytes | Path) -> Answer:
    return Answer(body=body, media_type="image/tiff", revision=1, etag=tag, scenes=("S",))


def taken(spool: Spool, tag: str) -> bytes | None:
    """Return the bytes under a tag; the file is deleted, as its receiver does."""
    found = spool.find(tag)
    if found is None:
        return None
    assert isinstance(found.body, Path)
    body = found.body.read_bytes()
    found.body.unlink()
    return body


def files(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_found_again_though_its_receiver_deletes_it(folder: Path) -> None:
    spool, made = Spool(), folder / "made.tif"
    made.write_bytes(b"pixels")
    assert spool.keep(answer("t", made)).body == made
    made.unlink()
    assert [taken(spool, "t") for _ in range(3)] == [b"pixels"] * 3
    assert taken(spool, "other") is None
    found = spool.find("t")
    assert found is not None
    assert (found.media_type, found.scenes) == ("image/tiff", ("S",))


def test_the_bytes_are_bounded_and_those_not_asked_for_longest_go(folder: Path) -> None:
    spool = Spool(SpoolLimits(bytes=10))
    spool.keep(answer("a", b"1234"))
    spool.keep(answer("b", b"5678"))
    assert taken(spool, "a") == b"1234"
    spool.keep(answer("c", b"abcd"))
    assert [taken(spool, tag) for tag in "abc"] == [b"1234", None, b"abcd"]
    spool.keep(answer("d", b"more than ten"))
    assert taken(spool, "d") is None
    assert files(folder) == [b"1234", b"abcd"]


def test_the_time_is_bounded_from_the_last_asking(folder: Path) -> None:
    clock = Clock()
    spool = Spool(SpoolLimits(seconds=10), clock=clock)
    spool.keep(answer("a", b"a"))
    spool.keep(answer("b", b"b"))
    clock.now = 9
    assert taken(spool, "a") == b"a"
    clock.now = 11
    spool.drop_old()
    assert files(folder) == [b"a"]
    clock.now = 20
    assert taken(spool, "a") is None


def test_closing_leaves_nothing_but_what_is_being_sent(folder: Path) -> None:
    spool = Spool()
    spool.keep(answer("a", b"a"))
    sent = spool.find("a")
    spool.close()
    assert sent is not None
    assert isinstance(sent.body, Path)
    assert sent.body.read_bytes() == b"a"
    sent.body.unlink()
    assert list(folder.iterdir()) == []


def test_a_process_that_forgets_its_spool_leaves_nothing(folder: Path) -> None:
    spool = Spool()
    spool.keep(answer("a", b"a"))
    assert files(folder) == [b"a"]
    del spool
    assert list(folder.iterdir()) == []


def test_one_makes_what_many_ask_for(folder: Path) -> None:
    spool, made = Spool(), []
    begin = threading.Barrier(8)

    def ask(_number: int) -> bytes | None:
        begin.wait()
        with spool.alone("t"):
            if (found := taken(spool, "t")) is None:
                made.append(1)
                spool.keep(answer("t", b"bytes"))
                found = b"bytes"
        return found

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {b"bytes"}
    assert len(made) == 1
    spool.close()
    assert files(folder) == []
