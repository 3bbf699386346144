"""Which deep blocks a scan over many times reads in the place of its slots, by cost.

The choice is made once a scan, and blocks are chosen only where the chunks that it needs of
them can be kept in memory meanwhile: then each is decoded once, however evaluation cuts the
times and the plane.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product

from datacube.cube import INNER_CHUNK_PX, VALID_BAND, Band, Cube, ResolutionGroup, ShardNumber
from datacube.deep import DEEP_CHUNK_PX, DEEP_KEPT_BYTES, LEAST_RANKS, DeepBlock
from datacube.grid import Grid, Window
from datacube.plan.nodes import Scan
from datacube.plan.places import is_timed, stored_window
from datacube.protocols import CatalogView
from datacube.slots import Slot

READ_BYTES = 65_536
"""A read costs as much as decoding so many bytes."""
_KEPT_AT_ONCE = DEEP_KEPT_BYTES // 4
"""Most decoded bytes of one rank of blocks: two are read while one part of a time passes from
one to the next, each by two threads.
"""

type Ranked = Mapping[tuple[str, str, ShardNumber, int], tuple[DeepBlock, int]]
"""By cube, group, column and slot number: the block that has it there, and its rank."""


def deepened(scan: Scan, view: CatalogView) -> Scan:
    """Return the scan with the blocks that it reads, if any."""
    slots = [slot for stack in scan.stacks for slot in stack.slots]
    if len(slots) < LEAST_RANKS or scan.level or not is_timed(scan):
        return scan
    stored = stored_window(scan, scan.domain.window)
    several = any(len(stack.slots) > 1 for stack in scan.stacks)
    sizes = _sizes(scan, masks=several)
    if _chunks(scan, stored) * LEAST_RANKS * DEEP_CHUNK_PX**2 * sum(sizes) > _KEPT_AT_ONCE:
        return scan
    parts = column_parts(scan.group, stored)
    blocks = view.deep_blocks(scan.cube, scan.group.name, tuple(parts))
    if not blocks:
        return scan
    numbers = frozenset(slot.number for slot in slots)
    chosen = [block for block in blocks if _pays(scan, block, parts[block.column], numbers, sizes)]
    deepest: dict[ShardNumber, int] = {}
    for block in chosen:
        deepest[block.column] = max(deepest.get(block.column, 0), len(block.slots))
    at_once = sum(
        ranks * _chunks(scan, parts[column]) * DEEP_CHUNK_PX**2 * sum(sizes)
        for column, ranks in deepest.items()
    )
    return scan.reading(tuple(chosen)) if 0 < at_once <= _KEPT_AT_ONCE else scan


def series_blocks(
    cube: Cube, bands: Iterable[Band], cell: Grid, view: CatalogView
) -> tuple[DeepBlock, ...]:
    """Return the blocks over a cell, from which the bands of many scenes are read one by one."""
    made: list[DeepBlock] = []
    for name in dict.fromkeys(band.group for band in bands):
        group = cube.group(name)
        plane = group.grid.cover(cell.bbox).window
        columns = tuple(column_parts(group, group.cells_of(plane)))
        made += view.deep_blocks(cube.name, name, columns)
    return tuple(made)


def column_parts(group: ResolutionGroup, stored: Window) -> dict[ShardNumber, Window]:
    """Cut a window of a group's indices, `(*axes, y, x)`, where shards meet: by column."""
    columns = product(*(range(*span) for span in group.shard_window(stored, 0).ranges))
    parts = {column: group.shard_cells(column, 0).intersect(stored) for column in columns}
    return {column: part for column, part in parts.items() if part is not None}


def ranked(blocks: Iterable[DeepBlock]) -> Ranked:
    """Return where each slot stands."""
    return {
        (block.cube, block.group, block.column, number): (block, rank)
        for block in blocks
        for rank, number in enumerate(block.slots)
    }


def held_in_blocks(scan: Scan) -> Ranked:
    """Return what evaluation reads from the blocks of a scan: nothing without an axis of time."""
    return ranked(scan.deep) if is_timed(scan) else {}


def only_in_blocks(scan: Scan, slot: Slot, columns: Collection[ShardNumber], held: Ranked) -> bool:
    """Tell whether no chunk of a slot itself is read in some columns."""
    return all(
        (scan.cube, scan.group.name, column, slot.number) in held
        or not _records(scan, slot, column)
        for column in columns
    )


def deep_chunks(
    scan: Scan, stored: Window, slots: Iterable[Slot], *, masks: bool
) -> tuple[int, int]:
    """Count the chunks of blocks that reading slots in a window decodes, and their bytes.

    `masks` says whether scene masks are read, too.
    """
    wanted = {slot.number for slot in slots}
    parts = column_parts(scan.group, stored)
    number = size = 0
    for block in scan.deep:
        window = parts.get(block.column)
        if window is None or wanted.isdisjoint(block.slots):
            continue
        chunks = _chunks(scan, window)
        for band, itemsize in _bands(scan, masks=masks):
            if band in block.file_bytes:
                number += chunks
                size += chunks * len(block.slots) * DEEP_CHUNK_PX**2 * itemsize
    return number, size


def deep_kept_bytes(scan: Scan) -> int:
    """Bytes of the chunks that are kept while a scan is read."""
    if not scan.deep:
        return 0
    stored = stored_window(scan, scan.domain.window)
    slots = (slot for stack in scan.stacks for slot in stack.slots)
    return min(deep_chunks(scan, stored, slots, masks=True)[1], DEEP_KEPT_BYTES)


def _pays(
    scan: Scan,
    block: DeepBlock,
    window: Window,
    numbers: frozenset[int],
    sizes: tuple[int, ...],
) -> bool:
    """Tell whether a block costs less than those of its slots that are wanted."""
    chunks = _spans(scan, window, INNER_CHUNK_PX)
    live = sum(map(numbers.__contains__, block.slots))
    own = live * sum(chunks * (INNER_CHUNK_PX**2 * size + READ_BYTES) for size in sizes)
    cells = len(block.slots) * DEEP_CHUNK_PX**2
    deep = sum(_chunks(scan, window) * cells * size + READ_BYTES for size in sizes)
    return deep < own


def _records(scan: Scan, slot: Slot, column: ShardNumber) -> bool:
    return any(slot.has_shard(scan.group, 0, band.name, column) for band in scan.bands)


def _bands(scan: Scan, *, masks: bool) -> Iterator[tuple[str, int]]:
    yield from ((band.name, band.numpy_dtype.itemsize) for band in scan.bands)
    if masks:
        yield VALID_BAND, 1


def _sizes(scan: Scan, *, masks: bool) -> tuple[int, ...]:
    return tuple(itemsize for _, itemsize in _bands(scan, masks=masks))


def _chunks(scan: Scan, window: Window) -> int:
    """Count the chunks of one block that a window of grid indices touches."""
    return _spans(scan, window, DEEP_CHUNK_PX)


def _spans(scan: Scan, window: Window, side: int) -> int:
    """Count the squares of array indices that a window touches."""
    count = 1
    for start, stop in scan.group.array_window(window, 0).plane.ranges:
        count *= -(-stop // side) - start // side
    for start, stop in window.ranges[:-2]:
        count *= stop - start
    return count
