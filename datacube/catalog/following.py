"""What a cube tells of itself, after a commit: hull, bands, times and counts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched

from sqlalchemy import Connection, Table, func, insert, select, update

from datacube.catalog.precedence import Extent
from datacube.catalog.tables import (
    ASKED_AT_ONCE,
    OPEN,
    acquisition_years,
    acquisitions,
    band_presence,
    counts,
    descriptions,
    hulls,
    slots,
)
from datacube.grid import Window
from datacube.slots import SlotWindow
from datacube.times import from_micros, to_micros

_MICROSECONDS_PER_DAY = 86_400_000_000


def follow(
    connection: Connection,
    revision: int,
    cube_id: int,
    *,
    added: Sequence[Extent],
    gone: Sequence[Extent],
) -> None:
    """Bring hull, bands, time list and count of a cube up to the slots of a commit."""
    windows = [window for new in added for window in new.windows]
    bands = {band for new in added for band in new.bands}
    references = {to_micros(each.scene.reference_time) for each in (*added, *gone)}
    changed = [
        _grow_hulls(connection, revision, cube_id, windows),
        _add_bands(connection, revision, cube_id, bands),
        _follow_times(connection, revision, cube_id, sorted(references)),
    ]
    known = connection.execute(
        select(descriptions.c.id).where(
            descriptions.c.cube_id == cube_id, descriptions.c.valid_to == OPEN
        )
    ).first()
    if any(changed) or known is None:
        replace_row(connection, revision, descriptions, {"cube_id": cube_id}, {})
    before = connection.execute(
        select(counts.c.scenes).where(counts.c.cube_id == cube_id, counts.c.valid_to == OPEN)
    ).scalar()
    # Counted on: counting the slots of a large cube takes longer than all else of a commit.
    scenes = (before or 0) + len(added) - len(gone)
    replace_row(connection, revision, counts, {"cube_id": cube_id}, {"scenes": scenes})


def forget(connection: Connection, revision: int, cube_id: int) -> bool:
    """End all that a cube tells of itself; tell whether it told anything."""
    told = 0
    for table in (descriptions, counts, hulls, band_presence, acquisitions, acquisition_years):
        ended = connection.execute(
            update(table)
            .where(table.c.cube_id == cube_id, table.c.valid_to == OPEN)
            .values(valid_to=revision)
        )
        told += ended.rowcount
    return bool(told)


def replace_row(
    connection: Connection,
    revision: int,
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
) -> None:
    """End the row of `key` that holds, and begin one with `values`."""
    end_row(connection, revision, table, key)
    connection.execute(insert(table).values(**key, **values, valid_from=revision, valid_to=OPEN))


def end_row(connection: Connection, revision: int, table: Table, key: Mapping[str, object]) -> None:
    """End the row of `key` that holds, where there is one."""
    connection.execute(
        update(table)
        .where(table.c.valid_to == OPEN, *(table.c[name] == v for name, v in key.items()))
        .values(valid_to=revision)
    )


def _grow_hulls(
    connection: Connection, revision: int, cube_id: int, windows: Sequence[SlotWindow]
) -> bool:
    held = {
        row.group_name: Window(((row.row_start, row.row_stop), (row.col_start, row.col_stop)))
        for row in connection.execute(
            select(hulls).where(hulls.c.cube_id == cube_id, hulls.c.valid_to == OPEN)
        )
    }
    grown = dict(held)
    for w in windows:
        plane = w.window.plane
        grown[w.group] = grown[w.group].hull(plane) if w.group in grown else plane
    for group, window in grown.items():
        if held.get(group) != window:
            (y0, y1), (x0, x1) = window.ranges
            replace_row(
                connection,
                revision,
                hulls,
                {"cube_id": cube_id, "group_name": group},
                {"row_start": y0, "row_stop": y1, "col_start": x0, "col_stop": x1},
            )
    return grown != held


def _add_bands(connection: Connection, revision: int, cube_id: int, bands: set[str]) -> bool:
    known = set(
        connection.execute(
            select(band_presence.c.band).where(
                band_presence.c.cube_id == cube_id, band_presence.c.valid_to == OPEN
            )
        ).scalars()
    )
    for band in sorted(bands - known):
        connection.execute(
            insert(band_presence).values(
                cube_id=cube_id, band=band, valid_from=revision, valid_to=OPEN
            )
        )
    return bool(bands - known)


def _follow_times(
    connection: Connection, revision: int, cube_id: int, references: Sequence[int]
) -> bool:
    """Make the entries of the time list what the visible slots of those reference times say.

    Returns whether any changed.
    """
    changed: list[int] = []
    for some in batched(references, ASKED_AT_ONCE):
        now = {
            row.reference_time: (row.first, row.last)
            for row in connection.execute(
                select(
                    slots.c.reference_time,
                    func.min(slots.c.earliest).label("first"),
                    func.max(slots.c.latest).label("last"),
                )
                .where(
                    slots.c.cube_id == cube_id,
                    slots.c.reference_time.in_(some),
                    slots.c.valid_to == OPEN,
                )
                .group_by(slots.c.reference_time)
            )
        }
        held = {
            row.reference: (row.first, row.last)
            for row in connection.execute(
                select(acquisitions).where(
                    acquisitions.c.cube_id == cube_id,
                    acquisitions.c.reference.in_(some),
                    acquisitions.c.valid_to == OPEN,
                )
            )
        }
        differing = [r for r in some if now.get(r) != held.get(r)]
        _renew_times(connection, revision, cube_id, differing, now)
        changed += differing
    _follow_years(connection, revision, cube_id, changed)
    return bool(changed)


def _renew_times(
    connection: Connection,
    revision: int,
    cube_id: int,
    references: Sequence[int],
    spans: Mapping[int, tuple[int, int]],
) -> None:
    """End what the time list says of reference times, and say what `spans` has of them."""
    if not references:
        return
    connection.execute(
        update(acquisitions)
        .where(
            acquisitions.c.cube_id == cube_id,
            acquisitions.c.reference.in_(references),
            acquisitions.c.valid_to == OPEN,
        )
        .values(valid_to=revision)
    )
    begun = [
        {
            "cube_id": cube_id,
            "reference": reference,
            "first": spans[reference][0],
            "last": spans[reference][1],
            "valid_from": revision,
            "valid_to": OPEN,
        }
        for reference in references
        if reference in spans
    ]
    if begun:
        connection.execute(insert(acquisitions), begun)


def _follow_years(
    connection: Connection, revision: int, cube_id: int, references: Sequence[int]
) -> None:
    """Tell of the years in which the time list changed how many times they have, and which."""
    a = acquisitions.c
    for year in sorted({from_micros(reference).year for reference in references}):
        start = to_micros(datetime(year, 1, 1, tzinfo=UTC))
        stop = to_micros(datetime(year, 12, 31, tzinfo=UTC)) + _MICROSECONDS_PER_DAY
        told = connection.execute(
            select(
                func.count().label("times"),
                func.count(func.distinct(a.reference // _MICROSECONDS_PER_DAY)).label("days"),
                func.min(a.reference).label("first"),
                func.max(a.reference).label("last"),
                func.min(a.first).label("earliest"),
                func.max(a.last).label("latest"),
            ).where(
                a.cube_id == cube_id, a.reference >= start, a.reference < stop, a.valid_to == OPEN
            )
        ).one()
        key = {"cube_id": cube_id, "year": year}
        if told.times:
            replace_row(connection, revision, acquisition_years, key, told._asdict())
        else:
            end_row(connection, revision, acquisition_years, key)
