"""Cutting an output into blocks, and running them at once, on threads, or on a cluster.

Lazy arrays are Dask's own.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import ceil, inf
from time import monotonic
from typing import TYPE_CHECKING, Any

import dask
import numpy as np

from datacube.asker import present_asker
from datacube.cells import Cells, Values
from datacube.cube import SHARD_PX
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.evaluate.cells import evaluate, evaluate_into
from datacube.evaluate.cluster import Cluster
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
from datacube.plan.demand import At, repeated
from datacube.plan.nodes import Bands, Pick, Plan, Reduce
from datacube.plan.rules import rewrite
from datacube.plan.small import block_groups, small_groups, small_reductions
from datacube.protocols import Limits, ReadCells

if TYPE_CHECKING:
    import dask.array as da


def compute(  # noqa: PLR0913  # each part of the work, and each bound on it
    node: Plan,
    read: ReadCells,
    *,
    window: Window | None = None,
    limits: Limits,
    deadline: float | None = None,
    shared: Shared | None = None,
    cluster: Cluster | None = None,
) -> Cells:
    """Evaluate `node` in `window`, by default all of it.

    Reductions to few cells are done first, each once, their steps on threads. Then the
    blocks of the rest: one at once in this thread, several on threads, or on `cluster`,
    bit for bit the same. The clock is looked at between blocks and steps; `deadline` is in
    `time.monotonic` seconds, by default `limits.seconds` from now. `shared` keeps the small
    results for further windows of the same answer.

    Raises
    ------
    LimitExceededError
        If the time is up.
    SchedulerError
        If the cluster does not answer, or is lost.
    """
    window = node.domain.window if window is None else window
    deadline = monotonic() + limits.seconds if deadline is None else deadline
    tick = clock(limits, deadline)
    tick()
    shared = {} if shared is None else shared
    uses = repeated(node)
    crew = _Crew(read=read, limits=limits, deadline=deadline, cluster=cluster)
    _share(node, window, crew, shared, Memo(shared=shared, repeated=uses, tick=tick))
    blocks = tuple(windows(output_cuts(node, window)))
    memo = Memo(shared=shared, repeated=uses, tick=tick)
    if len(blocks) == 1:
        _join(node, window, read, memo)
        return evaluate(node, window, read, memo)
    made = empty(node.fields, window.shape)
    if cluster is not None:
        cells = crew.each(partial(_block_cells, node, read), blocks, memo)
        for block, found in zip(blocks, cells, strict=True):
            put(made, block.slices(window), found)
        return made

    def run(block: Window) -> None:
        tick()
        inner = memo.inner()
        _join(node, block, read, inner)
        target = made.part(block.slices(window))
        evaluate_into(node, block, read, inner, target=target)

    for _ in _in_order(run, blocks):
        pass
    return made


def _block_cells(node: Plan, read: ReadCells, block: Window, memo: Memo) -> Cells:
    _join(node, block, read, memo)
    return evaluate(node, block, read, memo)


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
    node: Plan,
    read: ReadCells,
    *,
    limits: Limits,
    deadline: float,
    shared: Shared,
    cluster: Cluster | None = None,
) -> None:
    """Do the reductions to few cells that the whole of `node` needs, for all its windows.

    Raises
    ------
    LimitExceededError
        If the time is up.
    """
    memo = Memo(shared=shared, repeated=repeated(node), tick=clock(limits, deadline))
    crew = _Crew(read=read, limits=limits, deadline=deadline, cluster=cluster)
    _share(node, node.domain.window, crew, shared, memo)


def clock(limits: Limits, deadline: float) -> Callable[[], None]:
    """Return what raises LimitExceededError once the time is up.

    It raises AbandonedError once nobody waits any more for whom this context works.
    """
    asker = present_asker()

    def tick() -> None:
        asker.check()
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


type _Task[T, R] = Callable[[T, Memo], R]
"""Does one piece of work with a memo of its own; travels to a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crew:
    """Who does the pieces of an answer."""

    read: ReadCells
    limits: Limits
    deadline: float
    """In `time.monotonic` seconds."""
    cluster: Cluster | None = None

    def each[T, R](self, task: _Task[T, R], work: Iterable[T], memo: Memo) -> Iterator[R]:
        """Yield the results of pieces in order, each made with a memo within `memo`.

        On a cluster each piece begins with the small results of `memo` alone.
        """
        pieces = tuple(work)
        if self.cluster is None or len(pieces) == 1:
            return _in_order(lambda one: task(one, memo.inner()), pieces)
        seconds = max(0.0, self.deadline - monotonic())
        limits = self.limits
        away = partial(_away, task, dict(memo.shared), memo.repeated, limits, seconds)
        return self.cluster.in_order(away, pieces, deadline=self.deadline)


def _away[T, R](
    task: _Task[T, R],
    shared: Shared,
    repeats: frozenset[str] | None,
    limits: Limits,
    seconds: float,
    one: T,
) -> R:
    """Do a piece of work in another process, whose clock starts now."""
    tick = clock(limits, monotonic() + seconds)
    return task(one, Memo(shared=shared, repeated=repeats, tick=tick))


