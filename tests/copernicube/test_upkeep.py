"""The upkeep: chores in turn, one process at a time, and a clean end."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from copernicube.upkeep import Upkeep
from datacube.catalog import open_catalog
from datacube.catalog.leases import CatalogLease
from datacube.errors import StoreError


class _Counting:
    """A chore with some steps left, that stops the upkeep after the last."""

    def __init__(self, name: str, left: int, done: list[str]) -> None:
        self.name = name
        self._left = left
        self._done = done

    def step(self) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        self._done.append(self.name)
        return self._left > 0


class _Failing:
    name = "failing"

    def __init__(self) -> None:
        self.tried = 0

    def step(self) -> bool:
        self.tried += 1
        raise StoreError("the disk is gone")


def test_chores_take_turns_until_none_has_work_left(tmp_path: Path) -> None:
    done: list[str] = []
    chores = (_Counting("a", 2, done), _Counting("b", 3, done))
    upkeep = Upkeep(chores, CatalogLease(open_catalog(tmp_path).database))
    rounds = 0
    while upkeep.round():
        rounds += 1
    assert done == ["a", "b", "a", "b", "b"]
    assert rounds == 2


def test_a_chore_of_another_process_is_left_to_it(tmp_path: Path) -> None:
    done: list[str] = []
    theirs = CatalogLease(open_catalog(tmp_path).database)
    assert theirs.take("a")
    upkeep = Upkeep(
        (_Counting("a", 2, done), _Counting("b", 1, done)),
        CatalogLease(open_catalog(tmp_path).database),
    )
    assert not upkeep.round()
    assert done == ["b"]


def test_a_chore_that_fails_rests_and_holds_up_no_other(tmp_path: Path) -> None:
    done: list[str] = []
    failing = _Failing()
    chores = (failing, _Counting("b", 2, done))
    upkeep = Upkeep(chores, CatalogLease(open_catalog(tmp_path).database))
    while upkeep.round():
        pass
    assert done == ["b", "b"]
    assert failing.tried == 1


def test_stopping_gives_the_leases_back(tmp_path: Path) -> None:
    stop, done = threading.Event(), list[str]()
    catalog = open_catalog(tmp_path)
    upkeep = Upkeep((_Counting("a", 1, done),), CatalogLease(catalog.database), idle_s=0.01)
    running = threading.Thread(target=upkeep.run, args=(stop,))
    running.start()
    while not done:
        stop.wait(0.005)
    stop.set()
    running.join(10)
    assert not running.is_alive()
    assert CatalogLease(open_catalog(tmp_path).database).take("a")


def test_the_process_ends_when_its_input_closes(tmp_path: Path) -> None:
    open_catalog(tmp_path).close()
    process = subprocess.Popen(
        [sys.executable, "-m", "copernicube.upkeep"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "COPERNICUBE_STORE": str(tmp_path)},
    )
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, b"")
