"""Resampling: cells of one lattice on another, values and validity apart.

A cell that is not valid never gives weight to another; a cell of the result is
valid where the source cell under its centre is (nearest, linear), or where any
cell that it overlaps is (average, mode).
"""

from collections.abc import Callable
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from datacube.axes import SNAP_DECIMALS, RegularAxis
from datacube.cells import Cells, Valid, Values
from datacube.errors import LimitExceededError
from datacube.evaluate.kernels import Kernel, Plane, blended, boxes, gathered, narrowed
from datacube.evaluate.linear import Places, Weights, is_single
from datacube.evaluate.under import Indices, Under, under_centres
from datacube.evaluate.weighed import Below, weighed
from datacube.grid import Window, same_crs
from datacube.plan.geometry import (
    CoarseMap,
    Positions,
    axis_positions,
    coarse_map,
    edge_indices,
)
from datacube.plan.nodes import Resample
from datacube.plan.query import AREAL, Method
from datacube.plan.windows import kernel_margins, kernel_ratios

_REMAP_SIDE_PX = 32_000
"""Longest side of the source cells that are read at once to interpolate plainly."""


def resample(node: Resample, window: Window, below: Below) -> Cells:
    """Return the source of `node` on its grid, in `window`."""
    source = node.source.domain.plane
    if not same_crs(node.grid.crs, source.crs):
        return _reprojected(node, window, below)
    (r0, r1), (c0, c1) = window.plane.ranges
    if not source.same_lattice(node.grid):
        if node.method in (Method.AVERAGE, Method.MODE):
            return weighed(node, window, below) or _nothing(node, window)
        if node.method in AREAL:
            return _by_area(node, window, _own_corners(node, window), below)
        if node.method is not Method.NEAREST:
            rows = axis_positions(source.y, node.grid.y, r0, r1)
            cols = axis_positions(source.x, node.grid.x, c0, c1)
            shape = window.plane.shape
            both = np.broadcast_to(rows[:, None], shape), np.broadcast_to(cols, shape)
            return _interpolating(node)(node, window, both, below)
    return _gathered(
        node,
        window,
        _cells_under(node, source.y, node.grid.y, (r0, r1)),
        _cells_under(node, source.x, node.grid.x, (c0, c1)),
        below,
    )


def _cells_under(
    node: Resample, source: RegularAxis, target: RegularAxis, part: tuple[int, int]
) -> Indices:
    if node.from_edge:
        return edge_indices(source, target, *part)
    return np.floor(axis_positions(source, target, *part)).astype(np.int64)


def _gathered(node: Resample, window: Window, rows: Indices, cols: Indices, below: Below) -> Cells:
    """Take whole rows and columns: nearest within one CRS; exact copies and repetitions."""
    domain = node.source.domain
    inside_rows = (rows >= domain.plane.y.first) & (rows < domain.plane.y.stop)
    inside_cols = (cols >= domain.plane.x.first) & (cols < domain.plane.x.stop)
    if not (inside_rows.any() and inside_cols.any()):
        return _nothing(node, window)
    kept_rows, kept_cols = rows[inside_rows], cols[inside_cols]
    plane = Window((_span(kept_rows), _span(kept_cols)))
    cells = below(node.source, Window((*window.ranges[:-2], *plane.ranges)))
    at_rows, at_cols = kept_rows - plane.rows[0], kept_cols - plane.cols[0]

    def take(a: Values) -> Values:
        taken = a
        if not _is_identity(at_rows, a.shape[-2]):
            taken = taken.take(at_rows, axis=-2)
        if not _is_identity(at_cols, a.shape[-1]):
            taken = taken.take(at_cols, axis=-1)
        return taken

    values, valid = tuple(map(take, cells.values)), tuple(map(take, cells.valid))
    if inside_rows.all() and inside_cols.all():
        return Cells(cells.names, values, valid)
    part = Window((_span(np.flatnonzero(inside_rows)), _span(np.flatnonzero(inside_cols))))
    return _pasted(Cells(cells.names, values, valid), window, part)


def _is_identity(at: Indices, size: int) -> bool:
    return at.size == size and bool(at[0] == 0) and bool((np.diff(at) == 1).all())


def _span(indices: Indices) -> tuple[int, int]:
    return int(indices.min()), int(indices.max()) + 1


def _pasted(cells: Cells, window: Window, part: Window) -> Cells:
    """Put `cells` at `part`, counted from the window's first cell; the rest is not valid."""
    at = (..., slice(*part.rows), slice(*part.cols))

    def paste(a: Values) -> Values:
        whole = np.zeros(window.shape, dtype=a.dtype)
        whole[at] = a
        return whole

    return Cells(cells.names, tuple(map(paste, cells.values)), tuple(map(paste, cells.valid)))


