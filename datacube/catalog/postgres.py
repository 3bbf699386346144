"""Everything that only PostgreSQL has: addresses, schemas, its locks, index and errors."""

import contextlib
import time
import weakref
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Self

import psycopg
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Float,
    Integer,
    Select,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from datacube.catalog.database import BUSY_TIMEOUT_S, CUBE_SPACING, SlotSearch, check_schema
from datacube.catalog.forks import forget_after_fork, forget_pool
from datacube.catalog.postgres_place import PostgresPlace
from datacube.catalog.postgres_schema import PLACE, TIMES, create, find, lock
from datacube.catalog.tables import slots
from datacube.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnreachableError,
)
from datacube.protocols import Bbox

CONNECTIONS_KEPT = 5
CONNECTIONS_MOST = 20
"""In each process; who needs one more waits for it."""
WAIT_FOR_CONNECTION_S = 30.0
IDLE_CHECK_S = 1.0
"""A connection that rested longer is tried before it is used."""

_STARTUP = {
    "application_name": "copernicube",
    "connect_timeout": 10,
    # A peer that vanished is noticed in half a minute rather than in two hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_AWAY = ("08", "57", "53")
"""Classes of states in which a server may answer later: connections, shutdown, resources."""
_FOREVER = 2**62
"""Microseconds, either way."""


class PostgresDatabase:
    """One catalogue: a schema of a database. Nothing is asked of it before `open`."""

    copied = False

    def __init__(self, address: str, *, read_only: bool = False) -> None:
        self.place = PostgresPlace.parse(address)
        self.read_only = read_only
        self._closed = False
        self._engine = _engine(self, self.place)
        # A statement is a transaction of its own: it sees one state, and no lock outlives it.
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        forget_after_fork(self)

    def open(self) -> Self:
        """Find the catalogue, made where it is missing and may be written.

        Raises
        ------
        StoreError
            If it is missing and may not be made, or was made by another version.
        """
        schema = self.place.schema
        with self.read() as connection:
            found = find(connection, schema)
        self.read_only = self.read_only or not found.writable
        if not found.made and self.read_only:
            raise StoreError(
                f"there is no catalogue at {self.place.shown}, and it may not be created"
            )
        if not (found.complete or self.read_only):
            with self._transaction() as connection:
                lock(connection, schema)
                create(connection, schema)
        with self.read() as connection:
            check_schema(connection)
        return self

    def exists(self) -> bool:
        """Tell whether `open` would find a catalogue; makes nothing."""
        with self.read() as connection:
            return find(connection, self.place.schema).made

    @contextlib.contextmanager
    def made_at_once(self) -> Iterator[Connection]:
        """Make the catalogue; give the transaction that makes it, so that more may be in it.

        Raises
        ------
        StoreError
            If there is one.
        """
        schema = self.place.schema
        with self._transaction() as connection:
            lock(connection, schema)
            if find(connection, schema).made:
                raise StoreError(
                    f"there is a catalogue in schema {schema} of {self.place.shown}; "
                    "drop or rename the schema to rebuild it"
                )
            create(connection, schema)
            yield connection

    @property
    def address(self) -> str:
        """Where `open_catalog` finds it again; it may hold a password."""
        return self.place.address

    def refresh(self) -> None:
        """Do nothing: reads see what is committed."""

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; each statement sees one state."""
        with self._mapped(), self._connected(self._reading) as connection:
            yield connection

    def _connected(self, engine: Engine) -> Connection:
        if self._closed:
            raise StoreError(f"the catalogue {self.place.shown} was closed")
        return engine.connect()

    def state(self) -> dict[str, int]:
        """Return the numbers in `meta`, of which each request asks."""
        with self.read() as connection:
            rows = connection.exec_driver_sql("SELECT name, value FROM meta")
            return {row.name: row.value for row in rows}

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that alone may write; commits unless the body raises.

        All writers lock the row of the revision first, so each statement sees all that was
        committed before. Integrity errors reach the caller as SQLAlchemy's.
        """
        if self.read_only:
            raise StoreReadOnlyError(f"the catalogue {self.place.shown} cannot be written")
        with self._transaction() as connection:
            connection.exec_driver_sql(_lock_for_writing())
            yield connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._mapped(), self._connected(self._engine) as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeoutError) as error:
            raise _mapped(error, self.place) from error

    def index_slots(
        self,
        connection: Connection,
        cube_id: int,
        entries: Iterable[tuple[int, Bbox, tuple[int, int]]],
    ) -> None:
        """Do nothing: the index of places and times is one of the table itself."""

    def slot_numbers(self, connection: Connection, search: SlotSearch) -> list[int]:
        """Return the numbers of the slots that `search` finds."""
        timed = search.first is not None or search.last is not None
        query = _search_query(search.box is not None, search.touching, timed)
        values: dict[str, float] = {"cube_id": search.cube_id, "revision": search.revision}
        if search.box is not None:
            values |= dict(zip(("x0", "y0", "x1", "y1"), search.box, strict=True))
        if timed:
            values["first"] = -_FOREVER if search.first is None else search.first
            values["last"] = _FOREVER if search.last is None else search.last
        if search.most is not None:
            query = query.limit(search.most)
        return list(connection.execute(query, values).scalars())

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        self._engine.dispose()

    def forget_connections(self) -> None:
        """Leave alone the connections inherited through a fork; open new ones."""
        forget_pool(self._engine)


