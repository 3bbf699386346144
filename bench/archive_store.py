"""A catalogue of a made-up archive: two million Sentinel-2 scenes over 120 zones and ten years.

The scenes of one zone in the north and one in the south are committed as an ingest commits
them, a datatake a commit; other zones get copies of those rows, with their own names and
outlines. Cells were written of one scene a place: at all levels at one place, where the
benchmark looks closely, and from 40 m up at the others. Slots of the same place link to them, all
dates at the one place and the newest month at the others; other shards are recorded only.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.archive_cells import Arrays, pyramid
from bench.data import CACHE
from copernicube.overviews import Candidate, OverviewChore
from copernicube.wiring import open_local
from datacube.catalog import SqlCatalog, open_catalog
from datacube.catalog.database import CUBE_SPACING
from datacube.catalog.opening import catalog_path
from datacube.catalog.overview_making import OverviewMaking
from datacube.catalog.overview_periods import Due
from datacube.catalog.view import SqlView
from datacube.cube import VALID_BAND, Cube, ResolutionGroup
from datacube.grid import Window, crs_from_text, transformer
from datacube.lattices import utm_group
from datacube.overviews import Span
from datacube.protocols import BandRead, NewSlot
from datacube.slots import BandShards, SceneRecord, SlotWindow
from datacube.store import level_count, open_store
from datacube.store.layout import array_key
from ingest.sentinel2.bands import PRODUCTS

ZONES, CYCLES, COLUMNS, ROWS = 120, 695, 4, 6
PLACES = COLUMNS * ROWS
SCENES = ZONES * CYCLES * PLACES
CLOSE = 14
"""The place at which all levels of all dates have cells."""
MONTH = 7
"""Cycles whose slots have cells everywhere: what a map without a time shows, and a bit more."""
FEW = (
    *((cycle, CLOSE) for cycle in range(CYCLES - 6, CYCLES)),
    *((CYCLES - 1, CLOSE + beside) for beside in (-ROWS, -1, 1, ROWS)),
)
"""Cycle and place of the ten scenes of the small catalogue: a month at the close place, as the
large one has it, and the newest scenes around it.
"""
SIDE_M, SPACING_M, LEFT_M, TOP_M = 109_800, 100_020, 300_000, 5_300_040
SOUTH_M = 400_000
"""So much more in the south: then array indices are those of the north."""
BANDS = ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12", "SCL", "B01", "B09")
COLOURS = ("B02", "B03", "B04")
WRITTEN = (*BANDS, VALID_BAND)
_START = datetime(2016, 6, 1, 10, 0, 31, tzinfo=UTC)
_PRODUCT = PRODUCTS["L2A"]
_COPIED = ("slots", "hulls", "acquisitions", "acquisition_years", "band_presence", "counts")
CELLS = CACHE / "archive-cells"
"""The shards that all scenes share."""


def zone_names() -> list[str]:
    """Return the cubes, north then south."""
    return [f"S2_L2A_{base + zone}" for base in (32600, 32700) for zone in range(1, 61)]


def stores() -> tuple[Path, Path]:
    """Return the stores of few scenes and of all, made unless they are there."""
    few, many = CACHE / "archive-few", CACHE / "archive"
    cells = _cells()
    for folder, make in ((few, _fill_few), (many, _fill_many)):
        if not folder.exists():
            draft = folder.with_suffix(".partial")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            make(open_catalog(str(draft)))
            for name in zone_names() if folder == many else ["S2_L2A_32633"]:
                (draft / name).symlink_to(cells / "S2_L2A_32633")
            if folder == many:
                make_overview(draft)
            draft.rename(folder)
    return few, many


@cache
def cube_of(name: str) -> Cube:
    """Return the definition of a zone's cube."""
    epsg = int(name.rpartition("_")[2])
    crs = crs_from_text(f"EPSG:{epsg}")
    return Cube(
        name=name,
        collection=_PRODUCT.collection.id,
        title=f"{_PRODUCT.collection.title}, EPSG:{epsg}",
        crs=crs,
        groups=tuple(utm_group(epsg, crs, size) for size in (10.0, 20.0, 60.0)),
        bands=_PRODUCT.bands,
    )


def corner(cube: Cube, place: int) -> tuple[float, float]:
    """Return the west and north edge of a place."""
    south = SOUTH_M if "_327" in cube.name else 0
    column, row = divmod(place, ROWS)
    return LEFT_M + column * SPACING_M, TOP_M + south - row * SPACING_M


@cache
def _windows(cube: Cube, place: int) -> tuple[SlotWindow, ...]:
    west, north = corner(cube, place)
    made = []
    for group in cube.groups:
        x0, y0 = round(group.grid.x.position(west)), round(group.grid.y.position(north))
        side = round(SIDE_M / group.resolution)
        window = Window(((y0, y0 + side), (x0, x0 + side)))
        made.append(SlotWindow(group=group.name, window=window, levels=level_count(window)))
    return tuple(made)


