"""Maps as PNG and JPEG."""

from datacube.encode.answer import EncodeJob
from datacube.encode.formats import COVERAGE_FORMATS
from datacube.encode.sources import picture_of
from datacube.render.jpeg import encode_jpeg
from datacube.render.paint import paint_compact
from datacube.render.png import encode_png


def encode_map_png(job: EncodeJob) -> bytes:
    """Write a picture as PNG."""
    picture = picture_of(job, COVERAGE_FORMATS)
    return encode_png(paint_compact(picture, job.compute), scenes=job.scenes)


def encode_map_jpeg(job: EncodeJob) -> bytes:
    """Write a picture as JPEG; its background shows where it is transparent."""
    picture = picture_of(job, COVERAGE_FORMATS)
    image = paint_compact(picture, job.compute)
    return encode_jpeg(image, background=picture.background, scenes=job.scenes)
