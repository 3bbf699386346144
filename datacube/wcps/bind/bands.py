"""Bands: choosing them, putting them together, and their nulls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np

from datacube.cube import find_band
from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.plan.functions import apply
from datacube.plan.nodes import Bands, Field, Literal, Pick, Plan
from datacube.wcps import syntax
from datacube.wcps.bind.align import about_of, align
from datacube.wcps.bind.cellwise import apply_values, plain_number, typed_number
from datacube.wcps.bind.scope import Binder, Scope, describe
from datacube.wcps.bind.values import Constant, Interval, Raster, Value, Words

MOST_BANDS = 1000
"""Fields that one range constructor makes; hyperspectral cubes have some 250 bands."""


def _select(expr: syntax.Select, scope: Scope) -> Value:
    value = scope.bind(expr.source)
    match value:
        case Interval():
            return _bound(value, expr.name)
        case Raster():
            return band(value, expr.name, scope)
        case Constant() if expr.name.lower() in ("re", "im"):
            return apply_values(expr.name.lower(), (value,), scope)
        case _:
            raise InvalidParameterError(f"{describe(value)} has no part {expr.name!r}")


def _bound(interval: Interval, name: str) -> Value:
    match name.lower():
        case "lo":
            found: float | str = interval.low
        case "hi":
            found = interval.high
        case "resolution":
            if interval.resolution is None:
                raise InvalidParameterError(f"axis {interval.axis.name!r} has no one resolution")
            found = interval.resolution
        case _:
            raise UnknownNameError("part of a domain", name, ("lo", "hi", "resolution"))
    return Words(text=found) if isinstance(found, str) else Constant(value=found)


def band(raster: Raster, name: str, scope: Scope) -> Value:
    """Return one band of a coverage by its name, an alias or its number from 0.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists the bands.
    """
    fields = raster.plan.fields
    found = _find_field(fields, name)
    if found is None:
        if name.lower() in ("re", "im"):
            return apply_values(name.lower(), (raster,), scope)
        raise UnknownNameError("band", name, tuple(field.name for field in fields))
    if len(fields) == 1:
        return raster
    pick = Pick(source=raster.plan, field=found.name, name=found.name)
    return replace(raster, plan=Bands(picks=(pick,)))


def _find_field(fields: tuple[Field, ...], name: str) -> Field | None:
    asked = name.casefold()
    for field in fields:
        if field.name.casefold() == asked:
            return field
    try:
        stored = find_band(tuple(f.band for f in fields if f.band is not None), name)
        return next(f for f in fields if f.band is stored)
    except UnknownNameError:
        return fields[int(name)] if name.isdecimal() and int(name) < len(fields) else None


def _record(expr: syntax.Record, scope: Scope) -> Value:
    names = [field.name for field in expr.fields]
    if len(names) > MOST_BANDS:
        raise LimitExceededError(f"{len(names):,} bands in one range; {MOST_BANDS:,} are allowed")
    if len({name.casefold() for name in names}) < len(names):
        raise InvalidParameterError(f"a band's name comes twice: {', '.join(names)}")
    rasters = [_one_band(field, scope) for field in expr.fields]
    aligned = align(rasters, scope)
    picks = tuple(
        Pick(source=raster.plan, field=raster.plan.fields[0].name, name=name)
        for raster, name in zip(aligned, names, strict=True)
    )
    return Raster(plan=Bands(picks=picks), iterators=aligned[0].iterators, about=about_of(rasters))


def _one_band(field: syntax.RecordField, scope: Scope) -> Raster:
    raster = scope.raster(field.value)
    if isinstance(raster.plan, Literal):
        # A band of a constant has the type that the constant has in a formula.
        return replace(raster, plan=typed_number(raster.plan))
    bands = len(raster.plan.fields)
    if bands > 1:
        names = ", ".join(f.name for f in raster.plan.fields)
        error = InvalidParameterError(
            f"band {field.name!r} is made of one band, not of {bands}: {names}"
        )
        scope.locate(error, field.value.span)
        raise error
    return raster


def _null_values(expr: syntax.NullValues, scope: Scope) -> Value:
    raster = scope.raster(expr.source)
    if not expr.values:
        return without_nulls(raster, scope)
    return with_nulls(raster, expr.values, scope)


def without_nulls(raster: Raster, scope: Scope) -> Raster:
    """Make every cell a number: nulls become the first of the null set, or zero."""
    plan, compat = raster.plan, scope.context.compat
    picks = []
    for field in plan.fields:
        one = _only(plan, field)
        fill = Literal(value=_null_number(field), domain=plan.domain)
        known = apply("cast " + field.dtype, fill, compat=compat)
        made = apply("switch", apply("is null", one), known, one, compat=compat)
        made = replace(made, result=(replace(made.result[0], nulls=(), dtype=field.dtype),))
        picks.append(Pick(source=made, field=made.result[0].name, name=field.name))
    return replace(raster, plan=_bands(picks))


def with_nulls(raster: Raster, values: Sequence[syntax.Expr], scope: Scope) -> Raster:
    """Make cells of the listed numbers null.

    Cells that are null already stay so; in rasdaman's mode they are numbers again, as
    the new null set replaces the old one.
    """
    compat = scope.context.compat
    if compat:
        raster = without_nulls(raster, scope)
    spans = [_span(value, scope) for value in values]
    ranges = tuple(span for span in spans if span[0] < span[1])
    raster = replace(raster, about=replace(raster.about, null_ranges=ranges))
    picks = []
    for field in raster.plan.fields:
        one = _only(raster.plan, field)
        tests = [_within(one, low, high, compat=compat) for low, high in spans]
        listed = tests[0] if len(tests) == 1 else apply("or", *tests, compat=compat)
        null = Literal(value=None, domain=one.domain)
        made = apply("switch", listed, null, one, compat=compat)
        nulls = tuple(dict.fromkeys(low for low, _ in spans))
        result = replace(made.result[0], nulls=nulls, nodata=nulls[0], dtype=field.dtype)
        made = replace(made, result=(result,))
        picks.append(Pick(source=made, field=result.name, name=field.name))
    return replace(raster, plan=_bands(picks))


def _only(plan: Plan, field: Field) -> Plan:
    if len(plan.fields) == 1:
        return plan
    return Bands(picks=(Pick(source=plan, field=field.name, name=field.name),))


def _bands(picks: list[Pick]) -> Plan:
    if len(picks) == 1 and picks[0].field == picks[0].name:
        return picks[0].source
    return Bands(picks=tuple(picks))


def _null_number(field: Field) -> float:
    """Return the first null value that the field's type holds; 0 where it holds none of them."""
    dtype = field.numpy_dtype
    numbers = field.nulls or (field.nodata or 0.0,)
    if dtype.kind not in "biu":
        return numbers[0]
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return next((int(n) for n in numbers if isfinite(n) and low <= n <= high), 0)


def _span(expr: syntax.Expr, scope: Scope) -> tuple[float, float]:
    if isinstance(expr, syntax.Between):
        low, high = plain_number(expr.low, scope), plain_number(expr.high, scope)
        if low > high:
            raise InvalidParameterError(f"nulls from {low:g} to {high:g}: none lies between")
        return low, high
    number = plain_number(expr, scope)
    return number, number


def _within(plan: Plan, low: float, high: float, *, compat: bool) -> Plan:
    def beside(number: float) -> Literal:
        return Literal(value=number, domain=plan.domain)

    if low == high or np.isnan(low):
        return apply("=", plan, beside(low), compat=compat)
    least = apply(">=", plan, beside(low), compat=compat)
    return apply("and", least, apply("<=", plan, beside(high), compat=compat), compat=compat)


BINDERS: Mapping[type, Binder] = {
    syntax.Select: _select,
    syntax.Record: _record,
    syntax.NullValues: _null_values,
}
