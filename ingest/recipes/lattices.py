"""Coordinates of cells: whether they are regular, and where the edges lie."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datacube.errors import UnsupportedSourceError
from ingest.recipes.sources.source import Coordinate

TOLERANCE = 1e-6
"""Of a cell, by which coordinates may miss the regular ones."""
SINGLE_TOLERANCE = 0.05
"""As above where they are written as float32: 0.25 m on a northing of 5,000 km."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Evenly spaced cells, in the order of the file."""

    start: float
    """Outer edge of the first cell."""
    step: float
    """Signed."""
    size: int
    tolerance: float = TOLERANCE
    """Of a cell, by which start may be wrong."""


def regular_steps(
    file: str, coordinate: Coordinate, *, resolution: float | None = None
) -> Steps | None:
    """Return the edges of evenly spaced coordinates of cell centres, or None.

    `resolution` tells the size of a cell that is alone.

    Raises
    ------
    UnsupportedSourceError
        If there is one cell and no size, or coordinates are not finite or twice the same.
    """
    values = coordinate.values
    check_distinct(file, coordinate)
    tolerance = SINGLE_TOLERANCE if coordinate.single else TOLERANCE
    if values.size == 1:
        step = resolution if resolution is not None else _of_bounds(coordinate)
        if step is None:
            raise UnsupportedSourceError(
                f"{file}: {coordinate.name} has one cell, so its size is not known; "
                "give the axis a resolution"
            )
        return Steps(start=float(values[0]) - step / 2, step=step, size=1, tolerance=tolerance)
    step = float(values[-1] - values[0]) / (values.size - 1)
    places = values[0] + step * np.arange(values.size)
    if np.abs(values - places).max() > tolerance * abs(step):
        return None
    step = _round(step, tolerance / values.size)
    first = float(values[0])
    start = _round_place(first - step / 2, step, tolerance)
    return Steps(start=start, step=step, size=int(values.size), tolerance=tolerance)


def check_distinct(file: str, coordinate: Coordinate) -> None:
    """Refuse coordinates that are not numbers, or twice the same."""
    values = coordinate.values
    if not np.isfinite(values).all():
        raise UnsupportedSourceError(
            f"{file}: {coordinate.name} has coordinates that are no numbers"
        )
    found, counts = np.unique(values, return_counts=True)
    if (counts > 1).any():
        twice = float(found[counts > 1][0])
        raise UnsupportedSourceError(
            f"{file}: {coordinate.name} has the coordinate {twice:.10g} more than once"
        )


def ascending(values: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Return the order in which values ascend, or None where they do."""
    order = np.argsort(values, kind="stable")
    return None if (order == np.arange(values.size)).all() else order


def _of_bounds(coordinate: Coordinate) -> float | None:
    if coordinate.bounds is None:
        return None
    return float(coordinate.bounds[0, 1] - coordinate.bounds[0, 0]) or None


def _round(step: float, tolerance: float) -> float:
    """Return the shortest number, or one over a whole number, within `tolerance` of a step.

    >>> _round(0.0083333330, 1e-6), _round(0.25000001, 1e-6)
    (0.008333333333333333, 0.25)
    """
    # Cells of 30 seconds of arc are 1/120 degree.
    whole = round(1 / step)
    if whole and abs(1 / whole - step) <= tolerance * abs(step):
        return 1 / whole
    for digits in range(1, 8):
        short = float(f"{step:.{digits}g}")
        if abs(short - step) <= tolerance * abs(step):
            return short
    return step


def _round_place(edge: float, step: float, tolerance: float) -> float:
    """Return a whole or half multiple of the step near an edge, else the edge itself."""
    halves = round(2 * edge / step)
    near = halves * step / 2
    return near if abs(near - edge) <= tolerance * abs(step) else edge
