"""From places to visible slots: open, place, write, commit; many scenes and bands at once."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from dask.base import compute
from dask.delayed import delayed

from datacube.cube import Cube
from datacube.errors import CubeError, SourceError, UnsupportedSourceError, WrongResolutionError
from datacube.protocols import CatalogWriter
from ingest.align import Fit, Placed, place
from ingest.job import Destination, Job, Work, failed, skip_note
from ingest.progress import IngestProgress, Silent
from ingest.scene import CubeChoice, Scene, SceneReader, UnreadableScene
from ingest.summary import Outcome, Status, Summary
from ingest.writer import slot_windows

TOGETHER_SCENES = 128
TOGETHER_BYTES = 64 * 2**20
"""Decoded bytes at level 0 of the scenes of one commit, unless it is one scene."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """How to ingest."""

    choice: CubeChoice = field(default_factory=CubeChoice)
    jobs: int = 2
    """Bands worked on at once, of one scene or of several."""
    dry_run: bool = False
    """Say what would be done, write nothing."""
    whole: bool = False
    """All scenes become visible in one commit, or none does."""


def run(
    locations: Sequence[str],
    *,
    readers: Sequence[SceneReader],
    destination: Destination,
    options: IngestOptions,
    progress: IngestProgress | None = None,
) -> Summary:
    """Ingest every scene at `locations`; one that fails leaves the others alone.

    Scenes become visible one by one, each in a commit of its own, but for small ones that
    may go together, and for a `whole` that its options ask for. Processings of the same
    scene are written one after the other, the best first.

    Memory, while whole tiles of 10980 x 10980 pixels are read: about 700 MB, 256 MB of
    decoded blocks included, and 400 MB for each of `options.jobs` (see `SceneWriter`);
    measured are 1.1 GB with one job and 1.4 GB with two.

    Raises
    ------
    StoreError
        If the store or the catalogue cannot be written at all.
    """
    start = time.monotonic()
    progress = progress or Silent()
    if not options.dry_run:
        _write_missing_records(destination)
    opened = _in_parallel(
        [partial(_open, location, readers, options.choice) for location in locations],
        options.jobs,
    )
    cubes = _Cubes(destination.catalog, dry_run=options.dry_run)
    planned = [_plan(source, scene, cubes) for found in opened for source, scene in found]
    if options.dry_run:
        outcomes = [p if isinstance(p, Outcome) else _would(p, destination) for p in planned]
    else:
        works = [work for work in planned if isinstance(work, Work)]
        settled = [outcome if isinstance(outcome, Outcome) else None for outcome in planned]
        # Only the jobs may hold scenes from here on, so that files and masks go with each.
        del opened, planned
        progress.plan(
            scenes=len(settled),
            bands=sum(len(work.parts) for work in works),
            nbytes=sum(work.nbytes for work in works),
        )
        for outcome in settled:
            if outcome is not None:
                progress.scene_done(outcome.line, bands_left=0, nbytes_left=0)
        done = iter(_write(works, destination, options, progress))
        outcomes = [outcome or next(done) for outcome in settled]
        # Those of writers that died meanwhile: a record missing in between stops a rebuild.
        _write_missing_records(destination)
    return Summary(outcomes=tuple(outcomes), seconds=time.monotonic() - start)


type _Opened = tuple[str, Scene | UnreadableScene]


def _open(location: str, readers: Sequence[SceneReader], choice: CubeChoice) -> Sequence[_Opened]:
    try:
        reader = _reader(location, readers)
        return [(location, scene) for scene in reader.open(location, choice)]
    except CubeError as error:
        return [(location, UnreadableScene(name=location, error=error))]
    except Exception as error:  # noqa: BLE001  # a reader's defect must not stop the other scenes
        _log.debug("reader failed", exc_info=True)
        failure = SourceError(f"{location} cannot be read: {type(error).__name__}: {error}")
        return [(location, UnreadableScene(name=location, error=failure))]


def _reader(location: str, readers: Sequence[SceneReader]) -> SceneReader:
    for reader in readers:
        if reader.recognises(location):
            return reader
    path = Path(location)
    if not path.exists():
        raise SourceError(f"{location} does not exist")
    if path.is_file() and not path.stat().st_size:
        raise SourceError(f"{location} is empty")
    raise UnsupportedSourceError(
        f"{location} is no product that is known: a SAFE folder, a zipped SAFE, an s3:// "
        "prefix ending in .SAFE, or a STAC item or item collection is needed"
    )


class _Cubes:
    """The cubes of an ingest as they stand, each asked for once."""

    def __init__(self, catalog: CatalogWriter, *, dry_run: bool) -> None:
        self._catalog = catalog
        self._dry_run = dry_run
        self._registered: dict[str, Cube] = {}

    def cube_of(self, scene: Scene) -> Cube:
        """Return the cube that a scene goes into, registered where it is new.

        Raises
        ------
        UnsupportedSourceError, WrongResolutionError
            If the cube of this name holds something else.
        """
        name = scene.cube.name
        standing = self._registered.get(name) or self._catalog.find_cube(name)
        if standing is not None:
            _check_same(scene.cube, standing)
        if self._dry_run:
            return standing or scene.cube
        if name not in self._registered:
            self._registered[name] = self._catalog.ensure_cube(scene.collection, scene.cube)
        return self._registered[name]


def _plan(source: str, scene: Scene | UnreadableScene, cubes: _Cubes) -> Work | Outcome:
    """Register the scene's cube and place its bands; touches no cell."""
    if isinstance(scene, UnreadableScene):
        return failed(scene.name, None, scene.error)
    try:
        cube = cubes.cube_of(scene)
        placed = tuple(
            place(band, target, cube.group(target.group))
            for band in scene.bands
            for target in (cube.band(band.band.name),)
        )
        _check_lattice(placed)
        if scene.levels_in_place is not None:
            _check_copies(placed)
    except CubeError as error:
        return failed(source, scene.record.product_id, error)
    windows = slot_windows(placed)
    if scene.levels_in_place is not None:
        windows = tuple(replace(w, levels=scene.levels_in_place) for w in windows)
    sizes = {w.group: w.window.size for w in windows}
    warnings = (*scene.warnings, *(text for p in placed if (text := p.warning)))
    return Work(
        source=source,
        record=scene.record,
        cube=cube,
        placed=placed,
        windows=windows,
        warnings=warnings,
        nbytes=sum(sizes[p.group.name] * p.band.numpy_dtype.itemsize for p in placed),
        in_place=scene.levels_in_place is not None,
        together=scene.together,
    )


