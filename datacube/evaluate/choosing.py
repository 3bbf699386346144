"""The first or last valid cell along time, read from that end until no cell is missing.

Conditions without which a cell is null are looked at first. What they do not let through is
not read, by whole chunks of the store.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from datacube.cells import Cells, Valid
from datacube.cube import INNER_CHUNK_PX
from datacube.evaluate.fuse import apply_tree, tree_leaves
from datacube.evaluate.memo import Evaluate, Memo
from datacube.evaluate.reducers import reduced_formula
from datacube.evaluate.scan import bounding
from datacube.grid import Window
from datacube.plan.blocks import cut, steps
from datacube.plan.emptiness import is_null
from datacube.plan.gates import common_gates, truth_gates
from datacube.plan.nodes import Bands, Plan, Reduce, Resample, Scan, Slice
from datacube.plan.query import Method

type Below = Callable[[Plan, Window], Cells]
"""Evaluates a node in a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the cells of a reduction by `first` or `last` are found."""

    node: Reduce
    formula: Bands
    """The source's fields, and the condition."""
    leaves: tuple[Plan, ...]
    gate: Bands | None
    """Conditions without which all fields are null, of few of the leaves; None: there are none."""
    gate_leaves: tuple[Plan, ...]


def choice_of(node: Reduce) -> Choice | None:
    """Return how a reduction is done time by time from its end; None where it is not.

    It is for stored cells on one lattice: what else a step needs may cost more in parts.
    """
    domain = node.source.domain
    if node.operator not in ("first", "last") or node.axes != (0,):
        return None
    if domain.grid is None or not domain.outer or any(b - a != 1 for a, b in steps(node)[0]):
        return None
    formula = reduced_formula(node.source, node.where)
    leaves = tree_leaves(formula)
    if not all(map(_is_stored, leaves)):
        return None
    gates = dict(common_gates(node.source))
    if node.where is not None:
        gates |= truth_gates(node.where)
    below = {key: tree_leaves(Bands(picks=(pick,))) for key, pick in gates.items()}
    few = min(below.values(), key=len, default=())
    if not 0 < len(few) < len(leaves):
        return Choice(node=node, formula=formula, leaves=leaves, gate=None, gate_leaves=())
    kept = {leaf.key for leaf in few}
    picks = tuple(gates[key] for key, some in below.items() if {n.key for n in some} <= kept)
    return Choice(
        node=node, formula=formula, leaves=leaves, gate=Bands(picks=picks), gate_leaves=few
    )


def _is_stored(leaf: Plan) -> bool:
    match leaf:
        case Scan():
            return True
        case Resample(method=Method.NEAREST, source=source):
            return source.domain.plane.crs == leaf.grid.crs and _is_stored(source)
        case Slice(source=source):
            return _is_stored(source)
        case _:
            return False


def chosen(choice: Choice, part: Window, memo: Memo, evaluate: Evaluate) -> Cells:
    """Return the result of a reduction in a part of its domain."""
    search = _Search(choice, part, partial(evaluate, memo=memo))
    axis = choice.node.source.domain.axes[0]
    order = range(axis.first, axis.stop)
    for time in order if choice.node.operator == "first" else reversed(order):
        memo.tick()
        box = bounding(search.missing, part)
        if box is None:
            break
        search.look(time, box)
    return search.finished()


class _Search:
    """The cells of a part that were found so far."""

    def __init__(self, choice: Choice, part: Window, below: Below) -> None:
        self._choice, self._part, self._below = choice, part, below
        fields = choice.node.source.fields
        self._values = tuple(np.zeros(part.shape, f.dtype) for f in fields)
        self._known = tuple(np.zeros(part.shape, np.bool_) for _ in fields)
        self.missing: Valid = np.ones(part.shape, np.bool_)
        """Where any field is."""

    def look(self, time: int, box: Window) -> None:
        """Take from one time what it has of the missing cells, which lie in a box."""
        source = Window(((time, time + 1), *box.ranges))
        if is_null(self._choice.node.source, source):
            return
        at = box.slices(self._part)
        wanted, held = self.missing[at], dict[str, Cells]()
        if self._choice.gate is not None:
            held = {leaf.key: self._below(leaf, source) for leaf in self._choice.gate_leaves}
            wanted = wanted & _open(self._choice.gate, held, source.shape)
        for piece in _pieces(wanted, box):
            inside = (slice(None), *piece.slices(box))
            known = {key: cells.part(inside) for key, cells in held.items()}
            self._take(Window((source.ranges[0], *piece.ranges)), known)

    def _take(self, source: Window, held: dict[str, Cells]) -> None:
        """Take what is missing in a window of one time; `held` are the cells known of it."""
        leaves = {
            leaf.key: held.get(leaf.key) or self._below(leaf, source)
            for leaf in self._choice.leaves
        }
        made = apply_tree(self._choice.formula, leaves, source.shape)
        at = Window(source.ranges[1:]).slices(self._part)
        chosen = None
        if self._choice.node.where is not None:
            chosen = (made.values[-1][0] != 0) & made.valid[-1][0]
        every = np.ones(made.shape[1:], np.bool_)
        pairs = zip(self._values, self._known, made.values, made.valid, strict=False)
        for values, known, found, valid in pairs:
            taken = valid[0] & ~known[at]
            if chosen is not None:
                taken &= chosen
            np.copyto(values[at], found[0], where=taken)
            known[at] |= taken
            every &= known[at]
        self.missing[at] = ~every

    def finished(self) -> Cells:
        """Return the result."""
        node = self._choice.node
        valid = tuple(
            known & ~np.isnan(values) if values.dtype.kind in "fc" and not node.compat else known
            for values, known in zip(self._values, self._known, strict=True)
        )
        return Cells(tuple(f.name for f in node.result), self._values, valid)


def _open(gate: Bands, leaves: Mapping[str, Cells], shape: tuple[int, ...]) -> Valid:
    """Return where all conditions are true, without the axis of the one time."""
    cells = apply_tree(gate, leaves, shape)
    true = [(values != 0) & valid for values, valid in zip(cells.values, cells.valid, strict=True)]
    made: Valid = np.logical_and.reduce(true)[0]
    return made


def _pieces(wanted: Valid, box: Window) -> Iterator[Window]:
    """Cut what is wanted of a box into runs of chunks, each no larger than it has to be."""
    *outer, rows, cols = box.ranges
    for row in cut(rows, INNER_CHUNK_PX):
        run: Window | None = None
        for col in cut(cols, INNER_CHUNK_PX):
            tile = Window((*outer, row, col))
            found = bounding(wanted[tile.slices(box)], tile)
            if found is None:
                if run is not None:
                    yield run
                run = None
            else:
                run = found if run is None else run.hull(found)
        if run is not None:
            yield run
