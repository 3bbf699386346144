"""Mosaics: place by place the first source with data; a band it lacks comes from the next."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from datacube.cells import Cells, Valid
from datacube.evaluate.offers import offering
from datacube.grid import Window
from datacube.plan.geometry import TOLERANCE_CELLS, CoarseMap, Positions, lonlat_map
from datacube.plan.nodes import Member, Mosaic, Plan
from datacube.protocols import Bbox

_DEGREE_M = 111_320.0
"""Length of a degree; only the tolerance of an interpolation rests on it."""


def merge(node: Mosaic, window: Window, below: Callable[[Plan, Window], Cells]) -> Cells:
    """Merge the members of `node`; a member that no place needs is not evaluated."""

    def evaluated(source: Plan) -> Cells:
        return below(source, window)

    fields = node.fields
    values = tuple(np.zeros(window.shape, dtype=f.dtype) for f in fields)
    valid = tuple(np.zeros(window.shape, dtype=np.bool_) for _ in fields)
    free = tuple(np.ones(window.shape, dtype=np.bool_) for _ in fields)
    names = tuple(f.name for f in fields)
    for member, places in _turns(node, window):
        wanted = free if places is None else tuple(left & places for left in free)
        if not any(left.any() for left in wanted):
            continue
        cells = evaluated(member.source)
        taken = tuple(
            left & _offered(member.source, name, cells, evaluated)
            for name, left in zip(names, wanted, strict=True)
        )
        if all(part.all() for part in taken):
            return Cells(names, cells.values, cells.valid)
        for at, part in enumerate(taken):
            np.copyto(values[at], cells.values[at], where=part)
            np.copyto(valid[at], cells.valid[at], where=part)
            free[at][part] = False
    return Cells(names, values, valid)


def _offered(source: Plan, field: str, cells: Cells, evaluated: Callable[[Plan], Cells]) -> Valid:
    """Return where `source` gives `field`, be it as a hole of the scene that it shows.

    `cells` are those of `source`; `evaluated` gives those of its masks in the same window.
    """
    data: Valid = np.logical_or.reduce(cells.valid)
    known = cells.band(field)[1]
    masks = offering(source, field) if (data & ~known).any() else None
    if masks is None:
        return data
    shown = np.zeros_like(data)
    for mask in masks:
        shown |= evaluated(mask).valid[0]
    return known | (data & shown)


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
    grid = node.domain.plane
    pixel = min(abs(grid.x.step), abs(grid.y.step))
    if not grid.crs.is_geographic:
        pixel /= _DEGREE_M
    return lonlat_map(grid, TOLERANCE_CELLS * pixel)
