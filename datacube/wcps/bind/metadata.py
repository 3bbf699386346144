"""What is known of a coverage beside its cells, and changing it.

Texts have rasdaman's forms: `(0:29)` for one axis, `Lat(0:30),Lon(0:30)` for several,
times in quotes.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import isnan

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import (
    InvalidParameterError,
    OutOfDomainError,
    RequestError,
    UnknownNameError,
)
from datacube.grid import crs_name
from datacube.plan.axis_order import crs_order
from datacube.plan.boxes import reproject_box
from datacube.plan.crs import names_indices, names_times, parse_crs
from datacube.plan.names import axis_position
from datacube.plan.nodes import Domain
from datacube.plan.query import Method
from datacube.times import iso_text
from datacube.wcps import syntax
from datacube.wcps.bind.bands import with_nulls
from datacube.wcps.bind.methods import method_named
from datacube.wcps.bind.scope import CallBinder, Scope, as_raster
from datacube.wcps.bind.values import (
    Constant,
    Extents,
    Interval,
    Raster,
    Value,
    Words,
)

ANSI_DATE = "http://www.opengis.net/def/crs/OGC/0/AnsiDate"
"""CRS of time axes."""
_INDEX = "CRS:1"


def number_text(value: float) -> str:
    """Write a bound of a domain: the shortest that reads back, whole numbers without a point.

    >>> number_text(30.0), number_text(-0.25)
    ('30', '-0.25')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def interval_text(interval: Interval) -> str:
    """Write the extent of one axis: `(0:29)`, `("2020-01-01":"2020-02-01")`."""
    return f"({_bound_text(interval.low)}:{_bound_text(interval.high)})"


def extents_text(extents: Extents) -> str:
    """Write the extents of all axes: `Lat(0:30),Lon(0:30)`."""
    return ",".join(f"{one.axis.name}{interval_text(one)}" for one in extents.intervals)


def _bound_text(bound: float | str) -> str:
    return f'"{bound}"' if isinstance(bound, str) else number_text(bound)


def index_interval(axis: Axis) -> Interval:
    """Return the grid indices of an axis, as `CRS:1` counts them."""
    return Interval(axis=axis, indices=True, low=axis.first, high=axis.stop - 1, resolution=1)


def axis_interval(axis: Axis) -> Interval:
    """Return the extent of an axis in its own unit: edges, first and last index or place."""
    match axis:
        case TimeAxis():
            low, high = map(iso_text, axis.ends)
            return Interval(axis=axis, indices=False, low=low, high=high)
        case IrregularAxis():
            first, last = axis.extent
            return Interval(axis=axis, indices=False, low=first, high=last)
        case RegularAxis():
            first, last = axis.extent
            if axis.index:
                first, last = int(first), int(last)
            return Interval(axis=axis, indices=False, low=first, high=last, resolution=axis.step)


def extents_of(domain: Domain, *, indices: bool) -> Extents:
    """Return the extents of all axes of a domain, in the order of its CRSs."""
    one = index_interval if indices else axis_interval
    intervals = tuple(one(domain.axes[at]) for at in crs_order(domain))
    return Extents(domain=domain, intervals=intervals, indices=indices)


def interval_in(domain: Domain, at: int, crs: str) -> Interval:
    """Return the extent of an axis in a CRS that a query names.

    Raises
    ------
    UnknownNameError
        If there is no such CRS.
    InvalidParameterError
        If the axis has no place in it.
    """
    axis = domain.axes[at]
    if names_indices(crs):
        return index_interval(axis)
    if isinstance(axis, TimeAxis) and names_times(crs):
        return axis_interval(axis)
    target = parse_crs(crs)
    outer = at < len(domain.outer)
    if outer and isinstance(axis, RegularAxis) and axis.crs == target:
        return axis_interval(axis)
    if outer or not domain.plane.on_earth:
        raise InvalidParameterError(f"axis {axis.name!r} is no axis of a plane in {crs}")
    if target == domain.plane.crs:
        return axis_interval(axis)
    box = reproject_box(domain.plane.bbox, domain.plane.crs, target, widen=0.0)
    if box is None:
        raise OutOfDomainError(f"the coverage has no place in {crs}")
    x = at == len(domain.axes) - 1
    low, high = (box[0], box[2]) if x else (box[1], box[3])
    return Interval(axis=axis, indices=False, crs=crs, low=low, high=high)


