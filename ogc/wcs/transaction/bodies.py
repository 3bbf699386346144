"""Bodies with files, as they were spooled: forms, and documents with attachments (RFC 2387)."""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import HTTP
from pathlib import Path

from datacube.errors import InvalidParameterError
from ogc.wcs.transaction.writing import SentFile

FORM = "multipart/form-data"
RELATED = ("multipart/related", "multipart/mixed")
MAX_PARTS = 100
MAX_HEAD_BYTES = 16 * 2**10
MAX_TEXT_BYTES = 2**20
"""Of a parameter in a form."""
MAX_DOCUMENT_BYTES = 16 * 2**20
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,70}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """What a body of several parts holds."""

    fields: tuple[tuple[str, str], ...] = ()
    """Parameters, in the order they came."""
    document: bytes | None = None
    """The first part of a body that is no form."""
    files: tuple[SentFile, ...] = ()


def is_parted(content_type: str) -> bool:
    """Tell whether a body may carry files."""
    return content_type.split(";", 1)[0].strip().casefold() in (FORM, *RELATED)


def read_parts(content_type: str, body: Path, folder: Path) -> Parted:
    """Read a body; its files are put into `folder`.

    Raises
    ------
    InvalidParameterError
        If it is not what its media type says.
    """
    head = Message()
    head["Content-Type"] = content_type
    boundary = head.get_boundary("")
    if not _BOUNDARY.fullmatch(boundary):
        raise InvalidParameterError(
            "the multipart body has no boundary, or one that is not allowed"
        )
    form = head.get_content_type() == FORM
    fields: list[tuple[str, str]] = []
    files: list[SentFile] = []
    document = None
    for number, (part, cells) in enumerate(_parts(body, boundary.encode())):
        if form:
            name = part.get_param("name", header="content-disposition")
            if not isinstance(name, str):
                raise InvalidParameterError("a part of the form has no name")
            file = part.get_filename() is not None
            value = None if file else _text(cells)
            if value is not None:
                fields.append((name.strip(), value))
                continue
            files.append(_file(name.strip(), cells, folder, number))
        elif document is None:
            if len(cells) > MAX_DOCUMENT_BYTES:
                raise InvalidParameterError(
                    f"the document has {len(cells)} bytes; allowed are {MAX_DOCUMENT_BYTES}"
                )
            document = bytes(cells)
        else:
            name = str(part.get("content-id", "")).strip().strip("<>")
            files.append(_file(name, cells, folder, number))
        cells.release()
    return Parted(fields=tuple(fields), document=document, files=tuple(files))


def _text(cells: memoryview) -> str | None:
    """Return a parameter, None where it can only be a file."""
    if len(cells) > MAX_TEXT_BYTES:
        return None
    try:
        value = bytes(cells).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in value else value


def _file(name: str, cells: memoryview, folder: Path, number: int) -> SentFile:
    path = folder / f"part-{number}"
    path.write_bytes(cells)
    return SentFile(name=name, path=path)


def _parts(body: Path, boundary: bytes) -> Iterator[tuple[Message, memoryview]]:
    if not body.stat().st_size:
        raise InvalidParameterError("the multipart body is empty")
    with (
        body.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held,
        memoryview(held) as whole,
    ):
        mark = b"--" + boundary
        at = 0 if held[: len(mark)] == mark else _found(held, b"\r\n" + mark, 0) + 2
        for _ in range(MAX_PARTS):
            at += len(mark)
            if held[at : at + 2] == b"--":
                return
            start = _found(held, b"\r\n", at) + 2
            end = _found(held, b"\r\n" + mark, start - 2)
            split = held.find(b"\r\n\r\n", start - 2, min(end, start + MAX_HEAD_BYTES))
            if split < 0:
                raise InvalidParameterError("a part of the multipart body has no end of its head")
            head = BytesHeaderParser(policy=HTTP).parsebytes(held[start : split + 2])
            with whole[split + 4 : max(end, split + 4)] as cells:
                yield head, cells
            at = end + 2
        raise InvalidParameterError(f"the multipart body has more than {MAX_PARTS} parts")


def _found(held: mmap.mmap, wanted: bytes, at: int) -> int:
    place = held.find(wanted, at)
    if place < 0:
        raise InvalidParameterError("the multipart body ends within a part")
    return place
