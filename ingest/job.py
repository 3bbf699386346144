"""One scene on its way into one slot."""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from datacube.cube import Cube
from datacube.errors import CommitConflictError, CubeError
from datacube.protocols import CatalogWriter, NewSlot, Standing, WriteCells
from datacube.slots import SceneRecord, SlotWindow
from ingest.align import Placed
from ingest.progress import IngestProgress
from ingest.summary import Outcome, Status
from ingest.writer import Part, ReduceLevel, SceneWriter, Target, all_shards, parts_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where scenes go."""

    catalog: CatalogWriter
    store: WriteCells
    reduce: ReduceLevel
    records_present: Callable[[], frozenset[int]]
    """Revisions whose commit record lies in the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A scene that is placed and may be written."""

    source: str
    record: SceneRecord
    cube: Cube
    placed: tuple[Placed, ...]
    windows: tuple[SlotWindow, ...]
    warnings: tuple[str, ...]
    nbytes: int
    """Decoded bytes at level 0."""
    in_place: bool = False
    """Whether the cells stay where they are."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is written in one go each."""
        return () if self.in_place else parts_of(self.placed)

    @property
    def bands(self) -> frozenset[str]:
        """Names of the bands that the scene has."""
        return frozenset(placed.band.name for placed in self.placed)

    def outcome(self, status: Status, *, note: str | None = None) -> Outcome:
        """Return an outcome with what is known before writing."""
        return Outcome(
            status=status,
            source=self.source,
            product_id=self.record.product_id,
            cube=self.cube.name,
            bands=tuple(placed.band.name for placed in self.placed),
            nbytes=self.nbytes,
            area=tuple(
                (w.group, self.cube.group(w.group).grid.at(w.window).bbox) for w in self.windows
            ),
            warnings=self.warnings,
            note=note,
        )


def failed(source: str, product_id: str | None, error: Exception) -> Outcome:
    """Return the outcome of a scene that cannot be ingested."""
    return Outcome(
        status=Status.FAILED,
        source=source,
        product_id=product_id,
        note=str(error) if isinstance(error, CubeError) else f"{type(error).__name__}: {error}",
        error_code=error.code if isinstance(error, CubeError) else CubeError.code,
    )


def skip_note(standing: Standing) -> str | None:
    """Say why a scene is not ingested, or None where it is."""
    if standing.present:
        return "the same processing of this scene is there already"
    if standing.superseded_by:
        return f"superseded by {standing.superseded_by}"
    return None


class Job:
    """Claims a slot, writes the parts, commits. Each step may run in another thread."""

    def __init__(self, work: Work, destination: Destination, progress: IngestProgress) -> None:
        self._work: Work | None = work
        self._source = work.source
        self._product_id = work.record.product_id
        self._destination = destination
        self._progress = progress
        self._lock = threading.Lock()
        self._writer: SceneWriter | None = None
        self._slot: int | None = None
        self._ended: Outcome | None = None
        self._parts = work.parts
        self._parts_done = 0

    def begin(self, previous: object) -> None:
        """Claim a slot, unless the scene is there or superseded; `previous` was done before."""
        del previous
        try:
            self._begin(self._needed())
        except Exception as error:  # noqa: BLE001  # one scene fails alone, whatever fails
            self._fail(error)

    def part(self, number: int, begun: object) -> None:
        """Write one part at all levels, unless the scene ended."""
        del begun
        writer = self._writer
        if self._ended is not None or writer is None:
            return
        try:
            writer.write(self._parts[number])
        except Exception as error:  # noqa: BLE001  # one scene fails alone, whatever fails
            self._fail(error)
            return
        with self._lock:
            self._parts_done += 1

    def finish(self, parts: Sequence[object]) -> Outcome:
        """Write the masks and commit; give the slot up where something failed."""
        del parts
        work, writer = self._needed(), self._writer
        try:
            if self._ended is None and writer is not None:
                self._ended = self._commit(work, writer)
        except CommitConflictError as error:
            self._ended = work.outcome(Status.SKIPPED, note=str(error))
        except Exception as error:  # noqa: BLE001  # one scene fails alone, whatever fails
            self._fail(error)
        outcome = self._ended or failed(
            self._source, self._product_id, RuntimeError("the scene was never begun")
        )
        if outcome.status is not Status.INGESTED:
            self._give_up(work.cube)
        written = 0 if writer is None else writer.bytes_written
        self._progress.scene_done(
            outcome.line,
            bands_left=len(self._parts) - self._parts_done,
            nbytes_left=work.nbytes - written,
        )
        # The files of the scene close with it.
        self._work = self._writer = None
        self._parts = ()
        return outcome

    def _begin(self, work: Work) -> None:
        catalog = self._destination.catalog
        standing = catalog.standing(
            work.cube.name, work.record, windows=work.windows, bands=work.bands
        )
        if note := skip_note(standing):
            self._ended = work.outcome(Status.SKIPPED, note=note)
            return
        self._slot = catalog.claim(work.cube.name)
        target = Target(
            cube=work.cube,
            slot=self._slot,
            store=self._destination.store,
            catalog=catalog,
            reduce=self._destination.reduce,
        )
        self._writer = SceneWriter(target, work.placed, self._progress)

    def _commit(self, work: Work, writer: SceneWriter) -> Outcome:
        destination, slot = self._destination, self._slot
        if slot is None:
            raise RuntimeError("no slot was claimed")
        shards = all_shards(work.cube, work.windows, work.bands)
        if not work.in_place:
            shards = writer.finish()
        destination.store.flush(work.cube, slot)
        saturated = tuple(
            (p.band.name, count)
            for p in work.placed
            if p.source.saturated is not None and (count := p.source.saturated())
        )
        new = NewSlot(
            cube=work.cube,
            number=slot,
            scene=_with_facts(work, saturated),
            windows=work.windows,
            shards=shards,
        )
        committed = destination.catalog.commit([new])
        destination.store.record_commit(committed.revision, committed.record)
        return replace(
            work.outcome(Status.INGESTED),
            slot=slot,
            revision=committed.revision,
            superseded=committed.retired,
            saturated=saturated,
        )

    def _fail(self, error: Exception) -> None:
        _log.debug("%s failed", self._product_id, exc_info=error)
        with self._lock:
            if self._ended is None:
                self._ended = failed(self._source, self._product_id, error)

    def _give_up(self, cube: Cube) -> None:
        if self._slot is None:
            return
        try:
            self._destination.catalog.burn(cube.name, self._slot)
        except CubeError as error:
            # `purge` finds the claim by its age.
            _log.warning("slot %d of %s stays claimed: %s", self._slot, cube.name, error)

    def _needed(self) -> Work:
        if self._work is None:
            raise RuntimeError("the scene is finished")
        return self._work


def _with_facts(work: Work, saturated: tuple[tuple[str, int], ...]) -> SceneRecord:
    """Add what was found while reading to the scene's properties."""
    properties = json.loads(work.record.properties)
    properties["saturated"] = dict(saturated)
    properties["warnings"] = list(work.warnings)
    return replace(work.record, properties=json.dumps(properties))
