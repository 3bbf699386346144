"""Asking a server over HTTP, and what it says when it refuses."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

from copernicube.client.questions import Question
from datacube.errors import RequestError, RevisionError, StoreError
from datacube.explain.values import Level

TIMEOUT_S = 60.0
ANSWER_S = 600.0
"""Longest wait for the answer of a query."""
REVISION = "Copernicube-Revision"
"""Header that tells which revision an answer was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered."""

    body: bytes
    media_type: str
    revision: str
    """As the header says; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server's address, and the revision that it is asked about."""

    location: str
    """Without a slash at its end."""
    revision: int | None = None
    """None: the newest."""

    def answer(self, question: Question, *, explain: Level | None = None) -> Reply:
        """Ask a query of one result; the body is empty where its `where` does not hold.

        With `explain` the server tells what the query would do, however many results it has.

        Raises
        ------
        RequestError
            If the server refuses; the message is the server's, the place in the query a note.
        StoreError
            If it fails, or there is none.
        """
        parameters = {} if self.revision is None else {"as_of": str(self.revision)}
        if question.compat is not None:
            parameters["compat"] = question.compat
        if explain is not None:
            parameters["explain"] = explain.value
        body, content_type = _body(question)
        url = f"{self.location}/ogcapi/wcps?{urlencode(parameters)}".rstrip("?")
        headers = {"Content-Type": content_type}
        return fetch(Request(url, body, headers), ANSWER_S)  # noqa: S310  # as `fetch` says


def fetch(request: Request, timeout_s: float = TIMEOUT_S) -> Reply:
    """Send a request to an address of http or https, which the caller has seen to.

    Raises
    ------
    RequestError
        If the server refuses; RevisionError if the revision was purged.
    StoreError
        If it fails, or there is none.
    """
    try:
        with urlopen(request, timeout=timeout_s) as response:  # noqa: S310  # as above
            return Reply(
                body=response.read(),
                media_type=response.headers.get_content_type(),
                revision=response.headers.get(REVISION, ""),
            )
    except HTTPError as error:
        raise _refused(error, request.full_url) from error
    except (URLError, TimeoutError, OSError) as error:
        raise StoreError(f"{request.full_url} gives no answer that can be read: {error}") from error


def fetch_json(url: str) -> tuple[dict[str, Any], str]:
    """Return a JSON document and the revision that the server answered from.

    Raises
    ------
    RequestError, StoreError
        As `fetch` does, and if it is no JSON.
    """
    reply = fetch(Request(url))  # noqa: S310  # as `fetch` says
    try:
        document: dict[str, Any] = json.loads(reply.body)
    except ValueError as error:
        raise StoreError(f"{url} gives no answer that can be read: {error}") from error
    return document, reply.revision


def _refused(error: HTTPError, url: str) -> RequestError | StoreError:
    """Repeat what the server says, the underlined place as a note."""
    try:
        detail = str(json.loads(error.read())["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"{url} answers {error.code} {error.reason}"
    message, _, place = detail.partition("\n")
    made: RequestError | StoreError
    if error.code == HTTPStatus.GONE:
        made = RevisionError(message, purged=True)
    elif error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        made = StoreError(message)
    else:
        made = RequestError(message)
    if place:
        made.add_note(place)
    return made


def _body(question: Question) -> tuple[bytes, str]:
    if not question.uploads:
        return json.dumps({"query": question.text}).encode(), "application/json"
    boundary = uuid4().hex
    body = b"".join(_parts(question, boundary))
    return body, f"multipart/form-data; boundary={boundary}"


def _parts(question: Question, boundary: str) -> Iterator[bytes]:
    sent = [("query", question.text.encode(), "text/plain; charset=utf-8")]
    sent += [(file.name, file.body, "application/octet-stream") for file in question.uploads]
    for name, body, media_type in sent:
        # A part without a file's name would be read as text.
        file = "" if name == "query" else f'; filename="{name}"'
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'.encode()
        yield f"Content-Type: {media_type}\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode()
        yield body
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
