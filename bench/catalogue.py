"""The catalogue with 10 and with 20,000 made-up scenes: what a request asks takes as long."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench import data
from bench.measure import Row, race
from datacube.catalog import SqlCatalog, open_catalog
from datacube.cube import VALID_BAND, Band, Collection, Cube
from datacube.grid import Window, crs_from_text
from datacube.lattices import utm_group
from datacube.protocols import NewSlot
from datacube.slots import BandShards, SceneRecord, SlotWindow

FEW, MANY = 10, 20_000
ROUNDS = 200
_COLLECTION = Collection(id="MADE_UP", title="Made-up scenes", style_family="sentinel-2")
_PLACES = 100
_SIDE = 10_980
_BATCH = 1000
_START = datetime(2017, 1, 1, 10, tzinfo=UTC)


def rows() -> Iterator[Row]:
    """Yield one row: what stands for the peer is the catalogue of few scenes."""
    few, many = (open_catalog(str(_store(count)), read_only=True) for count in (FEW, MANY))
    took = race(
        {"many": lambda _: _ask(many), "few": lambda _: _ask(few)},
        rounds=ROUNDS,
    )
    yield Row(
        what=f"view and slots of a tile and month, {MANY:,} scenes; the peer has {FEW}",
        ours_s=took["many"],
        peer_s=took["few"],
    )


def _ask(catalog: SqlCatalog) -> None:
    """Ask what a map asks: the newest revision, then the slots of an area and a time."""
    west, north = 300_000.0, 9_000_000.0
    found = catalog.view().slots(
        "MADE_UP_32633",
        bbox=(west, north - 10_000, west + 10_000, north),
        first=_START,
        last=_START + timedelta(days=30),
    )
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} slots were found; made was 1 there")


def _store(count: int) -> Path:
    """Make a store without cells unless it is there; the same slots meet `_ask` in all."""
    folder = data.CACHE / f"catalogue-{count}"
    if not folder.exists():
        draft = folder.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _fill(open_catalog(str(draft)), count)
        draft.rename(folder)
    return folder


def _fill(catalog: SqlCatalog, count: int) -> None:
    crs = crs_from_text("EPSG:32633")
    cube = catalog.ensure_cube(
        _COLLECTION,
        Cube(
            name="MADE_UP_32633",
            collection=_COLLECTION.id,
            title="Made-up scenes",
            crs=crs,
            groups=(utm_group(32633, crs, 10.0),),
            bands=(Band(name="B04", title="Red", dtype="int16", nodata=-32768, group="r10m"),),
        ),
    )
    numbers = range(count)
    for start in range(0, count, _BATCH):
        some = numbers[start : start + _BATCH]
        claimed = catalog.claim(cube.name, len(some))
        catalog.commit([made_up_slot(cube, slot, n) for slot, n in zip(claimed, some, strict=True)])


def made_up_slot(cube: Cube, number: int, scene: int) -> NewSlot:
    """Return a scene: at each of the places in turn, the days of a place apart."""
    group = cube.groups[0]
    place, day = scene % _PLACES, 5 * (scene // _PLACES)
    x = 300_000 + (place % 10) * _SIDE * 10
    y = 9_000_000 - (place // 10) * _SIDE * 10
    row, col = round(group.grid.y.position(y)), round(group.grid.x.position(x))
    window = Window(((row, row + _SIDE), (col, col + _SIDE)))
    # Beyond the month that is asked for, but for the first scene at each place.
    time = _START + timedelta(days=day + 31 * (day > 0))
    shards = group.shard_window(window, 0).size
    bits = np.packbits(np.ones(shards, bool)).tobytes()
    name = f"MADE_UP_{scene:06d}"
    return NewSlot(
        cube=cube,
        number=number,
        scene=SceneRecord(
            scene_id=name,
            product_id=name,
            reference_time=time,
            first_time=time,
            last_time=time + timedelta(seconds=15),
            baseline="05.09",
            generation_time=time,
            footprint="POLYGON ((15 47, 16 47, 16 48, 15 48, 15 47))",
            cloud_cover_percent=10.0,
            properties="{}",
        ),
        windows=(SlotWindow(group=group.name, window=window, levels=1),),
        shards=tuple(
            BandShards(group=group.name, level=0, band=band, bits=bits)
            for band in ("B04", VALID_BAND)
        ),
    )
