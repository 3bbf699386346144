"""GetMap: a picture of layers (OGC 06-042, 7.3; OGC 01-068r3, 7.2)."""

import re
from dataclasses import dataclass, field

from pyproj import CRS

from datacube.errors import InvalidParameterError
from datacube.plan.query import AxisChoice, Encode, Map, MapLayer, MapTime
from datacube.protocols import Bbox
from ogc.exchange import Reply, Session, Site, reply
from ogc.kvp import Kvp, shown
from ogc.wms.dimensions import parse_choices, parse_time
from ogc.wms.formats import CLEAR_FORMATS, picture_format
from ogc.wms.map_request import parse_flag, parse_frame, read_layers
from ogc.wms.versions import spoken

_COLOUR = re.compile(r"(?:0x|#)([0-9A-Fa-f]{6})")
_WHITE = (255, 255, 255)


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
    background: tuple[int, int, int] = _WHITE
    time: MapTime = field(default_factory=MapTime)
    choices: tuple[AxisChoice, ...] = ()


def parse(kvp: Kvp) -> GetMap:
    """Read the parameters.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    frame = parse_frame(kvp, spoken(kvp))
    return GetMap(
        layers=read_layers(kvp),
        crs=frame.crs,
        bbox=frame.bbox,
        width_px=frame.width_px,
        height_px=frame.height_px,
        media_type=picture_format(kvp.one("format")),
        transparent=parse_flag(kvp.one("transparent", default="FALSE"), "TRANSPARENT"),
        background=parse_colour(kvp.one("bgcolor", default="0xFFFFFF")),
        time=parse_time(kvp.one("time", default="")),
        choices=parse_choices(kvp),
    )


def parse_colour(text: str) -> tuple[int, int, int]:
    """Read BGCOLOR.

    Raises
    ------
    InvalidParameterError
    """
    match = _COLOUR.fullmatch(text)
    if match is None:
        raise InvalidParameterError(
            f"BGCOLOR {shown(text)} is not allowed; allowed is 0xRRGGBB", parameter="BGCOLOR"
        )
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue


def handle(request: GetMap) -> Encode:
    """Ask for the picture; a JPEG has no transparency.

    Where the box lies outside of all data, or of the world, it is empty (7.3.3.6).
    """
    return Encode(
        source=Map(
            layers=request.layers,
            crs=request.crs,
            bbox=request.bbox,
            width_px=request.width_px,
            height_px=request.height_px,
            time=request.time,
            transparent=request.transparent and request.media_type in CLEAR_FORMATS,
            background=request.background,
            choices=request.choices,
        ),
        media_type=request.media_type,
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    return reply(session.answer(handle(parse(kvp))))
