"""SOAP 1.2 around the requests and answers of any service (OGC 09-149r1, W3C SOAP 1.2)."""

from dataclasses import replace
from http import HTTPStatus

from lxml import etree

from datacube.encode.xml import Element
from datacube.errors import InvalidParameterError
from ogc.exchange import Reply, taken
from ogc.related import Attachment, RelatedReply, joined
from ogc.xml import Vocabulary, document
from ogc.xml_body import children, local

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
MEDIA_TYPE = "application/soap+xml"
FAULT_TEXT = "Server exception was encountered."
"""The words that OGC 09-149r1 fixes for any fault; the report below tells the cause."""
_XML = Vocabulary(namespaces={"soap": ENVELOPE, "xop": "http://www.w3.org/2004/08/xop/include"})
_RESULT_ID = "result"
_XML_TYPES = ("text/xml", "application/xml", "application/gml+xml")


def is_envelope(root: Element) -> bool:
    """Tell whether a document is an envelope, of whatever version."""
    return local(root) == "Envelope"


def is_current(root: Element) -> bool:
    """Tell whether an envelope is of SOAP 1.2, in which answers can be given."""
    return etree.QName(root).namespace == ENVELOPE


def content(root: Element) -> Element:
    """Return the one request in an envelope.

    Raises
    ------
    InvalidParameterError
        If the envelope is not of SOAP 1.2, or has not one body with one element.
    """
    if not is_current(root):
        raise InvalidParameterError(
            f"the envelope is of {etree.QName(root).namespace}; allowed is {ENVELOPE}"
        )
    bodies = children(root, "Body")
    requests = children(bodies[0]) if len(bodies) == 1 else []
    if len(requests) != 1:
        raise InvalidParameterError(
            f"the envelope has {len(bodies)} bodies with {len(requests)} requests; "
            "allowed is one body with one request"
        )
    return requests[0]


def enclosed(reply: Reply) -> Reply:
    """Return an answer in an envelope; a file goes beside it as an attachment."""
    kind = reply.media_type.split(";", 1)[0].strip()
    if kind not in _XML_TYPES:
        reply = _attached(reply)
    root = _XML.root("soap:Envelope")
    body = _XML.add(root, "soap:Body")
    if kind in _XML_TYPES:
        inner = taken(reply.body)
        if inner:
            body.append(etree.fromstring(inner, etree.XMLParser(huge_tree=True)))
    else:
        _XML.add(body, "xop:Include", href=f"cid:{_RESULT_ID}")
    made = replace(reply, body=document(root), media_type=MEDIA_TYPE)
    alone = isinstance(made, RelatedReply) and made.attachment is None
    return made if alone else joined(made)


def fault(reply: Reply) -> Reply:
    """Return the report of a failure as the detail of a SOAP fault, with the report's status."""
    root = _XML.root("soap:Envelope")
    element = _XML.add(_XML.add(root, "soap:Body"), "soap:Fault")
    ours = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    code = "soap:Receiver" if ours else "soap:Sender"
    _XML.add(_XML.add(element, "soap:Code"), "soap:Value", code)
    told = _XML.add(_XML.add(element, "soap:Reason"), "soap:Text", FAULT_TEXT)
    told.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    _XML.add(element, "soap:Detail").append(etree.fromstring(taken(reply.body)))
    return replace(reply, body=document(root), media_type=MEDIA_TYPE)


def _attached(reply: Reply) -> RelatedReply:
    return RelatedReply(
        status=reply.status,
        media_type=MEDIA_TYPE,
        body=b"",
        headers=reply.headers,
        attachment=Attachment(content_id=_RESULT_ID, media_type=reply.media_type, body=reply.body),
    )
