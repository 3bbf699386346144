"""Encoders: cells of a bound plan to the bytes of a file."""

from datacube.encode.answer import Encoders
from datacube.encode.formats import FORMAT_ALIASES, GEOTIFF, JPEG, NETCDF, PNG
from datacube.encode.geotiff import encode_geotiff
from datacube.encode.netcdf import encode_netcdf
from datacube.encode.pictures import encode_map_jpeg, encode_map_png

__all__ = ["ENCODERS", "media_type"]

ENCODERS: Encoders = {
    PNG: encode_map_png,
    JPEG: encode_map_jpeg,
    GEOTIFF: encode_geotiff,
    NETCDF: encode_netcdf,
}
"""Every encoder by its media type."""


def media_type(text: str) -> str:
    """Return the media type that `text` means; unknown ones as they are.

    >>> media_type("image/tiff;Application=GeoTIFF"), media_type("text/x")
    ('image/tiff', 'text/x')
    """
    parts = [part.strip() for part in text.casefold().split(";")]
    plain = "; ".join(parts)
    return FORMAT_ALIASES.get(plain, plain if plain in ENCODERS else text)
