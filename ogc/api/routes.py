"""The routes of `/ogcapi`: our own for coverages, then pygeoapi's pages."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pygeoapi
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from datacube.errors import UnknownNameError
from datacube.protocols import Limits
from ogc.api import get_coverage
from ogc.api.pages import PAGES, Page, Pages
from ogc.exchange import Reply, Session, Sessions, Site, revision_header
from ogc.kvp import Kvp, as_of
from ogc.problem import problem
from ogc.responses import RootOf, respond
from ogc.wcps.routes import wcps_route

STATIC = Path(pygeoapi.__file__).parent / "static"

type Handler = Callable[[Request, Session], Reply]


def api_routes(
    sessions: Sessions,
    root_of: RootOf,
    *,
    limiter: CapacityLimiter | None = None,
    limits: Limits | None = None,
) -> list[BaseRoute]:
    """Return the routes, to be mounted at `/ogcapi`.

    `limiter` bounds the requests that are worked on at once, by default Starlette's.
    """
    pages = Pages()

    def coverage(request: Request, session: Session) -> Reply:
        kvp, accept = _kvp(request), request.headers.get("accept", "")
        return get_coverage.answer(request.path_params["name"], kvp, accept, session)

    def page(found: Page, request: Request, session: Session) -> Reply:
        name = request.path_params.get("name", "")
        site = Site(url=f"{root_of(request)}/ogcapi")
        return pages.answer(found, name, request, session.view, site)

    def route(path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            reply = await to_thread.run_sync(_told, handler, request, sessions, limiter=limiter)
            return respond(reply, request)

        return Route(path, endpoint)

    return [
        route("/collections/{name}/coverage", coverage),
        wcps_route(sessions, limits or Limits(), limiter=limiter),
        *(route(path, partial(page, found)) for path, found in PAGES.items()),
        Mount("/static", StaticFiles(directory=STATIC)),
        route("/{path:path}", _unknown),
    ]


def _told(handler: Handler, request: Request, sessions: Sessions) -> Reply:
    """Pin a revision and run a handler; whatever fails becomes a problem document."""
    headers: tuple[tuple[str, str], ...] = ()
    try:
        session = sessions(as_of(_kvp(request)))
        headers = (revision_header(session.view.revision),)
        return handler(request, session)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return replace(problem(error), headers=headers)


def _kvp(request: Request) -> Kvp:
    return Kvp.parse(str(request.query_params))


def _unknown(request: Request, _session: Session) -> Reply:
    offered = ("/collections/{name}/coverage", "/wcps", *PAGES)
    raise UnknownNameError("page", request.path_params["path"][:80], offered)
