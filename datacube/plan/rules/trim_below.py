"""Trims move below whatever works cell by cell."""

from dataclasses import replace

from datacube.plan.nodes import (
    Apply,
    Bands,
    Domain,
    Literal,
    Member,
    Mosaic,
    Pick,
    Plan,
    Slice,
    Trim,
)


def trim_below(plan: Plan) -> Plan:
    """Move a trim below arithmetic, bands, mosaics without homes, and slices.

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
        case Literal(value=value):
            return Literal(value=value, domain=domain)
        case Apply(args=args) as formula:
            return replace(formula, args=tuple(trim(arg, domain) for arg in args))
        case Bands(picks=picks):
            return Bands(
                picks=tuple(
                    Pick(source=trim(p.source, domain), field=p.field, name=p.name) for p in picks
                )
            )
        case Mosaic(members=members) if all(m.home is None for m in members):
            # Where zones meet, longitudes are interpolated on a grid chosen for the whole domain.
            return Mosaic(
                members=tuple(Member(source=trim(m.source, domain), home=m.home) for m in members)
            )
        case Slice(source=source, axis=axis, index=index) if axis < len(source.domain.outer):
            outer = (*domain.outer[:axis], source.domain.outer[axis], *domain.outer[axis:])
            inner = trim(source, Domain(outer=outer, grid=domain.grid))
            return Slice(source=inner, axis=axis, index=index)
        case _:
            return plan


def trim(source: Plan, domain: Domain) -> Plan:
    """Trim `source` to `domain`, directly where it is a trim or a literal."""
    if isinstance(source, Literal):
        return Literal(value=source.value, domain=domain)
    if isinstance(source, Trim):
        return Trim(source=source.source, domain=domain)
    return source if source.domain == domain else Trim(source=source, domain=domain)
