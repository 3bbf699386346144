"""Which cells of a pyramid a map reads."""

from collections.abc import Sequence

from datacube.cube import ResolutionGroup
from datacube.errors import OutOfDomainError
from datacube.grid import Grid, Window
from datacube.protocols import Bbox
from datacube.slots import Slot

_MARGIN_CELLS = 2
"""Cells around a map that interpolation at its edge may need."""
_WHOLE_CELL = 1 + 1e-6
_MOST_LEVELS = 24
"""More than any slot has."""


def level_for(group: ResolutionGroup, slot: Slot, most: float) -> int:
    """Return the coarsest level that a slot has whose cells are no larger than `most`.

    `most` is in the unit of the CRS. Level 0 where even its cells are larger.
    """
    covered = slot.window(group.name)
    written = _MOST_LEVELS if covered is None else covered.levels
    level = 0
    while level + 1 < written and group.resolution * 2 ** (level + 1) <= most * _WHOLE_CELL:
        level += 1
    return level


def near(
    lattice: Grid, group: ResolutionGroup, level: int, slots: Sequence[Slot], area: Bbox
) -> tuple[Window, list[Slot]]:
    """Return the cells of the slots in the box, with a margin, and the slots that have some.

    Cells of the box that no slot covers are left out, so that a scene beside the map
    changes nothing of the plan.
    """
    dx, dy = _MARGIN_CELLS * abs(lattice.x.step), _MARGIN_CELLS * abs(lattice.y.step)
    try:
        box = lattice.cover((area[0] - dx, area[1] - dy, area[2] + dx, area[3] + dy)).window
    except OutOfDomainError:
        return lattice.window, []
    hull: Window | None = None
    kept = []
    for slot in slots:
        covered = slot.window(group.name)
        part = None if covered is None else covered.window.plane.coarser(level).intersect(box)
        if part is not None:
            hull = part if hull is None else hull.hull(part)
            kept.append(slot)
    return hull or box, kept
