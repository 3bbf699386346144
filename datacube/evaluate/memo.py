"""What is remembered while a plan is evaluated, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from datacube.cells import Cells
from datacube.evaluate.strips import Strips
from datacube.grid import Window
from datacube.plan.demand import At
from datacube.plan.nodes import Plan

type Shared = dict[str, tuple[Window, Cells]]
"""Small results that every block uses, by node; of the window that is given."""


def _no_clock() -> None:
    """Look at no clock."""


@dataclass(slots=True)
class Memo:
    """Cells by node and window: of one block, and within `outer` of all blocks of a stream."""

    cells: dict[At, Cells] = field(default_factory=dict)
    shared: Shared = field(default_factory=dict)
    outer: "Memo | None" = None
    pinned: frozenset[At] = frozenset()
    """What the blocks of a stream have in common: kept in `outer`."""
    repeated: frozenset[str] | None = None
    """Nodes that more than one other node uses: only they are kept. None: all are."""
    tick: Callable[[], None] = _no_clock
    """Raises where the time is up; called between blocks."""

    strips: Strips | None = None
    """Chunks that the steps of a reduction have in common."""

    def find(self, node: Plan, window: Window) -> Cells | None:
        """Return the cells of a node where they are known."""
        held = self.shared.get(node.key)
        if held is not None:
            whole, cells = held
            if whole == window:
                return cells
            if whole.intersect(window) == window:
                return cells.part(window.slices(whole))
        memo: Memo | None = self
        while memo is not None:
            found = memo.cells.get((node.key, window))
            if found is not None:
                return found
            memo = memo.outer
        return None

    def keep(self, node: Plan, window: Window, cells: Cells) -> None:
        """Remember the cells of a node, as long as they may be asked for again."""
        at = node.key, window
        if at in self.pinned and self.outer is not None:
            self.outer.cells[at] = cells
        elif self.repeated is None or node.key in self.repeated:
            self.cells[at] = cells

    def inner(self, pinned: frozenset[At] = frozenset(), strips: Strips | None = None) -> "Memo":
        """Return the memo of one block of a stream within this block."""
        return Memo(
            shared=self.shared,
            outer=self,
            pinned=pinned,
            repeated=self.repeated,
            tick=self.tick,
            strips=self.strips if strips is None else strips,
        )


class Evaluate(Protocol):
    """Evaluates a node in a window."""

    def __call__(self, node: Plan, window: Window, *, memo: Memo) -> Cells:
        """Return its cells."""
        ...
