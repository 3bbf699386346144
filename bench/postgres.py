"""The catalogue in PostgreSQL and in SQLite, with few and with very many made-up scenes.

`python -m bench.postgres postgresql://USER@HOST/DATABASE [SCENES]` fills schemas of its own
there, which it drops again, and files, and prints what a request asks of each.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import Connection, text

from bench.catalogue import made_up_slot
from datacube.catalog import SqlCatalog, open_catalog
from datacube.catalog.database import CUBE_SPACING, SlotSearch
from datacube.catalog.sqlite import DAY_WIDTH
from datacube.cube import Band, Collection, Cube
from datacube.grid import crs_from_text
from datacube.lattices import utm_group
from datacube.times import to_micros

FEW, MANY = 20, 2_000_000
CUBES = 20
ROUNDS = 300
_DAY_US = 86_400_000_000
_BOX = (300_000.0, 8_990_000.0, 310_000.0, 9_000_000.0)
_FIRST = datetime(2017, 1, 1, tzinfo=UTC)
_ASKED_CUBE = 7

# At each of 100 places, 109.8 km apart, a scene every five days; of a cube's one scene.
_REPEAT = """
    INSERT INTO slots (cube_id, number, scene_id, product_id, reference_time, first_time,
        last_time, baseline, generation_time, footprint, cloud_cover_percent, properties, min_x,
        min_y, max_x, max_y, earliest, latest, windows, shards, valid_from, valid_to)
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :last)
    SELECT cube_id, n, 'S' || n, 'S' || n, reference_time + n / 100 * :step,
        first_time + n / 100 * :step, last_time + n / 100 * :step, baseline, generation_time,
        footprint, cloud_cover_percent, properties,
        300000.0 + n % 100 % 10 * 109800.0, 9000000.0 - (n % 100 / 10 + 1) * 109800.0,
        300000.0 + (n % 100 % 10 + 1) * 109800.0, 9000000.0 - n % 100 / 10 * 109800.0,
        earliest + n / 100 * :step, latest + n / 100 * :step, windows, shards, valid_from, valid_to
    FROM slots, counted WHERE cube_id = :cube_id AND number = 0
"""
_ENTER = """
    INSERT INTO slots_rtree SELECT id, cube_id * :spacing, (cube_id + 0.5) * :spacing,
        min_x, max_x, min_y, max_y, earliest * :days, latest * :days
    FROM slots WHERE number > 0 ORDER BY number
"""


def fill(catalog: SqlCatalog, scenes: int) -> None:
    """Put scenes over 20 cubes, in the order of cubes; by the database itself."""
    made = [_begin(catalog, zone) for zone in range(CUBES)]
    with catalog.database.write() as connection:
        for cube_id in made if scenes > CUBES else ():
            values = {"cube_id": cube_id, "last": scenes // CUBES - 1, "step": 5 * _DAY_US}
            connection.execute(text(_REPEAT), values)
        _finish(connection)


def _begin(catalog: SqlCatalog, zone: int) -> int:
    crs = crs_from_text("EPSG:32633")
    collection = Collection(id="MADE_UP", title="Made-up scenes", style_family="sentinel-2")
    cube = Cube(
        name=f"MADE_UP_{zone:02d}",
        collection=collection.id,
        title="Made-up scenes",
        crs=crs,
        groups=(utm_group(32633, crs, 10.0),),
        bands=(Band(name="B04", title="Red", dtype="int16", nodata=-32768, group="r10m"),),
    )
    catalog.ensure_cube(collection, cube)
    slot = made_up_slot(cube, catalog.claim(cube.name)[0], 0)
    catalog.commit([replace(slot, scene=replace(slot.scene, scene_id="MODEL"))])
    return catalog.view().entry(cube.name).cube_id


def _finish(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        values = {"spacing": CUBE_SPACING, "days": DAY_WIDTH / _DAY_US}
        connection.execute(text(_ENTER), values)
    else:
        # The server does so by itself, a minute later.
        connection.execute(text("ANALYZE slots"))


def measure(catalog: SqlCatalog) -> dict[str, float]:
    """Return milliseconds of what a request asks, by what it is: the shortest of many rounds."""
    name = f"MADE_UP_{_ASKED_CUBE:02d}"
    entry = catalog.view().entry(name)
    last = _FIRST + timedelta(days=30)
    search = SlotSearch(
        cube_id=entry.cube_id,
        revision=catalog.view().revision,
        box=_BOX,
        first=to_micros(_FIRST),
        last=to_micros(last),
    )
    with catalog.database.read() as connection:
        numbers = _shortest_ms(lambda: catalog.database.slot_numbers(connection, search))
    return {
        "numbers of slots": numbers,
        "slots, decoded before": _shortest_ms(
            lambda: catalog.view().slots(name, bbox=_BOX, first=_FIRST, last=last)
        ),
        "pinned view": _shortest_ms(catalog.view),
    }


def _shortest_ms(ask: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        start = perf_counter()
        ask()
        took.append(perf_counter() - start)
    return min(took) * 1000


def main(address: str, many: int = MANY) -> None:
    """Print a line for each database and number of scenes."""
    with TemporaryDirectory() as folder:
        for count in (FEW, many):
            schema = f"bench_{count}"
            for location in (str(Path(folder) / str(count)), f"{address}?schema={schema}"):
                start = perf_counter()
                with closing(open_catalog(location)) as catalog:
                    fill(catalog, count)
                    filled_s = perf_counter() - start
                    told = ", ".join(f"{k} {v:.3f} ms" for k, v in measure(catalog).items())
                    kind = location.partition("://")[0] if "://" in location else "sqlite"
                    print(f"{kind}, {count:,} scenes, made in {filled_s:.1f} s: {told}", flush=True)
                    if kind != "sqlite":
                        with catalog.database.write() as connection:
                            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
