"""Moving cells: the nodes that change no value."""

from collections.abc import Callable
from functools import partial
from types import EllipsisType

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.grid import Window
from datacube.plan.indices import gather_places, gathered_runs, take_indices
from datacube.plan.nodes import (
    Affine,
    Construct,
    Extend,
    Field,
    Flip,
    Gather,
    Plan,
    Sort,
    Spread,
    Take,
    Trim,
)
from datacube.plan.windows import (
    construct_parts,
    extend_window,
    flip_window,
    kept_indices,
    sort_reads_whole,
    take_window,
    trim_window,
    window_with,
)

type Below = Callable[[Plan, Window], Cells]


def each(cells: Cells, change: Callable[[Values | Valid], Values]) -> Cells:
    """Change every array alike."""
    return Cells(
        cells.names,
        tuple([change(a) for a in cells.values]),
        tuple([change(a) for a in cells.valid]),
    )


def nothing(fields: tuple[Field, ...], shape: tuple[int, ...]) -> Cells:
    """Return cells without data, which take no memory."""
    return Cells(
        tuple(f.name for f in fields),
        tuple(np.broadcast_to(np.zeros((), f.dtype), shape) for f in fields),
        tuple(np.broadcast_to(np.False_, shape) for _ in fields),
    )


def empty(fields: tuple[Field, ...], shape: tuple[int, ...]) -> Cells:
    """Return cells without data, to be filled."""
    return Cells(
        tuple(f.name for f in fields),
        tuple(np.zeros(shape, f.dtype) for f in fields),
        tuple(np.zeros(shape, np.bool_) for _ in fields),
    )


def put(target: Cells, at: tuple[slice | int | EllipsisType, ...], cells: Cells) -> None:
    """Write cells into a part of cells that nobody else has yet."""
    for into, values in zip(target.values, cells.values, strict=True):
        into[at] = values
    for known, valid in zip(target.valid, cells.valid, strict=True):
        known[at] = valid


def trimmed(node: Trim, window: Window, below: Below) -> Cells:
    """Return the kept places; listed axes may be kept with gaps between them."""
    cells = below(node.source, trim_window(node, window))
    for at, (source, kept) in enumerate(
        zip(node.source.domain.outer, node.domain.outer, strict=True)
    ):
        numbers = kept_indices(source, kept)
        start, stop = window.ranges[at]
        if numbers is None or numbers[stop - 1] - numbers[start] + 1 == stop - start:
            continue
        places = np.asarray(numbers[start:stop]) - numbers[start]
        cells = each(cells, partial(np.take, indices=places, axis=at))
    return cells


def extended(node: Extend, window: Window, below: Below) -> Cells:
    """Return the source within a window of nulls."""
    inner = extend_window(node, window)
    if inner is None:
        return nothing(node.fields, window.shape)
    cells = below(node.source, inner)
    if inner.shape == window.shape:
        return cells
    places = []
    for (start, _), (first, last), wide, own in zip(
        window.ranges, inner.ranges, node.domain.axes, node.source.domain.axes, strict=True
    ):
        numbers = kept_indices(wide, own)
        held = range(first, last) if numbers is None else numbers[first:last]
        places.append(np.asarray(held) - start)
    made = empty(node.fields, window.shape)
    at = np.ix_(*places)
    for into, source in zip(
        (*made.values, *made.valid), (*cells.values, *cells.valid), strict=True
    ):
        into[at] = source
    return made


def spread(node: Spread, window: Window, below: Below) -> Cells:
    """Return the source repeated, without a copy."""
    cells = below(node.source, Window(tuple(window.ranges[at] for at in node.places)))
    new = tuple(at for at in range(len(window.ranges)) if at not in node.places)
    return each(cells, lambda a: np.broadcast_to(np.expand_dims(a, new), window.shape))


