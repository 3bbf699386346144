"""Acquisitions of a time axis as a table of numbers: objects are made of those taken out alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from math import gcd
from typing import overload

import numpy as np
from numpy.typing import NDArray

from datacube.times import Acquisition, Period, from_micros, to_micros

type TimeTable = NDArray[np.int64]
"""Reference time, first and last moment of validity in microseconds since 1970: `(n, 3)`."""

_MICROSECONDS_PER_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSummary:
    """What is known of acquisitions before their table is loaded."""

    size: int
    first: datetime
    """The first reference time."""
    last: datetime
    """The last reference time."""
    years: frozenset[int]
    """UTC years with a reference time."""
    days: int
    """UTC days with a reference time."""
    earliest: datetime
    """The first moment at which any is valid."""
    latest: datetime
    """The last moment at which any is valid."""


class Acquisitions(Sequence[Acquisition]):
    """Acquisitions in ascending order of their reference time. Equal ones have equal tables.

    10,000 take 240 kB, and as objects 20 times that.
    """

    def __init__(self, table: TimeTable) -> None:
        self._held = np.ascontiguousarray(table, dtype=np.int64).reshape(-1, 3)
        self._held.flags.writeable = False

    @classmethod
    def of(cls, items: Iterable[Acquisition]) -> "Acquisitions":
        """Return acquisitions as they come."""
        if isinstance(items, Acquisitions):
            return items
        numbers = [
            (to_micros(one.reference), to_micros(one.first), to_micros(one.last)) for one in items
        ]
        return Acquisitions(np.array(numbers, dtype=np.int64))

    def __reduce__(self) -> tuple[object, ...]:
        return Acquisitions, (self.table,)

    @property
    def table(self) -> TimeTable:
        """All of them as numbers; read-only."""
        return self._held

    @property
    def references(self) -> NDArray[np.int64]:
        """Reference times in microseconds since 1970."""
        return self.table[:, 0]

    @cached_property
    def summary(self) -> TimeSummary:
        """How many there are, and when; there must be one at least."""
        references = self.references
        years = references.astype("datetime64[us]").astype("datetime64[Y]")
        return TimeSummary(
            size=len(references),
            first=from_micros(int(references[0])),
            last=from_micros(int(references[-1])),
            years=frozenset((np.unique(years).astype(np.int64) + 1970).tolist()),
            days=len(np.unique(references // _MICROSECONDS_PER_DAY)),
            earliest=from_micros(int(self.table[:, 1].min())),
            latest=from_micros(int(self.table[:, 2].max())),
        )

    @cached_property
    def digest(self) -> str:
        """What tells them from others, in every process and on every machine."""
        return blake2b(self.table.astype("<i8").tobytes(), digest_size=16).hexdigest()

    def validity(self) -> tuple[datetime, datetime]:
        """Return the first and the last moment at which any of them is valid."""
        return self.summary.earliest, self.summary.latest

    def touched(self, when: Period) -> NDArray[np.intp]:
        """Return the places of those whose area of validity has a moment of `when`."""
        last, first = self.table[:, 2], self.table[:, 1]
        within = (last >= to_micros(when.start)) & (first < to_micros(when.end))
        return np.flatnonzero(within)

    def at(self, places: Sequence[int] | NDArray[np.intp]) -> "Acquisitions":
        """Return those at some places, in the order of the places."""
        return Acquisitions(self.table[np.asarray(places, dtype=np.intp)])

    def place_of(self, reference: datetime) -> int | None:
        """Return the place of the one with a reference time; None where there is none."""
        wanted = to_micros(reference)
        place = int(np.searchsorted(self.references, wanted))
        held = place < len(self) and int(self.references[place]) == wanted
        return place if held else None

    def __len__(self) -> int:
        return len(self._held)

    @overload
    def __getitem__(self, place: int) -> Acquisition: ...
    @overload
    def __getitem__(self, place: slice) -> "Acquisitions": ...
    def __getitem__(self, place: int | slice) -> "Acquisition | Acquisitions":
        if isinstance(place, slice):
            return Acquisitions(self.table[place])
        return _acquisition(self.table[place].tolist())

    def __iter__(self) -> Iterator[Acquisition]:
        return map(_acquisition, self.table.tolist())

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, Acquisition):
            return False
        place = self.place_of(item.reference)
        return place is not None and self[place] == item

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Acquisitions):
            return NotImplemented
        return len(self) == len(other) and bool(np.array_equal(self.table, other.table))

    def __hash__(self) -> int:
        return hash((len(self), self.summary.first, self.summary.last) if len(self) else 0)

    def __repr__(self) -> str:
        return f"Acquisitions({list(self)!r})" if len(self) < 5 else f"<{len(self)} acquisitions>"


class StoredAcquisitions(Acquisitions):
    """Acquisitions whose table is loaded when it is needed; the loader keeps it, or not."""

    def __init__(self, summary: TimeSummary, load: Callable[[], TimeTable]) -> None:
        self.summary = summary
        self._load = load

    @property
    def table(self) -> TimeTable:
        """All of them as numbers; read-only."""
        return self._load()

    def __len__(self) -> int:
        return self.summary.size


def _acquisition(numbers: Sequence[int]) -> Acquisition:
    reference, first, last = map(from_micros, numbers)
    return Acquisition(reference=reference, first=first, last=last)


def day_values(lists: Sequence[Acquisitions], *, most: int) -> tuple[str, ...]:
    """Return the UTC days with a reference time in any of some lists, ascending, `2023-08-15`.

    More than `most` are one interval, `first/last/P1D`; where one list alone has more, no
    table is loaded.
    """
    if any(one.summary.days > most for one in lists):
        first = min(one.summary.first for one in lists)
        last = max(one.summary.last for one in lists)
        return (f"{first.date()}/{last.date()}/P1D",)
    found = [np.unique(one.references // _MICROSECONDS_PER_DAY) for one in lists]
    days = np.unique(np.concatenate(found)) if found else np.array([], np.int64)
    texts = tuple(days.astype("datetime64[D]").astype(str).tolist())
    return (f"{texts[0]}/{texts[-1]}/P1D",) if len(texts) > most else texts


def even_step(
    lists: Sequence[Acquisitions], *, unit: timedelta = timedelta.resolution
) -> timedelta | None:
    """Return the distance of neighbouring reference times of all lists, where it is always one.

    It is a multiple of `unit`. Tables are loaded only where first, last and number of the times
    leave it possible.
    """
    whole = unit // timedelta.resolution
    ends = [to_micros(end) for one in lists for end in (one.summary.first, one.summary.last)]
    first, most = min(ends), sum(one.summary.size for one in lists)
    # A step divides the distance of any two times, and so many times fill the whole at most.
    divisor = gcd(*(end - first for end in ends))
    length = max(ends) - first
    if divisor == 0 or divisor % whole or divisor * (most - 1) < length:
        return None
    if len(lists) == 1 and length % ((most - 1) * whole):
        return None
    steps = np.unique(np.diff(np.unique(np.concatenate([one.references for one in lists]))))
    if len(steps) > 1 or int(steps[0]) % whole:
        return None
    return timedelta(microseconds=int(steps[0]))
