"""The time of a map: which slots of a cube it may show, and which goes first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from datacube.acquisitions import TimeTable, even_step
from datacube.axes import TimeAxis
from datacube.cube import Coverage, Cube
from datacube.errors import InvalidParameterError, TimeSelectionError
from datacube.overviews import TimeRange
from datacube.plan.nodes import Stack
from datacube.plan.query import MapTime
from datacube.plan.stacking import stacked
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import Acquisition, Period, from_micros, iso_text, to_micros

_NEAREST = timedelta(hours=12)
"""How far an acquisition may be from the instant asked for."""
_USUAL_LENGTH = timedelta(hours=12)
"""Few acquisitions last longer: only those whose time is an assumed interval."""
_INSTANT = timedelta(seconds=1)
"""A time written to the second or finer is an instant, not a period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What one value of a time shows."""

    first: datetime
    """Inclusive bound on the scenes' times."""
    last: datetime
    """Inclusive."""
    instant: datetime | None = None
    """Where given, the nearest goes first; else the newest."""
    by_reference: bool = False
    """The bounds count for reference times only, not for the time a scene took; but an
    instant within that time is met."""

    def shows(self, acquisition: Acquisition) -> bool:
        """Tell whether an acquisition may be shown."""
        if not self.by_reference:
            return acquisition.first <= self.last and acquisition.last >= self.first
        if self.instant is not None and acquisition.first <= self.instant <= acquisition.last:
            return True
        return self.first <= acquisition.reference <= self.last

    def shown(self, times: TimeTable) -> NDArray[np.bool_]:
        """Tell of each acquisition of a table whether it may be shown."""
        low, high = to_micros(self.first), to_micros(self.last)
        references, first, last = times[:, 0], times[:, 1], times[:, 2]
        if not self.by_reference:
            return (first <= high) & (last >= low)
        near = (references >= low) & (references <= high)
        if self.instant is None:
            return near
        instant = to_micros(self.instant)
        return near | ((first <= instant) & (last >= instant))

    def stack(self, cube: Cube, area: Bbox, view: CatalogView, most: int | None) -> list[Slot]:
        """Return the slots of a timed cube near `area`, in the order in which they count.

        Of more than `most`, any `most`.
        """
        found = view.slots(
            cube.name,
            bbox=area,
            first=_moved(self.first, -_USUAL_LENGTH),
            last=_moved(self.last, _USUAL_LENGTH),
            most=most,
        )
        kept = [slot for slot in found if self.shows(scene_acquisition(slot))]
        # Both sorts are stable: precedence decides between scenes of one time.
        kept.sort(key=lambda slot: slot.scene.precedence, reverse=True)
        if self.instant is None:
            kept.sort(key=lambda slot: slot.scene.reference_time, reverse=True)
        else:
            kept.sort(key=_distance(self.instant))
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSlots:
    """The slots of a layer at the time of a map."""

    parts: tuple[_Shown, ...]
    """What each value shows, the latest value first; none where the layer has no times."""
    notes: tuple[str, ...] = ()
    """What was chosen for the asker."""

    @property
    def range(self) -> TimeRange | None:
        """The one stretch that is shown newest first; None of others, and without times."""
        if len(self.parts) != 1 or self.parts[0].instant is not None:
            return None
        only = self.parts[0]
        return TimeRange(first=only.first, last=only.last, by_reference=only.by_reference)

    def stack(self, cube: Cube, area: Bbox, view: CatalogView, *, most: int | None = None) -> Stack:
        """Return the slots of `cube` near `area`, in the order in which they count.

        A cube without a time axis shows all that it has, by precedence. Where each value of a
        time shows more than `most`, they are any `most` of its scenes.
        """
        if not cube.timed:
            return stacked(None, tuple(view.slots(cube.name, bbox=area, most=most)))[0]
        found = {
            slot.number: slot for part in self.parts for slot in part.stack(cube, area, view, most)
        }
        return Stack(time=None, slots=tuple(found.values()))


def slots_in(shown: TimeRange | None) -> MapSlots:
    """Return the slots of a stretch of time, newest first; None of what has no times."""
    if shown is None:
        return MapSlots(parts=())
    part = _Shown(first=shown.first, last=shown.last, by_reference=shown.by_reference)
    return MapSlots(parts=(part,))


def scene_acquisition(slot: Slot) -> Acquisition:
    """Return the time of a slot's scene as an acquisition of its own."""
    scene = slot.scene
    reference = scene.reference_time
    return Acquisition(
        reference=reference,
        first=min(reference, scene.first_time),
        last=max(reference, scene.last_time),
    )


def _distance(instant: datetime) -> Callable[[Slot], timedelta]:
    def distance(slot: Slot) -> timedelta:
        return abs(slot.scene.reference_time - instant)

    return distance


