"""Cells for an encoder, which asks for them in parts of its own."""

from dataclasses import dataclass, field

from datacube.cells import Cells
from datacube.evaluate.cluster import Cluster
from datacube.evaluate.memo import Shared
from datacube.evaluate.schedule import clock, compute, compute_small
from datacube.grid import Window
from datacube.plan.handing import held_whole
from datacube.plan.nodes import Plan
from datacube.protocols import Limits, ReadCells


@dataclass(slots=True, kw_only=True)
class Handed:
    """Evaluates what one encoder asks for, part by part.

    What `held_whole` tells is evaluated at the first part and kept for the others, until
    another plan is asked for; small reductions are done once for all parts of a plan.
    """

    read: ReadCells
    limits: Limits
    deadline: float
    """In `time.monotonic` seconds."""
    shared: Shared = field(default_factory=dict)
    """Small reductions that were done."""
    cluster: Cluster | None = None
    """Takes the blocks of bulk work."""
    _key: str = ""
    """Of the plan that was asked for last."""
    _cells: Cells | None = None
    """All its cells, where they are held."""

    def __call__(self, plan: Plan, window: Window) -> Cells:
        """Return the cells of a plan in a window; nothing may write into them.

        Raises
        ------
        LimitExceededError
            If the time is up.
        """
        # Encoders take long over cells that are held, too.
        clock(self.limits, self.deadline)()
        whole = plan.domain.window
        if self._key != plan.key:
            self._key, self._cells = plan.key, None
            if held_whole(plan):
                self._cells = self._computed(plan, whole)
            else:
                compute_small(
                    plan,
                    self.read,
                    limits=self.limits,
                    deadline=self.deadline,
                    shared=self.shared,
                    cluster=self.cluster,
                )
        if self._cells is None:
            return self._computed(plan, window)
        return self._cells if window == whole else self._cells.part(window.slices(whole))

    def _computed(self, plan: Plan, window: Window) -> Cells:
        return compute(
            plan,
            self.read,
            window=window,
            limits=self.limits,
            deadline=self.deadline,
            shared=self.shared,
            cluster=self.cluster,
        )
