"""Bands that nobody takes are not read."""

from dataclasses import replace

from datacube.plan.nodes import (
    Apply,
    Bands,
    Construct,
    Extend,
    Flip,
    Gather,
    Mask,
    Pick,
    Plan,
    Reduce,
    Relabel,
    Resample,
    Scan,
    Slice,
    Sort,
    Source,
    Spread,
    Take,
    Trim,
)

type Positions = tuple[int, ...]
"""Of fields, ascending."""


def prune_bands(plan: Plan) -> Plan:
    """Drop from each source of `Bands` the fields that no pick takes.

    The fields of a mosaic stay, since together they tell which source gives a place.

    >>> from datacube.plan.rules.examples import scan
    >>> one = Bands(picks=(Pick(source=scan("B02", "B03"), field="B03", name="green"),))
    >>> prune_bands(one).picks[0].source == scan("B03")
    True
    """
    if not isinstance(plan, Bands):
        return plan
    sources = {pick.source.key: pick.source for pick in plan.picks}
    narrow = {}
    for key, source in sources.items():
        names = [f.name for f in source.fields]
        taken = {names.index(pick.field) for pick in plan.picks if pick.source.key == key}
        narrow[key] = _narrowed(source, tuple(sorted(taken)))
    if any(made is not sources[key] for key, made in narrow.items()):
        picks = tuple(replace(pick, source=narrow[pick.source.key]) for pick in plan.picks)
        return Bands(picks=picks)
    return _unnested(plan)


def _narrowed(source: Plan, kept: Positions) -> Plan:
    """Return the source with fewer fields, or as it is where that cannot be."""
    if len(kept) == len(source.fields):
        return source
    match source:
        case Scan(bands=bands) | Source(bands=bands):
            return replace(source, bands=tuple(bands[at] for at in kept))
        case (
            Trim(source=below)
            | Slice(source=below)
            | Extend(source=below)
            | Spread(source=below)
            | Relabel(source=below)
            | Take(source=below)
            | Gather(source=below)
            | Flip(source=below)
            | Sort(source=below)
            | Mask(source=below)
            | Resample(source=below)
        ):
            # What moves cells would only go below a choice of bands again.
            made = _narrowed(below, kept)
            return source if made is below else replace(source, source=made)
        case Construct(parts=parts):
            return replace(source, parts=tuple(_chosen(part, kept) for part in parts))
        case Bands(picks=picks):
            return Bands(picks=tuple(picks[at] for at in kept))
        case Apply(args=args, result=result):
            return replace(
                source,
                args=tuple(a if len(a.fields) == 1 else _chosen(a, kept) for a in args),
                result=tuple(result[at] for at in kept),
            )
        case Reduce(source=below, result=result):
            return replace(
                source,
                source=_chosen(below, kept),
                result=tuple(result[at] for at in kept),
            )
        case _:
            return source


def _chosen(source: Plan, kept: Positions) -> Plan:
    """Return the source with these fields alone, by `Bands` where nothing else can."""
    made = _narrowed(source, kept)
    if len(made.fields) == len(kept):
        return made
    names = [source.fields[at].name for at in kept]
    return Bands(picks=tuple(Pick(source=source, field=n, name=n) for n in names))


def _unnested(plan: Bands) -> Bands:
    """Take from the sources of a source what it only renames."""
    if not any(isinstance(pick.source, Bands) for pick in plan.picks):
        return plan
    picks = []
    for pick in plan.picks:
        if isinstance(pick.source, Bands):
            inner = next(p for p in pick.source.picks if p.name == pick.field)
            picks.append(Pick(source=inner.source, field=inner.field, name=pick.name))
        else:
            picks.append(pick)
    return Bands(picks=tuple(picks))