def axis_name(expr: syntax.Expr, scope: Scope) -> str:
    """Return the name of an axis or a band that stands as an argument.

    Raises
    ------
    InvalidParameterError
        If it is no name.
    """
    match expr:
        case syntax.Variable(name=name):
            return name
        case syntax.Text(value=name):
            return name
        case _:
            error = InvalidParameterError("the name of an axis or a band is needed here")
            scope.locate(error, expr.span)
            raise error


def _text_of(expr: syntax.Expr, scope: Scope) -> str:
    value = scope.bind(expr)
    if not isinstance(value, Words):
        raise InvalidParameterError("a text in quotes is needed here")
    return value.text


def _taking(expr: syntax.Call, least: int, most: int) -> tuple[syntax.Expr, ...]:
    if not least <= len(expr.args) <= most:
        allowed = f"{least}" if least == most else f"{least} to {most}"
        raise InvalidParameterError(
            f"{expr.function} takes {allowed} arguments, not {len(expr.args)}"
        )
    return expr.args


def _position(domain: Domain, expr: syntax.Expr, scope: Scope) -> int:
    try:
        return axis_position(domain, axis_name(expr, scope))
    except UnknownNameError as error:
        scope.locate(error, expr.span)
        raise


def _domain(expr: syntax.Call, scope: Scope) -> Value:
    args = _taking(expr, 1, 3)
    domain = scope.raster(args[0]).own_domain
    if len(args) == 1:
        return extents_of(domain, indices=False)
    at = _position(domain, args[1], scope)
    if len(args) == 2:
        return axis_interval(domain.axes[at])
    return interval_in(domain, at, _text_of(args[2], scope))


def _image_crs_domain(expr: syntax.Call, scope: Scope) -> Value:
    args = _taking(expr, 1, 2)
    domain = scope.raster(args[0]).own_domain
    if len(args) == 1:
        return extents_of(domain, indices=True)
    return index_interval(domain.axes[_position(domain, args[1], scope)])


def _identifier(expr: syntax.Call, scope: Scope) -> Value:
    (source,) = _taking(expr, 1, 1)
    return Words(text=scope.raster(source).about.identifier or "")


def _image_crs(expr: syntax.Call, scope: Scope) -> Value:
    (source,) = _taking(expr, 1, 1)
    scope.raster(source)
    return Words(text=_INDEX)


def _crs_set(expr: syntax.Call, scope: Scope) -> Value:
    (source,) = _taking(expr, 1, 1)
    raster = scope.raster(source)
    domain, named = raster.own_domain, ", ".join(raster.about.crs_set)
    return Words(
        text=", ".join(
            f"{domain.axes[at].name}: {{{named or _crs_text(domain, at)}}}"
            for at in crs_order(domain)
        )
    )


def _crs_text(domain: Domain, at: int) -> str:
    axis = domain.axes[at]
    if isinstance(axis, TimeAxis):
        return f"{ANSI_DATE}, {_INDEX}"
    crs = domain.plane.crs if at >= len(domain.outer) else getattr(axis, "crs", None)
    name = "" if crs is None else crs_name(crs)
    if not name.startswith("EPSG:"):
        return _INDEX
    return f"http://www.opengis.net/def/crs/EPSG/0/{name.removeprefix('EPSG:')}, {_INDEX}"


def _null_set(expr: syntax.Call, scope: Scope) -> Value:
    (source,) = _taking(expr, 1, 1)
    raster = scope.raster(source)
    last = dict(raster.about.null_ranges)
    sets = [
        "{" + ", ".join(_null_text(number, last.get(number)) for number in field.nulls) + "}"
        for field in raster.plan.fields
    ]
    return Words(text=sets[0] if len(sets) == 1 else "{" + ", ".join(sets) + "}")


def _null_text(number: float, last: float | None) -> str:
    if isnan(number):
        return "nan"
    return number_text(number) if last is None else f"{number_text(number)}:{number_text(last)}"


def _null_default(expr: syntax.Call, scope: Scope) -> Value:
    (source,) = _taking(expr, 1, 1)
    for field in scope.raster(source).plan.fields:
        for number in field.nulls:
            return Constant(value=int(number) if field.numpy_dtype.kind in "iu" else number)
    raise InvalidParameterError("the coverage has no null value")


