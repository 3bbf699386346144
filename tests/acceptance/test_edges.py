"""Axis orders, and edges of data: cut, swath and holes, against a warp in float with a mask."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling

from tests.acceptance.clients import View, get_map, picture, view_of
from tests.acceptance.painting import (
    SURFACE,
    TOP_OF_ATMOSPHERE,
    TRUE_COLOUR,
    Planes,
    gdal_warp,
    painted,
    read_planes,
)
from tests.builders.expected import expected_stored
from tests.builders.presets import north
from tests.builders.safe import build_safe
from tests.builders.served import run_copernicube, served
from tests.builders.surface import STORED_NODATA, Surface, real_surface

VIRGINIA = (442_680.0, 4_167_180.0, 450_840.0, 4_175_340.0)
BEYOND = (VIRGINIA[0] - 400, VIRGINIA[1] - 400, VIRGINIA[2] + 400, VIRGINIA[3] + 400)
SIZE_PX = 240
CRSS = ("EPSG:3857", "EPSG:4326", "CRS:84", "EPSG:3035")
BANDS = ("B02", "B03", "B04", "B08", "SCL")


def with_holes(surface: Surface) -> Surface:
    """Punch holes of one to forty pixels, on edges too, into every band at once."""
    draw = np.random.default_rng(5)
    gone = np.zeros((surface.size_px_10m // 6,) * 2, np.bool_)
    gone[draw.random(gone.shape) < 0.15] = True
    gone[10:17, 20:26] = True
    gone[:, 0] = True
    layers = tuple(
        replace(
            layer,
            covered=~gone.repeat(step := layer.covered.shape[0] // len(gone), 0).repeat(step, 1),
        )
        for layer in surface.layers
    )
    classes = np.where(gone.repeat(3, axis=0).repeat(3, axis=1), 0, surface.scene_class)
    return replace(surface, layers=layers, scene_class=classes.astype(np.uint8))


@pytest.fixture(scope="module")
def surface() -> Surface:
    return with_holes(real_surface(SIZE_PX))


@pytest.fixture(scope="module")
def holes_url(tmp_path_factory: pytest.TempPathFactory, surface: Surface) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("holes")
    safe = build_safe(folder, surface, replace(north(), bands=BANDS))
    run_copernicube("ingest", "--store", folder / "store", safe)
    with served(folder / "store") as url:
        yield url


def stored_planes(surface: Surface) -> Planes:
    stored = [expected_stored(surface, north(), band) for band in TRUE_COLOUR]
    return np.stack([np.where(p == STORED_NODATA, np.nan, p.astype(float)) for p in stored])


def frayed(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels beside an edge of the data."""
    one = valid.astype(np.uint8)
    kernel = np.ones((3, 3))
    return np.asarray(cv2.dilate(one, kernel) != cv2.erode(one, kernel, borderValue=1))


def compare(shown: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    """Compare a map with a painted float warp: `(y, x, red/green/blue/alpha)`.

    GDAL's bilinear with a mask is ours: weights of valid cells only, and valid where the cell
    under the centre is. A place may differ by an eighth of a cell, so that a centre on an edge
    may fall on either side of it; what bled from -32768 would be black.
    """
    valid, known = shown[..., 3] == 255, wanted[..., 3] == 255
    edge = frayed(known)
    assert edge.mean() > 0.005
    assert not np.any((valid != known) & ~edge)
    assert np.mean(valid != known) < 1e-4
    both = valid & known
    difference = np.abs(shown[both].astype(int) - wanted[both])[:, :3]
    assert difference.mean() < 0.1
    assert difference.max() <= 2
    assert difference[edge[both]].mean() < 0.1


@pytest.mark.parametrize("crs", CRSS)
def test_nothing_bleeds_over_the_edge_of_a_cut(demo_url: str, samples: Path, crs: str) -> None:
    # LAEA Europe does not reach Virginia; the zone next door does.
    view = view_of(crs.replace("3035", "32617"), BEYOND, "EPSG:32618", 9.0)
    planes, transform, wkt = read_planes(
        tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR)
    )
    warped = gdal_warp(planes, transform, wkt, view, Resampling.bilinear)
    shown = picture(get_map(demo_url, "S2_L1C", view, time="2015-12-26"))
    compare(shown, painted(warped, TOP_OF_ATMOSPHERE))


@pytest.mark.parametrize("crs", CRSS)
def test_nothing_bleeds_into_holes(holes_url: str, surface: Surface, crs: str) -> None:
    product = north()
    x, y = product.origin_x_m, product.origin_y_m
    box = (x - 100, y - SIZE_PX * 10 - 100, x + SIZE_PX * 10 + 100, y + 100)
    view = view_of(crs, box, "EPSG:32633", 4.0)
    source = (product.transform(10), "EPSG:32633")
    warped = gdal_warp(stored_planes(surface), *source, view, Resampling.bilinear)
    compare(picture(get_map(holes_url, "S2_L2A", view)), painted(warped, SURFACE))


def test_native_cells_beside_holes_are_untouched(holes_url: str, surface: Surface) -> None:
    product = north()
    x, y = product.origin_x_m, product.origin_y_m
    side = SIZE_PX * 10
    view = View(
        crs="EPSG:32633", box=(x, y - side, x + side, y), width_px=SIZE_PX, height_px=SIZE_PX
    )
    shown = picture(get_map(holes_url, "S2_L2A", view))
    np.testing.assert_array_equal(shown, painted(stored_planes(surface), SURFACE))


def test_a_coarser_map_averages_only_what_is_there(holes_url: str, surface: Surface) -> None:
    """Two by two cells a pixel: the mean over valid cells, rounded half to even."""
    product = north()
    x, y = product.origin_x_m, product.origin_y_m
    side, half = SIZE_PX * 10, SIZE_PX // 2
    view = View(crs="EPSG:32633", box=(x, y - side, x + side, y), width_px=half, height_px=half)
    shown = picture(get_map(holes_url, "S2_L2A", view))
    blocks = stored_planes(surface).reshape(3, half, 2, half, 2)
    count = np.isfinite(blocks).sum(axis=(2, 4))
    total = np.nansum(blocks, axis=(2, 4))
    mean = np.where(count, np.rint(total / np.maximum(count, 1)), np.nan)
    np.testing.assert_array_equal(shown, painted(mean, SURFACE))


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "CRS:84", "EPSG:32618"])
def test_one_place_is_one_pixel_in_every_crs(demo_url: str, samples: Path, crs: str) -> None:
    """A lone cell asked for by its corner coordinates, whatever their order."""
    planes, transform, _ = read_planes((samples / "virginia/B08.tif",))
    for row, column in ((100, 700), (700, 100), (400, 333)):
        centre = transform @ (column + 0.5, row + 0.5)
        to = Transformer.from_crs(32618, "OGC:CRS84" if crs == "CRS:84" else crs, always_xy=True)
        x, y = to.transform(*centre)
        reach = 1e-6 if crs in {"EPSG:4326", "CRS:84"} else 0.1
        box = (x - reach, y - reach, x + reach, y + reach)
        view = View(crs=crs, box=box, width_px=1, height_px=1)
        shown = picture(get_map(demo_url, "S2_L1C", view, styles="B08", time="2015-12-26"))
        wanted = painted(planes[:, row : row + 1, column : column + 1], ((0, 4000, 1.2),))
        grey = wanted[0, 0, 0]
        assert np.abs(shown[0, 0, :3].astype(int) - grey).max() <= 1
        assert shown[0, 0, 3] == 255
