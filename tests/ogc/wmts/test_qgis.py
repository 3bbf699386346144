"""QGIS of Debian opens the tile service as a user pastes it, and draws the source."""

from pathlib import Path

import numpy as np
from rasterio.enums import Resampling

from tests.acceptance.clients import Box, View
from tests.acceptance.painting import (
    TOP_OF_ATMOSPHERE,
    TRUE_COLOUR,
    gdal_warp,
    painted,
    read_planes,
)
from tests.builders.qgis import MAGENTA, Qgis, drawn_by_qgis


def drawn(qgis: Qgis, folder: Path, address: str, tiles: str, view: View) -> np.ndarray:
    """Return what QGIS draws, `(y, x, red/green/blue)`; magenta where it has no tile."""
    return drawn_by_qgis(
        qgis,
        folder / "qgis.png",
        address=address,
        layer="S2_L1C",
        style=f"true-colour&tileMatrixSet={tiles}&tileDimensions=time%3D2015-12-26",
        crs=view.crs,
        box=view.box,
        side_px=view.width_px,
    )


def wanted(samples: Path, view: View, method: Resampling) -> np.ndarray:
    source = read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))
    return painted(gdal_warp(*source, view, method), TOP_OF_ATMOSPHERE)


def square(crs: str, x0: float, y0: float, side: float, side_px: int) -> View:
    box: Box = (x0, y0, x0 + side, y0 + side)
    return View(crs=crs, box=box, width_px=side_px, height_px=side_px)


def test_native_tiles_are_drawn_pixel_for_pixel(
    qgis: Qgis, demo_url: str, tmp_path: Path, samples: Path
) -> None:
    view = square("EPSG:32618", 443_000, 4_168_000, 4000, 400)
    address = f"{demo_url}/wmts/1.0.0/WMTSCapabilities.xml"
    shown = drawn(qgis, tmp_path, address, "EPSG32618_10m", view)
    expected = wanted(samples, view, Resampling.nearest)
    known = expected[..., 3] == 255
    assert known.mean() > 0.9
    np.testing.assert_array_equal(shown[known], expected[known][:, :3])
    assert (shown[~known] == MAGENTA).all()


def test_web_mercator_tiles_are_drawn_by_kvp(
    qgis: Qgis, demo_url: str, tmp_path: Path, samples: Path
) -> None:
    """Pixels of zoom 14, on whose lattice the view lies."""
    cell = 2 * np.pi * 6_378_137 / 256 / 2**14
    x0, y0 = (np.floor(place / cell) * cell for place in (-8_418_000.0, 4_533_000.0))
    view = square("EPSG:3857", x0, y0, 400 * cell, 400)
    address = f"{demo_url}/wmts?SERVICE%3DWMTS%26REQUEST%3DGetCapabilities"
    shown = drawn(qgis, tmp_path, address, "WebMercatorQuad", view)
    expected = wanted(samples, view, Resampling.bilinear)
    known = (expected[..., 3] == 255) & (shown != MAGENTA).any(axis=-1)
    assert known.mean() > 0.9
    difference = np.abs(shown[known].astype(int) - expected[known][:, :3])
    assert difference.mean() < 0.2
    assert np.percentile(difference, 99) <= 2
