"""Places that nobody chooses are not asked for."""

from dataclasses import replace

import numpy as np

from datacube.axes import Axis
from datacube.plan.indices import span, take_indices
from datacube.plan.nodes import Affine, Gather, Plan, Scan, Slice, Source, Table, Take
from datacube.plan.rules.parts import axis_at, domain_with, is_regular, trim


def narrow_source(plan: Plan) -> Plan:
    """Trim what is sliced, or chosen from, to the hull of the places that are taken.

    >>> from datacube.plan.rules.examples import scan
    >>> made = narrow_source(Slice(source=scan(), axis=1, index=3))
    >>> made.index, made.source.domain.axes[1].size
    (3, 1)
    """
    match plan:
        case Slice(source=Source() | Scan() as source, axis=axis, index=index):
            made, first = _narrowed(source, {axis: (index, index + 1)})
            return replace(plan, source=made, index=index - first[axis])
        case Take(source=source, axis=axis, index=chosen):
            made, first = _narrowed(source, {axis: span(take_indices(plan, plan.domain.window))})
            if made is source:
                return plan
            return replace(plan, source=made, index=_shifted(chosen, first[axis]))
        case Gather(source=source, axes=axes, cells=cells):
            places = np.asarray(cells)
            hull = {at: span(places[:, k]) for k, at in enumerate(axes)}
            made, first = _narrowed(source, hull)
            if made is source:
                return plan
            shifts = [first[at] for at in axes]
            moved = tuple(map(tuple, (places - shifts).tolist()))
            return replace(plan, source=made, cells=moved)
        case _:
            return plan


def _narrowed(source: Plan, hull: dict[int, tuple[int, int]]) -> tuple[Plan, dict[int, int]]:
    """Return the trimmed source, and by how much indices on each axis became less."""
    axes = dict[int, Axis]()
    shifts: dict[int, int] = {}
    for at, (start, stop) in hull.items():
        axis = source.domain.axes[at]
        cut = axis_at(axis, range(start - axis.first, stop - axis.first))
        axes[at] = axis if cut is None else cut
        shifts[at] = 0 if is_regular(axis) else start
    made = trim(source, domain_with(source.domain, axes))
    return (source, shifts) if made.key == source.key else (made, shifts)


def _shifted(index: Affine | Table, shift: int) -> Affine | Table:
    if isinstance(index, Affine):
        return replace(index, offset=index.offset - shift)
    return replace(index, indices=tuple(k - shift for k in index.indices))
