"""Evaluation: the cells of a node in a window."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.evaluate.functions import apply_function
from datacube.evaluate.mosaic import merge
from datacube.evaluate.scan import read_scan
from datacube.evaluate.warp import resample
from datacube.grid import Window
from datacube.plan.nodes import (
    Apply,
    Bands,
    Literal,
    Mosaic,
    Plan,
    Resample,
    Scan,
    Slice,
    Trim,
)
from datacube.plan.windows import kept_indices, slice_window, trim_window
from datacube.protocols import ReadCells

type Memo = dict[tuple[str, Window], Cells]
"""Cells made for one block, by node key and window: a common part is read once."""


def evaluate(node: Plan, window: Window, read: ReadCells, memo: Memo | None = None) -> Cells:
    """Return the values of `node` in `window`, and where they are valid.

    `window` is in the indices of the node's domain and lies within it. The arrays
    may be shared with other results: nothing may write into them.
    """
    memo = {} if memo is None else memo
    at = (node.key, window)
    if at not in memo:
        memo[at] = _evaluate(node, window, read, memo)
    return memo[at]


def _evaluate(node: Plan, window: Window, read: ReadCells, memo: Memo) -> Cells:
    def below(source: Plan, part: Window) -> Cells:
        return evaluate(source, part, read, memo)

    match node:
        case Scan():
            return read_scan(node, window, read)
        case Literal():
            return _literal(node, window)
        case Trim(source=source):
            return _kept(node, window, below(source, trim_window(node, window)))
        case Slice(source=source, axis=axis):
            cells = below(source, slice_window(node, window))
            return _each(cells, lambda a: a[(slice(None),) * axis + (0,)])
        case Bands():
            return _picked(node, window, read, memo)
        case Resample():
            return resample(node, window, below)
        case Mosaic():
            return merge(node, window, below)
        case Apply(args=args):
            return apply_function(node, tuple(below(arg, window) for arg in args))
        case _:
            assert_never(node)


def _literal(node: Literal, window: Window) -> Cells:
    (made,) = node.fields
    values = np.broadcast_to(np.asarray(node.value, dtype=made.dtype), window.shape)
    return Cells((made.name,), (values,), (np.broadcast_to(np.True_, window.shape),))


def _picked(node: Bands, window: Window, read: ReadCells, memo: Memo) -> Cells:
    found = [evaluate(pick.source, window, read, memo).band(pick.field) for pick in node.picks]
    return Cells(
        tuple(pick.name for pick in node.picks),
        tuple(values for values, _ in found),
        tuple(valid for _, valid in found),
    )


def _kept(node: Trim, window: Window, cells: Cells) -> Cells:
    for at, (source, kept) in enumerate(
        zip(node.source.domain.outer, node.domain.outer, strict=True)
    ):
        numbers = kept_indices(source, kept)
        start, stop = window.ranges[at]
        if numbers is None or numbers[stop - 1] - numbers[start] + 1 == stop - start:
            continue
        # Acquisitions whose intervals overlap may be kept with gaps between them.
        places = np.asarray(numbers[start:stop]) - numbers[start]
        cells = _each(cells, partial(np.take, indices=places, axis=at))
    return cells


def _each(cells: Cells, change: Callable[[Values | Valid], Values]) -> Cells:
    return Cells(
        cells.names,
        tuple(change(a) for a in cells.values),
        tuple(change(a) for a in cells.valid),
    )
