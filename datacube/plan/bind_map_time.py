"""The time of a map: which slots of a cube it may show, and which goes first."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacube.axes import TimeAxis
from datacube.cube import Coverage, Cube
from datacube.errors import InvalidParameterError, TimeSelectionError
from datacube.plan.nodes import Stack
from datacube.plan.query import MapTime
from datacube.plan.stacking import stacked
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import Acquisition, Period, iso_text

_NEAREST = timedelta(hours=12)
"""How far an acquisition may be from the instant asked for."""
_USUAL_LENGTH = timedelta(hours=12)
"""Few acquisitions last longer: only those whose time is an assumed interval."""
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where no cube of a layer has times; nothing compares with it."""
_INSTANT = timedelta(seconds=1)
"""A time written to the second or finer is an instant, not a period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSlots:
    """The slots of a layer at the time of a map."""

    first: datetime
    """Inclusive bound on the scenes' times."""
    last: datetime
    """Inclusive."""
    instant: datetime | None = None
    """Where given, the nearest goes first; else the newest."""
    by_reference: bool = False
    """The bounds count for reference times only, not for the time a scene took; but an
    instant within that time is met."""
    note: str = ""
    """What was chosen for the asker."""

    def stack(self, cube: Cube, area: Bbox, view: CatalogView) -> Stack:
        """Return the slots of `cube` near `area`, in the order in which they count.

        A cube without a time axis shows all that it has, by precedence.
        """
        if not cube.timed:
            return stacked(None, tuple(view.slots(cube.name, bbox=area)))[0]
        found = view.slots(
            cube.name,
            bbox=area,
            first=self.first - _USUAL_LENGTH,
            last=self.last + _USUAL_LENGTH,
        )
        kept = [slot for slot in found if self._shows(slot)]
        # Both sorts are stable: precedence decides between scenes of one time.
        kept.sort(key=lambda slot: slot.scene.precedence, reverse=True)
        if self.instant is None:
            kept.sort(key=lambda slot: slot.scene.reference_time, reverse=True)
        else:
            kept.sort(key=_distance(self.instant))
        return Stack(time=None, slots=tuple(kept))

    def _shows(self, slot: Slot) -> bool:
        scene = slot.scene
        reference = scene.reference_time
        return self.shows(
            Acquisition(
                reference=reference,
                first=min(reference, scene.first_time),
                last=max(reference, scene.last_time),
            )
        )

    def shows(self, acquisition: Acquisition) -> bool:
        """Tell whether an acquisition may be shown."""
        if not self.by_reference:
            return acquisition.first <= self.last and acquisition.last >= self.first
        if self.instant is not None and acquisition.first <= self.instant <= acquisition.last:
            return True
        return self.first <= acquisition.reference <= self.last


def _distance(instant: datetime) -> Callable[[Slot], timedelta]:
    def distance(slot: Slot) -> timedelta:
        return abs(slot.scene.reference_time - instant)

    return distance


def choose_time(asked: MapTime, coverages: Sequence[Coverage], default_days: int) -> MapSlots:
    """Decide which times a layer shows.

    An instant: the nearest acquisition within 12 hours, place by place. A period or
    an interval: all of it, newest first. Nothing: the days before the layer's newest
    visible acquisition. Coverages without a time axis have no say.

    Raises
    ------
    TimeSelectionError
        If the layer has nothing then, anywhere; the message names the nearest.
    InvalidParameterError
        If the interval runs backwards.
    """
    axes = [coverage.time for coverage in coverages if coverage.time is not None]
    if not axes:
        return MapSlots(first=_ANY_TIME, last=_ANY_TIME)
    if asked.instant is None and asked.start is None and asked.end is None:
        return _newest(axes, default_days)
    chosen = _written(asked)
    if not any(_has_any(axis, chosen) for axis in axes):
        raise TimeSelectionError(_nothing(asked, chosen, [a for axis in axes for a in axis]))
    return chosen


def _has_any(axis: TimeAxis, chosen: MapSlots) -> bool:
    times = axis.acquisitions
    start = bisect_left(times, chosen.first - _USUAL_LENGTH, key=_reference)
    stop = bisect_right(times, chosen.last + _USUAL_LENGTH, key=_reference)
    return any(chosen.shows(a) for a in times[start:stop]) or any(map(chosen.shows, times))


def _reference(acquisition: Acquisition) -> datetime:
    return acquisition.reference


def _newest(axes: Sequence[TimeAxis], days: int) -> MapSlots:
    newest = max(axis.acquisitions[-1].reference for axis in axes)
    first = newest - timedelta(days=days)
    return MapSlots(
        first=first,
        last=newest,
        by_reference=True,
        note=f"Default value used: time={iso_text(first)}/{iso_text(newest)}",
    )


def _written(asked: MapTime) -> MapSlots:
    if asked.instant is not None:
        when = asked.instant
        if when.end - when.start <= _INSTANT:
            return MapSlots(
                first=when.start - _NEAREST,
                last=when.start + _NEAREST,
                instant=when.start,
                by_reference=True,
            )
        return MapSlots(first=when.start, last=_closed(when))
    if asked.start is None or asked.end is None:
        raise InvalidParameterError(
            "an interval of time needs a start and an end", parameter="time"
        )
    if asked.start.start > asked.end.start:
        raise InvalidParameterError(
            f"time {asked.start}/{asked.end} ends before it starts", parameter="time"
        )
    return MapSlots(first=asked.start.start, last=_closed(asked.end))


def _closed(when: Period) -> datetime:
    return when.end - timedelta(microseconds=1)


def _nothing(asked: MapTime, chosen: MapSlots, acquisitions: Sequence[Acquisition]) -> str:
    text = f"{asked.instant}" if asked.instant is not None else f"{asked.start}/{asked.end}"
    times = sorted(a.reference for a in acquisitions)
    middle = chosen.instant or chosen.first
    near = [*[t for t in times if t < middle][-1:], *[t for t in times if t >= middle][:1]]
    within = " within 12 hours" if chosen.instant is not None else ""
    return f"no acquisition at {text}{within}; the nearest: {' and '.join(map(iso_text, near))}"
