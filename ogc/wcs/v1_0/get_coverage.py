"""GetCoverage of WCS 1.0.0: parameters to the request that every version shares."""

import re
from math import isfinite

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.formats import media_type
from datacube.plan.query import Method, Slice, Trim
from datacube.protocols import Bbox
from datacube.times import parse_period
from datacube.wcps.bind.methods import method_named
from ogc.crs import parse_crs
from ogc.kvp import Kvp, MissingParameterError, integer, shown
from ogc.wcs.coverage_request import GetCoverage
from ogc.wcs.subsets import parse_bands
from ogc.wcs.targets import MAX_CELLS, Target
from ogc.wcs.v1_0.names import BAND_AXIS, FORMATS, METHODS, place_parameter

MAX_TIMES = 1000
"""Times of one list."""
_PLACE = re.compile(place_parameter(r"([a-z_][a-z0-9_.-]{0,63})"))


def parse(kvp: Kvp) -> GetCoverage:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    return GetCoverage(
        coverage_id=kvp.one("coverage"),
        subsets=_places(kvp),
        times=parse_times(kvp.one("time", default=""), "TIME"),
        bands=parse_bands(kvp.one(BAND_AXIS, default="")),
        method=_method(kvp.one("interpolation", default="")),
        media_type=media_type(kvp.one("format"), tuple(FORMATS.values())),
        target=_target(kvp),
        defaults=True,
    )


def _target(kvp: Kvp) -> Target:
    crs = parse_crs(kvp.one("crs"))
    response = kvp.one("response_crs", default="")
    box = kvp.one("bbox", default="")
    if not box and "time" not in kvp:
        raise MissingParameterError("bbox", "BBOX and TIME are missing; one is needed")
    size = [kvp.one(name, default="") for name in ("width", "height")]
    steps = [kvp.one(name, default="") for name in ("resx", "resy")]
    if any(size) and any(steps):
        raise InvalidParameterError(
            "WIDTH and HEIGHT exclude RESX and RESY; allowed are the ones or the others",
            parameter="WIDTH",
        )
    for names, values in ((("width", "height"), size), (("resx", "resy"), steps)):
        if any(values) and not all(values):
            raise MissingParameterError(names[values.index("")])
    return Target(
        crs=parse_crs(response) if response else crs,
        bbox=_bbox(box) if box else None,
        bbox_crs=crs,
        size=(_cells(size[0], "WIDTH"), _cells(size[1], "HEIGHT")) if all(size) else None,
        steps=(_step(steps[0], "RESX"), _step(steps[1], "RESY")) if all(steps) else None,
    )


def _cells(text: str, name: str) -> int:
    return integer(text, name, low=1, high=MAX_CELLS)


def _step(text: str, name: str) -> float:
    step = parse_number(text, name)
    if step <= 0:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed are numbers above 0", parameter=name
        )
    return step


def _bbox(text: str) -> Bbox:
    """Read min x, min y, max x, max y: x comes first in every CRS (OGC 03-065r6, 9.2.2.5)."""
    parts = [parse_number(part, "BBOX") for part in text.split(",")]
    if len(parts) != 4 or parts[0] >= parts[2] or parts[1] >= parts[3]:
        raise InvalidParameterError(
            f"BBOX {shown(text)} is not allowed; allowed is min x,min y,max x,max y",
            parameter="BBOX",
        )
    return parts[0], parts[1], parts[2], parts[3]


def parse_number(text: str, name: str) -> float:
    """Read a finite number.

    Raises
    ------
    InvalidParameterError
    """
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not isfinite(found) or "_" in text:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed are numbers", parameter=name
        )
    return found


def parse_times(text: str, name: str) -> tuple[Trim | Slice, ...]:
    """Read a list of instants, and of `start/end/period`, of which every acquisition is meant.

    Raises
    ------
    InvalidParameterError
    """
    if not text:
        return ()
    parts = text.split(",")
    if len(parts) > MAX_TIMES:
        raise InvalidParameterError(
            f"{name} lists {len(parts)} times; allowed are {MAX_TIMES}", parameter=name
        )
    return tuple(_time(part.strip(), name) for part in parts)


def _time(text: str, name: str) -> Trim | Slice:
    start, *end = text.split("/")
    if not start or len(end) > 2:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed is a time, or start/end", parameter=name
        )
    if not end:
        return Slice(axis="time", at=parse_period(start))
    return Trim(axis="time", low=parse_period(start), high=parse_period(end[0]))


def _places(kvp: Kvp) -> tuple[Slice, ...]:
    named = ((_PLACE.fullmatch(key), key) for key, _ in kvp)
    axes = dict.fromkeys((match[1], key) for match, key in named if match)
    return tuple(Slice(axis=axis, at=parse_number(kvp.one(key), key.upper())) for axis, key in axes)


def _method(text: str) -> Method:
    if not text:
        return Method.NEAREST
    plain = " ".join(text.casefold().replace("_", " ").split())
    if plain in METHODS:
        return METHODS[plain]
    try:
        return method_named(text)
    except UnknownNameError as error:
        raise InvalidParameterError(
            f"INTERPOLATION {shown(text)} is not allowed; allowed are {', '.join(METHODS)}",
            parameter="INTERPOLATION",
        ) from error
