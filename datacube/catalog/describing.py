"""What cubes tell of themselves, read for many of them at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import batched, chain

import numpy as np
from sqlalchemy import Connection, Row, Table, select

from datacube.acquisitions import StoredAcquisitions, TimeSummary, TimeTable
from datacube.axes import TimeAxis
from datacube.catalog.tables import (
    ASKED_AT_ONCE,
    acquisition_years,
    acquisitions,
    band_presence,
    hulls,
    valid_at,
)
from datacube.catalog.view import Description
from datacube.grid import Window
from datacube.times import from_micros


def read_descriptions(
    connection: Connection,
    revision: int,
    cube_ids: Sequence[int],
    load_of: Callable[[int], Callable[[], TimeTable]],
) -> dict[int, Description]:
    """Return what coverages of cubes are made of at a revision, by the cubes' row ids.

    Time lists are only counted: `load_of` a cube reads its list when it is needed.
    """
    windows = _by_cube(connection, hulls, revision, cube_ids)
    bands = _by_cube(connection, band_presence, revision, cube_ids)
    years = _by_cube(connection, acquisition_years, revision, cube_ids)
    return {
        cube_id: Description(
            hulls={
                row.group_name: Window(
                    ((row.row_start, row.row_stop), (row.col_start, row.col_stop))
                )
                for row in windows.get(cube_id, ())
            },
            bands=frozenset(row.band for row in bands.get(cube_id, ())),
            time=TimeAxis(
                acquisitions=StoredAcquisitions(_summary(years[cube_id]), load_of(cube_id))
            ),
        )
        for cube_id in cube_ids
    }


def _by_cube(
    connection: Connection, table: Table, revision: int, cube_ids: Iterable[int]
) -> Mapping[int, list[Row[tuple[int, ...]]]]:
    found: dict[int, list[Row[tuple[int, ...]]]] = {}
    for some in batched(cube_ids, ASKED_AT_ONCE):
        query = select(table).where(table.c.cube_id.in_(some), valid_at(table, revision))
        for row in connection.execute(query):
            found.setdefault(row.cube_id, []).append(row)
    return found


def _summary(years: Sequence[Row[tuple[int, ...]]]) -> TimeSummary:
    return TimeSummary(
        size=sum(row.times for row in years),
        first=from_micros(min(row.first for row in years)),
        last=from_micros(max(row.last for row in years)),
        years=frozenset(row.year for row in years),
        days=sum(row.days for row in years),
        earliest=from_micros(min(row.earliest for row in years)),
        latest=from_micros(max(row.latest for row in years)),
    )


def read_times(connection: Connection, cube_id: int, revision: int) -> TimeTable:
    """Return the time list of a cube at a revision, ascending."""
    rows = connection.execute(
        select(acquisitions.c.reference, acquisitions.c.first, acquisitions.c.last)
        .where(acquisitions.c.cube_id == cube_id, valid_at(acquisitions, revision))
        .order_by(acquisitions.c.reference)
    )
    table = np.fromiter(chain.from_iterable(rows), dtype=np.int64).reshape(-1, 3)
    table.flags.writeable = False
    return table
