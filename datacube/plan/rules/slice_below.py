"""Slices move below whatever works place by place."""

from dataclasses import replace

from datacube.plan.area import axis_coordinates
from datacube.plan.nodes import (
    Apply,
    Bands,
    Coordinate,
    Literal,
    Mask,
    Mosaic,
    Pick,
    Plan,
    Reduce,
    Resample,
    Slice,
    Trim,
)
from datacube.plan.rules.cut_source import cut_source
from datacube.plan.rules.parts import equals, trim
from datacube.plan.rules.slice_below_moves import slice_below_moves
from datacube.plan.rules.slice_into_scan import slice_into_scan
from datacube.plan.windows import kept_indices


def slice_below(plan: Plan) -> Plan:
    """Move a slice below arithmetic, bands, masks, mosaics, resamplings, reductions and trims.

    Planes stay whole below what needs them.

    >>> from datacube.plan.functions import apply
    >>> from datacube.plan.rules.examples import timed_scan
    >>> below = slice_below(Slice(source=apply("abs", timed_scan()), axis=0, index=1))
    >>> below == apply("abs", Slice(source=timed_scan(), axis=0, index=1))
    True
    """
    if not isinstance(plan, Slice):
        return plan
    made = _moved(plan)
    return plan if made is None else equals(plan, made)


def _moved(plan: Slice) -> Plan | None:
    axis, index = plan.axis, plan.index
    whole = axis < len(plan.source.domain.outer)

    def cut(source: Plan, at: int = axis) -> Plan:
        return Slice(source=source, axis=at, index=index)

    match plan.source:
        case Literal() as below:
            return replace(below, domain=plan.domain)
        case Coordinate() as below:
            return _coordinate(plan, below)
        case Apply(args=args) as below:
            return replace(below, args=tuple(map(cut, args)))
        case Bands(picks=picks):
            return Bands(picks=tuple(replace(p, source=cut(p.source)) for p in picks))
        case Mosaic(members=members) if whole:
            return Mosaic(members=tuple(replace(m, source=cut(m.source)) for m in members))
        case Resample(source=source) as below if whole:
            return replace(below, source=cut(source))
        case Mask(source=source, rows=rows, cols=cols) as below if axis not in (rows, cols):
            rows, cols = (at - (at > axis) for at in (rows, cols))
            return replace(below, source=cut(source), rows=rows, cols=cols)
        case Trim() as below:
            return _trimmed(plan, below)
        case Reduce(source=source, where=where, axes=axes) as below:
            at = [k for k in range(len(source.domain.axes)) if k not in axes][axis]
            return replace(
                below,
                source=cut(source, at),
                where=None if where is None else cut(where, at),
                axes=tuple(k - (k > at) for k in axes),
            )
        case _:
            return None


def _coordinate(plan: Slice, below: Coordinate) -> Plan:
    if plan.axis != below.axis:
        return replace(below, axis=below.axis - (below.axis > plan.axis), domain=plan.domain)
    value: float = plan.index
    if not below.index:
        axis = below.domain.axes[below.axis]
        value = float(axis_coordinates(axis, plan.index, plan.index + 1)[0])
    number = Literal(value=value, domain=plan.domain)
    return Bands(picks=(Pick(source=number, field="value", name=below.fields[0].name),))


def movable(plan: Slice) -> bool:
    """Tell whether a slice can move below its source, or into it."""
    rules = (slice_below, slice_below_moves, slice_into_scan, cut_source)
    return any(rule(plan) is not plan for rule in rules)


def _trimmed(plan: Slice, below: Trim) -> Plan | None:
    at = plan.axis
    numbers = kept_indices(below.source.domain.axes[at], below.domain.axes[at])
    index = plan.index if numbers is None else numbers[plan.index]
    inner = Slice(source=below.source, axis=at, index=index)
    # A slice that stays where it is has the trim below it, a trim may go further.
    return trim(inner, plan.domain) if movable(inner) else None
