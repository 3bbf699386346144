"""GetFeatureInfo: what a layer holds at a pixel of a tile (OGC 07-057r7, 7.3)."""

from dataclasses import dataclass

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.formats import PNG
from datacube.protocols import CatalogView
from datacube.render.tiles import TILE_PX
from ogc.exchange import Reply, Session, Site, reply_document, warning_headers
from ogc.kvp import Kvp
from ogc.tiles import get_tile as tiles
from ogc.tiles.get_tile import GetTile, parse_index
from ogc.wms import get_feature_info as places
from ogc.wms.get_feature_info import FORMATS
from ogc.wmts import get_tile


class PointOutOfRangeError(InvalidParameterError):
    """A pixel beyond its tile, by `I` or `J`."""

    code = "point-out-of-range"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFeatureInfo:
    """A request for what lies under a pixel of a tile."""

    tile: GetTile
    column: int
    """Of the pixel in the tile, from the left."""
    row: int
    """Of the pixel in the tile, from the top."""
    media_type: str


def parse(kvp: Kvp) -> GetFeatureInfo:
    """Read the parameters; the format of the tile may be left out.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    tile = get_tile.parse(kvp, usual_format=PNG)
    media_type = kvp.one("infoformat").casefold()
    if media_type not in FORMATS:
        raise UnknownNameError("info-format", media_type[:80], FORMATS)
    return GetFeatureInfo(
        tile=tile,
        column=parse_index(kvp.one("i"), "I"),
        row=parse_index(kvp.one("j"), "J"),
        media_type=media_type,
    )


def handle(request: GetFeatureInfo, view: CatalogView) -> places.GetFeatureInfo:
    """Ask for the place at the centre of the pixel.

    Raises
    ------
    PointOutOfRangeError
        If the pixel is beyond the tile.
    UnknownNameError, TileOutOfRangeError
        As the tile itself.
    """
    for name, asked in (("I", request.column), ("J", request.row)):
        if not 0 <= asked < TILE_PX:
            raise PointOutOfRangeError(
                f"{name} {asked} is beyond the tile; allowed are 0 to {TILE_PX - 1}",
                parameter=name,
            )
    source = tiles.picture(request.tile, view)
    min_x, min_y, max_x, max_y = source.bbox
    return places.GetFeatureInfo(
        layers=source.layers,
        crs=source.crs,
        x=min_x + (request.column + 0.5) * (max_x - min_x) / TILE_PX,
        y=max_y - (request.row + 0.5) * (max_y - min_y) / TILE_PX,
        media_type=request.media_type,
        time=source.time,
    )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    asked = handle(parse(kvp), session.view)
    found = session.place(places.handle(asked))
    notes = dict.fromkeys(note for layer in found.layers for note in layer.notes)
    return reply_document(
        places.encode(asked, found),
        asked.media_type,
        found.revision,
        further=warning_headers(tuple(notes)),
    )
