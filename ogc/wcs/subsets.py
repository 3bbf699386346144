"""SUBSET, RANGESUBSET and the parameters of the scaling extension: text to types and back."""

import re
from collections.abc import Iterable
from math import isfinite

from datacube.encode.described import from_ansi_days
from datacube.errors import InvalidParameterError
from datacube.grid import crs_url
from datacube.plan.crs import names_times
from datacube.plan.query import ScaleFactor, ScaleSize, Slice, Trim
from datacube.times import Period, iso_text, parse_period
from ogc.crs import parse_crs
from ogc.kvp import Kvp, shown

MAX_FACTOR = 1e6
"""Largest scale factor, and the inverse of the smallest."""
_AXIS = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
AXIS = re.compile(_AXIS)
"""Names that an axis may have."""
_SUBSET = re.compile(rf"\s*({_AXIS})\s*(?:,\s*([^\s(),]+))?\s*\(([^()]{{1,400}})\)\s*")
_SCALE = re.compile(rf"({_AXIS})\(([^()]{{1,80}})\)")
_BAND = re.compile(rf"\*|(?:{_AXIS}|[0-9]{{1,5}})(?::(?:{_AXIS}|[0-9]{{1,5}}))?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_YEAR = re.compile(r"[0-9]{4}")
_SCALING = ("SCALEFACTOR", "SCALEAXES", "SCALESIZE", "SCALEEXTENT")
_INDEX_CRS = re.compile(r"CRS:1|https?://www\.opengis\.net/def/crs/OGC/[0-9.]+/Index[0-9]D")
_TIME_AXES = frozenset({"ansi", "date", "datetime", "phenomenontime", "t", "time", "unix"})
"""On these a bare number of four digits is a year, any other counts days as AnsiDate does."""


class RepeatedAxisError(InvalidParameterError):
    """An axis has more than one subset."""

    code = "repeated-axis"


def parse_subsets(texts: Iterable[str]) -> tuple[Trim | Slice, ...]:
    """Read the values of SUBSET, one an axis.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    subsets = tuple(map(_subset, texts))
    axes = [subset.axis.casefold() for subset in subsets]
    for axis in axes:
        if axes.count(axis) > 1:
            raise RepeatedAxisError(
                f"axis {axis!r} has {axes.count(axis)} subsets; allowed is one",
                parameter="SUBSET",
            )
    return subsets


def _subset(text: str) -> Trim | Slice:
    match = _SUBSET.fullmatch(text)
    if match is None:
        raise _bad_subset(text)
    axis, crs_text, inside = match.groups()
    if crs_text and names_times(crs_text):
        crs_text = ""
    indices = bool(crs_text and _INDEX_CRS.fullmatch(crs_text))
    bounds = [_bound(part, axis, text) for part in inside.split(",")]
    crs = parse_crs(crs_text) if crs_text and not indices else None
    if indices and not all(bound is None or _is_whole(bound) for bound in bounds):
        raise _bad_subset(text)
    if len(bounds) == 1:
        (at,) = bounds
        if at is None:
            return Trim(axis=axis, low=None, high=None, crs=crs, grid_indices=indices)
        return Slice(axis=axis, at=at, crs=crs, grid_index=indices)
    if len(bounds) != 2:
        raise _bad_subset(text)
    low, high = bounds
    if isinstance(low, float) and isinstance(high, float) and low > high:
        raise InvalidParameterError(
            f"SUBSET {shown(text)} runs backwards; allowed is the low bound first",
            parameter="SUBSET",
        )
    return Trim(axis=axis, low=low, high=high, crs=crs, grid_indices=indices)


def _bound(text: str, axis: str, subset: str) -> float | Period | None:
    # GDAL quotes every value, numbers too; OWSLib quotes what is quoted already.
    bare = text.strip().strip('"').strip()
    if bare == "*":
        return None
    year = axis.casefold() in _TIME_AXES and _YEAR.fullmatch(bare)
    if not year and _NUMBER.fullmatch(bare.replace(" ", "+")):
        number = float(bare.replace(" ", "+"))
        if not isfinite(number):
            raise _bad_subset(subset)
        return _ansi_date(number, subset) if axis.casefold() in _TIME_AXES else number
    try:
        return parse_period(bare)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"SUBSET {shown(subset)}: {shown(bare)} is neither a number nor a time "
            "such as 2023-08-15 or 2023-08-15T09:50:31Z",
            parameter="SUBSET",
        ) from error


def _ansi_date(days: float, subset: str) -> Period:
    """Return the time of an AnsiDate, in which the envelopes of coverages are given."""
    try:
        when = from_ansi_days(days)
    except OverflowError as error:
        raise _bad_subset(subset) from error
    return parse_period(iso_text(when))


def _is_whole(bound: float | Period) -> bool:
    return isinstance(bound, float) and bound.is_integer() and abs(bound) < 2**53


def _bad_subset(text: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"SUBSET {shown(text)} is not allowed; allowed are axis(low,high), axis(point) and "
        'axis,crs(low,high), a bound being a number, a quoted time such as "2023-08-15", or *',
        parameter="SUBSET",
    )


def parse_bands(text: str) -> tuple[str, ...]:
    """Read RANGESUBSET: names or positions from 0, and `from:to` intervals of them.

    Raises
    ------
    InvalidParameterError
    """
    if not text:
        return ()
    bands = tuple(part.strip() for part in text.split(","))
    if not all(_BAND.fullmatch(band) for band in bands):
        raise InvalidParameterError(
            f"RANGESUBSET {shown(text)} is not allowed; allowed are names, positions and from:to, "
            "separated by commas",
            parameter="RANGESUBSET",
        )
    return bands


def parse_scaling(kvp: Kvp) -> tuple[ScaleFactor | ScaleSize, ...]:
    """Read SCALEFACTOR, SCALEAXES, SCALESIZE or SCALEEXTENT, of which one may be given.

    Raises
    ------
    InvalidParameterError
    """
    given = [name for name in _SCALING if name in kvp]
    if len(given) > 1:
        raise InvalidParameterError(
            f"{' and '.join(given)} exclude each other; allowed is one", parameter=given[0]
        )
    if not given:
        return ()
    (name,) = given
    # An axis that comes again in a second parameter comes twice.
    text = ",".join(kvp.many(name)) or kvp.one(name)
    if name == "SCALEFACTOR":
        return (ScaleFactor(factor=parse_factor(text, name)),)
    pairs = _scale_pairs(text, name)
    if name == "SCALEAXES":
        return tuple(ScaleFactor(axis=a, factor=parse_factor(value, name)) for a, value in pairs)
    if name == "SCALESIZE":
        return tuple(ScaleSize(axis=axis, size=_size(value, name)) for axis, value in pairs)
    return tuple(_extent(axis, value, name) for axis, value in pairs)


def _scale_pairs(text: str, name: str) -> list[tuple[str, str]]:
    compact = "".join(text.split())
    pairs = [(match[1], match[2]) for match in _SCALE.finditer(compact)]
    axes = [axis.casefold() for axis, _ in pairs]
    if ",".join(f"{axis}({value})" for axis, value in pairs) != compact or len(set(axes)) != len(
        axes
    ):
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed is axis(value), once an axis, "
            "separated by commas",
            parameter=name,
        )
    return pairs


def parse_factor(text: str, name: str) -> float:
    """Read by what cells are scaled, from the parameter `name`.

    Raises
    ------
    InvalidParameterError
        If it is no number, or beyond `MAX_FACTOR`.
    """
    factor = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not 1 / MAX_FACTOR <= factor <= MAX_FACTOR:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed are numbers from "
            f"{1 / MAX_FACTOR} to {MAX_FACTOR}",
            parameter=name,
        )
    return factor


def _size(text: str, name: str) -> int:
    # The OGC's suite writes numbers of cells as 10.0, too.
    match = re.fullmatch(r"([0-9]{1,15})(?:\.0*)?", text)
    size = int(match[1]) if match else 0
    if size < 1:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed are whole numbers above 0",
            parameter=name,
        )
    return size


def _extent(axis: str, text: str, name: str) -> ScaleSize:
    match = re.fullmatch(r"(-?[0-9]{1,15})[:,](-?[0-9]{1,15})", text)
    if match is None or int(match[1]) > int(match[2]):
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed is low:high of whole numbers",
            parameter=name,
        )
    first, last = int(match[1]), int(match[2])
    return ScaleSize(axis=axis, size=last - first + 1, first=first)


def render_subset(subset: Trim | Slice) -> str:
    """Write one value of SUBSET.

    >>> render_subset(Trim(axis="E", low=1.5, high=None))
    'E(1.5,*)'
    """
    match subset:
        case Trim(low=low, high=high, grid_indices=indices):
            inside = f"{_render_bound(low)},{_render_bound(high)}"
        case Slice(at=at, grid_index=indices):
            inside = _render_bound(at)
    crs = "CRS:1" if indices else crs_url(subset.crs) if subset.crs else ""
    return f"{subset.axis}{',' + crs if crs else ''}({inside})"


def _render_bound(bound: float | Period | None) -> str:
    if bound is None:
        return "*"
    return f'"{bound}"' if isinstance(bound, Period) else repr(bound)


def render_scaling(scaling: tuple[ScaleFactor | ScaleSize, ...]) -> dict[str, str]:
    """Write the parameter of the scaling extension."""
    factors = [scale for scale in scaling if isinstance(scale, ScaleFactor)]
    sizes = [scale for scale in scaling if isinstance(scale, ScaleSize)]
    if any(scale.first is not None for scale in sizes):
        ends = ((s.axis, s.first or 0, (s.first or 0) + s.size - 1) for s in sizes)
        return {"SCALEEXTENT": ",".join(f"{axis}({low}:{high})" for axis, low, high in ends)}
    if sizes:
        return {"SCALESIZE": ",".join(f"{scale.axis}({scale.size})" for scale in sizes)}
    if len(factors) == 1 and factors[0].axis is None:
        return {"SCALEFACTOR": repr(factors[0].factor)}
    if factors:
        return {"SCALEAXES": ",".join(f"{scale.axis}({scale.factor!r})" for scale in factors)}
    return {}
