"""Writes what is offered through the pipeline; implements `datacube.writing.WriteCoverages`."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from uuid import uuid4

import numpy as np

from datacube.cube import Cube
from datacube.errors import (
    CubeError,
    InvalidParameterError,
    LimitExceededError,
    SourceError,
    StoreError,
    UnknownNameError,
    UnsafeSourceError,
)
from datacube.protocols import CatalogView, Principal
from datacube.writing import (
    Change,
    CoverageTypeError,
    InconsistentChangeError,
    InlineCells,
    Offered,
    TakenNameError,
    Written,
)
from ingest.job import Destination
from ingest.offered.files import checked_suffix, write_planes
from ingest.offered.parts import masked, trimmed
from ingest.offered.recipes import InputBands, find_bands, has_times, into_cube, make_recipe
from ingest.pipeline import IngestOptions, run
from ingest.recipes.reader import RecipeReader
from ingest.recipes.sources import SourceFile, open_source
from ingest.scene import CubeChoice, Scene
from ingest.summary import Status

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_NEW = "coverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLimits:
    """Bounds on one change."""

    decoded_bytes: int = 4 * 2**30
    """Cells at full resolution, as they are stored."""
    scenes: int = 1000
    """Times of one coverage."""


class OfferedCoverages:
    """Changes coverages, one change at a time; each is one commit.

    Processes that write at once meet at the commit: a scene is there once.
    """

    def __init__(self, destination: Destination, limits: OfferLimits | None = None) -> None:
        self._destination = destination
        self._limits = limits or OfferLimits()
        self._turn = Lock()

    def insert(
        self, coverage_id: str, offered: Offered, principal: Principal, *, new_id: bool = False
    ) -> Written:
        """Add a coverage; see `WriteCoverages`."""
        with self._turn, _folder() as folder:
            view = self._destination.catalog.view(principal=principal)
            if new_id:
                coverage_id = f"{(coverage_id or _NEW)[:80]}_{uuid4().hex[:12]}"
            self._check_new(coverage_id, view)
            standing = self._destination.catalog.find_cube(coverage_id)
            try:
                scenes = self._scenes(folder, coverage_id, offered, standing)
            except (UnsafeSourceError, CoverageTypeError):
                raise
            except SourceError as error:
                raise CoverageTypeError(str(error)) from error
            except InconsistentChangeError as error:
                raise TakenNameError(
                    f"{coverage_id} was deleted, and older revisions show it; as a coverage of "
                    f"that id this one does not fit: {error}"
                ) from error
            return Written(revision=self._ingest(scenes, principal), coverage_id=coverage_id)

    def update(self, change: Change, principal: Principal) -> Written:
        """Put cells in the place of others; see `WriteCoverages`."""
        with self._turn, _folder() as folder:
            view = self._destination.catalog.view(principal=principal)
            cube = _whole_cube(change.coverage_id, view)
            if len(cube.groups) > 1:
                raise InconsistentChangeError(
                    f"{cube.name} has bands of {len(cube.groups)} resolutions; it takes whole "
                    "scenes by ingest alone"
                )
            try:
                scenes = self._scenes(
                    folder, cube.name, change.offered, cube, pairs=change.bands, cube=cube
                )
                scenes = [trimmed(scene, change.trims) for scene in scenes]
                if change.mask is not None:
                    (mask,) = self._mask(folder, change.mask)
                    scenes = [masked(scene, mask) for scene in scenes]
            except UnsafeSourceError:
                raise
            except (SourceError, CoverageTypeError) as error:
                raise InconsistentChangeError(str(error)) from error
            return Written(revision=self._ingest(scenes, principal), coverage_id=cube.name)

    def delete(self, coverage_ids: tuple[str, ...], principal: Principal) -> Written:
        """Let coverages be no longer there; see `WriteCoverages`."""
        with self._turn:
            view = self._destination.catalog.view(principal=principal)
            names = tuple(dict.fromkeys(_whole_cube(each, view).name for each in coverage_ids))
            try:
                committed = self._destination.catalog.delete_cubes(names)
            except UnknownNameError as error:
                raise UnknownNameError("coverage", error.name) from error
            self._destination.store.record_commit(committed.revision, committed.record)
            return Written(revision=committed.revision)

    def _check_new(self, coverage_id: str, view: CatalogView) -> None:
        if not _ID.fullmatch(coverage_id):
            raise InvalidParameterError(
                f"the id {coverage_id[:100]!r} is not allowed; allowed are up to 100 letters, "
                "digits, '_', '.' and '-', beginning with a letter",
                parameter="coverageId",
            )
        try:
            view.coverage(coverage_id)
        except UnknownNameError:
            ids = {collection.id for collection in view.collections()}
            if coverage_id not in ids:
                return
        raise TakenNameError(
            f"{coverage_id} is given already; choose another id, or useId=new for one of its own"
        )

    def _scenes(
        self,
        folder: Path,
        coverage_id: str,
        offered: Offered,
        standing: Cube | None,
        *,
        pairs: Sequence[tuple[str, str]] = (),
        cube: Cube | None = None,
    ) -> list[Scene]:
        """Open what is offered: headers only. With `cube` as a change of it."""
        scenes: list[Scene] = []
        for at, path in enumerate(_paths(offered.content, folder, standing)):
            source = open_source(str(path))
            bands = find_bands(source, offered.bands)
            if cube is not None:
                bands = into_cube(cube, bands, pairs, named=bool(offered.bands))
            when = offered.times[at] if at < len(offered.times) else None
            _check_times(source, bands, offered, standing)
            recipe = make_recipe(folder, coverage_id, source, bands, when)
            if standing is not None:
                recipe = replace(
                    recipe, collection=replace(recipe.collection, id=standing.collection)
                )
            reader = RecipeReader(recipe, standing=standing)
            scenes += reader.open(str(path), CubeChoice())
            standing = standing or (scenes[0].cube if scenes else None)
        self._check_size(scenes)
        return scenes

    def _mask(self, folder: Path, mask: Offered) -> list[Scene]:
        inner = folder / "mask"
        inner.mkdir()
        scenes = self._scenes(inner, "mask", replace(mask, times=()), None)
        if len(scenes) != 1 or len(scenes[0].bands) != 1 or scenes[0].cube.axes:
            raise InconsistentChangeError("a mask has one band, and no time")
        return scenes

    def _check_size(self, scenes: Sequence[Scene]) -> None:
        limits = self._limits
        if len(scenes) > limits.scenes:
            raise LimitExceededError(
                f"the coverage has {len(scenes)} scenes; allowed are {limits.scenes} at once"
            )
        size = sum(
            prod(band.grid.shape)
            * prod(stop - start for start, stop in band.places)
            * np.dtype(band.band.dtype).itemsize
            for scene in scenes
            for band in scene.bands
        )
        if size > limits.decoded_bytes:
            raise LimitExceededError(
                f"the cells have {size} bytes; allowed are {limits.decoded_bytes} "
                "(TRANSACTION_DECODED_BYTES)"
            )

    def _ingest(self, scenes: Sequence[Scene], principal: Principal) -> int:
        """Write scenes and make them visible in one commit; return its revision."""
        now = datetime.now(UTC)
        told = [_told(scene, principal, now) for scene in scenes]
        summary = run(
            ["transaction"],
            readers=[_Opened(told)],
            destination=self._destination,
            options=IngestOptions(whole=True, jobs=1),
        )
        bad = [each for each in summary.outcomes if each.status is not Status.INGESTED]
        if bad or not summary.outcomes:
            first = min(bad, key=lambda each: each.error_code == "commit-conflict", default=None)
            raise _failure(first.note if first else None, first.error_code if first else None)
        return max(outcome.revision or 0 for outcome in summary.outcomes)


class _Opened:
    """Scenes that are open already, as a reader."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self._scenes = scenes

    def recognises(self, location: str) -> bool:
        """Take the one place that is asked for."""
        return bool(location)

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene]:
        """Return the scenes."""
        del location, choice
        return self._scenes


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="copernicube-transaction-") as folder:
        yield Path(folder).resolve()


