"""Which slots a coverage query reads, stacked by time."""

from datacube.axes import TimeAxis
from datacube.cube import Band, Coverage
from datacube.grid import Window
from datacube.plan.nodes import Stack
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot
from datacube.times import Acquisition

type Times = TimeAxis | Acquisition | None
"""The time axis, the one acquisition of a slice, or None where the coverage has no time."""


def acquisitions_of(times: Times) -> tuple[Acquisition, ...]:
    """Return the acquisitions; none where there is no time."""
    match times:
        case None:
            return ()
        case TimeAxis():
            return times.acquisitions
        case _:
            return (times,)


def touching_slots(
    coverage: Coverage, bands: tuple[Band, ...], area: Bbox, *, times: Times, view: CatalogView
) -> tuple[Slot, ...]:
    """Return the slots of `times` that have cells in `area`, a box in the cube's CRS.

    All visible slots of the area where there is no time.
    """
    cube = coverage.cube
    names = dict.fromkeys((coverage.group, *(band.group for band in bands)))
    windows = {name: cube.group(name).grid.cover(area).window for name in names}
    acquisitions = acquisitions_of(times)
    found = view.slots(
        cube.name,
        bbox=area,
        first=min((a.first for a in acquisitions), default=None),
        last=max((a.last for a in acquisitions), default=None),
    )
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
    acquisitions = acquisitions_of(times)
    found: list[list[Slot]] = [[] for _ in acquisitions]
    numbers = {a.reference: i for i, a in enumerate(acquisitions)}
    for slot in ordered:
        if slot.scene.reference_time in numbers:
            found[numbers[slot.scene.reference_time]].append(slot)
    return tuple(
        Stack(time=acquisition.reference, slots=tuple(at))
        for acquisition, at in zip(acquisitions, found, strict=True)
    )
