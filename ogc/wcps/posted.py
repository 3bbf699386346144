"""Bodies of POST that carry a query: XML, multipart, JSON, plain text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import urlencode

from lxml import etree

from datacube.errors import InvalidParameterError
from datacube.wcps.bind.scope import Upload
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
XML_TYPES = ("application/xml", "text/xml", "application/gml+xml")
JSON = "application/json"
TEXT = "text/plain"
OFFERED = (FORM, MULTIPART, *XML_TYPES, JSON, TEXT)
MAX_PARTS = 100
"""Parts of a multipart body; each positional parameter is one."""
MAX_UPLOADS = 32
_POSITION = re.compile(r"\$?([1-9]\d{0,2})")
_REQUESTS = ("ProcessCoverages", "ProcessCoveragesRequest")
"""Root elements of OGC 08-059r4 and of WCPS 1.0 (OGC 08-059r3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a POST carried."""

    kvp: Kvp
    uploads: tuple[Upload, ...] = ()

    def beside(self, address: Kvp) -> "Posted":
        """Return it with the parameters that stood in the address."""
        return replace(self, kvp=Kvp(pairs=(*self.kvp.pairs, *address.pairs)))


def is_form(content_type: str) -> bool:
    """Tell whether a body is a form, which reads as a query string does."""
    return content_type.split(";", 1)[0].strip().casefold() == FORM


def read_posted(content_type: str, body: bytes) -> Posted:
    """Read the body of a POST by its media type.

    Raises
    ------
    UnsupportedError
        If the media type is none of `OFFERED`.
    InvalidParameterError
        If the body is not what the media type says.
    """
    kind = content_type.split(";", 1)[0].strip().casefold()
    if kind == FORM:
        return Posted(kvp=Kvp.parse(body.decode("utf-8", errors="replace")))
    if kind == MULTIPART:
        return _multipart(content_type, body)
    if kind in XML_TYPES:
        return _query(_xml_query(body))
    if kind == JSON:
        return _query(_json_query(body))
    if kind == TEXT:
        return _query(_decoded(body, "the query"))
    raise UnsupportedError(
        f"a body of type {shown(kind)} is not read; allowed are {', '.join(OFFERED)}",
        parameter="Content-Type",
    )


def _query(text: str) -> Posted:
    # Through the parser of forms, so that every way of asking meets the same checks.
    encoded = urlencode({"service": "WCS", "request": "ProcessCoverages", "query": text})
    return Posted(kvp=Kvp.parse(encoded))


def _decoded(body: bytes, what: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidParameterError(f"{what} is not UTF-8", parameter="QUERY") from error


def _json_query(body: bytes) -> str:
    try:
        document = json.loads(_decoded(body, "the JSON document"))
    except (ValueError, RecursionError) as error:
        raise InvalidParameterError(f"the body is not JSON: {error}", parameter="QUERY") from error
    query = document.get("query") if isinstance(document, dict) else None
    if not isinstance(query, str):
        raise InvalidParameterError(
            'the JSON document has no query; allowed is {"query": "for $c in ..."}',
            parameter="QUERY",
        )
    return query


def _xml_query(body: bytes) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidParameterError(f"the body is not XML: {error.msg}") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise InvalidParameterError("the XML has a document type; allowed is none")
    if _local(root) not in _REQUESTS:
        raise UnsupportedError(
            f"an XML request {shown(_local(root))} is not offered; allowed is ProcessCoverages",
            parameter="REQUEST",
        )
    query = next((child for child in root if _local(child) == "query"), None)
    if query is None:
        raise InvalidParameterError("ProcessCoverages has no element query", parameter="QUERY")
    inner = next((child for child in query if _local(child) == "abstractSyntax"), query)
    return inner.text or ""


def _local(element: etree._Element) -> str:
    # Comments and processing instructions have a function as their tag.
    tag: object = element.tag
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def _multipart(content_type: str, body: bytes) -> Posted:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", errors="replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise InvalidParameterError("the multipart body has no parts, or no boundary")
    fields: list[tuple[str, str]] = []
    uploads: dict[str, Upload] = {}
    for name, part, payload in _parts(message):
        position = _POSITION.fullmatch(name)
        if position is None:
            fields.append((name, _decoded(payload, f"part {shown(name)}")))
            continue
        number = position.group(1)
        if number in uploads:
            raise InvalidParameterError(f"positional parameter {number} comes twice")
        uploads[number] = Upload(name=number, body=payload, media_type=part.get_content_type())
    if len(uploads) > MAX_UPLOADS:
        raise InvalidParameterError(f"{len(uploads)} uploads; allowed are {MAX_UPLOADS}")
    named = {name.casefold() for name, _ in fields}
    if not named & {"service", "request"}:
        fields += [("service", "WCS"), ("request", "ProcessCoverages")]
    return Posted(kvp=Kvp.parse(urlencode(fields)), uploads=tuple(uploads.values()))


def _parts(message: Message) -> Iterator[tuple[str, Message, bytes]]:
    parts = message.get_payload()
    if not isinstance(parts, list) or len(parts) > MAX_PARTS:
        raise InvalidParameterError(f"the multipart body has more than {MAX_PARTS} parts")
    for part in parts:
        if not isinstance(part, Message):
            continue
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(payload, bytes):
            raise InvalidParameterError(
                "a part of the multipart body has no name, or is not a plain file"
            )
        yield name.strip(), part, payload
