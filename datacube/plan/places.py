"""Which stored places a scan's window means."""

from datacube.axes import TimeAxis
from datacube.grid import Window
from datacube.plan.nodes.stored import Scan, Stack
from datacube.slots import Slot


def is_timed(scan: Scan) -> bool:
    """Tell whether the scan's first axis is time, with one stack a coefficient."""
    outer = scan.domain.outer
    return bool(outer) and isinstance(outer[0], TimeAxis)


def stacks_in(scan: Scan, window: Window) -> tuple[Stack, ...]:
    """Return the stacks of a window's times; the only one where time is no axis."""
    if not is_timed(scan):
        return scan.stacks
    start, stop = window.ranges[0]
    return scan.stacks[start:stop]


def stored_window(scan: Scan, window: Window) -> Window:
    """Return the group's indices, `(*axes, y, x)`, of a window of the scan's domain.

    Listed axes are numbered anew where they are trimmed, stored arrays are not.

    Raises
    ------
    ValueError
        If the scan keeps coefficients of a listed axis that are no neighbours.
    """
    time = int(is_timed(scan))
    ranges = []
    for kept, stored, (start, stop) in zip(
        scan.domain.outer[time:], scan.group.axes, window.ranges[time:-2], strict=True
    ):
        shift = 0
        listed = getattr(stored, "coefficients", None)
        if listed is not None and kept.size != stored.size:
            chosen = getattr(kept, "coefficients", listed)
            shift = listed.index(chosen[0])
            if listed[shift : shift + kept.size] != chosen:
                raise ValueError(f"a scan of {kept.name!r} keeps neighbours; Take keeps others")
        ranges.append((start + shift, stop + shift))
    return Window((*ranges, *window.plane.ranges))


def slot_cells(scan: Scan, slot: Slot, stored: Window) -> Window | None:
    """Return the cells of `stored` that a slot covers at the scan's level, or None.

    Windows are the group's indices, `(*axes, y, x)`.
    """
    covered = slot.window(scan.group.name)
    if covered is None or covered.levels <= scan.level:
        return None
    return covered.window.coarser(scan.level).intersect(stored)
