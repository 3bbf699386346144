"""Slices move below whatever only moves cells."""

from dataclasses import replace
from math import prod

import numpy as np

from datacube.plan.nodes import (
    Affine,
    Construct,
    Extend,
    Flip,
    Gather,
    Plan,
    Relabel,
    Slice,
    Sort,
    Spread,
    Table,
    Take,
)
from datacube.plan.rules.parts import equals, is_regular


def slice_below_moves(plan: Plan) -> Plan:
    """Move a slice below spreading, relabelling, choosing and the like, or leave its part alone.

    >>> from datacube.plan.rules.examples import timed_scan
    >>> flipped = Flip(source=timed_scan(), axis=0)
    >>> slice_below_moves(Slice(source=flipped, axis=0, index=1)) == Slice(
    ...     source=timed_scan(), axis=0, index=0
    ... )
    True
    """
    if not isinstance(plan, Slice):
        return plan
    made = _moved(plan)
    return plan if made is None else equals(plan, made)


def _moved(plan: Slice) -> Plan | None:
    axis, index = plan.axis, plan.index
    match plan.source:
        case Spread() as below:
            return _spread(plan, below)
        case Relabel(source=source) as below:
            first = source.domain.axes[axis].first - below.domain.axes[axis].first
            inner = Slice(source=source, axis=axis, index=index + first)
            return replace(below, source=inner, domain=plan.domain)
        case Extend(source=source) as below:
            own, wide = source.domain.axes[axis], below.domain.axes[axis]
            if not (is_regular(own) and is_regular(wide) and own.first <= index < own.stop):
                return None
            inner = Slice(source=source, axis=axis, index=index)
            return replace(below, source=inner, domain=plan.domain)
        case Take() as below:
            return _take(plan, below)
        case Gather() as below:
            return _gather(plan, below)
        case Flip(source=source) as below:
            if axis == below.axis:
                ends = below.domain.axes[axis].first + below.domain.axes[axis].stop - 1
                return Slice(source=source, axis=axis, index=ends - index)
            inner = Slice(source=source, axis=axis, index=index)
            return replace(below, source=inner, axis=below.axis - (below.axis > axis))
        case Sort(source=source) as below if axis != below.axis:
            inner = Slice(source=source, axis=axis, index=index)
            return replace(below, source=inner, axis=below.axis - (below.axis > axis))
        case Construct() as below:
            return _construct(plan, below)
        case _:
            return None


def _spread(plan: Slice, below: Spread) -> Plan:
    at = plan.axis
    source = below.source
    if at in below.places:
        source = Slice(source=source, axis=below.places.index(at), index=plan.index)
    places = tuple(k - (k > at) for k in below.places if k != at)
    if len(places) == len(plan.domain.axes) and source.domain == plan.domain:
        return source
    return Spread(source=source, domain=plan.domain, places=places)


def _take(plan: Slice, below: Take) -> Plan:
    at = plan.axis
    source, axis = below.source, below.axis
    if at in below.places:
        own = [k for k in range(len(source.domain.axes)) if k != axis][below.places.index(at)]
        source = Slice(source=source, axis=own, index=plan.index)
        axis -= own < axis
    index = _index(plan, below)
    places = tuple(k - (k > at) for k in below.places if k != at)
    return Take(source=source, axis=axis, index=index, domain=plan.domain, places=places)


def _index(plan: Slice, below: Take) -> Affine | Table:
    at = plan.axis
    if isinstance(below.index, Affine):
        fixed = sum(factor * plan.index for k, factor in below.index.terms if k == at)
        terms = tuple((k - (k > at), factor) for k, factor in below.index.terms if k != at)
        return Affine(offset=below.index.offset + fixed, terms=terms)
    axes = below.index.axes
    table = np.asarray(below.index.indices).reshape([below.domain.axes[k].size for k in axes])
    if at in axes:
        table = table.take(plan.index - below.domain.axes[at].first, axis=axes.index(at))
    return Table(
        axes=tuple(k - (k > at) for k in axes if k != at),
        indices=tuple(table.ravel().tolist()),
    )


def _gather(plan: Slice, below: Gather) -> Plan:
    at, new = plan.axis, below.axes[0]
    if at == new:
        made = below.source
        cell = below.cells[plan.index - below.domain.axes[new].first]
        for axis, index in reversed(list(zip(below.axes, cell, strict=True))):
            made = Slice(source=made, axis=axis, index=index)
        return made
    own = [k for k in range(len(below.source.domain.axes)) if k not in below.axes]
    axis = own[at - (at > new)]
    return replace(
        below,
        source=Slice(source=below.source, axis=axis, index=plan.index),
        axes=tuple(k - (k > axis) for k in below.axes),
        domain=plan.domain,
    )


def _construct(plan: Slice, below: Construct) -> Plan:
    at, leading = plan.axis, len(below.axes)
    if at >= leading:
        return replace(
            below,
            parts=tuple(
                Slice(source=part, axis=at - leading, index=plan.index) for part in below.parts
            ),
        )
    sizes = [axis.size for axis in below.axes]
    before, after = prod(sizes[:at]), prod(sizes[at + 1 :])
    place = plan.index - below.axes[at].first
    parts = tuple(
        below.parts[(k * sizes[at] + place) * after + j]
        for k in range(before)
        for j in range(after)
    )
    axes = (*below.axes[:at], *below.axes[at + 1 :])
    return Construct(parts=parts, axes=axes) if axes else parts[0]
