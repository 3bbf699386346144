"""Reductions: step by step along the reduced axes, in memory that does not grow with them.

A step makes a partial state, states are merged in the order of the steps. Sums are
taken over arrays whose reduced axes come last and are contiguous, so that a result
has the same bits whatever window it is asked in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from datacube.cells import Cells, Values
from datacube.evaluate.choosing import choice_of, chosen
from datacube.evaluate.fuse import apply_tree, strips, tree_leaves
from datacube.evaluate.memo import Evaluate, Memo
from datacube.evaluate.part import both
from datacube.evaluate.partial import Partial, Reduction
from datacube.evaluate.reducers import Placement, reduced_formula, start
from datacube.evaluate.shape import empty, put
from datacube.evaluate.strips import Strips
from datacube.evaluate.tally import tally_of
from datacube.grid import Window
from datacube.plan.blocks import steps, tiling, windows
from datacube.plan.demand import At, common
from datacube.plan.emptiness import is_null
from datacube.plan.nodes import Bands, Plan, Reduce
from datacube.plan.strides import Moving, Strides, strides

type States = tuple[Partial, ...]
"""One for each field."""


def reduced(node: Reduce, window: Window, memo: Memo, evaluate: Evaluate) -> Cells:
    """Return the result of a reduction in a window, part by part in this thread."""
    tally = tally_of(node)
    if tally is not None:
        counts = (tally.counted(step, memo.inner(), evaluate) for step in tally.steps())
        return tally.finished(counts, window, memo.inner(), evaluate)
    folding = Folding(node, evaluate)
    parts = tuple(windows(tiling(node, window).cuts))
    if len(parts) == 1:
        return folding.part(window, memo)
    made = empty(node.fields, window.shape)
    for part in parts:
        put(made, part.slices(window), folding.part(part, memo))
    return made


@dataclass(frozen=True, slots=True)
class Folding:
    """One reduction at work."""

    node: Reduce
    evaluate: Evaluate
    formula: Bands = field(init=False)
    """The source's fields and the condition, as one formula."""
    leaves: tuple[Plan, ...] = field(init=False)
    """What lies below the formula."""

    def __post_init__(self) -> None:
        formula = reduced_formula(self.node.source, self.node.where)
        object.__setattr__(self, "formula", formula)
        object.__setattr__(self, "leaves", tree_leaves(formula))

    @property
    def elementwise(self) -> bool:
        """Whether each step is one cell of the source for a cell of the result.

        Then one state takes all steps in turn, and nothing is merged.
        """
        return all(b - a == 1 for cut in steps(self.node) for a, b in cut)

    def part(self, part: Window, memo: Memo) -> Cells:
        """Return the result in a part of a window."""
        choice = choice_of(self.node)
        if choice is not None:
            return chosen(choice, part, memo, self.evaluate)
        states = self.states(part)
        for step, inner in self.steps(part, memo, (self,)):
            memo.tick()
            self.take(states, part, step, inner)
        return self.finished(states, part)

    def states(self, part: Window) -> States:
        """Return empty states."""
        axes = self.node.source.domain.axes
        return tuple(
            start(
                Reduction(
                    operator=self.node.operator,
                    dtype=field.dtype,
                    shape=part.shape,
                    extent=tuple(axes[at].size for at in self.node.axes),
                    parameters=self.node.parameters,
                    compat=self.node.compat,
                )
            )
            for field in self.node.source.fields
        )

    def take(self, states: States, part: Window, step: Window, memo: Memo) -> None:
        """Let states take one step; `step` is a window of the reduced axes alone."""
        if self.elementwise:
            self._update(states, part, step, memo)
            return
        made = self.states(part)
        self._update(made, part, step, memo)
        merge(states, made)

    def partial(self, part: Window, step: Window, memo: Memo) -> States:
        """Return the states of one step."""
        made = self.states(part)
        self._update(made, part, step, memo)
        return made

    def finished(self, states: States, part: Window) -> Cells:
        """Return the result in a part."""
        found = [state.finish() for state in states]
        return Cells(
            tuple(f.name for f in self.node.result),
            tuple(
                np.asarray(values).astype(f.dtype, copy=False).reshape(part.shape)
                for (values, _), f in zip(found, self.node.result, strict=True)
            ),
            tuple(np.asarray(valid, dtype=np.bool_).reshape(part.shape) for _, valid in found),
        )

    def source_window(self, part: Window, step: Window) -> Window:
        """Return the source's cells of a step."""
        kept, along = iter(part.ranges), iter(step.ranges)
        return Window(
            tuple(
                next(along) if at in self.node.axes else next(kept)
                for at in range(len(self.node.source.domain.axes))
            )
        )

    def shared_by(self, first: tuple[Window, Window], last: tuple[Window, Window]) -> frozenset[At]:
        """Return what two pairs of part and step both need."""
        node = self.node
        plans = (node.source,) if node.where is None else (node.source, node.where)
        return common(plans, self.source_window(*first), self.source_window(*last))

    def steps(
        self, part: Window, memo: Memo, together: "tuple[Folding, ...]"
    ) -> Iterator[tuple[Window, Memo]]:
        """Yield the steps, several at once where they are small, each with a fresh memo.

        `together` are the reductions that take them, this one among them.
        """
        cuts = list(steps(self.node))
        if self.elementwise:
            batch = tiling(self.node, part).batch
            cuts[-1] = tuple(
                (run[0][0], run[-1][1])
                for run in (cuts[-1][k : k + batch] for k in range(0, len(cuts[-1]), batch))
            )
        first = Window(tuple(cut[0] for cut in cuts))
        last = Window(tuple(cut[-1] for cut in cuts))
        pinned: frozenset[At] = frozenset()
        if first != last:
            pinned = pinned.union(*(f.shared_by((part, first), (part, last)) for f in together))
        stream = memo.inner(strips=strips_of(together, part))
        for step in windows(tuple(cuts)):
            yield step, stream.inner(pinned)

    def _update(self, states: States, part: Window, step: Window, memo: Memo) -> None:
        source = self.source_window(part, step)
        if is_null(self.node.source, source):
            return
        leaves = {leaf.key: self.evaluate(leaf, source, memo=memo) for leaf in self.leaves}
        origin = tuple(
            start - self.node.source.domain.axes[at].first
            for at, (start, _) in zip(self.node.axes, step.ranges, strict=True)
        )
        if self.elementwise:
            self._take_places(states, leaves, source, origin)
        elif self.node.axes[0] == len(source.ranges) - len(self.node.axes):
            self._take_strips(states, leaves, self._placed(source.shape, self.node.axes, origin))
        else:
            self._take_moved(states, leaves, source.shape, origin)

    def _placed(
        self, shape: tuple[int, ...], axes: tuple[int, ...], origin: tuple[int, ...]
    ) -> Placement:
        region = tuple(slice(0, n) for at, n in enumerate(shape) if at not in axes)
        return Placement(shape=shape, axes=axes, region=region, origin=origin)

    def _take_places(
        self, states: States, leaves: dict[str, Cells], source: Window, origin: tuple[int, ...]
    ) -> None:
        """Take the steps of a batch one after another, as if each were alone."""
        *_, last = self.node.axes
        for k in range(source.shape[last]):
            at = (slice(None),) * last + (slice(k, k + 1),)
            one = {key: cells.part(at) for key, cells in leaves.items()}
            shape = (*source.shape[:last], 1, *source.shape[last + 1 :])
            place = self._placed(shape, self.node.axes, (*origin[:-1], origin[-1] + k))
            self._take_strips(states, one, place)

    def _take_strips(self, states: States, leaves: dict[str, Cells], block: Placement) -> None:
        """Evaluate the formula strip by strip, without making the block."""
        for strip, parts in strips(self.formula, leaves, block.shape, block.axes):
            place = block.within(strip)
            values = tuple(part.values for part in parts)
            known = tuple(part.valid for part in parts)
            self._give(states, values, known, place)

    def _take_moved(
        self,
        states: States,
        leaves: dict[str, Cells],
        shape: tuple[int, ...],
        origin: tuple[int, ...],
    ) -> None:
        """Make the block and move the reduced axes to its end."""
        cells = apply_tree(self.formula, leaves, shape)
        kept = [at for at in range(len(shape)) if at not in self.node.axes]
        order = [*kept, *self.node.axes]
        place = self._placed(
            tuple(shape[at] for at in order), tuple(range(len(kept), len(order))), origin
        )
        values = tuple(a.transpose(order) for a in cells.values)
        self._give(states, values, tuple(a.transpose(order) for a in cells.valid), place)

    def _give(
        self,
        states: States,
        values: tuple[Values, ...],
        known: tuple[Values | None, ...],
        place: Placement,
    ) -> None:
        chosen = None
        if len(values) > len(states):
            chosen = both(np.asarray(values[-1] != 0), known[-1])
        for state, one, own in zip(states, values, known, strict=False):
            valid = both(own, chosen)
            state.update(
                np.ascontiguousarray(np.broadcast_to(one, place.shape)),
                None
                if valid is None
                else np.ascontiguousarray(np.broadcast_to(valid, place.shape)),
                place.axes,
                region=place.region,
                origin=place.origin,
            )


def strips_of(foldings: tuple[Folding, ...], part: Window) -> Strips | None:
    """Return what keeps the chunks that reductions stride through together, or None."""
    found = [strides(folding.node, part) for folding in foldings]
    moving = frozenset[Moving]().union(*(one.moving for one in found))
    if not moving:
        return None
    together = Strides(moving, sum(one.kept_bytes for one in found))
    evaluate = foldings[0].evaluate
    return Strips(together, lambda scan, window: evaluate(scan, window, memo=Memo()))


def merge(states: States, others: States) -> None:
    """Let states take what others have seen."""
    for state, other in zip(states, others, strict=True):
        state.merge(other)
