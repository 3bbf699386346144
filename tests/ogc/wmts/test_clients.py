"""OWSLib and GDAL as clients of the tile service, over a real server."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from owslib.wmts import WebMapTileService
from rasterio.enums import Resampling
from rasterio.env import Env

from tests.acceptance.clients import View, rgba
from tests.acceptance.painting import (
    TOP_OF_ATMOSPHERE,
    TRUE_COLOUR,
    gdal_warp,
    painted,
    read_planes,
)
from tests.ogc.wmts.test_pixels import close_to_gdal

VIRGINIA = (442_680.0, 4_167_180.0, 450_840.0, 4_175_340.0)
"""The whole sample, in EPSG:32618."""


@pytest.fixture(scope="module")
def owslib(demo_url: str) -> WebMapTileService:
    return WebMapTileService(f"{demo_url}/wmts")


def test_owslib_reads_what_is_offered(owslib: WebMapTileService) -> None:
    assert owslib.identification.type == "OGC WMTS"
    assert set(owslib.contents) == {"S2_L1C", "S2_L2A"}
    layer = owslib["S2_L1C"]
    assert next(iter(layer.styles)) == "true-colour"
    assert layer.styles["true-colour"]["isDefault"]
    assert set(layer.tilematrixsetlinks) == {"WebMercatorQuad", "WorldCRS84Quad", "EPSG32618_10m"}
    limits = layer.tilematrixsetlinks["EPSG32618_10m"].tilematrixlimits["9"]
    assert (limits.mintilecol, limits.maxtilecol) == (407, 410)
    assert layer.dimensions["time"]["default"] == "current"
    assert layer.dimensions["time"]["values"] == ["2015-06-23"]
    assert layer.boundingBoxWGS84 == pytest.approx((-75.6504, 37.65, -75.5573, 37.724), abs=1e-3)
    finest = owslib.tilematrixsets["EPSG32618_10m"].tilematrix["9"]
    assert finest.topleftcorner == (-600_000.0, 10_800_000.0)
    assert finest.scaledenominator == pytest.approx(10 / 0.00028)


def test_owslib_gets_a_tile(owslib: WebMapTileService) -> None:
    body = owslib.gettile(
        layer="S2_L1C",
        style="true-colour",
        tilematrixset="WebMercatorQuad",
        tilematrix="13",
        row=3168,
        column=2375,
        format="image/png",
        time="2015-12-26",
    ).read()
    picture = rgba(body)
    assert picture.shape == (256, 256, 4)
    assert (picture[..., 3] == 255).any()


@pytest.fixture
def gdal_cache(tmp_path: Path) -> Iterator[None]:
    """Keep GDAL's files of tiles to this test."""
    with Env(GDAL_DEFAULT_WMS_CACHE_PATH=str(tmp_path / "tiles"), GDAL_HTTP_TIMEOUT="60"):
        yield


@pytest.mark.usefixtures("gdal_cache")
def test_gdal_opens_the_native_set_pixel_for_pixel(demo_url: str, samples: Path) -> None:
    address = (
        f"WMTS:{demo_url}/wmts/1.0.0/WMTSCapabilities.xml,layer=S2_L1C,style=true-colour,"
        "tilematrixset=EPSG32618_10m,extendbeyonddateline=no"
    )
    with rasterio.open(address) as data:
        assert data.crs.to_epsg() == 32618
        assert data.transform.a == pytest.approx(10)
        window = data.window(*VIRGINIA).round()
        shown = np.moveaxis(data.read(window=window), 0, -1)
    planes, _, _ = read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))
    wanted = painted(planes, TOP_OF_ATMOSPHERE)
    np.testing.assert_array_equal(shown[..., :3], wanted[..., :3])


@pytest.mark.usefixtures("gdal_cache")
def test_gdal_opens_web_mercator(demo_url: str, samples: Path) -> None:
    """A window of a few tiles at the zoom nearest to the cells."""
    address = (
        f"WMTS:{demo_url}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities,layer=S2_L1C,"
        "style=true-colour,tilematrixset=WebMercatorQuad,tilematrix=15"
    )
    with rasterio.open(address) as data:
        assert data.crs.to_epsg() == 3857
        cell = data.transform.a
        x0, y0 = -8_418_000.0, 4_534_000.0
        window = data.window(x0, y0, x0 + 600 * cell, y0 + 400 * cell).round()
        x0, y0, x1, y1 = data.window_bounds(window)
        shown = np.moveaxis(data.read(window=window), 0, -1)
    view = View(
        crs="EPSG:3857", box=(x0, y0, x1, y1), width_px=shown.shape[1], height_px=shown.shape[0]
    )
    source = read_planes(tuple(samples / f"virginia/{band}.tif" for band in TRUE_COLOUR))
    close_to_gdal(shown, painted(gdal_warp(*source, view, Resampling.bilinear), TOP_OF_ATMOSPHERE))
