"""Counts of what holds for stored numbers, taken from a histogram: `count($c = $b)` for each `$b`.

Where a formula's only source along the reduced axes has integers of at most 16 bits, it
gives one result for each of them, however many cells have it. The formula is evaluated
once for each number that occurs, instead of once for each cell and place of an iterator.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from datacube.cells import Cells, Values
from datacube.evaluate.fuse import apply_tree, tree_leaves
from datacube.evaluate.memo import Memo
from datacube.evaluate.reducers import reduced_formula
from datacube.grid import Window
from datacube.plan.blocks import cut, steps, windows
from datacube.plan.nodes import Apply, Coordinate, Plan, Reduce, Spread, distinct, is_formula

if TYPE_CHECKING:
    from datacube.evaluate.memo import Evaluate

_CELLS = 2**18
"""Cells that are counted, or of the formula evaluated, at once."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A count that a histogram answers."""

    node: Reduce
    source: Spread
    """The one leaf of the formula that changes along the reduced axes, which are all of it."""

    @property
    def least(self) -> int:
        """The number that the first place of a histogram counts."""
        dtype = self.source.fields[0].numpy_dtype
        return 0 if dtype.kind in "bu" else int(np.iinfo(dtype).min)

    @property
    def levels(self) -> int:
        """Numbers that the source's type has."""
        dtype = self.source.fields[0].numpy_dtype
        return 2 if dtype.kind == "b" else 2 ** (8 * dtype.itemsize)

    def steps(self) -> Iterator[Window]:
        """Yield the windows of the source, one after another."""
        return windows(steps(self.node))

    def counted(self, step: Window, memo: Memo, evaluate: "Evaluate") -> Values:
        """Count each number in a window of the source; the last place counts nulls."""
        cells = evaluate(self.source.source, step, memo=memo)
        (values,), (valid,) = cells.values, cells.valid
        known = values.ravel() if valid.all() else values[valid]
        counts: Values = np.zeros(self.levels + 1, np.int64)
        for start in range(0, known.size, _CELLS):
            some = known[start : start + _CELLS].astype(np.int64) - self.least
            counts += np.bincount(some, minlength=self.levels + 1)
        counts[-1] = values.size - known.size
        return counts

    def finished(
        self, counts: Iterable[Values], window: Window, memo: Memo, evaluate: "Evaluate"
    ) -> Cells:
        """Return the result in a window from the counts of all steps."""
        total: Values = np.zeros(self.levels + 1, np.int64)
        for one in counts:
            total += one
        (places,) = np.nonzero(total)
        made = tuple(np.zeros(window.shape, f.dtype) for f in self.node.result)
        for part in _parts(window, len(places)):
            for whole, held in zip(made, self._held(places, part, memo, evaluate), strict=True):
                whole[part.slices(window)] = held @ total[places]
        everywhere = np.broadcast_to(np.True_, window.shape)
        names = tuple(f.name for f in self.node.result)
        return Cells(names, made, (everywhere,) * len(names))

    def _held(
        self, places: Values, part: Window, memo: Memo, evaluate: "Evaluate"
    ) -> Iterator[Values]:
        """Yield where each field holds: `(*part, numbers)`, 0 or 1."""
        (field,) = self.source.fields
        axes = self.node.source.domain.axes
        first = tuple((axes[at].first, axes[at].first + 1) for at in self.node.axes)
        shape = (*part.shape, *(1,) * (len(first) - 1), len(places))
        known = places < self.levels
        numbers = np.where(known, places + self.least, 0).astype(field.dtype)
        formula = reduced_formula(self.node.source, None)
        leaves = {
            leaf.key: evaluate(leaf, Window((*part.ranges, *first)), memo=memo)
            for leaf in tree_leaves(formula)
            if leaf.key != self.source.key
        }
        leaves[self.source.key] = Cells((field.name,), (numbers,), (known,))
        spread = {
            key: Cells(
                cells.names,
                tuple(np.broadcast_to(a, shape) for a in cells.values),
                tuple(np.broadcast_to(a, shape) for a in cells.valid),
            )
            for key, cells in leaves.items()
        }
        found = apply_tree(formula, spread, shape)
        for values, valid in zip(found.values, found.valid, strict=True):
            true = (values != 0) & valid
            yield true.reshape(*part.shape, len(places)).astype(np.int64)


@lru_cache(maxsize=256)
def tally_of(node: Reduce) -> Tally | None:
    """Return how a histogram answers a reduction, or None where it does not."""
    flat = len(node.source.domain.axes) - len(node.axes)
    if node.operator != "count" or node.where is not None or not flat:
        return None
    if node.axes != tuple(range(flat, flat + len(node.axes))):
        return None
    formula = distinct(node.source, enters=is_formula)
    if any(isinstance(part, Apply) and part.user is not None for part in formula):
        return None
    moving = [
        leaf for leaf in tree_leaves(reduced_formula(node.source, None)) if not _still(leaf, node)
    ]
    if len(moving) != 1:
        return None
    (leaf,) = moving
    if not isinstance(leaf, Spread) or leaf.places != node.axes or len(leaf.fields) != 1:
        return None
    dtype = leaf.fields[0].numpy_dtype
    return Tally(node, leaf) if dtype.kind in "biu" and dtype.itemsize <= 2 else None


def _still(leaf: Plan, node: Reduce) -> bool:
    """Tell whether a leaf is known to be the same along the reduced axes."""
    match leaf:
        case Coordinate(axis=axis):
            return axis not in node.axes
        case Spread(places=places):
            return not set(places) & set(node.axes)
        case _:
            return False


def _parts(window: Window, numbers: int) -> Iterator[Window]:
    """Part a window of the result so that the formula has few cells at once."""
    room = max(1, _CELLS // max(1, numbers))
    cuts = []
    for bounds in reversed(window.ranges):
        length = max(1, min(bounds[1] - bounds[0], room))
        room = max(1, room // length)
        cuts.append(cut(bounds, length))
    for ranges in product(*reversed(cuts)):
        yield Window(ranges)
