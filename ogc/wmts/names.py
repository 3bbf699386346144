"""The names that documents of WMTS 1.0.0 are made of."""

from types import MappingProxyType

from pyproj import CRS

from datacube.grid import crs_name
from ogc.exchange import Site
from ogc.xml import XLINK, XSI, Vocabulary

VERSION = "1.0.0"
WMTS = "http://www.opengis.net/wmts/1.0"
OWS = "http://www.opengis.net/ows/1.1"
SCHEMAS = "http://schemas.opengis.net/wmts/1.0"
CAPABILITIES = "WMTSCapabilities.xml"
XML = Vocabulary(namespaces={"": WMTS, "ows": OWS, "xlink": XLINK, "xsi": XSI})
"""WMTS without a prefix: QGIS refuses prefixes that it does not expect."""

PARAMETERS = MappingProxyType(
    {
        "collection": "Layer",
        "coverage": "Layer",
        "cube": "Layer",
        "layer": "Layer",
        "style": "Style",
        "format": "Format",
        "info-format": "InfoFormat",
        "tile-matrix-set": "TileMatrixSet",
        "tile-matrix": "TileMatrix",
        "section": "Sections",
    }
)
"""The parameter in which each kind of name is asked for."""


def endpoint(site: Site) -> str:
    """Return the address of the tile service, under which all its bindings are."""
    return f"{site.root}/wmts"


def crs_urn(crs: CRS) -> str:
    """Return the URN of a CRS; ArcGIS knows no URL.

    >>> crs_urn(CRS.from_epsg(3857)), crs_urn(CRS.from_user_input("OGC:CRS84"))
    ('urn:ogc:def:crs:EPSG::3857', 'urn:ogc:def:crs:OGC:1.3:CRS84')
    """
    authority, _, code = crs_name(crs).partition(":")
    return f"urn:ogc:def:crs:{authority}:{'1.3' if authority == 'OGC' else ''}:{code}"
