"""Trims that do nothing, and trims of trims."""

from datacube.plan.nodes import Plan, Trim


def fold_trim(plan: Plan) -> Plan:
    """Drop a trim to the source's own domain; make one of two.

    >>> from datacube.plan.rules.examples import literal, part
    >>> inner, outer = Trim(source=literal(), domain=part(0, 6)), part(2, 4)
    >>> fold_trim(Trim(source=inner, domain=outer)) == Trim(source=literal(), domain=outer)
    True
    """
    if not isinstance(plan, Trim):
        return plan
    if plan.domain == plan.source.domain:
        return plan.source
    if isinstance(plan.source, Trim):
        return Trim(source=plan.source.source, domain=plan.domain)
    return plan
