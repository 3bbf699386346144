"""Where the cells of one lattice lie on another: exact within a CRS, a coarse grid between two."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, inf

import numpy as np
from numpy.typing import NDArray

from datacube.axes import SNAP_DECIMALS, RegularAxis
from datacube.grid import Grid, KnownCrs, Window, known_crs, transformer
from datacube.plan.boxes import CRS84, reproject_box
from datacube.plan.nodes import Resample

type Positions = NDArray[np.float64]
"""Index positions on an axis: k is the leading edge of cell k, k + 0.5 its centre."""
type SinglePositions = NDArray[np.float32]

TOLERANCE_CELLS = 0.125
"""Greatest error of an interpolated position, in source cells (MapServer's and GDAL's default)."""
_LARGEST_STEP_PX = 64
_DENSE_NODES = 24
"""Nodes along a side up to which a product of matrices takes least time: those of a tile."""
_DENSE_CELLS = 262_144
"""And cells; a block of 1024 x 1024 takes it five times as long as row after row of nodes."""
_TILE_PX = 512
"""Side of targets that are looked at whole first."""


def axis_positions(source: RegularAxis, target: RegularAxis, start: int, stop: int) -> Positions:
    """Positions on `source` of the centres of the cells `start` to `stop` of `target`.

    Snapped at 1e-5 of a cell, as bounds are.
    """
    centres = target.start + (np.arange(start, stop) + 0.5) * target.step
    return np.round((centres - source.start) / source.step, SNAP_DECIMALS)


def edge_indices(
    source: RegularAxis, target: RegularAxis, start: int, stop: int
) -> NDArray[np.int64]:
    """Cells of `source` at the leading edges of cells of `target`, both of one extent.

    `floor(k * N_source / N_target)` in exact integers: the `scale` of WCPS.
    """
    k = np.arange(start, stop, dtype=np.int64) - target.first
    return source.first + (k * source.size) // target.size


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """Places on the source of the nodes of a coarse grid."""

    first: tuple[int, int]
    """Row and column of the first node, in steps from the target's origin."""
    rows: Positions
    cols: Positions

    def part(self, first: tuple[int, int], shape: tuple[int, int]) -> "_Nodes | None":
        """Return a block of them; None where some are not known."""
        top, left = first[0] - self.first[0], first[1] - self.first[1]
        bottom, right = top + shape[0], left + shape[1]
        if min(top, left) < 0 or bottom > self.rows.shape[0] or right > self.rows.shape[1]:
            return None
        at = slice(top, bottom), slice(left, right)
        return _Nodes(first, self.rows[at], self.cols[at])


