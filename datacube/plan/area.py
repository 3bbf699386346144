"""Areas of clips: which cells lie in a polygon, and which parts of a window it touches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.cells import Valid
from datacube.cube import INNER_CHUNK_PX
from datacube.grid import Window
from datacube.plan.nodes import Mask, scans

type Places = NDArray[np.float64]
type _Span = tuple[int, int]
type Cut = tuple[_Span, ...]
"""Half-open ranges of one axis."""

_COARSEST = 8
"""Chunks of bands up to this many times coarser are kept whole, so that none is read twice."""


def axis_coordinates(axis: Axis, start: int, stop: int) -> Places:
    """Return what users call the cells `start` to `stop`; of a time axis seconds since 1970."""
    match axis:
        case TimeAxis():
            return axis.times.references[start:stop] / 1e6
        case RegularAxis():
            return replace(axis, first=start, size=stop - start).coordinates()
        case _:
            return axis.coordinates()[start:stop]


@dataclass(frozen=True, slots=True, eq=False)
class _Area:
    """A polygon or multipolygon, prepared."""

    shape: shapely.Geometry
    edges: Places
    """Shape `(n, 4)`: x and y of the lower end, x and y of the upper; none is level."""
    corners: Places
    """Shape `(n, 2)`."""


@lru_cache(maxsize=64)
def _area(wkb: bytes) -> _Area:
    shape = shapely.from_wkb(wkb)
    shapely.prepare(shape)
    rings = [ring for part in shapely.get_parts(shape) for ring in shapely.get_rings(part)]
    edges = [
        (*a, *b) if a[1] < b[1] else (*b, *a)
        for ring in rings
        for a, b in pairwise(shapely.get_coordinates(ring).tolist())
        if a[1] != b[1]
    ]
    return _Area(
        shape, np.array(edges, dtype=np.float64).reshape(-1, 4), shapely.get_coordinates(shape)
    )


def inside(node: Mask, window: Window) -> Valid:
    """Return which cells have their centre in the area or on its edge.

    The shape is the window's along the two axes of the area and 1 along others. A cell's
    answer depends on its coordinates alone, not on the window.
    """
    ys, xs = (_along(node, window, at) for at in (node.rows, node.cols))
    rows, cols = (slice(None, None, -1 if len(p) > 1 and p[0] > p[-1] else 1) for p in (ys, xs))
    plane = _scanned(_area(node.area), ys[rows], xs[cols])[rows, cols]
    if node.rows > node.cols:
        plane = plane.T
    shape = tuple(n if at in (node.rows, node.cols) else 1 for at, n in enumerate(window.shape))
    return plane.reshape(shape)


def touched_parts(node: Mask, window: Window) -> tuple[Window, ...]:
    """Return parts of a window that hold every cell in the area; none where it is outside.

    They part the window along stored chunks, so that no chunk is read that the area
    does not touch.
    """
    bounds = window.ranges[node.rows], window.ranges[node.cols]
    return tuple(
        Window(
            tuple(
                rows if at == node.rows else cols if at == node.cols else other
                for at, other in enumerate(window.ranges)
            )
        )
        for rows, cols in _touched(node, *bounds)
    )


def touched_grid(node: Mask, rows: Cut, cols: Cut) -> tuple[Cut, Cut, Valid]:
    """Cut ranges of both axes along stored chunks, and tell which pairs the area touches.

    The truths have the shape (ranges of the rows, ranges of the columns).
    """
    side = _side(node)
    tall = tuple(piece for bounds in rows for piece in _pieces(bounds, side))
    wide = tuple(piece for bounds in cols for piece in _pieces(bounds, side))
    return tall, wide, _hit(node, tall, wide)


def is_inside(node: Mask, window: Window) -> bool:
    """Tell whether every cell of the window is known to lie in the area."""
    ys, xs = (_along(node, window, at) for at in (node.rows, node.cols))
    box = shapely.box(xs.min(), ys.min(), xs.max(), ys.max())
    return bool(shapely.covers(_area(node.area).shape, box))


def _along(node: Mask, window: Window, at: int) -> Places:
    return axis_coordinates(node.domain.axes[at], *window.ranges[at])


@lru_cache(maxsize=4096)
def _touched(node: Mask, rows: _Span, cols: _Span) -> tuple[tuple[_Span, _Span], ...]:
    side = _side(node)
    tall, wide = (tuple(_pieces(bounds, side)) for bounds in (rows, cols))
    return tuple(_merged(_hit(node, tall, wide), tall, wide))


def _hit(node: Mask, tall: Cut, wide: Cut) -> Valid:
    axes = node.domain.axes
    low_y, high_y = _ends(axes[node.rows], tall)
    low_x, high_x = _ends(axes[node.cols], wide)
    boxes = shapely.box(low_x[None, :], low_y[:, None], high_x[None, :], high_y[:, None])
    hit: Valid = shapely.intersects(_area(node.area).shape, boxes)
    return hit


def _ends(axis: Axis, pieces: Cut) -> tuple[Places, Places]:
    start, stop = min(a for a, _ in pieces), max(b for _, b in pieces)
    places = axis_coordinates(axis, start, stop)
    first = places[[a - start for a, _ in pieces]]
    last = places[[b - 1 - start for _, b in pieces]]
    return np.minimum(first, last), np.maximum(first, last)


def _pieces(bounds: _Span, side: int) -> Iterator[_Span]:
    start, stop = bounds
    while start < stop:
        end = min(stop, (start // side + 1) * side)
        yield start, end
        start = end


def _merged(
    hit: Valid, tall: tuple[_Span, ...], wide: tuple[_Span, ...]
) -> Iterator[tuple[_Span, _Span]]:
    """Yield rectangles of touched pieces: runs along a row, joined with equal runs below."""
    open_runs: dict[_Span, _Span] = {}
    for rows, touched in zip(tall, hit, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], touched, [False]])))
        runs = [(wide[a][0], wide[b - 1][1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        for cols in [c for c in open_runs if c not in runs]:
            yield open_runs.pop(cols), cols
        for cols in runs:
            first = open_runs[cols][0] if cols in open_runs else rows[0]
            open_runs[cols] = first, rows[1]
    for cols, span in open_runs.items():
        yield span, cols


@lru_cache(maxsize=256)
def _side(node: Mask) -> int:
    """Cells along one chunk of the coarsest band below, in those of the mask."""
    axis = node.domain.axes[node.cols]
    ratio = 1
    if isinstance(axis, RegularAxis):
        for scan in scans(node.source):
            times = abs(scan.domain.plane.x.step / axis.step)
            if scan.domain.plane.x.uom == axis.uom and times == int(times) <= _COARSEST:
                ratio = max(ratio, int(times))
    return INNER_CHUNK_PX * ratio


def _scanned(area: _Area, ys: Places, xs: Places) -> Valid:
    """Fill a polygon line by line over ascending places; points on its edge count as inside.

    A point is inside where it is so when it is moved by next to nothing up or down, and
    left or right.
    """
    made = np.zeros((len(ys), len(xs)), dtype=np.bool_)
    x0, y0, x1, y1 = area.edges.T
    done: list[tuple[bytes, bytes, bytes]] = []
    for first, last in (("left", "left"), ("right", "right")):
        low, high = np.searchsorted(ys, y0, first), np.searchsorted(ys, y1, last)  # type: ignore[call-overload]  # a literal in a variable
        counts = high - low
        edge = np.repeat(np.arange(len(x0)), counts)
        row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - low, counts)
        slope = (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        crossing = x0[edge] + (ys[row] - y0[edge]) * slope
        for side in ("left", "right"):
            col = np.searchsorted(xs, crossing, side)
            state = row.tobytes(), col.tobytes(), crossing.tobytes()
            if state not in done:
                done.append(state)
                made |= _filled(row, col, made.shape)
    _mark_corners(made, area.corners, ys, xs)
    return made


def _mark_corners(made: Valid, corners: Places, ys: Places, xs: Places) -> None:
    """Set the places that are corners themselves: the tip of a spike has no width."""
    row = np.searchsorted(ys, corners[:, 1]).clip(max=len(ys) - 1)
    col = np.searchsorted(xs, corners[:, 0]).clip(max=len(xs) - 1)
    hit = (ys[row] == corners[:, 1]) & (xs[col] == corners[:, 0])
    made[row[hit], col[hit]] = True


def _filled(row: NDArray[np.int64], col: NDArray[np.int64], shape: tuple[int, ...]) -> Valid:
    toggles = np.zeros((shape[0], shape[1] + 1), dtype=np.uint8)
    np.bitwise_xor.at(toggles, (row, col), 1)
    filled = np.bitwise_xor.accumulate(toggles, axis=1)[:, :-1]
    return filled.view(np.bool_)
