"""Answers in SOAP 1.2 envelopes (OGC 07-057r7, clause 9)."""

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

from lxml import etree

from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError
from ogc.exchange import Reply
from ogc.wmts.names import WMTS
from ogc.xml import MEDIA_TYPE, Vocabulary, document

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SOAP_TYPE = "application/soap+xml"
_XML = Vocabulary(namespaces={"soap": SOAP, "": WMTS})
_SERVER_ERROR = 500


def is_envelope(root: Element) -> bool:
    """Tell whether an element is an envelope of SOAP 1.2."""
    return root.tag == f"{{{SOAP}}}Envelope"


def content(envelope: Element) -> Element:
    """Return the one request that an envelope holds.

    Raises
    ------
    InvalidParameterError
        If it holds none, or several.
    """
    found = envelope.findall(f"{{{SOAP}}}Body/*")
    if len(found) != 1:
        raise InvalidParameterError(
            f"the Body of the envelope holds {len(found)} elements; allowed is one request"
        )
    return found[0]


def wrapped(reply: Reply) -> Reply:
    """Put an answer into an envelope: XML as it is, pictures in base64, failures as a Fault."""
    body = reply.body.read_bytes() if isinstance(reply.body, Path) else reply.body
    envelope = _XML.root("soap:Envelope")
    place = _XML.add(envelope, "soap:Body")
    if reply.status != 200:
        fault = _XML.add(place, "soap:Fault")
        sender = reply.status < _SERVER_ERROR or reply.status == 501
        code = _XML.add(fault, "soap:Code")
        _XML.add(code, "soap:Value", "soap:Sender" if sender else "soap:Receiver")
        report = etree.fromstring(body)
        reason = _XML.add(_XML.add(fault, "soap:Reason"), "soap:Text")
        reason.text = " ".join(str(text).strip() for text in report.itertext()).strip()
        reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        _XML.add(fault, "soap:Detail").append(report)
        status = 400 if sender else _SERVER_ERROR
        return replace(reply, status=status, media_type=SOAP_TYPE, body=document(envelope))
    if reply.media_type == MEDIA_TYPE:
        place.append(etree.fromstring(body))
    elif reply.media_type.startswith("image/"):
        payload = _XML.add(place, "BinaryPayload")
        _XML.add(payload, "Format", reply.media_type)
        _XML.add(payload, "BinaryContent", b64encode(body).decode())
    else:
        payload = _XML.add(place, "TextPayload")
        _XML.add(payload, "Format", reply.media_type)
        _XML.add(payload, "TextContent", body.decode())
    return replace(reply, media_type=SOAP_TYPE, body=document(envelope))
