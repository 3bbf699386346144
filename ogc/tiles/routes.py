"""The routes of `/tiles`: XYZ tiles of web Mercator, and TileJSON."""

from functools import partial

from starlette.requests import Request
from starlette.routing import Route

from datacube.errors import UnknownNameError
from datacube.render.tiles import WEB_MERCATOR_QUAD
from ogc.api.get_coverage import check_names
from ogc.api.maps_parameters import parse_choices
from ogc.desk import Desk
from ogc.exchange import Reply, Session, Sessions, reply_document
from ogc.kvp import Kvp
from ogc.pinned import kvp_of, resource_route
from ogc.responses import RootOf
from ogc.tiles import get_tile, tilejson
from ogc.tiles.get_tile import EXTENSIONS, GetTile, parse_index
from ogc.tiles.times import parse_map_time
from ogc.turns import Lane

ALLOWED = ("time", "style", "subset", "as_of")


def tile_routes(sessions: Sessions, root_of: RootOf, *, desk: Desk | None = None) -> list[Route]:
    """Return the routes, to be mounted at `/tiles`, which share the queue of `desk`."""

    def document(request: Request, session: Session) -> Reply:
        asked = parse_tilejson(request.path_params["layer"], kvp_of(request))
        body = tilejson.encode(asked, session.view, f"{root_of(request)}/tiles")
        return reply_document(body, tilejson.MEDIA_TYPE, session.view.revision)

    route = partial(resource_route, sessions=sessions, desk=desk or Desk())
    return [
        route("/{layer}/{z}/{x}/{y}.{extension}", _tile, lane=Lane.PICTURE),
        route("/{layer}.json", document),
        route("/{path:path}", _unknown),
    ]


def parse_tile(path: dict[str, str], kvp: Kvp) -> GetTile:
    """Read the address of a tile.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, ALLOWED)
    extension = path["extension"].casefold()
    if extension not in EXTENSIONS:
        raise UnknownNameError("format", extension, tuple(EXTENSIONS))
    return GetTile(
        layers=(path["layer"],),
        tile_matrix_set=WEB_MERCATOR_QUAD.id,
        matrix=path["z"],
        row=parse_index(path["y"], "y"),
        column=parse_index(path["x"], "x"),
        style=kvp.one("style", default=""),
        media_type=EXTENSIONS[extension],
        time=parse_map_time(kvp.one("time", default=""), "time"),
        choices=parse_choices(kvp.many("subset")),
    )


def parse_tilejson(layer: str, kvp: Kvp) -> tilejson.GetTileJson:
    """Read a request for TileJSON; a time that is none is refused here, not by each tile.

    Raises
    ------
    InvalidParameterError, UnknownNameError
    """
    check_names(kvp, (*ALLOWED, "f"))
    parse_map_time(kvp.one("time", default=""), "time")
    extension = kvp.one("f", default="png").casefold()
    if extension not in EXTENSIONS:
        raise UnknownNameError("format", extension, tuple(EXTENSIONS))
    subsets = kvp.many("subset")
    parse_choices(subsets)
    given = [(name, kvp.one(name, default="")) for name in ALLOWED if name != "subset"]
    given.append(("subset", ",".join(subsets)))
    return tilejson.GetTileJson(
        layer=layer,
        extension=extension,
        parameters=tuple((name, value) for name, value in given if value),
    )


def _tile(request: Request, session: Session) -> Reply:
    kvp = kvp_of(request)
    return get_tile.answer(parse_tile(request.path_params, kvp), session, pinned="as_of" in kvp)


def _unknown(request: Request, _session: Session) -> Reply:
    offered = ("/tiles/{layer}/{z}/{x}/{y}.png", "/tiles/{layer}.json")
    raise UnknownNameError("page", request.path_params["path"][:80], offered)
