"""Overviews are made here: what is due is found, its parts are made and let stand."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic

import numpy as np

from copernicube.config import Settings
from copernicube.wiring import Local
from datacube.catalog.overview_making import Gap, Made, OverviewMaking
from datacube.catalog.overview_periods import Due
from datacube.catalog.overviews import make_overview
from datacube.catalog.view import SqlView
from datacube.cells import Valid, Values
from datacube.cube import Band
from datacube.evaluate.schedule import compute
from datacube.grid import Window
from datacube.overviews import (
    FEW_SCENES,
    Mosaics,
    Overview,
    Part,
    Span,
    TimeRange,
    children,
    finest_zoom,
    lattice,
    part_window,
    stored_band,
    zoom_group,
)
from datacube.plan import nodes
from datacube.plan.bind_map_time import choose_time
from datacube.plan.map_layers import LayerCubes, find_layer
from datacube.plan.overview_mosaic import mosaic
from datacube.plan.query import MapTime
from datacube.plan.rules import rewrite
from datacube.protocols import BandRead
from datacube.store.overviews import delete_overviews, delete_parts, write_part
from datacube.store.pyramid import reduce_level
from datacube.times import from_micros, to_micros

STEP_S = 1.5
"""How long a step goes on making parts."""
DUE_S = 300.0
"""How often months and days are looked for that have become worth an overview."""
ENDED_S = 3600.0
"""For how long parts are kept that a commit ended: as `as_of` may ask for them."""
UNREAD_S = 900.0
"""After how long cells are deleted that no row tells of: longer than any answer or part takes."""
_SAMPLED = 25
_BATCH = 64
_DEGREE_M = 111_320.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A collection of which overviews can be made, at one revision."""

    layer: LayerCubes
    newest: TimeRange | None
    """What a map without a time shows; None of a collection without times."""

    @property
    def since(self) -> int:
        """Where that begins, in microseconds since 1970; 0 without times."""
        return 0 if self.newest is None else to_micros(self.newest.first)


