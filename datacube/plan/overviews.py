"""Maps from overviews: which parts are read, and what of the map is left to scenes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from pyproj import CRS

from datacube.axes import SNAP_DECIMALS
from datacube.cube import INNER_CHUNK_PX, Coverage, find_band
from datacube.errors import UnknownNameError
from datacube.grid import Grid, KnownCrs, Window, known_crs, same_crs
from datacube.overviews import (
    MERCATOR,
    Mosaics,
    Overview,
    Part,
    beyond,
    cell_size_m,
    children,
    chunks_in,
    clipped,
    lattice,
    part_window,
    stored_band,
    zoom_group,
)
from datacube.plan import nodes
from datacube.plan.bind_map_time import MapSlots
from datacube.plan.boxes import reproject_box
from datacube.plan.map_layers import LayerCubes
from datacube.plan.style import Style
from datacube.plan.warping import shown
from datacube.protocols import Bbox, CatalogView

MOST_CHUNKS = 16
"""Chunks a band that a map reads for each 256 x 256 pixels of it."""
MOST_GAPS = 64
"""Parts to be made, of one zoom, in whose place finer ones or scenes are read."""
_MARGIN_CELLS = 2
_WHOLE_CELL = 1 + 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a map shows of an overview."""

    members: tuple[nodes.Member, ...]
    gaps: tuple[Bbox, ...]
    """Boxes in EPSG:3857 where scenes have to be read: no part of them was made yet."""
    note: str


def from_overview(
    layer: LayerCubes, style: Style, grid: Grid, times: MapSlots, view: CatalogView
) -> Seen | None:
    """Return what the overviews of a layer give to a map; None where they cannot answer it.

    They answer maps of a whole collection with pixels no smaller than the finest overview's
    cells, for exactly the times of one overview, in the styles of stored bands. Where a part
    was not made yet, or is being made again, finer parts are read in its place.
    """
    mosaics = view.mosaics(layer.collection.id)
    pixel = None if mosaics is None else _pixel_m(grid)
    if mosaics is None or pixel is None or pixel * _WHOLE_CELL < cell_size_m(mosaics.zoom):
        return None
    if not _answered(mosaics, layer, style, view):
        return None
    area = clipped(reproject_box(grid.bbox, grid.crs, MERCATOR, widen=0.0) or _NOWHERE)
    if area is None or _sees_beyond(layer.coverages, grid):
        return None
    timed = any(coverage.time is not None for coverage in layer.coverages)
    overview = view.overview(mosaics, times.range) if not timed or times.range else None
    if overview is None:
        return None
    zoom = _zoom(mosaics, area, pixel, grid)
    found = _collected(overview, zoom, area, grid, view)
    if found is None:
        return None
    parts, gaps = found
    members = tuple(
        nodes.Member(source=_scan(overview, at, area, some, style, grid), home=None)
        for at, some in _by_zoom(parts)
    )
    lacking = f"; {len(gaps)} parts not made yet are read from scenes" if gaps else ""
    note = f"Overview shown: {mosaics.collection} {overview.title}, zoom {zoom}{lacking}"
    return Seen(members=members, gaps=tuple(part.bbox for part in gaps), note=note)


def _answered(mosaics: Mosaics, layer: LayerCubes, style: Style, view: CatalogView) -> bool:
    """Tell whether the overviews are those of the layer, and hold all that a style reads."""
    whole = all(coverage.id == coverage.cube.name for coverage in layer.coverages)
    if not whole or len(layer.coverages) != len(view.cubes(mosaics.collection)):
        return False
    held = {band.name for band in mosaics.bands}
    try:
        read = {find_band(layer.bands, band).name for band in style.bands}
    except UnknownNameError:
        return False
    return style.temporal is None and bool(read) and read <= held


def _pixel_m(grid: Grid) -> float | None:
    """Return the shorter side of a pixel in EPSG:3857, in the middle of the map."""
    if same_crs(grid.crs, MERCATOR):
        return min(abs(grid.x.step), abs(grid.y.step))
    (x0, x1), (y0, y1) = grid.x.bounds, grid.y.bounds
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    dx, dy = abs(grid.x.step) / 2, abs(grid.y.step) / 2
    box = reproject_box((x - dx, y - dy, x + dx, y + dy), grid.crs, MERCATOR, widen=0.0)
    if box is None:
        return None
    return min(box[2] - box[0], box[3] - box[1])


def _sees_beyond(coverages: Sequence[Coverage], grid: Grid) -> bool:
    """Tell whether a map shows places beyond the overviews' grid where there may be data."""
    if not beyond(grid.bbox, grid.crs):
        return False
    hulls = (coverage.grid for coverage in coverages)
    return any(_hull_beyond(hull.bbox, known_crs(hull.crs)) for hull in hulls)


@lru_cache(maxsize=4096)
def _hull_beyond(bbox: Bbox, crs: KnownCrs) -> bool:
    # By the known CRS: to hash any other takes 0.07 ms, and a layer has a hundred hulls.
    return beyond(bbox, crs.crs)