def choose_time(asked: MapTime, coverages: Sequence[Coverage], default_days: int) -> MapSlots:
    """Decide which times a layer shows.

    An instant: the nearest acquisition within 12 hours, or half an even step below a day,
    place by place. A period or
    an interval: all of it, newest first. A list: what any of its values shows, that of the
    latest value first. Nothing: the days before the layer's newest visible acquisition.
    Coverages without a time axis have no say.

    Raises
    ------
    TimeSelectionError
        If the layer has nothing then, anywhere; the message names the nearest.
    InvalidParameterError
        If an interval runs backwards.
    """
    axes = [coverage.time for coverage in coverages if coverage.time is not None]
    if not axes:
        return MapSlots(parts=())
    notes: dict[str, None] = {}
    parts: list[_Shown] = []
    for value in asked.values:
        if value.unset:
            part = _newest(axes, default_days)
            notes.setdefault(
                f"Default value used: time={iso_text(part.first)}/{iso_text(part.last)}"
            )
        else:
            part = _written(value, _reach(axes))
            if not any(_has_any(axis, part) for axis in axes):
                continue
            notes.update((note, None) for note in _nearest_note(part, axes))
        parts.append(part)
    if not parts:
        value = asked.values[0]
        raise TimeSelectionError(_nothing(value, _written(value, _reach(axes)), axes))
    parts.sort(key=lambda part: part.instant or part.last, reverse=True)
    return MapSlots(parts=tuple(parts), notes=tuple(notes))


def _nearest_note(part: _Shown, axes: Sequence[TimeAxis]) -> list[str]:
    """Name the acquisition of the layer nearest to an instant at which there is none."""
    instant = part.instant
    if instant is None:
        return []
    shown = [a for axis in axes for a in _around(axis, part) if part.shows(a)]
    end = instant + _INSTANT
    # A time written to the second means the acquisition that begins within it.
    if any(a.first < end and a.last >= instant for a in shown):
        return []
    nearest = min(shown, key=lambda a: abs(a.reference - instant), default=None)
    return [] if nearest is None else [f"Nearest value used: time={iso_text(nearest.reference)}"]


def _around(axis: TimeAxis, part: _Shown) -> Sequence[Acquisition]:
    """Return the acquisitions near the bounds of `part`: all that it shows but very long ones."""
    bounds = _moved(part.first, -_USUAL_LENGTH), _moved(part.last, _USUAL_LENGTH)
    start, stop = np.searchsorted(axis.times.references, [*map(to_micros, bounds)])
    return axis.acquisitions[start : stop + 1]


def _moved(instant: datetime, by: timedelta) -> datetime:
    """Move an instant; the bound of an open interval, where the calendar ends, stays there."""
    try:
        return instant + by
    except OverflowError:
        return instant


def _has_any(axis: TimeAxis, part: _Shown) -> bool:
    return bool(part.shown(axis.times.table).any())


def _newest(axes: Sequence[TimeAxis], days: int) -> _Shown:
    newest = max(axis.ends[1] for axis in axes)
    return _Shown(first=newest - timedelta(days=days), last=newest, by_reference=True)


def _reach(axes: Sequence[TimeAxis]) -> timedelta:
    """Return how far from an instant an acquisition may be: 12 hours.

    Where times follow each other in even steps below a day, as those of a model do, it is half
    a step: the hours before and after do not fill what one hour lacks.
    """
    steps = [_even_step(axis) for axis in axes]
    return max(_NEAREST if step is None else min(_NEAREST, step / 2) for step in steps)


def _even_step(axis: TimeAxis) -> timedelta | None:
    """Return the distance of all neighbouring times, where it is one and below a day."""
    first, last = axis.ends
    if axis.size < 3 or last - first >= (axis.size - 1) * timedelta(days=1):
        return None
    return even_step((axis.times,))


def _written(asked: MapTime, reach: timedelta) -> _Shown:
    if asked.instant is not None:
        when = asked.instant
        if when.end - when.start <= _INSTANT:
            return _Shown(
                first=when.start - reach,
                last=when.start + reach,
                instant=when.start,
                by_reference=True,
            )
        return _Shown(first=when.start, last=_closed(when))
    if asked.start is None or asked.end is None:
        raise InvalidParameterError(
            "an interval of time needs a start and an end", parameter="time"
        )
    if asked.start.start > asked.end.start:
        raise InvalidParameterError(
            f"time {asked.start}/{asked.end} ends before it starts", parameter="time"
        )
    return _Shown(first=asked.start.start, last=_closed(asked.end))


def _closed(when: Period) -> datetime:
    return when.end - timedelta(microseconds=1)


def _nothing(asked: MapTime, chosen: _Shown, axes: Sequence[TimeAxis]) -> str:
    text = f"{asked.instant}" if asked.instant is not None else f"{asked.start}/{asked.end}"
    times = np.unique(np.concatenate([axis.times.references for axis in axes]))
    middle = int(np.searchsorted(times, to_micros(chosen.instant or chosen.first)))
    near = map(from_micros, times[max(middle - 1, 0) : middle + 1].tolist())
    within = ""
    if chosen.instant is not None:
        reach = chosen.last - chosen.instant
        within = " within 12 hours" if reach == _NEAREST else f" within {reach.total_seconds():g} s"
    return f"no acquisition at {text}{within}; the nearest: {' and '.join(map(iso_text, near))}"
