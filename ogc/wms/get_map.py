"""GetMap: a picture of layers (OGC 06-042, 7.3)."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite

from pyproj import CRS

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import northing_first
from datacube.plan.formats import FORMAT_ALIASES, PICTURE_FORMATS, PNG
from datacube.plan.query import Encode, Map, MapLayer, MapTime
from datacube.protocols import Bbox
from datacube.times import Period, parse_period
from ogc.crs import beyond_world, parse_crs
from ogc.exchange import Reply, Session, Site, reply
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, integer, shown

VERSION = "1.3.0"
FORMATS = PICTURE_FORMATS
"""What a map can be, the preferred first."""
MAX_LAYERS = 10
"""Layers of one map."""
MAX_SIDE_PX = 2**31 - 1
"""Largest number that a side may be written as; the engine's limit is lower."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_COLOUR = re.compile(r"(?:0x|#)([0-9A-Fa-f]{6})")
_DURATION = re.compile(r"P[0-9A-Z.]{1,40}")
_TIME_ALLOWED = "allowed are an instant, a period such as 2023-08, start/end, or current"
_CURRENT = Period(
    start=datetime(9999, 12, 31, tzinfo=UTC),
    end=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    text="current",
)
"""The open end of `start/current`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMap:
    """A request for a map."""

    layers: tuple[MapLayer, ...]
    """Bottom first."""
    crs: CRS
    bbox: Bbox
    """`(min x, min y, max x, max y)`, whatever the axis order of the CRS."""
    width_px: int
    height_px: int
    media_type: str
    transparent: bool = False
    background: tuple[int, int, int] = (255, 255, 255)
    time: MapTime = field(default_factory=MapTime)


def parse(kvp: Kvp) -> GetMap:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    version = kvp.one("version")
    if version != VERSION:
        raise UnsupportedError(
            f"WMS version {shown(version)} is not offered; offered is {VERSION}",
            parameter="VERSION",
        )
    crs = parse_crs(kvp.one("crs"))
    asked_format = kvp.one("format").casefold()
    media_type = FORMAT_ALIASES.get(asked_format, asked_format)
    if media_type not in FORMATS:
        raise UnknownNameError("format", asked_format[:80], FORMATS)
    return GetMap(
        layers=_layers(kvp.one("layers"), kvp.one("styles", default="")),
        crs=crs,
        bbox=_bbox(kvp.one("bbox"), crs),
        width_px=integer(kvp.one("width"), "WIDTH", low=1, high=MAX_SIDE_PX),
        height_px=integer(kvp.one("height"), "HEIGHT", low=1, high=MAX_SIDE_PX),
        media_type=media_type,
        transparent=_flag(kvp.one("transparent", default="FALSE"), "TRANSPARENT"),
        background=_colour(kvp.one("bgcolor", default="0xFFFFFF")),
        time=_time(kvp.one("time", default="")),
    )


def handle(request: GetMap) -> Encode:
    """Ask for the picture; a JPEG has no transparency.

    Raises
    ------
    InvalidParameterError
        If the whole box lies outside the world.
    """
    if beyond_world(request.crs, request.bbox):
        raise InvalidParameterError(
            f"BBOX {request.bbox} (x before y) lies wholly outside the world of {request.crs.name}",
            parameter="BBOX",
        )
    return Encode(
        source=Map(
            layers=request.layers,
            crs=request.crs,
            bbox=request.bbox,
            width_px=request.width_px,
            height_px=request.height_px,
            time=request.time,
            transparent=request.transparent and request.media_type == PNG,
            background=request.background,
        ),
        media_type=request.media_type,
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    return reply(session.answer(handle(parse(kvp))))


def _layers(layers: str, styles: str) -> tuple[MapLayer, ...]:
    names = [name.strip() for name in layers.split(",")]
    if len(names) > MAX_LAYERS:
        raise InvalidParameterError(
            f"LAYERS names {len(names)} layers; allowed are {MAX_LAYERS}", parameter="LAYERS"
        )
    chosen = [style.strip() for style in styles.split(",")] if styles else [""] * len(names)
    if len(chosen) != len(names):
        raise InvalidParameterError(
            f"STYLES names {len(chosen)} styles for {len(names)} layers; "
            "allowed is one a layer, or none at all",
            parameter="STYLES",
        )
    return tuple(
        MapLayer(layer=name, style="" if style == "default" else style)
        for name, style in zip(names, chosen, strict=True)
    )


def _bbox(text: str, crs: CRS) -> Bbox:
    # In a query string, the `+` of an exponent that was not escaped has become a space.
    parts = [part.strip().replace(" ", "+") for part in text.split(",")]
    if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise InvalidParameterError(
            f"BBOX {shown(text)} is not allowed; allowed are four numbers: "
            "both minima, then both maxima, in the axis order of the CRS",
            parameter="BBOX",
        )
    numbers = [float(part) for part in parts]
    if not all(isfinite(number) for number in numbers):
        raise InvalidParameterError(
            f"BBOX {shown(text)} is not finite; allowed are finite numbers", parameter="BBOX"
        )
    a, b, c, d = numbers
    if a >= c or b >= d:
        raise InvalidParameterError(
            f"BBOX {shown(text)} has no area: each minimum must lie below its maximum",
            parameter="BBOX",
        )
    return (b, a, d, c) if northing_first(crs) else (a, b, c, d)


def _flag(text: str, name: str) -> bool:
    if text.upper() not in {"TRUE", "FALSE"}:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed are TRUE and FALSE", parameter=name
        )
    return text.upper() == "TRUE"


def _colour(text: str) -> tuple[int, int, int]:
    match = _COLOUR.fullmatch(text)
    if match is None:
        raise InvalidParameterError(
            f"BGCOLOR {shown(text)} is not allowed; allowed is 0xRRGGBB", parameter="BGCOLOR"
        )
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue


def _time(text: str) -> MapTime:
    # The newest valid pixel of the recent past is what is current, place by place.
    if not text or text.casefold() == "current":
        return MapTime()
    if "," in text:
        raise InvalidParameterError(
            f"TIME {shown(text)} lists several values; {_TIME_ALLOWED}", parameter="TIME"
        )
    parts = [part.strip() for part in text.split("/")]
    if len(parts) == 1:
        return MapTime(instant=parse_period(text))
    if len(parts) > 3 or (len(parts) == 3 and not _DURATION.fullmatch(parts[2])):
        raise InvalidParameterError(
            f"TIME {shown(text)} is no interval; {_TIME_ALLOWED}", parameter="TIME"
        )
    start = parse_period(parts[0])
    end = _CURRENT if parts[1].casefold() == "current" else parse_period(parts[1])
    if end.end <= start.start:
        raise InvalidParameterError(
            f"TIME {shown(text)} ends before it starts; {_TIME_ALLOWED}", parameter="TIME"
        )
    return MapTime(start=start, end=end)
