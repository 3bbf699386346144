"""Coarse scalings move below arithmetic, which then has fewer cells."""

from dataclasses import replace

from datacube.plan.nodes import Apply, Bands, Literal, Plan, Resample


def resample_below(plan: Plan) -> Plan:
    """Move a nearest scaling of one extent to fewer cells below functions and bands.

    >>> from datacube.plan.functions import apply
    >>> from datacube.plan.query import Method
    >>> from datacube.plan.rules.examples import part, scan
    >>> def half(source: Plan) -> Plan:
    ...     grid = part(0, 4, step=20.0).grid
    ...     return Resample(source=source, grid=grid, method=Method.NEAREST, from_edge=True)
    >>> resample_below(half(apply("abs", scan()))) == apply("abs", half(scan()))
    True
    """
    if not isinstance(plan, Resample) or not plan.from_edge:
        return plan
    source = plan.source.domain.plane
    if plan.grid.window.size > source.window.size:
        return plan

    def below(part: Plan) -> Plan:
        if isinstance(part, Literal):
            return replace(part, domain=plan.domain)
        return replace(plan, source=part)

    match plan.source:
        case Apply(args=args) as formula:
            return replace(formula, args=tuple(map(below, args)))
        case Bands(picks=picks):
            return Bands(picks=tuple(replace(p, source=below(p.source)) for p in picks))
        case Literal():
            return below(plan.source)
        case _:
            return plan
