"""Map tiles of the web over the big scene."""

import random
from dataclasses import dataclass

from rasterio.warp import transform_bounds

from bench.data import CRS, LEFT_M, SIDE_PX, TOP_M
from datacube.protocols import Bbox

TILE_PX = 256
ZOOMS = tuple(range(14, 7, -1))
_HALF_M = 20_037_508.342789244
"""Half the side of the world in EPSG:3857."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile of the usual scheme, rows counted from the north."""

    zoom: int
    col: int
    row: int

    @property
    def bbox(self) -> Bbox:
        """Edges in EPSG:3857."""
        side = 2 * _HALF_M / 2**self.zoom
        left, top = self.col * side - _HALF_M, _HALF_M - self.row * side
        return left, top - side, left + side, top


def tiles(zoom: int, count: int) -> list[Tile]:
    """Return tiles with their centre in the scene: as many different ones as there are."""
    extent = LEFT_M, TOP_M - SIDE_PX * 10, LEFT_M + SIDE_PX * 10, TOP_M
    west, south, east, north = transform_bounds(CRS, "EPSG:3857", *extent)
    side = 2 * _HALF_M / 2**zoom
    rng = random.Random(zoom)
    # A UTM square stands a little askew in Mercator.
    margin_x, margin_y = (east - west) / 50, (north - south) / 50
    found = []
    for _ in range(count):
        x = rng.uniform(west + margin_x, east - margin_x)
        y = rng.uniform(south + margin_y, north - margin_y)
        found.append(
            Tile(zoom=zoom, col=int((x + _HALF_M) // side), row=int((_HALF_M - y) // side))
        )
    return found
