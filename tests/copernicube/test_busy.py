"""More requests than there are places: 503 in the words of each service, and never more."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

import httpx2
import pytest
from lxml import etree

from copernicube.app import build
from copernicube.config import Settings
from datacube.encode import ENCODERS
from datacube.encode.answer import EncodeJob, Encoder
from ogc.turns import QueueLimits
from tests.builders.loopback import loopback

MAP = (
    "/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=&crs=CRS:84"
    "&bbox=-75.65,37.66,-75.6,37.7&width=50&height=50&format=image/png"
)
COVERAGE = "/ows?service=WCS&version=2.0.1&request=GetCoverage&coverageid=S2_L1C_32618_60m"
WMS13 = "{http://www.opengis.net/ogc}ServiceException"
OWS20 = "{http://www.opengis.net/ows/2.0}Exception"
OWS11 = "{http://www.opengis.net/ows/1.1}Exception"
TILE = "request=GetTile&layer=S2_L1C&style=default&tilematrixset=WebMercatorQuad"
XML = {
    MAP: (WMS13, "code", None),
    MAP.replace("1.3.0", "1.1.1"): ("ServiceException", "code", None),
    COVERAGE: (OWS20, "exceptionCode", "NoApplicableCode"),
    COVERAGE.replace("2.0.1", "1.0.0"): (WMS13, "code", None),
    COVERAGE.replace("2.0.1", "1.1.1"): (OWS11, "exceptionCode", "NoApplicableCode"),
    "/ows?service=WMS&request=GetCapabilities": (WMS13, "code", None),
    "/ows?query=for $c in (S2_L1C_32618) return 1": (OWS20, "exceptionCode", "NoApplicableCode"),
    f"/wmts?service=WMTS&{TILE}&tilematrix=0&tilerow=0&tilecol=0": (
        OWS11,
        "exceptionCode",
        "NoApplicableCode",
    ),
    "/wmts/1.0.0/WMTSCapabilities.xml": (OWS11, "exceptionCode", "NoApplicableCode"),
}
"""Where each service tells a failure, the attribute of its code, and the code."""
JSON = (
    "/ogcapi/collections",
    "/ogcapi/collections/S2_L1C_32618/coverage",
    "/ogcapi/collections/S2_L1C/map",
    "/ogcapi/collections/S2_L1C_32618/position?coords=POINT(-75.6 37.7)",
    "/ogcapi/wcps?query=for $c in (S2_L1C_32618) return 1",
    "/tiles/S2_L1C/0/0/0.png",
    "/zarr/S2_L1C_32618/zarr.json",
    "/admin/udf/list",
)
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<GetCapabilities xmlns="http://www.opengis.net/wcs/2.0" service="WCS"/></s:Body></s:Envelope>'
)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Return what every answer with cells waits for."""
    go = threading.Event()

    def waiting(encode: Encoder) -> Encoder:
        def run(job: EncodeJob) -> bytes | Path:
            assert go.wait(30)
            return encode(job)

        return run

    encoders = {kind: waiting(encode) for kind, encode in ENCODERS.items()}
    monkeypatch.setattr("copernicube.wiring.ENCODERS", encoders)
    yield go
    go.set()


@contextmanager
def full(url: str, held: threading.Event, *paths: str, **headers: str) -> Iterator[None]:
    """Have so many requests under way that wait for `held`, and see that all succeed at last."""
    with ThreadPoolExecutor(len(paths)) as pool:
        asked = [pool.submit(httpx2.get, url + path, timeout=60, headers=headers) for path in paths]
        sleep(0.3)  # until they have their places
        try:
            yield
        finally:
            held.set()
        assert {one.result().status_code for one in asked} == {200}


def refused(reply: httpx2.Response) -> str:
    """Return what a refusal says, of which nothing may be kept or be taken for an answer."""
    assert reply.status_code == 503, reply.text
    assert int(reply.headers["retry-after"]) >= 1
    assert "etag" not in reply.headers
    return reply.text


def test_each_service_tells_it_in_its_own_words(demo_store: Path, held: threading.Event) -> None:
    settings = Settings(store=str(demo_store), queue=QueueLimits(running=2, per_client=1))
    with loopback(build(settings)) as url, full(url, held, COVERAGE):
        for path, (element, attribute, code) in XML.items():
            root = etree.fromstring(refused(httpx2.get(url + path)).encode())
            told = root.find(element)
            assert told is not None, path
            assert told.get(attribute) == code
            assert "limit QUEUE_PER_CLIENT is 1" in (
                told.findtext(".//{*}ExceptionText") or told.text or ""
            )
        for path in JSON:
            document = json.loads(refused(httpx2.get(url + path)))
            assert (document["status"], document["code"]) == (503, "ServerBusy")
            assert "limit QUEUE_PER_CLIENT is 1" in document["detail"]
        picture = httpx2.get(f"{url}{MAP}&exceptions=INIMAGE")
        assert (picture.status_code, picture.headers["content-type"]) == (503, "image/png")
        assert int(picture.headers["retry-after"]) >= 1
        for path in ("/ows", "/wmts"):
            soap = httpx2.post(
                url + path, content=ENVELOPE, headers={"Content-Type": "application/soap+xml"}
            )
            assert "soap:Receiver" in refused(soap)
        form = httpx2.post(f"{url}/ows", data={"service": "WMS", "request": "GetMap"})
        assert "ServiceExceptionReport" in refused(form)
        # No queue before the page for people and its files.
        assert httpx2.get(f"{url}/").status_code == 200


