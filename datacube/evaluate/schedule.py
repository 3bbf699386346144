"""Cutting an output into blocks, and running them at once, on threads or lazily on Dask."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from math import ceil
from time import monotonic
from typing import Any

import dask.array as da
import numpy as np

from datacube.cells import Cells, Values
from datacube.cube import SHARD_PX
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.evaluate.cells import evaluate
from datacube.grid import Window
from datacube.plan.cost import BLOCK_SIDE_PX, PARALLEL_BLOCKS
from datacube.plan.nodes import Bands, Pick, Plan
from datacube.plan.rules import rewrite
from datacube.protocols import Limits, ReadCells


def compute(
    node: Plan,
    read: ReadCells,
    *,
    window: Window | None = None,
    limits: Limits,
    deadline: float | None = None,
) -> Cells:
    """Evaluate `node` in `window`, by default all of it.

    One block is evaluated at once in this thread, several on threads. The clock is
    looked at between blocks; `deadline` is in `time.monotonic` seconds, by default
    `limits.seconds` from now.

    Raises
    ------
    LimitExceededError
        If the time is up.
    """
    window = node.domain.window if window is None else window
    deadline = monotonic() + limits.seconds if deadline is None else deadline
    blocks = tuple(_blocks(window))
    if len(blocks) == 1:
        _check_time(deadline, limits)
        return evaluate(node, window, read)
    fields = node.fields
    whole = Cells(
        tuple(f.name for f in fields),
        tuple(np.empty(window.shape, dtype=f.dtype) for f in fields),
        tuple(np.empty(window.shape, dtype=np.bool_) for _ in fields),
    )

    def run(block: Window) -> None:
        _check_time(deadline, limits)
        cells = evaluate(node, block, read)
        at = block.slices(window)
        for i in range(len(fields)):
            whole.values[i][at] = cells.values[i]
            whole.valid[i][at] = cells.valid[i]

    pool = ThreadPoolExecutor(max_workers=PARALLEL_BLOCKS, thread_name_prefix="cells")
    try:
        for _ in pool.map(run, blocks):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return whole


def _blocks(window: Window) -> Iterator[Window]:
    """Cut a window: one place of every outer axis, planes of at most a block's side."""
    sides = [1] * (len(window.ranges) - 2) + [BLOCK_SIDE_PX] * 2
    cuts = [
        [(a, min(a + side, stop)) for a in range(start, stop, side)]
        for (start, stop), side in zip(window.ranges, sides, strict=True)
    ]
    for ranges in product(*cuts):
        yield Window(tuple(ranges))


def _check_time(deadline: float, limits: Limits) -> None:
    if monotonic() > deadline:
        raise LimitExceededError(f"the answer took longer than {limits.seconds:g} s")


def as_dask(
    node: Plan, read: ReadCells, chunks: tuple[int, ...] | None = None
) -> Mapping[str, da.Array]:
    """Return one lazy array a field, stored numbers with the field's nodata where not valid.

    A field without one gets NaN, the least signed, or the greatest unsigned number.
    `chunks` is the length of a chunk along each axis of the node's domain, by default
    one outer place by 2048 x 2048 cells. Names follow from the node's key, so
    equal plans give equal tokens. Each chunk evaluates one field only.
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
        # partial hides the plan from Dask, which would walk through its dataclasses.
        arrays[made.name] = da.map_blocks(  # type: ignore[no-untyped-call]  # Dask has no types
            partial(_block, one, read, nodata, lengths),
            chunks=cuts,
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


def _block(
    node: Plan,
    read: ReadCells,
    nodata: float,
    lengths: tuple[int, ...],
    block_id: tuple[int, ...],
) -> Values:
    ranges = tuple(
        (axis.first + i * length, min(axis.first + (i + 1) * length, axis.stop))
        for axis, i, length in zip(node.domain.axes, block_id, lengths, strict=True)
    )
    cells = evaluate(node, Window(ranges), read)
    return cells.filled(cells.names[0], nodata)
