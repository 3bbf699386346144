"""The directories of TIFF 6.0 and BigTIFF: reading the first of a file, and writing several."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NEW_SUBFILE_TYPE = 254
IMAGE_WIDTH = 256
IMAGE_LENGTH = 257
BITS_PER_SAMPLE = 258
COMPRESSION = 259
PHOTOMETRIC = 262
SAMPLES_PER_PIXEL = 277
PLANAR_CONFIGURATION = 284
PREDICTOR = 317
COLOUR_MAP = 320
TILE_WIDTH = 322
TILE_LENGTH = 323
TILE_OFFSETS = 324
TILE_BYTE_COUNTS = 325
EXTRA_SAMPLES = 338
SAMPLE_FORMAT = 339
GDAL_NODATA = 42113

_CLASSIC, _BIG = 42, 43
"""The number in a header that tells how wide offsets are."""
_LONG, _LONG8 = 4, 16
_KIND_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
"""Bytes of one value by the number of its type: TIFF 6.0 section 2, and LONG8 of BigTIFF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One field of a directory."""

    number: int
    kind: int
    """The number of its type."""
    data: bytes
    """Its values, little-endian."""


def read_directory(file: bytes) -> tuple[Tag, ...]:
    """Return the tags of the first directory of a little-endian TIFF with offsets of 32 bits.

    Raises
    ------
    ValueError
        If the file is no such TIFF.
    """
    if file[:4] != struct.pack("<2sH", b"II", _CLASSIC):
        raise ValueError(f"no little-endian TIFF begins with {file[:4]!r}")
    (start,) = struct.unpack_from("<I", file, 4)
    (count,) = struct.unpack_from("<H", file, start)
    tags = []
    for at in range(count):
        entry = start + 2 + 12 * at
        number, kind, values = struct.unpack_from("<HHI", file, entry)
        size = values * _KIND_BYTES[kind]
        place = entry + 8 if size <= 4 else struct.unpack_from("<I", file, entry + 8)[0]
        tags.append(Tag(number=number, kind=kind, data=file[place : place + size]))
    return tuple(tags)


def long_tag(number: int, values: Sequence[int]) -> Tag:
    """Return a tag of unsigned numbers of 32 bits."""
    return Tag(number=number, kind=_LONG, data=struct.pack(f"<{len(values)}I", *values))


def offsets_tag(number: int, values: Sequence[int], *, big: bool) -> Tag:
    """Return a tag of places in the file, of 64 bits in a `big` one."""
    letter, kind = ("Q", _LONG8) if big else ("I", _LONG)
    return Tag(number=number, kind=kind, data=struct.pack(f"<{len(values)}{letter}", *values))


def file_head(directories: Sequence[Iterable[Tag]], *, ghost: bytes, big: bool) -> bytes:
    """Return the beginning of a file: its header, `ghost`, and the directories with their values.

    `ghost` stands where GDAL looks for what it knows of a file's structure. The length
    follows from the tags' lengths alone.
    """
    version = struct.pack("<HHHQ", _BIG, 8, 0, 0)[:-8] if big else struct.pack("<H", _CLASSIC)
    start = 2 + len(version) + (8 if big else 4) + len(ghost)
    start += start % 2
    head = bytearray(b"II" + version + _word(start, big=big) + ghost)
    head += b"\0" * (start - len(head))
    for at, tags in enumerate(directories):
        head += _directory(tags, len(head), last=at == len(directories) - 1, big=big)
    return bytes(head)


def _directory(tags: Iterable[Tag], start: int, *, last: bool, big: bool) -> bytes:
    """Return one directory that begins at `start`, its longer values behind it."""
    room, count_form, entry_form = (8, "<Q", "<HHQ") if big else (4, "<H", "<HHI")
    ordered = sorted(tags, key=lambda tag: tag.number)
    entry_bytes = struct.calcsize(entry_form) + room
    behind = start + struct.calcsize(count_form) + entry_bytes * len(ordered) + room
    entries, values = bytearray(struct.pack(count_form, len(ordered))), bytearray()
    for tag in ordered:
        entries += struct.pack(
            entry_form, tag.number, tag.kind, len(tag.data) // _KIND_BYTES[tag.kind]
        )
        if len(tag.data) <= room:
            entries += tag.data.ljust(room, b"\0")
        else:
            entries += _word(behind + len(values), big=big)
            # Values begin at even places, TIFF 6.0 section 2; LONG8 at whole ones of 8.
            values += tag.data + b"\0" * (-len(tag.data) % 8)
    following = 0 if last else behind + len(values)
    return bytes(entries + _word(following, big=big) + values)


def _word(value: int, *, big: bool) -> bytes:
    return struct.pack("<Q" if big else "<I", value)
