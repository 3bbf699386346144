"""The route of queries beside OGC API: the same questions and answers, failures as problems."""

from dataclasses import replace

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datacube.errors import CubeError, LimitExceededError
from datacube.protocols import Limits
from ogc.exchange import Reply, Sessions, Site, revision_header
from ogc.kvp import Kvp, as_of
from ogc.posted import Posted, read_posted
from ogc.problem import problem
from ogc.responses import read_body, respond
from ogc.wcps import process


def wcps_route(sessions: Sessions, site: Site, *, limiter: CapacityLimiter | None = None) -> Route:
    """Return the route `/wcps`: GET with `query` or `Q`, POST with any body of `posted`."""

    async def endpoint(request: Request) -> Response:
        asked = await _asked(request, site.limits)
        if isinstance(asked, CubeError):
            return respond(problem(asked), request)
        accept = request.headers.get("accept", "")
        reply = await to_thread.run_sync(_answer, asked, sessions, site, accept, limiter=limiter)
        return respond(reply, request)

    return Route("/wcps", endpoint, methods=["GET", "POST"])


async def _asked(request: Request, limits: Limits) -> Posted | CubeError:
    try:
        if len(request.url.query) > limits.parameter_bytes:
            raise _too_long(limits.parameter_bytes)
        kvp = Kvp.parse(request.url.query)
        if request.method != "POST":
            return Posted(kvp=kvp)
        body = await read_body(request, limits.body_bytes)
        if body is None:
            raise _too_long(limits.body_bytes)
        media_type = request.headers.get("content-type", "")
        posted = await to_thread.run_sync(read_posted, media_type, body)
        return posted.beside(kvp)
    except CubeError as error:
        return error


def _too_long(bound_bytes: int) -> LimitExceededError:
    return LimitExceededError(f"the request is longer than the {bound_bytes} bytes allowed")


def _answer(asked: Posted, sessions: Sessions, site: Site, accept: str) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    try:
        session = sessions(as_of(asked.kvp))
        headers = (revision_header(session.view.revision),)
        return process.answer(asked.kvp, session, site, asked.uploads, accept=accept)
    except Exception as error:  # noqa: BLE001 the last resort: `problem` logs what is no CubeError
        return replace(problem(error), headers=headers)
