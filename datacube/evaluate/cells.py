"""Evaluation: the cells of a node in a window."""

from functools import partial
from typing import assert_never

import numpy as np

from datacube.cells import Cells, Values
from datacube.evaluate.deep import read_times
from datacube.evaluate.fuse import apply_tree, fill_tree, tree_leaves
from datacube.evaluate.mask import masked
from datacube.evaluate.memo import Memo
from datacube.evaluate.mosaic import merge
from datacube.evaluate.reduce import reduced
from datacube.evaluate.scan import read_scan
from datacube.evaluate.shape import (
    constructed,
    each,
    extended,
    flipped,
    gathered,
    nothing,
    put,
    sorted_along,
    spread,
    taken,
    trimmed,
)
from datacube.evaluate.warp import resample
from datacube.grid import Window
from datacube.plan.area import axis_coordinates
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
from datacube.plan.places import is_timed
from datacube.plan.windows import relabel_window, slice_window
from datacube.protocols import ReadCells, ReadDeep


def evaluate(node: Plan, window: Window, read: ReadCells, memo: Memo | None = None) -> Cells:
    """Return the values of `node` in `window`, and where they are valid.

    `window` is in the indices of the node's domain and lies within it. The arrays
    may be shared with other results and repeat cells without a copy: nothing may write
    into them.

    Raises
    ------
    TypeError
        If the plan holds a `Source`, whose slots nobody has asked for.
    """
    memo = Memo() if memo is None else memo
    found = memo.find(node, window)
    if found is None:
        found = _evaluate(node, window, read, memo)
        memo.keep(node, window, found)
    return found


def evaluate_into(
    node: Plan, window: Window, read: ReadCells, memo: Memo, *, target: Cells
) -> None:
    """Write the cells of a node into arrays of the window's shape: a formula without a copy."""
    if isinstance(node, Apply) and memo.find(node, window) is None:
        found = {leaf.key: evaluate(leaf, window, read, memo) for leaf in tree_leaves(node)}
        fill_tree(node, found, target)
    else:
        put(target, (...,), evaluate(node, window, read, memo))


def _evaluate(  # noqa: C901, PLR0912  # one case a node
    node: Plan, window: Window, read: ReadCells, memo: Memo
) -> Cells:
    below = partial(evaluate, read=read, memo=memo)
    match node:
        case Scan():
            if memo.strips is not None and node.key in memo.strips.scans:
                return memo.strips.cells(node, window)
            if node.deep and is_timed(node) and isinstance(read, ReadDeep):
                return read_times(node, window, read)
            return read_scan(node, window, read)
        case Source(coverage_id=name):
            raise TypeError(f"the slots of {name!r} are not resolved: plan.resolve comes first")
        case Held(held=held, domain=domain):
            return each(held.cells, lambda a: a[window.slices(domain.window)])
        case Literal():
            return _literal(node, window)
        case Coordinate():
            return _coordinate(node, window)
        case Bands():
            return _picked(node, window, read, memo)
        case Apply():
            found = {leaf.key: evaluate(leaf, window, read, memo) for leaf in tree_leaves(node)}
            return apply_tree(node, found, window.shape)
        case Resample():
            return resample(node, window, below)
        case Mosaic():
            return merge(node, window, below)
        case Reduce():
            return reduced(node, window, memo, partial(evaluate, read=read))
        case Mask():
            return masked(node, window, below)
        case Slice(source=source, axis=axis):
            cells = evaluate(source, slice_window(node, window), read, memo)
            return each(cells, lambda a: a[(slice(None),) * axis + (0,)])
        case Relabel(source=source):
            return evaluate(source, relabel_window(node, window), read, memo)
        case _:
            return _moved(node, window, read, memo)


def _moved(
    node: Trim | Extend | Spread | Take | Gather | Flip | Sort | Construct,
    window: Window,
    read: ReadCells,
    memo: Memo,
) -> Cells:
    below = partial(evaluate, read=read, memo=memo)
    match node:
        case Trim():
            return trimmed(node, window, below)
        case Extend():
            return extended(node, window, below)
        case Spread():
            return spread(node, window, below)
        case Take():
            return taken(node, window, below)
        case Gather():
            return gathered(node, window, below)
        case Flip():
            return flipped(node, window, below)
        case Sort():
            return sorted_along(node, window, below)
        case Construct():
            return constructed(node, window, below)
        case _:
            assert_never(node)


def _literal(node: Literal, window: Window) -> Cells:
    if node.value is None:
        return nothing(node.fields, window.shape)
    (made,) = node.fields
    beyond = isinstance(node.value, int) and node.value > np.iinfo(np.int64).max
    value = np.asarray(node.value, dtype=np.uint64 if beyond else made.dtype)
    values = np.broadcast_to(value, window.shape)
    return Cells((made.name,), (values,), (np.broadcast_to(np.True_, window.shape),))


def _coordinate(node: Coordinate, window: Window) -> Cells:
    (made,) = node.fields
    start, stop = window.ranges[node.axis]
    axis = node.domain.axes[node.axis]
    along: Values = (
        np.arange(start, stop) if node.index else axis_coordinates(axis, start, stop)
    ).astype(made.dtype, copy=False)
    shape = [-1 if at == node.axis else 1 for at in range(len(window.ranges))]
    values = np.broadcast_to(along.reshape(shape), window.shape)
    return Cells((made.name,), (values,), (np.broadcast_to(np.True_, window.shape),))


def _picked(node: Bands, window: Window, read: ReadCells, memo: Memo) -> Cells:
    found = [evaluate(pick.source, window, read, memo).band(pick.field) for pick in node.picks]
    return Cells(
        tuple(pick.name for pick in node.picks),
        tuple(values for values, _ in found),
        tuple(valid for _, valid in found),
    )