@cache
def _shards(cube: Cube, place: int) -> tuple[BandShards, ...]:
    """Return all shards of a full scene."""
    made = []
    for covered in _windows(cube, place):
        group = cube.group(covered.group)
        bands = [b.name for b in cube.bands if b.name in BANDS and b.group == group.name]
        for level in range(covered.levels):
            count = group.shard_window(covered.window.coarser(level), level).size
            bits = np.packbits(np.ones(count, bool)).tobytes()
            made += [
                BandShards(group=group.name, level=level, band=band, bits=bits)
                for band in (*bands, VALID_BAND)
            ]
    return tuple(made)


def _outline(cube: Cube, place: int) -> str:
    west, north = corner(cube, place)
    box = shapely.box(west, north - SIDE_M, west + SIDE_M, north)
    change = transformer(cube.crs, crs_from_text("EPSG:4326"))
    ring = [change.transform(x, y)[::-1] for x, y in shapely.get_coordinates(box)]
    return shapely.to_wkt(shapely.Polygon(ring), rounding_precision=6)


def scene_time(cycle: int, place: int) -> datetime:
    """Return when a datatake passes: a column a day, every five days."""
    return _START + timedelta(days=5 * cycle + place // ROWS)


def new_slot(cube: Cube, cycle: int, place: int) -> NewSlot:
    """Return a scene, whose slot has the number of its cycle and place."""
    time = scene_time(cycle, place)
    name = f"S2A_MSIL2A_{time:%Y%m%dT%H%M%S}_T{cube.name[-2:]}P{place:02d}_{cube.name[-3]}"
    return NewSlot(
        cube=cube,
        number=cycle * PLACES + place,
        scene=SceneRecord(
            scene_id=name,
            product_id=name,
            reference_time=time,
            first_time=time + timedelta(seconds=10),
            last_time=time + timedelta(seconds=25),
            baseline="05.09",
            generation_time=time + timedelta(hours=6),
            footprint=_outline(cube, place),
            cloud_cover_percent=float(hash((cycle, place)) % 1000) / 10,
            properties='{"platform":"sentinel-2a","sat:orbit_state":"descending"}',
        ),
        windows=_windows(cube, place),
        shards=_shards(cube, place),
    )


def make_overview(folder: Path) -> None:
    """Make the overview of the newest month, as the upkeep of a server does."""
    chore = NewestOverview(open_local(str(folder)), map_days=30)
    while chore.step():
        pass


class _OfColours(OverviewMaking):
    """Makes overviews of the bands of the maps that are asked for."""

    def create(self, collection: str, cube: Cube, zoom: int, bands: Sequence[str]) -> None:
        """Begin with three bands: thirteen take four times as long."""
        super().create(collection, cube, zoom, [band for band in bands if band in COLOURS])


class NewestOverview(OverviewChore):
    """Makes no overviews of months: of those no cells were written."""

    @cached_property
    def _making(self) -> OverviewMaking:
        return _OfColours(self._local.catalog.database, self._local.catalog.load_cube)

    def due(self, candidate: Candidate, view: SqlView) -> list[Due]:
        """Return the newest period alone, where it is due."""
        return [one for one in super().due(candidate, view) if one.span is Span.NEWEST]


def _fill_few(catalog: SqlCatalog) -> None:
    cube = catalog.ensure_cube(_PRODUCT.collection, cube_of("S2_L2A_32633"))
    # All numbers, because the cells lie where the large catalogue has them.
    catalog.claim(cube.name, CYCLES * PLACES)
    for cycle, place in FEW:
        catalog.commit([new_slot(cube, cycle, place)])


def _fill_many(catalog: SqlCatalog) -> None:
    names = zone_names()
    models = [names[32], names[92]]
    for name in [*models, *(name for name in names if name not in models)]:
        catalog.ensure_cube(_PRODUCT.collection, cube_of(name))
    for name in models:
        cube = cube_of(name)
        catalog.claim(name, CYCLES * PLACES)
        for cycle in range(CYCLES):
            for column in range(COLUMNS):
                places = range(column * ROWS, (column + 1) * ROWS)
                catalog.commit([new_slot(cube, cycle, place) for place in places])
    with closing(sqlite3.connect(catalog_path(catalog.database.address))) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for index, model in enumerate(models):
            for name in names[60 * index : 60 * index + 60]:
                if name != model:
                    with connection:
                        _copy_zone(connection, model, name, later=index * CYCLES * COLUMNS)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy_zone(connection: sqlite3.Connection, model: str, name: str, *, later: int) -> None:
    """Copy all rows of a zone; the commits that they stand for follow all others.

    `later` is how many revisions lay before those of the model.
    """
    ids = dict(connection.execute("SELECT name, id FROM cubes"))
    newest = connection.execute("SELECT value FROM meta WHERE name = 'revision'").fetchone()[0]
    shift, commits = newest - later, CYCLES * COLUMNS
    first_slot = connection.execute("SELECT max(id) FROM slots").fetchone()[0]
    base = connection.execute(
        "SELECT min(id) FROM slots WHERE cube_id = ?", (ids[model],)
    ).fetchone()[0]
    for table in (*_COPIED, "descriptions"):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        taken = {column: f'"{column}"' for column in columns}
        taken |= {"cube_id": str(ids[name]), "valid_from": f"valid_from + {shift}"}
        taken["valid_to"] = (
            f"CASE WHEN valid_to < {2**62} THEN valid_to + {shift} ELSE valid_to END"
        )
        if table == "slots":
            taken["id"] = f"id + {first_slot - base + 1}"
            for column in ("scene_id", "product_id"):
                old, new = (f"_T{cube[-2:]}P" for cube in (model, name))
                taken[column] = f"replace({column}, '{old}', '{new}')"
        else:
            del taken["id"]
        targets = ", ".join(f'"{column}"' for column in taken)
        connection.execute(
            f"INSERT INTO {table} ({targets}) SELECT {', '.join(taken.values())} "  # noqa: S608  # our own names
            "FROM " + table + " WHERE cube_id = ? ORDER BY id",
            (ids[model],),
        )
    for place in range(PLACES):
        connection.execute(
            f"UPDATE slots SET footprint = ? WHERE cube_id = ? AND number % {PLACES} = ?",  # noqa: S608  # as above
            (_outline(cube_of(name), place), ids[name], place),
        )
    moved = (ids[name] - ids[model]) * CUBE_SPACING
    connection.execute(
        "INSERT INTO slots_rtree SELECT id + ?, c0 + ?, c1 + ?, x0, x1, y0, y1, t0, t1 "
        "FROM slots_rtree WHERE id BETWEEN ? AND ?",
        (first_slot - base + 1, moved, moved, base, base + commits * ROWS - 1),
    )
    connection.execute("UPDATE cubes SET next_slot = ? WHERE id = ?", (CYCLES * PLACES, ids[name]))
    connection.execute("UPDATE meta SET value = value + ? WHERE name = 'revision'", (commits,))
    connection.execute(
        "INSERT INTO revisions (number, committed_at, record) "
        "SELECT number + ?, committed_at, '' FROM revisions WHERE number BETWEEN ? AND ?",
        (shift, later + 1, later + commits),
    )


# Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A band's level at a place."""

    group: ResolutionGroup
    level: int
    band: str
    window: Window
    values: NDArray[np.generic]


def _cells() -> Path:
    """Return the folder with the cells of one scene a place, to which other slots link."""
    folder = CELLS
    if folder.exists():
        return folder
    draft = folder.with_suffix(".partial")
    shutil.rmtree(draft, ignore_errors=True)
    cube, store = cube_of("S2_L2A_32633"), open_store(str(draft))
    store.prepare(cube)
    newest = (CYCLES - 1) * PLACES
    written: set[tuple[int, str]] = set()
    for place in range(PLACES):
        for part in _parts(cube, place):
            nodata = 0.0 if part.band == VALID_BAND else cube.band(part.band).nodata
            request = BandRead(
                group=part.group,
                level=part.level,
                band=part.band,
                dtype=part.values.dtype.name,
                nodata=nodata,
                window=part.window,
            )
            store.write(cube, newest + place, request, part.values)
            written.add((place, array_key(cube.name, part.group.name, part.level, part.band)))
    for place, key in sorted(written):
        first = 0 if place == CLOSE else CYCLES - MONTH
        for cycle in range(first, CYCLES - 1):
            (draft / key / "c" / str(cycle * PLACES + place)).symlink_to(str(newest + place))
    draft.rename(folder)
    return folder


def _parts(cube: Cube, place: int) -> Iterator[_Part]:
    """Yield what is written of a place: from 40 m up, but all levels of the close one."""
    for covered in _windows(cube, place):
        group = cube.group(covered.group)
        native = 0 if place == CLOSE else {"r10m": 2, "r20m": 1}.get(group.name, 0)
        bands = [b for b in cube.bands if b.name in WRITTEN and b.group == group.name]
        for band in [*bands, None]:
            arrays: Arrays = pyramid(band, covered, native, place)
            for level, values in arrays:
                name = VALID_BAND if band is None else band.name
                window = covered.window.coarser(level)
                yield _Part(group=group, level=level, band=name, window=window, values=values)
