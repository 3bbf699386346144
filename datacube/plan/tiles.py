"""The windows in which one node of a plan is evaluated, told axis by axis."""

from dataclasses import dataclass

from datacube.cells import Valid
from datacube.grid import Window
from datacube.plan.blocks import Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Which ranges of two axes are asked for together, where not all are."""

    axes: tuple[int, int]
    hit: Valid
    """Shape (ranges of the one axis, ranges of the other)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The windows in which a node is evaluated: every combination of ranges of its axes."""

    cuts: tuple[Cut, ...]
    free: frozenset[int] = frozenset()
    """Axes along which a reduction steps: what does not vary along them is read once."""
    pairs: Pairs | None = None
    times: int = 1
    """How often each window is evaluated."""
    within: str = ""
    """The reduction whose steps these are: what two of them read, each reads anew."""

    @property
    def hull(self) -> Window:
        """The cells of all windows."""
        return Window(tuple((min(a for a, _ in one), max(b for _, b in one)) for one in self.cuts))

    @property
    def largest(self) -> Window:
        """The shape of the largest window, at some place."""
        return Window(tuple(max(one, key=_length) for one in self.cuts))

    @property
    def first(self) -> Window:
        """The first window."""
        return Window(tuple(one[0] for one in self.cuts))


def _length(bounds: tuple[int, int]) -> int:
    return bounds[1] - bounds[0]