@dataclass(frozen=True, slots=True, eq=False)
class CoarseMap:
    """Positions on a source lattice for the cells of a target grid in another CRS.

    Exact at the nodes of a coarse grid, bilinear between them; the nodes lie at
    multiples of the step from the target's origin, so that a position does not
    depend on the block in which it is asked.
    """

    source: Grid
    target: Grid
    step_px: int
    """Target cells between two nodes; 1 where every position is exact."""
    reach: Window | None
    """The target cells that may see the source; None where none does."""
    known: _Nodes | None = None
    """Nodes that were transformed before."""

    def positions(self, window: Window) -> tuple[Positions, Positions]:
        """Return row and column positions, each of the window's shape; NaN where there is none.

        They may be held, and are not to be written. The planes of a mosaic over a further axis,
        of which there may be hundreds, ask one after the other for the same.
        """
        plane = window.plane
        if plane.size > _HELD_CELLS:
            return self._positions(plane)
        held = _HELD.get("last")
        if held is None or held[0] is not self or held[1] != plane:
            rows, cols = self._positions(plane)
            rows.flags.writeable = cols.flags.writeable = False
            held = _HELD["last"] = self, plane, (rows, cols)
        return held[2]

    def _positions(self, plane: Window) -> tuple[Positions, Positions]:
        (r0, r1), (c0, c1) = plane.ranges
        step = self.step_px
        if step == 1:
            return self.exact(np.arange(r0, r1) + 0.5, np.arange(c0, c1) + 0.5)
        nodes = self.nodes(plane)
        at_row, at_col = np.arange(r0, r1), np.arange(c0, c1)
        return (
            _bilinear(nodes.rows, at_row, at_col, step),
            _bilinear(nodes.cols, at_row, at_col, step),
        )

    def near(self, window: Window) -> tuple[SinglePositions, SinglePositions] | None:
        """Return row and column positions from the centre of the source's first cell, or None.

        In single precision, which is true to about a ten-thousandth of a cell over the few
        hundred cells that a tile sees; None for targets that are larger or have places that
        are nowhere.
        """
        plane = window.plane
        if self.step_px == 1 or max(plane.shape) > _TILE_PX:
            return None
        nodes = self.nodes(plane)
        (r0, r1), (c0, c1) = plane.ranges
        down = _single_weights(r0 % self.step_px, r1 - r0, self.step_px)
        along = _single_weights(c0 % self.step_px, c1 - c0, self.step_px)
        made = []
        for places, axis in ((nodes.rows, self.source.y), (nodes.cols, self.source.x)):
            some = places[: down.shape[1], : along.shape[1]] - (axis.first + 0.5)
            if not np.isfinite(some).all():
                return None
            made.append(down @ (some.astype(np.float32) @ along.T))
        return made[0], made[1]

    def nodes(self, window: Window) -> _Nodes:
        """Return the nodes around the cells of a window."""
        step = self.step_px
        spans = tuple((a // step, (b - 1) // step + 2) for a, b in window.plane.ranges)
        (top, bottom), (left, right) = spans
        first, shape = (top, left), (bottom - top, right - left)
        held = None if self.known is None else self.known.part(first, shape)
        if held is not None:
            return held
        at = (np.arange(start, stop) * step + 0.5 for start, stop in spans)
        return _Nodes(first, *self.exact(*at))

    def exact(
        self, rows: NDArray[np.floating], cols: NDArray[np.floating]
    ) -> tuple[Positions, Positions]:
        """Transform every point of a mesh of target positions."""
        target, source = self.target, self.source
        x, y = np.meshgrid(
            target.x.start + cols * target.x.step, target.y.start + rows * target.y.step
        )
        sx, sy = transformer(target.crs, source.crs).transform(x, y)
        at_col = (np.asarray(sx) - source.x.start) / source.x.step
        at_row = (np.asarray(sy) - source.y.start) / source.y.step
        lost = ~(np.isfinite(at_row) & np.isfinite(at_col))
        if lost.any():
            at_row[lost] = np.nan
            at_col[lost] = np.nan
        return at_row, at_col


_HELD_CELLS = 262_144
"""Cells of which positions are held: 4 MB of them."""
_HELD: dict[str, tuple[CoarseMap, Window, tuple[Positions, Positions]]] = {}
"""What was asked last."""


def _bilinear(
    nodes: Positions, rows: NDArray[np.int64], cols: NDArray[np.int64], step: int
) -> Positions:
    """Interpolate between nodes in cells that follow each other; the first node is theirs."""
    # Zero times a node that is nowhere would be nowhere too.
    few = max(nodes.shape) <= _DENSE_NODES and rows.size * cols.size <= _DENSE_CELLS
    if few and np.isfinite(nodes).all():
        down, along = _weights(rows, step), _weights(cols, step)
        return down @ (nodes[: down.shape[1], : along.shape[1]] @ along.T)
    j, fj = cols // step - cols[0] // step, cols % step / step
    beside = nodes[:, j] + (nodes[:, j + 1] - nodes[:, j]) * fj
    below, fi = np.diff(beside, axis=0), (rows % step / step)[:, None]
    made = np.empty((rows.size, cols.size))
    # Row of nodes after row of nodes, each of which the processor's cache holds.
    ends = np.flatnonzero(rows % step == 0)
    ends = ends[ends > 0]
    for node, (start, stop) in enumerate(zip([0, *ends], [*ends, rows.size], strict=True)):
        np.multiply(fi[start:stop], below[node], out=made[start:stop])
        made[start:stop] += beside[node]
    return made


@lru_cache(maxsize=64)
def _node_weights(first: int, count: int, step: int) -> Positions:
    at = np.arange(first, first + count)
    made = np.zeros((count, (first + count - 1) // step - first // step + 2))
    place = at // step - first // step
    made[np.arange(count), place] = 1 - at % step / step
    made[np.arange(count), place + 1] = at % step / step
    made.flags.writeable = False
    return made


@lru_cache(maxsize=64)
def _single_weights(first: int, count: int, step: int) -> SinglePositions:
    made = _node_weights(first, count, step).astype(np.float32)
    made.flags.writeable = False
    return made


def _weights(at: NDArray[np.int64], step: int) -> Positions:
    """Return the share of each node in each of the cells `at`, which follow each other."""
    first = int(at[0])
    return _node_weights(first % step, at.size, step)


@lru_cache(maxsize=512)
def coarse_map(node: Resample) -> CoarseMap:
    """Return the map of a resampling between two CRSs, made once a node."""
    source, target = node.source.domain.plane, node.grid
    if node.step_px is None:
        crss = known_crs(source.crs), known_crs(target.crs)
        return _shared_map(crss, (source.x, source.y), (target.x, target.y))
    return CoarseMap(source, target, node.step_px, reach_window(source, target))


@lru_cache(maxsize=256)
def _shared_map(
    crss: tuple[KnownCrs, KnownCrs],
    source: tuple[RegularAxis, RegularAxis],
    target: tuple[RegularAxis, RegularAxis],
) -> CoarseMap:
    """Return the map between two lattices, which all planes of a mosaic share."""
    (x, y), (to_x, to_y) = source, target
    return make_coarse_map(Grid(crs=crss[0].crs, x=x, y=y), Grid(crs=crss[1].crs, x=to_x, y=to_y))


def make_coarse_map(source: Grid, target: Grid, tolerance: float = TOLERANCE_CELLS) -> CoarseMap:
    """Choose the widest node step whose error at cell midpoints is below `tolerance`.

    Only the target cells that can see the source are looked at.
    """
    tile = _tile_map(source, target, tolerance)
    if tile is not None:
        return tile
    reach = reach_window(source, target)
    if reach is None:
        return CoarseMap(source, target, 1, None)
    longest = max(reach.shape)
    step = _LARGEST_STEP_PX
    while step > 1 and step > 2 * longest:
        step //= 2
    return _widest(source, target, step, reach, tolerance)


def _tile_map(source: Grid, target: Grid, tolerance: float) -> CoarseMap | None:
    """Return the map of a tile that lies within the source, as its nodes tell; None of others."""
    gentle = known_crs(source.crs).gentle and known_crs(target.crs).gentle
    if max(target.shape) > _TILE_PX or not gentle:
        return None
    coarse = CoarseMap(source, target, _LARGEST_STEP_PX, target.window)
    made = _close(coarse, target.window, tolerance)
    if made is None or made.known is None:
        return None
    for axis, at in ((source.y, made.known.rows), (source.x, made.known.cols)):
        if not (axis.first <= at.min() and at.max() <= axis.stop):
            return None
    return made


def _widest(source: Grid, target: Grid, step_px: int, reach: Window, tolerance: float) -> CoarseMap:
    """Halve a step until the error within `reach` is below `tolerance`, or all is exact."""
    while step_px > 2:
        made = _close(CoarseMap(source, target, step_px, reach), reach, tolerance)
        if made is not None:
            return made
        step_px //= 2
    return CoarseMap(source, target, 1, reach)


def _close(coarse: CoarseMap, reach: Window, tolerance: float) -> CoarseMap | None:
    """Return the map with its nodes if, midway between them, it is close enough."""
    step, half = coarse.step_px, coarse.step_px // 2
    (r0, r1), (c0, c1) = reach.plane.ranges
    top, left = r0 // step, c0 // step
    mesh = coarse.exact(
        np.arange(2 * top, 2 * ((r1 - 1) // step) + 3) * half + 0.5,
        np.arange(2 * left, 2 * ((c1 - 1) // step) + 3) * half + 0.5,
    )
    truth = np.stack(mesh)
    nodes = truth[:, ::2, ::2]
    beside = (nodes[:, :, :-1] + nodes[:, :, 1:]) / 2
    across = (nodes[:, :-1] + nodes[:, 1:]) / 2
    among = (beside[:, :-1] + beside[:, 1:]) / 2
    for there, guess in (
        (truth[:, ::2, 1::2], beside),
        (truth[:, 1::2, ::2], across),
        (truth[:, 1::2, 1::2], among),
    ):
        # A finite truth beside a lost node would lose cells: that is an error too.
        if (np.isfinite(there) & ~(np.abs(guess - there) < tolerance)).any():
            return None
    known = _Nodes((top, left), *nodes)
    return CoarseMap(coarse.source, coarse.target, step, coarse.reach, known)


def reach_window(source: Grid, target: Grid) -> Window | None:
    """Return the cells of `target` that the bounding box of `source` may touch, or None.

    One cell wider than what sampled points tell; the whole width where the box
    crosses the antimeridian of the target.
    """
    box = reproject_box(source.bbox, source.crs, target.crs)
    if box is None:
        return None
    columns = _cells(target.x, box[0], box[2])
    rows = _cells(target.y, box[1], box[3])
    if columns is None or rows is None:
        return None
    return Window((rows, columns))


def _cells(axis: RegularAxis, low: float, high: float) -> tuple[int, int] | None:
    i, j = sorted(((low - axis.start) / axis.step, (high - axis.start) / axis.step))
    first = axis.first if i == -inf else max(axis.first, floor(i) - 1)
    stop = axis.stop if j == inf else min(axis.stop, ceil(j) + 1)
    return (first, stop) if first < stop else None


def lonlat_map(target: Grid, tolerance_deg: float) -> CoarseMap:
    """Return the map from a grid to longitude and latitude, as positions on a 1-degree lattice."""
    world = Grid(
        crs=CRS84,
        x=RegularAxis(name="lon", uom="deg", start=0.0, step=1.0, first=-180, size=360),
        y=RegularAxis(name="lat", uom="deg", start=0.0, step=1.0, first=-90, size=180),
    )
    return _widest(world, target, _LARGEST_STEP_PX, target.window, tolerance_deg)
