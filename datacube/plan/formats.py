"""The media types that maps, coverages and numbers are offered as, and their short names."""

from datacube.errors import NAME_CHARACTERS, UnknownNameError

PNG = "image/png"
PNG8 = "image/png; mode=8bit"
"""PNG with a palette; of maps only, as GIF is."""
GIF = "image/gif"
JPEG = "image/jpeg"
JPEG2000 = "image/jp2"
WEBP = "image/webp"
"""Of maps only."""
GEOTIFF = "image/tiff"
NETCDF = "application/netcdf"
ZARR = "application/zip"
"""A Zarr v3 group in a zip that stores its members as they are."""
JSON = "application/json"
COVERAGE_JSON = "application/prs.coverage+json"
CSV = "text/csv"
GML = "application/gml+xml"
TEXT = "text/plain"
"""A single number, or one a band."""

PICTURE_FORMATS = (PNG, JPEG)
"""Formats of maps, the usual one first."""
COVERAGE_FORMATS = (GEOTIFF, NETCDF, ZARR)
"""Formats of coverages at every service, the usual one first."""
QUERY_FORMATS = (*COVERAGE_FORMATS, PNG, JPEG, JPEG2000, JSON, COVERAGE_JSON, CSV, GML)
"""Formats of the results of queries."""
FORMAT_ALIASES = {
    "image/tiff; application=geotiff": GEOTIFF,
    "image/tiff; application=geotiff; profile=cloud-optimized": GEOTIFF,
    "image/geotiff": GEOTIFF,
    "application/x-netcdf": NETCDF,
    "application/x-netcdf4": NETCDF,
    "application/zip; application=zarr": ZARR,
    "application/zarr+zip": ZARR,
    "image/jpg": JPEG,
    "image/jpeg2000": JPEG2000,
    "application/vnd.cov+json": COVERAGE_JSON,
    "text/json": JSON,
    "text/xml": GML,
    "application/xml": GML,
}
"""Other spellings that requests may use, without regard to case and blanks after `;`."""
SHORT_NAMES = {
    "png": PNG,
    "jpeg": JPEG,
    "jpg": JPEG,
    "jp2": JPEG2000,
    "jpeg2000": JPEG2000,
    "jp2openjpeg": JPEG2000,
    "tiff": GEOTIFF,
    "tif": GEOTIFF,
    "gtiff": GEOTIFF,
    "geotiff": GEOTIFF,
    "cog": GEOTIFF,
    "netcdf": NETCDF,
    "nc": NETCDF,
    "zarr": ZARR,
    "zip": ZARR,
    "json": JSON,
    "covjson": COVERAGE_JSON,
    "coveragejson": COVERAGE_JSON,
    "csv": CSV,
    "gml": GML,
}
"""What `encode` of WCPS may say instead of a media type; GDAL's driver names among them."""


def media_type(text: str, offered: tuple[str, ...] = QUERY_FORMATS) -> str:
    """Return the media type that `text` means, in any case.

    >>> media_type("image/tiff;Application=GeoTIFF"), media_type("JPEG2000")
    ('image/tiff', 'image/jp2')

    Raises
    ------
    UnknownNameError
        If it is not among `offered`; the message lists them.
    """
    plain = "; ".join(part.strip() for part in text.casefold().split(";"))
    named = SHORT_NAMES.get(plain) or FORMAT_ALIASES.get(plain, plain)
    if named not in offered:
        raise UnknownNameError("format", text[:NAME_CHARACTERS], offered)
    return named
