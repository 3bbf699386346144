"""JPEG 2000 through GDAL's driver for OpenJPEG."""

from pathlib import Path

from datacube.encode.answer import EncodeJob
from datacube.encode.rasters import MOST_BANDS_TEXT, copied, format_options, raster_file
from datacube.errors import InvalidParameterError
from datacube.plan.formats import GEOTIFF

_TYPES = ("uint8", "int16", "uint16")
"""OpenJPEG reads no more than 31 bits back, and of random numbers fewer."""
_MOST_BANDS = 16_384
"""Components of a codestream (ISO/IEC 15444-1, A.5.1)."""
_OPTIONS = ("QUALITY", "REVERSIBLE", "RESOLUTIONS", "BLOCKXSIZE", "BLOCKYSIZE", "PROGRESSION")


def encode_jpeg2000(job: EncodeJob) -> bytes | Path:
    """Write a coverage of 8 or 16 bits as JPEG 2000, without loss unless `QUALITY` says other.

    Bands are those of `encode_geotiff`; the CRS and place stand in a GeoJP2 box. The
    format declares no nodata: what is null has the number that a GeoTIFF would have.

    Raises
    ------
    InvalidParameterError
        If the numbers are of another type, or an option is not offered.
    """
    file = raster_file(job)
    if file.written.dtype not in _TYPES:
        names = ", ".join(f"{field.name} {field.dtype}" for field in file.plan.fields)
        raise InvalidParameterError(
            f"{job.node.media_type} holds {', '.join(_TYPES)}; the bands are {names}"
            f"{_widened(file.written.dtype)}: cast them, or ask for {GEOTIFF}",
            parameter="format",
        )
    if file.bands > _MOST_BANDS:
        raise InvalidParameterError(
            f"{file.bands} bands; JPEG 2000 holds {_MOST_BANDS}: {MOST_BANDS_TEXT}",
            parameter="format",
        )
    options = {
        "driver": "JP2OpenJPEG",
        "QUALITY": "100",
        "REVERSIBLE": "YES",
        "WRITE_METADATA": "YES",
    }
    asked = format_options(job, _OPTIONS)
    if "QUALITY" in asked and "REVERSIBLE" not in asked:
        options["REVERSIBLE"] = "NO"
    return copied(file, ".jp2", options | asked)


def _widened(dtype: str) -> str:
    return f", with nodata {dtype}"
