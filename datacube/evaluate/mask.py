"""Clipping: null outside an area, of which only the touched parts are read."""

from functools import lru_cache

import numpy as np

from datacube.cells import Cells, Valid
from datacube.evaluate.shape import Below, empty, nothing, put
from datacube.grid import Window
from datacube.plan.area import inside, is_inside, touched_parts
from datacube.plan.nodes import Mask

_KEPT_CELLS = 262_144
"""Most cells of a plane that is kept, eight of them at a time."""


def masked(node: Mask, window: Window, below: Below) -> Cells:
    """Return the source where it lies in the area."""
    parts = touched_parts(node, window)
    if not parts:
        return nothing(node.fields, window.shape)
    if parts == (window,):
        return _cut(node, window, below)
    made = empty(node.fields, window.shape)
    for part in parts:
        put(made, part.slices(window), _cut(node, part, below))
    return made


def _cut(node: Mask, window: Window, below: Below) -> Cells:
    cells = below(node.source, window)
    plane = Window(
        tuple(
            bounds if at in (node.rows, node.cols) else (0, 1)
            for at, bounds in enumerate(window.ranges)
        )
    )
    area = (_kept_area if plane.size <= _KEPT_CELLS else _area)(node, plane)
    if area is None:
        return cells
    return Cells(cells.names, cells.values, tuple([np.logical_and(v, area) for v in cells.valid]))


def _area(node: Mask, plane: Window) -> Valid | None:
    """Return which cells of a plane lie in the area; None where all do."""
    return None if is_inside(node, plane) else inside(node, plane)


# Every date asks for the same few.
_kept_area = lru_cache(maxsize=8)(_area)
