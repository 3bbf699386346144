"""Timing side by side, and the table."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

type Work = Callable[[int], object]
"""Does the work on the item of a number."""

HEADER = ("what", "ours", "peer", "ours / peer", "bare", "ours / bare")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. A ratio below 1 means that ours takes less time."""

    what: str
    ours_s: float
    peer_s: float | None = None
    bare_s: float | None = None
    """The work that nothing can do without, by hand and with all decisions taken before."""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `HEADER`."""
        return (
            f"{self.what}{f' ({self.note})' if self.note else ''}",
            _time_text(self.ours_s),
            _time_text(self.peer_s),
            _ratio_text(self.ours_s, self.peer_s),
            _time_text(self.bare_s),
            _ratio_text(self.ours_s, self.bare_s),
        )


def race(contestants: Mapping[str, Work], *, rounds: int) -> dict[str, float]:
    """Return the median seconds of each contestant.

    They take turns on the same items, so that what else the machine does meets all
    alike; the first round is not counted.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            work(number)
            if number:
                taken[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in taken.items()}


def line(row: Row, part: str) -> str:
    """Return one row of the table of `HEADER`, with the part that it is of before it."""
    return cells_line((part, *row.cells()))


def cells_line(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _time_text(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.2f} ms"


def _ratio_text(ours: float, other: float | None) -> str:
    return "-" if other is None else f"{ours / other:.2f}"
