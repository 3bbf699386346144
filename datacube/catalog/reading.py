"""Reading the catalogue: pinned views, and what they load once and keep."""

import json
import threading
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from datacube.acquisitions import TimeTable
from datacube.catalog.codec import (
    collection_from_json,
    cube_from_json,
    unpack_shards,
    windows_from_json,
)
from datacube.catalog.commit import scene_from_row
from datacube.catalog.database import Database, SlotSearch
from datacube.catalog.deep import DeepRows
from datacube.catalog.describing import read_descriptions, read_times
from datacube.catalog.overview_marking import DERIVED
from datacube.catalog.overviews import Loaded, OverviewRows
from datacube.catalog.styles import load_styles
from datacube.catalog.tables import (
    aliases,
    collections,
    counts,
    cubes,
    descriptions,
    meta,
    slots,
    valid_at,
)
from datacube.catalog.view import Description, Entry, Seen, Snapshot, SqlView, make_coverage
from datacube.cube import Collection, Coverage, Cube
from datacube.errors import RevisionError
from datacube.offers import NO_OFFERS, Offers
from datacube.protocols import ANONYMOUS, Bbox, Principal
from datacube.slots import Slot
from datacube.times import to_micros

SNAPSHOTS_KEPT = 32
COVERAGES_KEPT = 8192
TIME_LISTS_KEPT = 512
"""One of 10,000 times has 240 kB."""
SLOTS_KEPT = 8192
_ROWS_PER_QUERY = 500


