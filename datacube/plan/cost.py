"""What an answer will cost, known before work starts."""

from dataclasses import dataclass
from itertools import product
from math import prod

from datacube.cube import INNER_CHUNK_PX, SHARD_PX, VALID_BAND
from datacube.errors import LimitExceededError
from datacube.grid import Window
from datacube.plan.blocks import PARALLEL_BLOCKS, Cut, steps, tiling
from datacube.plan.deep import column_parts, deep_chunks, held_in_blocks, only_in_blocks
from datacube.plan.demand import demand, repeated
from datacube.plan.encoding_memory import encoding_bytes
from datacube.plan.file_blocks import blocks_read
from datacube.plan.handing import evaluated_cuts, handed_bytes
from datacube.plan.holding import Ledger, cells_bytes
from datacube.plan.nodes import Encode, Picture, Plan, Reduce, Scan, distinct
from datacube.plan.places import slot_cells, stacks_in, stored_window
from datacube.plan.reading import chunks_read
from datacube.plan.small import block_groups, small_groups, small_reductions
from datacube.plan.tiles import Tiles
from datacube.protocols import Limits
from datacube.slots import Slot

_BASE_BYTES = 4 * 2**20
"""Memory of threads, plans and what else does not grow with cells."""
_DOUBLE_BYTES = 8
_FAR = 4
"""How far below the limits is far."""
_COUNTED_CELLS = 2**36
"""Cells of an answer above which it is refused by its own size, and soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An estimate that is never too low."""

    chunks: int
    """Stored chunks to be read; one that several blocks need counts for each."""
    decoded_bytes: int
    """Bytes of those chunks after decompression."""
    output_bytes: int
    """Bytes of the cells of the answer before encoding."""
    peak_memory_bytes: int
    """Bytes held at once: the output, or its blocks in turn, and what they need meanwhile."""


type Done = dict[str, Window]
"""Small reductions that earlier answers of a request make, by node, with the cells made."""


def estimate(node: Encode | Picture | Plan, done: Done | None = None) -> Cost:
    """Estimate an answer from the blocks it is evaluated in and the recorded shards.

    Where scenes overlap, all of them count as read, with their masks. What is `done` is
    not read again; what this answer makes for later ones is added to it.
    """
    done = {} if done is None else done
    root = node.source if isinstance(node, Encode) else node
    plans = tuple(layer.source for layer in root.layers) if isinstance(root, Picture) else (root,)
    chunks = decoded = output = handed = working = 0
    for plan in plans:
        window = plan.domain.window
        made = cells_bytes(plan, window)
        # Layers are painted one by one; a picture's own pixels have four bytes.
        output += 4 * window.size if isinstance(root, Picture) else made
        # Beyond any answer the blocks are not even counted: each chunk counts once.
        beyond = window.size > _COUNTED_CELLS
        parts = made if beyond else handed_bytes(node, plan)
        handed += 4 * window.size if isinstance(root, Picture) else parts
        cuts = None if beyond else evaluated_cuts(node, plan)
        held = 0 if cuts is None else _working_bytes(plan, window, cuts)
        working = max(working, held + made if isinstance(root, Picture) else held)
        number, size = _read_at_once(plan, window) if cuts is None else _read(plan, cuts, done)
        chunks += number
        decoded += size
    encoding = encoding_bytes(node) if isinstance(node, Encode) else 0
    return Cost(
        chunks=chunks,
        decoded_bytes=decoded,
        output_bytes=output,
        peak_memory_bytes=handed + working + encoding,
    )


def check(cost: Cost, limits: Limits) -> None:
    """Refuse what costs more than is allowed.

    Raises
    ------
    LimitExceededError
        With the estimate and the limit.
    """
    for what, estimated, allowed, setting in (
        ("stored cells to decode", cost.decoded_bytes, limits.decoded_bytes, "DECODED_BYTES"),
        ("cells of the answer", cost.output_bytes, limits.output_bytes, "OUTPUT_BYTES"),
        ("memory at the peak", cost.peak_memory_bytes, limits.memory_bytes, "MEMORY_BYTES"),
    ):
        if estimated > allowed:
            raise LimitExceededError(
                f"{what}: an estimated {_megabytes(estimated)} is over the limit of "
                f"{_megabytes(allowed)} (LIMIT_{setting}); ask for a smaller area, fewer times "
                "or fewer bands"
            )


