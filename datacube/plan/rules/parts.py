"""Parts of axes and domains, as rules carry them from one node to another."""

from dataclasses import replace

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.plan.nodes import Domain, Literal, Plan, Trim
from datacube.plan.windows import kept_indices

type Places = range | tuple[int, ...]
"""Cells of an axis, counted from its first."""


def places_kept(wide: Axis, kept: Axis) -> Places:
    """Return which places of an axis a trim of it keeps.

    >>> from datacube.plan.rules.examples import part
    >>> places_kept(part(0, 8).axes[0], part(2, 4).axes[0])
    range(2, 4)
    """
    numbers = kept_indices(wide, kept)
    if numbers is not None:
        return numbers
    if isinstance(wide, RegularAxis):
        return range(kept.first - wide.first, kept.stop - wide.first)
    return range(wide.size)


def axis_at(axis: Axis, places: Places) -> Axis | None:
    """Return an axis with those places alone; None where a regular axis would get gaps."""
    if len(places) == axis.size:
        return axis
    if isinstance(axis, TimeAxis):
        return axis.keep(places)
    if isinstance(axis, IrregularAxis):
        return replace(axis, coefficients=tuple(axis.coefficients[k] for k in places))
    if places[-1] - places[0] + 1 != len(places):
        return None
    return replace(axis, first=axis.first + places[0], size=len(places))


def domain_with(domain: Domain, axes: dict[int, Axis]) -> Domain:
    """Return a domain with other axes at some positions."""
    for at, axis in axes.items():
        if domain.axes[at] is not axis:
            domain = domain.having(at, axis)
    return domain


def trim(source: Plan, domain: Domain) -> Plan:
    """Trim `source` to `domain`, directly where it is a trim or a literal."""
    if isinstance(source, Literal):
        return Literal(value=source.value, domain=domain)
    if isinstance(source, Trim):
        source = source.source
    return source if source.domain == domain else Trim(source=source, domain=domain)


def is_regular(axis: Axis) -> bool:
    """Tell whether cells keep their indices when the axis is trimmed."""
    return isinstance(axis, RegularAxis)


def equals(plan: Plan, made: Plan) -> Plan:
    """Return `made` where it has the domain and fields of `plan`, else `plan`."""
    return made if made.domain == plan.domain and made.fields == plan.fields else plan


def of_same_kind(own: Axis, kept: Axis) -> Axis:
    """Return `kept` as an axis of the domain that `own` belongs to.

    What is left of a plane carries its CRS, which the plane's own axes do not.
    """
    if isinstance(own, RegularAxis) and isinstance(kept, RegularAxis):
        return replace(kept, crs=own.crs)
    return kept
