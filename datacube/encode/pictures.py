"""Maps and two-dimensional coverages as PNG and JPEG; maps as WebP and GIF."""

import numpy as np

from datacube.encode.answer import EncodeJob
from datacube.encode.shades import Shades, shade_coverage
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Picture
from datacube.render.gif import LONGEST_PX as LONGEST_GIF_PX
from datacube.render.gif import encode_gif
from datacube.render.jpeg import LONGEST_PX, QUALITY, encode_jpeg, encode_jpeg_channels
from datacube.render.paint import paint_compact
from datacube.render.palette import indexed
from datacube.render.png import encode_png, encode_png_channels
from datacube.render.webp import LONGEST_PX as LONGEST_WEBP_PX
from datacube.render.webp import encode_webp


def encode_map_png(job: EncodeJob) -> bytes:
    """Write a picture or a coverage as PNG.

    Coverages are converted by `shade_coverage`: uint16 gives 16 bits a channel. What
    is null is transparent, by an alpha channel that is there where any cell is; with
    `compat` it has its number and shows. Of 2 or 4 bands the last is alpha.
    """
    source = job.node.source
    if isinstance(source, Picture):
        return encode_png(paint_compact(source, job.compute), scenes=job.scenes)
    shaded = shade_coverage(job, source, widest="uint16")
    shades = shaded.shades
    hides = not job.node.compat or bool(job.node.parameters.nodata)
    if hides and not shaded.seen.all():
        shades = _with_alpha(shades, shaded.seen)
    return encode_png_channels(shades, scenes=job.scenes)


def encode_map_jpeg(job: EncodeJob) -> bytes:
    """Write a picture or a coverage as JPEG.

    A picture's background shows where it is transparent. Coverages are converted by
    `shade_coverage`; what is null, or transparent by its colour or alpha band, is
    black. The option `QUALITY` is 1 to 100.
    """
    source = job.node.source
    if isinstance(source, Picture):
        image = paint_compact(source, job.compute)
        return encode_jpeg(image, background=source.background, scenes=job.scenes)
    longest = max(source.domain.shape, default=0)
    if longest > LONGEST_PX:
        raise InvalidParameterError(
            f"the picture would be {longest:,} pixels long; a JPEG has at most {LONGEST_PX:,}: "
            "scale it down, or ask for image/png or image/tiff"
        )
    shades = shade_coverage(job, source).shades
    if shades.shape[-1] in {2, 4}:
        alpha = shades[..., -1:].astype(np.uint16)
        shades = ((shades[..., :-1] * alpha + 127) // 255).astype(np.uint8)
    return encode_jpeg_channels(shades, quality=_quality(job), scenes=job.scenes)


def encode_map_png8(job: EncodeJob) -> bytes:
    """Write a picture as PNG with a palette of at most 256 colours.

    Raises
    ------
    InvalidParameterError
        If it is a coverage.
    """
    source = _picture(job)
    return encode_png(indexed(paint_compact(source, job.compute)), scenes=job.scenes)


def encode_map_gif(job: EncodeJob) -> bytes:
    """Write a picture as GIF, of at most 256 colours.

    Raises
    ------
    InvalidParameterError
        If it is a coverage, or longer than the format allows.
    """
    source = _picture(job)
    _check_length(source, LONGEST_GIF_PX, job.node.media_type)
    return encode_gif(indexed(paint_compact(source, job.compute)))


def encode_map_webp(job: EncodeJob) -> bytes:
    """Write a picture as WebP, transparent where it is.

    Raises
    ------
    InvalidParameterError
        If it is a coverage, or longer than the format allows.
    """
    source = _picture(job)
    _check_length(source, LONGEST_WEBP_PX, job.node.media_type)
    return encode_webp(paint_compact(source, job.compute), scenes=job.scenes)


def _picture(job: EncodeJob) -> Picture:
    source = job.node.source
    if not isinstance(source, Picture):
        raise InvalidParameterError(
            f"a coverage cannot be written as {job.node.media_type}; maps can", parameter="format"
        )
    return source


def _check_length(picture: Picture, most_px: int, media_type: str) -> None:
    longest = max(picture.grid.shape)
    if longest > most_px:
        raise InvalidParameterError(
            f"the picture would be {longest:,} pixels long; {media_type} has at most "
            f"{most_px:,}: ask for image/png or image/jpeg",
            parameter="format",
        )


def _with_alpha(shades: Shades, seen: Shades) -> Shades:
    top = shades.dtype.type(np.iinfo(shades.dtype).max)
    if shades.shape[-1] in {2, 4}:
        made: Shades = shades.copy()
        made[..., -1][~seen] = 0
        return made
    alpha = np.where(seen, top, shades.dtype.type(0))
    return np.concatenate([shades, alpha[..., np.newaxis]], axis=-1)


def _quality(job: EncodeJob) -> int:
    text = dict(job.node.parameters.options).get("QUALITY", str(QUALITY))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 100):
        raise InvalidParameterError(
            f"QUALITY is {text[:40]!r}; allowed: 1 to 100", parameter="encode"
        )
    return int(text)
