"""Rows of a catalogue's file that no service tells of, read and changed by SQLite itself."""

import sqlite3
from contextlib import closing

from datacube.catalog import SqlCatalog


def claimed(catalog: SqlCatalog) -> list[tuple[str, int]]:
    """Return `(cube, slot)` of every claim that is held."""
    with _opened(catalog) as opened:
        query = (
            "SELECT cubes.name, claims.number FROM claims JOIN cubes ON cubes.id = cube_id "
            "WHERE state = 'claimed' ORDER BY 1, 2"
        )
        return list(opened.execute(query))


def purge_below(catalog: SqlCatalog, revision: int) -> None:
    """Make a revision the oldest that can be asked for."""
    with _opened(catalog) as opened, opened:
        opened.execute("UPDATE meta SET value = ? WHERE name = 'oldest_readable'", (revision,))


def _opened(catalog: SqlCatalog) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(catalog.database.address.removeprefix("sqlite:///")))
