"""Cutting work into blocks: those of an output, and those that a reduction takes in turn.

Evaluation follows these cuts and cost estimates count along them. Cuts lie at fixed
multiples of the axes' own indices, so that blocks fall together with stored chunks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import isqrt, prod

from datacube.cube import INNER_CHUNK_PX
from datacube.grid import Window
from datacube.plan.nodes import Plan, Reduce
from datacube.plan.reducers import reducer, state_bytes

BLOCK_SIDE_PX = 1024
"""Longest side of the blocks that an output is evaluated in."""
PARALLEL_BLOCKS = 2
"""Blocks that are evaluated at one time."""
SMALL_CELLS = 65_536
"""A reduction to at most so many cells is done once, before the blocks that use it."""
_STATE_BYTES = 192 * 2**20
"""Most that the states of one block's reduction may take, where its values are collected."""
_RUN_CELLS = 65_536
"""Cells of one step of a reduction of whole planes, at least."""
_MOST_STEPS = 4096
"""Steps of a reduction along outer axes alone, at most."""
_BATCH_CELLS = 262_144
"""Cells that are evaluated at once for several steps of a reduction to few cells."""

type Cut = tuple[tuple[int, int], ...]
"""The half-open ranges that part one axis."""


def cut(bounds: tuple[int, int], length: int) -> Cut:
    """Part a range at multiples of `length`, counted from index 0.

    A range of at most that length stays whole.
    """
    start, stop = bounds
    if stop - start <= length:
        return (bounds,)
    firsts = [start, *range((start // length + 1) * length, stop, length)]
    return tuple(zip(firsts, [*firsts[1:], stop], strict=True))


def windows(cuts: tuple[Cut, ...]) -> Iterator[Window]:
    """Yield the blocks that cuts of each axis make, in array order."""
    for ranges in product(*cuts):
        yield Window(ranges)


def output_cuts(plan: Plan, window: Window) -> tuple[Cut, ...]:
    """Part a window of an output: planes of at most a block's side, few outer places at once."""
    lengths = block_lengths(plan, window)
    return tuple(cut(bounds, length) for bounds, length in zip(window.ranges, lengths, strict=True))


def block_lengths(plan: Plan, window: Window) -> tuple[int, ...]:
    """Return the longest side of a window's blocks along each axis."""
    lengths = [1] * len(window.ranges)
    flat = 0 if plan.domain.grid is None else 2
    for at in range(len(lengths) - flat, len(lengths)):
        lengths[at] = BLOCK_SIDE_PX
    cells = prod(min(n, BLOCK_SIDE_PX) for n in window.shape[len(lengths) - flat :])
    for at in reversed(range(len(lengths) - flat)):
        lengths[at] = max(1, min(window.shape[at], BLOCK_SIDE_PX**2 // cells))
        cells *= lengths[at]
    return tuple(lengths)


@lru_cache(maxsize=256)
def steps(node: Reduce) -> tuple[Cut, ...]:
    """Part the reduced axes. Each block of them makes one partial state.

    It depends on the reduced axes alone, so that results agree bit for bit whatever the
    other axes and the blocks of the result are.
    """
    axes = node.source.domain.axes
    flat = len(node.source.domain.outer)
    sizes = {at: axes[at].size for at in node.axes}
    spatial = [at for at in node.axes if at >= flat or getattr(axes[at], "crs", None) is not None]
    lengths = {at: min(sizes[at], BLOCK_SIDE_PX) for at in spatial}
    cells = prod(lengths.values())
    outer = [at for at in node.axes if at not in spatial]
    room = _RUN_CELLS if len(spatial) > 1 else 1
    if not spatial:
        room = -(-prod(sizes.values()) // _MOST_STEPS)
    for at in reversed(outer):
        lengths[at] = max(1, min(sizes[at], room // cells))
        cells *= lengths[at]
    return tuple(cut((axes[at].first, axes[at].stop), lengths[at]) for at in node.axes)


def step_cells(node: Reduce) -> int:
    """Cells of the largest step."""
    return prod(max(b - a for a, b in one) for one in steps(node))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How the result of a reduction is parted: each part has states of its own."""

    cuts: tuple[Cut, ...]
    batch: int
    """Steps along the last reduced axis that are evaluated at once."""


def tiling(node: Reduce, window: Window) -> Tiling:
    """Part a window of a reduction's result so that one step of a part fits in a block."""
    reduced = step_cells(node)
    room = max(1, BLOCK_SIDE_PX**2 // reduced)
    if reducer(node.operator).collects:
        whole = prod(node.source.domain.axes[at].size for at in node.axes)
        each = sum(
            state_bytes(node.operator, f.dtype, 1 << 20, whole) >> 20 for f in node.source.fields
        )
        room = max(1, min(room, _STATE_BYTES // max(1, each)))
    lengths = _lengths(window.shape, room)
    cells = reduced * prod(min(length, n) for length, n in zip(lengths, window.shape, strict=True))
    return Tiling(
        cuts=tuple(
            cut(bounds, length) for bounds, length in zip(window.ranges, lengths, strict=True)
        ),
        batch=max(1, _BATCH_CELLS // cells),
    )


def _lengths(shape: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Share `room` cells among axes, the last ones first, along whole chunks where it can."""
    lengths = [1] * len(shape)
    if len(shape) > 1 and prod(shape[-2:]) > room:
        side = isqrt(room) // INNER_CHUNK_PX * INNER_CHUNK_PX
        wide = min(shape[-1], max(side, min(room, INNER_CHUNK_PX)))
        rows = max(1, min(shape[-2], room // wide))
        if INNER_CHUNK_PX < rows < shape[-2]:
            # Cuts between chunks: no two parts decode the same.
            rows -= rows % INNER_CHUNK_PX
        lengths[-2:] = [rows, wide]
        return tuple(lengths)
    for at in reversed(range(len(shape))):
        lengths[at] = max(1, min(shape[at], room))
        room //= lengths[at]
    return tuple(lengths)


def is_small(plan: Plan) -> bool:
    """Tell whether a node is a reduction that is done once for all blocks."""
    return isinstance(plan, Reduce) and plan.domain.size <= SMALL_CELLS
