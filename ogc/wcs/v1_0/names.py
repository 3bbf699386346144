"""Names of WCS 1.0.0: namespaces, formats, methods, range axes."""

from collections.abc import Mapping
from types import MappingProxyType

from datacube.plan.formats import GEOTIFF, NETCDF
from datacube.plan.query import Method
from ogc.xml import XLINK, XSI, Vocabulary

WCS = "http://www.opengis.net/wcs"
XML = Vocabulary(
    namespaces={"": WCS, "gml": "http://www.opengis.net/gml", "xlink": XLINK, "xsi": XSI}
)
FORMATS: Mapping[str, str] = MappingProxyType({"GeoTIFF": GEOTIFF, "NetCDF": NETCDF})
"""As descriptions list them, the usual one first; a request may say the media type, too."""
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "nearest neighbor": Method.NEAREST,
        "bilinear": Method.LINEAR,
        "bicubic": Method.CUBIC,
    }
)
"""The usual one first."""
BAND_AXIS = "Band"
"""The range axis whose keys are bands, and the parameter that chooses among them."""


def place_parameter(axis: str) -> str:
    """Return the range axis, and so the parameter, of an axis between time and plane.

    As dimensions of WMS are called: `HEIGHT` is the size of the answer.

    >>> place_parameter("height")
    'dim_height'
    """
    return f"dim_{axis}"
