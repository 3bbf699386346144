"""The operations of the map service."""

from types import MappingProxyType

from ogc.wms import get_capabilities, get_feature_info, get_legend_graphic, get_map

OFFERED = ("GetCapabilities", "GetMap", "GetFeatureInfo", "GetLegendGraphic")
"""Names of the operations as they are spelled."""
OPERATIONS = MappingProxyType(
    {
        "getcapabilities": get_capabilities.answer,
        "getmap": get_map.answer,
        "getfeatureinfo": get_feature_info.answer,
        "getlegendgraphic": get_legend_graphic.answer,
    }
)
"""By name in lower case."""
ALONE = frozenset({"getmap", "getfeatureinfo", "getlegendgraphic"})
"""Those that need not name their service (OGC 06-042, 7.3.2 and 7.4.2)."""