def _check_same(asked: Cube, standing: Cube) -> None:
    """Refuse a cube of this name that holds something else."""
    if standing.collection != asked.collection:
        raise UnsupportedSourceError(
            f"cube {standing.name} holds {standing.collection}, the scene is {asked.collection}; "
            "name another with --cube"
        )
    have = tuple(group.name for group in standing.groups)
    want = tuple(group.name for group in asked.groups)
    if have != want:
        raise WrongResolutionError(
            f"cube {standing.name} has the resolutions {', '.join(have)}, not {', '.join(want)}; "
            "name another with --cube, or the same with "
            f"--resolution {standing.groups[0].resolution:g}"
        )


def _check_lattice(placed: Sequence[Placed]) -> None:
    """Refuse a source that lies outside the span of the cube."""
    for band in placed:
        whole = band.group.window
        if band.cells.hull(whole) != whole:
            raise UnsupportedSourceError(
                f"{band.band.name} lies outside the span {band.group.grid.bbox} of its cube"
            )


def _check_copies(placed: Sequence[Placed]) -> None:
    """Refuse to leave cells in their files where they would have to be changed."""
    for band in placed:
        if band.fit is not Fit.COPY:
            raise WrongResolutionError(
                f"the cells of {band.band.name} are not those of the cube; only then can a file "
                "be read where it lies. Ingest it instead"
            )


