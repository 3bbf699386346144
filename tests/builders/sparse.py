"""Long cubes with little in them: hundreds of dates over a whole tile, some shards written."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.cells import Values
from datacube.cube import SHARD_PX, VALID_BAND, Aggregate, Band, Collection, Cube, ShardNumber
from datacube.grid import Grid, Window
from datacube.lattices import free_group
from datacube.protocols import NewSlot
from datacube.slots import BandShards, SceneRecord, SlotWindow
from datacube.store.layout import array_key, shard_key
from datacube.store.location import Folder
from datacube.store.shards import encode_shard
from tests.builders.made import GROUP, Made

UTM = CRS.from_epsg(32633)
LEFT_M, TOP_M, CELL_M = 399_960, 5_300_040, 10
"""West and north edge of every sparse cube, and the side of its cells."""
NODATA = -32768
FIRST = datetime(2018, 1, 1, 10, 0, 21, tzinfo=UTC)
EVERY = timedelta(days=5)

type Part = tuple[int, int, int, int]
"""First row, last row + 1, first column, last column + 1; counted from the cube's corner."""
type Content = Callable[[int, str, Part], Values]
"""Stored numbers of a variant's band in a part, in the band's type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse:
    """A cube of 10 m in UTM zone 33 with an acquisition every five days."""

    name: str
    dates: int
    side_px: int
    """Cells along each side of its domain, which every scene covers."""
    parts: tuple[Part, ...]
    """What is written of every date; beyond it there is no shard, or nodata within one."""
    bands: tuple[str, ...] = ("B04", "B08")
    """int16, but for SCL (uint8 with 0 for nodata)."""
    after: int = 0
    """Number of the first date, where the cube has others."""
    variants: int = 0
    """Date k has the content of variant k modulo this, in the same files; 0: each its own."""

    @property
    def plane(self) -> Grid:
        """The domain's cells."""
        return Grid(
            crs=UTM,
            x=RegularAxis(name="E", uom="m", start=LEFT_M, step=CELL_M, size=self.side_px),
            y=RegularAxis(name="N", uom="m", start=TOP_M, step=-CELL_M, size=self.side_px),
        )


def add_sparse(made: Made, sparse: Sparse, content: Content) -> None:
    """Write a cube and commit all its scenes at once."""
    catalog, store = made.local.catalog, made.local.store
    group = free_group(sparse.plane, GROUP)
    cube = Cube(
        name=sparse.name,
        collection=sparse.name,
        title=f"Sparse cube {sparse.name}",
        crs=UTM,
        groups=(group,),
        bands=tuple(map(_band, sparse.bands)),
    )
    cube = catalog.ensure_cube(Collection(id=cube.collection, title=cube.title), cube)
    store.prepare(cube)
    numbers = catalog.claim(cube.name, sparse.dates)
    shards = _write(made, cube, sparse, content, numbers)
    side = sparse.side_px
    covered = SlotWindow(group=GROUP, window=Window(((0, side), (0, side))), levels=1)
    committed = catalog.commit(
        [
            NewSlot(
                cube=cube,
                number=number,
                scene=_scene(sparse.name, sparse.after + date),
                windows=(covered,),
                shards=shards,
            )
            for date, number in enumerate(numbers)
        ]
    )
    store.record_commit(committed.revision, committed.record)


def _write(
    made: Made, cube: Cube, sparse: Sparse, content: Content, numbers: tuple[int, ...]
) -> tuple[BandShards, ...]:
    """Write the shards of every slot; return those that each has."""
    location = made.local.store.location
    if not isinstance(location, Folder):
        raise TypeError("sparse cubes are written to folders")
    group = cube.groups[0]
    origin = group.array_origin[0] // SHARD_PX
    across = -(-sparse.side_px // SHARD_PX)
    pieces = dict(_pieces(sparse.parts))
    present = np.zeros((across, across), dtype=np.bool_)
    variants = sparse.variants or sparse.dates
    for name in (*sparse.bands, VALID_BAND):
        key = array_key(cube.name, group.name, 0, name)
        nodata, dtype = (0, "uint8") if name in (VALID_BAND, "SCL") else (NODATA, "int16")
        for (row, col), parts in pieces.items():
            present[row, col] = True
            shard: ShardNumber = (origin + row, origin + col)
            for date, number in enumerate(numbers):
                target = location.path / shard_key(key, number, shard)
                target.parent.mkdir(parents=True, exist_ok=True)
                if date >= variants:
                    os.link(location.path / shard_key(key, numbers[date % variants], shard), target)
                    continue
                top, left = row * SHARD_PX, col * SHARD_PX
                low, high = min(p[0] for p in parts), max(p[1] for p in parts)
                west, east = min(p[2] for p in parts), max(p[3] for p in parts)
                cells = np.full((high - low, east - west), nodata, dtype=dtype)
                for part in parts:
                    a, b, c, d = part
                    cells[a - low : b - low, c - west : d - west] = (
                        1 if name == VALID_BAND else content(date, name, part)
                    )
                at = Window(
                    (
                        (shard[0] * SHARD_PX + low - top, shard[0] * SHARD_PX + high - top),
                        (shard[1] * SHARD_PX + west - left, shard[1] * SHARD_PX + east - left),
                    )
                )
                target.write_bytes(encode_shard(shard, at, cells, nodata))
    bits = np.packbits(present, axis=None).tobytes()
    return tuple(
        BandShards(group=GROUP, level=0, band=name, bits=bits)
        for name in (*sparse.bands, VALID_BAND)
    )


def _pieces(parts: tuple[Part, ...]) -> Iterator[tuple[tuple[int, int], list[Part]]]:
    """Cut parts along shards; yield each shard with what lies in it."""
    found: dict[tuple[int, int], list[Part]] = {}
    for top, bottom, left, right in parts:
        for row in range(top // SHARD_PX, -(-bottom // SHARD_PX)):
            for col in range(left // SHARD_PX, -(-right // SHARD_PX)):
                found.setdefault((row, col), []).append(
                    (
                        max(top, row * SHARD_PX),
                        min(bottom, (row + 1) * SHARD_PX),
                        max(left, col * SHARD_PX),
                        min(right, (col + 1) * SHARD_PX),
                    )
                )
    yield from found.items()


def _band(name: str) -> Band:
    if name == "SCL":
        return Band(
            name=name, title=name, dtype="uint8", nodata=0, group=GROUP, aggregate=Aggregate.MODE
        )
    return Band(name=name, title=name, dtype="int16", nodata=NODATA, group=GROUP, scale=1e-4)


def _scene(cube: str, date: int) -> SceneRecord:
    when = FIRST + date * EVERY
    name = f"{cube}_{when:%Y%m%dT%H%M%S}"
    return SceneRecord(
        scene_id=name,
        product_id=name,
        reference_time=when,
        first_time=when,
        last_time=when + timedelta(seconds=25),
        baseline="05.09",
        generation_time=when,
        footprint="",
    )
