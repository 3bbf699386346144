"""Bands that nobody takes are not scanned."""

from dataclasses import replace

from datacube.plan.nodes import Bands, Pick, Plan, Resample, Scan, Slice, Trim


def prune_bands(plan: Plan) -> Plan:
    """Drop from each source of `Bands` the fields that no pick takes.

    The fields of a mosaic stay, since together they tell which source gives a place;
    so do those of arithmetic.

    >>> from datacube.plan.rules.examples import scan
    >>> one = Bands(picks=(Pick(source=scan("B02", "B03"), field="B03", name="green"),))
    >>> prune_bands(one).picks[0].source == scan("B03")
    True
    """
    if not isinstance(plan, Bands):
        return plan
    wanted: dict[str, dict[str, None]] = {}
    for pick in plan.picks:
        wanted.setdefault(pick.source.key, {}).setdefault(pick.field)
    narrow = {
        pick.source.key: _narrowed(pick.source, tuple(wanted[pick.source.key]))
        for pick in plan.picks
    }
    picks = tuple(replace(pick, source=narrow[pick.source.key]) for pick in plan.picks)
    if picks == plan.picks:
        return _unnested(plan)
    return Bands(picks=picks)


def _narrowed(source: Plan, names: tuple[str, ...]) -> Plan:
    kept = tuple(f.name for f in source.fields if f.name in names)
    if len(kept) == len(source.fields):
        return source
    match source:
        case Scan(bands=bands):
            return replace(source, bands=tuple(b for b in bands if b.name in kept))
        case Trim(source=below) | Slice(source=below) | Resample(source=below):
            narrow = _narrowed(below, names)
            return source if narrow.key == below.key else replace(source, source=narrow)
        case Bands(picks=picks):
            return Bands(picks=tuple(pick for pick in picks if pick.name in kept))
        case _:
            return source


def _unnested(plan: Bands) -> Bands:
    """Take from the sources of a source what it only renames."""
    picks = []
    for pick in plan.picks:
        if isinstance(pick.source, Bands):
            inner = next(p for p in pick.source.picks if p.name == pick.field)
            picks.append(Pick(source=inner.source, field=inner.field, name=pick.name))
        else:
            picks.append(pick)
    return plan if tuple(picks) == plan.picks else Bands(picks=tuple(picks))
