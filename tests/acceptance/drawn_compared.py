"""Whether a picture that came is the one expected, in every format."""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile

from tests.acceptance.clients import rgba
from tests.acceptance.drawn_maps import Drawn
from tests.acceptance.oracle_pictures import Rgba


def fault_of(drawn: Drawn, body: bytes) -> str | None:
    """Say what differs between an answer and the picture expected; None where nothing does."""
    expected = drawn.expected()
    shown = _decoded(drawn, body)
    if isinstance(shown, str):
        return shown
    if shown.shape != expected.shape:
        return f"the picture is of {shown.shape}, expected {expected.shape}"
    settled = _settled(expected[..., 3])
    flat = all(look.exact for look in drawn.looks) and len(drawn.looks) == 1
    if drawn.media_type == "image/jpeg" or (drawn.media_type == "image/webp" and not flat):
        return _lossy_fault(shown.astype(np.float64), drawn.media_type, expected, settled)
    if drawn.media_type in {"image/gif", "image/png; mode=8bit"} and not flat:
        return _few_colours_fault(shown.astype(np.float64), expected, settled)
    if drawn.media_type == "image/gif":
        # A colour is there or is not.
        expected[..., 3] = np.where(expected[..., 3] < 0.5, 0, 255)
    off = np.abs(shown - expected).max(axis=-1)
    off[expected[..., 3] == 0] = shown[expected[..., 3] == 0, 3]
    wrong = settled & (off > NEAR_LEVELS)
    if wrong.mean() > MOST_WRONG:
        at = tuple(int(i) for i in np.argwhere(wrong)[len(np.argwhere(wrong)) // 2])
        return (
            f"{wrong.mean():.1%} of pixels differ by up to {off[settled].max():.0f}; at {at} "
            f"{shown[at]} stands for {expected[at].round(1)}"
        )
    return None


NEAR_LEVELS = 2.5
"""Grey levels that rounding in either may make; ramps are drawn in 255 colours."""
MOST_WRONG = 0.01


def _settled(alpha: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the pixels at which and around which there is data, or is none."""
    known = (alpha > 0).astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    same: NDArray[np.bool_] = cv2.dilate(known, square) == cv2.erode(known, square)
    return same


def _decoded(drawn: Drawn, body: bytes) -> NDArray[np.uint8] | str:
    if drawn.media_type == "image/gif":
        return np.array(Image.open(BytesIO(body)).convert("RGBA"))
    if drawn.media_type != "image/tiff":
        return rgba(body)
    with MemoryFile(body) as file, file.open() as data:
        # A GeoTIFF has longitude first whatever its CRS says, and no code for CRS:84.
        crs = "EPSG:4326" if drawn.view.crs == "CRS:84" else drawn.view.crs
        if data.crs.to_string() != crs:
            return f"the file lies in {data.crs}, expected {drawn.view.crs}"
        if not data.transform.almost_equals(drawn.view.transform, drawn.view.transform.a * 1e-6):
            return f"the file lies at {data.transform}, expected {drawn.view.transform}"
        pixels: NDArray[np.uint8] = np.moveaxis(data.read(), 0, -1)
    if pixels.shape[-1] == 3:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    return pixels


BLOCK_PX = 16


def _lossy_fault(
    shown: Rgba, media_type: str, expected: Rgba, settled: NDArray[np.bool_]
) -> str | None:
    """Compare with what Pillow's encoder of as much loss makes of the expected picture."""
    if (settled & (np.abs(shown - expected)[..., 3] > NEAR_LEVELS)).mean() > MOST_WRONG:
        return "the opacity differs"
    lost = BytesIO()
    image = Image.fromarray(np.rint(expected).astype(np.uint8))
    if media_type == "image/jpeg":
        image.convert("RGB").save(lost, "JPEG", quality=85, subsampling="4:2:0")
    else:
        image.save(lost, "WEBP", quality=80)
    near = rgba(lost.getvalue()).astype(np.float64)
    # What stands in clear pixels is each encoder's own, and reaches as far as a block.
    known = (expected[..., 3] > 0).astype(np.uint8)
    seen = cv2.erode(known, np.ones((2 * BLOCK_PX + 1,) * 2), borderValue=1).astype(np.bool_)
    off = np.abs(shown - near)[seen][:, :3].max(axis=-1)
    if off.size and (off.mean() > 5 or (off > 20).mean() > 0.02):
        share, mean = (off > 20).mean(), off.mean()
        return f"{share:.1%} of pixels differ by up to {off.max():.0f}, {mean:.1f} in the mean"
    return None


def _few_colours_fault(shown: Rgba, expected: Rgba, settled: NDArray[np.bool_]) -> str | None:
    """Compare loosely: 256 colours stand for all."""
    alpha = settled & ((shown[..., 3] >= 128) != (expected[..., 3] >= 128))
    seen = settled & (expected[..., 3] >= 128)
    if alpha.mean() > MOST_WRONG and np.all((expected[..., 3] < 1) | (expected[..., 3] > 254)):
        return f"{alpha.mean():.1%} of pixels are transparent in one of the two"
    if not seen.any():
        return None
    off = np.abs(shown - expected)[seen][:, :3].max(axis=-1)
    if off.mean() > 8 or (off > 40).mean() > 0.02:
        return f"colours differ by {off.mean():.1f} in the mean, by up to {off.max():.0f}"
    return None
