"""The routes of maps and of their tiles, below `/ogcapi`."""

import json
from functools import partial

from starlette.requests import Request
from starlette.routing import Route

from datacube.errors import InvalidParameterError
from datacube.protocols import CatalogView
from ogc.api import maps, tiles
from ogc.api.get_coverage import check_names
from ogc.api.tiles_documents import JSON, REL, TileSource
from ogc.desk import Desk
from ogc.exchange import Reply, Session, Sessions, reply_document
from ogc.kvp import Kvp
from ogc.pinned import kvp_of, resource_route
from ogc.responses import RootOf
from ogc.tiles.layers import find_layer, find_layers
from ogc.turns import Lane

COLLECTIONS = "collections"
"""The parameter that names what a map of the dataset shows."""
_TILE = "/{tiles}/{matrix}/{row}/{column}"


def map_routes(sessions: Sessions, root_of: RootOf, *, desk: Desk | None = None) -> list[Route]:
    """Return the routes of maps, styles and map tiles, which share a queue."""

    def documents(request: Request, session: Session) -> Reply:
        source, kvp, further = _source(request, session.view)
        url = f"{root_of(request)}/ogcapi"
        name = request.path_params.get("tiles")
        return tiles.answer_document(source, name, kvp, session, url, further=further)

    def styles(request: Request, session: Session) -> Reply:
        return _styles(request, session, f"{root_of(request)}/ogcapi")

    route = partial(resource_route, sessions=sessions, desk=desk or Desk())
    made = [route("/collections/{name}/styles", styles)]
    for place in ("/collections/{name}", "/collections/{name}/styles/{style}", ""):
        made += [
            route(f"{place}/map", _map, lane=Lane.PICTURE),
            route(f"{place}/map/tiles", documents),
            route(f"{place}/map/tiles/{{tiles}}", documents),
            route(f"{place}/map/tiles{_TILE}", _tile, lane=Lane.PICTURE),
        ]
    return made


def _source(request: Request, view: CatalogView) -> tuple[TileSource, Kvp, tuple[str, ...]]:
    """Return what a path shows, the parameters, and which of them said so."""
    kvp, path = kvp_of(request), request.path_params
    name, style = path.get("name"), path.get("style", "")
    if name is None:
        layers = _dataset(kvp, view)
        return TileSource(path="/map/tiles", layers=layers), kvp, (COLLECTIONS,)
    styled = f"/styles/{style}" if style else ""
    source = TileSource(path=f"/collections/{name}{styled}/map/tiles", layers=(name,), style=style)
    return source, kvp, ()


def _dataset(kvp: Kvp, view: CatalogView) -> tuple[str, ...]:
    named = kvp.one(COLLECTIONS, default="")
    if named:
        return maps.parse_collections(named)
    everything = tuple(layer.id for layer in find_layers(view))
    if not 0 < len(everything) <= maps.MAX_COLLECTIONS:
        raise InvalidParameterError(
            f"the dataset has {len(everything)} collections, of which {maps.MAX_COLLECTIONS} are "
            f"shown at most where none is named; name some, bottom first, in {COLLECTIONS}",
            parameter=COLLECTIONS,
        )
    return everything


def _map(request: Request, session: Session) -> Reply:
    source, kvp, further = _source(request, session.view)
    own = Kvp(pairs=tuple(pair for pair in kvp if pair[0] not in further))
    accept = request.headers.get("accept", "")
    asked = maps.parse(source.layers, source.style, own, accept)
    return maps.answer(asked, session, pinned="as_of" in kvp)


def _tile(request: Request, session: Session) -> Reply:
    source, kvp, further = _source(request, session.view)
    accept = request.headers.get("accept", "")
    return tiles.answer_tile(source, request.path_params, kvp, accept, session, further=further)


def _styles(request: Request, session: Session, url: str) -> Reply:
    """List the styles of a collection."""
    check_names(kvp_of(request), tiles.PAGE_ALLOWED)
    layer = find_layer(request.path_params["name"], session.view)
    here = f"{url}/collections/{layer.id}/styles"
    styles = layer.styles(session.styles)
    document = {
        "default": styles[0].name,
        "styles": [
            {
                "id": style.name,
                "title": style.title,
                "links": [
                    {
                        "href": f"{here}/{style.name}/map",
                        "rel": f"{REL}/map",
                        "type": "image/png",
                        "title": f"Map in {style.name}",
                    },
                    {
                        "href": f"{here}/{style.name}/map/tiles",
                        "rel": f"{REL}/tilesets-map",
                        "type": JSON,
                        "title": f"Tile sets in {style.name}",
                    },
                ],
            }
            for style in styles
        ],
        "links": [{"href": here, "rel": "self", "type": JSON, "title": "This document"}],
    }
    return reply_document(json.dumps(document).encode(), JSON, session.view.revision)