def _would(work: Work, destination: Destination) -> Outcome:
    """Say what would become of a scene."""
    standing = destination.catalog.standing(
        work.cube.name, work.record, windows=work.windows, bands=work.bands
    )
    if note := skip_note(standing):
        return work.outcome(Status.SKIPPED, note=note)
    return work.outcome(Status.PLANNED)


def _write(
    works: list[Work],
    destination: Destination,
    options: IngestOptions,
    progress: IngestProgress,
) -> Sequence[Outcome]:
    """Write all scenes on threads: Dask begins a job only where none begun has work left.

    Empties `works`: a scene's files and masks are let go when its job is finished.
    """
    for cube in {work.cube.name: work.cube for work in works}.values():
        destination.store.prepare(cube)
    jobs = [
        (
            indices,
            {_scene(works[n]) for n in indices},
            Job(part, destination, progress, whole=options.whole),
        )
        for indices in ([[*range(len(works))]] if options.whole and works else _jobs(works))
        for part in ([works[n] for n in indices],)
    ]
    count = len(works)
    works.clear()
    finished: list[object] = []
    last: dict[tuple[str, str], object] = {}
    for number, (_, scenes, job) in enumerate(jobs):
        before = [last[scene] for scene in scenes if scene in last]
        begun = _task(job.begin, f"begin-{number}")(before)
        portions = [
            _task(job.write, f"write-{number}-{portion}")(begun) for portion in range(job.portions)
        ]
        done = _task(job.finish, f"finish-{number}")([begun, *portions])
        finished.append(done)
        last |= dict.fromkeys(scenes, done)
    outcomes: list[Outcome | None] = [None] * count
    for (indices, _, _), made in zip(jobs, _compute(finished, options.jobs), strict=True):
        for index, outcome in zip(indices, made, strict=True):
            outcomes[index] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _jobs(works: Sequence[Work]) -> list[list[int]]:
    """Return positions of works by job: neighbours that may go together, each scene but once."""
    often = Counter(map(_scene, works))
    jobs: list[list[int]] = []
    held: list[int] = []
    nbytes = 0
    for index in _order(works):
        work = works[index]
        alone = not work.together or often[_scene(work)] > 1
        nbytes += 0 if work.in_place else work.nbytes
        same = held and works[held[0]].cube.name == work.cube.name
        if alone or not same or len(held) == TOGETHER_SCENES or nbytes > TOGETHER_BYTES:
            held, nbytes = [], 0 if work.in_place else work.nbytes
            jobs.append(held)
        held.append(index)
        if alone:
            held = []
    return jobs


def _order(works: Sequence[Work]) -> list[int]:
    """Return positions in the order given, but processings of one scene together, best first."""
    together: dict[tuple[str, str], list[int]] = {}
    for index, work in enumerate(works):
        together.setdefault(_scene(work), []).append(index)
    for same in together.values():
        same.sort(key=lambda index: works[index].record.precedence, reverse=True)
    return [index for same in together.values() for index in same]


def _scene(work: Work) -> tuple[str, str]:
    return work.cube.name, work.record.scene_id


def _in_parallel[T](calls: Sequence[Callable[[], T]], jobs: int) -> Sequence[T]:
    tasks = [_task(call, f"open-{index}")() for index, call in enumerate(calls)]
    return _compute(tasks, jobs)


def _compute(tasks: Sequence[object], jobs: int) -> Sequence[Any]:
    # Dask publishes no annotations of these.
    run_all: Callable[..., tuple[Any, ...]] = compute
    return run_all(*tasks, scheduler="threads", num_workers=jobs, optimize_graph=False)


def _task(call: Callable[..., object], name: str) -> Callable[..., object]:
    """Return `call` as a lazy task; its own arguments are not looked into."""
    lazy: Callable[..., Any] = delayed
    return partial(lazy(call, traverse=False, pure=False), dask_key_name=name)


def _write_missing_records(destination: Destination) -> None:
    """Write the records of commits whose writer died before it could."""
    present = destination.records_present()
    for revision, record in destination.catalog.unwritten_records(present):
        destination.store.record_commit(revision, record)
