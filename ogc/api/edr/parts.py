"""The part of a coverage that a query of EDR asks for on the axes before the plane."""

from dataclasses import dataclass, replace

from datacube.axes import IrregularAxis, RegularAxis, TimeAxis
from datacube.cube import Coverage
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.plan import query
from datacube.plan.cut import cut
from datacube.plan.names import select_bands
from datacube.plan.nodes import Domain, Plan, Table, Take, Trim
from datacube.plan.resolve import coverage_cells, resolve
from datacube.plan.rules import rewrite
from datacube.plan.stacking import stacked, touching_slots
from datacube.protocols import CatalogView
from ogc.api.edr.request import EdrQuery, Heights
from ogc.wms.dimensions import VERTICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Cells of one coverage, not yet cut in the plane."""

    coverage: Coverage
    plan: Plan


def vertical_position(domain: Domain) -> int | None:
    """Return the position of the axis that `z` speaks of, or None."""
    for at, axis in enumerate(domain.outer):
        if axis.name.casefold() in VERTICAL:
            return at
    return None


def asked_part(asked: EdrQuery, view: CatalogView) -> Part:
    """Cut a coverage to the bands, times and heights that are asked for.

    Raises
    ------
    UnknownNameError
        If the coverage or a band does not exist.
    InvalidParameterError
        If the coverage has no places on the Earth, or no axis for `z`.
    OutOfDomainError, TimeSelectionError
        If there is no such time or height.
    """
    coverage = view.coverage(asked.coverage_id)
    if not coverage.mappable:
        names = ", ".join(axis.name for axis in coverage.domain_axes)
        raise InvalidParameterError(
            f"{coverage.id} has no places on the Earth to ask at; its axes: {names}",
            parameter="collectionId",
        )
    bands = select_bands(coverage.bands, asked.bands) if asked.bands else coverage.bands
    plan = coverage_cells(coverage, bands)
    if asked.times is not None and coverage.time is not None:
        times = query.Trim(axis=coverage.time.name, low=asked.times.start, high=asked.times.end)
        plan = cut(plan, (times,), view)
    if asked.heights is not None:
        at = vertical_position(plan.domain)
        if at is None:
            raise InvalidParameterError(
                f"{coverage.id} has no vertical axis; allowed is a request without z",
                parameter="z",
            )
        plan = _at_heights(plan, at, asked.heights)
    return Part(coverage=coverage, plan=plan)


def trimmed(plan: Plan, domain: Domain) -> Plan:
    """Keep a part of the cells of a plan."""
    return plan if domain == plan.domain else Trim(source=plan, domain=domain)


def seen(part: Part, view: CatalogView) -> Plan:
    """Leave out the times at which no scene lies where the part's plane does.

    Raises
    ------
    OutOfDomainError
        If none does.
    """
    plan, coverage = part.plan, part.coverage
    time = next((axis for axis in plan.domain.outer if isinstance(axis, TimeAxis)), None)
    area = plan.domain.plane.bbox
    slots = touching_slots(coverage, coverage.bands, area, times=time, view=view)
    if not slots:
        raise OutOfDomainError(f"no scene of {coverage.id} lies there at that time")
    if time is None:
        return plan
    stacks = stacked(time, slots)
    kept = tuple(a for a, stack in zip(time, stacks, strict=True) if stack.slots)
    at = plan.domain.outer.index(time)
    return trimmed(plan, plan.domain.having(at, replace(time, acquisitions=kept)))


def bound(plan: Plan, view: CatalogView) -> Plan:
    """Rewrite a plan and fix the slots that it reads."""
    return rewrite(resolve(rewrite(plan), view))


def _at_heights(plan: Plan, at: int, heights: Heights) -> Plan:
    """Keep levels of the axis at a position; they may have gaps between them."""
    axis = plan.domain.outer[at]
    if not isinstance(axis, RegularAxis | IrregularAxis):
        raise TypeError(f"{axis} is not vertical")
    if not heights.values:
        low, high = axis.extent
        low = low if heights.low is None else heights.low
        high = high if heights.high is None else heights.high
        return trimmed(plan, plan.domain.having(at, axis.inside(low, high)))
    numbers = sorted({axis.at(value) for value in heights.values})
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        return trimmed(plan, plan.domain.having(at, axis.select(numbers[0], numbers[-1])))
    levels = sorted((float(axis.coordinates()[k - axis.first]), k) for k in numbers)
    kept = IrregularAxis(
        name=axis.name, uom=axis.uom, coefficients=tuple(level for level, _ in levels)
    )
    return Take(
        source=plan,
        axis=at,
        index=Table(axes=(at,), indices=tuple(k for _, k in levels)),
        domain=plan.domain.having(at, kept),
        places=tuple(k for k in range(len(plan.domain.axes)) if k != at),
    )
