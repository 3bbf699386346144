"""The chunks of files and views."""

from datacube.encode.blocks import TILE_PX
from datacube.plan.nodes import Domain


def chunk_shape(domain: Domain) -> tuple[int, ...]:
    """Return the cells of one chunk along each axis: a tile of the last two, else a run.

    May reach beyond the domain; empty for a single number.
    """
    axes = len(domain.axes)
    if axes < 2:
        return (TILE_PX**2,) * axes
    return (*([1] * (axes - 2)), TILE_PX, TILE_PX)
