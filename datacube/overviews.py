"""Overviews: coarse mosaics of a collection over a period, on one grid, cut into parts.

The grid is web Mercator's (EPSG:3857), the world in 256 x 256 cells at zoom 0 and twice as many
along each side at each further zoom, as tiles of WebMercatorQuad are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from math import floor, isfinite, pi

import numpy as np
from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.cube import INNER_CHUNK_PX, SLOT_AXIS_SIZE, Band, Cube, ResolutionGroup
from datacube.grid import Grid, Window, crs_from_text, transformer
from datacube.slots import BandShards, SceneRecord, Slot, SlotWindow

MERCATOR = CRS.from_epsg(3857)
HALF_WORLD_M = pi * 6_378_137.0
"""The world reaches from minus this to this on both axes: to 85.05 degrees north and south."""
PART_PX = 512
"""Cells along a side of a part: what is made and replaced as one."""
FOLDER = "_overviews"
"""Where the cells lie in a store; no cube's name begins so."""
FEW_SCENES = 4
"""So few are read themselves: small as they are, one chunk holds the corner of four at most."""
LAST_ZOOM = 15
_EDGE_POINTS = 9
_MARGIN_CELLS = 4
"""Around the box of a scene, for the curvature that points on its edges do not tell."""
_TILE_PX = 256
type Box = tuple[float, float, float, float]
"""`(min x, min y, max x, max y)`."""
type Place = tuple[int, int, int]
"""Zoom, row and column of a part; row 0 is in the north."""


