"""What GetMap and GetFeatureInfo have in common: layers, styles, and the frame of the map."""

import re
from dataclasses import dataclass
from math import isfinite

from pyproj import CRS

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.grid import northing_first
from datacube.plan.query import MapLayer
from datacube.protocols import Bbox
from ogc.crs import parse_crs
from ogc.kvp import Kvp, MissingParameterError, integer, shown
from ogc.sld import sld_layers
from ogc.wms.versions import Version

MAX_SLD_LAYERS = 1000
"""Layers that a style descriptor may list; the engine's limit is lower."""
MAX_SIDE_PX = 2**31 - 1
"""Largest number that a side may be written as; the engine's limit is lower."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a map lies, and its size."""

    crs: CRS
    bbox: Bbox
    """`(min x, min y, max x, max y)`, whatever the axis order of the CRS."""
    width_px: int
    height_px: int


def parse_frame(kvp: Kvp, version: Version) -> Frame:
    """Read CRS (or SRS), BBOX, WIDTH and HEIGHT.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    key, other = ("srs", "crs") if version is Version.V1_1_1 else ("crs", "srs")
    text = kvp.one(key, default=kvp.one(other, default=""))
    if not text:
        raise MissingParameterError(key)
    crs = parse_crs(text)
    return Frame(
        crs=crs,
        bbox=_bbox(kvp.one("bbox"), northing_first(crs) and version is not Version.V1_1_1),
        width_px=integer(kvp.one("width"), "WIDTH", low=1, high=MAX_SIDE_PX),
        height_px=integer(kvp.one("height"), "HEIGHT", low=1, high=MAX_SIDE_PX),
    )


def read_layers(kvp: Kvp) -> tuple[MapLayer, ...]:
    """Read LAYERS, STYLES and SLD_BODY, bottom first.

    Raises
    ------
    InvalidParameterError
        As `parse_layers` and `sld_layers`, or if SLD names an address: none is fetched.
    UnknownNameError
        If the name of a layer is empty.
    """
    if kvp.one("sld", default=""):
        raise InvalidParameterError(
            "no address is fetched for SLD; allowed is SLD_BODY with the document itself",
            parameter="SLD",
        )
    body = kvp.one("sld_body", default="")
    if not body:
        return parse_layers(kvp.one("layers"), kvp.one("styles", default=""))
    names = kvp.one("layers", default="")
    asked = parse_layers(names, kvp.one("styles", default="")) if names else ()
    return sld_layers(body, asked, most=MAX_SLD_LAYERS)


def parse_layers(layers: str, styles: str) -> tuple[MapLayer, ...]:
    """Read LAYERS and STYLES, bottom first.

    Raises
    ------
    InvalidParameterError
        If they are not as many.
    UnknownNameError
        If the name of a layer is empty.
    """
    names = [name.strip() for name in layers.split(",")]
    if not all(names):
        raise UnknownNameError("layer", "")
    chosen = split_styles(styles) if styles.strip() else [""] * len(names)
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


def split_styles(text: str) -> list[str]:
    """Split at commas, but not at those within brackets or quotes of an expression.

    >>> split_styles("ndvi,,wcps:max($c.B04, 5)")
    ['ndvi', '', 'wcps:max($c.B04, 5)']
    """
    parts, depth, quoted = [""], 0, ""
    for character in text:
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth <= 0:
            parts.append("")
            continue
        parts[-1] += character
    return [part.strip() for part in parts]


def parse_flag(text: str, name: str) -> bool:
    """Read TRUE or FALSE, in any case.

    Raises
    ------
    InvalidParameterError
    """
    if text.upper() not in {"TRUE", "FALSE"}:
        raise InvalidParameterError(
            f"{name} {shown(text)} is not allowed; allowed are TRUE and FALSE", parameter=name
        )
    return text.upper() == "TRUE"


def _bbox(text: str, flipped: bool) -> Bbox:  # noqa: FBT001 the axis order is all that differs
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
    return (b, a, d, c) if flipped else (a, b, c, d)
