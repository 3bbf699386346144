"""Answers of two parts: a document and the file that it refers to (RFC 2387)."""

import shutil
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from ogc.exchange import Reply

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
    """An answer whose body is a document that refers to an attachment."""

    attachment: Attachment


def joined(reply: Reply) -> Reply:
    """Return an answer as one body: of `multipart/related` where it has an attachment.

    A file stays a file: no part is ever wholly in memory that was not before.
    """
    if not isinstance(reply, RelatedReply):
        return reply
    attached = reply.attachment
    root = reply.body.read_bytes() if isinstance(reply.body, Path) else reply.body
    # Equal answers are equal bytes, so the boundary comes from what the answer says.
    boundary = f"part-{sha256(root).hexdigest()[:40]}"
    head = _NEW_LINE.join(
        (
            f"--{boundary}".encode(),
            *_part_head(reply.media_type, _ROOT_ID),
            root,
            f"--{boundary}".encode(),
            *_part_head(attached.media_type, attached.content_id),
            b"",
        )
    )
    tail = b"\r\n--" + boundary.encode() + b"--\r\n"
    kind = reply.media_type.split(";", 1)[0]
    return Reply(
        status=reply.status,
        media_type=f'{MULTIPART}; boundary="{boundary}"; type="{kind}"; start="<{_ROOT_ID}>"',
        body=_between(head, attached.body, tail),
        headers=reply.headers,
    )


def as_root(reply: Reply, body: bytes, media_type: str) -> Reply:
    """Return an answer with another document and the same attachment."""
    return replace(reply, body=body, media_type=media_type)


def _part_head(media_type: str, content_id: str) -> tuple[bytes, ...]:
    return (
        f"Content-Type: {media_type}".encode(),
        f"Content-ID: <{content_id}>".encode(),
        b"Content-Transfer-Encoding: binary",
        b"",
    )


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
