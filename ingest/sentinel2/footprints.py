"""Detector footprints given as GML polygons, as products before baseline 04.00 have them."""

import re
from collections.abc import Sequence
from math import isfinite

import numpy as np
from lxml import etree
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely.geometry import Polygon

from datacube.errors import SourceError
from datacube.grid import Grid, Window

_GML = "{http://www.opengis.net/gml/3.2}"

type Ring = list[tuple[float, float]]


def parse_footprint(root: etree._Element, name: str, epsg: int) -> tuple[Polygon, ...]:
    """Read the polygons of a file `MSK_DETFOO_<band>.gml`: `(x, y)` in the CRS of the tile.

    Raises
    ------
    SourceError
        If there is none, one is no polygon, or they are in another CRS than EPSG:`epsg`.
    """
    for element in root.iter(f"{_GML}Envelope", f"{_GML}Polygon"):
        code = re.search(r"\d+$", element.get("srsName", ""))
        if code and int(code.group()) != epsg:
            raise SourceError(f"{name} is in {element.get('srsName')}, the tile in EPSG:{epsg}")
    polygons = tuple(_polygon(element, name) for element in root.iter(f"{_GML}Polygon"))
    if not polygons:
        raise SourceError(f"{name} has no polygon")
    return polygons


def rasterise(polygons: Sequence[Polygon], grid: Grid, window: Window) -> NDArray[np.uint8]:
    """Return 1 where the centre of a cell lies in one of `polygons`, `(y, x)` in `window`."""
    cells: NDArray[np.uint8] = rasterize(
        polygons,
        out_shape=window.plane.shape,
        transform=grid.at(window).transform,
        default_value=1,
        dtype="uint8",
    )
    return cells


def _polygon(element: etree._Element, name: str) -> Polygon:
    rings = {
        side: [_ring(ring, name) for ring in element.iterfind(f"{_GML}{side}//{_GML}posList")]
        for side in ("exterior", "interior")
    }
    if len(rings["exterior"]) != 1:
        raise SourceError(
            f"{name} has a polygon with {len(rings['exterior'])} outer rings; one is needed"
        )
    return Polygon(rings["exterior"][0], rings["interior"])


def _ring(element: etree._Element, name: str) -> Ring:
    dimension = element.get("srsDimension", "2")
    try:
        numbers = [float(number) for number in (element.text or "").split()]
    except ValueError as error:
        raise SourceError(f"{name} has a posList that is not of numbers: {error}") from error
    if dimension not in ("2", "3") or not all(isfinite(number) for number in numbers):
        raise SourceError(
            f"{name} has a posList of dimension {dimension!r}; finite numbers of 2 or 3 are needed"
        )
    step = int(dimension)
    ring = list(zip(numbers[::step], numbers[1::step], strict=False))
    if len(numbers) % step or len(ring) < 4 or ring[0] != ring[-1]:
        raise SourceError(f"{name} has a posList of {len(numbers)} numbers, no closed ring")
    return ring
