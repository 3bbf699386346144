"""How many places a plan walks over: refused by arithmetic, before anything is listed."""

from datacube.errors import LimitExceededError
from datacube.plan.nodes import Plan, Reduce, Sort, distinct
from datacube.protocols import Limits

PLACES_PER_SECOND = 10**9
"""More than any reduction takes: formulas over virtual cells reach some 4e8 on two cores."""
MOST_SORTED = 1_000_000
"""Places of an axis that are brought into order."""

MOST_AXES = 32
"""Axes of an array; NumPy has 64 at most."""


def check_extent(plan: Plan, limits: Limits) -> None:
    """Refuse reductions that could never end in time, orders of too many places, and too many axes.

    It takes as long as the plan has nodes, whatever the size of their domains.

    Raises
    ------
    LimitExceededError
        With the number of places and the number allowed.
    """
    most = int(max(limits.seconds, 1) * PLACES_PER_SECOND)
    for node in distinct(plan):
        if len(node.domain.axes) > MOST_AXES:
            raise LimitExceededError(
                f"{len(node.domain.axes)} axes are walked over at once; {MOST_AXES} are allowed"
            )
        if isinstance(node, Reduce) and node.source.domain.size > most:
            raise LimitExceededError(
                f"a reduction over an estimated {_count(node.source.domain.size)} cells takes "
                f"longer than the {limits.seconds:g} s allowed (LIMIT_SECONDS), in which at most "
                f"{_count(most)} can be reduced; ask for a smaller area, fewer times or larger "
                "cells"
            )
        if isinstance(node, Sort) and node.by.domain.size > MOST_SORTED:
            raise LimitExceededError(
                f"the axis to be sorted has {node.by.domain.size:,} places; "
                f"{MOST_SORTED:,} are allowed"
            )


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{number:.2e}"
