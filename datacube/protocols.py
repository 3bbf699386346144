"""What the engine needs of the world: cells to read, a catalogue to ask, a principal to serve."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from datacube.cells import Values
from datacube.cube import Collection, Coverage, Cube, ResolutionGroup, ShardNumber
from datacube.deep import DeepBlock
from datacube.grid import Window
from datacube.overviews import Mosaics, Overview, Part, TimeRange
from datacube.slots import BandShards, SceneRecord, Slot, SlotWindow

type Bbox = tuple[float, float, float, float]
"""`(min x, min y, max x, max y)` in a CRS that is named beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. What it may not see does not exist for it."""

    name: str = "anonymous"
    access: frozenset[str] = field(default=frozenset({"public"}))
    """Access classes it may read."""
    may_write: bool = False
    """Whether it may change which coverages there are."""


ANONYMOUS = Principal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one request. A request over one is refused with the estimate.

    A refusal names the bound as operators set it: `LIMIT_` and the field's name in capitals.
    """

    map_side_px: int = 8192
    """Longest side of a map."""
    map_pixels: int = 33_554_432
    """Pixels of a map (width x height), and cells that are turned into polygons."""
    map_layers: int = 10
    """Layers of a map, or of what is told at a place."""
    map_times: int = 1000
    """Values in the list of a map's time."""
    series_scenes: int = 5000
    """Scenes of a series at a place."""
    table_rows: int = 2_000_000
    """Places and times in a table of EDR: CSV or GeoJSON."""
    decoded_bytes: int = 4 * 2**30
    """Bytes of chunks decoded for one answer."""
    output_bytes: int = 2 * 2**30
    """Bytes of cells of one answer before encoding."""
    memory_bytes: int = 2**30
    """Estimated peak memory of one answer."""
    seconds: float = 120.0
    """Wall time of one answer."""
    parameter_bytes: int = 60_000
    """Length of a query string or a form body.

    Below 65,535 the server's HTTP parser lets the longest address through to the
    service, which then refuses it in its own format.
    """
    body_bytes: int = 64 * 2**20
    """Length of the body of a POST: a query with its uploaded files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRead:
    """Cells of one slot: one band, one level, one window."""

    group: ResolutionGroup
    level: int
    band: str
    """A band's name, or `VALID_BAND` for the scene mask (uint8, 1 where any band is valid)."""
    dtype: str
    nodata: float
    window: Window
    """Grid indices at `level`, `(*group.axes, y, x)`; may reach outside the slot."""


class ReadCells(Protocol):
    """Reads stored cells."""

    def read(self, slot: Slot, request: BandRead) -> Values:
        """Return stored numbers, shape of the window, nodata where no shard is recorded.

        Raises
        ------
        StoreDamagedError
            If a recorded shard is missing or unreadable.
        """
        ...


@runtime_checkable
class ReadDeep(ReadCells, Protocol):
    """Reads stored cells, of slots and of deep blocks."""

    def read_deep(self, block: DeepBlock, request: BandRead, ranks: Sequence[int]) -> Values | None:
        """Return stored numbers `(rank, *window)`, bit for bit those of the ranks' slots.

        The window lies in the block's column. None where the block is gone or damaged: its
        slots have the same.
        """
        ...


