"""WebP through OpenCV's libwebp."""

import struct

import cv2

from datacube.render.paint import Indexed, Rgba
from datacube.render.scenes import named_scenes

QUALITY = 80
"""Of colours; transparency is kept as it is."""
LONGEST_PX = 16_383
"""Longest side that the format has."""
_ALPHA = 0x10
_EXIF = 0x08
_HEADER = b"VP8X"
_DESCRIPTION_TAG = 270
_TEXT = 2


def encode_webp(image: Indexed | Rgba, *, scenes: tuple[str, ...] = ()) -> bytes:
    """Return a WebP: few colours without loss, others with quality 80.

    Equal pictures give equal bytes. The scenes stand in the Exif description.

    Raises
    ------
    ValueError
        If a side is longer than the format has.
    """
    rgba = image.rgba() if isinstance(image, Indexed) else image
    # Above 100 libwebp writes without loss.
    quality = 101 if isinstance(image, Indexed) else QUALITY
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    done, encoded = cv2.imencode(".webp", bgra, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise ValueError(f"no WebP of shape {rgba.shape}")
    body = encoded.tobytes()
    return _described(body, rgba.shape[:2], named_scenes(scenes).encode()) if scenes else body


def _described(body: bytes, shape: tuple[int, int], text: bytes) -> bytes:
    """Add an Exif chunk, before which the file format wants its extended header."""
    chunks = body[12:]
    if chunks[:4] == _HEADER:
        flags, rest = chunks[8], chunks[18:]
    else:
        # VP8L, without loss, keeps transparency itself; a lone VP8 has none.
        flags, rest = (_ALPHA if chunks[:4] == b"VP8L" else 0), chunks
    rows, columns = shape
    size = (columns - 1).to_bytes(3, "little") + (rows - 1).to_bytes(3, "little")
    header = bytes((flags | _EXIF, 0, 0, 0)) + size
    text += b"\0"
    # A TIFF of one directory of one entry, whose text follows it at byte 26.
    entry = struct.pack("<HHII", _DESCRIPTION_TAG, _TEXT, len(text), 26)
    exif = struct.pack("<2sHIH", b"II", 42, 8, 1) + entry + bytes(4) + text
    described = _chunk(_HEADER, header) + rest + _chunk(b"EXIF", exif)
    return b"RIFF" + struct.pack("<I", len(described) + 4) + b"WEBP" + described


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
