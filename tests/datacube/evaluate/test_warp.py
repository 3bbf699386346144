"""Warps and resamplings, against GDAL and plain NumPy."""

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject

from datacube.axes import RegularAxis
from datacube.cells import Cells, Values
from datacube.evaluate.cells import evaluate
from datacube.grid import Grid, Window
from datacube.plan.geometry import TOLERANCE_CELLS, coarse_map, make_coarse_map
from datacube.plan.nodes import Domain, Resample, Scan, Stack
from datacube.plan.query import Method
from tests.builders.fakes import ORIGIN_M, World, optical_cube

CUBE = optical_cube()
NODATA = -32768
SIDE = 400


def scan_of(values: Values) -> tuple[World, Scan]:
    """One scene of B08 at 10 m."""
    world = World()
    slot = world.add(CUBE, {"B08": values})
    group = CUBE.group("r10m")
    covered = slot.window("r10m")
    assert covered is not None
    scan = Scan(
        cube=CUBE.name,
        group=group,
        level=0,
        bands=(CUBE.band("B08"),),
        stacks=(Stack(time=None, slots=(slot,)),),
        domain=Domain(grid=group.grid.at(covered.window)),
    )
    return world, scan


def target(epsg: int | str, scale: float = 1.0, px: int = 300) -> Grid:
    """Return a grid of `px` cells around the scene, each `scale` cells of 10 m wide."""
    crs = CRS.from_user_input(epsg)
    to = Transformer.from_crs(32633, crs, always_xy=True)
    middle = ORIGIN_M[0] + SIDE * 5, ORIGIN_M[1] - SIDE * 5
    (x, x1), (y, y1) = to.transform([middle[0], middle[0] + 10], [middle[1], middle[1] - 10])
    dx, dy = (x1 - x) * scale, (y1 - y) * scale
    return Grid(
        crs=crs,
        x=RegularAxis(name="x", uom="", start=x - dx * px / 2, step=dx, size=px),
        y=RegularAxis(name="y", uom="", start=y - dy * px / 2, step=dy, size=px),
    )


def warped(values: Values, grid: Grid, method: Method) -> tuple[Values, NDArray[np.bool_]]:
    world, scan = scan_of(values)
    node = Resample(source=scan, grid=grid, method=method)
    made: tuple[Values, NDArray[np.bool_]] = evaluate(node, grid.window, world).band("B08")
    return made


def gdal(values: Values, grid: Grid, method: Resampling) -> Values:
    out = np.full(grid.shape, NODATA, dtype=values.dtype)
    reproject(
        values,
        out,
        src_transform=rasterio.transform.from_origin(*ORIGIN_M, 10, 10),
        src_crs="EPSG:32633",
        src_nodata=NODATA,
        dst_transform=grid.transform,
        dst_crs=grid.crs.to_wkt(),
        dst_nodata=NODATA,
        resampling=method,
        tolerance=0.0,
    )
    return out


def slope() -> Values:
    """Ten a row and three a column: an error of a cell shows as at most 13."""
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    values: Values = (1000 + 10 * rows + 3 * cols).astype("int16")
    return values


