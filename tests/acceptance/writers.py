"""Ingest in processes of their own, which may be killed at any moment.

The processes come from a server that imported everything once, so that a start costs
milliseconds; they share nothing else.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import datacube.catalog.catalog
from copernicube.ingest_command import ingest_places
from datacube.catalog import SqlCatalog
from datacube.store import ZarrStore
from datacube.store.location import Folder
from ingest.pipeline import IngestOptions
from ingest.rasters import RasterFile
from ingest.scene import CubeChoice

WAIT_S = 120.0
_CONTEXT: ForkServerContext = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])

type Outcomes = Sequence[tuple[str, str, str]]
"""(status, product id, note) of each scene, in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The call at which a writer kills itself with SIGKILL."""

    step: str
    count: int = 1
    """At which call of the step, from 1."""


STEPS: dict[str, tuple[Any, str, bool]] = {
    "arrays are made": (Folder, "put_new", False),
    "slot is claimed": (SqlCatalog, "claim", True),
    "source is read": (RasterFile, "read", False),
    "shard has no name yet": (os, "link", False),
    "band is written": (ZarrStore, "write", True),
    "shards are flushed": (os, "fsync", False),
    "all is flushed": (ZarrStore, "flush", True),
    "commit begins": (SqlCatalog, "commit", False),
    "transaction is open": (datacube.catalog.catalog, "add_revision", True),
    "commit is done": (SqlCatalog, "commit", True),
    "record has no name yet": (Path, "replace", False),
    "record is written": (ZarrStore, "record_commit", True),
}
"""Where a writer can be: the owner of a function, its name, and whether death comes after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    store: str
    places: tuple[str, ...]
    options: IngestOptions


class Writer:
    """A process that ingests."""

    def __init__(
        self,
        store: Path,
        places: Sequence[Path],
        *,
        jobs: int = 1,
        choice: CubeChoice | None = None,
        death: Death | None = None,
        together: Barrier | None = None,
    ) -> None:
        self._told, telling = _CONTEXT.Pipe(duplex=False)
        task = _Task(
            store=str(store),
            places=tuple(str(place) for place in places),
            options=IngestOptions(choice=choice or CubeChoice(), jobs=jobs),
        )
        self.process = _CONTEXT.Process(target=_ingest, args=(task, death, together, telling))
        self.process.start()
        telling.close()

    def started(self) -> None:
        """Wait until the process is about to ingest."""
        assert self._told.poll(WAIT_S), "the writer did not start"
        assert self._told.recv() == "ready"

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        assert self.process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.join()

    def join(self) -> int | None:
        """Wait for the end; returns the exit code, `-SIGKILL` of one that was killed."""
        self.process.join(WAIT_S)
        return self.process.exitcode

    def outcomes(self) -> Outcomes:
        """Wait for the end of a writer that was not killed and return what it did."""
        self.started()
        assert self._told.poll(WAIT_S), "the writer did not end"
        outcomes: Outcomes = self._told.recv()
        assert self.join() == 0
        return outcomes


def run_together(
    store: Path,
    places: Sequence[Path],
    writers: int,
    *,
    choice: CubeChoice | None = None,
) -> Outcomes:
    """Deal `places` out to processes that begin at once; returns what all of them did."""
    together = _CONTEXT.Barrier(writers)
    running = [
        Writer(store, places[number::writers], choice=choice, together=together)
        for number in range(writers)
    ]
    return [outcome for writer in running for outcome in writer.outcomes()]


def _ingest(task: _Task, death: Death | None, together: Barrier | None, told: Connection) -> None:
    if death is not None:
        _die_at(death)
    told.send("ready")
    if together is not None:
        together.wait(WAIT_S)
    outcomes = ingest_places(task.places, task.store, task.options).outcomes
    told.send([(o.status.value, o.product_id or o.source, o.note or "") for o in outcomes])


def _die_at(death: Death) -> None:
    owner, name, after = STEPS[death.step]
    function: Callable[..., object] = getattr(owner, name)
    calls = iter(range(1, 10**9))
    guard = threading.Lock()

    def lethal(*arguments: object, **keywords: object) -> object:
        with guard:
            due = next(calls) == death.count
        result = function(*arguments, **keywords) if after else None
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return result if after else function(*arguments, **keywords)

    setattr(owner, name, lethal)