def is_surely_little(node: Encode, limits: Limits) -> bool:
    """Tell, without looking at windows and shards, that a map is far below every limit.

    Counts all cells of its scans, in whole chunks and of every slot. For each node it counts
    twice the cells of one slot in double precision: what is merged, and what is merged into
    it. Most tiles are told so; what is not is to be estimated.
    """
    picture = node.source
    if not isinstance(picture, Picture):
        return False
    stored = largest = count = 0
    pixels = picture.grid.window.size
    for plan in distinct(*(layer.source for layer in picture.layers)):
        if isinstance(plan, Reduce):
            return False
        count += max(1, len(plan.fields))
        if isinstance(plan, Scan):
            rows, cols = (size + 2 * INNER_CHUNK_PX for size in plan.domain.shape[-2:])
            cells = prod(plan.domain.shape[:-2]) * rows * cols
            slots = sum(len(stack.slots) for stack in plan.stacks)
            stored += cells * slots * sum(band.numpy_dtype.itemsize + 1 for band in plan.bands)
            largest = max(largest, cells)
    held = _DOUBLE_BYTES * count * (2 * largest + pixels)
    return (
        max(stored, held)
        <= min(limits.decoded_bytes, limits.output_bytes, limits.memory_bytes) // _FAR
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"


def _working_bytes(plan: Plan, window: Window, cuts: tuple[Cut, ...]) -> int:
    """Bytes held beside the output: by the blocks under way, or by reductions before them."""
    uses = repeated(plan)
    small = small_reductions(plan, window)
    held = sum(cells_bytes(node, part) for node, part in small)
    before = max(
        (
            sum(_reducing(node, part, uses) for node, part in group)
            for group in small_groups(plan, window)
        ),
        default=0,
    )
    if isinstance(plan, Reduce) and small and small[-1][0] is plan:
        return _BASE_BYTES + held + before
    block = Window(tuple((one[0][0], one[0][0] + max(b - a for a, b in one)) for one in cuts))
    ledger = Ledger(uses)
    need = ledger.need(plan, block)
    one = need.peak + ledger.kept + _together(plan, block, ledger)
    if block == window:
        # The only block is the output itself.
        return _BASE_BYTES + held + max(before, one - need.result)
    return _BASE_BYTES + held + max(before, PARALLEL_BLOCKS * one)


def _together(plan: Plan, block: Window, ledger: Ledger) -> int:
    """Bytes that reductions of one pass hold beside what the largest of them holds."""
    held = 0
    for group in block_groups(plan, block):
        peaks = [ledger.reduce(node, part).peak for node, part in group]
        held += sum(peaks) - max(peaks)
    return held


def _reducing(node: Reduce, window: Window, uses: frozenset[str]) -> int:
    """Bytes that a small reduction holds while its steps are taken on threads."""
    ledger = Ledger(uses)
    one = ledger.reduce(node, window)
    parts = tiling(node, window).cuts
    tasks = _count(steps(node)) * _count(parts)
    return min(PARALLEL_BLOCKS, tasks) * (one.peak + ledger.kept) + 2 * one.result


def _count(cuts: tuple[Cut, ...]) -> int:
    made = 1
    for one in cuts:
        made *= len(one)
    return made


def _read(plan: Plan, cuts: tuple[Cut, ...], done: Done) -> tuple[int, int]:
    """Return how many chunks are read, and their decoded bytes."""
    window = plan.domain.window
    if _count(cuts) == 1 and not any(isinstance(node, Reduce) for node in distinct(plan)):
        return _read_at_once(plan, window)
    number = size = 0
    groups = small_groups(plan, window)
    for group in groups:
        part = group[0][1]
        wanted = tuple(n for n, _ in group if not _covers(done.get(n.key), part))
        done.update((n.key, part) for n in wanted)
        if wanted:
            found = chunks_read(wanted, Tiles(cuts=tiling(wanted[0], part).cuts))
            number, size = number + found[0], size + found[1]
    if not any(node is plan for group in groups for node, _ in group):
        found = chunks_read((plan,), Tiles(cuts=cuts))
        number, size = number + found[0], size + found[1]
    return number, size


def _covers(made: Window | None, part: Window) -> bool:
    return made is not None and made.intersect(part) == part


def _read_at_once(plan: Plan, window: Window) -> tuple[int, int]:
    """Count what one block reads, window by window: for little work it takes the least time."""
    number = size = 0
    for (_, part), node in demand(plan, window).items():
        if isinstance(node, Scan):
            found = _chunks(node, part)
            number, size = number + found[0], size + found[1]
    return number, size


def _chunks(scan: Scan, window: Window) -> tuple[int, int]:
    """Count chunks and decoded bytes of a scan's window, in recorded shards only."""
    number = size = 0
    stored = stored_window(scan, window)
    stacks = stacks_in(scan, window)
    held = held_in_blocks(scan)
    columns = tuple(column_parts(scan.group, stored)) if held else ()
    if held:
        slots = [slot for stack in stacks for slot in stack.slots]
        masks = any(len(stack.slots) > 1 for stack in stacks)
        number, size = deep_chunks(scan, stored, slots, masks=masks)
    for stack in stacks:
        several = len(stack.slots) > 1
        for slot in stack.slots:
            if held and only_in_blocks(scan, slot, columns, held):
                continue
            part = slot_cells(scan, slot, stored)
            if part is None:
                continue
            for band in scan.bands:
                found, decoded = _band_read(scan, slot, band.name, part, band.numpy_dtype.itemsize)
                number, size = number + found, size + decoded
            if several:
                found, decoded = _band_read(scan, slot, VALID_BAND, part, 1)
                number, size = number + found, size + decoded
    return number, size


def _band_read(scan: Scan, slot: Slot, band: str, part: Window, itemsize: int) -> tuple[int, int]:
    """Return the chunks, or blocks of a registered file, of a band in `part`, and their bytes."""
    covered = slot.window(scan.group.name)
    if covered is not None and slot.file_blocks is not None:
        cuts = tuple((bounds,) for bounds in part.ranges)
        read = blocks_read(slot, covered, scan.level, band, cuts=cuts)
        if read is not None:
            return read
    found = _recorded(scan, slot, band, part)
    return found, found * INNER_CHUNK_PX**2 * itemsize


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