class Span(StrEnum):
    """What an overview's mosaic is made of; the newest valid cell goes first in each."""

    NEWEST = "newest"
    """The days before the newest acquisition that a map without a time shows."""
    MONTH = "month"
    """A month of UTC."""
    DAY = "day"
    """A day of UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """The one stretch of time that a map shows, newest first."""

    first: datetime
    """Inclusive."""
    last: datetime
    """Inclusive."""
    by_reference: bool
    """Whether the bounds count for reference times only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosaics:
    """All overviews of one collection: one grid and one set of bands."""

    id: int
    collection: str
    folder: str
    """Below `FOLDER`, the collection's first: never used again, so what was kept stays true."""
    zoom: int
    """The finest: at it a scene is smaller than a tile."""
    bands: tuple[Band, ...]

    def array(self, volume: int) -> str:
        """Return the name below which the arrays of a volume lie: as many parts as have slots."""
        return f"{FOLDER}/{self.folder}/{volume}"

    def cube(self, volume: int) -> Cube:
        """Return the arrays of a volume."""
        return Cube(
            name=self.array(volume),
            collection=self.collection,
            title=f"Overviews of {self.collection}",
            crs=MERCATOR,
            groups=tuple(zoom_group(zoom) for zoom in range(self.zoom, -1, -1)),
            bands=self.bands,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The mosaic of one period, as it stands at one revision."""

    mosaics: Mosaics
    id: int
    span: Span
    since: int | None = None
    """Where the window slides: the start that is asked for, in microseconds since 1970."""
    title: str
    """`newest`, `2021-05`, `2021-05-03`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A square of an overview."""

    zoom: int
    row: int
    col: int
    slot: Slot | None
    """Where its cells lie; None where they have to be made."""

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.zoom, self.row, self.col

    @property
    def bbox(self) -> Box:
        """Its edges in EPSG:3857."""
        return lattice(self.zoom).at(part_window(self.place)).bbox


def cell_size_m(zoom: int) -> float:
    """Return the side of a cell, in metres at the equator."""
    return 2 * HALF_WORLD_M / (_TILE_PX << zoom)


@lru_cache(maxsize=64)
def lattice(zoom: int) -> Grid:
    """Return the whole world's cells at a zoom."""
    step, size = cell_size_m(zoom), _TILE_PX << zoom
    return Grid(
        crs=MERCATOR,
        x=RegularAxis(name="E", uom="m", start=-HALF_WORLD_M, step=step, size=size),
        y=RegularAxis(name="N", uom="m", start=HALF_WORLD_M, step=-step, size=size),
    )


@lru_cache(maxsize=64)
def zoom_group(zoom: int) -> ResolutionGroup:
    """Return the lattice of a zoom as stored arrays have it."""
    return ResolutionGroup(name=f"z{zoom}", grid=lattice(zoom))


def part_window(place: Place) -> Window:
    """Return the cells of a part; those of zoom 0 are the whole world's 256 x 256."""
    zoom, row, col = place
    size = _TILE_PX << zoom
    return Window(
        tuple((at * PART_PX, min((at + 1) * PART_PX, size)) for at in (row, col)),
    )


def parts_touched(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows and the columns, half-open, of the parts that cells touch."""
    (y0, y1), (x0, x1) = window.plane.ranges
    return (y0 // PART_PX, (y1 - 1) // PART_PX + 1), (x0 // PART_PX, (x1 - 1) // PART_PX + 1)


def parent(place: Place) -> Place:
    """Return the part of the zoom before that covers a part."""
    zoom, row, col = place
    return zoom - 1, row // 2, col // 2


def children(place: Place) -> Iterator[Place]:
    """Yield the parts of the next zoom within a part: four, or the one of zoom 1."""
    zoom, row, col = place
    side = 1 if zoom == 0 else 2
    for down in range(side):
        for right in range(side):
            yield zoom + 1, row * side + down, col * side + right


def with_ancestors(places: Iterable[Place]) -> set[Place]:
    """Return parts and all that cover them."""
    found = set(places)
    level = found
    while any(zoom for zoom, _, _ in level):
        level = {parent(place) for place in level if place[0]} - found
        found |= level
    return found


@lru_cache(maxsize=65_536)
def _touched(box: Box, crs: str, zoom: int) -> tuple[Place, ...]:
    source = crs_from_text(crs)
    x, y = np.meshgrid(
        np.linspace(box[0], box[2], _EDGE_POINTS), np.linspace(box[1], box[3], _EDGE_POINTS)
    )
    tx, ty = (np.asarray(v) for v in transformer(source, MERCATOR).transform(x, y))
    known = np.isfinite(tx) & np.isfinite(ty)
    if not known.any():
        return ()
    step, size = cell_size_m(zoom), _TILE_PX << zoom
    world = (0, size)
    # Points beside each other that are half a world apart lie on both sides of 180 degrees.
    pairs = known[:, 1:] & known[:, :-1]
    steps = tx[:, 1:][pairs] - tx[:, :-1][pairs]
    jumps = bool((np.abs(steps) > HALF_WORLD_M).any())
    rows = _cells(HALF_WORLD_M - ty[known], step, world)
    sides = (known & (tx < 0), known & (tx >= 0)) if jumps else (known,)
    found = {
        (zoom, row, col)
        for side in sides
        if rows is not None and (cols := _cells(tx[side] + HALF_WORLD_M, step, world)) is not None
        for row in range(rows[0] // PART_PX, (rows[1] - 1) // PART_PX + 1)
        for col in range(cols[0] // PART_PX, (cols[1] - 1) // PART_PX + 1)
    }
    return tuple(sorted(found))


def _cells(
    at: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", step: float, world: tuple[int, int]
) -> tuple[int, int] | None:
    low, high = float(at.min()) / step, float(at.max()) / step
    first = max(floor(low) - _MARGIN_CELLS, world[0])
    stop = min(floor(high) + 1 + _MARGIN_CELLS, world[1])
    return (first, stop) if first < stop else None


def touched(box: Box, crs: CRS, zoom: int) -> tuple[Place, ...]:
    """Return the parts of a zoom that a box in a CRS may touch, also across 180 degrees."""
    return _touched(box, crs.srs, zoom)


def beyond(box: Box, crs: CRS) -> bool:
    """Tell whether a box in a CRS may reach beyond the grid, towards a pole."""
    x, y = np.meshgrid(
        np.linspace(box[0], box[2], _EDGE_POINTS), np.linspace(box[1], box[3], _EDGE_POINTS)
    )
    _, ty = transformer(crs, MERCATOR).transform(x, y)
    north = np.asarray(ty)
    known = north[np.isfinite(north)]
    return known.size < north.size or bool((np.abs(known) > HALF_WORLD_M).any())


def finest_zoom(side_m: float) -> int:
    """Return the first zoom, from the finest on, at which a scene is smaller than a tile.

    >>> finest_zoom(109_800), finest_zoom(250_000)
    (8, 7)
    """
    zoom = LAST_ZOOM
    while zoom > 0 and side_m / cell_size_m(zoom) >= _TILE_PX:
        zoom -= 1
    return zoom


def part_slot(
    mosaics: Mosaics, place: Place, number: int, bands: Iterable[str], scene: SceneRecord
) -> Slot:
    """Return where the cells of a part lie, of which `bands` have data somewhere."""
    group, window = zoom_group(place[0]), part_window(place)
    volume, slot = divmod(number, SLOT_AXIS_SIZE)
    return Slot(
        cube=mosaics.array(volume),
        number=slot,
        scene=scene,
        windows=(SlotWindow(group=group.name, window=window, levels=1),),
        # A part lies within one shard.
        shards=tuple(
            BandShards(group=group.name, level=0, band=band, bits=b"\x80") for band in bands
        ),
    )


def stored_band(band: Band, zoom: int) -> Band:
    """Return a band as the arrays of a zoom hold it."""
    return replace(band, group=zoom_group(zoom).name)


def collection_of(cube: str) -> str | None:
    """Return whose overviews lie in arrays of that name; None for those of scenes."""
    parts = cube.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == FOLDER else None


def chunks_in(window: Window) -> int:
    """Count the stored chunks that cells touch."""
    rows, cols = (
        (stop - 1) // INNER_CHUNK_PX - start // INNER_CHUNK_PX + 1
        for start, stop in window.plane.ranges
    )
    return rows * cols


def clipped(box: Box) -> Box | None:
    """Return the part of a box in EPSG:3857 that the grid covers; None where there is none."""
    west, south, east, north = (
        v if isfinite(v) else (HALF_WORLD_M if v > 0 else -HALF_WORLD_M) for v in box
    )
    made = (
        max(west, -HALF_WORLD_M),
        max(south, -HALF_WORLD_M),
        min(east, HALF_WORLD_M),
        min(north, HALF_WORLD_M),
    )
    return made if made[0] < made[2] and made[1] < made[3] else None
