"""Scenes on their way into slots: claimed, written, committed."""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import batched

from datacube.cube import Cube
from datacube.errors import CommitConflictError, CubeError
from datacube.protocols import CatalogWriter, Committed, NewSlot, Standing, WriteCells
from datacube.slots import SceneRecord, SlotWindow
from ingest.align import Placed
from ingest.progress import IngestProgress
from ingest.summary import Outcome, Status
from ingest.writer import Part, ReduceLevel, SceneWriter, Target, all_shards, parts_of

PORTION_SCENES = 16
"""Small scenes written in one go, where a job has many."""

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
    together: bool = False
    """Whether it may become visible in one commit with others."""

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
    """Scenes of one cube on their way into slots, visible in one commit; mostly it is one.

    Claims the slots, writes the portions, commits. Each step may run in another thread. A
    scene that fails leaves the others of the job alone, unless they are a whole: then none of
    them becomes visible.
    """

    def __init__(
        self,
        works: Sequence[Work],
        destination: Destination,
        progress: IngestProgress,
        *,
        whole: bool = False,
    ) -> None:
        self._whole = whole
        self._cube = works[0].cube
        self._destination = destination
        self._progress = progress
        self._passages = [Passage(work, progress) for work in works]
        self._portions = deque(_portions(self._passages))
        self.portions = len(self._portions)
        """How often to `write`."""

    def begin(self, previous: object) -> None:
        """Claim slots for scenes that are neither there nor superseded.

        `previous` was done before.
        """
        del previous
        with self._failing(self._passages):
            self._skip_known()
            going = [passage for passage in self._passages if not passage.ended]
            if going:
                slots = self._destination.catalog.claim(self._cube.name, len(going))
                for passage, slot in zip(going, slots, strict=True):
                    passage.enter(slot, self._destination)

    def write(self, begun: object) -> None:
        """Write the next portion at all levels; of scenes that ended, nothing."""
        del begun
        # In the portions' own order, whichever task the scheduler runs first.
        for passage, part in self._portions.popleft():
            with self._failing([passage]):
                passage.write(part)

    def finish(self, written: Sequence[object]) -> tuple[Outcome, ...]:
        """Write the masks and commit; give up the slots of scenes that failed."""
        del written
        for passage in self._passages:
            with self._failing([passage]):
                passage.close()
        offered = [passage for passage in self._passages if not passage.ended]
        if self._whole and len(offered) < len(self._passages):
            for passage in offered:
                passage.fail(
                    CommitConflictError("a part of the same change failed, or is there already")
                )
            offered = []
        with self._failing(offered):
            if offered:
                numbers = [passage.new_slot.number for passage in offered]
                self._destination.store.flush(self._cube, *numbers)
                self._commit(offered)
        outcomes = tuple(self._leave(passage) for passage in self._passages)
        # The files of the scenes close with them.
        self._passages = []
        return outcomes

    def _skip_known(self) -> None:
        """End what is there already, or superseded."""
        catalog = self._destination.catalog
        works = [(passage, passage.work) for passage in self._passages]
        known = catalog.known_scenes(self._cube.name, [w.record.scene_id for _, w in works])
        for passage, work in works:
            if work.record.scene_id in known:
                standing = catalog.standing(
                    self._cube.name, work.record, windows=work.windows, bands=work.bands
                )
                if note := skip_note(standing):
                    passage.end(work.outcome(Status.SKIPPED, note=note))

    def _commit(self, offered: Sequence["Passage"]) -> None:
        """Commit scenes together, or one by one where another writer was first with some."""
        catalog, store = self._destination.catalog, self._destination.store
        try:
            committed = catalog.commit([passage.new_slot for passage in offered])
        except CommitConflictError as error:
            if self._whole:
                raise
            if len(offered) == 1:
                offered[0].end(offered[0].work.outcome(Status.SKIPPED, note=str(error)))
                return
            self._skip_known()
            for passage in offered:
                if not passage.ended:
                    with self._failing([passage]):
                        self._commit([passage])
            return
        store.record_commit(committed.revision, committed.record)
        for passage in offered:
            passage.end(passage.ingested(committed))

    def _leave(self, passage: "Passage") -> Outcome:
        outcome = passage.outcome
        if outcome.status is not Status.INGESTED and passage.slot is not None:
            try:
                self._destination.catalog.burn(self._cube.name, passage.slot)
            except CubeError as error:
                # `purge` finds the claim by its age.
                _log.warning(
                    "slot %d of %s stays claimed: %s", passage.slot, self._cube.name, error
                )
        self._progress.scene_done(
            outcome.line, bands_left=passage.parts_left, nbytes_left=passage.bytes_left
        )
        return outcome

    @contextmanager
    def _failing(self, passages: Sequence["Passage"]) -> Iterator[None]:
        """End the scenes that have not, where something fails."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # one scene fails alone, whatever fails
            for passage in passages:
                passage.fail(error)


def _portions(passages: Sequence["Passage"]) -> list[list[tuple["Passage", Part]]]:
    """Cut the work: part by part of one scene, several small scenes at a time of many.

    The parts of a scene that takes long are begun first, so that no thread has one alone at the
    end. Bands that share what is decoded stand apart: two at once would wait for each other.
    """
    if len(passages) == 1:
        (only,) = passages
        return [[(only, part)] for part in sorted(only.work.parts, key=_turn)]
    return [
        [(passage, part) for passage in some for part in passage.work.parts]
        for some in batched(passages, PORTION_SCENES)
    ]


def _turn(part: Part) -> tuple[bool, int]:
    cells = sum(placed.window.size for placed in part.bands)
    return any(placed.source.follows for placed in part.bands), -cells


class Passage:
    """One scene on its way into one slot."""

    def __init__(self, work: Work, progress: IngestProgress) -> None:
        self.work = work
        self.slot: int | None = None
        """The claimed number."""
        self._progress = progress
        self._lock = threading.Lock()
        self._writer: SceneWriter | None = None
        self._new: NewSlot | None = None
        self._ended: Outcome | None = None
        self._parts_done = 0

    @property
    def ended(self) -> bool:
        """Whether it is known what became of the scene."""
        return self._ended is not None

    @property
    def outcome(self) -> Outcome:
        """What became of the scene."""
        if self._ended is None:
            raise RuntimeError(f"{self.work.record.product_id} has not ended")
        return self._ended

    @property
    def new_slot(self) -> NewSlot:
        """What is offered for commit, once all is written."""
        if self._new is None:
            raise RuntimeError(f"{self.work.record.product_id} is not written")
        return self._new

    @property
    def parts_left(self) -> int:
        """Parts that are not written."""
        return len(self.work.parts) - self._parts_done

    @property
    def bytes_left(self) -> int:
        """Decoded bytes at level 0 that are not written."""
        return self.work.nbytes - (0 if self._writer is None else self._writer.bytes_written)

    def enter(self, slot: int, destination: Destination) -> None:
        """Take a claimed slot."""
        self.slot = slot
        target = Target(
            cube=self.work.cube,
            slot=slot,
            store=destination.store,
            catalog=destination.catalog,
            reduce=destination.reduce,
        )
        self._writer = SceneWriter(target, self.work.placed, self._progress)

    def write(self, part: Part) -> None:
        """Write a part at all levels, unless the scene ended."""
        if self._ended is not None or self._writer is None:
            return
        self._writer.write(part)
        with self._lock:
            self._parts_done += 1

    def close(self) -> None:
        """Write what waits for all parts, unless the scene ended; then it can be committed."""
        if self._ended is not None:
            return
        if self._writer is None or self.slot is None:
            raise RuntimeError("no slot was claimed")
        work = self.work
        shards = all_shards(work.cube, work.windows, work.bands)
        if not work.in_place:
            shards = self._writer.finish()
        self._new = NewSlot(
            cube=work.cube,
            number=self.slot,
            scene=_with_facts(work, self._saturated()),
            windows=work.windows,
            shards=shards,
        )

    def ingested(self, committed: Committed) -> Outcome:
        """Return the outcome of a scene that became visible."""
        record = self.work.record
        return replace(
            self.work.outcome(Status.INGESTED),
            slot=self.slot,
            revision=committed.revision,
            superseded=tuple(old for scene, old in committed.retired if scene == record.scene_id),
            saturated=self._saturated(),
        )

    def fail(self, error: Exception) -> None:
        """End with an error, unless the scene ended."""
        record = self.work.record
        _log.debug("%s failed", record.product_id, exc_info=error)
        self.end(failed(self.work.source, record.product_id, error))

    def end(self, outcome: Outcome) -> None:
        """Say what became of the scene; what is said first holds."""
        with self._lock:
            if self._ended is None:
                self._ended = outcome

    def _saturated(self) -> tuple[tuple[str, int], ...]:
        return tuple(
            (p.band.name, count)
            for p in self.work.placed
            if p.source.saturated is not None and (count := p.source.saturated())
        )


def _with_facts(work: Work, saturated: tuple[tuple[str, int], ...]) -> SceneRecord:
    """Add what was found while reading to the scene's properties."""
    properties = json.loads(work.record.properties)
    properties["saturated"] = dict(saturated)
    properties["warnings"] = list(work.warnings)
    return replace(work.record, properties=json.dumps(properties))
