"""JPEG through OpenCV's libjpeg-turbo."""

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from datacube.plan.colour import OPAQUE
from datacube.render.blend import over_background
from datacube.render.paint import Indexed, Rgba
from datacube.render.scenes import named_scenes

QUALITY = 85
LONGEST_PX = 65_500
"""Longest side that libjpeg writes."""
_COMMENT = b"\xff\xfe"


def encode_jpeg(
    image: Indexed | Rgba, *, background: tuple[int, int, int], scenes: tuple[str, ...] = ()
) -> bytes:
    """Return a JPEG (quality 85, 4:2:0); equal pictures give equal bytes.

    Where the image is transparent it shows `background`. The scenes stand in a comment.
    """
    rgba = image.rgba() if isinstance(image, Indexed) else image
    if (rgba[..., 3] != OPAQUE).any():
        rgba = over_background(rgba, background)
    return _written(cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR), QUALITY, scenes)


def encode_jpeg_channels(
    channels: NDArray[np.uint8], *, quality: int = QUALITY, scenes: tuple[str, ...] = ()
) -> bytes:
    """Return a JPEG of shape `(rows, columns, 1 or 3)`: grey, or red, green and blue."""
    pixels = channels[..., 0] if channels.shape[-1] == 1 else channels[..., ::-1]
    return _written(np.ascontiguousarray(pixels), quality, scenes)


def _written(pixels: NDArray[Any], quality: int, scenes: tuple[str, ...]) -> bytes:
    """Write grey, or blue, green and red."""
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"no JPEG of shape {np.shape(pixels)}")
    body = encoded.tobytes()
    if not scenes:
        return body
    comment = named_scenes(scenes).encode()
    # Directly after the start of image and its JFIF header, which must come first.
    (header_bytes,) = struct.unpack(">H", body[4:6])
    after = 4 + header_bytes
    segment = _COMMENT + struct.pack(">H", len(comment) + 2) + comment
    return body[:after] + segment + body[after:]