class WriteCells(Protocol):
    """Writes the cells of one slot, then makes them durable."""

    def prepare(self, cube: Cube) -> None:
        """Create the cube's arrays where they are missing. Safe to call from many writers."""
        ...

    def write(
        self,
        cube: Cube,
        slot: int,
        request: BandRead,
        values: Values,
    ) -> tuple[ShardNumber, ...]:
        """Write a window that is whole shards (cut at the slot's own window only).

        Shards that hold nothing but nodata are not written. Returns the numbers
        `(*places, row, column)` of the shards that were written.

        Raises
        ------
        StoreFullError, StoreReadOnlyError
        ValueError
            If the window would write part of a shard that another write shares.
        """
        ...

    def flush(self, cube: Cube, *slots: int) -> None:
        """Bring every shard of the slots to disk; called before the commit."""
        ...

    def record_commit(self, revision: int, record: str) -> None:
        """Write `_commits/<revision>.json` durably; the record is the catalogue's JSON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSlot:
    """A written slot, offered for commit."""

    cube: Cube
    number: int
    scene: SceneRecord
    windows: tuple[SlotWindow, ...]
    shards: tuple[BandShards, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit did."""

    revision: int
    record: str
    """The commit record (JSON), as it also stands in the catalogue."""
    retired: tuple[tuple[str, str], ...]
    """`(scene id, product id)` of what the new scenes supersede; scene ids are theirs, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a scene offered for ingest stands to what is visible."""

    present: bool
    """The same scene, baseline and processing time is committed."""
    superseded_by: str | None
    """Product id of a visible scene that supersedes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStyle:
    """A named style that the catalogue keeps."""

    name: str
    target: str
    """What it is for: `collection:S2_L2A`, `family:sentinel-2`, or empty for any layer."""
    definition: str
    """JSON; what it means is known to those who paint."""


class CatalogView(Protocol):
    """The catalogue at one revision, as one principal may see it."""

    @property
    def revision(self) -> int:
        """The pinned revision; 0 for an empty catalogue."""
        ...

    def collections(self) -> Sequence[Collection]:
        """Return the collections that have at least one visible cube, by id."""
        ...

    def collection(self, collection_id: str) -> Collection:
        """Return one collection.

        Raises
        ------
        UnknownNameError
        """
        ...

    def cubes(self, collection_id: str | None = None) -> Sequence[Cube]:
        """Return the cubes that have or had a visible scene, by name."""
        ...

    def coverage_ids(self) -> Sequence[str]:
        """Return the ids of all coverages, sorted."""
        ...

    def coverage(self, coverage_id: str) -> Coverage:
        """Return a coverage by id or alias.

        Raises
        ------
        UnknownNameError
        """
        ...

    def slots(
        self,
        cube: str,
        *,
        bbox: Bbox | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        most: int | None = None,
    ) -> Sequence[Slot]:
        """Return the visible slots that meet the filters; `bbox` is in the CRS of the cube.

        Times are closed bounds on the scene's interval from first to last line and
        on its reference time. Sorted by reference time, then precedence, best first.
        Where more than `most` meet the filters, any `most` of them are returned.
        """
        ...

    def product_slots(self, cube: str, product_id: str) -> Sequence[Slot]:
        """Return the visible slots of a product."""
        ...

    def deep_blocks(
        self, cube: str, group: str, columns: Sequence[ShardNumber]
    ) -> Sequence[DeepBlock]:
        """Return the deep blocks over some shards of a group, whatever slots they hold."""
        ...

    def newest(self, collection_id: str) -> datetime | None:
        """Return the reference time of a collection's newest visible acquisition.

        None where none of its cubes has a time axis.
        """
        ...

    def counts(self) -> Mapping[str, int]:
        """Return the number of visible scenes by cube."""
        ...

    def stored_styles(self) -> Sequence[StoredStyle]:
        """Return the styles that stand at the revision, by target and name."""
        ...

    @property
    def derived(self) -> int:
        """How often what is derived from slots had changed when the view was pinned."""
        ...

    def mosaics(self, collection_id: str) -> Mosaics | None:
        """Return the overviews of a collection, all of whose cubes everyone may see.

        None where there are none, or the asker sees cubes that others do not.
        """
        ...

    def overview(self, mosaics: Mosaics, shown: TimeRange | None) -> Overview | None:
        """Return the overview that shows exactly a stretch of time; None where there is none.

        `shown` is None of a collection without times.
        """
        ...

    def overview_parts(self, overview: Overview, zoom: int, window: Window) -> Sequence[Part]:
        """Return the parts that cells of a zoom touch, by place.

        Where there is none no scene lies; one without a slot has yet to be made.
        """
        ...


class Catalog(Protocol):
    """What exists and what is visible."""

    def view(self, *, as_of: int | None = None, principal: Principal = ANONYMOUS) -> CatalogView:
        """Pin a revision, by default the newest.

        Raises
        ------
        RevisionError
            If `as_of` lies ahead of the newest revision or was purged.
        """
        ...


class CatalogWriter(Catalog, Protocol):
    """A catalogue that can be written."""

    def ensure_cube(self, collection: Collection, cube: Cube) -> Cube:
        """Register a cube's definition where it is new; return the one that stands."""
        ...

    def find_cube(self, name: str) -> Cube | None:
        """Return the registered definition of a cube, whether it has scenes or not."""
        ...

    def standing(
        self,
        cube: str,
        scene: SceneRecord,
        *,
        windows: Sequence[SlotWindow] | None = None,
        bands: frozenset[str] | None = None,
    ) -> Standing:
        """Tell whether a scene is present or superseded.

        A visible scene supersedes only if it has every one of `bands` and covers `windows`
        and the footprint; what is not given is not compared.
        """
        ...

    def known_scenes(self, cube: str, scene_ids: Sequence[str]) -> frozenset[str]:
        """Return those of `scene_ids` of which any processing was ever committed.

        `standing` has nothing to tell of the others.
        """
        ...

    def claim(self, cube: str, count: int = 1) -> tuple[int, ...]:
        """Return slot numbers that were never used before."""
        ...

    def heartbeat(self, cube: str, slot: int) -> None:
        """Note that a claimed slot is still being written."""
        ...

    def commit(self, slots: Sequence[NewSlot]) -> Committed:
        """Make slots visible in one transaction and retire what they supersede.

        Raises
        ------
        CommitConflictError
            If another writer committed the same scene first, or the claim was given up.
        """
        ...

    def change_styles(
        self, add: Sequence[StoredStyle], remove: Sequence[tuple[str, str]] = ()
    ) -> Committed:
        """Add styles, in place of those of the same target and name, and remove others.

        `remove` are pairs of target and name. All of it is visible from one new revision on.

        Raises
        ------
        UnknownNameError
            If a style to be removed does not stand.
        """
        ...

    def delete_cubes(self, names: Sequence[str]) -> Committed:
        """Retire every scene of cubes, which then are no longer offered; older revisions show them.

        Raises
        ------
        UnknownNameError
            If one has no visible scene.
        """
        ...

    def unwritten_records(self, present: frozenset[int]) -> Iterator[tuple[int, str]]:
        """Yield `(revision, record)` of commits whose record file is missing."""
        ...

    def burn(self, cube: str, slot: int) -> None:
        """Give up a claimed slot; its number is never used again."""
        ...
