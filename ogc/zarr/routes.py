"""The route of `/zarr`."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from datacube.encode.zarr import METADATA_KEY
from ogc.desk import Desk
from ogc.problem import problem
from ogc.responses import RootOf
from ogc.turns import Lane
from ogc.zarr.views import ViewRequest, Views, ViewSessions


def zarr_routes(
    sessions: ViewSessions, root_of: RootOf, *, desk: Desk | None = None
) -> list[BaseRoute]:
    """Return the routes, to be mounted at `/zarr`, which share the queue of `desk`."""
    shared = desk or Desk()
    views = Views(sessions)

    async def member(request: Request) -> Response:
        asked = ViewRequest(
            path=request.path_params["path"],
            parameters=request.url.query,
            range_header=request.headers.get("range", ""),
            if_none_match=request.headers.get("if-none-match", ""),
        )
        work = partial(views.answer, asked, f"{root_of(request)}/zarr")
        lane = Lane.DOCUMENT if asked.path.endswith(METADATA_KEY) else Lane.PICTURE
        return await shared.run(request, work, lane=lane, refuse=problem)

    return [Route("/{path:path}", member)]
