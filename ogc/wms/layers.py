"""What the layers of the map service are: one a collection."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from pyproj import CRS

from datacube.cube import Band, Collection, Coverage, acquisition_years
from datacube.grid import transformer
from datacube.plan.style import Style, StyleBook
from datacube.protocols import Bbox, CatalogView
from ogc.crs import COMMON, CRS84, hull, lonlat_bbox
from ogc.wms.dimensions import Dimension, layer_dimensions

_MERCATOR_LATITUDE_DEG = 85.06
"""Beyond it, web Mercator shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A bounding box in one CRS."""

    crs: CRS
    bbox: Bbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A collection as the map service shows it."""

    collection: Collection
    styles: tuple[Style, ...]
    """The default first."""
    lonlat: Bbox
    extents: tuple[Extent, ...]
    """In the common CRSs, then in those of the cubes."""
    dimensions: tuple[Dimension, ...]
    """Time first, then further axes."""
    years: frozenset[int]
    """Those with an acquisition."""
    newest: datetime | None
    """Of the acquisitions."""


def find_layers(view: CatalogView, styles: StyleBook, map_days: int) -> tuple[Layer, ...]:
    """Return the layers that the view's principal may see, by id.

    Cubes without a plane on the Earth are no part of a layer. `map_days` are the days that
    a map without a time may show.
    """
    return tuple(
        _layer(
            collection,
            coverages,
            styles,
            view.newest(collection.id),
            map_days,
        )
        for collection in view.collections()
        if (coverages := _mappable(collection, view))
    )


def _mappable(collection: Collection, view: CatalogView) -> list[Coverage]:
    found = (view.coverage(cube.name) for cube in view.cubes(collection.id))
    return [coverage for coverage in found if coverage.mappable]


def _layer(
    collection: Collection,
    coverages: list[Coverage],
    styles: StyleBook,
    newest: datetime | None,
    map_days: int,
) -> Layer:
    bands: dict[str, Band] = {band.name: band for c in coverages for band in c.bands}
    lonlat = hull([lonlat_bbox(coverage.grid) for coverage in coverages])
    native: dict[CRS, list[Bbox]] = {}
    for coverage in coverages:
        native.setdefault(coverage.grid.crs, []).append(coverage.grid.bbox)
    extents = [Extent(crs=crs, bbox=_common_bbox(lonlat, crs)) for crs in COMMON]
    extents += [
        Extent(crs=crs, bbox=hull(boxes)) for crs, boxes in native.items() if crs not in COMMON
    ]
    return Layer(
        collection=collection,
        styles=styles.styles(collection, tuple(bands.values())),
        lonlat=lonlat,
        extents=tuple(e for e in extents if _has_area(e.bbox)),
        dimensions=layer_dimensions(coverages, newest, map_days),
        newest=newest,
        years=acquisition_years(coverages),
    )


def _common_bbox(lonlat: Bbox, crs: CRS) -> Bbox:
    if crs.is_geographic:
        return lonlat
    limit = _MERCATOR_LATITUDE_DEG
    west, south, east, north = lonlat
    clipped = (west, max(south, -limit), east, min(north, limit))
    min_x, min_y, max_x, max_y = transformer(CRS84, crs).transform_bounds(*clipped)
    return float(min_x), float(min_y), float(max_x), float(max_y)


def _has_area(box: Bbox) -> bool:
    return all(isfinite(number) for number in box) and box[0] < box[2] and box[1] < box[3]