def _nothing(node: Resample, window: Window) -> Cells:
    fields = node.fields
    return Cells(
        tuple(f.name for f in fields),
        tuple(np.zeros(window.shape, dtype=f.dtype) for f in fields),
        tuple(np.zeros(window.shape, dtype=np.bool_) for _ in fields),
    )


def _reprojected(node: Resample, window: Window, below: Below) -> Cells:
    made = coarse_map(node)
    seen = None if made.reach is None else window.plane.intersect(made.reach)
    if seen is None:
        return _nothing(node, window)
    part = Window((*window.ranges[:-2], *seen.ranges))
    if node.method in AREAL:
        (r0, r1), (c0, c1) = seen.ranges
        corners = made.exact(np.arange(r0, r1 + 1.0), np.arange(c0, c1 + 1.0))
        cells = _by_area(node, part, corners, below)
    elif node.method is Method.NEAREST:
        cells = _nearest(node, part, made.positions(seen), below)
    else:
        tile = _tile(node, part, made, below)
        cells = tile or _interpolating(node)(node, part, made.positions(seen), below)
    if part == window:
        return cells
    (r0, _), (c0, _) = window.plane.ranges
    (a, b), (c, d) = seen.ranges
    return _pasted(cells, window, Window(((a - r0, b - r0), (c - c0, d - c0))))


def _nearest(
    node: Resample, window: Window, positions: tuple[Positions, Positions], below: Below
) -> Cells:
    under = under_centres(node, positions, (0, 0))
    if under is None:
        return _nothing(node, window)
    cells = below(node.source, Window((*window.ranges[:-2], *under.plane.ranges)))
    return Cells(cells.names, tuple(map(under.take, cells.values)), under.valids(cells.valid))


def _interpolating(
    node: Resample,
) -> Callable[[Resample, Window, tuple[Positions, Positions], Below], Cells]:
    plain = node.method is Method.LINEAR and kernel_ratios(node) == (1.0, 1.0)
    return _linear if plain else _by_kernel


def _by_kernel(
    node: Resample, window: Window, positions: tuple[Positions, Positions], below: Below
) -> Cells:
    under = under_centres(node, positions, kernel_margins(node))
    if under is None:
        return _nothing(node, window)
    source = node.source.domain.plane
    own = same_crs(source.crs, node.grid.crs)
    kernel = Kernel(
        method=node.method,
        ratios=kernel_ratios(node),
        moved=(
            not (own and _same_cells(source.y, node.grid.y)),
            not (own and _same_cells(source.x, node.grid.x)),
        ),
    )
    return _plane_by_plane(
        node,
        window,
        under.plane,
        lambda plane: blended(plane, *positions, kernel),
        below,
    )


def _same_cells(one: RegularAxis, other: RegularAxis) -> bool:
    return (one.start, one.step) == (other.start, other.step)


def _own_corners(node: Resample, window: Window) -> tuple[Positions, Positions]:
    """Return where the corners of cells lie on the source within one CRS."""
    source, target = node.source.domain.plane, node.grid
    rows, cols = (
        np.round(
            (new.start + np.arange(start, stop + 1) * new.step - old.start) / old.step,
            SNAP_DECIMALS,
        )
        for old, new, (start, stop) in (
            (source.y, target.y, window.rows),
            (source.x, target.x, window.cols),
        )
    )
    shape = (rows.size, cols.size)
    return np.broadcast_to(rows[:, None], shape), np.broadcast_to(cols, shape)


def _by_area(
    node: Resample, window: Window, corners: tuple[Positions, Positions], below: Below
) -> Cells:
    grid = node.source.domain.plane
    rows, cols = (boxes(at[:-1, :-1], at[1:, 1:]) for at in corners)
    known = np.isfinite(rows.low) & np.isfinite(cols.low)
    if not known.any():
        return _nothing(node, window)
    ranges = []
    for one, axis in ((rows, grid.y), (cols, grid.x)):
        first = max(floor(one.low[known].min()) - 1, axis.first)
        ranges.append((first, min(ceil(one.high[known].max()) + 1, axis.stop)))
    if any(start >= stop for start, stop in ranges):
        return _nothing(node, window)
    plane = Window(tuple(ranges))
    return _plane_by_plane(
        node, window, plane, lambda plane: gathered(plane, rows, cols, node.method), below
    )


