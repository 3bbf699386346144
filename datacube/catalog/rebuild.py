"""A lost catalogue from the records of its commits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, select, update

from datacube.catalog.catalog import SqlCatalog, open_catalog
from datacube.catalog.commit import add_revision, apply_record, take_revision
from datacube.catalog.database import Database
from datacube.catalog.opening import made_at_once
from datacube.catalog.tables import cubes, slots
from datacube.errors import StoreDamagedError
from datacube.times import parse_period, to_micros

_NAMED = 10
"""Most gaps that a message lists."""


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
        If records are missing in between, or one cannot be read. None is skipped: a later
        record may build on the cubes and retirements of an earlier one.
    """
    found = tuple(records)
    refuse_gaps([revision for revision, _ in found])
    with made_at_once(location) as (database, connection):
        for revision, text in found:
            _replay(database, connection, revision, text)
        _raise_slot_numbers(connection, slots_found)
    return open_catalog(location)


def refuse_gaps(revisions: Sequence[int]) -> None:
    """Refuse records that do not follow one another from revision 1 on.

    Raises
    ------
    StoreDamagedError
        If records are missing; the message names them and what can be done.
    """
    gaps: list[str] = []
    due = 1
    for revision in sorted(revisions):
        if revision > due:
            gaps.append(f"{due}" if revision == due + 1 else f"{due} to {revision - 1}")
        due = revision + 1
    if not gaps:
        return
    first = int(gaps[0].split()[0])
    records = "record of revision" if gaps == [str(first)] else "records of revisions"
    verb = "is" if gaps == [str(first)] else "are"
    named = ", ".join(gaps[:_NAMED]) + (" and more" if len(gaps) > _NAMED else "")
    instead = "ingest all scenes into a new store"
    if first > 1:
        instead = (
            f"move the records after revision {first} away, rebuild up to revision {first - 1} "
            "and ingest the later scenes anew"
        )
    raise StoreDamagedError(
        f"the {records} {named} {verb} missing, and the last found is {max(revisions)}; "
        f"put back what is missing from a copy of the store, or {instead}"
    )


def _replay(database: Database, connection: Connection, revision: int, text: str) -> None:
    taken = take_revision(connection)
    if taken != revision:
        raise StoreDamagedError(f"revision {revision} has a record where {taken} is due")
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
