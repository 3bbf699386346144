"""Replies as responses of Starlette; imported only by the modules that make routes."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from isal import igzip
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from datacube.errors import LimitExceededError
from datacube.protocols import Limits
from ogc import problem
from ogc.exchange import Reply
from ogc.ranges import FilePart, asked_part, unsatisfiable, whole_part

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

    Texts are packed with gzip for those who accept it and ask for no part of them, pictures and
    files never are. A file that was made for the answer is deleted. Of tagged answers that are
    not packed, a part may be asked for: the same tag means the same bytes.
    """
    body = reply.body
    texts = isinstance(body, bytes) and is_text(reply.media_type)
    long = isinstance(body, bytes) and len(body) >= SMALLEST_BYTES
    packed = texts and long and accepts_gzip(request.headers) and "range" not in request.headers
    headers = [
        (name, _tagged(text) if packed and name == "ETag" else text) for name, text in reply.headers
    ]
    response = (
        _not_modified(body)
        if reply.status == HTTPStatus.OK and holds(request.headers, reply)
        else _sent(reply, request, packed=packed)
    )
    if texts:
        response.headers.append("vary", "Accept-Encoding")
    for name, value in headers:
        response.headers.append(name, value)
    return response


def unrouted(request: Request, error: Exception) -> Response:
    """Answer what no route does, an unknown address or method, with a problem document.

    Raises
    ------
    TypeError
        If it is another error.
    """
    if not isinstance(error, HTTPException):
        raise TypeError(f"{error!r} is no refusal of a route") from error
    status = error.status_code
    told = f"{request.method} {request.url.path} is no address here; see /ogcapi/openapi"
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": "NotFound" if status == HTTPStatus.NOT_FOUND else "OperationNotSupported",
        "detail": told,
    }
    return JSONResponse(document, status, headers=error.headers, media_type=problem.MEDIA_TYPE)


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


def _sent(reply: Reply, request: Request, *, packed: bool) -> Response:
    body, head = reply.body, request.method == "HEAD"
    size = len(body) if isinstance(body, bytes) else body.stat().st_size
    tag = dict(reply.headers).get("ETag", "")
    ranged = reply.status == HTTPStatus.OK and bool(tag) and not packed
    part = asked_part(request, size, tag) if ranged else whole_part(size)
    if part is None:
        if isinstance(body, Path):
            body.unlink(missing_ok=True)
        return unsatisfiable(size)
    status = int(HTTPStatus.PARTIAL_CONTENT) if part.asked else reply.status
    response: Response
    if isinstance(body, Path):
        response = FilePart(body, part, status=status, head=head)
    else:
        # Without a time in its head, equal texts are packed to equal bytes.
        sent = igzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0) if packed else body
        sent = sent[part.start : part.stop] if part.asked else sent
        response = Response(b"" if head else sent, status)
        response.headers["content-length"] = str(len(sent))
        if packed:
            response.headers["content-encoding"] = "gzip"
    if ranged:
        response.headers["accept-ranges"] = "bytes"
    if part.asked:
        response.headers["content-range"] = part.content_range
    if reply.media_type:
        response.headers["content-type"] = reply.media_type
    return response


def _tagged(tag: str) -> str:
    """Return the tag of the packed form: other bytes need another (RFC 9110, 8.8.3.3)."""
    return f'{tag[:-1]}{_PACKED}"' if tag.endswith('"') else tag


def held_tags(headers: Mapping[str, str]) -> frozenset[str]:
    """Return the tags that `If-None-Match` names, strong or weak; `*` stands for any."""
    parts = headers.get("if-none-match", "").split(",")
    return frozenset(part.strip().removeprefix("W/") for part in parts if part.strip())


def holds(headers: Mapping[str, str], reply: Reply) -> bool:
    """Tell whether the client has an answer, in either form."""
    tag = dict(reply.headers).get("ETag")
    return tag is not None and not held_tags(headers).isdisjoint((tag, _tagged(tag), "*"))


def parameters_too_long(length: int, limits: Limits) -> LimitExceededError:
    """Tell that a query string has more characters than are read."""
    return LimitExceededError(
        f"the request is longer than the {limits.parameter_bytes} bytes allowed "
        f"(LIMIT_PARAMETER_BYTES): its parameters have {length}"
    )
