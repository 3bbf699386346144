"""Where a catalogue lies, from what the user names."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from datacube.catalog import sqlite
from datacube.catalog.database import Database
from datacube.catalog.postgres_place import SCHEMES as POSTGRES_SCHEMES
from datacube.catalog.sqlite import SqliteDatabase
from datacube.errors import InvalidParameterError, StoreReadOnlyError

if TYPE_CHECKING:
    from datacube.catalog.postgres import PostgresDatabase

CATALOG_FILE = "catalog.sqlite"
"""Name of the catalogue inside a store that is a folder."""
_SCHEME = "sqlite:///"


def open_database(location: str | Path, *, read_only: bool = False) -> Database:
    """Open the database of a catalogue; see `open_catalog`."""
    if _in_postgres(location):
        return _postgres(location, read_only=read_only).open()
    return SqliteDatabase(catalog_path(location), read_only=read_only)


def catalog_exists(location: str | Path) -> bool:
    """Tell whether `open_catalog` would find a catalogue; makes nothing."""
    if _in_postgres(location):
        with closing(_postgres(location, read_only=True)) as database:
            return database.exists()
    return _file(location).exists()


@contextmanager
def made_at_once(location: str | Path) -> Iterator[tuple[Database, Connection]]:
    """Give a new catalogue in one write transaction: it is there at the end, or never was.

    Raises
    ------
    StoreError
        If a catalogue exists at `location`.
    """
    if _in_postgres(location):
        with (
            closing(_postgres(location, read_only=False)) as database,
            database.made_at_once() as connection,
        ):
            yield database, connection
    else:
        with sqlite.made_at_once(catalog_path(location)) as made:
            yield made


def _in_postgres(location: str | Path) -> bool:
    return str(location).startswith(POSTGRES_SCHEMES)


def _postgres(location: str | Path, *, read_only: bool) -> "PostgresDatabase":
    # A driver that most catalogues do without, and that takes a tenth of a second.
    from datacube.catalog.postgres import PostgresDatabase  # noqa: PLC0415 - as said

    return PostgresDatabase(str(location), read_only=read_only)


def catalog_path(location: str | Path) -> Path:
    """Return the SQLite file that `open_catalog` would open; creates a missing store folder."""
    path = _file(location)
    if not path.parent.is_dir():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreReadOnlyError(f"{path.parent} cannot be made: {error}") from error
    return path


def _file(location: str | Path) -> Path:
    text = str(location)
    if text.startswith(_SCHEME):
        path = Path(text.removeprefix(_SCHEME))
    elif "://" in text and not text.startswith("file://"):
        raise InvalidParameterError(
            f"{_without_user(text)!r} cannot hold a catalogue; allowed are a folder, a file ending "
            "in .sqlite, sqlite:///PATH and postgresql://USER@HOST/DATABASE",
            parameter="catalog",
        )
    else:
        path = Path(text.removeprefix("file://"))
        if path.suffix != ".sqlite":
            path = path / CATALOG_FILE
    return path.absolute()


def _without_user(address: str) -> str:
    """Return an address as messages may repeat it: what stands before `@` may be a password."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
