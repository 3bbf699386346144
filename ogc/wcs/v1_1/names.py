"""Names of WCS 1.1.1: namespaces, CRSs, fields, methods."""

from collections.abc import Mapping
from types import MappingProxyType

from pyproj import CRS

from datacube.grid import crs_name
from datacube.plan.formats import GEOTIFF, NETCDF
from datacube.plan.query import Method
from ogc.xml import XLINK, XSI, Vocabulary

WCS = "http://www.opengis.net/wcs/1.1"
OWS = "http://www.opengis.net/ows/1.1"
SCHEMA = "http://schemas.opengis.net/wcs/1.1/wcsAll.xsd"
XML = Vocabulary(
    namespaces={
        "wcs": WCS,
        "ows": OWS,
        "gml": "http://www.opengis.net/gml",
        "xlink": XLINK,
        "xsi": XSI,
    }
)
FORMATS = (GEOTIFF, NETCDF)
METHODS: Mapping[str, Method] = MappingProxyType(
    {"nearest": Method.NEAREST, "linear": Method.LINEAR, "cubic": Method.CUBIC}
)
"""The usual one first."""
FIELD = "contents"
"""The one field of a coverage, whose axis has the bands as keys."""
AXIS = "bands"
SIMPLE_GRID = "urn:ogc:def:method:WCS:1.1:2dSimpleGrid"
GRID_IN_CRS = "urn:ogc:def:method:WCS:1.1:2dGridIn2dCrs"
GRID_CS = "urn:ogc:def:cs:OGC:0.0:Grid2dSquareCS"
IMAGE_CRS = "urn:ogc:def:crs:OGC::imageCRS"
"""Of a box from the grid's corner: columns and rows."""


def urn(crs: CRS) -> str:
    """Return the URN of a CRS, whose axes come in the order of its authority.

    >>> urn(CRS.from_epsg(4326)), urn(CRS.from_user_input("OGC:CRS84"))
    ('urn:ogc:def:crs:EPSG::4326', 'urn:ogc:def:crs:OGC:1.3:CRS84')
    """
    authority, _, code = crs_name(crs).rpartition(":")
    version = "1.3" if authority == "OGC" else ""
    return f"urn:ogc:def:crs:{authority}:{version}:{code}"
