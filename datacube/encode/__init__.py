"""Encoders: cells of a bound plan to the bytes of a file."""

from datacube.encode.answer import Encoders
from datacube.encode.geotiff import encode_geotiff
from datacube.encode.jpeg2000 import encode_jpeg2000
from datacube.encode.nested import encode_csv, encode_nested_json
from datacube.encode.netcdf import encode_netcdf
from datacube.encode.pictures import encode_map_jpeg, encode_map_png
from datacube.encode.text import encode_scalar
from datacube.plan.formats import CSV, GEOTIFF, JPEG, JPEG2000, JSON, NETCDF, PNG, TEXT, media_type

__all__ = ["ENCODERS", "media_type"]

ENCODERS: Encoders = {
    PNG: encode_map_png,
    JPEG: encode_map_jpeg,
    JPEG2000: encode_jpeg2000,
    GEOTIFF: encode_geotiff,
    NETCDF: encode_netcdf,
    JSON: encode_nested_json,
    CSV: encode_csv,
    TEXT: encode_scalar,
}
"""Every encoder by its media type."""
