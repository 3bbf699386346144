"""Where a catalogue lies, from what the user names."""

from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection

from datacube.catalog import sqlite
from datacube.catalog.database import Database
from datacube.catalog.sqlite import SqliteDatabase
from datacube.errors import InvalidParameterError, StoreReadOnlyError

CATALOG_FILE = "catalog.sqlite"
"""Name of the catalogue inside a store that is a folder."""
_SCHEME = "sqlite:///"


def open_database(location: str | Path, *, read_only: bool = False) -> Database:
    """Open the database of a catalogue; see `open_catalog`."""
    return SqliteDatabase(catalog_path(location), read_only=read_only)


def catalog_exists(location: str | Path) -> bool:
    """Tell whether `open_catalog` would find a catalogue; makes nothing."""
    return _file(location).exists()


def made_at_once(location: str | Path) -> AbstractContextManager[tuple[Database, Connection]]:
    """Give a new catalogue in one write transaction: it is there at the end, or never was.

    Raises
    ------
    StoreError
        If a catalogue exists at `location`.
    """
    return sqlite.made_at_once(catalog_path(location))


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
            f"{text!r} cannot hold a catalogue; allowed are a folder, "
            "a file ending in .sqlite and sqlite:///PATH",
            parameter="catalog",
        )
    else:
        path = Path(text.removeprefix("file://"))
        if path.suffix != ".sqlite":
            path = path / CATALOG_FILE
    return path.absolute()
