"""What an answer will cost, known before work starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from datacube.cube import INNER_CHUNK_PX, SHARD_PX, VALID_BAND, Band, Slot
from datacube.errors import LimitExceededError
from datacube.grid import Window
from datacube.plan.nodes import (
    Bands,
    Encode,
    Literal,
    Picture,
    Plan,
    Resample,
    Scan,
    Slice,
    Trim,
)
from datacube.plan.places import slot_cells, stacks_in, stored_window
from datacube.plan.windows import inputs
from datacube.protocols import Limits

BLOCK_SIDE_PX = 1024
"""Longest side of the blocks that an output is evaluated in."""
PARALLEL_BLOCKS = 2
"""Blocks that are evaluated at one time."""
_POSITION_BYTES = 32
"""Bytes of positions that a warp makes for a cell of its plane, before `_TEMPORARIES`."""
_TEMPORARIES = 2
"""Copies of a node's cells that its evaluation may hold beside the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An estimate that is never too low."""

    chunks: int
    """Stored chunks to be read."""
    decoded_bytes: int
    """Bytes of those chunks after decompression."""
    output_bytes: int
    """Bytes of the cells of the answer before encoding."""
    peak_memory_bytes: int
    """Bytes held at once: the output, and what its blocks need meanwhile."""


def estimate(node: Encode | Picture | Plan) -> Cost:
    """Estimate an answer from the windows its scans are read in and the recorded shards.

    Where scenes overlap, all of them count as read, with their masks.
    """
    root = node.source if isinstance(node, Encode) else node
    plans = tuple(layer.source for layer in root.layers) if isinstance(root, Picture) else (root,)
    chunks = decoded = output = working = 0
    for plan in plans:
        window = plan.domain.window
        made = cells_bytes(plan, window)
        # Layers are painted one by one; a picture's own pixels have four bytes.
        output += 4 * window.size if isinstance(root, Picture) else made
        held = _block_bytes(plan)
        working = max(working, held + made if isinstance(root, Picture) else held)
        for scan, part in {(s.key, w): (s, w) for s, w in _scanned(plan, window)}.values():
            number, size = _chunks(scan, part)
            chunks += number
            decoded += size
    return Cost(
        chunks=chunks,
        decoded_bytes=decoded,
        output_bytes=output,
        peak_memory_bytes=output + working,
    )


def check(cost: Cost, limits: Limits) -> None:
    """Refuse what costs more than is allowed.

    Raises
    ------
    LimitExceededError
        With the estimate and the limit.
    """
    for what, estimated, allowed in (
        ("stored cells to decode", cost.decoded_bytes, limits.decoded_bytes),
        ("cells of the answer", cost.output_bytes, limits.output_bytes),
        ("memory at the peak", cost.peak_memory_bytes, limits.memory_bytes),
    ):
        if estimated > allowed:
            raise LimitExceededError(
                f"{what}: an estimated {_megabytes(estimated)} is over the limit of "
                f"{_megabytes(allowed)}; ask for a smaller area, fewer times or fewer bands"
            )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def cells_bytes(plan: Plan, window: Window) -> int:
    """Bytes of a window of evaluated cells: values, and a byte of validity each."""
    return window.size * sum(field.numpy_dtype.itemsize + 1 for field in plan.fields)


def _scanned(plan: Plan, window: Window) -> Iterator[tuple[Scan, Window]]:
    """Yield every scan below `plan` with the window it is read in."""
    done: set[tuple[str, Window]] = set()
    todo = [(plan, window)]
    while todo:
        node, part = todo.pop()
        if (node.key, part) in done:
            continue
        done.add((node.key, part))
        if isinstance(node, Scan):
            yield node, part
        todo.extend(inputs(node, part))


def _block_bytes(plan: Plan) -> int:
    """Bytes of all that the blocks under way hold: each node's cells for the largest block."""
    whole = plan.domain.window
    plane = tuple(min(n, BLOCK_SIDE_PX) for n in whole.plane.shape)
    blocks = -(-whole.size // prod(plane))
    starts = [start for start, _ in whole.ranges]
    lengths = (*([1] * (len(starts) - 2)), *plane)
    block = Window(tuple((a, a + n) for a, n in zip(starts, lengths, strict=True)))
    held: dict[tuple[str, Window], int] = {}
    todo = [(plan, block)]
    while todo:
        node, part = todo.pop()
        if (node.key, part) not in held:
            # These only pass on what their sources hold.
            shared = isinstance(node, Bands | Trim | Slice | Literal)
            held[node.key, part] = 0 if shared else cells_bytes(node, part)
            if isinstance(node, Resample):
                held[node.key, part] += _POSITION_BYTES * part.plane.size
            todo.extend(inputs(node, part))
    return sum(held.values()) * _TEMPORARIES * min(PARALLEL_BLOCKS, blocks)


def _chunks(scan: Scan, window: Window) -> tuple[int, int]:
    """Count chunks and decoded bytes of a scan's window, in recorded shards only."""
    number = size = 0
    stored = stored_window(scan, window)
    for stack in stacks_in(scan, window):
        several = len(stack.slots) > 1
        for slot in stack.slots:
            part = slot_cells(scan, slot, stored)
            if part is None:
                continue
            for band in scan.bands:
                found = _recorded(scan, slot, band.name, part)
                number += found
                size += found * INNER_CHUNK_PX**2 * _itemsize(band)
            if several:
                masks = _recorded(scan, slot, VALID_BAND, part)
                number += masks
                size += masks * INNER_CHUNK_PX**2
    return number, size


def _itemsize(band: Band) -> int:
    return int(band.numpy_dtype.itemsize)


def _recorded(scan: Scan, slot: Slot, band: str, part: Window) -> int:
    """Count the inner chunks of recorded shards that a `(*axes, y, x)` window touches."""
    group, level = scan.group, scan.level
    array = group.array_window(part, level)
    total = 0
    for shard in product(*(range(*span) for span in group.shard_window(part, level).ranges)):
        if slot.has_shard(group, level, band, shard):
            total += _chunk_span(array.rows, shard[-2]) * _chunk_span(array.cols, shard[-1])
    return total


def _chunk_span(cells: tuple[int, int], shard: int) -> int:
    """Count the chunks along one axis that a range of array indices touches in a shard."""
    start, stop = max(cells[0], shard * SHARD_PX), min(cells[1], (shard + 1) * SHARD_PX)
    return -(-stop // INNER_CHUNK_PX) - start // INNER_CHUNK_PX
