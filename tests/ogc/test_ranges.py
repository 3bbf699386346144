"""Parts of answers, of bytes and of files, against the rules of RFC 9110."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ogc.exchange import Reply
from ogc.responses import respond

BODY = bytes(range(256)) * 4
TAG = '"abc"'


@pytest.fixture(params=["bytes", "file"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> TestClient:
    path = tmp_path / "body.tif"

    def endpoint(asked: Request) -> Response:
        body: bytes | Path = BODY
        if request.param == "file":
            path.write_bytes(BODY)
            body = path
        reply = Reply(status=200, media_type="image/tiff", body=body, headers=(("ETag", TAG),))
        return respond(reply, asked)

    return TestClient(Starlette(routes=[Route("/", endpoint)]))


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-5000", 0, 1023),
        ("bytes=1023-9999999999", 1023, 1023),
        ("BYTES = 5 - 6", 5, 6),
        ("bytes=0-16383", 0, 1023),
    ],
)
def test_one_range(client: TestClient, asked: str, first: int, last: int) -> None:
    reply = client.get("/", headers={"Range": asked})
    assert reply.status_code == 206
    assert reply.content == BODY[first : last + 1]
    assert reply.headers["content-range"] == f"bytes {first}-{last}/1024"
    assert reply.headers["content-length"] == str(last + 1 - first)
    assert reply.headers["etag"] == TAG
    assert reply.headers["content-type"] == "image/tiff"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_none_of_it(client: TestClient, asked: str) -> None:
    reply = client.get("/", headers={"Range": asked})
    assert (reply.status_code, reply.headers["content-range"]) == (416, "bytes */1024")
    assert reply.content == b""


@pytest.mark.parametrize(
    "asked",
    ["bytes=9-5", "bytes=a-b", "lines=0-5", "bytes", "bytes=", "bytes=-", "bytes=0-1,5-6", "0-5"],
)
def test_what_is_no_single_range_gets_the_whole(client: TestClient, asked: str) -> None:
    reply = client.get("/", headers={"Range": asked})
    assert (reply.status_code, reply.content) == (200, BODY)
    assert reply.headers["accept-ranges"] == "bytes"
    assert "content-range" not in reply.headers


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (TAG, 206),
        ('"older"', 200),
        (f"W/{TAG}", 200),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 200),
    ],
)
def test_a_range_of_what_changed_is_the_whole(client: TestClient, known: str, status: int) -> None:
    reply = client.get("/", headers={"Range": "bytes=0-9", "If-Range": known})
    assert (reply.status_code, reply.content) == (status, BODY[:10] if status == 206 else BODY)


def test_head_tells_the_whole_whatever_range(client: TestClient) -> None:
    for headers in ({}, {"Range": "bytes=0-9"}):
        reply = client.head("/", headers=headers)
        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["content-length"] == "1024"
        assert reply.headers["accept-ranges"] == "bytes"


def test_if_none_match_goes_before_the_range(client: TestClient) -> None:
    reply = client.get("/", headers={"Range": "bytes=0-9", "If-None-Match": TAG})
    assert (reply.status_code, reply.content) == (304, b"")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=9999-"}, {"If-None-Match": TAG}],
)
def test_no_file_is_left(client: TestClient, headers: dict[str, str], tmp_path: Path) -> None:
    client.get("/", headers=headers)
    client.head("/", headers=headers)
    assert list(tmp_path.iterdir()) == []


def test_untagged_answers_have_no_ranges() -> None:
    def endpoint(asked: Request) -> Response:
        return respond(Reply(status=200, media_type="image/tiff", body=BODY), asked)

    plain = TestClient(Starlette(routes=[Route("/", endpoint)]))
    reply = plain.get("/", headers={"Range": "bytes=0-9"})
    assert (reply.status_code, reply.content) == (200, BODY)
    assert "accept-ranges" not in reply.headers
