"""Scenes as datasets, and collections as series of them.

A dataset is what a coverage holds in the window of one scene at the scene's time. Where scenes of
one acquisition overlap, their cells are those of the one that goes first, as in the coverage.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import shapely

from datacube.cube import Coverage, Cube
from datacube.encode.described import Described, ncname
from datacube.errors import LimitExceededError, UnknownNameError
from datacube.grid import Window
from datacube.plan.boxes import reproject_box
from datacube.plan.nodes import Domain, band_field
from datacube.plan.query import Slice, Trim
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import iso_text
from ogc.crs import CRS84, lonlat_bbox

_BETWEEN = ".."
"""Stands in a dataset's id between those of the coverage and of the product."""


MOST_SCENES = 5000
"""Scenes of one request that are compared with its box and time one by one."""
_WORLD = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Where and when scenes are looked for."""

    box: Bbox = _WORLD
    """West, south, east, north."""
    first: datetime | None = None
    """None: since ever."""
    last: datetime | None = None
    """Inclusive. None: for ever."""

    def apart(self, coverage: Coverage) -> bool:
        """Tell whether a coverage has no place in the box."""
        west, south, east, north = lonlat_bbox(coverage.grid)
        beside = east < self.box[0] or self.box[2] < west
        return beside or north < self.box[1] or self.box[3] < south

    def box_in(self, cube: Cube) -> Bbox | None:
        """Return a box in the CRS of a cube around all that is looked for; None: everywhere."""
        if self.box == _WORLD:
            return None
        found = reproject_box(self.box, CRS84, cube.crs)
        return found if found is not None and all(map(isfinite, found)) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene of a coverage."""

    coverage: Coverage
    slot: Slot
    window: Window
    """Its cells on the lattice of the coverage, `(*axes, y, x)`."""

    @property
    def id(self) -> str:
        """Its id as a coverage, which XML takes as an id, too."""
        return f"{self.coverage.id}{_BETWEEN}{ncname(self.slot.scene.product_id)}"

    @property
    def footprint(self) -> shapely.Geometry:
        """Where it has data, in longitude and latitude: the box of its cells where unknown."""
        if self.slot.scene.footprint:
            return shapely.from_wkt(self.slot.scene.footprint)
        return shapely.box(*lonlat_bbox(self.coverage.grid.at(self.window)))

    @property
    def subsets(self) -> tuple[Trim | Slice, ...]:
        """What cuts it out of its coverage."""
        time = self.coverage.time
        ranges = zip(self.coverage.grid.axes, self.window.plane.ranges, strict=True)
        plane = (
            Trim(axis=axis.name, low=float(start), high=float(stop - 1), grid_indices=True)
            for axis, (start, stop) in ranges
        )
        at = None if time is None else time.times.place_of(self.slot.scene.reference_time)
        if time is None or at is None:
            return tuple(plane)
        return (Slice(axis=time.name, at=float(at), grid_index=True), *plane)

    @property
    def described(self) -> Described:
        """What a description states of it."""
        record, own = self.slot.scene, self.coverage
        return Described(
            id=self.id,
            title=record.product_id,
            domain=Domain(outer=own.axes, grid=own.grid.at(self.window)),
            fields=tuple(map(band_field, own.bands)),
            about=(
                f"Scene {record.product_id} of {own.id}, acquired {iso_text(record.first_time)}. "
                "Where scenes of one acquisition overlap, cells are those of the newest processing."
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The scenes of one collection."""

    id: str
    """Of the collection, as XML takes it as an id."""
    title: str
    coverages: tuple[Coverage, ...]
    """One a cube."""

    @property
    def bbox(self) -> Bbox:
        """West, south, east, north."""
        boxes = [lonlat_bbox(coverage.grid) for coverage in self.coverages]
        west, south = (min(box[at] for box in boxes) for at in (0, 1))
        east, north = (max(box[at] for box in boxes) for at in (2, 3))
        return west, south, east, north

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The first line of the first scene and the last line of the last, inclusive."""
        found = [one.time.times.summary for one in self.coverages if one.time is not None]
        return min(one.earliest for one in found), max(one.latest for one in found)

    def scenes(self, view: CatalogView, within: "Within") -> Iterator[Scene]:
        """Yield the scenes that may lie within a box and an interval, by cube and time."""
        for coverage in self.coverages:
            yield from scenes_of(coverage, view, within)


def series_of(coverages: tuple[Coverage, ...]) -> tuple[Series, ...]:
    """Return the series of coverages that have times and a place on the Earth, by collection."""
    whole = [
        one for one in coverages if one.id == one.cube.name and one.mappable and one.acquisitions
    ]
    names = dict.fromkeys(one.cube.collection for one in whole)
    return tuple(
        Series(
            id=ncname(name),
            title=name,
            coverages=tuple(one for one in whole if one.cube.collection == name),
        )
        for name in names
    )


def find_scene(coverage_id: str, view: CatalogView) -> Scene | None:
    """Return the scene that an id of a dataset names; None where it is no such id.

    Raises
    ------
    UnknownNameError
        If there is no such scene.
    """
    cube, between, product = coverage_id.partition(_BETWEEN)
    if not between:
        return None
    coverage = view.coverage(cube)
    # Few names are no XML names; those stand in the id in another spelling.
    named = view.product_slots(coverage.cube.name, product) or view.slots(coverage.cube.name)
    for scene in _scenes(coverage, named):
        if scene.id == coverage_id:
            return scene
    raise UnknownNameError("coverage", coverage_id, (coverage.id,))


def scenes_of(coverage: Coverage, view: CatalogView, within: "Within") -> Iterator[Scene]:
    """Yield the scenes that may lie within a box and an interval, by time.

    None of what maps cannot show.

    Raises
    ------
    LimitExceededError
        If they are more than `MOST_SCENES`.
    """
    if not coverage.mappable or within.apart(coverage):
        return
    found = view.slots(
        coverage.cube.name,
        bbox=within.box_in(coverage.cube),
        first=within.first,
        last=within.last,
        most=MOST_SCENES + 1,
    )
    if len(found) > MOST_SCENES:
        raise too_many(coverage.id)
    yield from _scenes(coverage, found)


def too_many(name: str) -> LimitExceededError:
    """Return the error that a series has too many scenes to look at."""
    return LimitExceededError(
        f"more than {MOST_SCENES} scenes of {name} may lie within the box and the time; "
        f"allowed are {MOST_SCENES}: make either smaller"
    )


def _scenes(coverage: Coverage, slots: Iterable[Slot]) -> Iterator[Scene]:
    for slot in slots:
        covered = slot.window(coverage.group)
        if covered is not None and coverage.time is not None:
            yield Scene(coverage=coverage, slot=slot, window=covered.window)
