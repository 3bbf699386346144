"""Encoders: cells of a bound plan to the bytes of a file."""

from datacube.encode.answer import Encoders
from datacube.encode.documents import describe, encode_coverage_json, encode_gml, encode_json
from datacube.encode.geotiff import encode_geotiff
from datacube.encode.jpeg2000 import encode_jpeg2000
from datacube.encode.nested import encode_csv
from datacube.encode.netcdf import encode_netcdf
from datacube.encode.pictures import (
    encode_map_gif,
    encode_map_jpeg,
    encode_map_png,
    encode_map_png8,
    encode_map_webp,
)
from datacube.encode.text import encode_scalar
from datacube.encode.zarr_zip import encode_zarr_zip
from datacube.plan.formats import (
    COVERAGE_JSON,
    CSV,
    GEOTIFF,
    GIF,
    GML,
    JPEG,
    JPEG2000,
    JSON,
    NETCDF,
    PNG,
    PNG8,
    TEXT,
    WEBP,
    ZARR,
    media_type,
)

__all__ = ["ENCODERS", "describe", "media_type"]

ENCODERS: Encoders = {
    PNG: encode_map_png,
    JPEG: encode_map_jpeg,
    PNG8: encode_map_png8,
    GIF: encode_map_gif,
    WEBP: encode_map_webp,
    JPEG2000: encode_jpeg2000,
    GEOTIFF: encode_geotiff,
    NETCDF: encode_netcdf,
    ZARR: encode_zarr_zip,
    JSON: encode_json,
    COVERAGE_JSON: encode_coverage_json,
    CSV: encode_csv,
    GML: encode_gml,
    TEXT: encode_scalar,
}
"""Every encoder by its media type."""
