"""The catalogue at one revision, as one principal may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from datacube.axes import TimeAxis
from datacube.cube import Collection, Coverage, Cube, ResolutionGroup, ShardNumber
from datacube.deep import DeepBlock
from datacube.errors import UnknownNameError
from datacube.grid import Window
from datacube.offers import NO_OFFERS, Offers
from datacube.overviews import Mosaics, Overview, Part, TimeRange
from datacube.protocols import Bbox, StoredStyle
from datacube.slots import Slot

if TYPE_CHECKING:
    from datacube.catalog.reading import SqlReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cube that has or had scenes at a revision."""

    cube_id: int
    name: str
    collection: str
    access: str
    described: int
    """Revision since which the cube's description has been true."""
    description: "Description"
    scenes: int
    """Number of visible scenes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a cube's coverages are made of."""

    hulls: Mapping[str, Window]
    """By group: `(y, x)`."""
    bands: frozenset[str]
    time: TimeAxis
    """Acquisitions, whether they make an axis of the cube or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What stands at one revision, for all principals."""

    revision: int
    entries: Mapping[str, Entry]
    """By cube name, in that order."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    styles: tuple[StoredStyle, ...] = ()

    def seen(self, access: frozenset[str]) -> "Seen":
        """Return what those see who have some kinds of access."""
        entries = {name: e for name, e in self.entries.items() if e.access in access}
        found: dict[str, list[Entry]] = {}
        for entry in entries.values():
            found.setdefault(entry.collection, []).append(entry)
        return Seen(
            entries=entries, by_collection={name: tuple(found[name]) for name in sorted(found)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What some principals see of a snapshot."""

    entries: Mapping[str, Entry]
    """By cube name, in that order."""
    by_collection: Mapping[str, tuple[Entry, ...]]
    """In the order of the ids."""


class SqlView:
    """Implements `protocols.CatalogView`."""

    def __init__(
        self, catalog: "SqlReader", snapshot: Snapshot, seen: Seen, *, derived: int = 0
    ) -> None:
        self._catalog = catalog
        self._derived = derived
        self._snapshot = snapshot
        self._entries = seen.entries
        self._by_collection = seen.by_collection

    @property
    def revision(self) -> int:
        """The pinned revision; 0 for an empty catalogue."""
        return self._snapshot.revision

    def collections(self) -> Sequence[Collection]:
        """Return the collections that have at least one visible cube, by id."""
        return tuple(self._catalog.load_collection(each) for each in self._by_collection)

    def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        if collection_id not in self._by_collection:
            raise UnknownNameError("collection", collection_id, tuple(self._by_collection))
        return self._catalog.load_collection(collection_id)

    def cubes(self, collection_id: str | None = None) -> Sequence[Cube]:
        """Return the cubes with at least one visible or once visible scene, by name."""
        asked = (
            self._entries.values()
            if collection_id is None
            else self._by_collection.get(collection_id, ())
        )
        return tuple(self._catalog.load_cube(entry.cube_id) for entry in asked)

    def coverage_ids(self) -> Sequence[str]:
        """Return the ids of all coverages, sorted."""
        ids: list[str] = []
        for entry in self._entries.values():
            ids.append(entry.name)
            cube = self._catalog.load_cube(entry.cube_id)
            ids += [_group_id(cube, g) for g in cube.groups if _offers(cube, g, entry.description)]
        return tuple(sorted(set(ids)))

    def coverage(self, coverage_id: str) -> Coverage:
        """Return a coverage by id or alias."""
        found = self._find(coverage_id)
        if found is None:
            found = self._find(self._snapshot.aliases.get(coverage_id, ""))
        if found is None:
            found = self._find(self._catalog.offers.meant(coverage_id))
        if found is None:
            raise UnknownNameError("coverage", coverage_id, tuple(self.coverage_ids()))
        return found

    def offers(self, coverage_id: str) -> bool:
        """Tell whether a coverage has this very id; aliases do not count."""
        return self._find(coverage_id) is not None

    def _find(self, coverage_id: str) -> Coverage | None:
        entry = self._entries.get(coverage_id)
        if entry is not None:
            return self._catalog.load_coverage(entry, None)
        name, _, suffix = coverage_id.rpartition("_")
        entry = self._entries.get(name)
        return None if entry is None else self._catalog.load_coverage(entry, f"r{suffix}")

    def slots(
        self,
        cube: str,
        *,
        bbox: Bbox | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        most: int | None = None,
    ) -> Sequence[Slot]:
        """Return the visible slots whose bounding box and time meet the filters.

        Time: the hull of first line, last line and reference time meets `[first, last]`.
        Box: both share area; where `bbox` is a point or a line, touching is enough.
        Of more than `most`, any `most` are returned.
        """
        return self._catalog.load_slots(
            self.entry(cube), self.revision, bbox, (first, last), most=most
        )

    def product_slots(self, cube: str, product_id: str) -> Sequence[Slot]:
        """Return the visible slots of a product."""
        return self._catalog.load_product(self.entry(cube), self.revision, product_id)

    def deep_blocks(
        self, cube: str, group: str, columns: Sequence[ShardNumber]
    ) -> Sequence[DeepBlock]:
        """Return the deep blocks over some shards of a group, whatever slots they hold."""
        return self._catalog.deep.find((self.entry(cube).cube_id, cube), group, columns)

    def entry(self, cube: str) -> Entry:
        """Return the row of a cube.

        Raises
        ------
        UnknownNameError
            If the principal sees none of that name.
        """
        entry = self._entries.get(cube)
        if entry is None:
            raise UnknownNameError("cube", cube, tuple(self._entries))
        return entry

    def newest(self, collection_id: str) -> datetime | None:
        """Return the reference time of the newest visible acquisition of a collection.

        None where none of its cubes has a time axis.
        """
        times = [
            entry.description.time.ends[1]
            for entry in self._by_collection.get(collection_id, ())
            if self._catalog.load_cube(entry.cube_id).timed
        ]
        return max(times, default=None)

    def counts(self) -> Mapping[str, int]:
        """Return the number of visible scenes by cube."""
        return {name: entry.scenes for name, entry in self._entries.items()}

    @property
    def derived(self) -> int:
        """How often what is derived from slots had changed when the view was pinned."""
        return self._derived

    def mosaics(self, collection_id: str) -> Mosaics | None:
        """Return the overviews of a collection, all of whose cubes everyone may see."""
        if any(entry.access != "public" for entry in self._by_collection.get(collection_id, ())):
            return None
        return self._catalog.load_overviews(self._derived).get(collection_id)

    def overview(self, mosaics: Mosaics, shown: TimeRange | None) -> Overview | None:
        """Return the overview that shows exactly a stretch of time; None where there is none."""
        return self._catalog.overview_rows.find(mosaics, shown, self.revision)

    def overview_parts(self, overview: Overview, zoom: int, window: Window) -> Sequence[Part]:
        """Return the parts that cells of a zoom touch, by place."""
        return self._catalog.overview_rows.parts(overview, zoom, window, self.revision)

    def stored_styles(self) -> Sequence[StoredStyle]:
        """Return the styles that stand at the revision, by target and name."""
        return self._snapshot.styles


