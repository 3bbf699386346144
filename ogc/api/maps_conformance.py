"""The conformance classes of OGC API Maps, Tiles and Tile Matrix Sets that are met."""

_MAPS = "http://www.opengis.net/spec/ogcapi-maps-1/1.0/conf"
_TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
_SETS = "http://www.opengis.net/spec/tms/2.0/conf"
MAP_CLASSES = (
    *(
        f"{_MAPS}/{name}"
        for name in (
            "core",
            "tilesets",
            "collection-map",
            "dataset-map",
            "styled-map",
            "collections-selection",
            "background",
            "scaling",
            "display-resolution",
            "spatial-subsetting",
            "datetime",
            "general-subsetting",
            "crs",
            "png",
            "jpeg",
            "tiff",
            "cors",
            "api-operations",
        )
    ),
    *(
        f"{_TILES}/{name}"
        for name in (
            "core",
            "tileset",
            "tilesets-list",
            "dataset-tilesets",
            "geodata-tilesets",
            "collections-selection",
            "datetime",
            "png",
            "jpeg",
            "oas30",
        )
    ),
    *(
        f"{_SETS}/{name}"
        for name in (
            "tilematrixset",
            "tilematrixsetlimits",
            "tileset",
            "json-tilematrixset",
            "json-tilematrixsetlimits",
            "json-tilesetmetadata",
        )
    ),
)
