"""Which slots a coverage query reads, stacked by time."""

from collections.abc import Iterable
from datetime import datetime

from datacube.axes import TimeAxis
from datacube.cube import Band, Coverage
from datacube.grid import Window
from datacube.plan.nodes import Stack
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import Acquisition, from_micros

type Times = TimeAxis | Acquisition | None
"""The time axis, the one acquisition of a slice, or None where the coverage has no time."""


def validity(times: Iterable[Times]) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last moment of all acquisitions; None where there is no time."""
    ends = [
        one.times.validity() if isinstance(one, TimeAxis) else (one.first, one.last)
        for one in times
        if one is not None
    ]
    first = min((start for start, _ in ends), default=None)
    return first, max((end for _, end in ends), default=None)


def touching_slots(
    coverage: Coverage, bands: tuple[Band, ...], area: Bbox, *, times: Times, view: CatalogView
) -> tuple[Slot, ...]:
    """Return the slots of `times` that have cells in `area`, a box in the cube's CRS.

    All visible slots of the area where there is no time.
    """
    cube = coverage.cube
    names = dict.fromkeys((coverage.group, *(band.group for band in bands)))
    windows = {name: cube.group(name).grid.cover(area).window for name in names}
    first, last = validity((times,))
    found = view.slots(cube.name, bbox=area, first=first, last=last)
    return tuple(slot for slot in found if _touches(slot, windows))


def _touches(slot: Slot, windows: dict[str, Window]) -> bool:
    for name, window in windows.items():
        covered = slot.window(name)
        if covered is not None and covered.window.plane.intersect(window) is not None:
            return True
    return False


def stacked(times: Times, slots: tuple[Slot, ...]) -> tuple[Stack, ...]:
    """Group slots by acquisition, each group by precedence, best first.

    An acquisition that has none keeps an empty stack. Without time all slots are one stack.
    """
    ordered = sorted(slots, key=lambda slot: slot.scene.precedence, reverse=True)
    if times is None:
        return (Stack(time=None, slots=tuple(ordered)),)
    found: dict[datetime, list[Slot]] = {reference: [] for reference in _references(times)}
    for slot in ordered:
        if slot.scene.reference_time in found:
            found[slot.scene.reference_time].append(slot)
    return tuple(Stack(time=reference, slots=tuple(at)) for reference, at in found.items())


def _references(times: TimeAxis | Acquisition) -> Iterable[datetime]:
    if isinstance(times, TimeAxis):
        return map(from_micros, times.times.references.tolist())
    return (times.reference,)
