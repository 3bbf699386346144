"""`subset` and the `scale-*` parameters as OGC API - Coverages spells them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from datacube.errors import InvalidParameterError
from datacube.plan.names import is_time
from datacube.plan.query import ScaleFactor, ScaleSize, Slice, Trim
from ogc.crs import CRS84
from ogc.kvp import Kvp, integer, shown
from ogc.wcs.subsets import AXIS, parse_factor, parse_subsets

SCALING = ("scale-factor", "scale-axes", "scale-size")
"""Of which one may be given, and none beside `width` or `height`."""
MAX_SIDE_PX = 2**31 - 1
"""Largest number that a side may be written as; the engine's limits are lower."""
_PART = re.compile(rf"({AXIS.pattern})\(([^()]{{1,400}})\)")
_QUOTED = re.compile(r'("[^"]*"|\*):("[^"]*"|\*)')
_DATES = re.compile(r"([0-9]{4}(?:-[0-9]{2}){0,2}|\*):([0-9]{4}(?:-[0-9]{2}){0,2}|\*)")
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_INSTANTS = re.compile(rf"({_INSTANT}|\*):({_INSTANT}|\*)")
_DEGREES = frozenset({"lat", "latitude", "lon", "long", "longitude"})


def parse_subset(texts: tuple[str, ...], *, named_crs: bool) -> tuple[Trim | Slice, ...]:
    """Read `subset=E(500000:510000),time("2023-08-01":"2023-08-31")`, one part an axis.

    A part is `axis(low:high)`, of which an end may be `*`, or `axis(place)`. Unless a
    CRS is `named_crs`, bounds of latitude and longitude are degrees of CRS:84 whatever
    the CRS of the coverage is, and others are in the coverage's own.

    Raises
    ------
    InvalidParameterError, RepeatedAxisError
    """
    found = []
    for text in texts:
        for axis, inside in _parts(text, "subset"):
            bounds = _bounds(axis, inside)
            try:
                (subset,) = parse_subsets((f"{axis}({','.join(bounds)})",))
            except InvalidParameterError as error:
                raise _bad(f"{axis}({inside})") from error
            if not named_crs and axis.casefold() in _DEGREES:
                subset = replace(subset, crs=CRS84)
            found.append(subset)
    axes = [_plain(subset.axis) for subset in found]
    for axis in axes:
        if axes.count(axis) > 1:
            raise InvalidParameterError(
                f"subset names axis {axis!r} {axes.count(axis)} times; allowed is once",
                parameter="subset",
            )
    return tuple(found)


def _plain(axis: str) -> str:
    return "time" if is_time(axis) else axis.casefold()


def _bounds(axis: str, inside: str) -> tuple[str, ...]:
    text = inside.strip()
    for pattern in (_QUOTED, _DATES, _INSTANTS) if is_time(axis) else ():
        if match := pattern.fullmatch(text):
            return match[1], match[2]
    if is_time(axis):
        return (text,)
    bounds = tuple(part.strip() for part in text.split(":"))
    if len(bounds) > 2 or "," in text:
        raise _bad(f"{axis}({inside})")
    return bounds


def _parts(text: str, name: str) -> Iterator[tuple[str, str]]:
    rest = text.strip()
    while rest:
        match = _PART.match(rest)
        after = rest[match.end() :].lstrip() if match else ""
        if match is None or (after and not after.startswith(",")):
            raise InvalidParameterError(
                f"{name} {shown(text)} is no list of axis(value) with commas between",
                parameter=name,
            )
        yield match[1], match[2].strip()
        rest = after[1:].lstrip()


def _bad(text: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"subset {shown(text)} is not allowed; allowed are axis(low:high) and axis(place), an end "
        'being a number, a time in quotes such as "2023-08-15", or *',
        parameter="subset",
    )


def parse_scaling(kvp: Kvp) -> tuple[ScaleFactor | ScaleSize, ...]:
    """Read how many cells are wanted.

    A factor says how many times fewer cells there are along an axis: 2 halves them.
    `width` and `height` are the cells along x and y; they may be given alone only as
    `complete_size` completes them.

    Raises
    ------
    InvalidParameterError
    """
    given = [name for name in (*SCALING, "width", "height") if kvp.one(name, default="")]
    if len(given) > 1 and not set(given) <= {"width", "height"}:
        raise InvalidParameterError(
            f"{' and '.join(given)} are given; allowed is one of them, or width and height",
            parameter=given[0],
        )
    made: list[ScaleFactor | ScaleSize] = []
    for name in given:
        text = kvp.one(name)
        match name:
            case "scale-factor":
                made.append(ScaleFactor(factor=1 / parse_factor(text, name)))
            case "scale-axes":
                pairs = _scale_pairs(text, name)
                made += [ScaleFactor(axis=a, factor=1 / parse_factor(v, name)) for a, v in pairs]
            case "scale-size":
                made += [
                    ScaleSize(axis=a, size=_size(v, name)) for a, v in _scale_pairs(text, name)
                ]
            case _:
                made.append(ScaleSize(axis="x" if name == "width" else "y", size=_size(text, name)))
    return tuple(made)


def _scale_pairs(text: str, name: str) -> list[tuple[str, str]]:
    pairs = list(_parts(text, name))
    axes = [axis.casefold() for axis, _ in pairs]
    if len(set(axes)) != len(axes):
        raise InvalidParameterError(
            f"{name} {shown(text)} names an axis twice; allowed is once", parameter=name
        )
    return pairs


def _size(text: str, name: str) -> int:
    return integer(text, name, low=1, high=MAX_SIDE_PX)
