"""Bodies of POST: requests in XML, in SOAP or as forms, and queries as JSON or plain text."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

from lxml import etree

from datacube.encode.xml import Element
from datacube.errors import CubeError, InvalidParameterError, LimitExceededError
from datacube.wcps.bind.scope import Upload
from datacube.writing import NotAllowedError
from ogc import soap
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown
from ogc.wcs.transaction.bodies import RELATED, read_parts
from ogc.wcs.transaction.names import OPERATIONS as TRANSACTIONS
from ogc.wcs.transaction.writing import NOTHING, Sent
from ogc.wcs.xml_requests import OPTIONS, carried, read_wcs
from ogc.xml_body import local, read_xml

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
XML_TYPES = ("application/xml", "text/xml", "application/gml+xml", soap.MEDIA_TYPE)
JSON = "application/json"
TEXT = "text/plain"
OFFERED = (FORM, MULTIPART, *XML_TYPES, JSON, TEXT)
MAX_PARTS = 100
"""Parts of a multipart body; each positional parameter is one."""
MAX_UPLOADS = 32
_WCS = "http://www.opengis.net/wcs/"
_REQUEST = "request"
_POSITION = re.compile(r"\$?([1-9]\d{0,2})")
QUERIES = ("ProcessCoverages", "ProcessCoveragesRequest")
"""Root elements that need not name their service: OGC 08-059r4, WCPS 1.0 (OGC 08-059r3)."""
READERS: Mapping[str, Callable[[Element], Kvp]] = MappingProxyType({"WCS": read_wcs})
"""By service: from the root element of a request to the parameters that say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a POST carried."""

    kvp: Kvp
    uploads: tuple[Upload, ...] = ()
    sent: Sent = NOTHING
    """Coverages that came to stay."""
    soap: bool = False
    """It came in an envelope, and its answer goes in one."""
    failure: CubeError | None = None
    """Why what was in the envelope is no request."""

    def read(self) -> Kvp:
        """Return the parameters.

        Raises
        ------
        CubeError
            If what was in the envelope is no request.
        """
        if self.failure is not None:
            raise self.failure
        return self.kvp

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
        return _xml(body)
    if kind == JSON:
        return _query(*_json_query(body))
    if kind == TEXT:
        return _query(_decoded(body, "the query"))
    if kind in RELATED:
        raise NotAllowedError(
            f"a body of type {kind} carries coverages that are to stay; that is for those who may "
            "write"
        )
    raise UnsupportedError(
        f"a body of type {shown(kind)} is not read; allowed are {', '.join(OFFERED)}",
        parameter="Content-Type",
    )


def _query(text: str, options: tuple[tuple[str, str], ...] = ()) -> Posted:
    asked = [("service", "WCS"), ("request", "ProcessCoverages"), ("query", text), *options]
    return Posted(kvp=_checked(asked))


def _decoded(body: bytes, what: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidParameterError(f"{what} is not UTF-8", parameter="QUERY") from error


def _json_query(body: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the query and what is said of it."""
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
    options = tuple((name, value) for name, value in document.items() if name != "query")
    for name, value in options:
        if name not in OPTIONS or not isinstance(value, str | int) or isinstance(value, bool):
            raise InvalidParameterError(
                f"the JSON document has {shown(name)}: {shown(str(value))}; "
                f"allowed beside the query are texts and numbers named {', '.join(OPTIONS)}",
                parameter=name[:100],
            )
    return query, tuple((name, str(value)) for name, value in options)


def _xml(body: bytes) -> Posted:
    """Read a request of any service, plain or in a SOAP envelope.

    What is wrong inside of an envelope is kept, to be told in an envelope.
    """
    root = read_xml(body)
    if not soap.is_envelope(root):
        return _asked(root)
    try:
        return replace(_asked(soap.content(root)), soap=True)
    except CubeError as error:
        if not soap.is_current(root):
            raise
        return Posted(kvp=Kvp(pairs=()), soap=True, failure=error)


def _asked(root: Element) -> Posted:
    return Posted(kvp=_request(root), sent=Sent(documents=carried(root)))


def read_spooled(content_type: str, body: Path, folder: Path, limit_bytes: int) -> Posted:
    """Read a body that may carry coverages, from a file; theirs are put into `folder`.

    Other bodies are read as ever, up to `limit_bytes`.

    Raises
    ------
    InvalidParameterError, LimitExceededError
        If the body is not what the media type says, or too long.
    """
    parted = read_parts(content_type, body, folder)
    if parted.document is not None:
        found = _xml(parted.document)
        return replace(found, sent=replace(found.sent, files=parted.files))
    asked = {
        value.strip().casefold() for name, value in parted.fields if name.casefold() == _REQUEST
    }
    if asked & {name.casefold() for name in TRANSACTIONS}:
        return Posted(kvp=_checked([*parted.fields]), sent=Sent(files=parted.files))
    size = body.stat().st_size
    if size > limit_bytes:
        raise LimitExceededError(
            f"the request is longer than the {limit_bytes} bytes allowed (LIMIT_BODY_BYTES): its "
            f"body has {size}"
        )
    return read_posted(content_type, body.read_bytes())


def _request(root: Element) -> Kvp:
    name = local(root)
    service = root.get("service", "")
    read = READERS.get(service.strip().upper())
    if not service and (name in QUERIES or (etree.QName(root).namespace or "").startswith(_WCS)):
        # The service then says what is missing.
        read = read_wcs
    if read is None:
        if service:
            return _checked([("service", service), ("request", name)])
        raise UnsupportedError(
            f"an XML request {shown(name)} without a service is not offered; "
            f"allowed are requests with service={', '.join(READERS)}, and ProcessCoverages",
            parameter="REQUEST",
        )
    return read(root)


def _checked(pairs: list[tuple[str, str]]) -> Kvp:
    # Through the parser of forms, so that every way of asking meets the same checks.
    return Kvp.parse(urlencode(pairs))


def _multipart(content_type: str, body: bytes) -> Posted:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", errors="replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise InvalidParameterError("the multipart body has no parts, or no boundary")
    parts = list(_parts(message))
    asked = [(name, payload) for name, _, payload in parts if name.casefold() == _REQUEST]
    for name, payload in asked:
        text = _decoded(payload, name)
        if text.strip().casefold() in {each.casefold() for each in TRANSACTIONS}:
            # Those who may write are read from a file; the others are told so.
            return Posted(kvp=_checked([("service", "WCS"), (name, text)]))
    fields: list[tuple[str, str]] = []
    uploads: dict[str, Upload] = {}
    for name, part, payload in parts:
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
