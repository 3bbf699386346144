"""The layers that are served in tiles: a collection, or one coverage."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from math import isfinite

from pyproj import CRS

from datacube.acquisitions import day_values
from datacube.axes import RegularAxis
from datacube.cube import Band, Collection, Coverage, acquisition_years
from datacube.errors import InvalidParameterError, OutOfDomainError, UnknownNameError
from datacube.grid import Grid, KnownCrs, known_crs, same_crs, transformer
from datacube.plan import map_layers
from datacube.plan.map_layers import LayerCubes
from datacube.plan.query import AxisChoice
from datacube.plan.style import Style, StyleBook
from datacube.protocols import Bbox, CatalogView
from datacube.render.tiles import WORLD_SETS, TileLimits, TileMatrix, TileMatrixSet, native_set
from ogc.crs import CRS84, hull, lonlat_bbox
from ogc.wms.dimensions import ELEVATION, VERTICAL

_MERCATOR_LATITUDE_DEG = 85.051129
"""Beyond it, the square of web Mercator shows nothing."""
_NATIVE_KEPT = 4096
_NATIVE: dict[int, tuple[Coverage, TileMatrixSet | None]] = {}
"""Sets by the `id` of a coverage, which is held, so that no other gets it."""
_LAYERS_KEPT = 64
_LAYERS: dict[int, tuple[LayerCubes, "TileLayer"]] = {}
"""Layers of collections by the `id` of their cubes, which are held, so that no other gets it."""
_UPRIGHT = ("vertical", ELEVATION)
"""Names for any vertical axis: that of EDR and that of WMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileLayer:
    """What tiles show under one name."""

    id: str
    title: str
    collection: Collection
    coverages: tuple[Coverage, ...]
    """Those of a collection on their finest grids, or the one that was named; all mappable."""
    _boxes: dict[str, tuple[TileMatrixSet, Bbox]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """Hulls that were asked for, by the id of a set: a hundred zones take 3 ms."""

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands that any of them has, in order of first use."""
        found = {band.name: band for coverage in self.coverages for band in coverage.bands}
        return tuple(found.values())

    @property
    def lonlat(self) -> Bbox:
        """Hull in longitude and latitude."""
        return hull([plane_bbox(coverage.grid, CRS84) for coverage in self.coverages])

    def days(self, most: int) -> tuple[str, ...]:
        """Return the UTC days with an acquisition, ascending, `2023-08-15`.

        More than `most` are one interval, `first/last/P1D`.
        """
        axes = [coverage.time for coverage in self.coverages if coverage.time is not None]
        return day_values([axis.times for axis in axes], most=most)

    @property
    def years(self) -> frozenset[int]:
        """UTC years with an acquisition."""
        return acquisition_years(self.coverages)

    @property
    def timed(self) -> bool:
        """Whether any of it has times."""
        return any(coverage.time is not None for coverage in self.coverages)

    @property
    def sets(self) -> tuple[TileMatrixSet, ...]:
        """The tile matrix sets that it is served in: the world's, then those of its lattices."""
        found = {s.id: s for c in self.coverages if (s := _native(c)) is not None}
        return (*WORLD_SETS, *(found[name] for name in sorted(found)))

    def styles(self, book: StyleBook) -> tuple[Style, ...]:
        """Return its styles, the default first."""
        return book.styles(self.collection, self.bands)

    def tile_matrix_set(self, name: str) -> TileMatrixSet:
        """Return one of its tile matrix sets.

        Raises
        ------
        UnknownNameError
        """
        for found in chain(WORLD_SETS, self.sets):
            if found.id == name:
                return found
        raise UnknownNameError("tile-matrix-set", name, tuple(s.id for s in self.sets))

    def bbox(self, tiles: TileMatrixSet) -> Bbox:
        """Hull in the CRS of one of its sets: of all, or of what lies on the set's own lattice."""
        held = self._boxes.get(tiles.id)
        if held is None or held[0] is not tiles:
            held = self._boxes[tiles.id] = tiles, self._bbox(tiles)
        return held[1]

    def _bbox(self, tiles: TileMatrixSet) -> Bbox:
        whole = tiles in WORLD_SETS
        grids = [c.grid for c in self.coverages if whole or _same(_native(c), tiles)]
        return hull([plane_bbox(grid, tiles.crs) for grid in grids])

    def limits(self, tiles: TileMatrixSet) -> tuple[TileLimits, ...]:
        """Return the tiles of one of its sets that it fills, by matrix."""
        return tiles.limits(self.bbox(tiles))

    def limits_of(self, tiles: TileMatrixSet, matrix: TileMatrix) -> TileLimits:
        """Return the tiles of one matrix that it fills."""
        return matrix.limits(self.bbox(tiles))


def named_choices(
    choices: tuple[AxisChoice, ...], layers: Sequence[TileLayer]
) -> tuple[AxisChoice, ...]:
    """Return choices with the names that axes of layers have; `vertical` is any vertical axis.

    Raises
    ------
    InvalidParameterError
        If no layer has an axis of that name.
    """
    known = {
        axis.name.casefold(): axis.name
        for layer in layers
        for coverage in layer.coverages
        for axis in coverage.axes
    }
    made: dict[str, AxisChoice] = {}
    for choice in choices:
        asked = choice.axis.casefold()
        upright = [name for name in known if name in VERTICAL] if asked in _UPRIGHT else []
        names = [asked] if asked in known else upright
        if not names:
            allowed = ", ".join(("Lon", "Lat", "E", "N", "x", "y", "time", *known.values()))
            raise InvalidParameterError(
                f"subset {choice.axis!r} is no axis of the map; allowed are {allowed}",
                parameter="subset",
            )
        made |= {name: replace(choice, axis=name) for name in names if name not in made}
    return tuple(made.values())


def find_layers(view: CatalogView) -> tuple[TileLayer, ...]:
    """Return the layers that the view's principal may see, one a collection, by id."""
    return tuple(
        _of_collection(collection, coverages)
        for collection in view.collections()
        if (coverages := _mappable(collection, view))
    )


def find_layer(name: str, view: CatalogView) -> TileLayer:
    """Return the layer of a collection, or of one coverage.

    Raises
    ------
    UnknownNameError
        If there is none of that name, or it has no plane on the Earth.
    """
    cubes = map_layers.find_layer(name, view)
    if len(cubes.coverages) == 1 and cubes.collection.id != name:
        (coverage,) = cubes.coverages
        return TileLayer(
            id=coverage.id,
            title=coverage.cube.title,
            collection=cubes.collection,
            coverages=cubes.coverages,
        )
    held = _LAYERS.get(id(cubes))
    if held is not None:
        return held[1]
    if len(_LAYERS) >= _LAYERS_KEPT:
        _LAYERS.clear()
    layer = _of_collection(cubes.collection, cubes.coverages)
    _LAYERS[id(cubes)] = cubes, layer
    return layer


def _of_collection(collection: Collection, coverages: tuple[Coverage, ...]) -> TileLayer:
    return TileLayer(
        id=collection.id, title=collection.title, collection=collection, coverages=coverages
    )


def _mappable(collection: Collection, view: CatalogView) -> tuple[Coverage, ...]:
    found = (view.coverage(cube.name) for cube in view.cubes(collection.id))
    return tuple(coverage for coverage in found if coverage.mappable)


def _native(coverage: Coverage) -> TileMatrixSet | None:
    """Return the set of a coverage's own lattice, made once: of a hundred zones each asks all."""
    held = _NATIVE.get(id(coverage))
    if held is not None:
        return held[1]
    groups = (group for group in coverage.cube.groups if group.name == coverage.group)
    found = next((native_set(group) for group in groups), None)
    if len(_NATIVE) >= _NATIVE_KEPT:
        _NATIVE.clear()
    _NATIVE[id(coverage)] = coverage, found
    return found


def _same(one: TileMatrixSet | None, other: TileMatrixSet) -> bool:
    return one is other or (one is not None and one.id == other.id and one == other)


def plane_bbox(grid: Grid, crs: CRS) -> Bbox:
    """Return the hull of a grid in a CRS; what the CRS cannot show is left out.

    Raises
    ------
    OutOfDomainError
        If it can show nothing.
    """
    if same_crs(grid.crs, crs):
        return grid.bbox
    return _plane_bbox(known_crs(grid.crs), grid.x, grid.y, known_crs(crs))


@lru_cache(maxsize=4096)
def _plane_bbox(source: KnownCrs, x: RegularAxis, y: RegularAxis, target: KnownCrs) -> Bbox:
    west, south, east, north = lonlat_bbox(Grid(crs=source.crs, x=x, y=y))
    if same_crs(target.crs, CRS84):
        return west, south, east, north
    if same_crs(target.crs, WORLD_SETS[0].crs):
        limit = _MERCATOR_LATITUDE_DEG
        south, north = max(south, -limit), min(north, limit)
    if south < north:
        box = transformer(CRS84, target.crs).transform_bounds(west, south, east, north)
        min_x, min_y, max_x, max_y = (float(number) for number in box)
        if all(map(isfinite, (min_x, min_y, max_x, max_y))) and min_x < max_x and min_y < max_y:
            return min_x, min_y, max_x, max_y
    raise OutOfDomainError(f"the layer has no place in {target.crs.name}")
