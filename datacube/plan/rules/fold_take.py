"""Chosen cells that are one place, or a run of places."""

from datacube.plan.nodes import Affine, Domain, Plan, Relabel, Slice, Spread, Take
from datacube.plan.rules.parts import axis_at, domain_with, equals, trim


def fold_take(plan: Plan) -> Plan:
    """Make a slice of a constant index, and a part under another name of a running one.

    >>> from datacube.plan.rules.examples import timed_scan
    >>> one = Take(source=timed_scan(), axis=0, index=Affine(offset=1, terms=()),
    ...     domain=timed_scan().domain.without(0), places=(0, 1))
    >>> fold_take(one) == Slice(source=timed_scan(), axis=0, index=1)
    True
    """
    if not isinstance(plan, Take):
        return plan
    index = plan.index
    if not isinstance(index, Affine):
        same = len(set(index.indices)) == 1
        return plan if not same else equals(plan, _constant(plan, index.indices[0]))
    terms = tuple((at, factor) for at, factor in index.terms if factor)
    if not terms:
        return equals(plan, _constant(plan, index.offset))
    if len(terms) > 1 or terms[0][1] != 1 or terms[0][0] in plan.places:
        return plan
    return equals(plan, _running(plan, index.offset, terms[0][0]) or plan)


def _constant(plan: Take, place: int) -> Plan:
    made = Slice(source=plan.source, axis=plan.axis, index=place)
    return _spread(made, plan.places, plan.domain)


def _running(plan: Take, offset: int, at: int) -> Plan | None:
    places = list(plan.places)
    places.insert(plan.axis, at)
    if sorted(places) != places:
        return None
    axis, along = plan.source.domain.axes[plan.axis], plan.domain.axes[at]
    first = offset + along.first - axis.first
    run = axis_at(axis, range(first, first + along.size))
    if run is None:
        return None
    part = trim(plan.source, domain_with(plan.source.domain, {plan.axis: run}))
    return _spread(part, tuple(places), plan.domain)


def _spread(made: Plan, places: tuple[int, ...], domain: Domain) -> Plan:
    """Give the axes their names in the result, then the further axes."""
    axes = tuple(domain.axes[at] for at in places)
    whole = domain.grid is not None and places[-2:] == (len(domain.axes) - 2, len(domain.axes) - 1)
    own = Domain(outer=axes[:-2], grid=domain.grid) if whole else Domain(outer=axes)
    if own != made.domain:
        made = Relabel(source=made, domain=own)
    return (
        made if len(axes) == len(domain.axes) else Spread(source=made, domain=domain, places=places)
    )
