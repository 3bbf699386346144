"""What a commit does to overviews: the parts that its scenes touch have to be made again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from datacube.catalog.overview_tables import overview_parts, overview_periods, overviews
from datacube.catalog.tables import OPEN, meta
from datacube.cube import Cube
from datacube.overviews import Box, Place, Span, touched, with_ancestors

DERIVED = "derived"
"""Name in `meta` of the number that rises with each change of what is derived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A scene that came or went, as far as overviews look at it; microseconds since 1970."""

    box: Box
    """In the CRS of its cube."""
    reference: int
    earliest: int
    latest: int


def mark_changed(
    connection: Connection, revision: int, cube: Cube, changed: Sequence[Changed]
) -> None:
    """End the parts of the collection's overviews that scenes touch; they are to be made again.

    Of a window that slides, parts stay that were made for a later start than a scene's time.
    """
    if cube.access != "public" or not changed:
        return
    found = connection.execute(
        select(overviews.c.id, overviews.c.zoom).where(overviews.c.collection_id == cube.collection)
    ).one_or_none()
    if found is None:
        return
    places = {scene: touched(scene.box, cube.crs, found.zoom) for scene in changed}
    hit: dict[int, dict[Place, int]] = {}
    for scene in changed:
        for period in _periods(connection, found.id, scene):
            latest = hit.setdefault(period, {})
            for place in with_ancestors(places[scene]):
                latest[place] = max(latest.get(place, scene.reference), scene.reference)
    for period, latest in hit.items():
        mark_places(connection, revision, period, latest)
    if hit:
        note_derived(connection)


def _periods(connection: Connection, overview_id: int, scene: Changed) -> Sequence[int]:
    p = overview_periods.c
    slides = (p.span == Span.NEWEST) & (p.first <= scene.reference)
    fixed = (p.span != Span.NEWEST) & (p.first <= scene.latest) & (p.last >= scene.earliest)
    query = select(p.id).where(p.overview_id == overview_id, or_(slides, fixed))
    return connection.execute(query).scalars().all()


def mark_places(
    connection: Connection, revision: int, period_id: int, places: Mapping[Place, int | None]
) -> None:
    """Let parts be made again, with the newest time of what changed there; None: whatever it is."""
    gaps: list[Place] = []
    ended: list[int] = []
    bumped: list[int] = []
    standing = _standing(connection, period_id, places)
    for row_id, place, made, since in standing:
        newest = places[place]
        if made and newest is not None and since is not None and newest < since:
            continue
        (ended if made else bumped).append(row_id)
        if made:
            gaps.append(place)
    gaps += sorted(set(places) - {place for _, place, _, _ in standing})
    _set(connection, ended, "valid_to", revision)
    _set(connection, bumped, "changed", revision)
    if gaps:
        connection.execute(
            insert(overview_parts),
            [
                {
                    "period_id": period_id,
                    "zoom": zoom,
                    "row_at": row,
                    "col_at": col,
                    "number": None,
                    "bands": "",
                    "changed": revision,
                    "valid_from": revision,
                    "valid_to": OPEN,
                }
                for zoom, row, col in gaps
            ],
        )


def _standing(
    connection: Connection, period_id: int, places: Iterable[Place]
) -> list[tuple[int, Place, bool, int | None]]:
    """Return `(row id, place, whether it is made, since)` of the rows that hold at places."""
    found = []
    wanted = set(places)
    for zoom, some in groupby(sorted(wanted), key=lambda place: place[0]):
        at = list(some)
        rows, cols = [row for _, row, _ in at], [col for _, _, col in at]
        for row in connection.execute(_OPEN_PARTS, _values(period_id, zoom, rows, cols)):
            place = (zoom, row.row_at, row.col_at)
            if place in wanted:
                found.append((row.id, place, row.number is not None, row.since))
    return found


def _values(period_id: int, zoom: int, rows: list[int], cols: list[int]) -> dict[str, int]:
    return {
        "period": period_id,
        "at": zoom,
        "row0": min(rows),
        "row1": max(rows),
        "col0": min(cols),
        "col1": max(cols),
    }


_p = overview_parts.c
_OPEN_PARTS = select(_p.id, _p.row_at, _p.col_at, _p.number, _p.since).where(
    _p.period_id == bindparam("period"),
    _p.zoom == bindparam("at"),
    _p.row_at.between(bindparam("row0"), bindparam("row1")),
    _p.col_at.between(bindparam("col0"), bindparam("col1")),
    _p.valid_to == OPEN,
)


def _set(connection: Connection, ids: Sequence[int], column: str, value: int) -> None:
    if ids:
        connection.execute(
            update(overview_parts)
            .where(overview_parts.c.id == bindparam("row_id"))
            .values({column: value}),
            [{"row_id": row_id} for row_id in ids],
        )


def note_derived(connection: Connection) -> None:
    """Let readers know that what is derived changed: maps that were bound before may be others."""
    raised = connection.execute(
        update(meta).where(meta.c.name == DERIVED).values(value=meta.c.value + 1)
    )
    if not raised.rowcount:
        connection.execute(insert(meta).values(name=DERIVED, value=1))
