"""Trims move below whatever works cell by cell."""

from dataclasses import replace

from datacube.plan.nodes import (
    Apply,
    Bands,
    Coordinate,
    Literal,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Slice,
    Trim,
)
from datacube.plan.rules.parts import domain_with, is_regular, of_same_kind, trim
from datacube.plan.rules.slice_below import movable


def trim_below(plan: Plan) -> Plan:
    """Move a trim below arithmetic, bands, masks, mosaics without homes, slices, reductions.

    >>> from datacube.plan.functions import apply
    >>> from datacube.plan.rules.examples import literal, part
    >>> twice = Trim(source=apply("+", literal(), literal()), domain=part(2, 4))
    >>> trim_below(twice) == apply("+", literal(part(2, 4)), literal(part(2, 4)))
    True
    """
    if not isinstance(plan, Trim):
        return plan
    domain = plan.domain
    match plan.source:
        case Literal() as below:
            return replace(below, domain=domain)
        case Coordinate(axis=axis, index=index) as below:
            # The places of a listed axis get other indices when it is trimmed.
            same = not index or is_regular(domain.axes[axis])
            return replace(below, domain=domain) if same else plan
        case Apply(args=args) as below:
            return replace(below, args=tuple(trim(arg, domain) for arg in args))
        case Bands(picks=picks):
            return Bands(picks=tuple(replace(p, source=trim(p.source, domain)) for p in picks))
        case Mask(source=source) as below:
            return replace(below, source=trim(source, domain))
        case Mosaic(members=members) if all(m.home is None for m in members):
            # Where zones meet, longitudes are interpolated on a grid chosen for the whole domain.
            return Mosaic(members=tuple(replace(m, source=trim(m.source, domain)) for m in members))
        case Slice(source=source, axis=axis) as below if not movable(below):
            return replace(below, source=_back(plan, source, (axis,)))
        case Reduce(source=source, axes=axes, where=where) as below:
            return replace(
                below,
                source=_back(plan, source, axes),
                where=None if where is None else _back(plan, where, axes),
            )
        case _:
            return plan


def _back(plan: Trim, source: Plan, gone: tuple[int, ...]) -> Plan:
    """Trim `source`, which has further axes at the positions `gone`."""
    kept = [at for at in range(len(source.domain.axes)) if at not in gone]
    cut = {
        at: axis
        for at, axis, whole in zip(kept, plan.domain.axes, plan.source.domain.axes, strict=True)
        if axis != whole
    }
    own = {at: of_same_kind(source.domain.axes[at], axis) for at, axis in cut.items()}
    return trim(source, domain_with(source.domain, own))
