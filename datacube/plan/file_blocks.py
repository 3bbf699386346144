"""What reading a registered file decodes: its own blocks, not chunks of the store."""

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from datacube.cube import VALID_BAND
from datacube.grid import Window
from datacube.slots import FileBlocks, Slot, SlotWindow

type Cuts = tuple[tuple[tuple[int, int], ...], ...]
"""Ranges of indices by axis, `(*axes, y, x)`."""


def blocks_read(
    slot: Slot, covered: SlotWindow, level: int, band: str, *, cuts: Cuts, hit: Valid | None = None
) -> tuple[int, int] | None:
    """Return how many blocks reading a band in windows decodes, and their bytes.

    None where the slot's cells lie in the store. The windows are every combination of
    `cuts`, of which ranges of the plane only where `hit`, `(rows, columns)`, says so. A mask
    is made of all bands.
    """
    if slot.file_blocks is None:
        return None
    number = size = 0
    places = 1
    for one in cuts[:-2]:
        places *= sum(max(b - a, 0) for a, b in one)
    (y0, y1), (x0, x1) = covered.window.coarser(level).plane.ranges
    for name, block in slot.file_blocks.items():
        if band in (name, VALID_BAND):
            rows = _touched(cuts[-2], (y0, y1), block.rows, block)
            cols = _touched(cuts[-1], (x0, x1), block.cols, block)
            pairs = np.outer(rows, cols)
            found = places * int((pairs if hit is None else pairs * hit).sum())
            number, size = number + found, size + found * block.nbytes
    return number, size


def cut_to(cuts: Cuts, part: Window) -> Cuts:
    """Return the ranges within `part`; those outside are empty."""
    return tuple(
        tuple((min(max(a, low), high), min(max(b, low), high)) for a, b in one)
        for one, (low, high) in zip(cuts, part.ranges, strict=True)
    )


def _touched(
    ranges: tuple[tuple[int, int], ...], own: tuple[int, int], side: int, block: FileBlocks
) -> NDArray[np.int64]:
    """Count the blocks of `side` cells that each range touches.

    Where blocks do not begin with the slot's window, as many as may be.
    """
    numbers = np.asarray(ranges, dtype=np.int64).reshape(-1, 2) - own[0]
    start, stop = numbers[:, 0], numbers[:, 1]
    found = -(-stop // side) - start // side
    if not block.exact:
        most = -(-(own[1] - own[0]) // side) + 1
        found = np.minimum(-(-(stop - start) // side) + 1, most)
    touched: NDArray[np.int64] = np.where(stop > start, found, 0)
    return touched
