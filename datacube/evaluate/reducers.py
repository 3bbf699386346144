"""The partial states of the reducers that `datacube.plan.reducers` names.

A reduction over any number of cells runs block by block: `start` a state for each part
of the result, `update` it with blocks in any order, `merge` states, `finish`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.evaluate.fuse import Region, strips
from datacube.evaluate.order_statistics import Collected, Histogram
from datacube.evaluate.part import both
from datacube.evaluate.partial import Partial, Reduction
from datacube.evaluate.partial_choices import Extreme, Parity, Placed, Truth
from datacube.evaluate.partial_sums import Average, Count, Product, Sum, Variance
from datacube.plan.nodes import Bands, Pick, Plan
from datacube.plan.reducers import REDUCERS, has_histogram, reducer

__all__ = [
    "Partial",
    "Placement",
    "Reduction",
    "reduce_cells",
    "reduce_formula",
    "reduced_formula",
    "start",
]

_STATES: Mapping[str, type[Partial]] = {
    "count": Count,
    "add": Sum,
    "avg": Average,
    "product": Product,
    "min": Extreme,
    "max": Extreme,
    "all": Truth,
    "some": Truth,
    "xor": Parity,
    "variance": Variance,
    "stddev": Variance,
    "median": Collected,
    "quantile": Collected,
    "first": Placed,
    "last": Placed,
    "overlay": Placed,
    "maxtime": Placed,
    "mintime": Placed,
}

if missing := REDUCERS.keys() ^ _STATES.keys():
    raise ImportError(f"reducers without a state or a signature: {sorted(missing)}")


def start(reduction: Reduction) -> Partial:
    """Return an empty state.

    Raises
    ------
    UnknownNameError
        If there is no such reducer.
    """
    found = reducer(reduction.operator)
    reduction = replace(reduction, operator=found.name)
    if found.collects and has_histogram(reduction.dtype, reduction.shape):
        return Histogram(reduction)
    return _STATES[found.name](reduction)


def reduce_cells(
    reduction: Reduction, values: Values, valid: Valid | None, axes: tuple[int, ...]
) -> tuple[Values, Valid]:
    """Reduce one array that holds everything."""
    state = start(reduction)
    state.update(values, valid, axes)
    return state.finish()


def reduced_formula(source: Plan, where: Plan | None) -> Bands:
    """Return the fields of a reduction's source, and its condition last, as one formula."""
    picks = [Pick(source=source, field=f.name, name=f.name) for f in source.fields]
    if where is not None:
        (condition,) = where.fields
        picks.append(Pick(source=where, field=condition.name, name="where"))
    return Bands(picks=tuple(picks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a block lies in a reduction."""

    shape: tuple[int, ...]
    """Of the block."""
    axes: tuple[int, ...]
    """Positions of the reduced axes, ascending."""
    region: Region
    """The part of the states' results that the other axes are."""
    origin: tuple[int, ...]
    """Place of the block's first cell along each reduced axis, from the source's start."""

    def within(self, strip: Region) -> "Placement":
        """Return where a strip of the block lies."""
        kept = [at for at in range(len(self.shape)) if at not in self.axes]
        return Placement(
            shape=tuple(s.stop - s.start for s in strip),
            axes=self.axes,
            region=tuple(
                slice(r.start + strip[at].start, r.start + strip[at].stop)
                for r, at in zip(self.region, kept, strict=True)
            ),
            origin=tuple(o + strip[at].start for o, at in zip(self.origin, self.axes, strict=True)),
        )


def reduce_formula(
    states: Sequence[Partial], formula: Bands, leaves: Mapping[str, Cells], block: Placement
) -> None:
    """Evaluate a formula on one block and take it, strip by strip, without making the block.

    Parameters
    ----------
    states
        One for each field of the source.
    formula
        Made by `reduced_formula`; with a condition it has one field more than `states`.
    leaves
        The cells of `fuse.tree_leaves(formula)` on the block, by the plans' keys.
    block
        Where it lies.
    """
    for strip, parts in strips(formula, leaves, block.shape, block.axes):
        place = block.within(strip)
        chosen = None
        if len(parts) > len(states):
            truth = np.asarray(parts[-1].values != 0)
            chosen = both(truth, parts[-1].valid)
        for state, part in zip(states, parts, strict=False):
            known = both(part.valid, chosen)
            state.update(
                np.broadcast_to(part.values, place.shape),
                None if known is None else np.broadcast_to(known, place.shape),
                place.axes,
                region=place.region,
                origin=place.origin,
            )
