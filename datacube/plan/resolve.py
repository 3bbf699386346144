"""From coverages to the slots that are read, once rules have cut down what is needed."""

from collections.abc import Iterable
from functools import reduce
from itertools import groupby

from datacube.axes import PLACEHOLDER, TimeAxis
from datacube.cube import Band, Coverage
from datacube.grid import Window
from datacube.plan.deep import deepened
from datacube.plan.nodes import (
    Bands,
    Domain,
    Pick,
    Plan,
    Resample,
    Scan,
    Slice,
    Source,
    children,
    rebuilt,
    sources,
)
from datacube.plan.query import Method
from datacube.plan.shading import painted, stored_bands
from datacube.plan.stacking import Times, stacked, validity
from datacube.protocols import Bbox, CatalogView
from datacube.slots import Slot


def coverage_cells(coverage: Coverage, bands: tuple[Band, ...] | None = None) -> Plan:
    """Return the stored cells of a coverage, by default of all bands.

    The axes that a line or a point has not are gone.
    """
    plan: Plan = Source(
        coverage_id=coverage.id,
        bands=coverage.bands if bands is None else bands,
        domain=Domain(outer=coverage.outer_axes, grid=coverage.grid),
    )
    for at, axis in reversed(tuple(enumerate(plan.domain.axes))):
        if axis.name == PLACEHOLDER:
            plan = Slice(source=plan, axis=at, index=axis.first)
    return plan


def resolve(plan: Plan, view: CatalogView) -> Plan:
    """Put scans in the place of sources; reads the catalogue, never cells.

    The catalogue is asked once a coverage, for the hull of what its sources need.
    Bands of coarser groups are repeated on the coverage's grid.

    Raises
    ------
    UnknownNameError
        If a coverage does not exist, or not for this view.
    """
    made: dict[str, Plan] = {}
    found = sorted(sources(plan), key=lambda source: source.coverage_id)
    for coverage_id, some in groupby(found, key=lambda source: source.coverage_id):
        same = tuple(some)
        coverage = view.coverage(coverage_id)
        slots = _slots(coverage, same, view)
        for source in same:
            made[source.key] = scanned(source, coverage, slots, view)
    return _replaced(plan, made) if made else plan


def scanned(
    source: Source, coverage: Coverage, slots: Iterable[Slot], view: CatalogView | None = None
) -> Plan:
    """Return the scans that give what a source stands for.

    `slots` hold all of the coverage that touch the source's cells and times, and may
    hold others. `view` knows which of them stand in deep blocks.
    """
    windows = _windows(source, coverage)
    touching = tuple(
        slot
        for slot in slots
        if any(
            (covered := slot.window(name)) is not None
            and covered.window.plane.intersect(window) is not None
            for name, window in windows.items()
        )
    )
    stacks = stacked(_times(source), touching)
    outer, base = source.domain.outer, source.domain.plane
    stored = stored_bands(source.bands)
    scans: dict[str, Plan] = {}
    for name in dict.fromkeys(band.group for band in stored):
        group = coverage.cube.group(name)
        own = name == coverage.group
        scan = Scan(
            cube=coverage.cube.name,
            group=group,
            level=0,
            bands=tuple(band for band in stored if band.group == name),
            stacks=stacks,
            domain=Domain(outer=outer, grid=base if own else group.grid.cover(base.bbox)),
        )
        scan = scan if view is None else deepened(scan, view)
        scans[name] = scan if own else Resample(source=scan, grid=base, method=Method.NEAREST)
    if len(scans) == 1:
        return painted(next(iter(scans.values())), source.bands)
    together = Bands(
        picks=tuple(
            Pick(source=scans[band.group], field=band.name, name=band.name) for band in stored
        )
    )
    return painted(together, source.bands)


def _slots(coverage: Coverage, same: tuple[Source, ...], view: CatalogView) -> tuple[Slot, ...]:
    """Ask for the slots of several sources of one coverage at once."""
    box = reduce(_hull, (source.domain.plane.bbox for source in same))
    first, last = validity(_times(source) for source in same)
    return tuple(view.slots(coverage.cube.name, bbox=box, first=first, last=last))


def _hull(one: Bbox, other: Bbox) -> Bbox:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _times(source: Source) -> Times:
    if source.at is not None:
        return source.at
    outer = source.domain.outer
    return outer[0] if outer and isinstance(outer[0], TimeAxis) else None


def _windows(source: Source, coverage: Coverage) -> dict[str, Window]:
    """Return the cells `(y, x)` of each group that the source's bands need."""
    box = source.domain.plane.bbox
    names = dict.fromkeys((coverage.group, *(band.group for band in source.bands)))
    return {name: coverage.cube.group(name).grid.cover(box).window for name in names}


def _replaced(plan: Plan, made: dict[str, Plan]) -> Plan:
    """Rebuild a plan from its leaves up, each common part once."""
    todo = [(plan, False)]
    while todo:
        node, ready = todo.pop()
        if node.key in made:
            continue
        if ready:
            made[node.key] = rebuilt(node, lambda part: made[part.key])
        else:
            todo.append((node, True))
            todo.extend((child, False) for child in children(node))
    return made[plan.key]