@lru_cache(maxsize=8)
def _search_query(box: bool, touching: bool, timed: bool) -> Select[int]:  # noqa: FBT001 - the key of a cache
    """Return the query of a search, made once: making it costs more than running it."""
    s = slots.c
    cube_id = bindparam("cube_id", type_=Integer)
    revision = bindparam("revision", type_=BigInteger)
    found = [s.cube_id == cube_id, s.valid_from <= revision, s.valid_to > revision]
    if box:
        x0, y0, x1, y1 = (bindparam(name, type_=Float) for name in ("x0", "y0", "x1", "y1"))
        start = bindparam("cube_id", type_=Integer) * literal_column(f"{CUBE_SPACING:.0f}::float8")
        wanted = func.box(func.point(start + x0, y0), func.point(start + x1, y1))
        found.append(literal_column(PLACE).bool_op("&&")(wanted))
        if touching:
            found += [s.min_x <= x1, s.max_x >= x0, s.min_y <= y1, s.max_y >= y0]
        else:
            found += [s.min_x < x1, s.max_x > x0, s.min_y < y1, s.max_y > y0]
    if timed:
        first, last = (bindparam(name, type_=BigInteger) for name in ("first", "last"))
        found.append(literal_column(TIMES).bool_op("&&")(func.int8range(first, last, "[]")))
    return select(s.number).where(*found)


def _lock_for_writing() -> str:
    """Return what a write transaction begins with, in one message to the server."""
    return "; ".join(
        (
            f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S * 1000:.0f}ms'",
            # A writer that falls silent loses its lock rather than stopping all others.
            f"SET LOCAL idle_in_transaction_session_timeout = '{BUSY_TIMEOUT_S * 1000:.0f}ms'",
            "SELECT value FROM meta WHERE name = 'revision' FOR UPDATE",
        )
    )


def _engine(owner: PostgresDatabase, place: PostgresPlace) -> Engine:
    """Return an engine whose connections are closed when `owner` is no longer used."""
    started = {name: value for name, value in _STARTUP.items() if name not in place.url.query}
    engine = create_engine(
        place.url.difference_update_query(["options"]),
        connect_args=started | {"options": place.options},
        pool_size=CONNECTIONS_KEPT,
        max_overflow=CONNECTIONS_MOST - CONNECTIONS_KEPT,
        pool_timeout=WAIT_FOR_CONNECTION_S,
    )

    @event.listens_for(engine, "checkin")
    def _rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _try(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        since = record.info.get("rests_since")
        if since is None or time.monotonic() - since < IDLE_CHECK_S:
            return
        try:
            connection.cursor().execute("SELECT 1")
            connection.rollback()
        except psycopg.Error as error:
            # The pool gives another connection, a new one in the end.
            raise DisconnectionError from error

    weakref.finalize(owner, engine.dispose)
    return engine


def _mapped(error: DBAPIError | PoolTimeoutError, place: PostgresPlace) -> StoreError:
    name = place.shown
    if isinstance(error, PoolTimeoutError):
        return StoreUnreachableError(
            f"all {CONNECTIONS_MOST} connections to the catalogue {name} were in use "
            f"for {WAIT_FOR_CONNECTION_S:g} s"
        )
    origin = error.orig
    state = getattr(origin, "sqlstate", None) or ""
    told = str(origin).strip().partition("\n")[0]
    if state == "55P03":
        return StoreError(f"{name} was locked by another writer for {BUSY_TIMEOUT_S:g} s")
    if state == "53100":
        return StoreFullError(f"no space is left for the catalogue {name}: {told}")
    if state in ("25006", "42501"):
        return StoreReadOnlyError(f"the catalogue {name} cannot be written: {told}")
    if state[:2] == "XX":
        return StoreDamagedError(f"the catalogue {name} is damaged: {told}")
    lost = isinstance(origin, psycopg.OperationalError) and not state
    if error.connection_invalidated or lost or state[:2] in _AWAY:
        return StoreUnreachableError(f"the catalogue {name} cannot be reached: {told}")
    return StoreError(f"the catalogue {name} failed: {told}")
