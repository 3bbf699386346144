"""A lost catalogue from the records of its commits."""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from sqlalchemy import Connection, select, update

from datacube.catalog.catalog import SqlCatalog
from datacube.catalog.commit import add_revision, apply_record, take_revision
from datacube.catalog.opening import catalog_path
from datacube.catalog.sqlite import SqliteDatabase
from datacube.catalog.tables import cubes, slots, to_micros
from datacube.errors import StoreDamagedError, StoreError
from datacube.times import parse_period


def rebuild_catalog(
    records: Iterable[tuple[int, str]], slots_found: Mapping[str, int], location: str | Path
) -> SqlCatalog:
    """Make the catalogue that `records` describe, with equal views at every revision.

    `records` are `(revision, JSON)` in ascending order; `slots_found` is the greatest
    slot number that the store holds of each cube, in records or not: new claims start
    above it. The catalogue appears at `location` complete, or not at all.

    Raises
    ------
    StoreError
        If a catalogue exists at `location`.
    StoreDamagedError
        If a record is missing in between, or cannot be read.
    """
    path = catalog_path(location)
    if path.exists():
        raise StoreError(f"there is a catalogue at {path}; move it away to rebuild it")
    draft = path.with_name(f"{path.stem}-rebuild-{os.getpid()}.sqlite")
    _remove(draft)
    try:
        database = SqliteDatabase(draft)
        try:
            with database.write() as connection:
                for revision, text in records:
                    _replay(database, connection, revision, text)
                _raise_slot_numbers(connection, slots_found)
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
    return SqlCatalog(SqliteDatabase(path))


def _replay(database: SqliteDatabase, connection: Connection, revision: int, text: str) -> None:
    taken = take_revision(connection)
    if taken != revision:
        raise StoreDamagedError(
            f"the record of revision {taken} is missing; the next found is {revision}"
        )
    try:
        record = json.loads(text)
        committed_at = to_micros(parse_period(record["committed_at"]).start)
        apply_record(database, connection, record)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreDamagedError(
            f"the record of revision {revision} is unreadable: {error}"
        ) from error
    add_revision(connection, revision, committed_at, text)


def _raise_slot_numbers(connection: Connection, slots_found: Mapping[str, int]) -> None:
    for cube_id, name in connection.execute(select(cubes.c.id, cubes.c.name)).all():
        used = connection.execute(select(slots.c.number).where(slots.c.cube_id == cube_id))
        greatest = max([*used.scalars(), slots_found.get(name, -1)])
        connection.execute(
            update(cubes).where(cubes.c.id == cube_id).values(next_slot=greatest + 1)
        )


def _remove(draft: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{draft}{suffix}").unlink()
