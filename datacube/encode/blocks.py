"""The order in which a plan is evaluated for a file: block by block, so that memory is bounded."""

from collections.abc import Iterator
from itertools import product
from math import isqrt

from datacube.grid import Window
from datacube.plan.nodes import Domain

TILE_PX = 512
"""Side of the tiles and chunks of files."""
BLOCK_CELLS = 8_388_608
"""Cells, over all fields, that one block may hold: about 25 MB of int16 with validity."""


def blocks(domain: Domain, fields: int) -> Iterator[Window]:
    """Yield windows that part the domain, in array order.

    Their planes are whole tiles of `TILE_PX` counted from the domain's first cell,
    or cut by its end. Where a plane is small, several cells of the last outer axis
    go together.
    """
    *outer, rows, cols = domain.window.ranges
    room = max(1, BLOCK_CELLS // fields)
    side = TILE_PX * max(1, isqrt(room) // TILE_PX)
    plane_cells = (rows[1] - rows[0]) * (cols[1] - cols[0])
    together = max(1, room // plane_cells)
    outer_parts = [_parts(bounds, 1) for bounds in outer[:-1]]
    outer_parts += [_parts(bounds, together) for bounds in outer[-1:]]
    for ranges in product(*outer_parts, _parts(rows, side), _parts(cols, side)):
        yield Window(ranges)


def _parts(bounds: tuple[int, int], step: int) -> list[tuple[int, int]]:
    first, stop = bounds
    return [(start, min(start + step, stop)) for start in range(first, stop, step)]
