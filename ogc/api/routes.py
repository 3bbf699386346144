"""The routes of `/ogcapi`: our own for coverages, then pygeoapi's pages."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pygeoapi
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from datacube.errors import UnknownNameError
from ogc.api import get_coverage
from ogc.api.pages import PAGES, Page, Pages
from ogc.exchange import Reply, Sessions, Site
from ogc.kvp import Kvp, as_of
from ogc.problem import problem
from ogc.responses import RootOf, respond

STATIC = Path(pygeoapi.__file__).parent / "static"

type Handler = Callable[[Request], Reply]


def api_routes(
    sessions: Sessions, root_of: RootOf, *, limiter: CapacityLimiter | None = None
) -> list[BaseRoute]:
    """Return the routes, to be mounted at `/ogcapi`.

    `limiter` bounds the requests that are worked on at once, by default Starlette's.
    """
    pages = Pages()

    def coverage(request: Request) -> Reply:
        kvp = Kvp.parse(str(request.query_params))
        return get_coverage.answer(
            request.path_params["name"],
            kvp,
            request.headers.get("accept", ""),
            sessions(as_of(kvp)),
        )

    def page(found: Page, request: Request) -> Reply:
        session = sessions(as_of(Kvp.parse(str(request.query_params))))
        name = request.path_params.get("name", "")
        site = Site(url=f"{root_of(request)}/ogcapi")
        return pages.answer(found, name, request, session.view, site)

    def route(path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            reply = await to_thread.run_sync(_told, handler, request, limiter=limiter)
            return respond(reply, request)

        return Route(path, endpoint)

    return [
        route("/collections/{name}/coverage", coverage),
        *(route(path, partial(page, found)) for path, found in PAGES.items()),
        Mount("/static", StaticFiles(directory=STATIC)),
        route("/{path:path}", _unknown),
    ]


def _told(handler: Handler, request: Request) -> Reply:
    """Run a handler; whatever fails becomes a problem document."""
    try:
        return handler(request)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return problem(error)


def _unknown(request: Request) -> Reply:
    offered = ("/collections/{name}/coverage", *PAGES)
    raise UnknownNameError("page", request.path_params["path"][:80], offered)
