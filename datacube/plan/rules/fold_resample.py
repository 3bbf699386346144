"""Resamplings that move no cell."""

from datacube.plan.nodes import Domain, Plan, Resample, Trim


def fold_resample(plan: Plan) -> Plan:
    """Make a trim of a resampling to a part of the source's own lattice, whatever its method.

    >>> from datacube.plan.query import Method
    >>> from datacube.plan.rules.examples import literal, part
    >>> same = Resample(source=literal(), grid=part(2, 4).grid, method=Method.LINEAR)
    >>> fold_resample(same) == Trim(source=literal(), domain=part(2, 4))
    True
    """
    if not isinstance(plan, Resample):
        return plan
    source = plan.source.domain
    within = plan.grid.window.intersect(source.plane.window) == plan.grid.window
    if not (within and source.plane.same_lattice(plan.grid)):
        return plan
    return Trim(source=plan.source, domain=Domain(outer=source.outer, grid=plan.grid))