def taken(node: Take, window: Window, below: Below) -> Cells:
    """Return chosen cells: for affine indices a view of the source's."""
    inner = take_window(node, window)
    cells = below(node.source, inner)
    first = inner.ranges[node.axis][0]
    if isinstance(node.index, Affine):
        factors = dict[int, int]()
        for at, factor in node.index.terms:
            factors[at] = factors.get(at, 0) + factor
        start = node.index.offset + sum(f * window.ranges[at][0] for at, f in factors.items())
        return each(cells, lambda a: _strided(node, a, window.shape, start - first, factors))
    numbers = take_indices(node, window) - first
    return each(cells, lambda a: a[_fancy(node, numbers, window.shape)])


def _strided(
    node: Take, a: Values, shape: tuple[int, ...], start: int, factors: dict[int, int]
) -> Values:
    along = a.strides[node.axis]
    own = [stride for at, stride in enumerate(a.strides) if at != node.axis]
    strides = [0] * len(shape)
    for place, stride in zip(node.places, own, strict=True):
        strides[place] = stride
    for at, factor in factors.items():
        strides[at] += factor * along
    begin = a[(slice(None),) * node.axis + (slice(start, None),)]
    # Every index lies on the hull that was read, so no stride leaves the array.
    return np.lib.stride_tricks.as_strided(begin, shape, strides, writeable=False)


def _fancy(node: Take, numbers: Values, shape: tuple[int, ...]) -> tuple[Values, ...]:
    index: list[Values] = [
        np.arange(shape[place]).reshape([-1 if k == place else 1 for k in range(len(shape))])
        for place in node.places
    ]
    index.insert(node.axis, np.broadcast_to(numbers, shape))
    return tuple(index)


def gathered(node: Gather, window: Window, below: Below) -> Cells:
    """Return the cells of a line, read run by run."""
    at = node.axes[0]
    made = empty(node.fields, window.shape)
    for run, part in gathered_runs(node, window):
        places = gather_places(node, window, run, part)
        cells = each(below(node.source, part), partial(_chosen, axes=node.axes, places=places))
        put(made, (slice(None),) * at + (run,), cells)
    return made


def _chosen(a: Values, axes: tuple[int, ...], places: tuple[Values, ...]) -> Values:
    moved = np.moveaxis(a, axes, range(len(axes)))[places]
    return np.moveaxis(moved, 0, axes[0])


def flipped(node: Flip, window: Window, below: Below) -> Cells:
    """Return the source in reverse, without a copy."""
    cells = below(node.source, flip_window(node, window))
    at = (slice(None),) * node.axis + (slice(None, None, -1),)
    return each(cells, lambda a: a[at])


def sorted_along(node: Sort, window: Window, below: Below) -> Cells:
    """Return the source in the order of its key."""
    order = _order(node, below)
    axis = node.domain.axes[node.axis]
    start, stop = window.ranges[node.axis]
    wanted = order[start - axis.first : stop - axis.first]
    if sort_reads_whole(node):
        part = window_with(window, node.axis, (axis.first, axis.stop))
        cells = below(node.source, part)
        return each(cells, partial(np.take, indices=wanted, axis=node.axis))
    made = empty(node.fields, window.shape)
    for at, place in enumerate(wanted.tolist()):
        first = place + axis.first
        one = below(node.source, window_with(window, node.axis, (first, first + 1)))
        put(made, (slice(None),) * node.axis + (slice(at, at + 1),), one)
    return made


def _order(node: Sort, below: Below) -> Values:
    """Return the numbers of the places, counted from the first, in their new order."""
    key = below(node.by, node.by.domain.window)
    values, valid = key.values[0], key.valid[0].copy()
    if values.dtype.kind == "f":
        valid &= ~np.isnan(values)
    known = np.flatnonzero(valid)
    ranked = values[known]
    if node.descending:
        # Reversed twice, so that equal keys keep their order.
        order = np.argsort(ranked[::-1], kind="stable")[::-1]
        order = len(ranked) - 1 - order
    else:
        order = np.argsort(ranked, kind="stable")
    return np.concatenate([known[order], np.flatnonzero(~valid)])


def constructed(node: Construct, window: Window, below: Below) -> Cells:
    """Return the parts side by side."""
    made = empty(node.fields, window.shape)
    for part, inner, place in construct_parts(node, window):
        put(made, place, below(part, inner))
    return made
