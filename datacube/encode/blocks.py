"""The order in which a plan is evaluated for a file: block by block, so that memory is bounded."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from datacube.grid import Window
from datacube.plan.blocks import windows
from datacube.plan.handing import file_cuts
from datacube.plan.nodes import Domain

TILE_PX = 512
"""Side of the tiles and chunks of files."""


def blocks(domain: Domain, fields: int) -> Iterator[Window]:
    """Yield the windows of `file_cuts`, in array order.

    Their planes (the last two axes) are whole tiles of `TILE_PX` counted from the
    domain's first cell, or cut by its end.
    """
    yield from windows(file_cuts(domain.window, fields))


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
