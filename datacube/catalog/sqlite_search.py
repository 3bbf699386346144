"""The RTree of slots in SQLite, and the statements that search it."""

from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    MetaData,
    Select,
    Table,
    bindparam,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite

from datacube.catalog.tables import slots

rtree = Table(
    "slots_rtree",
    MetaData(),
    Column("id", Integer, primary_key=True),
    *(Column(name, Float) for name in ("c0", "c1", "x0", "x1", "y0", "y1", "t0", "t1")),
)


RTREE_DDL = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS slots_rtree USING rtree(id, c0, c1, x0, x1, y0, y1, t0, t1)"
)


@lru_cache(maxsize=16)
def search_statement(box: bool, touching: bool, first: bool, last: bool) -> str:  # noqa: FBT001 - the key of a cache
    """Return the statement of a search, made once: making it costs more than running it."""
    query = _search(box=box, touching=touching, first=first, last=last)
    return f"{query.compile(dialect=sqlite.dialect(paramstyle='named'))} LIMIT :most"


def _search(*, box: bool, touching: bool, first: bool, last: bool) -> Select[int]:
    revision = bindparam("revision", type_=BigInteger)
    exact = [slots.c.valid_from <= revision, slots.c.valid_to > revision]
    if not (box or first or last):
        return select(slots.c.number).where(slots.c.cube_id == bindparam("cube_id"), *exact)
    tree = [rtree.c.c0 <= bindparam("centre"), rtree.c.c1 >= bindparam("centre")]
    if box:
        x0, y0, x1, y1 = (bindparam(name, type_=Float) for name in ("x0", "y0", "x1", "y1"))
        tree += [rtree.c.x0 <= x1, rtree.c.x1 >= x0, rtree.c.y0 <= y1, rtree.c.y1 >= y0]
        s = slots.c
        if touching:
            exact += [s.min_x <= x1, s.max_x >= x0, s.min_y <= y1, s.max_y >= y0]
        else:
            exact += [s.min_x < x1, s.max_x > x0, s.min_y < y1, s.max_y > y0]
    if first:
        tree.append(rtree.c.t1 >= bindparam("first_day", type_=Float))
        exact.append(slots.c.latest >= bindparam("first", type_=BigInteger))
    if last:
        tree.append(rtree.c.t0 <= bindparam("last_day", type_=Float))
        exact.append(slots.c.earliest <= bindparam("last", type_=BigInteger))
    # `+ 0` keeps SQLite from walking all slots of the cube and asking the tree for each.
    exact.append(slots.c.cube_id + literal_column("0") == bindparam("cube_id", type_=Integer))
    return select(slots.c.number).where(slots.c.id.in_(select(rtree.c.id).where(*tree)), *exact)
