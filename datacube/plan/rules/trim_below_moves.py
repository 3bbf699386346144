"""Trims move below whatever only moves cells."""

from dataclasses import replace

import numpy as np

from datacube.axes import Axis, RegularAxis
from datacube.plan.nodes import (
    Affine,
    Construct,
    Domain,
    Extend,
    Flip,
    Gather,
    Plan,
    Relabel,
    Sort,
    Spread,
    Table,
    Take,
    Trim,
)
from datacube.plan.rules.parts import (
    axis_at,
    domain_with,
    equals,
    is_regular,
    of_same_kind,
    places_kept,
    trim,
)


def trim_below_moves(plan: Plan) -> Plan:
    """Move a trim below spreading, relabelling, extending, choosing, reversing and the like.

    >>> from datacube.plan.rules.examples import part, scan
    >>> flipped = Flip(source=scan(), axis=1)
    >>> top = part(0, 8).having(0, part(2, 4).axes[0])
    >>> trim_below_moves(Trim(source=flipped, domain=top)) == Flip(
    ...     source=Trim(source=scan(), domain=top), axis=1
    ... )
    True
    """
    if not isinstance(plan, Trim):
        return plan
    made = _moved(plan)
    return plan if made is None else equals(plan, made)


def _moved(plan: Trim) -> Plan | None:
    match plan.source:
        case Spread(source=source, places=places) as below:
            axes = {at: plan.domain.axes[place] for at, place in enumerate(places)}
            return replace(below, source=_cut(source, axes), domain=plan.domain)
        case Relabel():
            return _relabel(plan, plan.source)
        case Extend():
            return _extend(plan, plan.source)
        case Take():
            return _take(plan, plan.source)
        case Gather():
            return _gather(plan, plan.source)
        case Construct():
            return _construct(plan, plan.source)
        case Flip(source=source, axis=axis) as below:
            return _all_but(plan, below, axis)
        case Sort(axis=axis) as below:
            return _all_but(plan, below, axis)
        case _:
            return None


def _cut(source: Plan, axes: dict[int, Axis]) -> Plan:
    return trim(source, domain_with(source.domain, axes))


def _all_but(plan: Trim, below: Flip | Sort, at: int) -> Plan | None:
    """Leave the axis above on which the order changes."""
    whole = below.domain
    outer = domain_with(plan.domain, {at: whole.axes[at]})
    if outer == whole:
        return None
    return trim(replace(below, source=trim(below.source, outer)), plan.domain)


def _relabel(plan: Trim, below: Relabel) -> Plan | None:
    axes: dict[int, Axis] = {}
    for at, (own, wide, kept) in enumerate(
        zip(below.source.domain.axes, below.domain.axes, plan.domain.axes, strict=True)
    ):
        cut = axis_at(own, places_kept(wide, kept))
        if cut is None:
            return None
        axes[at] = cut
    return replace(below, source=_cut(below.source, axes), domain=plan.domain)


def _extend(plan: Trim, below: Extend) -> Plan | None:
    axes: dict[int, Axis] = {}
    for at, (own, kept) in enumerate(zip(below.source.domain.axes, plan.domain.axes, strict=True)):
        if own == kept:
            continue
        if not (isinstance(own, RegularAxis) and isinstance(kept, RegularAxis)):
            return None
        first, stop = max(own.first, kept.first), min(own.stop, kept.stop)
        if first >= stop:
            return None
        axes[at] = replace(own, first=first, size=stop - first)
    source = _cut(below.source, axes)
    if source.domain == plan.domain:
        return source
    return replace(below, source=source, domain=plan.domain)


def _take(plan: Trim, below: Take) -> Plan | None:
    index = _index(plan, below)
    if index is None:
        return None
    return replace(
        below,
        source=_cut(below.source, _others(plan, below)),
        index=index,
        domain=plan.domain,
    )


def _others(plan: Trim, below: Take) -> dict[int, Axis]:
    own = [at for at in range(len(below.source.domain.axes)) if at != below.axis]
    return {
        at: of_same_kind(below.source.domain.axes[at], plan.domain.axes[place])
        for at, place in zip(own, below.places, strict=True)
    }


def _index(plan: Trim, below: Take) -> Affine | Table | None:
    changed = {
        at
        for at, (wide, kept) in enumerate(zip(below.domain.axes, plan.domain.axes, strict=True))
        if wide != kept
    }
    if isinstance(below.index, Affine):
        listed = [at for at, _ in below.index.terms if not is_regular(plan.domain.axes[at])]
        return None if changed.intersection(listed) else below.index
    axes = below.index.axes
    if not changed.intersection(axes):
        return below.index
    table = np.asarray(below.index.indices).reshape([below.domain.axes[at].size for at in axes])
    kept = [list(places_kept(below.domain.axes[at], plan.domain.axes[at])) for at in axes]
    return Table(axes=axes, indices=tuple(table[np.ix_(*kept)].ravel().tolist()))


def _gather(plan: Trim, below: Gather) -> Plan | None:
    new = below.axes[0]
    own = [at for at in range(len(below.source.domain.axes)) if at not in below.axes]
    kept = [axis for at, axis in enumerate(plan.domain.axes) if at != new]
    axes = {
        at: of_same_kind(below.source.domain.axes[at], axis)
        for at, axis in zip(own, kept, strict=True)
    }
    places = places_kept(below.domain.axes[new], plan.domain.axes[new])
    return replace(
        below,
        source=_cut(below.source, axes),
        cells=tuple(below.cells[k] for k in places),
        domain=plan.domain,
    )


def _construct(plan: Trim, below: Construct) -> Plan | None:
    leading = len(below.axes)
    kept = plan.domain.axes[:leading]
    numbers = np.arange(len(below.parts)).reshape([axis.size for axis in below.axes])
    places = [list(places_kept(w, k)) for w, k in zip(below.axes, kept, strict=True)]
    inner = Domain(outer=plan.domain.outer[leading:], grid=plan.domain.grid)
    return Construct(
        parts=tuple(trim(below.parts[k], inner) for k in numbers[np.ix_(*places)].ravel()),
        axes=kept,
    )
