"""Which cells of its sources a node needs for a window of its own cells."""

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, floor
from typing import assert_never

import numpy as np

from datacube.axes import Axis, TimeAxis
from datacube.grid import Window, known_crs, same_crs, transformer
from datacube.plan.area import touched_parts
from datacube.plan.boxes import points_for
from datacube.plan.geometry import axis_positions, coarse_map, edge_indices
from datacube.plan.indices import gathered_runs, span, take_indices
from datacube.plan.nodes import (
    Apply,
    Bands,
    Construct,
    Coordinate,
    Extend,
    Flip,
    Gather,
    Held,
    Literal,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Relabel,
    Resample,
    Scan,
    Slice,
    Sort,
    Source,
    Spread,
    Take,
    Trim,
)
from datacube.plan.query import AREAL, KERNEL_RADII_PX, Method

_RATIO_SNAP = 0.05
_SORT_CELLS = 262_144
"""Most cells of a sorted coverage whose places are read at once, not one by one."""


def inputs(node: Plan, window: Window) -> Iterator[tuple[Plan, Window]]:
    """Yield the sources of `node` with the cells each must give for `window`.

    A source of which no cell is needed is left out; one may be asked for several
    windows. Windows are in the indices of the respective domain; a warp's is a cell or
    so too large, never too small.
    """
    match node:
        case Scan() | Source() | Held() | Literal() | Coordinate():
            return
        case Bands(picks=picks):
            for one in {pick.source.key: pick.source for pick in picks}.values():
                yield one, window
        case Mosaic(members=members):
            for member in members:
                yield member.source, window
        case Apply(args=args):
            for arg in args:
                yield arg, window
        case Reduce(source=source, where=where):
            whole = reduced_window(node, window)
            yield source, whole
            if where is not None:
                yield where, whole
        case Resample(source=source):
            plane = source_plane(node, window.plane)
            if plane is not None:
                yield source, Window((*window.ranges[:-2], *plane.ranges))
        case _:
            yield from _moved(node, window)


def _moved(  # noqa: C901, PLR0912  # one case a node
    node: Trim | Slice | Extend | Spread | Relabel | Take | Gather | Flip | Sort | Construct | Mask,
    window: Window,
) -> Iterator[tuple[Plan, Window]]:
    match node:
        case Trim(source=source):
            yield source, trim_window(node, window)
        case Slice(source=source):
            yield source, slice_window(node, window)
        case Extend(source=source):
            inner = extend_window(node, window)
            if inner is not None:
                yield source, inner
        case Spread(source=source, places=places):
            yield source, Window(tuple(window.ranges[at] for at in places))
        case Relabel(source=source):
            yield source, relabel_window(node, window)
        case Take(source=source):
            yield source, take_window(node, window)
        case Gather(source=source):
            for _, hull in gathered_runs(node, window):
                yield source, hull
        case Flip(source=source):
            yield source, flip_window(node, window)
        case Sort(source=source, by=by, axis=axis):
            yield by, by.domain.window
            whole = by.domain.window.ranges[0]
            if sort_reads_whole(node):
                yield source, window_with(window, axis, whole)
            else:
                for place in range(*whole):
                    yield source, window_with(window, axis, (place, place + 1))
        case Construct():
            for part, cells, _ in construct_parts(node, window):
                yield part, cells
        case Mask(source=source):
            for touched in touched_parts(node, window):
                yield source, touched
        case _:
            assert_never(node)


def window_with(window: Window, at: int, bounds: tuple[int, int]) -> Window:
    """Return `window` with another range along the axis at position `at`."""
    return Window((*window.ranges[:at], bounds, *window.ranges[at + 1 :]))