def _field_name(raster: Raster, expr: syntax.Expr, scope: Scope) -> str:
    asked = axis_name(expr, scope)
    for at, field in enumerate(raster.plan.fields):
        if asked.casefold() == field.name.casefold() or asked == str(at):
            return field.name
    error = UnknownNameError("band", asked, tuple(f.name for f in raster.plan.fields))
    scope.locate(error, expr.span)
    raise error


def _interpolation_default(expr: syntax.Call, scope: Scope) -> Value:
    args = _taking(expr, 1, 2)
    raster = scope.raster(args[0])
    name = _field_name(raster, args[1], scope) if len(args) == 2 else raster.plan.fields[0].name
    return Words(text=dict(raster.about.interpolations).get(name, Method.NEAREST.value))


def _interpolation_set(expr: syntax.Call, scope: Scope) -> Value:
    args = _taking(expr, 1, 2)
    raster = scope.raster(args[0])
    name = _field_name(raster, args[1], scope) if len(args) == 2 else raster.plan.fields[0].name
    methods = dict(raster.about.interpolation_sets).get(name, tuple(Method))
    return Words(text="{" + ", ".join(methods) + "}")


def _set_identifier(expr: syntax.Call, scope: Scope) -> Value:
    """Name a coverage; the name comes first (OGC 08-068r2), or last as with its siblings."""
    first, last = _taking(expr, 2, 2)
    told = scope.bind(first)
    if isinstance(told, Words):
        raster, name = scope.raster(last), told.text
    else:
        raster, name = as_raster(told, scope), _text_of(last, scope)
    return replace(raster, about=replace(raster.about, identifier=name))


def _set_nulls(expr: syntax.Call, scope: Scope) -> Value:
    source, values = _taking(expr, 2, 2)
    items = values.items if isinstance(values, syntax.Braces) else (values,)
    raster = scope.raster(source)
    return with_nulls(raster, items, scope) if items else raster


def _set_interpolation(expr: syntax.Call, scope: Scope) -> Value:
    source, band, method = _taking(expr, 3, 3)
    raster = scope.raster(source)
    name = _field_name(raster, band, scope)
    kept = {**dict(raster.about.interpolations), name: _method(method, scope)}
    about = replace(raster.about, interpolations=tuple(sorted(kept.items())))
    return replace(raster, about=about)


def _method(expr: syntax.Expr, scope: Scope) -> str:
    try:
        return method_named(axis_name(expr, scope)).value
    except UnknownNameError as error:
        scope.locate(error, expr.span)
        raise


def _set_interpolations(expr: syntax.Call, scope: Scope) -> Value:
    """Tell which methods suit a band; every other is done none the less where it is asked for."""
    source, band, methods = _taking(expr, 3, 3)
    raster = scope.raster(source)
    name = _field_name(raster, band, scope)
    named = tuple(dict.fromkeys(_method(one, scope) for one in _listed(methods)))
    kept = {**dict(raster.about.interpolation_sets), name: named}
    about = replace(raster.about, interpolation_sets=tuple(sorted(kept.items())))
    return replace(raster, about=about)


def _listed(expr: syntax.Expr | syntax.Braces) -> tuple[syntax.Expr, ...]:
    items = expr.items if isinstance(expr, syntax.Braces) else (expr,)
    if not items:
        raise InvalidParameterError("at least one is needed between the braces")
    return items


def _set_crss(expr: syntax.Call, scope: Scope) -> Value:
    """Tell in which CRSs a coverage may be asked; subsets take every other none the less."""
    source, names = _taking(expr, 2, 2)
    raster = scope.raster(source)
    texts = []
    for one in _listed(names):
        try:
            text = _text_of(one, scope)
            if not (names_indices(text) or names_times(text)):
                parse_crs(text)
        except RequestError as error:
            scope.locate(error, one.span)
            raise
        texts.append(text)
    return replace(raster, about=replace(raster.about, crs_set=tuple(dict.fromkeys(texts))))


CALLS: Mapping[str, CallBinder] = {
    "identifier": _identifier,
    "crsset": _crs_set,
    "imagecrs": _image_crs,
    "imagecrsdomain": _image_crs_domain,
    "domain": _domain,
    "nullset": _null_set,
    "nulldefault": _null_default,
    "interpolationdefault": _interpolation_default,
    "interpolationset": _interpolation_set,
    "setidentifier": _set_identifier,
    "setnullset": _set_nulls,
    "setnulldefault": _set_nulls,
    "setcrsset": _set_crss,
    "setinterpolationdefault": _set_interpolation,
    "setinterpolationset": _set_interpolations,
}
