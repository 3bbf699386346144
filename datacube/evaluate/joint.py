"""Several reductions of the same cells in one pass, so that what they share is read once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from datacube.cells import Cells
from datacube.evaluate.memo import Memo
from datacube.evaluate.reduce import Folding, States, merge, strips_of
from datacube.evaluate.strips import Strips
from datacube.grid import Window
from datacube.plan.demand import At

type JointStates = tuple[States, ...]
"""The states of each reduction."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Reductions with equal steps and equal parts, at work."""

    foldings: tuple[Folding, ...]

    @property
    def elementwise(self) -> bool:
        """Whether each step is one cell of the source for a cell of the results."""
        return self.foldings[0].elementwise

    def memo(self, memo: Memo) -> Memo:
        """Return a memo that also keeps what several of the reductions need."""
        if memo.repeated is None or len(self.foldings) == 1:
            return memo
        seen: set[str] = set()
        shared: set[str] = set()
        for folding in self.foldings:
            keys = {leaf.key for leaf in folding.leaves}
            shared |= seen & keys
            seen |= keys
        return replace(memo, repeated=memo.repeated | shared)

    def states(self, part: Window) -> JointStates:
        """Return empty states."""
        return tuple(folding.states(part) for folding in self.foldings)

    def part(self, part: Window, memo: Memo) -> tuple[Cells, ...]:
        """Return the results in a part, taking each step for all of them in turn."""
        if len(self.foldings) == 1:
            return (self.foldings[0].part(part, memo),)
        states = self.states(part)
        for step, inner in self.foldings[0].steps(part, memo, self.foldings):
            memo.tick()
            for folding, held in zip(self.foldings, states, strict=True):
                folding.take(held, part, step, inner)
        return self.finished(states, part)

    def partial(self, part: Window, step: Window, memo: Memo) -> JointStates:
        """Return the states of one step."""
        return tuple(folding.partial(part, step, memo) for folding in self.foldings)

    def strips(self, part: Window) -> Strips | None:
        """Return what keeps the chunks that the steps of a part stride through, or None."""
        return strips_of(self.foldings, part)

    def finished(self, states: JointStates, part: Window) -> tuple[Cells, ...]:
        """Return the results in a part."""
        pairs = zip(self.foldings, states, strict=True)
        return tuple(folding.finished(held, part) for folding, held in pairs)

    def shared_by(self, first: tuple[Window, Window], last: tuple[Window, Window]) -> frozenset[At]:
        """Return what two pairs of part and step both need, of any of the reductions."""
        return frozenset(chain.from_iterable(f.shared_by(first, last) for f in self.foldings))


def merge_all(states: Sequence[States], others: Sequence[States]) -> None:
    """Let the states of each reduction take what others have seen."""
    for one, other in zip(states, others, strict=True):
        merge(one, other)