def _share(node: Plan, window: Window, crew: _Crew, shared: Shared, memo: Memo) -> None:
    """Do the small reductions that a window needs, those within others first."""
    for group in small_groups(node, window):
        wanted = []
        for small, part in group:
            held = shared.get(small.key)
            if held is None or held[0].intersect(part) != part:
                wanted.append((small, part))
        if wanted:
            nodes, part = tuple(small for small, _ in wanted), wanted[0][1]
            for small, cells in zip(nodes, _reduce(nodes, part, crew, memo), strict=True):
                shared[small.key] = part, cells


def _reduce(
    nodes: tuple[Reduce, ...], window: Window, crew: _Crew, memo: Memo
) -> tuple[Cells, ...]:
    """Reduce to few cells, piece by piece, merging in the order of the steps.

    Several reductions of a group are done in one pass.
    """
    node = nodes[0]
    tally = tally_of(node) if len(nodes) == 1 else None
    if tally is not None:
        return (_tallied(tally, window, crew, memo),)
    joint = Joint(tuple(Folding(one, partial(evaluate, read=crew.read)) for one in nodes))
    memo = joint.memo(memo)
    parts = tuple(windows(tiling(node, window).cuts))
    made = tuple(empty(one.fields, window.shape) for one in nodes)
    strided = joint.strips(parts[0]) is not None
    if joint.elementwise or (strided and len(parts) > 1):
        cells = crew.each(joint.part, parts, memo)
        for part, found in zip(parts, cells, strict=True):
            _put(made, part.slices(window), found)
        return made
    if len(parts) == 1:
        return _steps_of_one(joint, window, crew, memo)
    states = [joint.states(part) for part in parts]
    for numbers, seen_by in crew.each(partial(_seen, joint, parts), _work(joint, parts), memo):
        for k, seen in zip(numbers, seen_by, strict=True):
            merge_all(states[k], seen)
    for part, held in zip(parts, states, strict=True):
        _put(made, part.slices(window), joint.finished(held, part))
    return made


def _seen(
    joint: Joint, parts: tuple[Window, ...], work: tuple[Window, range], memo: Memo
) -> tuple[range, list[JointStates]]:
    """Return the states of one step for some of the parts."""
    step, numbers = work
    memo.tick()
    pinned = joint.shared_by((parts[0], step), (parts[-1], step))
    return numbers, [joint.partial(parts[k], step, memo.inner(pinned)) for k in numbers]


def _put(made: tuple[Cells, ...], at: tuple[slice, ...], found: tuple[Cells, ...]) -> None:
    for whole, one in zip(made, found, strict=True):
        put(whole, at, one)


def _tallied(tally: Tally, window: Window, crew: _Crew, memo: Memo) -> Cells:
    """Count from a histogram, whose steps are taken piece by piece."""
    below = partial(evaluate, read=crew.read)
    counts = crew.each(partial(_counted, tally, crew.read), tally.steps(), memo)
    return tally.finished(counts, window, memo.inner(), below)


def _counted(tally: Tally, read: ReadCells, step: Window, memo: Memo) -> Values:
    memo.tick()
    return tally.counted(step, memo, partial(evaluate, read=read))


def _steps_of_one(joint: Joint, part: Window, crew: _Crew, memo: Memo) -> tuple[Cells, ...]:
    states = joint.states(part)
    every = tuple(windows(steps(joint.foldings[0].node)))
    if len(every) == 1:
        return joint.part(part, memo)
    pinned = joint.shared_by((part, every[0]), (part, every[-1]))
    stream = memo.inner(strips=joint.strips(part))
    for one in crew.each(partial(_one_step, joint, part, pinned), every, stream):
        merge_all(states, one)
    return joint.finished(states, part)


def _one_step(
    joint: Joint, part: Window, pinned: frozenset[At], step: Window, memo: Memo
) -> JointStates:
    memo.tick()
    # What is pinned is kept in the memo that this one lies in, for the steps to come.
    memo.pinned = pinned
    return joint.partial(part, step, memo)


def _work(joint: Joint, parts: tuple[Window, ...]) -> Iterator[tuple[Window, range]]:
    """Yield each step with the parts that take it: together where they share what they read."""
    for step in windows(steps(joint.foldings[0].node)):
        if joint.shared_by((parts[0], step), (parts[-1], step)):
            yield step, range(len(parts))
        else:
            yield from ((step, range(k, k + 1)) for k in range(len(parts)))


def as_dask(
    node: Plan, read: ReadCells, chunks: tuple[int, ...] | None = None
) -> Mapping[str, "da.Array"]:
    """Return one lazy array a field, stored numbers with the field's nodata where not valid.

    A field without one gets NaN, the least signed, or the greatest unsigned number.
    `chunks` is the length of a chunk along each axis of the node's domain, by default
    one outer place by 2048 x 2048 cells. Names follow from the node's key, so
    equal plans give equal tokens. Each chunk evaluates one field only; reductions to few
    cells are done once for all chunks, when the first of them is computed.
    """
    # With pandas it takes longer to load than all else of a server, which rarely needs it.
    import dask.array as da  # noqa: PLC0415

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
    limits = Limits()
    crew = _Crew(read=read.value, limits=limits, deadline=inf)
    _share(node, node.domain.window, crew, shared, Memo(shared=shared))
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
