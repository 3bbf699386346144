"""Names of WCS 2.0: namespaces, versions, profiles, formats."""

from datacube.errors import UnknownNameError
from datacube.plan.formats import FORMAT_ALIASES, GEOTIFF, QUERY_FORMATS
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown

WCS = "http://www.opengis.net/wcs/2.0"
WCS_2_1 = "http://www.opengis.net/wcs/2.1/gml"
OWS = "http://www.opengis.net/ows/2.0"

VERSION = "2.0.1"
ACCEPTED_VERSIONS = ("2.0.1", "2.0.0")
"""The schemas and meanings of both are the same; 2.0.1 is answered."""
VERSION_2_1 = "2.1.0"
"""Of descriptions: 2.0 with coverages of CIS 1.1, which clients of rasdaman ask for."""
NATIVE_FORMAT = GEOTIFF
FORMATS = QUERY_FORMATS
"""GeoTIFF first: GDAL takes the first that sounds like TIFF."""
PROFILES = (
    "http://www.opengis.net/spec/WCS/2.0/conf/core",
    "http://www.opengis.net/spec/WCS_protocol-binding_get-kvp/1.0/conf/get-kvp",
    "http://www.opengis.net/spec/WCS_service-extension_range-subsetting/1.0/conf/record-subsetting",
    "http://www.opengis.net/spec/WCS_service-extension_scaling/1.0/conf/scaling",
    "http://www.opengis.net/spec/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage",
    "http://www.opengis.net/spec/WCS_service-extension_processing/2.0/conf/processing",
)


def parse_format(text: str) -> str:
    """Return the media type that FORMAT names.

    >>> parse_format("image/GeoTIFF")
    'image/tiff'

    Raises
    ------
    UnknownNameError
        If it is not offered.
    """
    asked = "; ".join(part.strip() for part in text.casefold().split(";"))
    media_type = FORMAT_ALIASES.get(asked, asked)
    if media_type not in FORMATS:
        raise UnknownNameError("format", text[:80], FORMATS)
    return media_type


def check_version(kvp: Kvp, accepted: tuple[str, ...] = ACCEPTED_VERSIONS) -> None:
    """Check the VERSION of an operation; without one, the newest is meant.

    Raises
    ------
    UnsupportedError
        If it is not offered.
    """
    version = kvp.one("version", default=VERSION)
    if version not in accepted:
        raise UnsupportedError(
            f"WCS version {shown(version)} is not offered; offered is {VERSION}",
            parameter="VERSION",
        )
