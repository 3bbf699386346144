"""Tile matrix sets and tile sets as JSON (OGC 17-083r4, clause 7; OGC 20-057)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from datacube.grid import crs_url, northing_first
from datacube.protocols import Bbox, CatalogView
from datacube.render.tiles import TILE_PX, WORLD_SETS, TileMatrixSet
from ogc.crs import hull
from ogc.tiles.get_tile import EXTENSION_OF
from ogc.tiles.layers import TileLayer, find_layer, find_layers

type Document = dict[str, Any]
"""A JSON document."""

REL = "http://www.opengis.net/def/rel/ogc/1.0"
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSource:
    """What a family of tile sets shows, and where they are."""

    path: str
    """Below the API: `/collections/S2_L2A/map/tiles`."""
    layers: tuple[str, ...]
    """Bottom first; at least one."""
    style: str = ""

    @property
    def title(self) -> str:
        """Name it for people."""
        return ", ".join(self.layers) + (f", {self.style}" if self.style else "")


def every_set(view: CatalogView) -> tuple[TileMatrixSet, ...]:
    """Return the world's sets, then those of the lattices of all layers, by id."""
    found = {tiles.id: tiles for layer in find_layers(view) for tiles in layer.sets}
    for coverage_id in view.coverage_ids():
        if view.coverage(coverage_id).mappable:
            found |= {tiles.id: tiles for tiles in find_layer(coverage_id, view).sets}
    native = sorted(found.keys() - {tiles.id for tiles in WORLD_SETS})
    return (*WORLD_SETS, *(found[name] for name in native))


def list_sets(view: CatalogView, url: str) -> Document:
    """List the tile matrix sets; `url` is that of the API."""
    here = f"{url}/tileMatrixSets"
    return {
        "tileMatrixSets": [
            {
                "id": tiles.id,
                "title": tiles.title,
                **({"uri": tiles.uri} if tiles.uri else {}),
                "crs": crs_url(tiles.crs),
                "links": [_link(f"{here}/{tiles.id}", "self", f"Definition of {tiles.id}")],
            }
            for tiles in every_set(view)
        ],
        "links": [_link(here, "self", "This document")],
    }


def describe_set(tiles: TileMatrixSet) -> Document:
    """Define a tile matrix set."""
    return {
        "id": tiles.id,
        "title": tiles.title,
        **({"uri": tiles.uri} if tiles.uri else {}),
        "crs": crs_url(tiles.crs),
        "orderedAxes": _axes(tiles),
        **({"wellKnownScaleSet": _scale_set_url(tiles.scale_set)} if tiles.scale_set else {}),
        "tileMatrices": [
            {
                "id": matrix.id,
                "scaleDenominator": matrix.scale_denominator,
                "cellSize": matrix.cell_size,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": _ordered(tiles, matrix.left, matrix.top),
                "tileWidth": TILE_PX,
                "tileHeight": TILE_PX,
                "matrixWidth": matrix.columns,
                "matrixHeight": matrix.rows,
            }
            for matrix in tiles.matrices
        ],
    }


def _axes(tiles: TileMatrixSet) -> list[str]:
    return [axis.abbrev for axis in tiles.crs.axis_info[:2]]


def _ordered(tiles: TileMatrixSet, x: float, y: float) -> list[float]:
    return [y, x] if northing_first(tiles.crs) else [x, y]


def _scale_set_url(urn: str) -> str:
    """Return the URL of a well-known scale set, whose name WMTS writes as a URN."""
    return f"http://www.opengis.net/def/wkss/OGC/1.0/{urn.rpartition(':')[2]}"


def shared_sets(layers: list[TileLayer]) -> tuple[TileMatrixSet, ...]:
    """Return the tile matrix sets that all of the layers are served in."""
    names = set.intersection(*({tiles.id for tiles in layer.sets} for layer in layers))
    return tuple(tiles for tiles in layers[0].sets if tiles.id in names)


def list_tile_sets(source: TileSource, view: CatalogView, url: str) -> Document:
    """List the tile sets of a source.

    Raises
    ------
    UnknownNameError
        If there is no such layer.
    """
    layers = [find_layer(name, view) for name in source.layers]
    return {
        "links": [_link(f"{url}{source.path}", "self", "This document")],
        "tilesets": [
            {
                "title": f"{source.title} in {tiles.id}",
                "dataType": "map",
                "crs": crs_url(tiles.crs),
                "tileMatrixSetURI": _set_url(tiles, url),
                "links": [
                    _link(f"{url}{source.path}/{tiles.id}", "self", "The tile set"),
                    _link(f"{url}/tileMatrixSets/{tiles.id}", f"{REL}/tiling-scheme", tiles.title),
                ],
            }
            for tiles in shared_sets(layers)
        ],
    }


def describe_tile_set(source: TileSource, name: str, view: CatalogView, url: str) -> Document:
    """Describe the tile set of a source in the tile matrix set called `name`.

    Raises
    ------
    UnknownNameError
        If there is no such layer, or it is not served so.
    """
    layers = [find_layer(layer, view) for layer in source.layers]
    tiles = [layer.tile_matrix_set(name) for layer in layers][-1]
    bbox = hull([layer.bbox(tiles) for layer in layers])
    address = f"{url}{source.path}/{tiles.id}"
    template = f"{address}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return {
        "title": f"{source.title} in {tiles.id}",
        "dataType": "map",
        "crs": crs_url(tiles.crs),
        "tileMatrixSetURI": _set_url(tiles, url),
        "links": [
            _link(address, "self", "This document"),
            _link(f"{url}/tileMatrixSets/{tiles.id}", f"{REL}/tiling-scheme", tiles.title),
            *(
                _link(
                    f"{template}?f={extension}{_query(source)}",
                    "item",
                    f"Tiles as {extension}",
                    media_type=media_type,
                    templated=True,
                )
                for media_type, extension in EXTENSION_OF.items()
            ),
        ],
        "tileMatrixSetLimits": [
            {
                "tileMatrix": limit.matrix,
                "minTileRow": limit.min_row,
                "maxTileRow": limit.max_row,
                "minTileCol": limit.min_column,
                "maxTileCol": limit.max_column,
            }
            for limit in tiles.limits(bbox)
        ],
        "boundingBox": _box(tiles, bbox),
        "layers": [{"id": layer.id, "title": layer.title, "dataType": "map"} for layer in layers],
        **({"style": {"id": source.style}} if source.style else {}),
    }


def _query(source: TileSource) -> str:
    if source.path.startswith("/collections/"):
        return ""
    return f"&collections={','.join(map(quote, source.layers))}"


def _box(tiles: TileMatrixSet, bbox: Bbox) -> Document:
    return {
        "lowerLeft": _ordered(tiles, bbox[0], bbox[1]),
        "upperRight": _ordered(tiles, bbox[2], bbox[3]),
        "crs": crs_url(tiles.crs),
        "orderedAxes": _axes(tiles),
    }


def _set_url(tiles: TileMatrixSet, url: str) -> str:
    return tiles.uri or f"{url}/tileMatrixSets/{tiles.id}"


def _link(
    href: str, relation: str, title: str, *, media_type: str = JSON, templated: bool = False
) -> Document:
    made: Document = {"href": href, "rel": relation, "type": media_type, "title": title}
    return made | ({"templated": True} if templated else {})
