"""Replies as responses of Starlette; imported only by the modules that make routes."""

from collections.abc import Callable
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ogc.exchange import Reply

type RootOf = Callable[[Request], str]
"""The server's address as the sender of a request reaches it, without a slash at its end."""


def respond(reply: Reply, request: Request) -> Response:
    """Send a reply; the answer to HEAD has the length of the body, and no body."""
    body = reply.body
    response: Response
    if isinstance(body, Path):
        response = FileResponse(
            body, reply.status, background=BackgroundTask(body.unlink, missing_ok=True)
        )
    elif request.method == "HEAD":
        response = Response(status_code=reply.status)
        response.headers["content-length"] = str(len(body))
    else:
        response = Response(body, reply.status)
    if reply.media_type:
        response.headers["content-type"] = reply.media_type
    for name, value in reply.headers:
        response.headers.append(name, value)
    return response
