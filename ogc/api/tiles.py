"""Tiles of maps (OGC API - Tiles, Part 1: Core, OGC 20-057)."""

import json

from datacube.errors import UnknownNameError
from ogc.api.get_coverage import check_names
from ogc.api.maps_parameters import parse_choices
from ogc.api.negotiation import choose_format
from ogc.api.tiles_documents import JSON, TileSource, describe_tile_set, list_tile_sets
from ogc.exchange import Reply, Session, reply_document
from ogc.kvp import Kvp
from ogc.tiles import get_tile
from ogc.tiles.get_tile import EXTENSIONS, GetTile, parse_index
from ogc.tiles.times import parse_map_time

ALLOWED = ("datetime", "subset", "f", "as_of")
PAGE_ALLOWED = ("f", "as_of")


def parse(
    source: TileSource, path: dict[str, str], kvp: Kvp, accept: str, further: tuple[str, ...]
) -> GetTile:
    """Read the address of a tile; `further` are parameters that the source was read from.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, (*ALLOWED, *further))
    return GetTile(
        layers=source.layers,
        style=source.style,
        tile_matrix_set=path["tiles"],
        matrix=path["matrix"],
        row=parse_index(path["row"], "tileRow"),
        column=parse_index(path["column"], "tileCol"),
        time=parse_map_time(kvp.one("datetime", default=""), "datetime"),
        choices=parse_choices(kvp.many("subset")),
        media_type=choose_format(kvp.one("f", default=""), accept, EXTENSIONS),
    )


def answer_tile(
    source: TileSource,
    path: dict[str, str],
    kvp: Kvp,
    accept: str,
    session: Session,
    *,
    further: tuple[str, ...] = (),
) -> Reply:
    """Answer a request for a tile."""
    asked = parse(source, path, kvp, accept, further)
    return get_tile.answer(asked, session, pinned="as_of" in kvp)


def answer_document(
    source: TileSource,
    name: str | None,
    kvp: Kvp,
    session: Session,
    url: str,
    *,
    further: tuple[str, ...] = (),
) -> Reply:
    """Answer a request for the list of tile sets, or for the one called `name`."""
    check_names(kvp, (*PAGE_ALLOWED, *further))
    wanted = kvp.one("f", default="json")
    if wanted.casefold() not in {"json", JSON}:
        raise UnknownNameError("format", wanted[:80], ("json",))
    view = session.view
    document = (
        list_tile_sets(source, view, url)
        if name is None
        else describe_tile_set(source, name, view, url)
    )
    return reply_document(json.dumps(document).encode(), JSON, view.revision)