def kept_indices(source: Axis, kept: Axis) -> tuple[int, ...] | None:
    """Return the source's indices of the places of `kept`; None where indices are the same.

    Regular axes keep their numbers when they are trimmed, listed ones do not.
    """
    if source == kept or source.size == kept.size:
        return None
    if isinstance(source, TimeAxis) and isinstance(kept, TimeAxis):
        places = np.searchsorted(source.times.references, kept.times.references)
        return tuple(places.tolist())
    coefficients = getattr(source, "coefficients", None)
    if coefficients is None:
        return None
    numbers = {c: i for i, c in enumerate(coefficients)}
    return tuple(numbers[c] for c in getattr(kept, "coefficients", ()))


def trim_window(node: Trim, window: Window) -> Window:
    """Return the hull of the source's cells that a trimmed window needs."""
    ranges = []
    for (start, stop), source, kept in zip(
        window.ranges, node.source.domain.axes, node.domain.axes, strict=True
    ):
        numbers = kept_indices(source, kept)
        if numbers is None:
            ranges.append((start, stop))
        else:
            ranges.append((numbers[start], numbers[stop - 1] + 1))
    return Window(tuple(ranges))


def slice_window(node: Slice, window: Window) -> Window:
    """Return the source's cells with the sliced axis put back, one place long."""
    at = node.axis
    place = (node.index, node.index + 1)
    return Window((*window.ranges[:at], place, *window.ranges[at:]))


def extend_window(node: Extend, window: Window) -> Window | None:
    """Return the source's cells in a window of the larger domain, or None."""
    ranges = []
    for (start, stop), wide, own in zip(
        window.ranges, node.domain.axes, node.source.domain.axes, strict=True
    ):
        numbers = kept_indices(wide, own)
        if numbers is None:
            first, last = max(start, own.first), min(stop, own.stop)
        else:
            inside = [k for k, number in enumerate(numbers) if start <= number < stop]
            first, last = (inside[0], inside[-1] + 1) if inside else (0, 0)
        if first >= last:
            return None
        ranges.append((first, last))
    return Window(tuple(ranges))


def relabel_window(node: Relabel, window: Window) -> Window:
    """Return the source's cells, whose axes may count from other numbers."""
    return Window(
        tuple(
            (start - axis.first + own.first, stop - axis.first + own.first)
            for (start, stop), axis, own in zip(
                window.ranges, node.domain.axes, node.source.domain.axes, strict=True
            )
        )
    )


def take_window(node: Take, window: Window) -> Window:
    """Return the hull of the source's cells that the indices choose."""
    ranges = [window.ranges[at] for at in node.places]
    ranges.insert(node.axis, span(take_indices(node, window)))
    return Window(tuple(ranges))


def sort_reads_whole(node: Sort) -> bool:
    """Tell whether all places of a sorted axis are read at once: they are few cells."""
    return node.domain.size <= _SORT_CELLS


def flip_window(node: Flip, window: Window) -> Window:
    """Return the source's cells that stand, reversed, in the window."""
    axis = node.domain.axes[node.axis]
    start, stop = window.ranges[node.axis]
    ends = axis.first + axis.stop
    return window_with(window, node.axis, (ends - stop, ends - start))


def reduced_window(node: Reduce, window: Window) -> Window:
    """Return all the source's cells that go into a window of the result."""
    kept = iter(window.ranges)
    return Window(
        tuple(
            (axis.first, axis.stop) if at in node.axes else next(kept)
            for at, axis in enumerate(node.source.domain.axes)
        )
    )


def construct_parts(
    node: Construct, window: Window
) -> Iterator[tuple[Plan, Window, tuple[int, ...]]]:
    """Yield the parts in a window, their cells, and the place of each among those wanted."""
    leading = len(node.axes)
    shape = tuple(axis.size for axis in node.axes)
    inner = Window(window.ranges[leading:])
    starts = tuple(
        start - axis.first
        for (start, _), axis in zip(window.ranges[:leading], node.axes, strict=True)
    )
    for place in np.ndindex(window.shape[:leading]):
        at = tuple(start + k for start, k in zip(starts, place, strict=True))
        yield node.parts[int(np.ravel_multi_index(at, shape))], inner, place


