"""What a plan reads of the coverages below it."""

from datetime import datetime

from datacube.axes import TimeAxis
from datacube.errors import TimeSelectionError
from datacube.grid import Grid, Window
from datacube.plan.nodes import Plan, Source
from datacube.plan.stacking import touching_slots
from datacube.plan.windows import inputs
from datacube.protocols import CatalogView
from datacube.times import Period, iso_text

_SHOWN = 10
_INSTANT_SECONDS = 1


def reached(plan: Plan) -> tuple[tuple[Source, Window], ...]:
    """Return the sources below a plan with the hull of the cells that it needs of each."""
    windows = {plan.key: plan.domain.window}
    found: dict[str, tuple[Source, Window]] = {}
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Source):
            found[node.key] = node, windows[node.key]
            continue
        for below, window in inputs(node, windows[node.key]):
            known = windows.get(below.key)
            hull = window if known is None else known.hull(window)
            if hull != known:
                windows[below.key] = hull
                waiting.append(below)
    return tuple(found.values())


def acquisition_index(plan: Plan, position: int, when: Period, view: CatalogView) -> int:
    """Return the index on the time axis at `position` of the one acquisition that `when` selects.

    An instant selects the acquisition whose area of validity contains it. A period
    selects, among the acquisitions that it touches, the one that has a scene in the
    area of the plan.

    Raises
    ------
    TimeSelectionError
        If there is none, or more than one; the message names the candidates.
    """
    axis = plan.domain.axes[position]
    if not isinstance(axis, TimeAxis):
        raise TypeError(f"axis {axis.name!r} is no time axis")
    places = axis.times.touched(when)
    instant = (when.end - when.start).total_seconds() <= _INSTANT_SECONDS
    if len(places) == 1 and instant:
        return int(places[0])
    if not len(places):
        raise axis.none_at(when)
    touched = axis.times.at(places)
    here = scenes_times(plan, axis.keep(places), view)
    there = {
        int(place): one
        for place, one in zip(places, touched, strict=True)
        if here is None or one.reference in here
    }
    if len(there) == 1:
        return next(iter(there))
    named = list(there.values()) or touched
    names = ", ".join(iso_text(a.reference) for a in named[:_SHOWN])
    if there:
        raise TimeSelectionError(
            f"{when} selects {len(there)} acquisitions, one is needed: {names}"
        )
    raise TimeSelectionError(f"no acquisition at {when} touches the area; elsewhere: {names}")


def scenes_times(plan: Plan, times: TimeAxis, view: CatalogView) -> set[datetime] | None:
    """Return the reference times of the scenes within `times` that have cells in the plan's area.

    None where nothing below the plan has a time axis in the catalogue.
    """
    found: set[datetime] = set()
    timed = False
    for source, window in reached(plan):
        coverage = view.coverage(source.coverage_id)
        if coverage.time is None or source.at is not None or not window.size:
            continue
        timed = True
        area = _plane(source, window)
        slots = touching_slots(coverage, source.bands, area.bbox, times=times, view=view)
        found.update(slot.scene.reference_time for slot in slots)
    return found if timed else None


def _plane(source: Source, window: Window) -> Grid:
    return source.domain.plane.at(window)
