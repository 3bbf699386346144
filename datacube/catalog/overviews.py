"""Reading overviews: which stand at a revision, and where the cells of their parts lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Connection, Integer, bindparam, inspect, select

from datacube.catalog.leases import Transactions
from datacube.catalog.overview_tables import overview_parts, overview_periods, overviews
from datacube.cube import Cube
from datacube.grid import Window
from datacube.overviews import (
    Mosaics,
    Overview,
    Part,
    Place,
    Span,
    TimeRange,
    part_slot,
    parts_touched,
)
from datacube.slots import SceneRecord, Slot
from datacube.times import from_micros, to_micros

type Loaded = Mapping[str, Mosaics]
"""By collection."""


@dataclass(frozen=True, slots=True)
class OverviewRows:
    """The overviews of a catalogue, read from its rows."""

    database: Transactions
    load_cube: Callable[[int], Cube]

    def load(self) -> Loaded:
        """Return what overviews there are."""
        with self.database.read() as connection:
            # A catalogue that was made before there were overviews, and may only be read.
            if not inspect(connection).has_table(overviews.name):
                return {}
            rows = connection.execute(select(overviews)).all()
        found = {}
        for row in rows:
            cube = self.load_cube(row.cube_id)
            found[row.collection_id] = Mosaics(
                id=row.id,
                collection=row.collection_id,
                folder=row.folder,
                zoom=row.zoom,
                bands=tuple(cube.band(name) for name in row.bands.split(",")),
            )
        return found

    def find(self, mosaics: Mosaics, shown: TimeRange | None, revision: int) -> Overview | None:
        """Return the overview that shows exactly a stretch of time, as of a revision.

        None stands for a layer without times. None is returned where there is none yet.
        """
        p = overview_periods.c
        query = select(p.id, p.span, p.first).where(
            p.overview_id == mosaics.id, p.valid_from <= revision
        )
        first = last = 0
        if shown is None:
            query = query.where(p.span == Span.NEWEST)
        elif shown.by_reference:
            first = to_micros(shown.first)
            query = query.where(p.span == Span.NEWEST, p.first <= first)
        else:
            first, last = to_micros(shown.first), to_micros(shown.last)
            query = query.where(p.span != Span.NEWEST, p.first == first, p.last == last)
        with self.database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        slides = row.span == Span.NEWEST and shown is not None
        return make_overview(mosaics, row.id, row.span, row.first, since=first if slides else None)

    def parts(
        self, overview: Overview, zoom: int, window: Window, revision: int
    ) -> tuple[Part, ...]:
        """Return the parts that cells of a zoom touch; where there is none, no scene lies."""
        with self.database.read() as connection:
            return read_parts(connection, overview, zoom, window, revision)


def make_overview(
    mosaics: Mosaics, period_id: int, span: str, first: int, *, since: int | None
) -> Overview:
    """Return the overview of a row of `overview_periods`."""
    kind = Span(span)
    start = "newest" if kind is Span.NEWEST else from_micros(first).date().isoformat()
    title = start[:7] if kind is Span.MONTH else start
    return Overview(mosaics=mosaics, id=period_id, span=kind, since=since, title=title)


def read_parts(
    connection: Connection, overview: Overview, zoom: int, window: Window, revision: int
) -> tuple[Part, ...]:
    """Return the parts that cells of a zoom touch, by place."""
    rows, cols = parts_touched(window)
    values = {
        "period": overview.id,
        "at": zoom,
        "row0": rows[0],
        "row1": rows[1] - 1,
        "col0": cols[0],
        "col1": cols[1] - 1,
        "revision": revision,
    }
    found = []
    for row in connection.execute(_PARTS, values):
        fits = row.number is not None and _fits(overview.since, row.since, row.oldest)
        place = (zoom, row.row_at, row.col_at)
        slot = None
        if fits:
            times = row.oldest, row.newest
            slot = make_slot(overview, place, row.number, row.bands, times)
        found.append(Part(zoom=zoom, row=row.row_at, col=row.col_at, slot=slot))
    return tuple(sorted(found, key=lambda part: part.place))


def make_slot(
    overview: Overview,
    place: Place,
    number: int,
    bands: str,
    times: tuple[int | None, int | None],
) -> Slot:
    """Return where the cells of a part lie; `bands` are names, `times` oldest and newest."""
    oldest, newest = (_NO_TIME if at is None else from_micros(at) for at in times)
    collection = overview.mosaics.collection
    name = f"{collection} overview {overview.title} {'/'.join(map(str, place))}"
    scene = SceneRecord(
        scene_id=name,
        product_id=name,
        reference_time=newest,
        first_time=oldest,
        last_time=newest,
        baseline="",
        generation_time=newest,
        footprint="",
    )
    return part_slot(overview.mosaics, place, number, filter(None, bands.split(",")), scene)


def _fits(asked: int | None, since: int | None, oldest: int | None) -> bool:
    """Tell whether a part made for a window since some time is that of a later one, too."""
    if asked is None or since is None:
        return True
    return since <= asked and (oldest is None or asked <= oldest)


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_p = overview_parts.c
_PARTS = select(_p.row_at, _p.col_at, _p.number, _p.bands, _p.since, _p.oldest, _p.newest).where(
    _p.period_id == bindparam("period", type_=Integer),
    _p.zoom == bindparam("at", type_=Integer),
    _p.row_at.between(bindparam("row0", type_=Integer), bindparam("row1", type_=Integer)),
    _p.col_at.between(bindparam("col0", type_=Integer), bindparam("col1", type_=Integer)),
    _p.valid_from <= bindparam("revision", type_=BigInteger),
    _p.valid_to > bindparam("revision", type_=BigInteger),
)
