"""Spoiled requests of every service: a fault in the service's format, soon, and never a failure."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lxml import etree

from tests.acceptance.asked_requests import (
    DESCRIPTOR,
    DOCUMENTS,
    MAP,
    REQUESTS,
    pairs_of,
    spoiled,
    spoiled_xml,
)

SEED = 20261122
EXAMPLES = 60
LONGEST_S = 20.0
ROOTS = {"ExceptionReport", "ServiceExceptionReport", "Envelope"}
REFUSED = {400, 404, 406, 413, 414, 415, 501}


@pytest.fixture(scope="module")
def ask(demo_url: str) -> Iterator[httpx2.Client]:
    """Return a client of the server over the samples."""
    with httpx2.Client(base_url=demo_url, timeout=LONGEST_S) as client:
        yield client


def many(check: Callable[[st.DataObject], None]) -> None:
    """Run a check with many draws, always the same."""
    shown = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    seed(SEED)(shown(given(st.data())(check)))()


def told(answer: httpx2.Response) -> None:
    """Fail unless an answer is one, or a fault as the service writes it."""
    if answer.status_code == 200:
        return
    assert answer.status_code in REFUSED, (answer.status_code, answer.text[:500])
    assert b"Traceback" not in answer.content
    root = etree.QName(etree.fromstring(answer.content)).localname
    assert root in ROOTS, answer.text[:500]


@pytest.mark.parametrize("request_text", REQUESTS)
def test_spoiled_parameters(ask: httpx2.Client, request_text: str) -> None:
    pairs = pairs_of(request_text)
    path = "/wmts" if "WMTS" in request_text else "/ows"
    assert ask.get(f"{path}?{urlencode(pairs)}").status_code == 200

    def check(data: st.DataObject) -> None:
        query = urlencode(spoiled(pairs, data.draw), errors="surrogatepass")
        if data.draw(st.integers(0, 3)):
            told(ask.get(f"{path}?{query}"))
        else:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            told(ask.post(path, content=query.encode(), headers=form))

    many(check)


@pytest.mark.parametrize(("path", "media_type", "document"), DOCUMENTS)
def test_spoiled_documents(ask: httpx2.Client, path: str, media_type: str, document: str) -> None:
    headers = {"Content-Type": media_type}
    assert ask.post(path, content=document.encode(), headers=headers).status_code == 200

    def check(data: st.DataObject) -> None:
        body = spoiled_xml(document, data.draw)
        if data.draw(st.integers(0, 5)) == 0:
            body = body[: data.draw(st.integers(0, len(body)))]
        told(ask.post(path, content=body, headers=headers))

    many(check)


def test_spoiled_descriptors(ask: httpx2.Client) -> None:
    pairs = [pair for pair in pairs_of(MAP) if pair[0] != "styles"]
    good = urlencode([*pairs, ("sld_body", DESCRIPTOR)])
    assert ask.get(f"/ows?{good}").status_code == 200

    def check(data: st.DataObject) -> None:
        descriptor = spoiled_xml(DESCRIPTOR, data.draw).decode()
        told(ask.get(f"/ows?{urlencode([*pairs, ('sld_body', descriptor)])}"))

    many(check)


LAUGHS = '<!DOCTYPE l [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY {name} "{f"&{below};" * 10}">'
    for below, name in zip("abcdefghi", "bcdefghij", strict=True)
)
DECLARED = {
    "expansion": (LAUGHS + "]>", "&j;"),
    "square": (f'<!DOCTYPE l [<!ENTITY j "{"x" * 50_000}">]>', "&j;" * 2000),
    "file": ('<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/passwd">]>', "&j;"),
    "address": ('<!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd">', ""),
    "parameter": ('<!DOCTYPE l [<!ENTITY % j SYSTEM "file:///etc/passwd"> %j;]>', ""),
    "itself": ('<!DOCTYPE l [<!ENTITY j "&k;"><!ENTITY k "&j;">]>', "&j;"),
}
"""Document types, and what is put into the text of an element."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", DECLARED)
def test_document_types_are_refused_at_every_entrance(
    ask: httpx2.Client, kind: str, encoding: str
) -> None:
    declared, reference = DECLARED[kind]
    for path, media_type, document in DOCUMENTS:
        text = declared + document.replace("S2_L2A", f"S2_L2A{reference}", 1)
        body = text.encode(encoding)
        refused(lambda: ask.post(path, content=body, headers={"Content-Type": media_type}))  # noqa: B023 called at once
    pairs = [pair for pair in pairs_of(MAP) if pair[0] != "styles"]
    descriptor = declared + DESCRIPTOR.replace("S2_L2A", f"S2_L2A{reference}")
    query = urlencode([*pairs, ("sld_body", descriptor)])
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(lambda: ask.post("/ows", content=query.encode(), headers=form))


def refused(send: Callable[[], httpx2.Response]) -> None:
    """Fail unless a request is refused at once, with a fault that tells nothing of the machine."""
    start = time.monotonic()
    answer = send()
    assert time.monotonic() - start < 2
    assert answer.status_code in {400, 413}, answer.text[:300]
    told(answer)
    assert "root:" not in answer.text
    assert len(answer.content) < 5000


@pytest.mark.parametrize(("path", "media_type", "document"), DOCUMENTS)
def test_oversized_bodies_are_refused_at_every_entrance(
    ask: httpx2.Client, path: str, media_type: str, document: str
) -> None:
    """More than 64 MiB, said beforehand or sent in pieces."""
    headers = {"Content-Type": media_type}
    long = document.encode() + b" " * (64 * 2**20)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(long), 2**20):
            yield long[start : start + 2**20]

    for content in (long, pieces()):
        answer = ask.post(path, content=content, headers=headers)
        assert answer.status_code == 413, answer.text[:300]
        told(answer)
