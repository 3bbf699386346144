"""The route of queries beside OGC API: the same questions and answers, failures as problems."""

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datacube.errors import CubeError
from ogc.desk import Desk
from ogc.exchange import Reply, Sessions, Site, headed, revision_header
from ogc.kvp import Kvp, as_of
from ogc.posted import Posted, read_posted
from ogc.problem import problem
from ogc.responses import parameters_too_long, respond
from ogc.turns import Lane
from ogc.wcps import process


def wcps_route(sessions: Sessions, site: Site, *, desk: Desk | None = None) -> Route:
    """Return the route `/wcps`: GET with `query` or `Q`, POST with any body of `posted`."""
    shared, limits = desk or Desk(), site.limits

    async def endpoint(request: Request) -> Response:
        if len(request.url.query) > limits.parameter_bytes:
            long = parameters_too_long(len(request.url.query), limits)
            return respond(problem(long), request)
        body = await shared.body(request, limits)
        if isinstance(body, CubeError):
            return respond(problem(body), request)
        posted = (request.headers.get("content-type", ""), body)
        asked = partial(_asked, request.url.query, posted if request.method == "POST" else None)
        accept = request.headers.get("accept", "")
        work = partial(_answer, asked, site=site, accept=accept)
        return await shared.answer(request, work, sessions, lane=Lane.DATA, refuse=problem)

    return Route("/wcps", endpoint, methods=["GET", "POST"])


def _asked(query: str, posted: tuple[str, bytes] | None) -> Posted:
    kvp = Kvp.parse(query)
    return Posted(kvp=kvp) if posted is None else read_posted(*posted).beside(kvp)


def _answer(read: Callable[[], Posted], sessions: Sessions, site: Site, accept: str) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    try:
        asked = read()
        session = sessions(as_of(asked.kvp))
        headers = (revision_header(session.view.revision),)
        return process.answer(asked.kvp, session, site, asked.uploads, accept=accept)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return headed(problem(error), headers)
