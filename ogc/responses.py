"""Replies as responses of Starlette; imported only by the modules that make routes."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from isal import igzip
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ogc.exchange import Reply

SMALLEST_BYTES = 1024
"""Shorter texts are sent as they are: they fit one packet."""
GZIP_LEVEL = 1
"""Of ISA-L's four; the next gain little."""
_TEXT_ENDS = ("xml", "json", "javascript", "yaml", "csv", "gml")
_PACKED = "-gzip"

type RootOf = Callable[[Request], str]
"""The server's address as the sender of a request reaches it, without a slash at its end."""


def respond(reply: Reply, request: Request) -> Response:
    """Send a reply; 304 where the client has it, to HEAD the length and no body.

    Texts are packed with gzip for those who accept it, pictures and files never are. A file
    that was made for the answer is deleted after it was sent.
    """
    body = reply.body
    texts = isinstance(body, bytes) and is_text(reply.media_type)
    long = isinstance(body, bytes) and len(body) >= SMALLEST_BYTES
    packed = texts and long and accepts_gzip(request.headers)
    headers = [
        (name, _tagged(text) if packed and name == "ETag" else text) for name, text in reply.headers
    ]
    tag = dict(reply.headers).get("ETag")
    response = (
        _not_modified(body)
        if reply.status == HTTPStatus.OK and tag and _holds(request.headers, tag)
        else _whole(reply, request, packed=packed)
    )
    if texts:
        response.headers.append("vary", "Accept-Encoding")
    for name, value in headers:
        response.headers.append(name, value)
    return response


def is_text(media_type: str) -> bool:
    """Tell whether answers of a type gain by packing: texts, XML and JSON.

    >>> is_text("application/gml+xml; version=3.2"), is_text("image/tiff")
    (True, False)
    """
    plain = media_type.partition(";")[0].strip().casefold()
    return plain.startswith("text/") or plain.endswith(_TEXT_ENDS)


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Tell whether a client takes gzip (RFC 9110, 12.5.3)."""
    for part in headers.get("accept-encoding", "").casefold().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _not_modified(body: bytes | Path) -> Response:
    if isinstance(body, Path):
        body.unlink(missing_ok=True)
    return Response(status_code=HTTPStatus.NOT_MODIFIED)


def _whole(reply: Reply, request: Request, *, packed: bool) -> Response:
    body = reply.body
    response: Response
    if isinstance(body, Path):
        response = FileResponse(
            body, reply.status, background=BackgroundTask(body.unlink, missing_ok=True)
        )
    else:
        # Without a time in its head, equal texts are packed to equal bytes.
        sent = igzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0) if packed else body
        response = Response(b"" if request.method == "HEAD" else sent, reply.status)
        response.headers["content-length"] = str(len(sent))
        if packed:
            response.headers["content-encoding"] = "gzip"
    if reply.media_type:
        response.headers["content-type"] = reply.media_type
    return response


def _tagged(tag: str) -> str:
    """Return the tag of the packed form: other bytes need another (RFC 9110, 8.8.3.3)."""
    return f'{tag[:-1]}{_PACKED}"' if tag.endswith('"') else tag


def _holds(headers: Mapping[str, str], tag: str) -> bool:
    """Tell whether `If-None-Match` names a tag, in either form; `*` names any."""
    for part in headers.get("if-none-match", "").split(","):
        known = part.strip().removeprefix("W/")
        if known in (tag, _tagged(tag), "*"):
            return True
    return False


async def read_body(request: Request, bound_bytes: int) -> bytes | None:
    """Read the body of a request; None where it is longer than the bound."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bound_bytes:
            return None
    return bytes(body)