def _paths(content: Path | InlineCells, folder: Path, standing: Cube | None) -> tuple[Path, ...]:
    """Return files in the folder named by what they hold, so that equal ones are equal scenes."""
    if isinstance(content, InlineCells):
        if standing is not None:
            content = _as_stored(content, standing)
        digest = sha256(np.ascontiguousarray(content.values).tobytes()).hexdigest()
        return write_planes(content, folder, digest[:24])
    suffix = checked_suffix(content)
    with content.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    path = folder / f"{digest[:24]}{suffix}"
    # A link shares the cells; across file systems they are copied.
    try:
        path.hardlink_to(content)
    except OSError:
        shutil.copyfile(content, path)
    return (path,)


def _as_stored(cells: InlineCells, cube: Cube) -> InlineCells:
    """Return cells in the type of the bands, where that changes none."""
    dtype = np.result_type(*(np.dtype(band.dtype) for band in cube.bands))
    nodata = cube.bands[0].nodata if cells.nodata is None and not cube.bands[0].gapless else None
    with np.errstate(invalid="ignore"):
        stored = cells.values.astype(dtype)
    if not np.array_equal(stored, cells.values, equal_nan=stored.dtype.kind == "f"):
        raise InconsistentChangeError(f"some values are none of {dtype}, which the coverage has")
    return replace(cells, values=stored, nodata=nodata if cells.nodata is None else cells.nodata)


def _check_times(
    source: SourceFile, bands: InputBands, offered: Offered, standing: Cube | None
) -> None:
    timed = has_times(source, bands)
    if timed and offered.times:
        raise InconsistentChangeError("the file says its times itself; say none beside it")
    if standing is not None and standing.timed and not (timed or offered.times):
        raise InconsistentChangeError(
            f"{standing.name} has a time axis, and nothing says when the cells are of; "
            'say it by SUBSET=ansi("2026-01-31")'
        )
    if standing is not None and not standing.timed and (timed or offered.times):
        raise InconsistentChangeError(f"{standing.name} has no time axis, and the cells have times")


def _told(scene: Scene, principal: Principal, now: datetime) -> Scene:
    """Return a scene whose record says who sent it and when, and no file of this machine."""
    record = scene.record
    properties = json.dumps({"source": "WCS transaction", "sent_by": principal.name})
    return replace(scene, record=replace(record, generation_time=now, properties=properties))


def _whole_cube(coverage_id: str, view: CatalogView) -> Cube:
    coverage = view.coverage(coverage_id)
    if coverage.id != coverage.cube.name:
        raise InvalidParameterError(
            f"{coverage_id[:100]} is a part of {coverage.cube.name}; a change names the whole",
            parameter="coverageId",
        )
    return coverage.cube


def _failure(note: str | None, code: str | None) -> CubeError:
    """Return the error that the pipeline told in words."""
    text = note or "the coverage holds nothing that could be written"
    if code is not None and code.startswith("store"):
        return StoreError(text)
    if code == "unsafe-source":
        return UnsafeSourceError(text)
    return InconsistentChangeError(text)
