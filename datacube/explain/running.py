"""Where a plan is evaluated: the cuts that the schedule will make."""

from collections import Counter
from dataclasses import replace
from math import ceil, prod

from datacube.cube import SHARD_PX
from datacube.encode.chunks import chunk_shape
from datacube.explain.values import Reduction, Run
from datacube.plan.blocks import PARALLEL_BLOCKS, output_cuts, steps, tiling
from datacube.plan.nodes import Plan
from datacube.plan.small import small_reductions

COUNTED_CELLS = 2**36
"""A result of more cells is not cut: it is refused long before."""
MAX_REDUCTIONS = 20


def run_of(plan: Plan) -> Run:
    """Tell how a plan is evaluated for an answer that leaves complete."""
    if plan.domain.size > COUNTED_CELLS:
        return Run(where="threads", threads=PARALLEL_BLOCKS, blocks=None, reductions=())
    window = plan.domain.window
    blocks = prod(len(cuts) for cuts in output_cuts(plan, window))
    found = Counter(
        Reduction(
            operator=node.operator,
            cells=part.size,
            parts=prod(len(cuts) for cuts in tiling(node, part).cuts),
            steps=prod(len(cuts) for cuts in steps(node)),
        )
        for node, part in small_reductions(plan, window)
    )
    several = blocks > 1 or any(one.parts * one.steps > 1 for one in found)
    reductions = tuple(replace(one, times=times) for one, times in found.items())
    return Run(
        where="threads" if several else "inline",
        threads=PARALLEL_BLOCKS if several else 1,
        blocks=blocks,
        reductions=reductions[:MAX_REDUCTIONS],
    )


def lazy_run_of(plan: Plan) -> Run:
    """Tell how a plan is evaluated where Python gets its cells as lazy arrays."""
    domain = plan.domain
    if domain.grid is not None:
        lengths = (*([1] * (len(domain.shape) - 2)), SHARD_PX, SHARD_PX)
    else:
        lengths = chunk_shape(domain)
    chunks = prod(ceil(size / n) for size, n in zip(domain.shape, lengths, strict=True))
    return Run(where="dask", threads=0, blocks=chunks * len(plan.fields), reductions=())
