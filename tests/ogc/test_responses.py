"""Answers on the wire: packing, tags, lengths."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from ogc.exchange import Reply
from ogc.responses import respond, unrouted

LONG = b"<Layer/>" * 1000
TAG = '"abc"'


def client(body: bytes, media_type: str) -> TestClient:
    reply = Reply(status=200, media_type=media_type, body=body, headers=(("ETag", TAG),))

    def endpoint(request: Request) -> Response:
        return respond(reply, request)

    return TestClient(Starlette(routes=[Route("/", endpoint)]))


def asked(body: bytes, media_type: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    with client(body, media_type).stream("GET", "/", headers=names) as reply:
        return reply.status_code, dict(reply.headers), b"".join(reply.iter_raw())


@pytest.mark.parametrize("media_type", ["text/xml", "application/json", "text/csv", "text/html"])
def test_texts_are_packed_for_those_who_take_it(media_type: str) -> None:
    status, headers, raw = asked(LONG, media_type, accept_encoding="br, gzip;q=0.8")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(raw) == LONG
    assert len(raw) == int(headers["content-length"]) < len(LONG) / 10
    assert "Accept-Encoding" in headers["vary"]
    assert headers["etag"] == '"abc-gzip"'
    assert asked(LONG, media_type, accept_encoding="gzip")[2] == raw


@pytest.mark.parametrize(
    ("body", "media_type", "accepted"),
    [
        (LONG, "text/xml", "identity"),
        (LONG, "text/xml", "gzip;q=0, br"),
        (b"<short/>", "text/xml", "gzip"),
        (LONG, "image/tiff", "gzip"),
        (LONG, "image/png", "gzip"),
    ],
)
def test_others_get_the_bytes_as_they_are(body: bytes, media_type: str, accepted: str) -> None:
    _, headers, raw = asked(body, media_type, accept_encoding=accepted)
    assert "content-encoding" not in headers
    assert (raw, headers["etag"]) == (body, TAG)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (TAG, 304),
        ('"abc-gzip"', 304),
        ('W/"abc"', 304),
        ('"x", "abc"', 304),
        ("*", 304),
        ('"ab"', 200),
        ('"abcd"', 200),
    ],
)
def test_a_tag_is_known_whole_and_in_either_form(known: str, status: int) -> None:
    assert asked(LONG, "text/xml", if_none_match=known)[0] == status


def test_head_tells_the_length_that_get_would_send() -> None:
    for accepted in ("gzip", "identity"):
        length = asked(LONG, "text/xml", accept_encoding=accepted)[1]["content-length"]
        head = client(LONG, "text/xml").head("/", headers={"accept-encoding": accepted})
        assert (head.headers["content-length"], head.content) == (length, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NotFound"),
        ("GET", "/part/a%0Ab", 404, "NotFound"),
        ("DELETE", "/here", 405, "OperationNotSupported"),
    ],
)
def test_what_no_route_answers_is_a_problem(method: str, path: str, status: int, code: str) -> None:
    def here(_request: Request) -> Response:
        return Response()

    inner = Mount("/part", routes=[Route("/{name}", here)])
    app = Starlette(
        routes=[Route("/here", here), inner], exception_handlers={HTTPException: unrouted}
    )
    with TestClient(app) as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)