@lru_cache(maxsize=1024)
def source_plane(node: Resample, plane: Window) -> Window | None:
    """Return the `(y, x)` cells of the source that a resampled window needs, or None."""
    source = node.source.domain.plane
    if same_crs(node.grid.crs, source.crs):
        rows, cols = _along(node, plane, 0), _along(node, plane, 1)
        if rows is None or cols is None:
            return None
        return Window((rows, cols)).intersect(source.window)
    made = coarse_map(node)
    seen = plane.intersect(made.reach) if made.reach is not None else None
    return None if seen is None else _warped_plane(node, seen)


def kernel_margins(node: Resample) -> tuple[int, int]:
    """Return how many cells beside a place a kernel takes along y and x; 0 where there is none."""
    radius = KERNEL_RADII_PX.get(node.method, 0)
    rows, columns = kernel_ratios(node)
    return ceil(radius * rows), ceil(radius * columns)


def kernel_ratios(node: Resample) -> tuple[float, float]:
    """Return by which factors a kernel is widened along y and x: at least 1.

    As GDAL does, a factor within 0.05 of a whole number is that number.
    """
    source, target = node.source.domain.plane, node.grid
    if node.ratio is not None:
        ratios = node.ratio
    elif same_crs(source.crs, target.crs) and node.method is not Method.LINEAR:
        ratios = (abs(target.y.step / source.y.step), abs(target.x.step / source.x.step))
    else:
        ratios = (1.0, 1.0)
    y, x = (float(round(r)) if abs(r - round(r)) < _RATIO_SNAP else r for r in ratios)
    return max(y, 1.0), max(x, 1.0)


def _along(node: Resample, plane: Window, axis: int) -> tuple[int, int] | None:
    start, stop = plane.ranges[axis]
    if start >= stop:
        return None
    grid, other = node.grid, node.source.domain.plane
    source, target = ((other.y, grid.y), (other.x, grid.x))[axis]
    if node.from_edge:
        first, last = (edge_indices(source, target, k, k + 1)[0] for k in (start, stop - 1))
        return int(first), int(last) + 1
    if node.method in AREAL:
        edges = sorted(
            (target.start + k * target.step - source.start) / source.step for k in (start, stop)
        )
        return floor(edges[0]), ceil(edges[1])
    # The ends alone: an output that is to be refused may have any length.
    ends = (axis_positions(source, target, k, k + 1)[0] for k in (start, stop - 1))
    low, high = sorted(float(end) for end in ends)
    margin = kernel_margins(node)[axis]
    if margin:
        return floor(low - 0.5) - margin + 1, floor(high - 0.5) + 1 + margin
    return floor(low), floor(high) + 1


def _warped_plane(node: Resample, seen: Window) -> Window | None:
    source, target = node.source.domain.plane, node.grid
    (r0, r1), (c0, c1) = seen.ranges
    points = points_for(target.at(seen).bbox, known_crs(target.crs), known_crs(source.crs))
    x, y = np.meshgrid(
        target.x.start + np.linspace(c0, c1, points) * target.x.step,
        target.y.start + np.linspace(r0, r1, points) * target.y.step,
    )
    sx, sy = (np.asarray(v) for v in transformer(target.crs, source.crs).transform(x, y))
    kept = np.isfinite(sx) & np.isfinite(sy)
    if not kept.any():
        return None
    ranges = []
    for axis, places, beside in zip(
        (source.y, source.x), (sy[kept], sx[kept]), kernel_margins(node), strict=True
    ):
        at = (places - axis.start) / axis.step
        margin = 2 + beside + (at.max() - at.min()) / 100
        low, high = max(at.min() - margin, axis.first), min(at.max() + margin, axis.stop)
        if low >= high:
            return None
        ranges.append((floor(low), ceil(high)))
    return Window(tuple(ranges)).intersect(source.window)
