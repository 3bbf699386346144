"""Names of EO-WCS."""

from datacube.encode import gml
from ogc.wcs.names import OWS, WCS
from ogc.xml import XLINK, XSI, Vocabulary

WCSEO = "http://www.opengis.net/wcs/wcseo/1.0"
SCHEMA = "http://schemas.opengis.net/wcs/wcseo/1.0/wcsEOAll.xsd"
PROFILES = (
    "http://www.opengis.net/spec/WCS_application-profile_earth-observation/1.0/conf/eowcs",
    "http://www.opengis.net/spec/WCS_application-profile_earth-observation/1.0/conf/eowcs_get-kvp",
    "http://www.opengis.net/spec/WCS_application-profile_earth-observation/1.0/conf/eowcs_soap",
)
OPERATION = "DescribeEOCoverageSet"
DEFAULT_COUNT = 100
"""Descriptions of one answer where COUNT asks for no fewer."""
XML = Vocabulary(
    namespaces={
        "wcs": WCS,
        "wcseo": WCSEO,
        "ows": OWS,
        "eop": "http://www.opengis.net/eop/2.0",
        "om": "http://www.opengis.net/om/2.0",
        **{k: v for k, v in gml.NAMESPACES.items() if k not in {"cis11", "meta"}},
        "xlink": XLINK,
        "xsi": XSI,
    }
)
