"""Corridors: a mask that is moved along a track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
import shapely

from datacube.axes import Axis, RegularAxis
from datacube.errors import InvalidParameterError, LimitExceededError, OutOfDomainError
from datacube.plan.extending import padded
from datacube.plan.lines import Cell
from datacube.plan.nodes import Domain, Mask, Plan, Relabel, Table, Take

LISTED = 1_000_000
"""Most indices that are listed for one axis."""

type Offsets = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Where a mask goes."""

    axes: tuple[int, ...]
    """Positions of all axes of a cell, ascending."""
    cells: tuple[Cell, ...]
    """One a step, indices on `axes`."""
    mask: tuple[int, int]
    """Positions of the two axes on which the mask lies: rows and columns."""

    def along(self, position: int) -> tuple[int, ...]:
        """Return the indices on an axis, one a step."""
        at = self.axes.index(position)
        return tuple(cell[at] for cell in self.cells)

    def shifts(self, position: int) -> tuple[int, ...]:
        """Return how many cells the mask is moved at each step."""
        places = self.along(position)
        return tuple(place - places[0] for place in places)


def area_corridor(plan: Plan, track: Track, area: shapely.Geometry) -> Plan:
    """Return, for each step of a track, the cells of an area that moves with it.

    The area lies as given, in coordinates of the mask's axes (x: columns), at the first
    step. The result has the axes step, rows and columns; cells outside area or plan are
    null.

    Raises
    ------
    OutOfDomainError
        If the corridor misses the plan.
    LimitExceededError
        If it has too many cells.
    """
    rows, cols = (_regular(plan, at) for at in track.mask)
    placed = shapely.transform(
        area,
        lambda p: np.column_stack([_positions(cols, p[:, 0]), _positions(rows, p[:, 1])]),
    )
    x0, y0, x1, y1 = shapely.bounds(placed).tolist()
    row0, row1 = _span(y0, y1)
    col0, col1 = _span(x0, x1)
    row = _counted(rows.name, row1 - row0)
    col = _counted(cols.name, col1 - col0)
    indices = tuple(range(row0, row1)), tuple(range(col0, col1))
    taken = _taken(plan, track, indices, (row, col))
    outer = len(taken.domain.axes)
    relative = shapely.transform(placed, lambda p: p - np.array([col0, row0]))
    mask = Mask(source=taken, area=shapely.to_wkb(relative), rows=outer - 2, cols=outer - 1)
    axes = (*taken.domain.outer[:-2], replace(row, index=True), replace(col, index=True))
    return Relabel(source=mask, domain=Domain(outer=axes))


def line_corridor(plan: Plan, track: Track, line: Sequence[Cell]) -> Plan:
    """Return, for each step of a track, the cells of a line that moves with it.

    The line is given as cells `(row, column)` at the first step. The result has the axes
    step and line.

    Raises
    ------
    OutOfDomainError
        If the corridor misses the plan.
    LimitExceededError
        If it has too many cells.
    """
    for at in track.mask:
        _regular(plan, at)
    axis = replace(_counted("line", len(line)), index=True)
    return _taken(plan, track, (tuple(c[0] for c in line), tuple(c[1] for c in line)), (axis,))


def _taken(plan: Plan, track: Track, indices: Offsets, mask_axes: tuple[RegularAxis, ...]) -> Plan:
    """Take, axis by axis, the cells that step and mask choose."""
    step = RegularAxis(name="track", uom="1", start=0, step=1, size=len(track.cells), index=True)
    _check_size(step, mask_axes)
    listed: dict[int, tuple[tuple[str, ...], tuple[int, ...]]] = {
        at: (("step",), track.along(at)) for at in track.axes if at not in track.mask
    }
    names = ("rows", "columns") if len(mask_axes) > 1 else ("rows", "rows")
    for at, offsets, name in zip(track.mask, indices, names, strict=True):
        moved = tuple(offset + shift for shift in track.shifts(at) for offset in offsets)
        listed[at] = ("step", name), moved
    _check_reach(plan, listed)
    plan = padded(
        plan,
        {
            at: (min(numbers), max(numbers) + 1)
            for at, (_, numbers) in listed.items()
            if isinstance(plan.domain.axes[at], RegularAxis)
        },
    )
    new = {"step": step, **dict(zip(dict.fromkeys(names), mask_axes, strict=True))}
    return _each_axis(plan, listed, new, track.axes[0])


