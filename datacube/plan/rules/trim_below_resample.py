"""Trims move below a resampling, as far as no position changes by it."""

from dataclasses import replace

from datacube.grid import same_crs
from datacube.plan.nodes import Domain, Plan, Resample, Trim
from datacube.plan.query import Method
from datacube.plan.rules.parts import trim


def trim_below_resample(plan: Plan) -> Plan:
    """Move the outer part below any resampling; the plane only into nearest within one CRS.

    A warp chooses its coarse grid by the whole target, and an edge-anchored scale
    counts from it: their planes stay, and evaluation asks for the window it needs.

    >>> from datacube.plan.query import Method
    >>> from datacube.plan.rules.examples import literal, part
    >>> wide = Resample(source=literal(), grid=part(0, 8, step=5.0).grid, method=Method.NEAREST)
    >>> made = trim_below_resample(Trim(source=wide, domain=part(2, 4, step=5.0)))
    >>> made.grid == part(2, 4, step=5.0).grid
    True
    """
    if not isinstance(plan, Trim) or not isinstance(plan.source, Resample):
        return plan
    below, wanted = plan.source, plan.domain
    source = below.source
    if wanted.outer != source.domain.outer:
        source = trim(source, Domain(outer=wanted.outer, grid=source.domain.plane))
        below = replace(below, source=source)
    own = same_crs(below.grid.crs, source.domain.plane.crs)
    if own and below.method is Method.NEAREST and not below.from_edge:
        return replace(below, grid=wanted.plane)
    return below if below.grid == wanted.grid else Trim(source=below, domain=wanted)
