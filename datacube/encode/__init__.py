"""Encoders: cells of a bound plan to the bytes of a file."""

from datacube.encode.answer import Encoders
from datacube.encode.geotiff import encode_geotiff
from datacube.encode.netcdf import encode_netcdf
from datacube.encode.pictures import encode_map_jpeg, encode_map_png
from datacube.plan.formats import GEOTIFF, JPEG, NETCDF, PNG, media_type

__all__ = ["ENCODERS", "media_type"]

ENCODERS: Encoders = {
    PNG: encode_map_png,
    JPEG: encode_map_jpeg,
    GEOTIFF: encode_geotiff,
    NETCDF: encode_netcdf,
}
"""Every encoder by its media type."""
