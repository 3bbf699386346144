"""Making overviews: what is due, what is to be made next, and what was made."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from datacube.catalog.leases import Transactions
from datacube.catalog.overview_marking import mark_places, note_derived
from datacube.catalog.overview_periods import DAY_US, Due, boxes_of, periods_of, public_cubes
from datacube.catalog.overview_tables import (
    overview_numbers,
    overview_parts,
    overview_periods,
    overviews,
)
from datacube.catalog.tables import ASKED_AT_ONCE, OPEN, cubes, meta, revisions, slots
from datacube.cube import Cube
from datacube.overviews import Mosaics, Place, Span, touched, with_ancestors
from datacube.times import to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A part that is to be made."""

    row_id: int
    period_id: int
    span: Span
    first: int
    last: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A part that was made of what was visible at a revision."""

    gap: Gap
    revision: int
    number: int
    bands: tuple[str, ...]
    """Those with data."""
    since: int | None
    oldest: int | None
    newest: int | None


@dataclass(frozen=True, slots=True)
class OverviewMaking:
    """The transactions of those who make overviews. What it does is no new revision."""

    database: Transactions
    load_cube: Callable[[int], Cube]

    def create(self, collection: str, cube: Cube, zoom: int, bands: Sequence[str]) -> None:
        """Begin the overviews of a collection; `cube` defines the bands."""
        with self.database.write() as connection:
            cube_id = connection.execute(
                select(cubes.c.id).where(cubes.c.name == cube.name)
            ).scalar_one()
            connection.execute(
                insert(overviews).values(
                    collection_id=collection,
                    # The clock makes it one that was never used.
                    folder=f"{collection}/{_now():x}",
                    zoom=zoom,
                    cube_id=cube_id,
                    bands=",".join(bands),
                    next_number=0,
                )
            )
            note_derived(connection)

    def due(self, collection: str, fewest: int) -> list[Due]:
        """Return the months and days with at least `fewest` scenes that are not told of yet.

        Newest first, months before days.
        """
        with self.database.read() as connection:
            ids = public_cubes(connection, collection)
            day = (slots.c.reference_time // DAY_US).label("day")
            rows = connection.execute(
                select(day, func.count().label("scenes"))
                .where(slots.c.cube_id.in_(ids), slots.c.valid_to == OPEN)
                # By name: a database may take two bound numbers for different ones.
                .group_by("day")
            ).all()
            told = {
                (row.span, row.first)
                for row in connection.execute(
                    select(overview_periods.c.span, overview_periods.c.first)
                    .join(overviews, overviews.c.id == overview_periods.c.overview_id)
                    .where(overviews.c.collection_id == collection)
                )
            }
        scenes: dict[Due, int] = defaultdict(int)
        for row in rows:
            for period in periods_of(int(row.day)):
                scenes[period] += row.scenes
        found = [
            period
            for period, count in scenes.items()
            if count >= fewest and (period.span, period.first) not in told
        ]
        found.sort(key=lambda period: period.first, reverse=True)
        return sorted(found, key=lambda period: period.span is Span.DAY)

    def add_period(self, mosaics: Mosaics, due: Due) -> int:
        """Tell of a period from now on: of the parts in which scenes lie, all to be made.

        Returns how many they are at the finest zoom.
        """
        with self.database.write() as connection:
            revision = _revision(connection)
            places: set[Place] = set()
            for cube_id in public_cubes(connection, mosaics.collection):
                crs = self.load_cube(cube_id).crs
                for box in boxes_of(connection, cube_id, due):
                    places.update(touched(box, crs, mosaics.zoom))
            p = overview_periods.c
            if due.span is Span.NEWEST:
                _drop_periods(connection, mosaics, p.span == Span.NEWEST)
            period_id = connection.execute(
                insert(overview_periods)
                .values(
                    overview_id=mosaics.id,
                    span=due.span.value,
                    first=due.first,
                    last=due.last,
                    valid_from=revision,
                )
                .returning(p.id)
            ).scalar_one()
            mark_places(connection, revision, period_id, dict.fromkeys(with_ancestors(places)))
            note_derived(connection)
        return len(places)

    def newest_first(self, mosaics: Mosaics) -> int | None:
        """Return the earliest start of the window that slides; None where it is not told of."""
        p = overview_periods.c
        with self.database.read() as connection:
            found = connection.execute(
                select(p.first).where(p.overview_id == mosaics.id, p.span == Span.NEWEST)
            ).scalar()
        return None if found is None else int(found)

    def expire(self, mosaics: Mosaics, since: int) -> int:
        """Let the parts be made again out of which scenes slid, now that the window starts then.

        Returns how many they are.
        """
        p, period = overview_parts.c, overview_periods.c
        query = (
            select(p.period_id, p.zoom, p.row_at, p.col_at)
            .join(overview_periods, period.id == p.period_id)
            .where(
                period.overview_id == mosaics.id,
                period.span == Span.NEWEST,
                p.valid_to == OPEN,
                p.number.is_not(None),
                (p.oldest < since) | (p.since > since),
            )
        )
        with self.database.read() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return 0
        with self.database.write() as connection:
            rows = connection.execute(query).all()
            places: dict[int, dict[Place, int | None]] = defaultdict(dict)
            for row in rows:
                places[row.period_id][row.zoom, row.row_at, row.col_at] = None
            for period_id, found in places.items():
                mark_places(connection, _revision(connection), period_id, found)
            note_derived(connection)
        return len(rows)

    def gaps(self, mosaics: Mosaics, most: int) -> list[Gap]:
        """Return parts to be made of one period and zoom: finest first, newest period first."""
        p, period = overview_parts.c, overview_periods.c
        open_gap = (p.valid_to == OPEN) & p.number.is_(None)
        with self.database.read() as connection:
            which = connection.execute(
                select(period.id, period.span, period.first, period.last).where(
                    period.overview_id == mosaics.id,
                    period.id.in_(select(p.period_id).where(open_gap)),
                )
            ).all()
            if not which:
                return []
            first = min(which, key=lambda row: (_ORDER[row.span], -row.first))
            rows = connection.execute(
                select(p.id, p.zoom, p.row_at, p.col_at)
                .where(open_gap, p.period_id == first.id)
                .order_by(p.zoom.desc(), p.row_at, p.col_at)
                .limit(most)
            ).all()
        return [
            Gap(
                row_id=row.id,
                period_id=first.id,
                span=Span(first.span),
                first=first.first,
                last=first.last,
                place=(row.zoom, row.row_at, row.col_at),
            )
            for row in rows
            if row.zoom == rows[0].zoom
        ]

    def backlog(self, mosaics: Mosaics) -> int:
        """Return how many parts are to be made, of periods that are told of."""
        p, period = overview_parts.c, overview_periods.c
        query = (
            select(func.count())
            .select_from(overview_parts)
            .join(overview_periods, period.id == p.period_id)
            .where(period.overview_id == mosaics.id, p.valid_to == OPEN, p.number.is_(None))
        )
        with self.database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def claim(self, mosaics: Mosaics, zooms: Sequence[int]) -> list[int]:
        """Return a number for each part that will be written, never used before."""
        with self.database.write() as connection:
            connection.execute(
                update(overviews)
                .where(overviews.c.id == mosaics.id)
                .values(next_number=overviews.c.next_number + len(zooms))
            )
            end = connection.execute(
                select(overviews.c.next_number).where(overviews.c.id == mosaics.id)
            ).scalar_one()
            numbers = list(range(end - len(zooms), end))
            _leave(connection, mosaics, list(zip(numbers, zooms, strict=True)))
        return numbers

    def commit(self, mosaics: Mosaics, made: Sequence[Made]) -> int:
        """Let parts stand from the revision that they were made of; return how many do.

        Where a commit touched one in between, or another process made it, it is left.
        """
        standing = 0
        p = overview_parts.c
        with self.database.write() as connection:
            for part in made:
                still = connection.execute(
                    update(overview_parts)
                    .where(
                        p.id == part.gap.row_id,
                        p.valid_to == OPEN,
                        p.number.is_(None),
                        p.changed <= part.revision,
                    )
                    .values(valid_to=part.revision)
                )
                if not still.rowcount:
                    continue
                standing += 1
                connection.execute(insert(overview_parts).values(**_row(part)))
                connection.execute(
                    delete(overview_numbers).where(
                        overview_numbers.c.overview_id == mosaics.id,
                        overview_numbers.c.number == part.number,
                    )
                )
            ids = [part.gap.row_id for part in made]
            # A gap that no revision ever saw.
            connection.execute(
                delete(overview_parts).where(p.id.in_(ids), p.valid_to <= p.valid_from)
            )
            if standing:
                note_derived(connection)
        return standing

    def retire(self, mosaics: Mosaics, ended_s: float) -> int:
        """Forget the cells of parts that ended so long ago: older revisions read scenes there.

        Returns how many parts they were.
        """
        p = overview_parts.c
        before = _now() - int(ended_s * 1e6)
        periods = select(overview_periods.c.id).where(overview_periods.c.overview_id == mosaics.id)
        with self.database.read() as connection:
            last = connection.execute(
                select(func.max(revisions.c.number)).where(revisions.c.committed_at < before)
            ).scalar()
            query = select(p.id, p.number, p.zoom).where(
                p.valid_to <= (last or 0), p.number.is_not(None), p.period_id.in_(periods)
            ).limit(ASKED_AT_ONCE)  # fmt: skip
            rows = connection.execute(query).all()
        if not rows:
            return 0
        with self.database.write() as connection:
            ids = [row.id for row in rows]
            connection.execute(
                update(overview_parts).where(p.id.in_(ids)).values(number=None, bands="")
            )
            _leave(connection, mosaics, [(row.number, row.zoom) for row in rows])
            note_derived(connection)
        return len(rows)

    def abandoned(self, mosaics: Mosaics, older_s: float, most: int) -> list[tuple[int, int]]:
        """Return number and zoom of parts that nobody reads or writes any more."""
        n = overview_numbers.c
        query = select(n.number, n.zoom).where(
            n.overview_id == mosaics.id, n.since < _now() - int(older_s * 1e6)
        )
        with self.database.read() as connection:
            return [(row.number, row.zoom) for row in connection.execute(query.limit(most))]

    def forget(self, mosaics: Mosaics, numbers: Sequence[int]) -> None:
        """Note that the cells of parts were deleted."""
        n = overview_numbers.c
        with self.database.write() as connection:
            for some in batched(numbers, ASKED_AT_ONCE):
                connection.execute(
                    delete(overview_numbers).where(n.overview_id == mosaics.id, n.number.in_(some))
                )

    def remove(self, mosaics: Mosaics) -> None:
        """Forget all overviews of a collection."""
        with self.database.write() as connection:
            _drop_periods(connection, mosaics, overview_periods.c.first <= OPEN)
            for table, column in (
                (overview_numbers, overview_numbers.c.overview_id),
                (overviews, overviews.c.id),
            ):
                connection.execute(delete(table).where(column == mosaics.id))
            note_derived(connection)


_ORDER = {Span.NEWEST.value: 0, Span.MONTH.value: 1, Span.DAY.value: 2}


def _now() -> int:
    return to_micros(datetime.now(UTC))


def _revision(connection: Connection) -> int:
    return int(
        connection.execute(select(meta.c.value).where(meta.c.name == "revision")).scalar_one()
    )


def _row(part: Made) -> dict[str, object]:
    """Return the row of a part that was made."""
    zoom, row, col = part.gap.place
    return {
        "period_id": part.gap.period_id,
        "zoom": zoom,
        "row_at": row,
        "col_at": col,
        "number": part.number,
        "bands": ",".join(part.bands),
        "since": part.since,
        "oldest": part.oldest,
        "newest": part.newest,
        "changed": part.revision,
        "valid_from": part.revision,
        "valid_to": OPEN,
    }


def _drop_periods(connection: Connection, mosaics: Mosaics, which: ColumnElement[bool]) -> None:
    """Forget periods of an overview; the cells of their parts are left to be deleted."""
    p = overview_parts.c
    ids = select(overview_periods.c.id).where(overview_periods.c.overview_id == mosaics.id, which)
    rows = connection.execute(
        select(p.number, p.zoom).where(p.period_id.in_(ids), p.number.is_not(None))
    ).all()
    if rows:
        _leave(connection, mosaics, [(row.number, row.zoom) for row in rows])
    connection.execute(delete(overview_parts).where(p.period_id.in_(ids)))
    connection.execute(
        delete(overview_periods).where(overview_periods.c.overview_id == mosaics.id, which)
    )


def _leave(connection: Connection, mosaics: Mosaics, numbered: Sequence[tuple[int, int]]) -> None:
    """Note since when parts, by number and zoom, are being written or no longer told of."""
    now = _now()
    connection.execute(
        insert(overview_numbers),
        [
            {"overview_id": mosaics.id, "number": number, "zoom": zoom, "since": now}
            for number, zoom in numbered
        ],
    )
