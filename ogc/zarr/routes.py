"""The route of `/zarr`."""

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ogc.responses import RootOf, respond
from ogc.zarr.views import ViewRequest, Views, ViewSessions


def zarr_routes(
    sessions: ViewSessions, root_of: RootOf, *, limiter: CapacityLimiter | None = None
) -> list[BaseRoute]:
    """Return the routes, to be mounted at `/zarr`.

    `limiter` bounds the requests that are worked on at once, by default Starlette's.
    """
    views = Views(sessions)

    async def member(request: Request) -> Response:
        asked = ViewRequest(
            path=request.path_params["path"],
            parameters=request.url.query,
            range_header=request.headers.get("range", ""),
            if_none_match=request.headers.get("if-none-match", ""),
        )
        url = f"{root_of(request)}/zarr"
        reply = await to_thread.run_sync(views.answer, asked, url, limiter=limiter)
        return respond(reply, request)

    return [Route("/{path:path}", member)]
