"""Deep blocks are made of what was ingested, in the background or by `cubes deepen`."""

import logging
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import batched

from copernicube.wiring import Local
from datacube.catalog import SqlCatalog
from datacube.cube import VALID_BAND, Cube, ResolutionGroup, ShardNumber
from datacube.deep import RANKS, DeepBlock, absorbed
from datacube.errors import StoreDamagedError
from datacube.protocols import Bbox, ReadCells
from datacube.slots import Slot
from datacube.store import BlockMaking, Location, block_folder, block_key

GIVEN_UP_AFTER = timedelta(days=1)
"""A block that was begun so long ago and is not finished was left behind by a crash."""
_LIVE_SHARE = 0.5
"""A block of which fewer slots than this share are visible is made anew of those that are."""
_SLOTS_AT_ONCE = 1000
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A shard of a group of a cube, over which blocks stand."""

    cube_id: int
    cube: Cube
    group: ResolutionGroup
    number: ShardNumber

    @property
    def key(self) -> tuple[int, str]:
        """The cube's row id and name."""
        return self.cube_id, self.cube.name

    @property
    def bbox(self) -> Bbox:
        """In the CRS of the cube."""
        return self.group.grid.at(self.group.shard_cells(self.number, 0).plane).bbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What stands over a column, and what does not."""

    column: Column
    pending: tuple[Slot, ...]
    """Visible slots that stand in no block, by time."""
    blocks: tuple[DeepBlock, ...]
    worn: tuple[DeepBlock, ...]
    """Blocks of which too little is visible; their visible slots are pending."""

    @property
    def to_be_made(self) -> int:
        """Number of slots of which blocks are to be made: none where they are too few."""
        depths = [len(block.slots) for block in self.blocks]
        return 0 if absorbed(len(self.pending), depths) is None else len(self.pending)


@dataclass(slots=True)
class _Making:
    """A block under way."""

    making: BlockMaking
    instead_of: tuple[DeepBlock, ...]
    left: deque[str]
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Deepening:
    """Makes deep blocks where they are missing: a `Chore` of the server."""

    catalog: SqlCatalog
    location: Location
    cells: ReadCells
    cubes: str = "*"
    """Patterns of the names of cubes, with commas between them; empty: no cube."""
    name: str = "deep blocks"
    blocks_made: int = 0
    bytes_made: int = 0
    _columns: deque[Column] = field(default_factory=deque)
    _making: _Making | None = None
    _looking_at: tuple[int, int] | None = None
    """Row id of the cube whose columns are in work, and the revision that they are of."""
    _tidied: set[int] = field(default_factory=set)
    _done_at: int | None = None
    """Revision of which nothing is left to be done."""

    @property
    def columns_left(self) -> int:
        """Columns of the cube in work that are not done."""
        return len(self._columns)

    def step(self) -> bool:
        """Write one file of a block, or find out what is to be done; False where all is done.

        A file is read from at most 128 shards, in a sixty-fourth of its memory.
        """
        if self._making is not None:
            self._write_next(self._making)
            return True
        if self._columns:
            column = self._columns[0]
            self._making = self._begin(self.missing(column))
            if self._making is None:
                self._columns.popleft()
            return True
        if self._looking_at is not None:
            self.catalog.deep.set_mark(*self._looking_at)
            self._looking_at = None
            return True
        return self._next_cube()

    def take(self, cube_id: int, cube: Cube) -> None:
        """Take all columns of a cube into work, whether they were looked at or not."""
        self._tidied.add(cube_id)
        self._tidy(cube_id, cube)
        self._columns.extend(self.columns(cube_id, cube, since=0))

    def chosen(self) -> Iterator[tuple[int, Cube]]:
        """Yield the row ids and definitions of the cubes that blocks are made of."""
        patterns = [pattern.strip() for pattern in self.cubes.split(",")]
        for cube_id, name in self.catalog.deep.cubes():
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                cube = self.catalog.load_cube(cube_id)
                if cube.timed:
                    yield cube_id, cube

    def columns(self, cube_id: int, cube: Cube, since: int) -> list[Column]:
        """Return the columns of a cube that slots committed after a revision touch."""
        touched: dict[tuple[str, ShardNumber], ResolutionGroup] = {}
        for some in batched(self.catalog.deep.added(cube_id, since), _SLOTS_AT_ONCE):
            for slot in self.catalog.slots_numbered((cube_id, cube.name), some):
                if slot.file_blocks is not None:
                    continue
                for group in cube.groups:
                    for number in slot.recorded_shards(group, 0, VALID_BAND):
                        touched[group.name, number] = group
        return [
            Column(cube_id=cube_id, cube=cube, group=group, number=number)
            for (_, number), group in sorted(touched.items(), key=lambda item: item[0])
        ]

    def missing(self, column: Column) -> Missing:
        """Find out which slots of a column stand in no block."""
        group = column.group
        visible = [
            slot
            for slot in self.catalog.visible_slots(column.key, column.bbox)
            if slot.file_blocks is None and slot.has_shard(group, 0, VALID_BAND, column.number)
        ]
        numbers = {slot.number for slot in visible}
        blocks: list[DeepBlock] = []
        worn: list[DeepBlock] = []
        for block in self.catalog.deep.find(column.key, group.name, (column.number,)):
            live = len(numbers.intersection(block.slots))
            (worn if live < _LIVE_SHARE * len(block.slots) else blocks).append(block)
        held = {number for block in blocks for number in block.slots}
        return Missing(
            column=column,
            pending=tuple(slot for slot in visible if slot.number not in held),
            blocks=tuple(blocks),
            worn=tuple(worn),
        )

    def remove(self, cube_id: int, cube: Cube) -> int:
        """Delete all blocks of a cube; return how many there were."""
        names = self.catalog.deep.names(cube_id, datetime.now(UTC))
        every = names.whole | names.making | names.stale
        # Rows first: who finds none reads the slots.
        self.catalog.deep.drop(every)
        if self.catalog.deep.mark(cube_id):
            self.catalog.deep.set_mark(cube_id, 0)
        for group in cube.groups:
            self.location.remove(block_folder(cube.name, group.name))
        return len(names.whole)

    def _next_cube(self) -> bool:
        """Look for a cube with slots that were not looked at."""
        newest = self.catalog.database.state()["revision"]
        if newest == self._done_at:
            return False
        for cube_id, cube in self.chosen():
            since = self.catalog.deep.mark(cube_id)
            if not self.catalog.deep.added(cube_id, since):
                continue
            if cube_id not in self._tidied:
                self._tidied.add(cube_id)
                self._tidy(cube_id, cube)
            self._columns.extend(self.columns(cube_id, cube, since))
            self._looking_at = cube_id, newest
            return True
        self._done_at = newest
        return False

    def _tidy(self, cube_id: int, cube: Cube) -> None:
        """Delete what crashes left behind."""
        # Files before rows: the row of a block is there before its first file.
        found = [
            (group.name, name)
            for group in cube.groups
            for name in self.location.children(block_folder(cube.name, group.name))
        ]
        names = self.catalog.deep.names(cube_id, datetime.now(UTC) - GIVEN_UP_AFTER)
        self.catalog.deep.drop(names.stale)
        for group_name, name in found:
            if name not in names.whole | names.making:
                self.location.remove(block_key(cube.name, group_name, name))

    def _begin(self, found: Missing) -> _Making | None:
        """Begin the next block of a column, if one is to be made."""
        column = found.column
        self._drop(found.worn)
        depths = [len(block.slots) for block in found.blocks]
        taken = absorbed(len(found.pending), depths)
        if taken is None:
            return None
        merged = tuple(found.blocks[at] for at in taken)
        members = {number for block in merged for number in block.slots}
        members |= {slot.number for slot in found.pending}
        visible = self.catalog.visible_slots(column.key, column.bbox)
        slots = tuple(slot for slot in visible if slot.number in members)[:RANKS]
        making = BlockMaking(
            cube=column.cube,
            group=column.group,
            column=column.number,
            name=uuid.uuid4().hex,
            slots=slots,
        )
        self.catalog.deep.begin(column.cube_id, column.group.name, column.number, making.name)
        return _Making(making=making, instead_of=merged, left=deque(making.bands))

    def _write_next(self, work: _Making) -> None:
        """Write the next file of a block; after the last the block is read."""
        making = work.making
        if work.left:
            band = work.left.popleft()
            try:
                size = making.write(self.location, self.cells, band)
            except StoreDamagedError as error:
                self._give_up(work, error)
                return
            if size:
                work.sizes[band] = size
            return
        self._making = None
        key = block_key(making.cube.name, making.group.name, making.name)
        self.location.sync([key])
        block = DeepBlock(
            cube=making.cube.name,
            group=making.group.name,
            column=making.column,
            name=making.name,
            slots=tuple(slot.number for slot in making.slots),
            sizes=tuple(work.sizes.items()),
        )
        if not self.catalog.deep.finish(block, [old.name for old in work.instead_of]):
            self.location.remove(key)
            return
        for old in work.instead_of:
            self.location.remove(block_key(old.cube, old.group, old.name))
        self.blocks_made += 1
        self.bytes_made += sum(work.sizes.values())

    def _give_up(self, work: _Making, error: StoreDamagedError) -> None:
        """Leave a column alone, until more is ingested there, of which a scene is damaged."""
        _LOG.warning("no deep block is made: %s", error)
        making = work.making
        self._making = None
        self._columns.popleft()
        self.catalog.deep.drop([making.name])
        self.location.remove(block_key(making.cube.name, making.group.name, making.name))

    def _drop(self, blocks: tuple[DeepBlock, ...]) -> None:
        if blocks:
            self.catalog.deep.drop([block.name for block in blocks])
        for block in blocks:
            self.location.remove(block_key(block.cube, block.group, block.name))


def make_deepening(local: Local, cubes: str) -> Deepening:
    """Return what makes deep blocks of a store's cubes; `cubes` are patterns of names."""
    return Deepening(
        catalog=local.catalog,
        location=local.store.location,
        cells=local.store,
        cubes=cubes,
    )
