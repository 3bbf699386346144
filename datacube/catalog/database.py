"""What the catalogue asks of a database; `sqlite.py` and `postgres.py` implement it."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, insert, select

from datacube.catalog.tables import SCHEMA_VERSION, meta
from datacube.errors import StoreError
from datacube.protocols import Bbox

BUSY_TIMEOUT_S = 60.0
"""How long a statement waits for another writer."""
CUBE_SPACING = 1e8
"""Width that each cube gets on the first axis of the index of places, so that one serves all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSearch:
    """Which slots are wanted of a cube."""

    cube_id: int
    revision: int
    box: Bbox | None = None
    """In the CRS of the cube; slots share area with it, unless `touching`."""
    first: int | None = None
    """Microseconds since 1970, inclusive, as `last`."""
    last: int | None = None
    most: int | None = None
    """No more are looked for than these."""

    @property
    def touching(self) -> bool:
        """Whether the box is a point or a line, so that touching it is enough."""
        return self.box is not None and (self.box[0] >= self.box[2] or self.box[1] >= self.box[3])


class Database(Protocol):
    """One catalogue in a database, opened. Safe to use from threads and after a fork.

    Its failures are StoreErrors whose messages hold no password; integrity errors reach the
    caller of `write` as SQLAlchemy's.
    """

    @property
    def address(self) -> str:
        """Where `open_catalog` finds it again; it may hold a password."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        ...

    @property
    def copied(self) -> bool:
        """Whether reads go to a copy in a temporary folder."""
        ...

    def refresh(self) -> None:
        """Follow the original, where reads go to a copy."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """Give a connection for reading; each statement sees one state."""
        ...

    def state(self) -> dict[str, int]:
        """Return the numbers in `meta`, of which each request asks."""
        ...

    def write(self) -> AbstractContextManager[Connection]:
        """Give a connection that alone may write; commits unless the body raises."""
        ...

    def index_slots(
        self,
        connection: Connection,
        cube_id: int,
        entries: Iterable[tuple[int, Bbox, tuple[int, int]]],
    ) -> None:
        """Enter inserted slots of a cube into the index of places and times.

        Entries are row id, box, and times in microseconds.
        """
        ...

    def slot_numbers(self, connection: Connection, search: SlotSearch) -> list[int]:
        """Return the numbers of the slots that `search` finds."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def begin_meta(connection: Connection) -> int:
    """Return the version of the tables; of new ones, begin the count of revisions."""
    version = select(meta.c.value).where(meta.c.name == "schema_version")
    found: int | None = connection.execute(version).scalar()
    if found is not None:
        return found
    start = {"schema_version": SCHEMA_VERSION, "revision": 0, "oldest_readable": 0}
    connection.execute(
        insert(meta), [{"name": name, "value": value} for name, value in start.items()]
    )
    return SCHEMA_VERSION


def check_schema(connection: Connection) -> None:
    """Refuse tables of another version."""
    found = connection.execute(
        select(meta.c.value).where(meta.c.name == "schema_version")
    ).scalar_one()
    if found != SCHEMA_VERSION:
        raise StoreError(
            f"the catalogue has schema version {found}; this program reads {SCHEMA_VERSION}"
        )