def make_coverage(
    cube: Cube,
    entry: Entry,
    description: Description,
    group_name: str | None,
    offers: Offers = NO_OFFERS,
) -> Coverage | None:
    """Describe a cube on its finest grid, or the bands of one group, or a picture.

    `group_name` is `r10m` of a group, `rTCI` of a picture. None where it is not offered.
    """
    picture = offers.picture(cube.collection, (group_name or "").removeprefix("r"))
    painted = None if picture is None else picture.bands(cube, description.bands)
    if group_name is None:
        group = cube.groups[0]
        window = _common_hull(cube, description.hulls)
        bands = tuple(b for b in cube.bands if b.name in description.bands)
        coverage_id = cube.name
    elif picture is not None and painted is not None:
        group = cube.group(painted[0].group)
        window = description.hulls[group.name]
        bands = painted
        coverage_id = f"{cube.name}_{picture.suffix}"
    else:
        offered = [g for g in cube.groups if g.name == group_name]
        if not offered or not _offers(cube, offered[0], description):
            return None
        group = offered[0]
        window = description.hulls[group.name]
        bands = tuple(
            b for b in cube.bands if b.name in description.bands and b.group == group.name
        )
        coverage_id = _group_id(cube, group)
    return Coverage(
        id=coverage_id,
        cube=cube,
        group=group.name,
        bands=bands,
        grid=group.grid.at(window),
        axes=group.axes,
        time=description.time if cube.timed else None,
        revision=entry.described,
    )


def _offers(cube: Cube, group: ResolutionGroup, description: Description) -> bool:
    return group.name in description.hulls and any(
        b.group == group.name and b.name in description.bands for b in cube.bands
    )


def _group_id(cube: Cube, group: ResolutionGroup) -> str:
    return f"{cube.name}_{group.name.removeprefix('r')}"


def _common_hull(cube: Cube, hulls: Mapping[str, Window]) -> Window:
    """Return the hull of all groups' hulls, in cells of the finest group."""
    finest = cube.groups[0].grid
    windows = [
        finest.cover(cube.group(name).grid.at(window).bbox).window for name, window in hulls.items()
    ]
    hull = windows[0]
    for window in windows[1:]:
        hull = hull.hull(window)
    return hull
