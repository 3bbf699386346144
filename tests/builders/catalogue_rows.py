"""Rows of a catalogue that no service tells of, read and changed by plain SQL."""

from sqlalchemy import text

from datacube.catalog import SqlCatalog


def claimed(catalog: SqlCatalog) -> list[tuple[str, int]]:
    """Return `(cube, slot)` of every claim that is held."""
    query = (
        "SELECT cubes.name, claims.number FROM claims JOIN cubes ON cubes.id = cube_id "
        "WHERE state = 'claimed' ORDER BY 1, 2"
    )
    with catalog.database.read() as connection:
        return [(row[0], row[1]) for row in connection.execute(text(query))]


def purge_below(catalog: SqlCatalog, revision: int) -> None:
    """Make a revision the oldest that can be asked for."""
    change = "UPDATE meta SET value = :revision WHERE name = 'oldest_readable'"
    with catalog.database.write() as connection:
        connection.execute(text(change), {"revision": revision})
