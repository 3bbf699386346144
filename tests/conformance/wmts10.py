"""Requests of WMTS 1.0.0 by each of its bindings, as the OGC's suite has them."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from lxml import etree
from starlette.testclient import TestClient

from tests.conformance.asked import Changes

WMTS = "http://www.opengis.net/wmts/1.0"
OWS = "http://www.opengis.net/ows/1.1"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
SCHEMA = (WMTS, "http://schemas.opengis.net/wmts/1.0/wmts.xsd")
REPORT = (OWS, "http://schemas.opengis.net/ows/1.1.0/owsAll.xsd")
FORM = "application/x-www-form-urlencoded"
INVALID, MISSING = "InvalidParameterValue", "MissingParameterValue"
TILE = {
    "SERVICE": "WMTS",
    "VERSION": "1.0.0",
    "REQUEST": "GetTile",
    "LAYER": "S2_L1C",
    "STYLE": "true-colour",
    "FORMAT": "image/png",
    "TIME": "2015-12-26",
    "TILEMATRIXSET": "WebMercatorQuad",
    "TILEMATRIX": "13",
    "TILEROW": "3168",
    "TILECOL": "2375",
}
INFO = TILE | {"REQUEST": "GetFeatureInfo", "J": "100", "I": "128", "INFOFORMAT": "text/html"}
CAPABILITIES = {"SERVICE": "WMTS", "REQUEST": "GetCapabilities"}
_ELEMENTS = {
    "LAYER": "Layer",
    "STYLE": "Style",
    "FORMAT": "Format",
    "TIME": "DimensionNameValue",
    "TILEMATRIXSET": "TileMatrixSet",
    "TILEMATRIX": "TileMatrix",
    "TILEROW": "TileRow",
    "TILECOL": "TileCol",
}
_NAMES: Any = {None: WMTS, "ows": OWS}
_LISTS = {
    "ACCEPTVERSIONS": ("AcceptVersions", "Version"),
    "SECTIONS": ("Sections", "Section"),
    "ACCEPTFORMATS": ("AcceptFormats", "OutputFormat"),
}


class Binding(StrEnum):
    """How a request is sent, by the names of the suite."""

    KVP_GET = "kvp-get"
    KVP_POST = "kvp-post"
    XML = "xml-post"
    SOAP = "soap-post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, out of its envelope."""

    status: int
    media: str
    """Media type of what was asked for, also where it came in an envelope."""
    body: bytes
    headers: Mapping[str, str]

    @property
    def root(self) -> etree._Element:
        """The document."""
        return etree.fromstring(self.body)

    def fails(self, code: str, locator: str = "", status: int = 400) -> None:
        """Fail unless it is a report of one exception at the named parameter."""
        found = [*self.root.iter(f"{{{OWS}}}Exception")]
        told = [(one.get("exceptionCode"), one.get("locator", "").casefold()) for one in found]
        assert (self.status, told) == (status, [(code, locator.casefold())]), self.body


def by_binding(*names: str) -> pytest.MarkDecorator:
    """Run a test with each `binding`, for requirements `wmts10:<binding>:<name>`."""
    return pytest.mark.parametrize(
        "binding",
        [
            pytest.param(
                one, id=one, marks=[pytest.mark.requirement(f"wmts10:{one}:{n}") for n in names]
            )
            for one in Binding
        ],
    )


def asked(
    client: TestClient, binding: Binding, base: Mapping[str, str], changes: Changes | None = None
) -> Answered:
    """Send a base request with changes."""
    query = {k: v for k, v in {**base, **(changes or {})}.items() if v is not None}
    return send(client, binding, urlencode(query), document(query))


def send(client: TestClient, binding: Binding, query: str, xml: str) -> Answered:
    """Send a query string, or a document that says the same."""
    if binding is Binding.KVP_GET:
        return _plain(client.get(f"/wmts?{query}"))
    kind, body = "text/xml", xml
    if binding is Binding.KVP_POST:
        kind, body = FORM, query
    if binding is Binding.SOAP:
        kind = "application/soap+xml"
        body = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{xml}</s:Body></s:Envelope>'
    reply = client.post("/wmts", content=body, headers={"Content-Type": kind})
    return _opened(reply) if binding is Binding.SOAP else _plain(reply)


def document(query: Mapping[str, str]) -> str:
    """Write parameters as a request in XML."""
    head = {"SERVICE": "service", "VERSION": "version", "UPDATESEQUENCE": "updateSequence"}
    name = query.get("REQUEST", "GetTile")
    root = etree.Element(f"{{{WMTS}}}{name}", nsmap=_NAMES)
    for key, attribute in head.items():
        if key in query:
            root.set(attribute, query[key])
    if name == "GetCapabilities":
        _add_lists(root, query)
        return etree.tostring(root, encoding="unicode")
    tile = root
    if name == "GetFeatureInfo":
        tile = etree.SubElement(
            root, f"{{{WMTS}}}GetTile", {str(k): str(v) for k, v in root.attrib.items()}
        )
    for key, element in _ELEMENTS.items():
        if key in query:
            made = etree.SubElement(tile, f"{{{WMTS}}}{element}")
            made.text = query[key]
            if key == "TIME":
                made.set("name", "time")
    for key, element in (("J", "J"), ("I", "I"), ("INFOFORMAT", "InfoFormat")):
        if key in query:
            etree.SubElement(root, f"{{{WMTS}}}{element}").text = query[key]
    return etree.tostring(root, encoding="unicode")


def _add_lists(root: etree._Element, query: Mapping[str, str]) -> None:
    for key, (group, item) in _LISTS.items():
        if key in query:
            parent = etree.SubElement(root, f"{{{OWS}}}{group}")
            for text in query[key].split(","):
                etree.SubElement(parent, f"{{{OWS}}}{item}").text = text


def _plain(reply: Response) -> Answered:
    return Answered(
        status=reply.status_code,
        media=reply.headers["content-type"].split(";")[0],
        body=reply.content,
        headers=reply.headers,
    )


def _opened(reply: Response) -> Answered:
    """Take what is in an envelope: a document, text or a picture in base 64, or a report."""
    assert reply.headers["content-type"].startswith("application/soap+xml"), reply.text
    body = etree.fromstring(reply.content).find(f"{{{SOAP}}}Body")
    assert body is not None
    detail = body.find(f"{{{SOAP}}}Fault/{{{SOAP}}}Detail")
    assert (detail is not None) == (reply.status_code != 200)
    (inner,) = body if detail is None else detail
    media, content = "text/xml", etree.tostring(inner)
    if etree.QName(inner).localname.endswith("Payload"):
        media = str(inner.findtext(f"{{{WMTS}}}Format"))
        text = inner.findtext(f"{{{WMTS}}}TextContent")
        binary = inner.findtext(f"{{{WMTS}}}BinaryContent")
        content = b64decode(str(binary)) if text is None else text.encode()
    return Answered(status=reply.status_code, media=media, body=content, headers=reply.headers)
