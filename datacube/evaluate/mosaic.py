"""Mosaics: place by place the first source with data."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from datacube.cells import Cells, Valid
from datacube.grid import Window
from datacube.plan.geometry import TOLERANCE_CELLS, CoarseMap, Positions, lonlat_map
from datacube.plan.nodes import Member, Mosaic, Plan
from datacube.protocols import Bbox

_DEGREE_M = 111_320.0
"""Length of a degree; only the tolerance of an interpolation rests on it."""


def merge(node: Mosaic, window: Window, below: Callable[[Plan, Window], Cells]) -> Cells:
    """Merge the members of `node`; a member that no place needs is not evaluated."""
    fields = node.fields
    values = tuple(np.zeros(window.shape, dtype=f.dtype) for f in fields)
    valid = tuple(np.zeros(window.shape, dtype=np.bool_) for _ in fields)
    free = np.ones(window.shape, dtype=np.bool_)
    names = tuple(f.name for f in fields)
    for member, places in _turns(node, window):
        wanted = free if places is None else free & places
        if not wanted.any():
            continue
        cells = below(member.source, window)
        data = np.logical_or.reduce(cells.valid)
        taken = wanted & data
        if taken.all():
            return Cells(names, cells.values, cells.valid)
        for at in range(len(fields)):
            np.copyto(values[at], cells.values[at], where=taken)
            np.copyto(valid[at], cells.valid[at], where=taken)
        free &= ~taken
    return Cells(names, values, valid)


def _turns(node: Mosaic, window: Window) -> list[tuple[Member, Valid | None]]:
    """List who may fill which places, in order: members at home first, then all."""
    everywhere: list[tuple[Member, Valid | None]] = [(m, None) for m in node.members]
    if len(node.members) == 1 or not any(m.home for m in node.members):
        return everywhere
    rows, cols = _lonlat(node).positions(window.plane)
    at_home: list[tuple[Member, Valid | None]] = [
        (m, np.broadcast_to(_inside(rows, cols, m.home), window.shape))
        for m in node.members
        if m.home is not None
    ]
    return at_home + everywhere


def _inside(lat: Positions, lon: Positions, home: Bbox) -> Valid:
    west, south, east, north = home
    inside: Valid = (lon >= west) & (lon < east) & (lat >= south) & (lat < north)
    return inside


@lru_cache(maxsize=256)
def _lonlat(node: Mosaic) -> CoarseMap:
    grid = node.domain.grid
    pixel = min(abs(grid.x.step), abs(grid.y.step))
    if not grid.crs.is_geographic:
        pixel /= _DEGREE_M
    return lonlat_map(grid, TOLERANCE_CELLS * pixel)
