"""Slices move below whatever works plane by plane."""

from dataclasses import replace

from datacube.plan.nodes import (
    Apply,
    Bands,
    Literal,
    Member,
    Mosaic,
    Pick,
    Plan,
    Resample,
    Slice,
    Trim,
)
from datacube.plan.windows import kept_indices


def slice_below(plan: Plan) -> Plan:
    """Move a slice below arithmetic, bands, mosaics, resamplings and trims.

    >>> from datacube.plan.functions import apply
    >>> from datacube.plan.rules.examples import timed_scan
    >>> below = slice_below(Slice(source=apply("abs", timed_scan()), axis=0, index=1))
    >>> below == apply("abs", Slice(source=timed_scan(), axis=0, index=1))
    True
    """
    if not isinstance(plan, Slice):
        return plan
    axis, index = plan.axis, plan.index

    def cut(source: Plan) -> Plan:
        return Slice(source=source, axis=axis, index=index)

    match plan.source:
        case Literal(value=value):
            return Literal(value=value, domain=plan.domain)
        case Apply(args=args) as formula:
            return replace(formula, args=tuple(map(cut, args)))
        case Bands(picks=picks):
            return Bands(
                picks=tuple(Pick(source=cut(p.source), field=p.field, name=p.name) for p in picks)
            )
        case Mosaic(members=members):
            return Mosaic(members=tuple(Member(source=cut(m.source), home=m.home) for m in members))
        case Resample(source=source) as below:
            return replace(below, source=cut(source))
        case Trim() as trimmed:
            return _below_trim(plan, trimmed)
        case _:
            return plan


def _below_trim(plan: Slice, trimmed: Trim) -> Plan:
    at = plan.axis
    before = trimmed.source.domain.axes[at]
    numbers = kept_indices(before, trimmed.domain.axes[at])
    index = plan.index if numbers is None else numbers[plan.index]
    inner = Slice(source=trimmed.source, axis=at, index=index)
    return inner if inner.domain == plan.domain else Trim(source=inner, domain=plan.domain)
