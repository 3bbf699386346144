"""The routes of `/ogcapi`: our own for coverages, then pygeoapi's pages."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from datacube.errors import UnknownNameError
from ogc.api import coverage_parts, get_coverage
from ogc.api.edr.routes import edr_routes
from ogc.api.maps_routes import map_routes
from ogc.api.pages import PAGES, Page, Pages
from ogc.api.processes_routes import process_routes
from ogc.desk import Desk
from ogc.exchange import Reply, Session, Sessions, Site
from ogc.pinned import kvp_of, resource_route
from ogc.responses import RootOf
from ogc.turns import Lane
from ogc.wcps.routes import wcps_route

STATIC = Path(__file__).parent / "static"


def api_routes(
    sessions: Sessions,
    root_of: RootOf,
    *,
    desk: Desk | None = None,
    about: Site | None = None,
) -> list[BaseRoute]:
    """Return the routes, to be mounted at `/ogcapi`.

    They share the queue of `desk`. `about` is what the services say of themselves; its
    address is set by the request.
    """
    pages = Pages()
    desk = desk or Desk()
    about = about or Site(url="")

    def coverage(request: Request, session: Session) -> Reply:
        kvp, accept = kvp_of(request), request.headers.get("accept", "")
        return get_coverage.answer(request.path_params["name"], kvp, accept, session)

    def part(request: Request, session: Session) -> Reply:
        name, wanted = request.path_params["name"], request.path_params["part"]
        if wanted not in coverage_parts.PARTS:
            raise UnknownNameError("page", wanted[:80], tuple(coverage_parts.PARTS))
        return coverage_parts.answer(name, wanted, kvp_of(request), session)

    def page(found: Page, request: Request, session: Session) -> Reply:
        name = request.path_params.get("name", "")
        site = replace(about, url=f"{root_of(request)}/ogcapi")
        return pages.answer(found, name, request, session, site)

    route = partial(resource_route, sessions=sessions, desk=desk)
    return [
        route("/collections/{name}/coverage", coverage, lane=Lane.DATA),
        route("/collections/{name}/coverage/{part}", part),
        *map_routes(sessions, root_of, desk=desk),
        *edr_routes(sessions, root_of, about.limits, desk=desk),
        wcps_route(sessions, about, desk=desk),
        *process_routes(sessions, about, desk=desk),
        *(route(path, partial(page, found)) for path, found in PAGES.items()),
        Mount("/static", StaticFiles(directory=STATIC)),
        route("/{path:path}", _unknown),
    ]


def _unknown(request: Request, _session: Session) -> Reply:
    offered = ("/collections/{name}/coverage", "/collections/{name}/map", "/wcps", *PAGES)
    raise UnknownNameError("page", request.path_params["path"][:80], offered)
