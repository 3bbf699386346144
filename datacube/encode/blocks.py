"""The order in which a plan is evaluated for a file: block by block, so that memory is bounded."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import isqrt, prod

from datacube.grid import Window
from datacube.plan.nodes import Domain

TILE_PX = 512
"""Side of the tiles and chunks of files."""
BLOCK_CELLS = 8_388_608
"""Cells, over all fields, that one block may hold: about 25 MB of int16 with validity."""


def blocks(domain: Domain, fields: int) -> Iterator[Window]:
    """Yield windows that part the domain, in array order.

    Their planes (the last two axes) are whole tiles of `TILE_PX` counted from the
    domain's first cell, or cut by its end. Where a plane is small, several cells of
    the last outer axis go together. A domain of fewer axes is cut along its last one.
    """
    room = max(1, BLOCK_CELLS // fields)
    if len(domain.axes) < 2:
        for ranges in product(*(_parts(bounds, room) for bounds in domain.window.ranges)):
            yield Window(ranges)
        return
    *outer, rows, cols = domain.window.ranges
    side = TILE_PX * max(1, isqrt(room) // TILE_PX)
    plane_cells = (rows[1] - rows[0]) * (cols[1] - cols[0])
    together = max(1, room // plane_cells)
    outer_parts = [_parts(bounds, 1) for bounds in outer[:-1]]
    outer_parts += [_parts(bounds, together) for bounds in outer[-1:]]
    for ranges in product(*outer_parts, _parts(rows, side), _parts(cols, side)):
        yield Window(ranges)


def chunk_shape(domain: Domain) -> tuple[int, ...]:
    """Return the cells of a file's chunk along each axis: a tile of the last two, 1 of others.

    A single axis is cut as long as a tile has cells.
    """
    count = len(domain.axes)
    if count < 2:
        return (TILE_PX * TILE_PX,) * count
    return (1,) * (count - 2) + (TILE_PX, TILE_PX)


def runs(shape: Sequence[int], room: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield half-open ranges, one an axis, that part an array into runs of its row-major order.

    Each has at most `room` places: one place on the first axes, a part of the next,
    and all of the others.

    >>> list(runs((2, 3), 2))[:2]
    [((0, 1), (0, 2)), ((0, 1), (2, 3))]
    """
    inner = [prod(shape[at + 1 :]) for at in range(len(shape))]
    at = next((k for k, cells in enumerate(inner) if cells <= room), 0)
    parts = [_parts((0, size), 1) for size in shape[:at]]
    parts += [_parts((0, size), max(1, room // inner[at])) for size in shape[at : at + 1]]
    parts += [[(0, size)] for size in shape[at + 1 :]]
    yield from product(*parts)


def _parts(bounds: tuple[int, int], step: int) -> list[tuple[int, int]]:
    first, stop = bounds
    return [(start, min(start + step, stop)) for start in range(first, stop, step)]
