"""Cells along lines through a plan, gathered on one new axis."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import floor

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import LimitExceededError, OutOfDomainError
from datacube.plan.nodes import Bands, Coordinate, Domain, Gather, Pick, Plan
from datacube.times import Period

LINE_CELLS = 100_000
"""Most cells of a line."""

type Cell = tuple[int, ...]
"""Index on each of some axes."""


def nearest_index(axis: Axis, place: float | Period) -> float:
    """Return the index position of a place on an axis: k is the leading edge of cell k.

    On listed axes and time it is the middle of the cell nearest to the place.
    """
    match axis:
        case RegularAxis() if not isinstance(place, Period):
            return axis.position(place)
        case IrregularAxis() if not isinstance(place, Period):
            gaps = [abs(c - place) for c in axis.coefficients]
            return gaps.index(min(gaps)) + 0.5
        case TimeAxis() if isinstance(place, Period):
            waits = [_wait_seconds(axis, k, place) for k in range(axis.size)]
            return waits.index(min(waits)) + 0.5
        case _:
            raise TypeError(f"axis {axis.name!r} has no place {place}")


def cell_at(axes: Sequence[Axis], positions: Sequence[float]) -> Cell:
    """Return the cell at index positions; the far edge of an axis counts as inside."""
    return tuple(
        axis.stop - 1 if at == axis.stop else floor(at)
        for axis, at in zip(axes, positions, strict=True)
    )


def cells_along(corners: Sequence[Cell]) -> tuple[Cell, ...]:
    """Return the cells from corner to corner, one a step along the longest axis, each once.

    Bresenham's line in any number of dimensions: between two corners as many steps as
    their greatest difference, each index rounded, halves upwards.

    >>> cells_along([(0, 0), (2, 4)])
    ((0, 0), (1, 1), (1, 2), (2, 3), (2, 4))

    Raises
    ------
    LimitExceededError
        If there are more than `LINE_CELLS`.
    """
    lengths = [
        max(abs(b - a) for a, b in zip(one, other, strict=True)) for one, other in pairwise(corners)
    ]
    if sum(lengths) >= LINE_CELLS:
        raise LimitExceededError(
            f"the line has {sum(lengths) + 1:,} cells; allowed: {LINE_CELLS:,}"
        )
    found = [corners[0]]
    for (one, other), steps in zip(pairwise(corners), lengths, strict=True):
        found += [
            tuple(
                a + (2 * k * (b - a) + steps) // (2 * steps)
                for a, b in zip(one, other, strict=True)
            )
            for k in range(1, steps + 1)
        ]
    return tuple(found)


def gather(plan: Plan, axes: Sequence[int], cells: Sequence[Cell], name: str) -> Gather:
    """Replace axes, named by position, by one index axis of the cells that lie in the plan.

    Raises
    ------
    OutOfDomainError
        If no cell does.
    """
    domain = plan.domain
    order = sorted(range(len(axes)), key=lambda k: axes[k])
    places = tuple(axes[k] for k in order)
    along = tuple(domain.axes[at] for at in places)
    kept = tuple(moved for cell in cells if _holds(along, moved := tuple(cell[k] for k in order)))
    if not kept:
        names = ", ".join(axis.name for axis in along)
        raise OutOfDomainError(f"the line has no cell on the axes {names}")
    line = RegularAxis(name=name, uom="1", start=0, step=1, size=len(kept), index=True)
    left = domain.less(places)
    at = places[0]
    made = replace(left, outer=(*left.outer[:at], line, *left.outer[at:]))
    return Gather(source=plan, axes=places, cells=kept, domain=made)


def with_coordinates(line: Gather) -> Plan:
    """Return a line's cells with the coordinates of its axes as leading fields, float64.

    Times are seconds since 1970.
    """
    domain: Domain = line.source.domain
    names = {field.name for field in line.fields}
    picks = []
    for at in line.axes:
        places = Coordinate(axis=at, domain=domain, index=False)
        name = domain.axes[at].name
        along = replace(line, source=places)
        picks.append(
            Pick(source=along, field=name, name=f"{name}_coordinate" if name in names else name)
        )
    picks += [Pick(source=line, field=field.name, name=field.name) for field in line.fields]
    return Bands(picks=tuple(picks))


def _holds(axes: Sequence[Axis], cell: Cell) -> bool:
    return all(axis.first <= at < axis.stop for axis, at in zip(axes, cell, strict=True))


def _wait_seconds(axis: TimeAxis, at: int, place: Period) -> float:
    """Return the time between an acquisition and a period; 0 where they touch."""
    acquisition = axis.acquisitions[at]
    if acquisition.touches(place):
        return 0.0
    if acquisition.last < place.start:
        return (place.start - acquisition.last).total_seconds()
    return (acquisition.first - place.end).total_seconds() + 1e-6
