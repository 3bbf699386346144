"""Names of WCS: namespaces, versions, profiles, formats."""

from collections.abc import Mapping
from types import MappingProxyType

from datacube.cube import Coverage
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.encoding import GENERAL_GRID, OUTPUT_TYPES
from datacube.plan.formats import FORMAT_ALIASES, GEOTIFF, NETCDF, QUERY_FORMATS
from datacube.plan.query import Method
from ogc.faults import UnsupportedError
from ogc.kvp import Kvp, shown

WCS = "http://www.opengis.net/wcs/2.0"
WCS_2_1 = "http://www.opengis.net/wcs/2.1/gml"
OWS = "http://www.opengis.net/ows/2.0"
CRS = "http://www.opengis.net/wcs/crs/1.0"
INTERPOLATION = "http://www.opengis.net/WCS_service-extension_interpolation/1.0"

VERSION = "2.0.1"
VERSION_2_1 = "2.1.0"
"""2.0 with coverages of CIS 1.1, which clients of rasdaman ask for."""
VERSION_1_0 = "1.0.0"
"""Which core QGIS asks for first."""
VERSION_1_1 = "1.1.1"
VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "2.0.1": VERSION,
        "2.0.0": VERSION,
        "2.0": VERSION,
        "2.1.0": VERSION_2_1,
        "2.1": VERSION_2_1,
        "1.0.0": VERSION_1_0,
        "1.0": VERSION_1_0,
        "1.1.0": VERSION_1_1,
        "1.1.1": VERSION_1_1,
        "1.1.2": VERSION_1_1,
        "1.1": VERSION_1_1,
    }
)
"""What requests may say, and the version that is meant: schemas and meanings of 2.0.0 are 2.0.1's.

The OGC's suite says 2.0 in SOAP.
"""
OFFERED_VERSIONS = (VERSION, VERSION_2_1, VERSION_1_1, VERSION_1_0)
OLD_VERSIONS: Mapping[str, str] = MappingProxyType(
    {VERSION_1_0: "COVERAGE", VERSION_1_1: "IDENTIFIERS"}
)
"""Versions that know only planes on the Earth, and the parameter that names a coverage in them."""
NATIVE_FORMAT = GEOTIFF
"""Of what has a plane."""
FORMATS = QUERY_FORMATS
"""GeoTIFF first: GDAL takes the first that sounds like TIFF."""
PROFILES = (
    "http://www.opengis.net/spec/WCS/2.0/conf/core",
    "http://www.opengis.net/spec/WCS_protocol-binding_get-kvp/1.0/conf/get-kvp",
    "http://www.opengis.net/spec/WCS_protocol-binding_post-xml/1.0/conf/post-xml",
    "http://www.opengis.net/spec/WCS_protocol-binding_soap/1.0/conf/soap",
    "http://www.opengis.net/spec/WCS_service-extension_crs/1.0/conf/crs",
    "http://www.opengis.net/spec/WCS_service-extension_crs/1.0/conf/crs-gridded-coverage",
    "http://www.opengis.net/spec/WCS_service-extension_range-subsetting/1.0/conf/record-subsetting",
    "http://www.opengis.net/spec/WCS_service-extension_scaling/1.0/conf/scaling",
    "http://www.opengis.net/spec/WCS_service-extension_interpolation/1.0/conf/interpolation",
    "http://www.opengis.net/spec/WCS_service-extension_interpolation/1.0/conf/interpolation-per-axis",
    "http://www.opengis.net/spec/WCS_service-extension_interpolation/1.0/conf/interpolation-nearest-neighbor",
    "http://www.opengis.net/spec/WCS_service-extension_interpolation/1.0/conf/interpolation-linear",
    "http://www.opengis.net/spec/WCS_service-extension_interpolation/1.0/conf/interpolation-cubic",
    "http://www.opengis.net/spec/WCS_service-extension_processing/2.0/conf/processing",
    "http://www.opengis.net/spec/GMLCOV/1.0/conf/gml",
    "http://www.opengis.net/spec/GMLCOV/1.0/conf/gml-coverage",
    "http://www.opengis.net/spec/GMLCOV/1.0/conf/multipart",
    "http://www.opengis.net/spec/GMLCOV_geotiff-coverages/1.0/conf/geotiff-coverage",
)
"""Two spellings of GML: suites look for the one or the other."""
_METHOD_URL = "http://www.opengis.net/def/interpolation/OGC/1/"
_METHOD_NAMES = {Method.NEAREST: "nearest-neighbor"}


def method_url(method: Method) -> str:
    """Return the address by which a method of interpolation is asked for.

    >>> method_url(Method.NEAREST)
    'http://www.opengis.net/def/interpolation/OGC/1/nearest-neighbor'
    """
    return f"{_METHOD_URL}{_METHOD_NAMES.get(method, method.value)}"


def native_format(coverage: Coverage) -> str:
    """Return the format in which a coverage comes where none is asked for."""
    return NATIVE_FORMAT if len(coverage.grid.axes) == 2 else NETCDF


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


def parse_version(kvp: Kvp) -> str:
    """Return the version that an operation is asked in, 2.0.1 where it says none.

    Raises
    ------
    UnsupportedError
        If it is not offered.
    """
    version = kvp.one("version", default=VERSION)
    if version not in VERSIONS:
        raise UnsupportedError(
            f"WCS version {shown(version)} is not offered; "
            f"offered are {', '.join(OFFERED_VERSIONS)}",
            parameter="VERSION",
        )
    return VERSIONS[version]


def parse_output_type(kvp: Kvp) -> str:
    """Return the type of coverage that is asked for: CIS 1.1 in WCS 2.1, where none is named.

    Raises
    ------
    InvalidParameterError
        If there is none of that name.
    UnsupportedError
        If the version is not offered.
    """
    version = parse_version(kvp)
    usual = GENERAL_GRID if version == VERSION_2_1 else OUTPUT_TYPES[0]
    asked = kvp.one("outputtype", default=usual)
    known = {name.casefold(): name for name in OUTPUT_TYPES}.get(asked.casefold())
    if known is None:
        raise InvalidParameterError(
            f"OUTPUTTYPE is {shown(asked)}; allowed: {', '.join(OUTPUT_TYPES)}",
            parameter="OUTPUTTYPE",
        )
    return known
