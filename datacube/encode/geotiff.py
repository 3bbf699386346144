"""GeoTIFF: always a COG."""

from pathlib import Path

from datacube.encode.answer import EncodeJob
from datacube.encode.blocks import TILE_PX
from datacube.encode.cog import encode_cog
from datacube.encode.picture_geotiff import encode_picture_geotiff
from datacube.encode.rasters import MOST_BANDS_TEXT, RasterFile, copied, format_options, raster_file
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Picture

_MOST_BANDS = 65_535
"""GDAL's limit for GeoTIFF: SamplesPerPixel has 16 bits."""
_OPTIONS = (
    "COMPRESS",
    "LEVEL",
    "ZLEVEL",
    "PREDICTOR",
    "BLOCKSIZE",
    "INTERLEAVE",
    "QUALITY",
    "OVERVIEWS",
    "OVERVIEW_RESAMPLING",
    "BIGTIFF",
)
"""Options of GDAL's drivers COG and GTiff that may be asked for."""
_PREDICTORS = {"1": "NO", "2": "STANDARD", "3": "FLOATING_POINT"}
"""The numbers of the driver GTiff in the words of the driver COG."""


def encode_geotiff(job: EncodeJob) -> bytes | Path:
    """Write a picture as its colours, a coverage as a COG with tiles of 512.

    DEFLATE with predictor, overviews by nearest.

    Bands are the fields, for every combination of the outer axes, outer axes
    first (time-major); each is described as `B04 2023-08-15T10:00:31Z` and has the
    field's scale, offset, unit and, as metadata, `band` and its outer coordinates.
    GeoTIFF knows one type and one nodata: those of `written_as`. A plane that has no
    place on the Earth is written without a CRS. A colour map paints one field to four
    bands; a palette becomes the file's colour table.

    Raises
    ------
    InvalidParameterError
        If there are fewer than two axes, if there are more than 65,535 bands, no type
        holds all fields, or an option is not offered.
    """
    if isinstance(job.node.source, Picture):
        return encode_picture_geotiff(job, job.node.source)
    file = raster_file(job)
    if file.bands > _MOST_BANDS:
        raise InvalidParameterError(
            f"{file.bands} bands; a GeoTIFF holds {_MOST_BANDS}: {MOST_BANDS_TEXT}",
            parameter="format",
        )
    asked = format_options(job, _OPTIONS)
    if not (asked or file.painted or file.written.masked):
        return encode_cog(file)
    return copied(file, ".tif", _options(file, asked))


def _options(file: RasterFile, asked: dict[str, str]) -> dict[str, str]:
    """Return the options of GDAL's driver COG, which does what `encode_cog` does not."""
    options = {
        "driver": "COG",
        "COMPRESS": "DEFLATE",
        "LEVEL": "1",
        # GDAL has none for complex numbers.
        "PREDICTOR": "NO" if file.written.numpy_dtype.kind == "c" else "YES",
        "BLOCKSIZE": str(TILE_PX),
        # A band is read alone by most clients, and packs better alone.
        "INTERLEAVE": "BAND",
        # Nearest keeps stored numbers and classes what they are.
        "OVERVIEW_RESAMPLING": "NEAREST",
        "BIGTIFF": "IF_SAFER",
    }
    if "COMPRESS" in asked:
        options["COMPRESS"] = asked.pop("COMPRESS").upper()
        if options["COMPRESS"] not in {"DEFLATE", "ZSTD"}:
            del options["LEVEL"]
        if options["COMPRESS"] not in {"DEFLATE", "ZSTD", "LZW"}:
            del options["PREDICTOR"]
    if "ZLEVEL" in asked:
        asked["LEVEL"] = asked.pop("ZLEVEL")
    if "PREDICTOR" in asked:
        asked["PREDICTOR"] = _PREDICTORS.get(asked["PREDICTOR"], asked["PREDICTOR"])
    return options | asked
