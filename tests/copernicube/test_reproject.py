"""Warps of expressions, against GDAL's."""

from pathlib import Path
from typing import cast, get_args

import numpy as np
import pytest
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

import copernicube
from copernicube.client import CubeView
from copernicube.client.geometry import Warping
from datacube.errors import UnknownNameError
from tests.builders.made import WGS84, Frame, add_cube, make_store, regular

GDAL = {
    "nearest": Resampling.nearest,
    "linear": Resampling.bilinear,
    "cubic": Resampling.cubic,
    "cubicspline": Resampling.cubic_spline,
    "lanczos": Resampling.lanczos,
    "average": Resampling.average,
    "rms": Resampling.rms,
    "mode": Resampling.mode,
    "min": Resampling.min,
    "max": Resampling.max,
    "median": Resampling.med,
    "q1": Resampling.q1,
    "q3": Resampling.q3,
}
CELLS = np.random.default_rng(3).integers(1, 9999, (60, 60)).astype("float32")
CELLS[:] = CELLS[::12, ::12].repeat(12, axis=0).repeat(12, axis=1)
"""Patches, whose commonest value is one wherever a cell is not cut in halves."""
BOX = (1_000_000.0, 1_000_000.0, 2_500_000.0, 2_500_000.0)
STEPS_M = {"linear": 50_000.0, "cubic": 50_000.0, "cubicspline": 50_000.0, "lanczos": 50_000.0}
"""Where GDAL would widen its kernel over larger cells."""
WIDE_M = 150_000.0


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> CubeView:
    folder = tmp_path_factory.mktemp("warps") / "store"
    axes = (regular("Lat", 30, 0, 60), regular("Lon", 0, 30, 60))
    add_cube(make_store(folder), "A", {"v": CELLS}, Frame(axes=axes, crs=WGS84))
    return copernicube.open(Path(folder))["A"]


def test_every_method_is_compared() -> None:
    assert set(get_args(Warping.__value__)) == set(GDAL)


@pytest.mark.parametrize("method", GDAL)
def test_every_method_is_gdals(cube: CubeView, method: str) -> None:
    step_m = STEPS_M.get(method, WIDE_M)
    side = round((BOX[2] - BOX[0]) / step_m)
    expected = np.zeros((side, side), "float32")
    reproject(
        CELLS,
        expected,
        src_transform=from_origin(0, 30, 0.5, 0.5),
        src_crs="EPSG:4326",
        dst_transform=from_origin(BOX[0], BOX[3], step_m, step_m),
        dst_crs="EPSG:3857",
        resampling=GDAL[method],
        tolerance=0,
    )
    named = cast("Warping", method)
    made = cube["v"].reproject(3857, method=named, resolution=step_m, bbox=BOX).compute()
    # Places of plain bilinear are true to 1/65536 of a cell on either axis.
    atol = float(np.ptp(CELLS)) * 2 / 65536 if method == "linear" else 0.0
    np.testing.assert_allclose(np.asarray(made), expected, rtol=1e-5, atol=atol)


def test_another_method_is_refused_by_name(cube: CubeView) -> None:
    with pytest.raises(UnknownNameError, match=r"'cubical'.*cubicspline"):
        cube["v"].reproject(3857, method=cast("Warping", "cubical"))
