"""Bands that are not stored but painted from stored ones when they are read."""

from datacube.cube import Band, Shade
from datacube.plan.functions import apply
from datacube.plan.nodes import Apply, Bands, Domain, Literal, Pick, Plan, band_field

_DARKEST, _BRIGHTEST = 1, 255


def stored_bands(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """Return the stored bands that some bands are read from, each once."""
    read = (b for band in bands for b in ((band,) if band.shade is None else band.shade.stored))
    return tuple({band.name: band for band in read}.values())


def painted(plan: Plan, bands: tuple[Band, ...]) -> Plan:
    """Return `bands` of a plan that has all of `stored_bands(bands)`.

    A painted cell is null where its band is; the producer's own plane goes first where it
    has a value.
    """
    if all(band.shade is None for band in bands):
        return plan
    return Bands(picks=tuple(_pick(plan, band) for band in bands))


def _pick(plan: Plan, band: Band) -> Pick:
    if band.shade is None:
        return Pick(source=plan, field=band.name, name=band.name)
    made = _paint(plan, band.shade)
    field = band_field(band)
    return Pick(
        source=Apply(function=made.function, args=made.args, result=(field,)),
        field=field.name,
        name=field.name,
    )


def _paint(plan: Plan, shade: Shade) -> Apply:
    """Spell the paint as functions: round(1 + 254 (v - low) / (high - low)), kept in 1..255."""
    step = (_BRIGHTEST - _DARKEST) / (shade.high - shade.low)
    level = apply("-", _one(plan, shade.band), _number(shade.low, plan.domain))
    level = apply("*", level, _number(step, plan.domain))
    level = apply("round", apply("+", level, _number(float(_DARKEST), plan.domain)))
    level = apply("max", level, _number(float(_DARKEST), plan.domain))
    made = apply("cast uint8", apply("min", level, _number(float(_BRIGHTEST), plan.domain)))
    if shade.published is None:
        return made
    return apply("overlay", made, _one(plan, shade.published))


def _one(plan: Plan, band: Band) -> Plan:
    return Bands(picks=(Pick(source=plan, field=band.name, name=band.name),))


def _number(value: float, domain: Domain) -> Plan:
    return Literal(value=value, domain=domain)
