"""Exceptions told in the picture that was asked for, or by leaving it blank."""

from dataclasses import dataclass
from textwrap import wrap
from typing import Self

import cv2
import numpy as np

from datacube.errors import CubeError
from datacube.plan.formats import GIF, JPEG, PNG, PNG8
from datacube.protocols import Limits
from datacube.render.gif import encode_gif
from datacube.render.jpeg import encode_jpeg
from datacube.render.palette import indexed
from datacube.render.png import encode_png
from ogc.kvp import Kvp, integer
from ogc.wms.formats import CLEAR_FORMATS, picture_format

_DRAWN = (PNG, PNG8, JPEG, GIF)
"""Other formats are answered as PNG."""
_TEXT = (160, 0, 0, 255)
_FONT, _FONT_SCALE, _LINE_PX, _CHARACTER_PX = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 14, 7.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFault:
    """The picture that stands for an exception."""

    width_px: int
    height_px: int
    media_type: str
    background: tuple[int, int, int, int]
    """Red, green, blue, alpha."""

    @classmethod
    def of(cls, kvp: Kvp) -> Self | None:
        """Return what a request wants; None where its size cannot be made out.

        What is wrong with the format or the colour is mended: PNG, white.
        """
        most = Limits().map_side_px
        try:
            width = integer(kvp.one("width"), "WIDTH", low=1, high=most)
            height = integer(kvp.one("height"), "HEIGHT", low=1, high=most)
        except CubeError:
            return None
        if width * height > Limits().map_pixels:
            return None
        media_type = _format(kvp)
        clear = _first(kvp, "transparent").upper() == "TRUE" and media_type in CLEAR_FORMATS
        return cls(
            width_px=width,
            height_px=height,
            media_type=media_type,
            background=(0, 0, 0, 0) if clear else (*_colour(kvp), 255),
        )


def picture_fault(wanted: PictureFault, message: str) -> bytes:
    """Draw a message into the picture; an empty one leaves it blank."""
    image = np.empty((wanted.height_px, wanted.width_px, 4), np.uint8)
    image[:] = wanted.background
    columns = max(1, int((wanted.width_px - 8) / _CHARACTER_PX))
    plain = message.encode("ascii", "replace").decode()
    for number, line in enumerate(wrap(plain, columns)[: wanted.height_px // _LINE_PX]):
        at = (4, (number + 1) * _LINE_PX)
        cv2.putText(image, line, at, _FONT, _FONT_SCALE, _TEXT, 1, cv2.LINE_8)
    match wanted.media_type:
        case "image/jpeg":
            red, green, blue, _ = wanted.background
            return encode_jpeg(image, background=(red, green, blue))
        case "image/gif":
            return encode_gif(indexed(image))
        case "image/png; mode=8bit":
            return encode_png(indexed(image))
        case _:
            return encode_png(image)


def _first(kvp: Kvp, name: str) -> str:
    return next((value.strip() for key, value in kvp if key == name), "")


def _format(kvp: Kvp) -> str:
    try:
        return picture_format(_first(kvp, "format"), _DRAWN)
    except CubeError:
        return PNG


def _colour(kvp: Kvp) -> tuple[int, int, int]:
    text = _first(kvp, "bgcolor").lower().removeprefix("0x").removeprefix("#")
    try:
        red, green, blue = bytes.fromhex(text)
    except ValueError:
        return 255, 255, 255
    return red, green, blue
