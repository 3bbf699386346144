"""How many stored chunks a scan reads in the windows that it is asked for."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from datacube.cube import INNER_CHUNK_PX, SHARD_PX, VALID_BAND
from datacube.grid import Window
from datacube.plan.blocks import Cut
from datacube.plan.deep import column_parts, deep_chunks, held_in_blocks, only_in_blocks
from datacube.plan.file_blocks import blocks_read, cut_to
from datacube.plan.nodes import Scan
from datacube.plan.places import is_timed, slot_cells, stored_window
from datacube.plan.tiles import Tiles
from datacube.slots import Slot

type Counts = NDArray[np.int64]


def scanned(scan: Scan, tiles: Tiles) -> tuple[int, int]:
    """Count the chunks of a scan in recorded shards, and their decoded bytes."""
    timed = is_timed(scan)
    hull = tiles.hull
    stored = stored_window(scan, hull)
    shift = [a - b for (a, _), (b, _) in zip(stored.ranges, hull.ranges[timed:], strict=True)]
    cuts = tuple(
        tuple((a + by, b + by) for a, b in one)
        for one, by in zip(tiles.cuts[timed:], shift, strict=True)
    )
    hit = None
    if tiles.pairs is not None and tiles.pairs.axes == (len(hull.ranges) - 2, len(hull.ranges) - 1):
        hit = tiles.pairs.hit
    number = size = 0
    held = held_in_blocks(scan)
    columns = tuple(column_parts(scan.group, stored)) if held else ()
    if held:
        number, size = _of_blocks(scan, stored, tiles)
    for at, stack in enumerate(scan.stacks):
        reads = sum(1 for a, b in tiles.cuts[0] if a <= at < b) if timed else 1
        covers = [
            (slot, cover)
            for slot in (stack.slots if reads else ())
            if (cover := slot_cells(scan, slot, stored)) is not None
        ]
        for k, (slot, cover) in enumerate(covers):
            if held and only_in_blocks(scan, slot, columns, held):
                continue
            spans = _Spans(scan, slot, cuts, hit)
            for band in scan.bands:
                found, decoded = spans.read(band.name, cover, band.numpy_dtype.itemsize)
                number += reads * found
                size += reads * decoded
            contested = _contested(cover, [other for _, other in covers[k + 1 :]])
            if contested is not None:
                found, decoded = spans.read(VALID_BAND, contested, 1)
                number += reads * found
                size += reads * decoded
    return number, size


def _of_blocks(scan: Scan, stored: Window, tiles: Tiles) -> tuple[int, int]:
    """Count the chunks of blocks, each once: they are kept from one window to the next."""
    times = {at for a, b in tiles.cuts[0] for at in range(a, b)}
    stacks = [stack for at, stack in enumerate(scan.stacks) if at in times]
    slots = [slot for stack in stacks for slot in stack.slots]
    return deep_chunks(scan, stored, slots, masks=any(len(s.slots) > 1 for s in stacks))


def _contested(cover: Window, later: list[Window]) -> Window | None:
    """Return the cells in which a slot's mask tells whether a later one gives the place."""
    hull: Window | None = None
    for other in later:
        met = cover.intersect(other)
        if met is not None:
            hull = met if hull is None else hull.hull(met)
    return hull


@dataclass(frozen=True, slots=True)
class _Spans:
    """One slot, in the windows that it is read in."""

    scan: Scan
    slot: Slot
    cuts: tuple[Cut, ...]
    """In the group's indices, `(*axes, y, x)`."""
    hit: Valid | None

    def read(self, band: str, part: Window, itemsize: int) -> tuple[int, int]:
        """Return the chunks that reading a band in the windows decodes, and their bytes."""
        group, level = self.scan.group, self.scan.level
        covered = self.slot.window(group.name)
        if covered is not None and self.slot.file_blocks is not None:
            cuts = cut_to(self.cuts, part)
            read = blocks_read(self.slot, covered, level, band, cuts=cuts, hit=self.hit)
            if read is not None:
                return read
        found = self.chunks(band, part)
        return found, found * INNER_CHUNK_PX**2 * itemsize

    def chunks(self, band: str, part: Window) -> int:
        """Count the chunks of recorded shards that the windows touch within `part`."""
        group, level = self.scan.group, self.scan.level
        covered = self.slot.window(group.name)
        recorded = self.slot.recorded(group, level, band)
        if covered is None or recorded is None:
            return 0
        shards = group.shard_window(covered.window.coarser(level), level)
        starts = group.array_starts(level)
        made: Counts = recorded.astype(np.int64)
        sides = group.shard_shape
        matrices = [
            _touched(one, bounds, start, span, side)
            for one, bounds, start, span, side in zip(
                self.cuts, part.ranges, starts, shards.ranges, sides, strict=True
            )
        ]
        for matrix in matrices[:-2]:
            made = np.tensordot(matrix.sum(axis=0), made, axes=1)
        rows, cols = matrices[-2:]
        if self.hit is None:
            return int(rows.sum(axis=0) @ made @ cols.sum(axis=0))
        return int(((rows @ made @ cols.T) * self.hit).sum())


@lru_cache(maxsize=512)
def _touched(
    cuts: Cut, bounds: tuple[int, int], origin: int, shards: tuple[int, int], side: int
) -> Counts:
    """Count the chunks that each range touches in each shard, along one axis.

    Shape (ranges, shards); `origin` is the array index of grid index 0.
    """
    chunk = INNER_CHUNK_PX if side == SHARD_PX else 1
    ranges = np.asarray(cuts, dtype=np.int64).clip(*bounds) + origin
    edges = np.arange(*shards, dtype=np.int64) * side
    start = np.maximum(ranges[:, :1], edges)
    stop = np.minimum(ranges[:, 1:], edges + side)
    touched: Counts = np.where(stop > start, -(-stop // chunk) - start // chunk, 0)
    return touched
