"""Answers of two parts: a document and the file that it refers to (RFC 2387)."""

import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from ogc.exchange import Reply, taken

MULTIPART = "multipart/related"
_ROOT_ID = "document"
_NEW_LINE = b"\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file beside a document."""

    content_id: str
    """What the document refers to, as `cid:...`."""
    media_type: str
    body: bytes | Path
    """The bytes, or a temporary file that is deleted with the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedReply(Reply):
    """An answer whose body is a document that may refer to an attachment."""

    attachment: Attachment | None


def joined(reply: Reply) -> Reply:
    """Return an answer as one body: of `multipart/related` where it has an attachment.

    A file stays a file: no part is ever wholly in memory that was not before.
    """
    if not isinstance(reply, RelatedReply):
        return reply
    attached = reply.attachment
    root = taken(reply.body)
    # Equal answers are equal bytes, so the boundary comes from what the answer says.
    boundary = f"part-{sha256(root).hexdigest()[:40]}"
    head = _part(boundary, reply.media_type, _ROOT_ID) + root + _NEW_LINE
    body: bytes | Path = b""
    if attached is not None:
        head += _part(boundary, attached.media_type, attached.content_id)
        body = attached.body
    end = b"" if attached is None else _NEW_LINE
    kind = reply.media_type.split(";", 1)[0]
    return Reply(
        status=reply.status,
        media_type=f'{MULTIPART}; boundary="{boundary}"; type="{kind}"; start="<{_ROOT_ID}>"',
        body=_between(head, body, end + f"--{boundary}--\r\n".encode()),
        headers=reply.headers,
    )


def _part(boundary: str, media_type: str, content_id: str) -> bytes:
    lines = (
        f"--{boundary}",
        f"Content-Type: {media_type}",
        f"Content-ID: <{content_id}>",
        "Content-Transfer-Encoding: binary",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def _between(head: bytes, body: bytes | Path, tail: bytes) -> bytes | Path:
    if isinstance(body, bytes):
        return head + body + tail
    with NamedTemporaryFile(dir=body.parent, prefix="copernicube-", delete=False) as file:
        made = Path(file.name)
        file.write(head)
        with body.open("rb") as source:
            shutil.copyfileobj(source, file)
        file.write(tail)
    body.unlink(missing_ok=True)
    return made
