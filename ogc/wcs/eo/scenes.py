"""Scenes as datasets, and collections as series of them.

A dataset is what a coverage holds in the window of one scene at the scene's time. Where scenes of
one acquisition overlap, their cells are those of the one that goes first, as in the coverage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import shapely

from datacube.cube import Coverage
from datacube.encode.described import Described, ncname
from datacube.errors import UnknownNameError
from datacube.grid import Window
from datacube.plan.nodes import Domain, band_field
from datacube.plan.query import Slice, Trim
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import iso_text
from ogc.crs import lonlat_bbox

_BETWEEN = ".."
"""Stands in a dataset's id between those of the coverage and of the product."""


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

    def scenes(
        self, view: CatalogView, *, first: datetime | None = None, last: datetime | None = None
    ) -> Iterator[Scene]:
        """Yield the scenes that meet a closed interval, by cube and time."""
        for coverage in self.coverages:
            yield from scenes_of(coverage, view, first=first, last=last)


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
    cube, between, _ = coverage_id.partition(_BETWEEN)
    if not between:
        return None
    coverage = view.coverage(cube)
    for scene in scenes_of(coverage, view):
        if scene.id == coverage_id:
            return scene
    raise UnknownNameError("coverage", coverage_id, (coverage.id,))


def scenes_of(
    coverage: Coverage,
    view: CatalogView,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
) -> Iterator[Scene]:
    """Yield the scenes that meet a closed interval; none of what maps cannot show."""
    if not coverage.mappable:
        return
    for slot in view.slots(coverage.cube.name, first=first, last=last):
        covered = slot.window(coverage.group)
        if covered is not None and coverage.acquisitions:
            yield Scene(coverage=coverage, slot=slot, window=covered.window)
