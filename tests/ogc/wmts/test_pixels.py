"""Tiles of real scenes against the source, and against GDAL's own warp of it."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from tests.acceptance.clients import Rgba, View, rgba
from tests.acceptance.painting import (
    TOP_OF_ATMOSPHERE,
    TRUE_COLOUR,
    Planes,
    gdal_warp,
    painted,
    read_planes,
)

NATIVE = "EPSG32618_10m"
FINEST = 9
"""Number of the native set's matrix of 10 m; each before has cells twice as large."""
LEFT, TOP = -600_000.0, 10_800_000.0
"""Corner of all UTM cubes in the north."""
DAY = "2015-12-26"
WEST, NORTH = -180.0, 90.0
HALF_WORLD_M = np.pi * 6_378_137.0


@pytest.fixture(scope="module")
def source(samples: Path) -> tuple[Planes, rasterio.Affine, str]:
    return read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))


def tile(client: TestClient, tiles: str, matrix: int, row: int, column: int, ending: str) -> bytes:
    path = f"/wmts/1.0.0/S2_L1C/true-colour/{DAY}/{tiles}/{matrix}/{row}/{column}.{ending}"
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.content


def on_lattice(planes: Planes, transform: rasterio.Affine, margin: int) -> tuple[Planes, int, int]:
    """Return planes widened to whole multiples of `margin` cells, and their first column and row.

    Columns and rows count from the corner of the cube.
    """
    column, row = round((transform.c - LEFT) / 10), round((TOP - transform.f) / 10)
    left, top = column % margin, row % margin
    rows, columns = planes.shape[1:]
    wide = np.full(
        (3, -(-(rows + top) // margin) * margin, -(-(columns + left) // margin) * margin), np.nan
    )
    wide[:, top : top + rows, left : left + columns] = planes
    return wide, column - left, row - top


def halved(planes: Planes) -> Planes:
    """Return means of four cells over those with data, rounded half to even."""
    blocks = np.stack([planes[:, a::2, b::2] for a in (0, 1) for b in (0, 1)])
    known = np.isfinite(blocks)
    count = known.sum(axis=0)
    total = np.where(known, blocks, 0).sum(axis=0)
    return np.where(count > 0, np.rint(total / np.maximum(count, 1)), np.nan)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_native_tiles_are_the_cells_of_the_pyramid(
    tiles: TestClient, source: tuple[Planes, rasterio.Affine, str], level: int
) -> None:
    """Every pixel, over all tiles of a matrix that the scene touches."""
    planes, column, row = on_lattice(source[0], source[1], 256 << level)
    for _ in range(level):
        planes = halved(planes)
    wanted = painted(planes, TOP_OF_ATMOSPHERE)
    first_column, first_row = column // (256 << level), row // (256 << level)
    shown = np.zeros_like(wanted)
    for down in range(wanted.shape[0] // 256):
        for along in range(wanted.shape[1] // 256):
            body = tile(
                tiles, NATIVE, FINEST - level, first_row + down, first_column + along, "png"
            )
            place = np.s_[256 * down : 256 * down + 256, 256 * along : 256 * along + 256]
            shown[place] = rgba(body)
    assert (wanted[..., 3] == 255).any()
    np.testing.assert_array_equal(shown, wanted)


def mercator_view(matrix: int, row: int, column: int) -> View:
    side = 2 * HALF_WORLD_M / 2**matrix
    x0, y1 = -HALF_WORLD_M + column * side, HALF_WORLD_M - row * side
    return View(crs="EPSG:3857", box=(x0, y1 - side, x0 + side, y1), width_px=256, height_px=256)


def degrees_view(matrix: int, row: int, column: int) -> View:
    side = 180 / 2**matrix
    x0, y1 = WEST + column * side, NORTH - row * side
    return View(crs="CRS:84", box=(x0, y1 - side, x0 + side, y1), width_px=256, height_px=256)


def close_to_gdal(shown: Rgba, wanted: NDArray[np.uint8]) -> None:
    """Fail where a picture is not GDAL's, but for the place and rounding before the stretch."""
    assert np.mean(shown[..., 3] != wanted[..., 3]) < 0.01
    both = (shown[..., 3] == 255) & (wanted[..., 3] == 255)
    assert both.mean() > 0.3
    difference = np.abs(shown[both].astype(int) - wanted[both])[:, :3]
    assert difference.mean() < 0.1
    assert np.percentile(difference, 99) <= 1
    assert difference.max() <= 3


@pytest.mark.parametrize(
    ("name", "view", "place"),
    [
        ("WebMercatorQuad", mercator_view, (14, 6337, 4750)),
        ("WebMercatorQuad", mercator_view, (15, 12674, 9502)),
        ("WorldCRS84Quad", degrees_view, (13, 2380, 4749)),
    ],
)
def test_world_tiles_are_gdals_warp(
    tiles: TestClient,
    source: tuple[Planes, rasterio.Affine, str],
    name: str,
    view: Callable[[int, int, int], View],
    place: tuple[int, int, int],
) -> None:
    warped = gdal_warp(*source, view(*place), Resampling.bilinear)
    shown = rgba(tile(tiles, name, *place, "png"))
    close_to_gdal(shown, painted(warped, TOP_OF_ATMOSPHERE))


def test_every_address_gives_the_same_tile(tiles: TestClient) -> None:
    body = tile(tiles, "WebMercatorQuad", 14, 6337, 4750, "png")
    kvp = (
        "SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&LAYER=S2_L1C&STYLE=true-colour"
        f"&FORMAT=image/png&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=14&TILEROW=6337&TILECOL=4750&TIME={DAY}"
    )
    for address in (
        f"/wmts?{kvp}",
        f"/ows?{kvp}",
        f"/tiles/S2_L1C/14/4750/6337.png?time={DAY}",
        f"/ogcapi/collections/S2_L1C/map/tiles/WebMercatorQuad/14/6337/4750?datetime={DAY}",
        f"/ogcapi/collections/S2_L1C/styles/true-colour/map/tiles/WebMercatorQuad/14/6337/4750?f=png&datetime={DAY}",
        f"/ogcapi/map/tiles/WebMercatorQuad/14/6337/4750?collections=S2_L1C&datetime={DAY}",
    ):
        response = tiles.get(address)
        assert response.content == body, address
        assert response.headers["content-type"] == "image/png"


@pytest.mark.parametrize(("ending", "most"), [("jpg", 6.0), ("webp", 6.0)])
def test_other_formats_show_the_same(tiles: TestClient, ending: str, most: float) -> None:
    wanted = rgba(tile(tiles, "WebMercatorQuad", 14, 6337, 4750, "png"))
    body = tile(tiles, "WebMercatorQuad", 14, 6337, 4750, ending)
    shown = rgba(body)
    known = wanted[..., 3] == 255
    if ending == "webp":
        np.testing.assert_array_equal(shown[..., 3], wanted[..., 3])
    # Colours blend over 8 px at the edge of what is known.
    inside = cv2.erode(known.astype(np.uint8), np.ones((17, 17), np.uint8)) == 1
    difference = np.abs(shown[inside].astype(int) - wanted[inside])[:, :3]
    assert inside.any()
    assert difference.mean() < most


def test_a_map_as_geotiff_lies_where_it_says(
    tiles: TestClient, source: tuple[Planes, rasterio.Affine, str]
) -> None:
    planes, transform, _ = source
    rows, columns = planes.shape[1:]
    address = f"/ogcapi/collections/S2_L1C/map?f=tiff&width={columns}&height={rows}&datetime={DAY}"
    response = tiles.get(address)
    assert response.status_code == 200, response.text
    with MemoryFile(response.content) as file, file.open() as made:
        assert made.crs.to_epsg() == 32618
        assert made.transform == transform
        assert [colour.name for colour in made.colorinterp] == ["red", "green", "blue", "alpha"]
        assert made.tags()["source_scenes"].startswith("S2")
        shown = np.moveaxis(made.read(), 0, -1)
    np.testing.assert_array_equal(shown, painted(planes, TOP_OF_ATMOSPHERE))