def _plane_by_plane(
    node: Resample,
    window: Window,
    needed: Window,
    make: Callable[[Plane], tuple[NDArray[np.float64], Valid]],
    below: Below,
) -> Cells:
    """Resample each plane of each field in double precision."""
    cells = below(node.source, Window((*window.ranges[:-2], *needed.ranges)))
    first, shape = (needed.rows[0], needed.cols[0]), (-1, *needed.shape)
    values, valid = [], []
    for own, known in zip(cells.values, cells.valid, strict=True):
        made, there = (
            np.zeros(window.shape, dtype=own.dtype),
            np.zeros(window.shape, dtype=np.bool_),
        )
        outer = zip(
            own.reshape(shape),
            known.reshape(shape),
            made.reshape(-1, *window.plane.shape),
            there.reshape(-1, *window.plane.shape),
            strict=True,
        )
        for one, data, to_values, to_valid in outer:
            plane = Plane(one.astype(np.float64), data & ~np.isnan(one), first)
            numbers, to_valid[...] = make(plane)
            to_values[...] = narrowed(np.where(to_valid, numbers, 0), own.dtype)
        values.append(made)
        valid.append(there)
    return Cells(cells.names, tuple(values), tuple(valid))


def _linear(
    node: Resample, window: Window, positions: tuple[Positions, Positions], below: Below
) -> Cells:
    under = under_centres(node, positions, (1, 1))
    if under is None:
        return _nothing(node, window)
    if max(*under.plane.shape, *window.plane.shape) > _REMAP_SIDE_PX:
        return _halved(node, window, positions, below)
    cells = below(node.source, Window((*window.ranges[:-2], *under.plane.ranges)))
    places = Places.of(positions, under.plane, [v.dtype for v in cells.values])
    values = _blended(cells, places, window)
    return Cells(cells.names, values, under.valids(cells.valid))


def _tile(node: Resample, window: Window, made: CoarseMap, below: Below) -> Cells | None:
    """Interpolate the whole of a small map that sees nothing but source; None of others."""
    if not node.to_see or window.plane != node.grid.window:
        return None
    plain = _interpolating(node) is _linear and all(is_single(f.dtype) for f in node.fields)
    near = made.near(window) if plain else None
    if near is None:
        return None
    source = node.source.domain.plane
    spans = []
    for at, axis in zip(near, (source.y, source.x), strict=True):
        low, high = float(at.min()), float(at.max())
        if low < -0.5 or high >= axis.size - 0.5:
            return None
        spans.append((max(floor(low), 0), min(floor(high) + 2, axis.size)))
    (r0, r1), (c0, c1) = spans
    rows, cols = (at - start if start else at for at, start in zip(near, (r0, c0), strict=True))
    top, left = source.y.first, source.x.first
    needed = ((top + r0, top + r1), (left + c0, left + c1))
    cells = below(node.source, Window((*window.ranges[:-2], *needed)))
    values = _blended(cells, Places.near(rows, cols), window)
    if all(a.all() for a in cells.valid):
        full = np.ones(window.shape, dtype=np.bool_)
        return Cells(cells.names, values, (full,) * len(values))
    under = Under(Window(((0, r1 - r0), (0, c1 - c0))), rows + 0.5, cols + 0.5, None)
    return Cells(cells.names, values, under.valids(cells.valid))


def _blended(cells: Cells, places: Places, window: Window) -> tuple[Values, ...]:
    """Interpolate every plane of cells."""
    made, weights = [], Weights()
    for values, valid in zip(cells.values, cells.valid, strict=True):
        if values.ndim == 2:
            made.append(places.blend(values, valid, weights))
            continue
        shape = (-1, *values.shape[-2:])
        planes = zip(values.reshape(shape), valid.reshape(shape), strict=True)
        made.append(np.stack([places.blend(*plane) for plane in planes]).reshape(window.shape))
    return tuple(made)


def _halved(
    node: Resample, window: Window, positions: tuple[Positions, Positions], below: Below
) -> Cells:
    axis = int(np.argmax(window.plane.shape))
    if window.plane.shape[axis] < 2:
        raise LimitExceededError(
            f"one cell of the result needs more than {_REMAP_SIDE_PX} cells of the source"
        )
    start, stop = window.plane.ranges[axis]
    at = window.plane.shape[axis] // 2
    parts = []
    for part, (a, b) in (
        (slice(None, at), (start, start + at)),
        (slice(at, None), (start + at, stop)),
    ):
        index = (part, slice(None)) if axis == 0 else (slice(None), part)
        ranges = list(window.ranges)
        ranges[axis - 2] = (a, b)
        there = positions[0][index], positions[1][index]
        parts.append(_linear(node, Window(tuple(ranges)), there, below))
    return Cells(
        parts[0].names,
        tuple(
            np.concatenate(pair, axis=axis - 2)
            for pair in zip(*(p.values for p in parts), strict=True)
        ),
        tuple(
            np.concatenate(pair, axis=axis - 2)
            for pair in zip(*(p.valid for p in parts), strict=True)
        ),
    )
