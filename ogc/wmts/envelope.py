"""What a SOAP answer of the tile service holds (wmtsPayload_response.xsd)."""

from base64 import b64encode
from dataclasses import replace

from ogc.exchange import Reply, taken
from ogc.wmts.names import WMTS
from ogc.xml import MEDIA_TYPE, Vocabulary, document

_XML = Vocabulary(namespaces={"": WMTS})
_CODED = "image/"
_DOCUMENTS = (MEDIA_TYPE, "application/xml")


def payload(reply: Reply) -> Reply:
    """Return an answer as a document of XML: pictures in base64, texts as they are."""
    if reply.media_type in _DOCUMENTS:
        return replace(reply, media_type=MEDIA_TYPE)
    body = taken(reply.body)
    binary = reply.media_type.startswith(_CODED)
    kind = "Binary" if binary else "Text"
    root = _XML.root(f"{kind}Payload")
    _XML.add(root, "Format", reply.media_type)
    _XML.add(root, f"{kind}Content", b64encode(body).decode() if binary else body.decode())
    return replace(reply, media_type=MEDIA_TYPE, body=document(root))
