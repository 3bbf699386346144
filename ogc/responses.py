"""Replies as responses of Starlette; imported only by the modules that make routes."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ogc.exchange import Reply

type RootOf = Callable[[Request], str]
"""The server's address as the sender of a request reaches it, without a slash at its end."""


def respond(reply: Reply, request: Request) -> Response:
    """Send a reply; 304 where the client has it, to HEAD the length and no body.

    A file that was made for the answer is deleted after it was sent.
    """
    body = reply.body
    tag = dict(reply.headers).get("ETag")
    response: Response
    if reply.status == HTTPStatus.OK and tag and tag in request.headers.get("if-none-match", ""):
        if isinstance(body, Path):
            body.unlink(missing_ok=True)
        response = Response(status_code=HTTPStatus.NOT_MODIFIED)
    elif isinstance(body, Path):
        response = FileResponse(
            body, reply.status, background=BackgroundTask(body.unlink, missing_ok=True)
        )
    elif request.method == "HEAD":
        response = Response(status_code=reply.status)
        response.headers["content-length"] = str(len(body))
    else:
        response = Response(body, reply.status)
    if reply.media_type and response.status_code != HTTPStatus.NOT_MODIFIED:
        response.headers["content-type"] = reply.media_type
    for name, value in reply.headers:
        response.headers.append(name, value)
    return response


async def read_body(request: Request, bound_bytes: int) -> bytes | None:
    """Read the body of a request; None where it is longer than the bound."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bound_bytes:
            return None
    return bytes(body)