class OverviewChore:
    """Keeps the overviews of a store up; implements `copernicube.upkeep.Chore`."""

    name = "overviews"

    def __init__(self, local: Local, *, map_days: int, only: str | None = None) -> None:
        self._local = local
        self._map_days = map_days
        self._only = only
        self._idle: tuple[int, int] | None = None
        self._rested = 0.0
        self._looked: dict[str, tuple[float, int]] = {}
        """When months and days were looked for, and at which revision, by collection."""

    @cached_property
    def _making(self) -> OverviewMaking:
        return OverviewMaking(self._local.catalog.database, self._local.catalog.load_cube)

    def step(self) -> bool:
        """Make some parts, or find what is due; see `Chore.step`."""
        view = self._local.catalog.view()
        state = view.revision, view.derived
        if state == self._idle and monotonic() - self._rested < DUE_S:
            return False
        for candidate in self.candidates(view):
            if self._advance(candidate, view):
                return True
        self._clean(view)
        # What was committed meanwhile is looked at in the next step.
        self._idle, self._rested = state, monotonic()
        return False

    def candidates(self, view: SqlView) -> Iterator[Candidate]:
        """Yield the collections of which overviews can be made: scenes on planes, for everyone."""
        for collection in view.collections():
            cubes = view.cubes(collection.id)
            layer = find_layer(collection.id, view)
            flat = not any(cube.axes for cube in cubes) and len(layer.coverages) == len(cubes)
            timed = {cube.timed for cube in cubes}
            wanted = self._only in (None, collection.id)
            if not wanted or not flat or len(timed) > 1 or {c.access for c in cubes} != {"public"}:
                continue
            found = choose_time(MapTime(), layer.coverages, self._map_days)
            yield Candidate(layer=layer, newest=found.range)

    def due(self, candidate: Candidate, view: SqlView) -> list[Due]:
        """Return the periods of a collection that are worth overviews and have none."""
        name = candidate.layer.collection.id
        mosaics = view.mosaics(name)
        found: list[Due] = []
        told = None if mosaics is None else self._making.newest_first(mosaics)
        if (told is None or candidate.since < told) and self._many(candidate, view):
            last = 0 if candidate.newest is None else to_micros(candidate.newest.last)
            found.append(Due(span=Span.NEWEST, first=candidate.since, last=last))
        if candidate.newest is not None:
            found += self._making.due(name, FEW_SCENES + 1)
        return found

    def missing(self, view: SqlView) -> dict[str, int]:
        """Return how many parts are to be made of the periods that are told of, by collection."""
        return {
            candidate.layer.collection.id: 0 if mosaics is None else self._making.backlog(mosaics)
            for candidate in self.candidates(view)
            for mosaics in (view.mosaics(candidate.layer.collection.id),)
        }

    def remove(self, collection: str) -> None:
        """Forget and delete the overviews of a collection."""
        mosaics = self._local.catalog.view().mosaics(collection)
        if mosaics is not None:
            self._making.remove(mosaics)
        delete_overviews(self._local.store, collection)

    def _many(self, candidate: Candidate, view: SqlView) -> bool:
        """Tell whether a map without a time may have more than a few scenes."""
        left = FEW_SCENES
        shown = candidate.newest
        for coverage in candidate.layer.coverages:
            left -= len(
                view.slots(
                    coverage.cube.name,
                    first=None if shown is None else shown.first,
                    last=None if shown is None else shown.last,
                    most=left + 1,
                )
            )
            if left < 0:
                return True
        return False

    def _advance(self, candidate: Candidate, view: SqlView) -> bool:
        """Do what comes next for a collection; return whether there was anything."""
        name = candidate.layer.collection.id
        mosaics = view.mosaics(name)
        if mosaics is not None:
            self._making.expire(mosaics, candidate.since)
            gaps = self._making.gaps(mosaics, _BATCH)
            if gaps and self._make(candidate, mosaics, gaps):
                return True
        looked, at = self._looked.get(name, (-DUE_S, -1))
        known = at == view.revision or monotonic() - looked < DUE_S
        if known and not self._new(candidate, view):
            return False
        due = self.due(candidate, view)
        if not due:
            self._looked[name] = monotonic(), view.revision
            return False
        if mosaics is None:
            self._begin(candidate, view)
            mosaics = self._local.catalog.view().mosaics(name)
        if mosaics is not None:
            self._making.add_period(mosaics, due[0])
        return mosaics is not None

    def _new(self, candidate: Candidate, view: SqlView) -> bool:
        """Tell whether the newest overview is due, for which nobody waits."""
        mosaics = view.mosaics(candidate.layer.collection.id)
        told = None if mosaics is None else self._making.newest_first(mosaics)
        return (told is None or candidate.since < told) and self._many(candidate, view)

    def _begin(self, candidate: Candidate, view: SqlView) -> None:
        """Choose the finest zoom and the bands of a collection's overviews."""
        first, *others = candidate.layer.coverages
        sides = []
        for coverage in candidate.layer.coverages:
            group = coverage.cube.groups[0]
            unit = _DEGREE_M if coverage.cube.crs.is_geographic else 1.0
            for slot in view.slots(coverage.cube.name, most=_SAMPLED):
                covered = slot.window(group.name)
                if covered is not None:
                    sides.append(max(covered.window.plane.shape) * group.resolution * unit)
        bands = [
            band.name
            for band in first.cube.bands
            # Where every number is data, cells cannot tell where there is none.
            if not band.gapless and all(_alike(band, other.cube.bands) for other in others)
        ]
        zoom = finest_zoom(statistics.median(sides))
        self._making.create(candidate.layer.collection.id, first.cube, zoom, bands)

    def _make(self, candidate: Candidate, mosaics: Mosaics, gaps: Sequence[Gap]) -> int:
        """Make parts of one zoom for some seconds; return how many stand now."""
        view = self._local.catalog.view()
        stop = monotonic() + STEP_S
        made: list[Made] = []
        for gap in gaps:
            shown = _shown(gap, candidate)
            cells = self._cells(mosaics, gap, shown, candidate, view)
            if cells is None:
                continue
            (number,) = self._making.claim(mosaics, [gap.place[0]])
            bands = write_part(self._local.store, mosaics, gap.place, number, cells.values)
            slides = gap.span is Span.NEWEST and candidate.newest is not None
            made.append(
                Made(
                    gap=gap,
                    revision=view.revision,
                    number=number,
                    bands=bands,
                    since=candidate.since if slides else None,
                    oldest=cells.oldest,
                    newest=cells.newest,
                )
            )
            if monotonic() > stop:
                break
        return self._making.commit(mosaics, made) if made else 0

    def _cells(
        self,
        mosaics: Mosaics,
        gap: Gap,
        shown: TimeRange | None,
        candidate: Candidate,
        view: SqlView,
    ) -> "_Cells | None":
        if gap.place[0] == mosaics.zoom:
            return self._from_scenes(mosaics, gap, shown, view)
        slides = gap.span is Span.NEWEST and candidate.newest is not None
        overview = make_overview(
            mosaics,
            gap.period_id,
            gap.span,
            gap.first,
            since=candidate.since if slides else None,
        )
        return self._from_finer(overview, gap, view)

    def _from_scenes(
        self, mosaics: Mosaics, gap: Gap, shown: TimeRange | None, view: SqlView
    ) -> "_Cells":
        """Merge the scenes of a part as a map does."""
        zoom = gap.place[0]
        layer = find_layer(mosaics.collection, view)
        had = {band.name for band in layer.bands}
        grid = lattice(zoom).at(part_window(gap.place))
        bands = [band for band in mosaics.bands if band.name in had]
        plan = mosaic(layer, bands, grid, shown, view)
        if plan is None:
            return _Cells(values={}, oldest=None, newest=None)
        times = [
            to_micros(slot.scene.reference_time)
            for scan in nodes.scans(plan)
            for stack in scan.stacks
            for slot in stack.slots
        ]
        engine = self._local.engine
        limits = replace(engine.limits, seconds=UNREAD_S)
        cells = compute(rewrite(plan), engine.cells, limits=limits)
        values = {}
        for band in bands:
            found, valid = cells.band(band.name)
            values[band.name] = _filled(found, valid, band)
        return _Cells(values=values, oldest=min(times), newest=max(times))

    def _from_finer(self, overview: Overview, gap: Gap, view: SqlView) -> "_Cells | None":
        """Make a part of the four of the next zoom within it; None while one is to be made."""
        zoom = gap.place[0] + 1
        places = [part_window(place) for place in children(gap.place)]
        whole = places[0]
        for window in places[1:]:
            whole = whole.hull(window)
        parts = view.overview_parts(overview, zoom, whole)
        if any(part.slot is None for part in parts):
            return None
        values = {
            band.name: made
            for band in overview.mosaics.bands
            if (made := self._reduced(band, zoom, whole, parts)) is not None
        }
        slots = [part.slot for part in parts if part.slot is not None and part.slot.bands]
        return _Cells(
            values=values,
            oldest=min((to_micros(s.scene.first_time) for s in slots), default=None),
            newest=max((to_micros(s.scene.last_time) for s in slots), default=None),
        )

    def _reduced(
        self, band: Band, zoom: int, whole: Window, parts: Sequence[Part]
    ) -> Values | None:
        """Return four parts at half their size, by the rule of the pyramid's levels."""
        values = np.full(whole.shape, band.nodata, dtype=band.dtype)
        found = False
        for part in parts:
            if part.slot is None or band.name not in part.slot.bands:
                continue
            found = True
            window = part_window(part.place)
            request = BandRead(
                group=zoom_group(zoom),
                level=0,
                band=stored_band(band, zoom).name,
                dtype=band.dtype,
                nodata=band.nodata,
                window=window,
            )
            values[window.slices(whole)] = self._local.engine.cells.read(part.slot, request)
        if not found:
            return None
        valid = ~np.isnan(values) if band.nodata != band.nodata else values != band.nodata
        return reduce_level(
            values, valid, band.aggregate, band.nodata, degrees_per_unit=band.scale
        )[0]

    def _clean(self, view: SqlView) -> None:
        """Delete the cells of parts that nobody can ask for any more."""
        for candidate in self.candidates(view):
            mosaics = view.mosaics(candidate.layer.collection.id)
            if mosaics is None:
                continue
            self._making.retire(mosaics, ENDED_S)
            left = self._making.abandoned(mosaics, UNREAD_S, _BATCH)
            if left:
                delete_parts(self._local.store, mosaics, left)
                self._making.forget(mosaics, [number for number, _ in left])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The bands of a part, nodata where they are not valid, and the times of their scenes."""

    values: dict[str, Values]
    oldest: int | None
    newest: int | None


def _shown(gap: Gap, candidate: Candidate) -> TimeRange | None:
    """Return the stretch of time that a part shows."""
    if gap.span is Span.NEWEST:
        return candidate.newest
    return TimeRange(first=from_micros(gap.first), last=from_micros(gap.last), by_reference=False)


def _filled(values: Values, valid: Valid, band: Band) -> Values:
    stored: Values = values.astype(band.dtype)
    stored[~valid] = band.nodata
    return stored


def _alike(band: Band, others: Sequence[Band]) -> bool:
    """Tell whether other cubes store a band in the same way."""
    return any(
        (band.name, band.dtype, band.aggregate) == (one.name, one.dtype, one.aggregate)
        and (band.nodata == one.nodata or (band.nodata != band.nodata and one.nodata != one.nodata))
        for one in others
    )


def overview_chore(local: Local, settings: Settings) -> OverviewChore:
    """Return the chore of a server with some settings."""
    return OverviewChore(local, map_days=settings.default_map_days)
