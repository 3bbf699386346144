"""Parameters of maps as OGC API spells them (OGC 20-058)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, pi
from types import MappingProxyType

from PIL import ImageColor
from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.grid import northing_first, transformer
from datacube.plan.query import AxisChoice
from datacube.protocols import Bbox
from datacube.render.tiles import PIXEL_M
from ogc.kvp import shown

type Point = tuple[float, float]
"""`(x, y)`."""
type Rgb = tuple[int, int, int]

NAMED_COLOURS: Mapping[str, Rgb] = MappingProxyType(
    {
        name: (red, green, blue)
        for name in ImageColor.colormap
        for red, green, blue, *_ in (ImageColor.getrgb(name),)
    }
)
"""The colours that CSS names, in lower case."""
_COUNTS = {1: "one", 2: "two", 4: "four"}
_COLOUR = re.compile(r"(?:0x|#)?([0-9a-f]{6})")
_SUBSET = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,39})\(([^()]{1,100})\)")
_X_NAMES = frozenset({"x", "e", "lon", "long", "longitude", "easting"})
_Y_NAMES = frozenset({"y", "n", "lat", "latitude", "northing"})
_TIME_NAMES = frozenset({"time", "ansi", "datetime", "date"})
_METERS_PER_DEGREE = pi / 180 * 6_378_137.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """What `subset` asks for; None where it does not."""

    x: tuple[float, float] | None = None
    y: tuple[float, float] | None = None
    time: str | None = None
    """As `datetime` would have it."""
    choices: tuple[AxisChoice, ...] = ()
    """Of axes between time and plane; whether a layer has them is not yet known."""


def parse_numbers(text: str, parameter: str, count: int) -> tuple[float, ...]:
    """Read so many finite numbers with commas between.

    Raises
    ------
    InvalidParameterError
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(map(isfinite, numbers)):
        raise InvalidParameterError(
            f"{parameter} {shown(text)} is not allowed; allowed are {_COUNTS[count]} numbers "
            "with commas between",
            parameter=parameter,
        )
    return numbers


def parse_bbox(text: str, crs: CRS) -> Bbox:
    """Read a box in the axis order of its CRS; return it x first.

    Raises
    ------
    InvalidParameterError
        If it has no area, or crosses 180 degrees.
    """
    west, south, east, north = parse_numbers(text, "bbox", 4)
    if northing_first(crs):
        south, west, north, east = west, south, east, north
    if west >= east or south >= north:
        raise InvalidParameterError(
            f"bbox {shown(text)} is not allowed; allowed are minima below maxima, "
            "in the axis order of bbox-crs (a box across 180 degrees is two requests)",
            parameter="bbox",
        )
    return west, south, east, north


def parse_point(text: str, crs: CRS) -> Point:
    """Read a place in the axis order of its CRS; return it x first.

    Raises
    ------
    InvalidParameterError
    """
    one, other = parse_numbers(text, "center", 2)
    return (other, one) if northing_first(crs) else (one, other)


def parse_positive(text: str, parameter: str) -> float:
    """Read a number above 0.

    Raises
    ------
    InvalidParameterError
    """
    (number,) = parse_numbers(text, parameter, 1)
    if number <= 0:
        raise InvalidParameterError(
            f"{parameter} {shown(text)} is not allowed; allowed are numbers above 0",
            parameter=parameter,
        )
    return number


def parse_flag(text: str, parameter: str) -> bool:
    """Read `true` or `false`.

    Raises
    ------
    InvalidParameterError
    """
    if text.casefold() not in {"true", "false"}:
        raise InvalidParameterError(
            f"{parameter} {shown(text)} is not allowed; allowed are true and false",
            parameter=parameter,
        )
    return text.casefold() == "true"


def parse_colour(text: str, parameter: str) -> Rgb:
    """Read a colour: `0xRRGGBB`, `#RRGGBB`, `RRGGBB` or a name.

    >>> parse_colour("0xFF0001", "bgcolor"), parse_colour("White", "bgcolor")
    ((255, 0, 1), (255, 255, 255))

    Raises
    ------
    InvalidParameterError
    """
    asked = text.strip().casefold()
    if asked in NAMED_COLOURS:
        return NAMED_COLOURS[asked]
    match = _COLOUR.fullmatch(asked)
    if match is None:
        raise InvalidParameterError(
            f"{parameter} {shown(text)} is not allowed; allowed are 0xRRGGBB and the names "
            "of CSS, such as white",
            parameter=parameter,
        )
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue


