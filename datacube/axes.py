"""Axes: where the cells of a coverage lie along one dimension."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from math import ceil, floor
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from datacube.acquisitions import Acquisitions, StoredAcquisitions
from datacube.errors import InvalidParameterError, OutOfDomainError, TimeSelectionError
from datacube.times import Acquisition, Period, iso_text, to_micros

SNAP_DECIMALS = 5
"""Bounds within 1e-5 of a cell edge count as that edge."""
PLACEHOLDER = "_"
"""Name of a plane's axis of one cell that stands where data has no such axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularAxis:
    """Evenly spaced cells, numbered from a fixed origin.

    On an index axis users address cell k by the coordinate k, as the Index CRSs of OGC
    say; `start`, `bounds` and `cover` speak of edges there too, cell k between k and k + 1.
    """

    name: str
    uom: str
    start: float
    """Outer edge of index 0, which never moves."""
    step: float
    """Signed cell size in `uom`; negative on a north-up y axis."""
    first: int = 0
    """Index of the first cell; may be negative."""
    size: int
    index: bool = False
    """Coordinates are the indices themselves; made with start 0 and step 1."""
    crs: CRS | None = None
    """The plane's CRS where this axis is what a slice left of a plane, else None."""

    def __post_init__(self) -> None:
        if self.step == 0 or self.size < 1:
            raise ValueError(f"{self.name}: step {self.step}, size {self.size}")

    @property
    def stop(self) -> int:
        """Index after the last cell."""
        return self.first + self.size

    @property
    def bounds(self) -> tuple[float, float]:
        """Outer edges `(low, high)` in `uom`, low first whatever the step's sign."""
        a = self.start + self.first * self.step
        b = self.start + self.stop * self.step
        return (a, b) if a <= b else (b, a)

    def centres(self) -> NDArray[np.float64]:
        """Coordinates of the cell centres, shape `(size,)`, in index order."""
        numbers = np.arange(self.first, self.stop, dtype=np.float64)
        centres: NDArray[np.float64] = self.start + (numbers + 0.5) * self.step
        return centres

    def coordinates(self) -> NDArray[np.float64]:
        """Return what users call the cells, shape `(size,)`: k on an index axis, else the centres.

        A cell of several indices (a pyramid level, a scaled axis) is called by its first.
        """
        if not self.index:
            return self.centres()
        numbers = np.arange(self.first, self.stop, dtype=np.float64)
        coordinates: NDArray[np.float64] = self.start + numbers * self.step
        return coordinates

    @property
    def extent(self) -> tuple[float, float]:
        """The domain `(low, high)` as users see it: outer edges, or first and last index."""
        if not self.index:
            return self.bounds
        ends = self.start + self.first * self.step, self.start + (self.stop - 1) * self.step
        return min(ends), max(ends)

    def position(self, coordinate: float) -> float:
        """Index position of `coordinate`: k at the leading edge of cell k, snapped."""
        return round((coordinate - self.start) / self.step, SNAP_DECIMALS)

    def cover(self, low: float, high: float) -> Self:
        """Keep the cells overlapping `[low, high]`, bounds in `uom`.

        Bounds within 1e-5 of a cell edge count as that edge.

        Raises
        ------
        OutOfDomainError
            If no cell overlaps.
        """
        i, j = sorted(self.position(x) for x in (low, high))
        return self._keep(floor(i), ceil(j), f"{low}:{high}")

    def inside(self, low: float, high: float) -> Self:
        """Keep the cells whose centre lies in `[low, high]`, at least one.

        The rule of WCS and WCPS trims (rasdaman's, see `docs/how-to`): the cell
        numbers are `floor(i + 0.5)` to `floor(j - 0.5)` of the index positions, and
        where these run backwards the cell that holds the middle of the bounds.
        On an index axis both bounds are inclusive.

        Raises
        ------
        OutOfDomainError
            If the bounds miss the axis.
        """
        i, j = sorted(self.position(x) for x in (low, high))
        if self.index:
            return self._keep(ceil(i), floor(j) + 1, f"{low:g}:{high:g}")
        if j < self.first or i > self.stop:
            raise self._missed(f"{low}:{high}")
        begin, end = floor(i + 0.5), floor(j - 0.5)
        if begin > end:
            # Between two centres: the cell that holds the middle.
            begin = end = floor((i + j) / 2)
        begin = min(max(begin, self.first), self.stop - 1)
        end = min(max(end, self.first), self.stop - 1)
        return self._keep(begin, end + 1, f"{low}:{high}")

    def at(self, coordinate: float) -> int:
        """Index of the cell that contains `coordinate`; the far edge counts as inside.

        An index axis has no far edge: its last coordinate is the last index.

        Raises
        ------
        OutOfDomainError
            If `coordinate` lies outside the axis.
        """
        place = self.position(coordinate)
        if self.index:
            if not self.first <= floor(place) < self.stop:
                raise self._missed(f"{coordinate:g}")
            return floor(place)
        if not self.first <= place <= self.stop:
            raise self._missed(f"{coordinate}")
        return min(floor(place), self.stop - 1)

    def select(self, first: int, last: int) -> Self:
        """Keep the grid indices `first` to `last`, both inclusive (`CRS:1`).

        Raises
        ------
        OutOfDomainError
            If an index lies outside the axis.
        """
        if not (self.first <= first <= last < self.stop):
            raise OutOfDomainError(
                f"grid indices {first}:{last} miss axis {self.name!r} "
                f"with {self.first}:{self.stop - 1}"
            )
        return replace(self, first=first, size=last - first + 1)

    def coarser(self, level: int) -> Self:
        """Pyramid level `level`: cells 2**level times as wide, same origin, covering."""
        first = self.first >> level
        last = (self.stop - 1) >> level
        return replace(self, step=self.step * 2**level, first=first, size=last - first + 1)

    def _keep(self, first: int, stop: int, asked: str) -> Self:
        first, stop = max(self.first, first), min(self.stop, stop)
        if first >= stop:
            raise self._missed(asked)
        return replace(self, first=first, size=stop - first)

    def _missed(self, asked: str) -> OutOfDomainError:
        low, high = self.extent
        if self.index:
            return OutOfDomainError(
                f"{asked} misses axis {self.name!r} with indices {low:g}:{high:g}"
            )
        return OutOfDomainError(f"{asked} misses axis {self.name!r} with {low}:{high} {self.uom}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IrregularAxis:
    """Cells at listed coordinates, in ascending order; numbered from 0."""

    name: str
    uom: str
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.coefficients or any(a >= b for a, b in pairwise(self.coefficients)):
            raise ValueError(f"{self.name}: coefficients must ascend and not be empty")

    @property
    def first(self) -> int:
        """Index of the first cell: always 0."""
        return 0

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.coefficients)

    @property
    def stop(self) -> int:
        """Index after the last cell."""
        return len(self.coefficients)

    @property
    def bounds(self) -> tuple[float, float]:
        """First and last coefficient."""
        return self.coefficients[0], self.coefficients[-1]

    @property
    def extent(self) -> tuple[float, float]:
        """The domain `(low, high)` as users see it: first and last coefficient."""
        return self.bounds

    def coordinates(self) -> NDArray[np.float64]:
        """Return what users call the cells, shape `(size,)`: the coefficients."""
        return np.asarray(self.coefficients, dtype=np.float64)

    def at(self, coordinate: float) -> int:
        """Index of the coefficient `coordinate`, given to 1e-5 of the gap to its neighbour.

        Raises
        ------
        OutOfDomainError
            If there is none; the message names its neighbours.
        """
        after = bisect_left(self.coefficients, coordinate)
        near = range(max(after - 1, 0), min(after + 1, self.size))
        nearest = min(near, key=lambda k: abs(self.coefficients[k] - coordinate))
        gaps = [b - a for a, b in pairwise(self.coefficients[max(nearest - 1, 0) : nearest + 2])]
        tolerance = 10**-SNAP_DECIMALS * min(gaps, default=max(abs(coordinate), 1.0))
        if not abs(self.coefficients[nearest] - coordinate) <= tolerance:
            named = " and ".join(f"{self.coefficients[k]:g}" for k in near)
            raise OutOfDomainError(
                f"axis {self.name!r} has no coefficient {coordinate:g}; the nearest: {named}"
            )
        return nearest

    def select(self, first: int, last: int) -> Self:
        """Keep the places numbered `first` to `last`, both inclusive (`CRS:1`).

        Raises
        ------
        OutOfDomainError
            If a number lies outside the axis.
        """
        if not 0 <= first <= last < self.size:
            raise OutOfDomainError(
                f"grid indices {first}:{last} miss axis {self.name!r} with 0:{self.size - 1}"
            )
        return replace(self, coefficients=self.coefficients[first : last + 1])

    def inside(self, low: float, high: float) -> Self:
        """Keep the coefficients in the closed interval `[low, high]`.

        Raises
        ------
        OutOfDomainError
            If there is none.
        """
        kept = tuple(c for c in self.coefficients if low <= c <= high)
        if not kept:
            first, last = self.bounds
            raise OutOfDomainError(
                f"{low:g}:{high:g} holds no coefficient of axis {self.name!r} with "
                f"{first:g}:{last:g} {self.uom}"
            )
        return replace(self, coefficients=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """Acquisitions in ascending order of their reference time; numbered from 0."""

    name: str = "ansi"
    acquisitions: Sequence[Acquisition]
    """Held as a table, `times`, whatever they were given as."""
    uom: str = field(default="d", init=False)

    def __post_init__(self) -> None:
        if isinstance(self.acquisitions, StoredAcquisitions):
            return
        held = Acquisitions.of(self.acquisitions)
        if not len(held) or bool((np.diff(held.references) <= 0).any()):
            raise ValueError(f"{self.name}: acquisitions must ascend and not be empty")
        object.__setattr__(self, "acquisitions", held)

    def __iter__(self) -> Iterator[Acquisition]:
        return iter(self.acquisitions)

    @property
    def times(self) -> Acquisitions:
        """The acquisitions as a table of numbers."""
        return cast("Acquisitions", self.acquisitions)

    @property
    def first(self) -> int:
        """Index of the first acquisition: always 0."""
        return 0

    @property
    def size(self) -> int:
        """Number of acquisitions."""
        return len(self.acquisitions)

    @property
    def stop(self) -> int:
        """Index after the last acquisition."""
        return len(self.acquisitions)

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """First and last reference time; no table is loaded for them."""
        return self.times.summary.first, self.times.summary.last

    def keep(self, places: Sequence[int] | NDArray[np.intp]) -> Self:
        """Keep the acquisitions at some places, which ascend."""
        return replace(self, acquisitions=self.times.at(places))

    def trim(self, low: Period | None, high: Period | None) -> Self:
        """Keep the acquisitions touched from the start of `low` to the end of `high`.

        `None` is the open bound `*`.

        Raises
        ------
        TimeSelectionError
            If there is none; the message names the nearest.
        """
        if low is not None and high is not None and low.start >= high.end:
            raise InvalidParameterError(
                f"time {iso_text(low.start)} to {iso_text(high.end)} ends before it starts",
                parameter="time",
            )
        table = self.times.table
        within = np.ones(len(table), dtype=bool)
        if low is not None:
            within &= table[:, 2] >= to_micros(low.start)
        if high is not None:
            within &= table[:, 1] < to_micros(high.end)
        if within.all():
            return self
        kept = np.flatnonzero(within)
        if not len(kept):
            raise self.none_at(low or high)
        return self.keep(kept)

    def at(self, when: Period) -> Acquisition:
        """Return the one acquisition that `when` touches.

        Raises
        ------
        TimeSelectionError
            If there is none, or more than one; the message names the candidates.
        """
        touched = self.times.touched(when)
        if len(touched) == 1:
            return self.acquisitions[int(touched[0])]
        if not len(touched):
            raise self.none_at(when)
        names = ", ".join(iso_text(a.reference) for a in self.times.at(touched[:10]))
        raise TimeSelectionError(
            f"{when} selects {len(touched)} acquisitions, one is needed: {names}"
        )

    def none_at(self, when: Period | None) -> TimeSelectionError:
        """Return the error that there is no acquisition then, which names the nearest."""
        if when is None:
            return TimeSelectionError(f"axis {self.name!r} has no acquisition")
        after = int(np.searchsorted(self.times.references, to_micros(when.start)))
        near = self.acquisitions[max(after - 1, 0) : after + 1]
        names = " and ".join(iso_text(a.reference) for a in near)
        return TimeSelectionError(f"no acquisition at {when}; the nearest: {names}")


type PlaceAxis = RegularAxis | IrregularAxis
"""An axis of numbers."""
type Axis = PlaceAxis | TimeAxis
