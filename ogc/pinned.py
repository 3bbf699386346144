"""Requests of resources: a revision is pinned, and every failure becomes a problem document."""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ogc.desk import Desk
from ogc.exchange import Reply, Session, Sessions, headed, revision_header
from ogc.kvp import Kvp, as_of
from ogc.problem import problem
from ogc.turns import Lane

type Handler = Callable[[Request, Session], Reply]
"""Answers a request at the revision that it is pinned to; failures are CubeErrors."""


def kvp_of(request: Request) -> Kvp:
    """Return the query parameters of a request."""
    return Kvp.parse(str(request.query_params))


def resource_route(
    path: str,
    handler: Handler,
    sessions: Sessions,
    *,
    desk: Desk | None = None,
    lane: Lane = Lane.DOCUMENT,
) -> Route:
    """Return a route that answers GET and HEAD at the request's turn in `lane`.

    Routes that share no `desk` share no queue.
    """
    shared = desk or Desk()

    async def endpoint(request: Request) -> Response:
        work = partial(_told, handler, request)
        return await shared.answer(request, work, sessions, lane=lane, refuse=problem)

    return Route(path, endpoint)


def _told(handler: Handler, request: Request, sessions: Sessions) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    try:
        session = sessions(as_of(kvp_of(request)))
        headers = (revision_header(session.view.revision),)
        return handler(request, session)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return headed(problem(error), headers)
