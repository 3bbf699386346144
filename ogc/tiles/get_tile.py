"""One tile of a layer, whatever service it is asked of."""

from dataclasses import dataclass, field, replace
from types import MappingProxyType

from datacube.plan.formats import JPEG, PNG, WEBP
from datacube.plan.query import AxisChoice, Encode, Map, MapLayer, MapTime
from datacube.protocols import CatalogView
from datacube.render.tiles import TILE_PX
from ogc.crs import hull
from ogc.exchange import Reply, Session, reply
from ogc.kvp import integer
from ogc.tiles.layers import find_layer, named_choices

FORMATS = (PNG, JPEG, WEBP)
"""What a tile can be, the usual one first."""
EXTENSIONS = MappingProxyType({"png": PNG, "jpg": JPEG, "jpeg": JPEG, "webp": WEBP})
"""What addresses of tiles end in."""
EXTENSION_OF = MappingProxyType({PNG: "png", JPEG: "jpg", WEBP: "webp"})
"""What addresses that we give end in."""
CLEAR = (PNG, WEBP)
"""Formats that know transparency."""
FIXED_S = 31_536_000
"""How long an answer that cannot change may be kept: a year."""
FRESH_S = 60
"""How long one may be kept that a new scene may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTile:
    """A request for one tile."""

    layers: tuple[str, ...]
    """Bottom first; at least one."""
    tile_matrix_set: str
    matrix: str
    row: int
    column: int
    style: str = ""
    """Of every layer; empty and `default` are each layer's default."""
    media_type: str = PNG
    time: MapTime = field(default_factory=MapTime)
    choices: tuple[AxisChoice, ...] = ()
    """Places on axes between time and plane."""


def parse_index(text: str, parameter: str) -> int:
    """Read the number of a row or a column.

    Raises
    ------
    InvalidParameterError
        If it is none; a number beyond the layer is told by `handle`.
    """
    return integer(text, parameter, low=-(2**53), high=2**53)


def handle(request: GetTile, view: CatalogView) -> Encode:
    """Ask for the picture of the tile; raises as `picture` does."""
    return Encode(source=picture(request, view), media_type=request.media_type)


def picture(request: GetTile, view: CatalogView) -> Map:
    """Return the map that the tile is.

    Raises
    ------
    UnknownNameError
        If there is no such layer, or it has no such tile matrix set or matrix.
    InvalidParameterError
        If no layer has an axis on which places are chosen.
    TileOutOfRangeError
        If the layers have nothing there at any time.
    """
    layers = [find_layer(name, view) for name in request.layers]
    choices = named_choices(request.choices, layers)
    sets = [layer.tile_matrix_set(request.tile_matrix_set) for layer in layers]
    matrix = sets[0].matrix(request.matrix)
    bbox = hull([layer.bbox(sets[0]) for layer in layers])
    matrix.limits(bbox).check(request.column, request.row)
    style = "" if request.style == "default" else request.style
    return Map(
        layers=tuple(MapLayer(layer=layer.id, style=style) for layer in layers),
        crs=sets[0].crs,
        bbox=matrix.bbox(request.column, request.row),
        width_px=TILE_PX,
        height_px=TILE_PX,
        time=request.time,
        transparent=request.media_type in CLEAR,
        choices=choices,
    )


def answer(request: GetTile, session: Session, *, pinned: bool) -> Reply:
    """Answer a request for a tile; `pinned` where it names the revision to answer from."""
    made = reply(session.answer(handle(request, session.view)))
    return cached(made, fixed=pinned and request.time != MapTime())


def cached(made: Reply, *, fixed: bool) -> Reply:
    """Say how long an answer may be kept: for good where it is `fixed`, else briefly."""
    policy = f"public, max-age={FIXED_S}, immutable" if fixed else f"public, max-age={FRESH_S}"
    return replace(made, headers=(*made.headers, ("Cache-Control", policy)))
