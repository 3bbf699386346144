"""Cutting an output into blocks, and running them at once, on threads or lazily on Dask."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from math import ceil
from time import monotonic
from typing import Any

import dask
import dask.array as da
import numpy as np

from datacube.cells import Cells, Values
from datacube.cube import SHARD_PX
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.evaluate.cells import evaluate, evaluate_into
from datacube.evaluate.joint import Joint, JointStates, merge_all
from datacube.evaluate.memo import Memo, Shared
from datacube.evaluate.reduce import Folding
from datacube.evaluate.shape import empty, put
from datacube.evaluate.tally import Tally, tally_of
from datacube.grid import Window
from datacube.plan.blocks import (
    PARALLEL_BLOCKS,
    output_cuts,
    steps,
    tiling,
    windows,
)
from datacube.plan.demand import repeated
from datacube.plan.nodes import Bands, Pick, Plan, Reduce
from datacube.plan.rules import rewrite
from datacube.plan.small import block_groups, small_groups, small_reductions
from datacube.protocols import Limits, ReadCells


def compute(
    node: Plan,
    read: ReadCells,
    *,
    window: Window | None = None,
    limits: Limits,
    deadline: float | None = None,
    shared: Shared | None = None,
) -> Cells:
    """Evaluate `node` in `window`, by default all of it.

    Reductions to few cells are done first, each once, their steps on threads. Then the
    blocks of the rest: one at once in this thread, several on threads. The clock is
    looked at between blocks and steps; `deadline` is in `time.monotonic` seconds, by
    default `limits.seconds` from now. `shared` keeps the small results for further
    windows of the same answer.

    Raises
    ------
    LimitExceededError
        If the time is up.
    """
    window = node.domain.window if window is None else window
    tick = clock(limits, monotonic() + limits.seconds if deadline is None else deadline)
    tick()
    shared = {} if shared is None else shared
    uses = repeated(node)
    _share(node, window, read, shared, Memo(shared=shared, repeated=uses, tick=tick))
    blocks = tuple(windows(output_cuts(node, window)))
    memo = Memo(shared=shared, repeated=uses, tick=tick)
    if len(blocks) == 1:
        _join(node, window, read, memo)
        return evaluate(node, window, read, memo)
    made = empty(node.fields, window.shape)

    def run(block: Window) -> None:
        tick()
        inner = memo.inner()
        _join(node, block, read, inner)
        target = made.part(block.slices(window))
        evaluate_into(node, block, read, inner, target=target)

    for _ in _in_order(run, blocks):
        pass
    return made


def _join(node: Plan, block: Window, read: ReadCells, memo: Memo) -> None:
    """Do the reductions of a block that go through the same cells, for its memo."""
    for group in block_groups(node, block):
        part = group[0][1]
        joint = Joint(tuple(Folding(one, partial(evaluate, read=read)) for one, _ in group))
        within = joint.memo(memo)
        made = tuple(empty(one.fields, part.shape) for one, _ in group)
        for piece in windows(tiling(group[0][0], part).cuts):
            _put(made, piece.slices(part), joint.part(piece, within.inner()))
        for (one, _), cells in zip(group, made, strict=True):
            memo.cells[one.key, part] = cells


def compute_small(
    node: Plan, read: ReadCells, *, limits: Limits, deadline: float, shared: Shared
) -> None:
    """Do the reductions to few cells that the whole of `node` needs, for all its windows.

    Raises
    ------
    LimitExceededError
        If the time is up.
    """
    memo = Memo(shared=shared, repeated=repeated(node), tick=clock(limits, deadline))
    _share(node, node.domain.window, read, shared, memo)


def clock(limits: Limits, deadline: float) -> Callable[[], None]:
    """Return what raises LimitExceededError once the time is up."""

    def tick() -> None:
        if monotonic() > deadline:
            raise LimitExceededError(
                f"the answer took longer than {limits.seconds:g} s (LIMIT_SECONDS)"
            )

    return tick


def _in_order[T, R](run: Callable[[T], R], work: Iterable[T]) -> Iterator[R]:
    """Do work on threads; yield results in order, with few of them waiting."""
    pool = ThreadPoolExecutor(max_workers=PARALLEL_BLOCKS, thread_name_prefix="cells")
    pending: deque[Future[R]] = deque()
    try:
        for one in work:
            pending.append(pool.submit(run, one))
            if len(pending) > PARALLEL_BLOCKS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _share(node: Plan, window: Window, read: ReadCells, shared: Shared, memo: Memo) -> None:
    """Do the small reductions that a window needs, those within others first."""
    for group in small_groups(node, window):
        wanted = []
        for small, part in group:
            held = shared.get(small.key)
            if held is None or held[0].intersect(part) != part:
                wanted.append((small, part))
        if wanted:
            nodes, part = tuple(small for small, _ in wanted), wanted[0][1]
            for small, cells in zip(nodes, _reduce(nodes, part, read, memo), strict=True):
                shared[small.key] = part, cells


def _reduce(
    nodes: tuple[Reduce, ...], window: Window, read: ReadCells, memo: Memo
) -> tuple[Cells, ...]:
    """Reduce to few cells, on threads, merging in the order of the steps.

    Several reductions of a group are done in one pass.
    """
    node = nodes[0]
    tally = tally_of(node) if len(nodes) == 1 else None
    if tally is not None:
        return (_tallied(tally, window, read, memo),)
    joint = Joint(tuple(Folding(one, partial(evaluate, read=read)) for one in nodes))
    memo = joint.memo(memo)
    parts = tuple(windows(tiling(node, window).cuts))
    made = tuple(empty(one.fields, window.shape) for one in nodes)
    strided = joint.strips(parts[0]) is not None
    if joint.elementwise or (strided and len(parts) > 1):
        cells = _in_order(lambda part: joint.part(part, memo.inner()), parts)
        for part, found in zip(parts, cells, strict=True):
            _put(made, part.slices(window), found)
        return made
    if len(parts) == 1:
        return _steps_of_one(joint, window, memo)
    states = [joint.states(part) for part in parts]

    def run(work: tuple[Window, range]) -> tuple[range, list[JointStates]]:
        step, numbers = work
        memo.tick()
        pinned = joint.shared_by((parts[0], step), (parts[-1], step))
        stream = memo.inner()
        return numbers, [joint.partial(parts[k], step, stream.inner(pinned)) for k in numbers]

    for numbers, seen_by in _in_order(run, _work(joint, parts)):
        for k, seen in zip(numbers, seen_by, strict=True):
            merge_all(states[k], seen)
    for part, held in zip(parts, states, strict=True):
        _put(made, part.slices(window), joint.finished(held, part))
    return made


def _put(made: tuple[Cells, ...], at: tuple[slice, ...], found: tuple[Cells, ...]) -> None:
    for whole, one in zip(made, found, strict=True):
        put(whole, at, one)


def _tallied(tally: Tally, window: Window, read: ReadCells, memo: Memo) -> Cells:
    """Count from a histogram, whose steps are taken on threads."""
    below = partial(evaluate, read=read)

    def run(step: Window) -> Values:
        memo.tick()
        return tally.counted(step, memo.inner(), below)

    return tally.finished(_in_order(run, tally.steps()), window, memo.inner(), below)


def _steps_of_one(joint: Joint, part: Window, memo: Memo) -> tuple[Cells, ...]:
    states = joint.states(part)
    every = tuple(windows(steps(joint.foldings[0].node)))
    if len(every) == 1:
        return joint.part(part, memo)
    pinned = joint.shared_by((part, every[0]), (part, every[-1]))
    stream = memo.inner(strips=joint.strips(part))

    def run(step: Window) -> JointStates:
        memo.tick()
        return joint.partial(part, step, stream.inner(pinned))

    for one in _in_order(run, every):
        merge_all(states, one)
    return joint.finished(states, part)


def _work(joint: Joint, parts: tuple[Window, ...]) -> Iterator[tuple[Window, range]]:
    """Yield each step with the parts that take it: together where they share what they read."""
    for step in windows(steps(joint.foldings[0].node)):
        if joint.shared_by((parts[0], step), (parts[-1], step)):
            yield step, range(len(parts))
        else:
            yield from ((step, range(k, k + 1)) for k in range(len(parts)))


def as_dask(
    node: Plan, read: ReadCells, chunks: tuple[int, ...] | None = None
) -> Mapping[str, da.Array]:
    """Return one lazy array a field, stored numbers with the field's nodata where not valid.

    A field without one gets NaN, the least signed, or the greatest unsigned number.
    `chunks` is the length of a chunk along each axis of the node's domain, by default
    one outer place by 2048 x 2048 cells. Names follow from the node's key, so
    equal plans give equal tokens. Each chunk evaluates one field only; reductions to few
    cells are done once for all chunks, when the first of them is computed.
    """
    shape = node.domain.shape
    lengths = chunks or (*([1] * (len(shape) - 2)), SHARD_PX, SHARD_PX)
    if len(lengths) != len(shape) or min(lengths) < 1:
        raise InvalidParameterError(f"chunks {lengths} do not fit the shape {shape}")
    cuts = tuple(
        tuple(min(length, size - i * length) for i in range(ceil(size / length)))
        for size, length in zip(shape, lengths, strict=True)
    )
    arrays: dict[str, da.Array] = {}
    for made in node.fields:
        one = rewrite(Bands(picks=(Pick(source=node, field=made.name, name=made.name),)))
        nodata = _fill(made.nodata, made.numpy_dtype)
        small = small_reductions(one, one.domain.window)
        shared = dask.delayed(_shared, pure=True)(_Carried(one), _Carried(read)) if small else None  # type: ignore[attr-defined]  # Dask has no types
        # partial hides the plan from Dask, which would walk through its dataclasses.
        arrays[made.name] = da.map_blocks(  # type: ignore[no-untyped-call]  # Dask has no types
            partial(_block, one, read, nodata, lengths),
            chunks=cuts,
            shared=shared,
            dtype=made.numpy_dtype,
            meta=np.empty((0,) * len(shape), dtype=made.numpy_dtype),
            name=f"cells-{made.name}-{one.key}-{'x'.join(map(str, lengths))}",
        )
    return arrays


def _fill(nodata: float | None, dtype: "np.dtype[Any]") -> float:
    if nodata is not None:
        return nodata
    match dtype.kind:
        case "f":
            return float("nan")
        case "i":
            return int(np.iinfo(dtype).min)
        case "u":
            return int(np.iinfo(dtype).max)
        case _:
            return 0


class _Carried:
    """Hides a value from Dask, which would walk through its dataclasses."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401  # a plan or a reader
        self.value = value


def _shared(plan: _Carried, read: _Carried) -> "_Carried":
    node = plan.value
    shared: Shared = {}
    _share(node, node.domain.window, read.value, shared, Memo(shared=shared))
    return _Carried(shared)


def _block(
    node: Plan,
    read: ReadCells,
    nodata: float,
    lengths: tuple[int, ...],
    *,
    shared: _Carried | None,
    block_id: tuple[int, ...],
) -> Values:
    ranges = tuple(
        (axis.first + i * length, min(axis.first + (i + 1) * length, axis.stop))
        for axis, i, length in zip(node.domain.axes, block_id, lengths, strict=True)
    )
    memo = Memo(shared={} if shared is None else shared.value, repeated=repeated(node))
    cells = evaluate(node, Window(ranges), read, memo)
    return cells.filled(cells.names[0], nodata)
