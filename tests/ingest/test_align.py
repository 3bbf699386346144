"""Cells of a source on the lattice of a cube."""

from collections.abc import Sequence

import numpy as np
import pytest
import rasterio.warp
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import Resampling

from datacube.axes import RegularAxis
from datacube.cells import Valid, Values
from datacube.cube import SHARD_PX, Aggregate, Band, ResolutionGroup
from datacube.grid import Grid, Window
from datacube.lattices import free_group, utm_group
from ingest.align import Fit, Placed, blocks, place
from ingest.scene import SceneBand

UTM33 = CRS.from_epsg(32633)
NODATA = -32768


def band(aggregate: Aggregate = Aggregate.MEAN) -> Band:
    return Band(
        name="B02", title="", dtype="int16", nodata=NODATA, group="r60m", aggregate=aggregate
    )


class Source:
    """A source in memory that notes which rows were read."""

    def __init__(self, values: NDArray[np.int16], valid: Valid) -> None:
        self.values = values
        self.valid = valid
        self.rows: list[tuple[int, int]] = []

    def __call__(self, window: Window) -> tuple[Values, Valid]:
        self.rows.append(window.rows)
        at = tuple(slice(*limits) for limits in window.ranges)
        return self.values[at].copy(), self.valid[at].copy()


def source_band(
    source: Source, *, left: float, top: float, step: float, crs: CRS = UTM33
) -> SceneBand:
    rows, cols = source.values.shape
    grid = Grid(
        crs=crs,
        x=RegularAxis(name="E", uom="m", start=left, step=step, size=cols),
        y=RegularAxis(name="N", uom="m", start=top, step=-step, size=rows),
    )
    return SceneBand(band=band(), grid=grid, read=source)


def random_source(rows: int, cols: int) -> Source:
    random = np.random.default_rng(7)
    values = random.integers(0, 10000, (rows, cols)).astype(np.int16)
    valid = random.random((rows, cols)) > 0.1
    values[~valid] = NODATA
    return Source(values, valid)


def together(placed: Placed, window: Window) -> tuple[Values, Valid, Sequence[Window]]:
    parts = list(blocks(placed, window))
    return (
        np.concatenate([values for _, values, _ in parts]),
        np.concatenate([valid for *_, valid in parts]),
        [block for block, *_ in parts],
    )


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_whole_multiples_are_repeated_exactly_and_read_once(factor: int) -> None:
    group = utm_group(32633, UTM33, 60.0)
    source = random_source(2500 // factor, 40)
    # The corner has an odd index, so shards cut the source's cells.
    placed = place(source_band(source, left=499980, top=5200020, step=60 * factor), band(), group)

    values, valid, windows = together(placed, placed.window)

    assert placed.fit is (Fit.COPY if factor == 1 else Fit.REPEAT)
    ones = np.ones((factor, factor), np.int16)
    np.testing.assert_array_equal(values, np.kron(source.values, ones))
    np.testing.assert_array_equal(valid, np.kron(source.valid, ones))
    assert placed.group.grid.at(placed.window).bbox == placed.source.grid.bbox
    assert [w.rows[1] % SHARD_PX for w in windows[:-1]] == [0] * (len(windows) - 1)
    assert len(windows) > 1
    # No row is read twice, none is left out.
    assert [row for start, stop in source.rows for row in range(start, stop)] == list(
        range(source.values.shape[0])
    )


def test_a_larger_window_is_filled_with_nodata() -> None:
    group = utm_group(32633, UTM33, 60.0)
    source = random_source(10, 10)
    placed = place(source_band(source, left=0, top=0, step=60), band(), group)
    (y0, y1), (x0, x1) = placed.window.ranges

    values, valid, _ = together(placed, Window(((y0 - 2, y1 + 1), (x0 - 1, x1))))

    np.testing.assert_array_equal(values[2:-1, 1:], source.values)
    assert not valid[:2].any()
    assert not valid[-1].any()
    assert not valid[:, 0].any()
    assert (values[~valid] == NODATA).all()


def test_free_lattice_has_negative_indices() -> None:
    first = source_band(random_source(4, 4), left=1000.5, top=2000.25, step=10)
    group = free_group(first.grid, "r10m")
    north_west = source_band(random_source(6, 6), left=970.5, top=2020.25, step=10)

    placed = place(north_west, band(), group)

    assert placed.fit is Fit.COPY
    assert placed.window == Window(((-2, 4), (-3, 3)))
    values, _, _ = together(placed, placed.window)
    assert isinstance(north_west.read, Source)
    np.testing.assert_array_equal(values, north_west.read.values)


def test_cells_off_the_lattice_are_warped_with_a_warning() -> None:
    group = utm_group(32633, UTM33, 60.0)
    source = random_source(50, 60)
    offered = source_band(source, left=500_000, top=5_200_000, step=60)

    placed = place(offered, band(), group)
    values, valid, _ = together(placed, placed.window)

    assert placed.fit is Fit.WARP
    assert placed.warning is not None
    assert "B02 is resampled: its cells of 60 m in EPSG:32633" in placed.warning
    expected = _gdal(source, offered.grid, group, placed.window, Resampling.bilinear)
    np.testing.assert_array_equal(valid, ~np.isnan(expected))
    np.testing.assert_array_equal(values[valid], np.rint(expected[valid]))


def test_nodata_does_not_bleed_and_classes_stay_classes() -> None:
    values = np.full((40, 40), 1000, np.int16)
    valid = np.ones((40, 40), np.bool_)
    valid[:, 20:] = False
    values[:, 20:] = NODATA
    other = CRS.from_epsg(32632)
    group = utm_group(32633, UTM33, 60.0)
    for aggregate in (Aggregate.MEAN, Aggregate.MODE):
        offered = source_band(
            Source(values, valid), left=900_000, top=5_200_000, step=60, crs=other
        )
        placed = place(offered, band(aggregate), group)
        warped, found, _ = together(placed, placed.window)
        assert found.any()
        assert set(np.unique(warped[found])) == {1000}
        assert (warped[~found] == NODATA).all()


def test_many_fine_cells_become_their_mean() -> None:
    group: ResolutionGroup = utm_group(32633, UTM33, 60.0)
    source = random_source(24, 24)
    offered = source_band(source, left=600_000, top=5_400_000, step=10)

    placed = place(offered, band(), group)
    values, valid, _ = together(placed, placed.window)

    numbers = np.where(source.valid, source.values, np.nan)
    means = np.nanmean(numbers.reshape(4, 6, 4, 6), axis=(1, 3))
    assert valid.all()
    np.testing.assert_allclose(values, means, atol=0.51)


def _gdal(
    source: Source, grid: Grid, group: ResolutionGroup, window: Window, method: Resampling
) -> NDArray[np.float64]:
    """Warp the whole source at once, as float with a mask."""
    target = np.full(window.shape, np.nan)
    rasterio.warp.reproject(
        np.where(source.valid, source.values, np.nan).astype(np.float64),
        target,
        src_transform=Affine(grid.x.step, 0, grid.x.start, 0, grid.y.step, grid.y.start),
        src_crs=grid.crs.to_wkt(),
        src_nodata=np.nan,
        dst_transform=group.grid.at(window).transform,
        dst_crs=group.grid.crs.to_wkt(),
        dst_nodata=np.nan,
        resampling=method,
    )
    return target
