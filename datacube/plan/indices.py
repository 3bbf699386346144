"""Indices that choose cells: which cell of a source each cell of a result shows."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.grid import Window
from datacube.plan.nodes import Affine, Gather, Take

type Indices = NDArray[np.int64]

RUN_CELLS = 262_144
"""Cells of the source that are read at once for a run of gathered cells."""


def take_indices(node: Take, window: Window) -> Indices:
    """Return the source's indices for a window; axes that they do not depend on have length 1."""
    axes = node.domain.axes
    if isinstance(node.index, Affine):
        made: Indices = np.full((1,) * len(axes), node.index.offset, dtype=np.int64)
        for at, factor in node.index.terms:
            shape = tuple(-1 if k == at else 1 for k in range(len(axes)))
            made = made + factor * np.arange(*window.ranges[at], dtype=np.int64).reshape(shape)
        return made
    part = tuple(
        slice(start - axis.first, stop - axis.first) if at in node.index.axes else slice(None)
        for at, ((start, stop), axis) in enumerate(zip(window.ranges, axes, strict=True))
    )
    return _table(node)[part]


@lru_cache(maxsize=64)
def _table(node: Take) -> Indices:
    if isinstance(node.index, Affine):
        raise TypeError("an affine index has no table")
    shape = tuple(
        axis.size if at in node.index.axes else 1 for at, axis in enumerate(node.domain.axes)
    )
    return np.asarray(node.index.indices, dtype=np.int64).reshape(shape)


def span(indices: NDArray[Any]) -> tuple[int, int]:
    """Return the half-open range that holds all indices."""
    return int(indices.min()), int(indices.max()) + 1


def gathered_runs(node: Gather, window: Window) -> Iterator[tuple[slice, Window]]:
    """Yield runs of gathered cells, counted from the window's first, with the source's cells.

    A long line across a map is read in pieces, since the hull of the whole is mostly
    cells beside it.
    """
    at = node.axes[0]
    start, stop = window.ranges[at]
    first = node.domain.axes[at].first
    cells = _cells(node)[start - first : stop - first]
    rest = [bounds for k, bounds in enumerate(window.ranges) if k != at]
    others = int(np.prod([b - a for a, b in rest], dtype=np.int64))
    for begin, end in _runs(cells, max(1, RUN_CELLS // max(1, others))):
        ranges = iter(rest)
        hulls = iter([span(cells[begin:end, k]) for k in range(len(node.axes))])
        source = tuple(
            next(hulls) if k in node.axes else next(ranges)
            for k in range(len(node.source.domain.axes))
        )
        yield slice(begin, end), Window(source)


@lru_cache(maxsize=64)
def _cells(node: Gather) -> Indices:
    return np.asarray(node.cells, dtype=np.int64).reshape(-1, len(node.axes))


def gather_places(node: Gather, window: Window, run: slice, part: Window) -> tuple[Indices, ...]:
    """Return the gathered cells of a run, counted from the first cell of `part`, axis by axis."""
    start = window.ranges[node.axes[0]][0] - node.domain.axes[node.axes[0]].first
    cells = _cells(node)[start + run.start : start + run.stop]
    return tuple(cells[:, k] - part.ranges[at][0] for k, at in enumerate(node.axes))


def _runs(cells: Indices, room: int) -> Iterator[tuple[int, int]]:
    """Halve the list until the hull of each run has at most `room` cells."""
    todo = [(0, len(cells))]
    while todo:
        begin, end = todo.pop()
        part = cells[begin:end]
        hull = int(np.prod(part.max(axis=0) - part.min(axis=0) + 1, dtype=np.int64))
        if hull <= room or end - begin == 1:
            yield begin, end
        else:
            middle = (begin + end) // 2
            todo += [(middle, end), (begin, middle)]
