"""GetTile: one tile of a layer (OGC 07-057r7, 7.2)."""

from datacube.errors import UnknownNameError
from datacube.plan.formats import FORMAT_ALIASES
from ogc.exchange import Reply, Session, Site
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.tiles import get_tile
from ogc.tiles.get_tile import FORMATS, GetTile, parse_index
from ogc.tiles.times import parse_map_time
from ogc.wmts.names import VERSION


def parse(kvp: Kvp, *, usual_format: str | None = None) -> GetTile:
    """Read the parameters. Style is mandatory in WMTS, but empty is understood.

    Without a `usual_format` the format is mandatory.

    Raises
    ------
    InvalidParameterError, UnknownNameError, UnsupportedError
    """
    check_version(kvp)
    asked = kvp.one("format", default=usual_format).casefold()
    media_type = FORMAT_ALIASES.get(asked, asked)
    if media_type not in FORMATS:
        raise UnknownNameError("format", asked, FORMATS)
    return GetTile(
        layers=(kvp.one("layer"),),
        style=kvp.one("style", default="" if "style" in kvp else None),
        media_type=media_type,
        tile_matrix_set=kvp.one("tilematrixset"),
        matrix=kvp.one("tilematrix"),
        row=parse_index(kvp.one("tilerow"), "TileRow"),
        column=parse_index(kvp.one("tilecol"), "TileCol"),
        time=parse_map_time(kvp.one("time", default=""), "TIME"),
    )


def check_version(kvp: Kvp) -> None:
    """Refuse a version that is not offered.

    Raises
    ------
    MissingParameterError, UnsupportedError
    """
    version = kvp.one("version")
    if version != VERSION:
        raise UnsupportedError(
            f"WMTS version {shown(version)} is not offered; offered is {VERSION}",
            parameter="VERSION",
        )


def answer(kvp: Kvp, session: Session, site: Site) -> Reply:  # noqa: ARG001 operations share one signature
    """Answer the operation."""
    return get_tile.answer(parse(kvp), session, pinned="as_of" in kvp)
