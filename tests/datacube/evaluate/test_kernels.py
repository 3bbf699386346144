"""Methods of resampling beyond nearest and bilinear, against GDAL's on real pixels."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject
from rasterio.windows import Window as FileWindow

from datacube.axes import RegularAxis
from datacube.cells import Cells, Values
from datacube.errors import LimitExceededError
from datacube.evaluate import kernels
from datacube.evaluate.cells import evaluate
from datacube.grid import Grid, Window
from datacube.plan.nodes import Domain, Field, Held, HeldCells, Resample
from datacube.plan.query import Method
from datacube.plan.warping import Frame, warp
from tests.builders.fakes import World

GDAL = {
    Method.LINEAR: Resampling.bilinear,
    Method.CUBIC: Resampling.cubic,
    Method.CUBIC_SPLINE: Resampling.cubic_spline,
    Method.LANCZOS: Resampling.lanczos,
    Method.AVERAGE: Resampling.average,
    Method.ROOT_MEAN_SQUARE: Resampling.rms,
    Method.MODE: Resampling.mode,
    Method.LEAST: Resampling.min,
    Method.GREATEST: Resampling.max,
    Method.MEDIAN: Resampling.med,
    Method.FIRST_QUARTILE: Resampling.q1,
    Method.THIRD_QUARTILE: Resampling.q3,
}
NODATA = 65535
SIDE = 300


@pytest.fixture(scope="module")
def virginia(samples: Path) -> tuple[NDArray[np.uint16], tuple[float, float]]:
    """Surf and marsh of the Virginia shore, B04 at 10 m in EPSG:32618, and the upper left corner.

    With holes of one cell and of many.
    """
    (path,) = (samples / "virginia").glob("*B04*")
    with rasterio.open(path) as file:
        values = file.read(1, window=FileWindow(100, 100, SIDE, SIDE))
        corner = file.transform @ (100, 100)
    rng = np.random.default_rng(11)
    values[rng.random(values.shape) < 0.05] = NODATA
    values[100:130, 150:230] = NODATA
    assert len(np.unique(values)) > 500
    return values, corner


def source_of(values: Values, corner: tuple[float, float]) -> Held:
    """Hold an array as a coverage in EPSG:32618, 10 m."""
    rows, cols = values.shape
    grid = Grid(
        crs=CRS.from_epsg(32618),
        x=RegularAxis(name="E", uom="m", start=corner[0], step=10, size=cols),
        y=RegularAxis(name="N", uom="m", start=corner[1], step=-10, size=rows),
    )
    cells = Cells(("v",), (values,), (values != NODATA,))
    return Held(
        held=HeldCells(key="v", cells=cells),
        domain=Domain(grid=grid),
        fields=(Field(name="v", dtype=values.dtype.name, nodata=NODATA, nulls=(NODATA,)),),
    )


def target_of(source: Grid, epsg: int, scale: float, px: int) -> Grid:
    """Return a grid of `px` cells a side around the middle of a source, `scale` cells each."""
    to = Transformer.from_crs(source.crs, epsg, always_xy=True)
    x, y = sum(source.x.bounds) / 2, sum(source.y.bounds) / 2
    (x0, x1), (y0, y1) = to.transform([x, x + 10 * scale], [y, y - 10 * scale])
    dx, dy = x1 - x0, y1 - y0
    return Grid(
        crs=CRS.from_epsg(epsg),
        x=RegularAxis(name="E", uom="m", start=x0 - dx * px / 2, step=dx, size=px),
        y=RegularAxis(name="N", uom="m", start=y0 - dy * px / 2, step=dy, size=px),
    )


def made(node: Resample, window: Window | None = None) -> tuple[Values, NDArray[np.bool_]]:
    cells = evaluate(node, node.grid.window if window is None else window, World())
    return cells.values[0], cells.valid[0]


def warped_by_gdal(
    values: Values, source: Grid, grid: Grid, method: Method, ratios: tuple[float, float]
) -> Values:
    out = np.full(grid.shape, NODATA, dtype=values.dtype)
    reproject(
        values,
        out,
        src_transform=source.transform,
        src_crs=source.crs.to_wkt(),
        src_nodata=NODATA,
        dst_transform=grid.transform,
        dst_crs=grid.crs.to_wkt(),
        dst_nodata=NODATA,
        resampling=GDAL[method],
        tolerance=0.0,
        XSCALE=str(min(1.0, 1 / ratios[1])),
        YSCALE=str(min(1.0, 1 / ratios[0])),
        MODE_TIES="MIN",
    )
    return out


@pytest.mark.parametrize("method", list(GDAL))
@pytest.mark.parametrize(
    ("epsg", "scale", "px"),
    [(3857, 0.8, 300), (3857, 4.3, 60), (32617, 1.0, 260), (32618, 2.5, 90)],
)
def test_gdal_gives_the_same(
    virginia: tuple[Values, tuple[float, float]], method: Method, epsg: int, scale: float, px: int
) -> None:
    values, corner = virginia
    source = source_of(values, corner)
    grid = target_of(source.domain.plane, epsg, scale, px)
    node = Resample(source=source, grid=grid, method=method, step_px=1, ratio=(scale, scale))
    got, valid = made(node)
    wanted = warped_by_gdal(values, source.domain.plane, grid, method, (scale, scale))
    both = valid & (wanted != NODATA)
    assert 0.5 < both.mean() < 1
    assert (valid != (wanted != NODATA)).mean() < 1e-3
    difference = np.abs(got[both].astype(int) - wanted[both])
    if method is Method.MODE:
        # Places differ by 1e-7 of a cell, which decides which of two equal shares is larger.
        assert (difference > 0).mean() < 1e-3
    else:
        # A half may be rounded otherwise.
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("method", [Method.LINEAR, Method.CUBIC, Method.LANCZOS])
@pytest.mark.parametrize(("epsg", "scale", "px"), [(3857, 3.3, 70), (32617, 2.0, 110)])
def test_kernels_widen_by_the_length_of_cells(
    virginia: tuple[Values, tuple[float, float]], method: Method, epsg: int, scale: float, px: int
) -> None:
    values, corner = virginia
    source = source_of(values, corner)
    plane = source.domain.plane
    grid = target_of(plane, epsg, scale, px)
    frame = Frame(
        crs=grid.crs,
        x_step=grid.x.step,
        y_step=-grid.y.step,
        x=(grid.bbox[0], grid.bbox[2]),
        y=(grid.bbox[1], grid.bbox[3]),
    )
    node = warp(source, frame, method)
    assert isinstance(node, Resample)
    assert node.ratio is not None
    # A cell to the right of, and one below, a cell in the middle, by PROJ.
    x, y = grid.x.start + px // 2 * grid.x.step, grid.y.start + px // 2 * grid.y.step
    to = Transformer.from_crs(grid.crs, plane.crs, always_xy=True)
    e, n = to.transform([x, x + grid.x.step, x], [y, y, y + grid.y.step])
    by_hand = [np.hypot(at[1] - at[0], at[2] - at[0]) / 10 for at in (n, e)]
    assert node.ratio == pytest.approx(by_hand, rel=1e-3)
    got, valid = made(node)
    wanted = warped_by_gdal(values, plane, node.grid, method, node.ratio)
    both = valid & (wanted != NODATA)
    assert 0.5 < both.mean() < 1
    difference = np.abs(got[both].astype(int) - wanted[both])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("method", list(GDAL))
@pytest.mark.parametrize(("epsg", "scale", "px"), [(3857, 2.3, 90), (32618, 0.7, 120)])
def test_blocks_have_the_bits_of_the_whole(
    virginia: tuple[Values, tuple[float, float]], method: Method, epsg: int, scale: float, px: int
) -> None:
    values, corner = virginia
    source = source_of(values.astype("float32"), corner)
    grid = target_of(source.domain.plane, epsg, scale, px)
    node = Resample(source=source, grid=grid, method=method, step_px=1, ratio=(scale, scale))
    whole, known = made(node)
    for rows, cols in (((0, 1), (0, px)), ((17, 40), (31, 32)), ((40, px), (3, 77))):
        part, there = made(node, Window((rows, cols)))
        at = slice(*rows), slice(*cols)
        np.testing.assert_array_equal(there, known[at])
        np.testing.assert_array_equal(part[there], whole[at][there])


@pytest.mark.parametrize("method", [Method.MEDIAN, Method.LEAST, Method.ROOT_MEAN_SQUARE])
def test_one_cell_of_many(virginia: tuple[Values, tuple[float, float]], method: Method) -> None:
    """Each of 2 x 2 cells covers 150 x 150."""
    values, corner = virginia
    source = source_of(values, corner)
    grid = target_of(source.domain.plane, 32618, SIDE / 2, 2)
    got, valid = made(Resample(source=source, grid=grid, method=method))
    assert valid.all()
    for at in np.ndindex(2, 2):
        under = values[tuple(slice(150 * k, 150 * (k + 1)) for k in at)]
        known = np.sort(under[under != NODATA]).astype(float)
        wanted = {
            Method.MEDIAN: known[int(np.ceil(known.size / 2 - 1))],
            Method.LEAST: known[0],
            Method.ROOT_MEAN_SQUARE: np.floor(np.sqrt((known**2).mean()) + 0.5),
        }[method]
        assert got[at] == wanted


@pytest.mark.parametrize(
    ("dtype", "numbers", "wanted"),
    [
        ("bool", [0, 1, 1, 1], True),
        ("uint8", [255, 255, 255, 254], 255),
        ("int16", [-3, -2, -2, -2], -2),
        ("int64", [2**40, 2**40 + 1, 2**40, 2**40], 2**40),
        ("float32", [np.nan, 0.5, np.nan, 1.5], 1.0),
    ],
)
def test_types_stay_and_nan_is_no_value(dtype: str, numbers: list[float], wanted: object) -> None:
    source = source_of(np.array(numbers).astype(dtype).reshape(2, 2), (500_000, 4_000_000))
    grid = target_of(source.domain.plane, 32618, 2, 1)
    got, valid = made(Resample(source=source, grid=grid, method=Method.CUBIC_SPLINE))
    assert got.dtype == dtype
    assert valid.all()
    assert got[0, 0] == wanted


def test_too_many_cells_under_one_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "MOST_UNDER_ONE", 99)
    source = source_of(np.ones((10, 10), dtype="uint8"), (500_000, 4_000_000))
    node = Resample(
        source=source, grid=target_of(source.domain.plane, 32618, 10, 1), method=Method.MEDIAN
    )
    with pytest.raises(LimitExceededError, match="covers 100 cells of the source; 99 are"):
        made(node)
