"""What the name of a map layer means: all cubes of a collection, or one coverage."""

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from datacube.cube import Band, Collection, Coverage
from datacube.errors import UnknownNameError
from datacube.grid import Grid
from datacube.plan.boxes import lonlat_box
from datacube.protocols import CatalogView

_KEPT = 64
_LAYERS: dict[tuple[int, ...], "LayerCubes"] = {}
"""Layers of several cubes by the `id` of their parts, which they hold: a layer may have a
hundred cubes, and what is found out about them stays true.
"""
_EVERYWHERE = (-inf, -inf, inf, inf)


@dataclass(frozen=True, kw_only=True)
class LayerCubes:
    """A layer's cubes, each as the coverage on its finest grid or the one that was named."""

    collection: Collection
    coverages: tuple[Coverage, ...]
    """All of them mappable, by name."""

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """The bands that any of them has, in order of first use."""
        found: dict[str, Band] = {}
        for coverage in self.coverages:
            for band in coverage.bands:
                found.setdefault(band.name, band)
        return tuple(found.values())

    @cached_property
    def _boxes(self) -> NDArray[np.float64]:
        """Boxes in longitude and latitude; of what has none, everything."""
        boxes = (lonlat_box(coverage.grid.bbox, coverage.grid.crs) for coverage in self.coverages)
        return np.array([_EVERYWHERE if box is None else box for box in boxes])

    def near(self, grid: Grid) -> tuple[Coverage, ...]:
        """Return the cubes that do not certainly lie apart from a map."""
        if len(self.coverages) == 1:
            return self.coverages
        here = lonlat_box(grid.bbox, grid.crs)
        if here is None:
            return self.coverages
        west, south, east, north = self._boxes.T
        meet = (west <= here[2]) & (here[0] <= east) & (south <= here[3]) & (here[1] <= north)
        return tuple(self.coverages[at] for at in np.flatnonzero(meet).tolist())


def find_layer(name: str, view: CatalogView) -> LayerCubes:
    """Return the cubes of the layer called `name`.

    Raises
    ------
    UnknownNameError
        If there is no such collection or coverage, or it has no plane on the Earth.
    """
    try:
        collection = view.collection(name)
    except UnknownNameError:
        return _one_cube(name, view)
    found = (view.coverage(cube.name) for cube in view.cubes(name))
    every = tuple(found)
    key = (id(collection), *map(id, every))
    layer = _LAYERS.get(key)
    if layer is None:
        coverages = tuple(coverage for coverage in every if coverage.mappable)
        layer = LayerCubes(collection=collection, coverages=coverages)
        if len(coverages) == len(every):
            # Then it holds all that the key names, and no other object gets such an `id`.
            while len(_LAYERS) >= _KEPT:
                _LAYERS.pop(next(iter(_LAYERS)), None)
            _LAYERS[key] = layer
    return layer if layer.coverages else _one_cube(name, view)


def _one_cube(name: str, view: CatalogView) -> LayerCubes:
    try:
        coverage = view.coverage(name)
    except UnknownNameError:
        offered = tuple(c.id for c in view.collections())
        raise UnknownNameError("layer", name, offered) from None
    if not coverage.mappable:
        raise UnknownNameError("layer", name)
    return LayerCubes(collection=view.collection(coverage.cube.collection), coverages=(coverage,))
