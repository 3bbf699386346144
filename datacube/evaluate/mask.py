"""Clipping: null outside an area, of which only the touched parts are read."""

import numpy as np

from datacube.cells import Cells
from datacube.evaluate.shape import Below, empty, nothing, put
from datacube.grid import Window
from datacube.plan.area import inside, is_inside, touched_parts
from datacube.plan.nodes import Mask


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
    if is_inside(node, window):
        return cells
    area = inside(node, window)
    return Cells(cells.names, cells.values, tuple([np.logical_and(v, area) for v in cells.valid]))
