"""Everything that only SQLite has: files, pragmas, the RTree, locks and its errors."""

import contextlib
import os
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    insert,
)
from sqlalchemy.exc import DBAPIError

from datacube.catalog.copying import FileCopy
from datacube.catalog.database import (
    BUSY_TIMEOUT_S,
    CUBE_SPACING,
    SlotSearch,
    begin_meta,
    check_schema,
)
from datacube.catalog.forks import forget_after_fork, forget_pool
from datacube.catalog.sqlite_search import RTREE_DDL, rtree, search_statement
from datacube.catalog.tables import metadata
from datacube.catalog.upgrade import upgrade
from datacube.errors import StoreDamagedError, StoreError, StoreFullError, StoreReadOnlyError
from datacube.protocols import Bbox

LOCK_ATTEMPTS = 3
DAY_WIDTH = 20_000.0
"""RTree units a day: five days weigh as much as a scene's 100 km."""
_MICROS_PER_DAY = 86_400_000_000


class SqliteDatabase:
    """One catalogue file, opened for writing, for reading, or as a copy of one that cannot be."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only or not _writable(path)
        self._full = False
        self._copy: FileCopy | None = None
        self._engine: Engine | None = None
        self._guard = threading.RLock()
        if self.read_only and not path.exists():
            raise StoreError(f"there is no catalogue at {path}, and it may not be created")
        if self.read_only and not _writable(path):
            self._use_copy()
        else:
            self._open_in_place()
        forget_after_fork(self)

    def _open_in_place(self) -> None:
        self._engine = _engine(self, self.path, query_only=self.read_only)
        try:
            if self.read_only:
                _check_schema(self._engine)
            else:
                _create(self._engine)
        except (DBAPIError, sqlite3.Error) as error:
            mapped = _mapped(error, self.path)
            self._engine.dispose()
            # A full disk has no room for the shared-memory file that readers need.
            if not isinstance(mapped, StoreFullError) or not self.path.exists():
                raise mapped from error
            self._full, self.read_only = not self.read_only, True
            self._use_copy()

    def _use_copy(self) -> None:
        self._copy = FileCopy(self.path)
        self._engine = _engine(self, self._copy.path, query_only=True)
        try:
            _check_schema(self._engine)
        except (DBAPIError, sqlite3.Error) as error:
            raise _mapped(error, self.path) from error

    @property
    def address(self) -> str:
        """Where `open_catalog` finds it again."""
        return f"sqlite:///{self.path}"

    @property
    def copied(self) -> bool:
        """Whether reads go to a copy in a temporary folder."""
        return self._copy is not None

    def refresh(self) -> None:
        """Copy a catalogue on read-only media again where it changed."""
        if self._copy is None:
            return
        with self._guard:
            renewed = self._copy.renewed()
            if renewed is not None:
                old, self._engine = self._engine, _engine(self, renewed, query_only=True)
                if old is not None:
                    old.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; each statement sees one state."""
        try:
            with self._opened().connect() as connection:
                yield connection
        except (DBAPIError, sqlite3.Error) as error:
            raise _mapped(error, self.path) from error

    def _opened(self) -> Engine:
        if self._engine is None:
            raise StoreError(f"the catalogue {self.path} was closed")
        return self._engine

    def state(self) -> dict[str, int]:
        """Return the numbers in `meta`, of which each request asks.

        By the driver itself: building and caching the statement would take five times as long.
        """
        try:
            with contextlib.closing(self._opened().raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute("SELECT name, value FROM meta")
                return dict(cursor.fetchall())
        except (DBAPIError, sqlite3.Error) as error:
            raise _mapped(error, self.path) from error

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that holds the write lock; commits unless the body raises.

        Integrity errors reach the caller as SQLAlchemy's.
        """
        if self._full:
            raise StoreFullError(f"no space is left for the catalogue {self.path}")
        if self.read_only or self._engine is None:
            raise StoreReadOnlyError(f"the catalogue {self.path} cannot be written")
        connection = self._engine.connect()
        try:
            _begin(connection, self.path)
            try:
                yield connection
                connection.commit()
            except BaseException:
                with contextlib.suppress(DBAPIError, sqlite3.Error):
                    connection.rollback()
                raise
        except (DBAPIError, sqlite3.Error) as error:
            if isinstance(getattr(error, "orig", error), sqlite3.IntegrityError):
                raise
            raise _mapped(error, self.path) from error
        finally:
            connection.close()

    def index_slots(
        self,
        connection: Connection,
        cube_id: int,
        entries: Iterable[tuple[int, Bbox, tuple[int, int]]],
    ) -> None:
        """Enter slots of a cube into the RTree: row id, box, and times in microseconds."""
        rows = [
            {
                "id": slot_id,
                # An extent: SQLite places an entry where the volume grows least, and a volume
                # with a side of zero never grows.
                "c0": cube_id * CUBE_SPACING,
                "c1": cube_id * CUBE_SPACING + CUBE_SPACING / 2,
                "x0": box[0],
                "x1": box[2],
                "y0": box[1],
                "y1": box[3],
                "t0": _days(times[0]),
                "t1": _days(times[1]),
            }
            for slot_id, box, times in entries
        ]
        connection.execute(insert(rtree), rows)

    def slot_numbers(self, connection: Connection, search: SlotSearch) -> list[int]:
        """Return the numbers of the slots that `search` finds.

        By the driver itself, as `state`.
        """
        values: dict[str, float] = {
            "cube_id": search.cube_id,
            "revision": search.revision,
            "centre": search.cube_id * CUBE_SPACING + CUBE_SPACING / 4,
            # SQLite takes -1 as no limit.
            "most": -1 if search.most is None else search.most,
        }
        if search.box is not None:
            values |= dict(zip(("x0", "y0", "x1", "y1"), search.box, strict=True))
        if search.first is not None:
            values |= {"first": search.first, "first_day": _days(search.first)}
        if search.last is not None:
            values |= {"last": search.last, "last_day": _days(search.last)}
        query = search_statement(
            search.box is not None,
            search.touching,
            search.first is not None,
            search.last is not None,
        )
        cursor = connection.connection.cursor()
        cursor.execute(query, values)
        return [number for (number,) in cursor.fetchall()]

    def close(self) -> None:
        """Close every connection and remove the copy, where there is one."""
        with self._guard:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None
            if self._copy is not None:
                self._copy.close()

    def forget_connections(self) -> None:
        """Leave alone the connections inherited through a fork; open new ones."""
        if self._engine is not None:
            forget_pool(self._engine)


def _engine(owner: "SqliteDatabase", path: Path, *, query_only: bool) -> Engine:
    """Return an engine whose connections are closed when `owner` is no longer used."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Transactions are begun by `write` alone; a read is one statement.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        if query_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    weakref.finalize(owner, engine.dispose)
    return engine


def _create(engine: Engine) -> None:
    with engine.connect() as connection:
        _retry(lambda: connection.exec_driver_sql("PRAGMA journal_mode=WAL"))
        _retry(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        try:
            metadata.create_all(connection)
            connection.exec_driver_sql(RTREE_DDL)
            upgrade(connection, begin_meta(connection))
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    _check_schema(engine)


def _check_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        check_schema(connection)


def _begin(connection: Connection, path: Path) -> None:
    try:
        _retry(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    except DBAPIError as error:
        if _error_name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            seconds = BUSY_TIMEOUT_S * LOCK_ATTEMPTS
            raise StoreError(f"{path} was locked by another writer for {seconds:g} s") from error
        raise


def _retry(statement: Callable[[], object]) -> None:
    for attempt in range(LOCK_ATTEMPTS):
        try:
            statement()
        except DBAPIError as error:
            busy = _error_name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            if not busy or attempt == LOCK_ATTEMPTS - 1:
                raise
            time.sleep(0.05 * (attempt + 1))
        else:
            return


def _writable(path: Path) -> bool:
    """Tell whether SQLite could write the file and the `-wal` and `-shm` beside it."""
    if path.exists():
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return os.access(path.parent, os.W_OK)


def _error_name(error: BaseException) -> str:
    return getattr(getattr(error, "orig", error), "sqlite_errorname", "") or ""


def _mapped(error: Exception, path: Path) -> StoreError:
    name, text = _error_name(error), str(getattr(error, "orig", error))
    if name == "SQLITE_FULL" or (
        name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and _disk_full(path)
    ):
        return StoreFullError(f"no space is left for the catalogue {path}: {text}")
    if name.startswith("SQLITE_READONLY") or "query_only" in text:
        return StoreReadOnlyError(f"the catalogue {path} cannot be written: {text}")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreDamagedError(f"the catalogue {path} is damaged: {text}")
    return StoreError(f"the catalogue {path} failed: {text}")


def _disk_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < 2**20
    except OSError:
        return False


def _days(micros: int) -> float:
    return micros / _MICROS_PER_DAY * DAY_WIDTH


@contextlib.contextmanager
def made_at_once(path: Path) -> Iterator[tuple[SqliteDatabase, Connection]]:
    """Give an empty catalogue in one write transaction; at the end it appears at `path`.

    Raises
    ------
    StoreError
        If a catalogue exists there.
    """
    if path.exists():
        raise StoreError(f"there is a catalogue at {path}; move it away to rebuild it")
    draft = path.with_name(f"{path.stem}-rebuild-{os.getpid()}.sqlite")
    _remove(draft)
    try:
        database = SqliteDatabase(draft)
        try:
            with database.write() as connection:
                yield database, connection
            with database.read() as connection:
                # Brings everything into the one file that is moved into place.
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            database.close()
        os.link(draft, path)
    except FileExistsError as error:
        raise StoreError(f"another process made {path} meanwhile") from error
    finally:
        _remove(draft)


def _remove(draft: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{draft}{suffix}").unlink()
