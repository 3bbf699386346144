"""Parts of answers (RFC 9110, 14): one range of bytes, for clients that resume or read COGs."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from anyio import create_task_group, open_file
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_RANGES = re.compile(r"bytes\s*=\s*(.+)", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:(\d{1,18})\s*-\s*(\d{1,18})?|-\s*(\d{1,18}))\s*")
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes of an answer."""

    start: int
    stop: int
    """Behind the last byte."""
    of: int
    """Length of the whole."""
    asked: bool = True
    """Whether it is told as a part, even where it is all there is."""

    @property
    def content_range(self) -> str:
        """The header that tells which part it is."""
        return f"bytes {self.start}-{self.stop - 1}/{self.of}"


def whole_part(size: int) -> Part:
    """Return all of an answer, to be told as such."""
    return Part(start=0, stop=size, of=size, asked=False)


def asked_part(request: Request, size: int, tag: str) -> Part | None:
    """Return which part of an answer of `size` bytes is asked for, None where none of it is there.

    The whole is meant by a request without `Range`, by one that `If-Range` makes out of date (a
    tag counts, a date never does), by a range that is none, and by several ranges: a server may
    ignore them, and a client that asks for many is better served by single requests.

    >>> from starlette.requests import Request
    >>> scope = {"type": "http", "method": "GET", "headers": [(b"range", b"bytes=-10")]}
    >>> asked_part(Request(scope), 100, "")
    Part(start=90, stop=100, of=100, asked=True)
    """
    whole = whole_part(size)
    headers = request.headers
    match = _RANGES.fullmatch(headers.get("range", "").strip())
    if match is None or request.method != "GET" or headers.get("if-range", tag) != tag:
        return whole
    one = _RANGE.fullmatch(match[1])
    if one is None:
        return whole
    first, last, length = one.groups()
    if length is not None:
        return Part(start=max(0, size - int(length)), stop=size, of=size) if int(length) else None
    start = int(first)
    if last is not None and int(last) < start:
        return whole
    if start >= size:
        return None
    return Part(start=start, stop=size if last is None else min(size, int(last) + 1), of=size)


class FilePart(Response):
    """Sends a part of a file, which is deleted first: nothing is left, however it ends."""

    def __init__(self, path: Path, part: Part, *, status: int, head: bool) -> None:
        super().__init__(status_code=status)
        self._path, self._part, self._head = path, part, head
        self.headers["content-length"] = str(part.stop - part.start)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send, and stop where the client goes away."""
        async with await open_file(self._path, "rb") as file:
            self._path.unlink()
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if self._head:
                await send({"type": "http.response.body", "body": b""})
                return
            async with create_task_group() as group:

                async def watch() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(watch)
                await file.seek(self._part.start)
                left = self._part.stop - self._part.start
                while left:
                    piece = await file.read(min(left, _PIECE_BYTES))
                    if not piece:
                        raise OSError(f"{self._path} ended {left} bytes early")
                    left -= len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                group.cancel_scope.cancel()


def unsatisfiable(size: int) -> Response:
    """Tell that an answer has none of the bytes asked for."""
    return Response(
        status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        headers={"content-range": f"bytes */{size}"},
    )
