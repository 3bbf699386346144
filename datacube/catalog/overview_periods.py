"""Periods of overviews: their rows, and the boxes of their scenes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select

from datacube.catalog.tables import OPEN, cubes, slots
from datacube.overviews import Box, Span
from datacube.times import from_micros, to_micros

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A period, in microseconds since 1970, both ends inclusive."""

    span: Span
    first: int
    last: int


def public_cubes(connection: Connection, collection: str) -> list[int]:
    """Return the row ids of the cubes of a collection that everyone may see."""
    query = select(cubes.c.id).where(
        cubes.c.collection_id == collection, cubes.c.access == "public"
    )
    return list(connection.execute(query).scalars())


def boxes_of(connection: Connection, cube_id: int, due: Due) -> Iterator[Box]:
    """Yield the boxes of the visible scenes of a period, each once, in the CRS of the cube."""
    s = slots.c
    if due.span is Span.NEWEST:
        within = s.reference_time >= due.first
    else:
        within = (s.earliest <= due.last) & (s.latest >= due.first)
    query = select(s.min_x, s.min_y, s.max_x, s.max_y).where(
        s.cube_id == cube_id, s.valid_to == OPEN, within
    )
    for row in connection.execute(query.distinct()):
        yield row.min_x, row.min_y, row.max_x, row.max_y


def periods_of(day: int) -> tuple[Due, Due]:
    """Return the month and the day of a day counted from 1970."""
    start = from_micros(day * DAY_US)
    month = start.replace(day=1)
    after = (month + timedelta(days=31)).replace(day=1)
    return (
        Due(span=Span.MONTH, first=to_micros(month), last=to_micros(after) - 1),
        Due(span=Span.DAY, first=to_micros(start), last=to_micros(start) + DAY_US - 1),
    )
