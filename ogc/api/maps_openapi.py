"""What the OpenAPI document says of maps, of their tiles and of tile matrix sets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ogc.api import maps, tiles
from ogc.tiles.get_tile import EXTENSIONS

type Document = dict[str, Any]

_TEXTS: dict[str, tuple[str, Document]] = {
    "bbox": (
        "Show this box: minima, then maxima, in the axis order of bbox-crs.",
        {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
    ),
    "bbox-crs": ("CRS of bbox, by default CRS:84.", {"type": "string"}),
    "crs": ("CRS of the map, by default that of the data.", {"type": "string"}),
    "width": ("Columns of the map.", {"type": "integer", "minimum": 1}),
    "height": ("Rows of the map.", {"type": "integer", "minimum": 1}),
    "center": (
        "Middle of the map, in the axis order of center-crs.",
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    ),
    "center-crs": ("CRS of center, by default CRS:84.", {"type": "string"}),
    "scale-denominator": (
        "Scale of the map on a display.",
        {"type": "number", "exclusiveMinimum": True, "minimum": 0},
    ),
    "mm-per-pixel": (
        "Side of a pixel of the display, by default 0.28 mm.",
        {"type": "number", "exclusiveMinimum": True, "minimum": 0},
    ),
    "subset": (
        "Show part of the axes: Lat(40:50),Lon(10:20),height(100); of tiles not of x, y or time.",
        {"type": "string"},
    ),
    "subset-crs": ("CRS of subset, by default CRS:84.", {"type": "string"}),
    "datetime": (
        "An instant, a period (2023-08), or start/end; by default the newest valid pixels.",
        {"type": "string"},
    ),
    "bgcolor": ("Colour where there is no data: 0xRRGGBB or a name.", {"type": "string"}),
    "transparent": (
        "Whether nothing is painted where there is no data.",
        {"type": "boolean"},
    ),
    "void-color": (
        "Colour where the CRS has no place: 0xRRGGBB or a name; by default that of bgcolor.",
        {"type": "string"},
    ),
    "void-transparent": (
        "Whether nothing is painted where the CRS has no place; false where void-color is given.",
        {"type": "boolean"},
    ),
    "collections": (
        "Collections or coverages to show, bottom first, by default all.",
        {"type": "array", "items": {"type": "string"}},
    ),
    "as_of": (
        "Revision of the catalogue to answer from; by default the newest.",
        {"type": "integer", "minimum": 0},
    ),
}
_PATH_TEXTS = {
    "collectionId": "A collection or a coverage.",
    "styleId": "A style of the collection.",
    "tileMatrixSetId": "A tile matrix set.",
    "tileMatrix": "A matrix of the set: the zoom level.",
    "tileRow": "Row of the tile, from the top.",
    "tileCol": "Column of the tile, from the left.",
}
_PROBLEM: Document = {
    "description": "What was wrong, and what is allowed",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
_JSON = MappingProxyType({"json": "application/json"})
_PAGES = MappingProxyType({"json": "application/json", "html": "text/html"})
_TYPES = MappingProxyType({"application/json": "object", "text/html": "string"})
_PLACES = (
    ("collection", "/collections/{collectionId}"),
    ("collection.style", "/collections/{collectionId}/styles/{styleId}"),
    ("dataset", ""),
)
_TILE = "/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"


def map_paths() -> Document:
    """Return the paths of maps, styles, tile sets and tiles, with what each takes and gives."""
    made: Document = {
        "/collections/{collectionId}/styles": _document(
            "collection.getStyles", "List the styles of a collection", ("collectionId",)
        ),
        "/tileMatrixSets": _document(
            "getTileMatrixSetsList", "List the tile matrix sets", (), formats=_PAGES
        ),
        "/tileMatrixSets/{tileMatrixSetId}": _document(
            "getTileMatrixSet",
            "Define a tile matrix set",
            ("tileMatrixSetId",),
            formats=_PAGES,
        ),
    }
    for name, place in _PLACES:
        named = tuple(part for part in ("collectionId", "styleId") if f"{{{part}}}" in place)
        chosen = () if named else ("collections",)
        map_path, set_path = f"{place}/map", f"{place}/map/tiles/{{tileMatrixSetId}}"
        made[map_path] = _picture(
            f"{name}.getMap", "Draw a map", named, (*chosen, *maps.ALLOWED), maps.FORMATS
        )
        made[f"{map_path}/tiles"] = _document(
            f"{name}.map.getTileSetsList", "List the tile sets of maps", named, chosen
        )
        made[set_path] = _document(
            f"{name}.map.getTileSet",
            "Describe a tile set of maps",
            (*named, "tileMatrixSetId"),
            chosen,
        )
        made[f"{map_path}/tiles{_TILE}"] = _picture(
            f"{name}.map.getTile",
            "Draw a tile of a map",
            (*named, "tileMatrixSetId", "tileMatrix", "tileRow", "tileCol"),
            (*chosen, *tiles.ALLOWED),
            EXTENSIONS,
        )
    return made


def _document(
    operation: str,
    summary: str,
    path: tuple[str, ...],
    query: tuple[str, ...] = (),
    *,
    formats: Mapping[str, str] = _JSON,
) -> Document:
    content = {kind: {"schema": {"type": _TYPES[kind]}} for kind in formats.values()}
    parameters = [*_paths(path), *_queries((*query, "as_of")), _format(tuple(formats))]
    return _operation(operation, summary, parameters, content)


def _picture(
    operation: str,
    summary: str,
    path: tuple[str, ...],
    query: tuple[str, ...],
    formats: Mapping[str, str],
) -> Document:
    offered = dict.fromkeys(formats.values())
    content = {
        media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in offered
    }
    parameters = [*_paths(path), *_queries(query), _format(tuple(formats))]
    return _operation(operation, summary, parameters, content)


def _operation(
    operation: str, summary: str, parameters: list[Document], content: Document
) -> Document:
    return {
        "get": {
            "operationId": operation,
            "tags": ["maps"],
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": {"description": "The answer", "content": content},
                **dict.fromkeys(("400", "404", "406", "413", "500"), _PROBLEM),
            },
        }
    }


def _paths(names: tuple[str, ...]) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "description": _PATH_TEXTS[name],
            "required": True,
            "schema": {"type": "integer" if name in {"tileRow", "tileCol"} else "string"},
        }
        for name in names
    ]


def _queries(names: tuple[str, ...]) -> list[Document]:
    return [
        {
            "name": name,
            "in": "query",
            "description": _TEXTS[name][0],
            "required": False,
            "schema": _TEXTS[name][1],
            "style": "form",
            "explode": False,
        }
        for name in names
        if name != "f"
    ]


def _format(names: tuple[str, ...]) -> Document:
    return {
        "name": "f",
        "in": "query",
        "description": "Format; without it the header Accept decides.",
        "required": False,
        "schema": {"type": "string", "enum": list(names)},
    }