def _each_axis(
    plan: Plan,
    listed: Mapping[int, tuple[tuple[str, ...], tuple[int, ...]]],
    new: Mapping[str, RegularAxis],
    skip: int,
) -> Plan:
    """Take from the axes in `listed`, which are all from `skip` on; new ones stand first."""
    labels: list[int | str] = list(range(len(plan.domain.axes)))
    axes: dict[int | str, Axis] = dict(enumerate(_unbound(plan.domain)))
    axes.update(new)
    for at, (needs, numbers) in listed.items():
        made = [*labels[:skip]]
        made += [name for name in new if name in labels or name in needs]
        made += [label for label in labels[skip:] if isinstance(label, int) and label != at]
        plan = Take(
            source=plan,
            axis=labels.index(at),
            index=Table(axes=tuple(made.index(name) for name in needs), indices=numbers),
            domain=_domain(made, axes, plan.domain),
            places=tuple(made.index(label) for label in labels if label != at),
        )
        labels = made
    return plan


def _unbound(domain: Domain) -> tuple[Axis, ...]:
    """Return the axes, those of the plane with its CRS."""
    if domain.grid is None:
        return domain.outer
    grid = domain.grid
    return (*domain.outer, replace(grid.y, crs=grid.crs), replace(grid.x, crs=grid.crs))


def _domain(labels: Sequence[int | str], axes: Mapping[int | str, Axis], before: Domain) -> Domain:
    """Return the domain of labelled axes; a plane stays while both its axes do."""
    own = [label for label in axes if isinstance(label, int)]
    if before.grid is not None and labels[-2:] == own[-2:]:
        return Domain(outer=tuple(axes[label] for label in labels[:-2]), grid=before.grid)
    return Domain(outer=tuple(axes[k] for k in labels))


def _regular(plan: Plan, at: int) -> RegularAxis:
    axis = plan.domain.axes[at]
    if not isinstance(axis, RegularAxis):
        raise InvalidParameterError(f"axis {axis.name!r} is listed; a mask moves on regular axes")
    return axis


def _positions(axis: RegularAxis, places: np.ndarray) -> np.ndarray:
    """Return index positions at which k + 0.5 is the centre of cell k."""
    centre = 0.5 if axis.index else 0.0
    return (places - axis.start) / axis.step + centre


def _span(low: float, high: float) -> tuple[int, int]:
    """Return the cells whose centres lie between two positions, at least one."""
    first, stop = ceil(round(low - 0.5, 5)), floor(round(high - 0.5, 5)) + 1
    return (first, stop) if first < stop else (floor(low), floor(low) + 1)


def _counted(name: str, size: int) -> RegularAxis:
    return RegularAxis(name=name, uom="1", start=0, step=1, size=size)


def _check_size(step: RegularAxis, mask_axes: Sequence[RegularAxis]) -> None:
    for axis in mask_axes:
        if step.size * axis.size > LISTED:
            raise LimitExceededError(
                f"a corridor of {step.size:,} steps of {axis.size:,} cells along {axis.name!r}; "
                f"allowed: {LISTED:,} for both together"
            )


def _check_reach(plan: Plan, listed: Mapping[int, tuple[tuple[str, ...], tuple[int, ...]]]) -> None:
    for at, (_, numbers) in listed.items():
        axis = plan.domain.axes[at]
        if not any(axis.first <= number < axis.stop for number in numbers):
            raise OutOfDomainError(
                f"cells {min(numbers)}:{max(numbers)} of the corridor miss axis {axis.name!r} "
                f"with {axis.first}:{axis.stop - 1}"
            )
