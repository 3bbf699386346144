"""QGIS of Debian opens our WCS, of which it speaks 1.0.0, and reads the source's numbers."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from owslib.coverage.wcs100 import WebCoverageService_1_0_0
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds
from rasterio.warp import Resampling, reproject

from tests.builders.qgis import Qgis

BANDS = ("B02", "B03", "B04", "B08")
"""Of the coverage of 10 m, in its order."""
BOX = (445_000.0, 4_170_000.0, 447_000.0, 4_171_000.0)
"""Part of the Virginia sample, on cell edges."""
ROWS, COLUMNS = slice(434, 534), slice(232, 432)
"""The same, in cells of 10 m."""
NODATA = -32768

type Box = tuple[float, float, float, float]


def _read(  # noqa: PLR0913 what a layer and a view of it are
    qgis: Qgis,
    url: str,
    folder: Path,
    *,
    name: str,
    crs: str,
    time: str,
    box: Box,
    size: tuple[int, int],
) -> tuple[str, NDArray[np.float64]]:
    """Return what QGIS tells of the layer, and its cells `(band, row, column)`."""
    made = folder / "cells"
    told = qgis("qgis_wcs.py", f"{url}/ows", name, crs, time, *box, *size, made)
    return told, np.fromfile(made, "<f8").reshape(-1, size[1], size[0])


def _source(samples: Path, band: str) -> tuple[NDArray[np.int16], rasterio.Affine]:
    with rasterio.open(samples / f"virginia/{band}.tif") as file:
        return file.read(1).astype(np.int16), file.transform


@pytest.mark.parametrize("time", ["", "2015-12-26T15:46:42Z"])
def test_qgis_reads_the_stored_cells(
    qgis: Qgis, demo_url: str, samples: Path, tmp_path: Path, time: str
) -> None:
    told, cells = _read(
        qgis, demo_url, tmp_path,
        name="S2_L1C_32618_10m", crs="EPSG:32618", time=time, box=BOX, size=(200, 100),
    )  # fmt: skip
    assert told.split()[:2] == ["EPSG:32618", str(len(BANDS))]
    for plane, band in zip(cells, BANDS, strict=True):
        np.testing.assert_array_equal(plane, _source(samples, band)[0][ROWS, COLUMNS])


def test_qgis_reads_in_degrees_what_gdal_warps(
    qgis: Qgis, demo_url: str, samples: Path, tmp_path: Path
) -> None:
    box = (-75.62, 37.67, -75.60, 37.69)
    told, cells = _read(
        qgis, demo_url, tmp_path,
        name="S2_L1C_32618_10m", crs="EPSG:4326", time="", box=box, size=(150, 180),
    )  # fmt: skip
    assert told.split()[:2] == ["EPSG:4326", str(len(BANDS))]
    for plane, band in zip(cells, BANDS, strict=True):
        source, transform = _source(samples, band)
        wanted = np.full(plane.shape, NODATA, np.int16)
        reproject(
            source,
            wanted,
            src_transform=transform,
            src_crs="EPSG:32618",
            dst_transform=from_bounds(*box, 150, 180),
            dst_crs="EPSG:4326",
            dst_nodata=NODATA,
            resampling=Resampling.nearest,
            tolerance=0,
        )
        # A centre on the edge between two cells may fall to either.
        assert (plane == wanted).mean() > 0.999


def test_owslib_gets_the_stored_cells(demo_url: str, samples: Path) -> None:
    wcs = WebCoverageService_1_0_0(f"{demo_url}/ows", None, None)
    described = wcs.contents["S2_L1C_32618_10m"]
    assert "EPSG:32618" in {crs.getcode() for crs in described.supportedCRS}
    assert "GeoTIFF" in described.supportedFormats
    (when,) = described.timepositions
    answer = wcs.getCoverage(
        identifier="S2_L1C_32618_10m",
        bbox=BOX,
        crs="EPSG:32618",
        time=[when],
        width=200,
        height=100,
        format="GeoTIFF",
        Band="B04",
    )
    with MemoryFile(answer.read()) as file, file.open() as opened:
        assert tuple(opened.bounds) == BOX
        np.testing.assert_array_equal(opened.read(1), _source(samples, "B04")[0][ROWS, COLUMNS])
