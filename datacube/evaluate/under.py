"""Which source cells lie under the centres of a target window."""

from dataclasses import dataclass
from functools import cached_property
from math import floor

import numpy as np
from numpy.typing import NDArray

from datacube.axes import RegularAxis
from datacube.cells import Valid, Values
from datacube.grid import Window
from datacube.plan.geometry import Positions, SinglePositions
from datacube.plan.nodes import Resample

type Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Under:
    """The source cells under the centres of a target window."""

    plane: Window
    """The source cells that are needed."""
    rows: Positions | SinglePositions
    """Row positions on the source; any within `plane` where not `inside`."""
    cols: Positions | SinglePositions
    inside: Valid | None
    """Where the source has a cell; None where everywhere."""

    @cached_property
    def flat(self) -> Indices:
        """Positions within `plane`, flattened."""
        (r0, _), (c0, _) = self.plane.ranges
        # Within the window positions are not negative, so truncation is floor. Casting while
        # subtracting needs no arrays of doubles between, and blocks fit 32 bits.
        kind = np.int32 if self.plane.size < 2**31 else np.int64
        at, cols = (np.empty(self.rows.shape, dtype=kind) for _ in range(2))
        np.subtract(self.rows, r0, out=at, casting="unsafe")
        np.subtract(self.cols, c0, out=cols, casting="unsafe")
        at *= self.plane.shape[1]
        at += cols
        return at

    def take(self, a: Values) -> Values:
        """Return what lies under each centre; the leading axes are kept."""
        return a.reshape(*a.shape[:-2], -1).take(self.flat, axis=-1)

    def valid(self, a: Valid) -> Valid:
        """Return where a valid cell lies under the centre."""
        if a.all():
            full = np.ones((*a.shape[:-2], *self.rows.shape), dtype=np.bool_)
            return full if self.inside is None else full & self.inside
        taken = self.take(a)
        return taken if self.inside is None else taken & self.inside

    def valids(self, arrays: tuple[Valid, ...]) -> tuple[Valid, ...]:
        """Return `valid` of each; bands that are valid at the same cells share it."""
        made: list[Valid] = []
        for at, a in enumerate(arrays):
            same = at > 0 and np.array_equal(a, arrays[at - 1])
            made.append(made[-1] if same else self.valid(a))
        return tuple(made)


def under_centres(
    node: Resample, positions: tuple[Positions, Positions], margins: tuple[int, int]
) -> Under | None:
    """Find the cells under positions on the source, with so many rows and columns around them.

    None where no position lies on the source.
    """
    grid = node.source.domain.plane
    rows, cols = positions
    spans = _extremes(rows), _extremes(cols)
    everywhere = _holds(grid.y, spans[0]) and _holds(grid.x, spans[1])
    if not everywhere:
        inside = (
            (rows >= grid.y.first) & (rows < grid.y.stop)
            & (cols >= grid.x.first) & (cols < grid.x.stop)
        )  # fmt: skip
        if not inside.any():
            return None
        spans = _extremes(rows[inside]), _extremes(cols[inside])
    plane = Window((_around(grid.y, spans[0], margins[0]), _around(grid.x, spans[1], margins[1])))
    (r0, _), (c0, _) = plane.ranges
    if not everywhere:
        rows, cols = np.where(inside, rows, r0), np.where(inside, cols, c0)
    return Under(plane, rows, cols, None if everywhere else inside)


def _extremes(positions: Positions) -> tuple[float, float]:
    """Return the least and the greatest; NaN where one is."""
    return float(positions.min()), float(positions.max())


def _holds(axis: RegularAxis, span: tuple[float, float]) -> bool:
    """Tell whether every position lies on an axis; one that is NaN does not."""
    return span[0] >= axis.first and span[1] < axis.stop


def _around(axis: RegularAxis, span: tuple[float, float], margin: int) -> tuple[int, int]:
    low, high = floor(span[0]) - margin, floor(span[1]) + 1 + margin
    return max(low, axis.first), min(high, axis.stop)