def parse_subset(texts: tuple[str, ...]) -> Subset:
    """Read `subset=Lat(40:50),Lon(10:20)`, `subset=time("2023-08-01")` and `subset=height(100)`.

    Raises
    ------
    InvalidParameterError
        If an axis comes twice, or a bound is no number.
    """
    found: dict[str, str] = {}
    for name, bounds in _parts(texts):
        axis = _axis(name)
        if axis in found:
            raise _bad_subset(f"{name}({bounds})", "names an axis twice")
        found[axis] = bounds
    time = found.get("time")
    return Subset(
        x=_interval(found["x"]) if "x" in found else None,
        y=_interval(found["y"]) if "y" in found else None,
        time=None if time is None else _time(time),
        choices=tuple(
            AxisChoice(axis=axis, values=(_places(bounds),))
            for axis, bounds in found.items()
            if axis not in {"x", "y", "time"}
        ),
    )


def parse_choices(texts: tuple[str, ...]) -> tuple[AxisChoice, ...]:
    """Read what `subset` chooses for a tile, whose place and time other parameters say.

    Raises
    ------
    InvalidParameterError
        As `parse_subset`, or if it is of x, y or time.
    """
    subset = parse_subset(texts)
    if (subset.x, subset.y, subset.time) != (None, None, None):
        raise _bad_subset(",".join(texts), "is of x, y or time, which the address of a tile says")
    return subset.choices


def _parts(texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for text in texts:
        rest = text.strip()
        while rest:
            match = _SUBSET.match(rest)
            if match is None:
                raise _bad_subset(text, "is no list of axis(low:high)")
            yield match[1], match[2].strip()
            rest = rest[match.end() :].strip()
            if rest:
                if not rest.startswith(","):
                    raise _bad_subset(text, "is no list of axis(low:high)")
                rest = rest[1:].strip()


def _axis(name: str) -> str:
    folded = name.casefold()
    for axis, names in (("x", _X_NAMES), ("y", _Y_NAMES), ("time", _TIME_NAMES)):
        if folded in names:
            return axis
    return folded


def _interval(bounds: str) -> tuple[float, float]:
    low, _, high = bounds.partition(":")
    try:
        numbers = float(low), float(high)
    except ValueError:
        numbers = (0.0, 0.0)
    if not all(map(isfinite, numbers)) or numbers[0] >= numbers[1]:
        raise _bad_subset(bounds, "is no interval low:high")
    return numbers


def _places(bounds: str) -> tuple[float, float]:
    """Read `low:high`, or one value for both ends."""
    low, colon, high = bounds.partition(":")
    try:
        ends = float(low), float(high if colon else low)
    except ValueError:
        ends = (1.0, 0.0)
    if not all(map(isfinite, ends)) or ends[0] > ends[1]:
        raise _bad_subset(bounds, "is neither a number nor an interval low:high")
    return ends


def _time(bounds: str) -> str:
    if '"' not in bounds:
        # Times have colons of their own, so that an interval needs its quotes.
        return bounds
    parts = [part.strip().strip('"').strip() for part in bounds.split('":')]
    return "/".join(part.replace("*", "..") for part in parts)


def _bad_subset(text: str, why: str) -> InvalidParameterError:
    return InvalidParameterError(f"subset {shown(text)} {why}", parameter="subset")


def pixel_side(scale_denominator: float, mm_per_pixel: float | None, crs: CRS) -> float:
    """Return the side of a pixel in the unit of a CRS; degrees are as long as at the equator."""
    side_m = scale_denominator * (PIXEL_M if mm_per_pixel is None else mm_per_pixel / 1000)
    return side_m / _METERS_PER_DEGREE if crs.is_geographic else side_m / _unit_m(crs)


def _unit_m(crs: CRS) -> float:
    return float(crs.axis_info[0].unit_conversion_factor)


def project_point(point: Point, source: CRS, target: CRS) -> Point:
    """Return a place in another CRS.

    Raises
    ------
    InvalidParameterError
        If it has no place there.
    """
    if source == target:
        return point
    x, y = transformer(source, target).transform(*point)
    if not (isfinite(x) and isfinite(y)):
        raise InvalidParameterError(
            f"center {point} has no place in {target.name}", parameter="center"
        )
    return float(x), float(y)


def project_box(box: Bbox, source: CRS, target: CRS) -> Bbox:
    """Return the hull of a box in another CRS.

    Raises
    ------
    InvalidParameterError
        If it has no area there.
    """
    if source == target:
        return box
    min_x, min_y, max_x, max_y = transformer(source, target).transform_bounds(*box)
    if not all(map(isfinite, (min_x, min_y, max_x, max_y))) or min_x >= max_x or min_y >= max_y:
        raise InvalidParameterError(
            f"bbox {box} (x before y) has no place in {target.name}", parameter="bbox"
        )
    return float(min_x), float(min_y), float(max_x), float(max_y)
