"""Where data lies, drawn in place of more scenes than a map can read."""

from collections.abc import Iterable, Sequence
from statistics import median

import shapely

from datacube.cube import Coverage, Cube
from datacube.errors import CubeError
from datacube.grid import Grid
from datacube.overviews import MERCATOR
from datacube.plan.boxes import crosses_antimeridian
from datacube.plan.clipping import union, warped
from datacube.plan.colour import ClassColour, Classes
from datacube.plan.nodes import Colour, Domain, Literal, Mask, Plan
from datacube.protocols import Bbox
from datacube.slots import Slot

MOST_SCENES = 1000
"""Scenes that a layer of a map reads where each is smaller than a tile."""
_TILE_PX = 256
_RULE = Classes(
    classes=(ClassColour(value=1.0, title="Data", rgb=(70, 130, 180), alpha=110),),
)


class CrowdedError(Exception):
    """A layer has more scenes than a map reads, each smaller than a tile; no client is told."""

    def __init__(self, known: Plan | None = None) -> None:
        super().__init__()
        self.known = known
        """What is shown where scenes need not be read."""


def are_small(slots: Sequence[Slot], cube: Cube, pixel: float) -> bool:
    """Tell whether scenes are smaller than a tile; `pixel` is in the unit of the cube's CRS."""
    group = cube.groups[0]
    sides = [
        max(covered.window.plane.shape) * group.resolution / pixel
        for slot in slots
        if (covered := slot.window(group.name)) is not None
    ]
    return bool(sides) and median(sides) < _TILE_PX


def footprints(
    coverages: Iterable[Coverage], grid: Grid, within: Sequence[Bbox] = ()
) -> Colour | None:
    """Return the hulls of coverages as a layer; None where no hull has a place on the grid.

    A hull across the antimeridian is left out: on most maps it lies at both edges. `within`
    are the boxes in EPSG:3857 in which they are drawn; none: everywhere.
    """
    areas = []
    for coverage in coverages:
        hull = coverage.grid
        if crosses_antimeridian(hull.bbox, hull.crs):
            continue
        try:
            areas.append(warped(shapely.box(*hull.bbox), hull.crs, grid.crs))
        except CubeError:
            # Beyond what the map's CRS can show there is nothing to draw.
            continue
    if not areas:
        return None
    shape = union(areas)
    if within:
        boxes = [warped(shapely.box(*box), MERCATOR, grid.crs) for box in within]
        shape = shapely.intersection(shape, union(boxes))
    if shapely.is_empty(shape):
        return None
    there = Literal(value=1, domain=Domain(grid=grid))
    return Colour(source=Mask(source=there, area=shapely.to_wkb(shape), rows=0, cols=1), rule=_RULE)