def test_clients_behind_a_trusted_proxy_are_told_apart(
    demo_store: Path, held: threading.Event
) -> None:
    settings = Settings(store=str(demo_store), queue=QueueLimits(running=2, per_client=1))
    capabilities = "/ows?service=WMS&request=GetCapabilities"
    with (
        loopback(build(settings)) as url,
        full(url, held, COVERAGE, **{"X-Forwarded-For": "192.0.2.1"}),
    ):
        same = {"Forwarded": 'for="192.0.2.1:5000";proto=https'}
        refused(httpx2.get(url + capabilities, headers=same))
        other = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
        assert httpx2.get(url + capabilities, headers=other).status_code == 200


def test_what_needs_no_work_waits_for_none(demo_store: Path, held: threading.Event) -> None:
    """All places for maps and data are taken, and nobody may wait."""
    settings = Settings(store=str(demo_store), queue=QueueLimits(running=1, waiting=1))
    capabilities = "/ows?service=WMS&request=GetCapabilities"
    part = {"Range": "bytes=0-99"}
    with loopback(build(settings)) as url:
        held.set()
        seen = {path: httpx2.get(url + path).headers["etag"] for path in (MAP, COVERAGE)}
        kept = httpx2.get(url + COVERAGE, headers=part)
        held.clear()
        larger = MAP.replace("width=50", "width=60"), f"{COVERAGE}&rangesubset=B01"
        with full(url, held, *larger):
            for path, tag in seen.items():
                assert httpx2.get(url + path, headers={"If-None-Match": tag}).status_code == 304
            again = httpx2.get(url + COVERAGE, headers=part)
            assert (again.status_code, again.content) == (206, kept.content)
            assert httpx2.get(url + capabilities).status_code == 200
            assert httpx2.get(f"{url}/ogcapi/collections").status_code == 200
            assert httpx2.get(f"{url}/page/index.html").status_code == 200


def test_a_client_that_goes_away_leaves_its_place_in_the_queue(
    demo_store: Path, held: threading.Event
) -> None:
    settings = Settings(store=str(demo_store), queue=QueueLimits(running=1, waiting=1))
    with loopback(build(settings)) as url, full(url, held, COVERAGE):
        for number in range(3):
            # Each waits in the queue's one place, for half a second.
            with pytest.raises(httpx2.ReadTimeout):
                httpx2.get(f"{url}{COVERAGE}&subset=E({number + 443000},444000)", timeout=0.5)


def test_work_for_a_client_that_went_away_ends(
    demo_store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The one place for data is free again long before the answer would have been made."""
    caplog.set_level(logging.INFO, "ogc.faults")
    over = "$i i(0:100000), $j j(0:100000)"
    long = f"for $c in (S2_L1C_32618) return condense + over {over} using sin($i * $j)"
    settings = Settings(store=str(demo_store), queue=QueueLimits(running=1))
    with loopback(build(settings)) as url:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{url}/ogcapi/wcps", params={"query": long}, timeout=1)
        short = {"query": "for $c in (S2_L1C_32618) return 1"}
        assert httpx2.get(f"{url}/ogcapi/wcps", params=short, timeout=20).text == "1"
    assert "request ended: the client went away before the answer was made" in caplog.text
    assert not [one for one in caplog.records if one.levelno > logging.INFO]


def test_bodies_are_bounded_together_and_given_back(demo_store: Path) -> None:
    """A body that never ends is counted while it comes, and no more once it broke off."""
    settings = Settings(store=str(demo_store), queue=QueueLimits(body_bytes=100_000))
    query = b"for $c in (S2_L1C_32618) return 1"
    kind = {"Content-Type": "text/plain"}
    with loopback(build(settings)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as slow:
            head = b"POST /ows HTTP/1.1\r\nHost: x\r\nContent-Length: 99990\r\n\r\n"
            slow.sendall(head + b" " * 99_980)
            sleep(0.3)  # until the server has read it
            for path in ("/ows", "/ogcapi/wcps", "/wmts", "/ogcapi/processes/wcps/execution"):
                told = refused(httpx2.post(url + path, content=query, headers=kind))
                assert "limit QUEUE_BODY_BYTES is 100000" in told
        sleep(0.3)
        for _ in range(5):
            # Two of them would be too long together.
            long = query + b" " * 60_000
            reply = httpx2.post(f"{url}/ows", content=long, headers=kind, timeout=60)
            assert (reply.status_code, reply.text) == (200, "1")