def holes(seed: int) -> Values:
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 9000, (SIDE, SIDE)).astype("int16")
    blocks = rng.random((SIDE // 8, SIDE // 8)) < 0.3
    values[blocks.repeat(8, axis=0).repeat(8, axis=1)] = NODATA
    return values


@pytest.mark.parametrize("epsg", [3857, 4326, "OGC:CRS84", 32632, 3035])
def test_nearest_is_where_gdal_puts_it(epsg: int | str) -> None:
    grid = target(epsg, 0.9)
    values, valid = warped(slope(), grid, Method.NEAREST)
    wanted = gdal(slope(), grid, Resampling.nearest)
    assert valid.mean() > 0.95
    np.testing.assert_array_equal(valid, wanted != NODATA)
    difference = np.abs(values[valid].astype(int) - wanted[valid])
    # A centre within the tolerance of a cell's edge may fall on either side of it.
    assert difference.max() <= 13
    assert (difference == 0).mean() > 1 - 2 * 2 * TOLERANCE_CELLS


@pytest.mark.parametrize("epsg", [3857, 4326, 32632])
def test_linear_is_gdals_bilinear_within_the_tolerance(epsg: int) -> None:
    grid = target(epsg, 0.7)
    values, valid = warped(slope(), grid, Method.LINEAR)
    wanted = gdal(slope(), grid, Resampling.bilinear)
    both = valid & (wanted != NODATA)
    assert both.mean() > 0.95
    difference = np.abs(values[both].astype(int) - wanted[both])
    assert difference.max() <= 13 * TOLERANCE_CELLS + 1


@pytest.mark.parametrize("seed", range(3))
def test_nodata_never_bleeds_into_a_constant(seed: int) -> None:
    values = np.where(holes(seed) == NODATA, NODATA, 1234).astype("int16")
    grid = target(3857, 0.6)
    made, valid = warped(values, grid, Method.LINEAR)
    assert 0.4 < valid.mean() < 0.9
    np.testing.assert_array_equal(made[valid], 1234)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize("epsg", [3857, 4326])
def test_linear_equals_a_float_warp_with_a_mask(epsg: int, dtype: str) -> None:
    values = holes(9).astype(dtype)
    grid = target(epsg, 0.6)
    made, valid = warped(values, grid, Method.LINEAR)
    _, scan = scan_of(values)
    rows, cols = coarse_map(Resample(source=scan, grid=grid, method=Method.LINEAR)).positions(
        grid.window
    )
    first_row, first_col = scan.domain.window.ranges[0][0], scan.domain.window.ranges[1][0]
    wanted, known = masked_bilinear(values, rows - first_row, cols - first_col)
    np.testing.assert_array_equal(valid, known)
    assert np.abs(made[valid] - wanted[valid]).max() <= 0.5 + 9000 * 2 / 65536


def masked_bilinear(
    values: Values, rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weigh the four centres around a position, each where it is data."""
    padded = np.pad(values.astype(float), 1, constant_values=NODATA)
    mask = padded != NODATA
    i, j = np.floor(rows - 0.5).astype(int), np.floor(cols - 0.5).astype(int)
    fi, fj = rows - 0.5 - i, cols - 0.5 - j
    total, weight = np.zeros(rows.shape), np.zeros(rows.shape)
    for di, wi in ((0, 1 - fi), (1, fi)):
        for dj, wj in ((0, 1 - fj), (1, fj)):
            at = np.clip(i + di + 1, 0, SIDE + 1), np.clip(j + dj + 1, 0, SIDE + 1)
            total += wi * wj * np.where(mask[at], padded[at], 0)
            weight += wi * wj * mask[at]
    inside = (rows >= 0) & (rows < SIDE) & (cols >= 0) & (cols < SIDE)
    under = np.floor(rows).astype(int), np.floor(cols).astype(int)
    known = np.zeros(rows.shape, dtype=bool)
    known[inside] = values[under[0][inside], under[1][inside]] != NODATA
    return total / np.where(weight > 0, weight, 1), known


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("epsg", [3857, 32633])
def test_a_block_gives_what_the_whole_gives(method: Method, epsg: int) -> None:
    world, scan = scan_of(holes(4))
    grid = target(epsg, 0.8)
    node = Resample(source=scan, grid=grid, method=method)
    whole = evaluate(node, grid.window, world)
    for part in (Window(((0, 101), (37, 300))), Window(((150, 151), (0, 300)))):
        cells = evaluate(node, part, world)
        at = part.slices(grid.window)
        np.testing.assert_array_equal(cells.valid[0], whole.valid[0][at])
        known = cells.valid[0]
        np.testing.assert_array_equal(cells.values[0][known], whole.values[0][at][known])


def test_identical_lattice_is_an_exact_copy_whatever_the_method() -> None:
    values = holes(5)
    world, scan = scan_of(values)
    grid = scan.domain.plane.at(Window(tuple((a + 7, b - 3) for a, b in scan.domain.window.ranges)))
    for method in Method:  # MODE too, although it is offered for bytes only
        cells = evaluate(Resample(source=scan, grid=grid, method=method), grid.window, world)
        made, valid = cells.band("B08")
        np.testing.assert_array_equal(valid, values[7:-3, 7:-3] != NODATA)
        np.testing.assert_array_equal(made[valid], values[7:-3, 7:-3][valid])


def test_outside_of_the_source_nothing_is_valid() -> None:
    values, valid = warped(slope(), target(32633, 3.0), Method.NEAREST)
    assert values.shape == valid.shape == (300, 300)
    assert valid.sum() == pytest.approx((SIDE / 3) ** 2, rel=0.02)
    far = Grid(
        crs=CRS.from_epsg(4326),
        x=RegularAxis(name="x", uom="", start=-120.0, step=0.1, size=20),
        y=RegularAxis(name="y", uom="", start=-80.0, step=-0.1, size=20),
    )
    assert not warped(slope(), far, Method.LINEAR)[1].any()


def test_whole_world_shows_the_scene_in_its_pixel() -> None:
    world_px = 256
    side = 20037508.342789244
    grid = Grid(
        crs=CRS.from_epsg(3857),
        x=RegularAxis(name="x", uom="", start=-side, step=2 * side / world_px, size=world_px),
        y=RegularAxis(name="y", uom="", start=side, step=-2 * side / world_px, size=world_px),
    )
    _, scan = scan_of(slope())
    made = make_coarse_map(scan.domain.plane, grid)
    assert made.reach is not None
    assert made.reach.size <= 9


def test_antimeridian_zone_is_seen_on_both_sides() -> None:
    cube = optical_cube(32601)
    x, y = Transformer.from_crs(4326, 32601, always_xy=True).transform(-179.999, 51.0)
    corner = (round((x + 600_000) / 60) * 60 - 600_000 - 1980.0, round(y / 60) * 60.0)
    world = World()
    slot = world.add(cube, {"B08": np.full((400, 400), 77, dtype="int16")}, corner=corner)
    covered = slot.window("r10m")
    assert covered is not None
    group = cube.group("r10m")
    scan = Scan(
        cube=cube.name,
        group=group,
        level=0,
        bands=(cube.band("B08"),),
        stacks=(Stack(time=None, slots=(slot,)),),
        domain=Domain(grid=group.grid.at(covered.window)),
    )
    for west in (-180.0, 179.98):
        grid = Grid(
            crs=CRS.from_epsg(4326),
            x=RegularAxis(name="x", uom="", start=west, step=0.0002, size=100),
            y=RegularAxis(name="y", uom="", start=50.995, step=-0.0002, size=50),
        )
        node = Resample(source=scan, grid=grid, method=Method.NEAREST)
        cells = evaluate(node, grid.window, world)
        assert cells.valid[0].any(), west
        assert (cells.values[0][cells.valid[0]] == 77).all()


@pytest.mark.parametrize("size", [1, 7, 80, 133, 400])
def test_average_and_mode_by_hand(size: int) -> None:
    rng = np.random.default_rng(size)
    values = rng.integers(1, 6, (SIDE, SIDE)).astype("int16")
    values[rng.random(values.shape) < 0.2] = NODATA
    world, scan = scan_of(values)
    source = scan.domain.plane
    (x0, x1), (_, y1) = source.x.bounds, source.y.bounds
    step = (x1 - x0) / size
    grid = Grid(
        crs=source.crs,
        x=RegularAxis(name="x", uom="", start=x0, step=step, size=size),
        y=RegularAxis(name="y", uom="", start=y1, step=-step, size=size),
    )
    parts = [(k * SIDE / size, (k + 1) * SIDE / size) for k in range(size)]
    share = np.array(
        [
            [max(0.0, min(b, c + 1) - max(a, c)) for c in range(SIDE)]
            for a, b in (parts if size < 100 else parts[:5])
        ]
    )

    def weighed(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        made: NDArray[np.float64] = share @ mask @ share.T
        return made

    corner = (slice(0, len(share)),) * 2
    each = np.stack([weighed(values == v) for v in range(1, 6)])
    for method in (Method.AVERAGE, Method.MODE):
        node = Resample(source=scan, grid=grid, method=method)
        made, valid = evaluate(node, grid.window, world).band("B08")
        known = each.sum(axis=0) > 1e-6
        np.testing.assert_array_equal(valid[corner], known)
        if method is Method.AVERAGE:
            mean = np.tensordot(np.arange(1, 6), each, 1) / np.where(known, each.sum(axis=0), 1)
            assert np.abs(made[corner][known] - mean[known]).max() <= 0.5 + 1e-6
        else:
            best = np.take_along_axis(each, (made[corner] - 1)[None].clip(0), axis=0)[0]
            assert np.allclose(best[known], each.max(axis=0)[known], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("datacube.evaluate.warp._REMAP_SIDE_PX", 50),
        ("datacube.evaluate.linear._PIECE_PX", 30),
        ("datacube.evaluate.linear._REMAP_SIDE_PX", 70),
    ],
)
@pytest.mark.parametrize("epsg", [3857, 32633])
def test_wide_source_is_cut_below_remaps_limit(
    monkeypatch: pytest.MonkeyPatch, name: str, longest: int, epsg: int
) -> None:
    world, scan = scan_of(holes(6))
    grid = target(epsg, 0.8)
    node = Resample(source=scan, grid=grid, method=Method.LINEAR)
    whole = evaluate(node, grid.window, world)
    monkeypatch.setattr(name, longest)
    cut: Cells = evaluate(node, grid.window, world)
    np.testing.assert_array_equal(cut.valid[0], whole.valid[0])
    np.testing.assert_array_equal(cut.values[0][cut.valid[0]], whole.values[0][cut.valid[0]])