def _zoom(mosaics: Mosaics, area: Bbox, pixel: float, grid: Grid) -> int:
    """Return the first zoom whose cells are no larger than a pixel.

    Where the map is so much distorted that it would read too many chunks, a coarser one.
    """
    zoom = 0
    while zoom < mosaics.zoom and cell_size_m(zoom) > pixel * _WHOLE_CELL:
        zoom += 1
    height, width = (ceil(side / INNER_CHUNK_PX) for side in grid.shape)
    most = MOST_CHUNKS * height * width
    while zoom > 0 and chunks_in(_cells(zoom, area, _margin(zoom, grid))) > most:
        zoom -= 1
    return zoom


def _margin(zoom: int, grid: Grid) -> int:
    """Return how many cells around a map interpolation needs: none where pixels are cells."""
    world = lattice(zoom)
    if not same_crs(grid.crs, MERCATOR):
        return _MARGIN_CELLS
    for axis, other in ((grid.x, world.x), (grid.y, world.y)):
        offset = round((axis.start - other.start) / other.step, SNAP_DECIMALS)
        if round(axis.step / other.step, 9) != 1 or offset % 1:
            return _MARGIN_CELLS
    return 0


def _cells(zoom: int, area: Bbox, margin: int) -> Window:
    """Return the cells of a zoom in a box, and some around it."""
    world, step = lattice(zoom), cell_size_m(zoom)
    x0, y0, x1, y1 = area
    down = (world.y.start - y1) / step, (world.y.start - y0) / step
    along = (x0 - world.x.start) / step, (x1 - world.x.start) / step
    size = world.x.size
    ranges = []
    for low, high in (down, along):
        first = int(round(low, SNAP_DECIMALS) // 1) - margin
        stop = ceil(round(high, SNAP_DECIMALS)) + margin
        first = min(max(first, 0), size - 1)
        ranges.append((first, max(min(stop, size), first + 1)))
    return Window(tuple(ranges))


def _collected(
    overview: Overview, zoom: int, area: Bbox, grid: Grid, view: CatalogView
) -> tuple[list[Part], list[Part]] | None:
    """Return the parts to read, coarse ones first, and those that have to be made.

    None where too many have to be made.
    """
    found: list[Part] = []
    wanted = None
    while True:
        cells = _cells(zoom, area, _margin(zoom, grid))
        parts = view.overview_parts(overview, zoom, cells)
        if wanted is not None:
            parts = [part for part in parts if part.place in wanted]
        found += [part for part in parts if part.slot is not None]
        gaps = [part for part in parts if part.slot is None]
        if len(gaps) > MOST_GAPS:
            return None
        if not gaps or zoom == overview.mosaics.zoom:
            return found, gaps
        wanted = {place for part in gaps for place in children(part.place)}
        zoom += 1


def _by_zoom(parts: Iterable[Part]) -> list[tuple[int, list[Part]]]:
    found: dict[int, list[Part]] = {}
    for part in parts:
        found.setdefault(part.zoom, []).append(part)
    return list(found.items())


def _scan(
    overview: Overview,
    zoom: int,
    area: Bbox,
    parts: Sequence[Part],
    style: Style,
    grid: Grid,
) -> nodes.Plan:
    """Scan parts of one zoom and bring them to the map's grid."""
    mosaics = overview.mosaics
    cells = _cells(zoom, area, _margin(zoom, grid))
    hull = None
    for part in parts:
        inside = part_window(part.place).intersect(cells)
        if inside is not None:
            hull = inside if hull is None else hull.hull(inside)
    read = tuple(stored_band(find_band(mosaics.bands, name), zoom) for name in style.bands)
    scan = nodes.Scan(
        # A slot names its own volume.
        cube=mosaics.array(0),
        group=zoom_group(zoom),
        level=0,
        bands=read,
        stacks=(nodes.Stack(time=None, slots=tuple(part.slot for part in parts if part.slot)),),
        domain=nodes.Domain(grid=lattice(zoom).at(hull or cells)),
    )
    return shown(scan, grid, style.method)


def gap_area(gaps: Sequence[Bbox], area: Bbox, crs: CRS) -> Bbox | None:
    """Return the hull of the parts of `area`, a box in a CRS, that lie in gaps, or None."""
    hull: Bbox | None = None
    for gap in gaps:
        box = reproject_box(gap, MERCATOR, crs)
        if box is None:
            continue
        x0, y0, x1, y1 = (
            max(box[0], area[0]),
            max(box[1], area[1]),
            min(box[2], area[2]),
            min(box[3], area[3]),
        )
        if x0 < x1 and y0 < y1:
            part = (x0, y0, x1, y1)
            hull = part if hull is None else _around(hull, part)
    return hull


def _around(one: Bbox, other: Bbox) -> Bbox:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


_NOWHERE: Bbox = (0.0, 0.0, 0.0, 0.0)
