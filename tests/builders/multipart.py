"""Parts of a multipart answer, as the standard library reads them."""

from email.message import Message
from email.parser import BytesParser


def parts_of(media_type: str, body: bytes) -> list[Message]:
    """Return the parts of a body, whose media type names their boundary."""
    message: Message = BytesParser().parsebytes(
        f"Content-Type: {media_type}\r\n\r\n".encode() + body
    )
    found = message.get_payload()
    assert isinstance(found, list)
    return [part for part in found if isinstance(part, Message)]


def bytes_of(part: Message) -> bytes:
    """Return the content of a part."""
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload
