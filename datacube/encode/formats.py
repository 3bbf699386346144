"""The media types that maps and coverages are offered as."""

PNG = "image/png"
JPEG = "image/jpeg"
GEOTIFF = "image/tiff"
NETCDF = "application/netcdf"

PICTURE_FORMATS = (PNG, JPEG)
"""Formats of maps, the usual one first."""
COVERAGE_FORMATS = (GEOTIFF, NETCDF)
"""Formats of coverages, the usual one first."""
FORMAT_ALIASES = {
    "image/tiff; application=geotiff": GEOTIFF,
    "image/geotiff": GEOTIFF,
    "application/x-netcdf": NETCDF,
    "application/x-netcdf4": NETCDF,
    "image/jpg": JPEG,
}
"""Other spellings that requests may use, without regard to case and blanks after `;`."""
