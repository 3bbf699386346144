"""What the name of a map layer means: all cubes of a collection, or one coverage."""

from dataclasses import dataclass

from datacube.cube import Band, Collection, Coverage
from datacube.errors import UnknownNameError
from datacube.protocols import CatalogView


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCubes:
    """A layer's cubes, each as the coverage on its finest grid or the one that was named."""

    collection: Collection
    coverages: tuple[Coverage, ...]
    """All of them mappable, by name."""

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands that any of them has, in order of first use."""
        found: dict[str, Band] = {}
        for coverage in self.coverages:
            for band in coverage.bands:
                found.setdefault(band.name, band)
        return tuple(found.values())


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
    coverages = tuple(coverage for coverage in found if coverage.mappable)
    if not coverages:
        return _one_cube(name, view)
    return LayerCubes(collection=collection, coverages=coverages)


def _one_cube(name: str, view: CatalogView) -> LayerCubes:
    try:
        coverage = view.coverage(name)
    except UnknownNameError:
        offered = tuple(c.id for c in view.collections())
        raise UnknownNameError("layer", name, offered) from None
    if not coverage.mappable:
        raise UnknownNameError("layer", name)
    return LayerCubes(collection=view.collection(coverage.cube.collection), coverages=(coverage,))