class _Memo[K: Hashable, V]:
    """A bounded, thread-safe memo of values that never change."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: dict[K, V] = {}
        self._guard = threading.Lock()

    def get(self, key: K) -> V | None:
        return self._held.get(key)

    def put(self, key: K, value: V) -> V:
        with self._guard:
            while len(self._held) >= self._size:
                del self._held[next(iter(self._held))]
            return self._held.setdefault(key, value)

    def of(self, key: K, make: Callable[[], V]) -> V:
        held = self._held.get(key)
        return self.put(key, make()) if held is None else held


class SqlReader:
    """What exists and what is visible. Safe to use from threads and after a fork."""

    def __init__(self, database: Database, offers: Offers = NO_OFFERS) -> None:
        self._database = database
        self.offers = offers
        """What products offer beside their stored bands."""
        self.deep = DeepRows(database)
        """Which slots stand in deep blocks."""
        self._snapshots: _Memo[int, Snapshot] = _Memo(SNAPSHOTS_KEPT)
        self._cubes: _Memo[int, Cube] = _Memo(4096)
        self._collections: _Memo[str, Collection] = _Memo(1024)
        self._seen: _Memo[tuple[int, frozenset[str]], Seen] = _Memo(SNAPSHOTS_KEPT)
        self._descriptions: _Memo[tuple[int, int], Description] = _Memo(COVERAGES_KEPT)
        self._times: _Memo[tuple[int, int], TimeTable] = _Memo(TIME_LISTS_KEPT)
        self._coverages: _Memo[tuple[int, int, str | None], Coverage | None] = _Memo(COVERAGES_KEPT)
        self._slots: _Memo[tuple[int, int], Slot] = _Memo(SLOTS_KEPT)
        self._overviews: _Memo[int, Loaded] = _Memo(2)
        self.overview_rows = OverviewRows(database, self.load_cube)

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._database.read_only

    @property
    def database(self) -> Database:
        """Where the rows lie."""
        return self._database

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def view(self, *, as_of: int | None = None, principal: Principal = ANONYMOUS) -> SqlView:
        """Pin a revision, by default the newest; see `protocols.Catalog`."""
        self._database.refresh()
        state = self._database.state()
        newest, oldest = state["revision"], state["oldest_readable"]
        revision = newest if as_of is None else as_of
        if not 0 <= revision <= newest:
            raise RevisionError(
                f"revision {revision} does not exist; the newest is {newest}", purged=False
            )
        if revision < oldest:
            raise RevisionError(
                f"revision {revision} was purged; the oldest readable is {oldest}", purged=True
            )
        snapshot = self._snapshots.of(revision, lambda: self._load_snapshot(revision))
        access = frozenset(principal.access)
        seen = self._seen.of((revision, access), lambda: snapshot.seen(access))
        return SqlView(self, snapshot, seen, derived=state.get(DERIVED, 0))

    def _load_snapshot(self, revision: int) -> Snapshot:
        query = (
            select(
                cubes.c.id,
                cubes.c.name,
                cubes.c.collection_id,
                cubes.c.access,
                descriptions.c.valid_from,
                counts.c.scenes,
            )
            .join(descriptions, descriptions.c.cube_id == cubes.c.id)
            .join(counts, counts.c.cube_id == cubes.c.id)
            .where(valid_at(descriptions, revision), valid_at(counts, revision))
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            names = connection.execute(
                select(aliases.c.alias, aliases.c.coverage).where(valid_at(aliases, revision))
            ).all()
            styles = load_styles(connection, revision)
            described = self._describe(
                connection, revision, [(row.id, row.valid_from) for row in rows]
            )
        entries = {
            row.name: Entry(
                cube_id=row.id,
                name=row.name,
                collection=row.collection_id,
                access=row.access,
                described=row.valid_from,
                description=described[row.id],
                scenes=row.scenes,
            )
            for row in sorted(rows, key=lambda row: str(row.name))
        }
        return Snapshot(
            revision=revision,
            entries=entries,
            aliases={row.alias: row.coverage for row in names},
            styles=styles,
        )

    def load_cube(self, cube_id: int) -> Cube:
        """Return a cube's definition by its row id."""
        return self._cubes.of(
            cube_id,
            lambda: cube_from_json(
                json.loads(self._scalar(select(cubes.c.definition).where(cubes.c.id == cube_id)))
            ),
        )

    def load_overviews(self, derived: int) -> Loaded:
        """Return the overviews by collection, as of a number of changes of what is derived."""
        return self._overviews.of(derived, self.overview_rows.load)

    def load_collection(self, collection_id: str) -> Collection:
        """Return a registered collection."""

        def read() -> Collection:
            query = select(collections.c.definition).where(collections.c.id == collection_id)
            return collection_from_json(json.loads(self._scalar(query)))

        return self._collections.of(collection_id, read)

    def _scalar[T](self, query: Select[T]) -> T:
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def _describe(
        self, connection: Connection, revision: int, keys: Sequence[tuple[int, int]]
    ) -> dict[int, Description]:
        """Return the descriptions of cubes by row id; those made before stay the same objects.

        `keys` are the row ids, and the revisions since which the descriptions are true.
        """
        since = dict(keys)
        held = {cube_id: self._descriptions.get((cube_id, key)) for cube_id, key in keys}
        read = read_descriptions(
            connection,
            revision,
            [cube_id for cube_id, description in held.items() if description is None],
            lambda cube_id: partial(self._load_times, cube_id, since[cube_id]),
        )
        made = {
            cube_id: self._descriptions.put((cube_id, since[cube_id]), description)
            for cube_id, description in read.items()
        }
        kept = {cube_id: one for cube_id, one in held.items() if one is not None}
        return kept | made

    def _load_times(self, cube_id: int, revision: int) -> TimeTable:
        def read() -> TimeTable:
            with self._database.read() as connection:
                return read_times(connection, cube_id, revision)

        return self._times.of((cube_id, revision), read)

    def load_coverage(self, entry: Entry, group: str | None) -> Coverage | None:
        """Return a coverage of a cube; None where the group is not offered."""
        return self._coverages.of(
            (entry.cube_id, entry.described, group),
            lambda: make_coverage(
                self.load_cube(entry.cube_id),
                entry,
                entry.description,
                group,
                self.offers,
            ),
        )

    def load_slots(
        self,
        entry: Entry,
        revision: int,
        bbox: Bbox | None,
        times: tuple[datetime | None, datetime | None],
        *,
        most: int | None = None,
    ) -> tuple[Slot, ...]:
        """Return slots in the order of reference time, then precedence, best first."""
        first, last = (None if t is None else to_micros(t) for t in times)
        search = SlotSearch(
            cube_id=entry.cube_id, revision=revision, box=bbox, first=first, last=last, most=most
        )
        return self._slots_found((entry.cube_id, entry.name), search)

    def load_product(self, entry: Entry, revision: int, product_id: str) -> tuple[Slot, ...]:
        """Return the slots of a product by number."""
        query = select(slots.c.number).where(
            slots.c.cube_id == entry.cube_id,
            slots.c.product_id == product_id,
            valid_at(slots, revision),
        )
        with self._database.read() as connection:
            numbers = connection.execute(query.order_by(slots.c.number)).scalars().all()
            return tuple(self._slots_by_number(connection, (entry.cube_id, entry.name), numbers))

    def _slots_found(self, cube: tuple[int, str], search: SlotSearch) -> tuple[Slot, ...]:
        with self._database.read() as connection:
            numbers = self._database.slot_numbers(connection, search)
            found = self._slots_by_number(connection, cube, numbers)
        # Two stable sorts: the second key ascends where the first descends.
        found.sort(key=lambda slot: slot.scene.precedence, reverse=True)
        found.sort(key=lambda slot: slot.scene.reference_time)
        return tuple(found)

    def slots_numbered(self, cube: tuple[int, str], numbers: Sequence[int]) -> tuple[Slot, ...]:
        """Return committed slots of a cube, given by row id and name."""
        with self._database.read() as connection:
            return tuple(self._slots_by_number(connection, cube, numbers))

    def visible_slots(self, cube: tuple[int, str], bbox: Bbox) -> tuple[Slot, ...]:
        """Return the slots of a cube that the newest revision shows in a box, by time."""
        revision = self._database.state()["revision"]
        return self._slots_found(cube, SlotSearch(cube_id=cube[0], revision=revision, box=bbox))

    def readable_slots(self, cube: str) -> tuple[Slot, ...]:
        """Return the slots of a cube that any readable revision shows, by number.

        Raises
        ------
        UnknownNameError
            If no such cube was ever committed to.
        """
        view = self.view()
        entry = view.entry(cube)
        with self._database.read() as connection:
            oldest = connection.execute(
                select(meta.c.value).where(meta.c.name == "oldest_readable")
            ).scalar_one()
            numbers = connection.execute(
                select(slots.c.number)
                .where(slots.c.cube_id == entry.cube_id, slots.c.valid_to > oldest)
                .order_by(slots.c.number)
            ).scalars()
            return tuple(
                self._slots_by_number(connection, (entry.cube_id, entry.name), numbers.all())
            )

    def _slots_by_number(
        self, connection: Connection, cube: tuple[int, str], numbers: Sequence[int]
    ) -> list[Slot]:
        held = {n: self._slots.get((cube[0], n)) for n in numbers}
        missing = [n for n, slot in held.items() if slot is None]
        for at in range(0, len(missing), _ROWS_PER_QUERY):
            rows = connection.execute(
                select(slots).where(
                    slots.c.cube_id == cube[0],
                    slots.c.number.in_(missing[at : at + _ROWS_PER_QUERY]),
                )
            )
            for row in rows:
                held[row.number] = self._slots.put(
                    (cube[0], row.number), _slot_from_row(cube[1], row)
                )
        return [slot for slot in held.values() if slot is not None]


def _slot_from_row(cube: str, row: Row[Any]) -> Slot:
    return Slot(
        cube=cube,
        number=row.number,
        scene=scene_from_row(row),
        windows=windows_from_json(json.loads(row.windows)),
        shards=unpack_shards(row.shards),
    )
