"""Which maps are asked for: random places of the big scene, the same in every run."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rasterio.warp import transform_bounds

from bench.data import CRS, LEFT_M, SIDE_PX, TOP_M
from bench.mercator import TILE_PX
from datacube.protocols import Bbox

NATIVE_ZOOMS = (10, 11, 12, 13, 14)
OVERVIEW_ZOOMS = (8, 9)
SCENE = LEFT_M, TOP_M - SIDE_PX * 10.0, LEFT_M + SIDE_PX * 10.0, TOP_M
"""Edges of the big scene in its CRS."""
_WORLD_M = 2 * 20_037_508.342789244
_MARGIN = 0.02
"""Part of the extent that is left out at each edge: a UTM square stands askew in Mercator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A map of one tile's size, with its corner at any pixel and not at a tile's."""

    zoom: int
    bbox: Bbox
    """Edges in EPSG:3857."""


def places(
    zooms: Sequence[int], count: int, *, extent: Bbox = SCENE, crs: str = CRS
) -> list[Place]:
    """Return places, equally many of each zoom in random order, no two alike.

    They lie wholly in the extent where they fit in; else their centre does.
    """
    west, south, east, north = transform_bounds(crs, "EPSG:3857", *extent)
    margin = (east - west) * _MARGIN, (north - south) * _MARGIN
    rng = random.Random(count)
    found = []
    for number in range(count):
        zoom = zooms[number % len(zooms)]
        side = _WORLD_M / 2**zoom
        left = _position(rng, west + margin[0], east - margin[0], side)
        bottom = _position(rng, south + margin[1], north - margin[1], side)
        found.append(Place(zoom=zoom, bbox=(left, bottom, left + side, bottom + side)))
    rng.shuffle(found)
    return found


def get_map(
    layer: str, style: str, image: str, place: Place, *, path: str = "/ows", more: str = ""
) -> str:
    """Return the address of a WMS 1.3.0 map."""
    box = ",".join(repr(v) for v in place.bbox)
    return (
        f"{path}?service=WMS&version=1.3.0&request=GetMap&layers={layer}&styles={style}"
        f"&crs=EPSG:3857&bbox={box}&width={TILE_PX}&height={TILE_PX}&format=image/{image}{more}"
    )


def _position(rng: random.Random, low: float, high: float, side: float) -> float:
    if high - low > side:
        return rng.uniform(low, high - side)
    return rng.uniform(low, high) - side / 2
