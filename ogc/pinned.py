"""Requests of resources: a revision is pinned, and every failure becomes a problem document."""

from collections.abc import Callable
from dataclasses import replace

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogc.exchange import Reply, Session, Sessions, revision_header
from ogc.kvp import Kvp, as_of
from ogc.problem import problem
from ogc.responses import respond

type Handler = Callable[[Request, Session], Reply]
"""Answers a request at the revision that it is pinned to; failures are CubeErrors."""


def kvp_of(request: Request) -> Kvp:
    """Return the query parameters of a request."""
    return Kvp.parse(str(request.query_params))


def resource_route(
    path: str, handler: Handler, sessions: Sessions, *, limiter: CapacityLimiter | None = None
) -> Route:
    """Return a route that answers GET and HEAD in a thread.

    `limiter` bounds the requests that are worked on at once, by default Starlette's.
    """

    async def endpoint(request: Request) -> Response:
        reply = await to_thread.run_sync(_told, handler, request, sessions, limiter=limiter)
        return respond(reply, request)

    return Route(path, endpoint)


def _told(handler: Handler, request: Request, sessions: Sessions) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    try:
        session = sessions(as_of(kvp_of(request)))
        headers = (revision_header(session.view.revision),)
        return handler(request, session)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return replace(problem(error), headers=headers)
