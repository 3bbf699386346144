"""XML and SOAP over HTTP: types, tags, bounds."""

from collections.abc import Iterator

import pytest
from lxml import etree
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from datacube.protocols import Limits
from tests.ogc.wcs.conftest import ENVELOPE, Asker, content
from tests.ogc.wcs.test_xml_requests import coverage

XML = {"content-type": "application/xml"}
SOAP = {"content-type": "application/soap+xml; charset=utf-8; action=GetCoverage"}
REQUEST = coverage("<CoverageId>A</CoverageId>")
ENVELOPED = f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{REQUEST}</s:Body></s:Envelope>'
RELATED = {
    "service": "WCS",
    "version": "2.0.1",
    "request": "GetCoverage",
    "coverageid": "A",
    "mediatype": "multipart/related",
}


@pytest.fixture(scope="module")
def client(asker: Asker) -> Iterator[TestClient]:
    store = asker.made.local.store.location.name
    limits = Limits(body_bytes=5000)
    with TestClient(build(Settings(store=store, limits=limits))) as client:
        yield client


@pytest.mark.parametrize("path", ["/ows", "/rasdaman/ows"])
def test_xml_is_answered_as_parameters_are(client: TestClient, asker: Asker, path: str) -> None:
    answer = client.post(path, content=REQUEST, headers=XML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/tiff")
    assert answer.headers["copernicube-revision"]
    assert answer.content == content(asker.coverage("A"))


def test_soap_is_answered_with_an_attachment(client: TestClient) -> None:
    answer = client.post("/ows", content=ENVELOPED, headers=SOAP)
    assert answer.status_code == 200
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/related; ")
    assert 'type="application/soap+xml"' in kind
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_fault_has_the_status_of_its_report(client: TestClient) -> None:
    answer = client.post("/ows", content=ENVELOPED.replace(">A<", ">nowhere<"), headers=SOAP)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/soap+xml"
    assert etree.fromstring(answer.content).find(f".//{{{ENVELOPE}}}Fault") is not None


def test_both_parts_are_tagged_together(client: TestClient) -> None:
    first = client.get("/ows", params=RELATED)
    again = client.get("/ows", params=RELATED, headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    head = client.head("/ows", params=RELATED)
    assert head.headers["content-length"] == first.headers["content-length"]


@pytest.mark.parametrize("headers", [XML, SOAP])
def test_bodies_over_the_limit_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/ows", content=f"{ENVELOPED}<!--{'x' * 6000}-->", headers=headers)
    assert answer.status_code == 413
    assert "5000 bytes" in answer.text
