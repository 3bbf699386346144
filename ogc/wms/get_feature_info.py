"""GetFeatureInfo: what layers hold at a pixel of a map (OGC 06-042, 7.4)."""

from dataclasses import dataclass, field

from pyproj import CRS

from datacube.errors import UnknownNameError
from datacube.evaluate.place import PlaceAnswer
from datacube.grid import transformer
from datacube.plan.query import AxisChoice, MapLayer, MapTime, Place
from ogc.crs import CRS84
from ogc.exchange import Reply, Session, Site, reply_document, warning_headers
from ogc.kvp import Kvp, integer
from ogc.wms.dimensions import is_series, parse_choices, parse_time
from ogc.wms.feature_documents import DOCUMENTS, Point
from ogc.wms.map_request import Frame, parse_frame, parse_layers
from ogc.wms.versions import Version, spoken

FORMATS = tuple(DOCUMENTS)
"""What an answer can be, the preferred first."""
_ALIASES = {
    "text/json": "application/json",
    "application/geo+json": "application/json",
    "gml": "application/vnd.ogc.gml",
    "application/gml+xml": "application/vnd.ogc.gml",
    "application/vnd.ogc.gml/2.1.2": "application/vnd.ogc.gml",
    "application/xml": "text/xml",
    "html": "text/html",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFeatureInfo:
    """A request for what lies under a pixel."""

    layers: tuple[MapLayer, ...]
    """Those that are queried, with the styles of the map."""
    crs: CRS
    x: float
    """The centre of the pixel, easting or longitude; likewise y."""
    y: float
    media_type: str
    time: MapTime = field(default_factory=MapTime)
    choices: tuple[AxisChoice, ...] = ()


def parse(kvp: Kvp) -> GetFeatureInfo:
    """Read the parameters of the map and of the point, in either version.

    FEATURE_COUNT must be a positive integer; a layer has one feature at a place.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    version = spoken(kvp)
    frame = parse_frame(kvp, version)
    shown = parse_layers(kvp.one("layers"), kvp.one("styles", default=""))
    integer(kvp.one("feature_count", default="1"), "FEATURE_COUNT", low=1, high=2**31 - 1)
    x, y = _pixel_centre(kvp, frame, version)
    # 1.1.1 lets the server choose where the format is left out.
    default = FORMATS[0] if version is Version.V1_1_1 else None
    return GetFeatureInfo(
        layers=_queried(kvp.one("query_layers"), shown),
        crs=frame.crs,
        x=x,
        y=y,
        media_type=_format(kvp.one("info_format", default=default)),
        time=parse_time(kvp.one("time", default="")),
        choices=parse_choices(kvp),
    )


def handle(request: GetFeatureInfo) -> Place:
    """Ask for the place: for its series where the time means several."""
    return Place(
        layers=request.layers,
        crs=request.crs,
        x=request.x,
        y=request.y,
        time=request.time,
        choices=request.choices,
        series=is_series(request.time),
    )


def encode(request: GetFeatureInfo, found: PlaceAnswer) -> bytes:
    """Write what was found in the format that was asked for."""
    lon, lat = transformer(request.crs, CRS84).transform(request.x, request.y)
    point = Point(
        crs=request.crs, x=request.x, y=request.y, longitude=float(lon), latitude=float(lat)
    )
    return DOCUMENTS[request.media_type](point, found)


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    request = parse(kvp)
    found = session.place(handle(request))
    body = encode(request, found)
    notes = dict.fromkeys(note for layer in found.layers for note in layer.notes)
    return reply_document(
        body, request.media_type, found.revision, further=warning_headers(tuple(notes))
    )


def _pixel_centre(kvp: Kvp, frame: Frame, version: Version) -> tuple[float, float]:
    names = ("x", "y") if version is Version.V1_1_1 else ("i", "j")
    others = ("i", "j") if version is Version.V1_1_1 else ("x", "y")
    column, row = (
        integer(
            kvp.one(name, default=kvp.one(other, default="")) or kvp.one(name),
            name.upper(),
            low=0,
            high=size - 1,
        )
        for name, other, size in zip(names, others, (frame.width_px, frame.height_px), strict=True)
    )
    x0, y0, x1, y1 = frame.bbox
    return (
        x0 + (column + 0.5) * (x1 - x0) / frame.width_px,
        y1 - (row + 0.5) * (y1 - y0) / frame.height_px,
    )


def _queried(text: str, shown: tuple[MapLayer, ...]) -> tuple[MapLayer, ...]:
    """Return the layers that are queried, each as the map shows it (7.4.3.4)."""
    by_name = {layer.layer: layer for layer in reversed(shown)}
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in by_name:
            raise UnknownNameError("layer", name, tuple(layer.layer for layer in shown))
    return tuple(by_name[name] for name in dict.fromkeys(names))


def _format(text: str) -> str:
    plain = text.casefold().split(";")[0].strip()
    found = _ALIASES.get(plain, plain)
    if found not in FORMATS:
        raise UnknownNameError("format", text[:80], FORMATS)
    return found
