from math import atan, cos, degrees, floor, log, pi, radians, sinh, tan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from datacube.axes import RegularAxis
from datacube.errors import UnknownNameError
from datacube.grid import Grid
from datacube.lattices import free_group, utm_group
from datacube.render.tiles import (
    TILE_PX,
    WEB_MERCATOR_QUAD,
    WORLD_CRS84_QUAD,
    TileOutOfRangeError,
    native_set,
)

EARTH_M = 6_378_137.0


def slippy(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Return the number of the tile of a place, by the formula that tile maps publish."""
    n = 2**zoom
    y = (1 - log(tan(radians(lat)) + 1 / cos(radians(lat))) / pi) / 2
    return floor((lon + 180) / 360 * n), floor(y * n)


@given(lon=st.floats(-179.9, 179.9), lat=st.floats(-85, 85), zoom=st.integers(0, 22))
def test_web_mercator_tiles_are_where_tile_maps_have_them(
    lon: float, lat: float, zoom: int
) -> None:
    column, row = slippy(lon, lat, zoom)
    x0, y0, x1, y1 = WEB_MERCATOR_QUAD.matrix(str(zoom)).bbox(column, row)
    west, east = (degrees(x / EARTH_M) for x in (x0, x1))
    south, north = (degrees(atan(sinh(y / EARTH_M))) for y in (y0, y1))
    assert west - 1e-9 <= lon <= east + 1e-9
    assert south - 1e-9 <= lat <= north + 1e-9


def test_the_world_is_covered() -> None:
    half = pi * EARTH_M
    assert WEB_MERCATOR_QUAD.bbox == pytest.approx((-half, -half, half, half))
    assert WORLD_CRS84_QUAD.bbox == (-180.0, -90.0, 180.0, 90.0)
    # OGC 17-083r4, annex D.1 and D.2.
    assert WEB_MERCATOR_QUAD.matrix("24").cell_size == pytest.approx(0.0093306919293428)
    assert WORLD_CRS84_QUAD.matrix("17").scale_denominator == pytest.approx(2132.72958384978)


@pytest.mark.parametrize("resolution", [10.0, 20.0, 60.0])
@pytest.mark.parametrize("epsg", [32633, 32733])
def test_native_tiles_are_whole_cells_of_the_levels(epsg: int, resolution: float) -> None:
    group = utm_group(epsg, CRS.from_epsg(epsg), resolution)
    tiles = native_set(group)
    assert tiles is not None
    assert tiles.id == f"EPSG{epsg}_{resolution:g}m"
    for level, matrix in enumerate(reversed(tiles.matrices)):
        grid = group.level_grid(level)
        assert matrix.cell_size == grid.x.step == -grid.y.step
        assert (matrix.left, matrix.top) == (grid.x.start, grid.y.start)
        # All cells are covered, with less than a tile to spare.
        assert 0 <= matrix.columns * TILE_PX - grid.x.size < TILE_PX
        assert 0 <= matrix.rows * TILE_PX - grid.y.size < TILE_PX
    assert tiles.matrices[0].columns == 2


def test_a_lattice_that_grows_anywhere_has_no_set() -> None:
    grid = Grid(
        crs=CRS.from_epsg(3035),
        x=RegularAxis(name="E", uom="m", start=5_000_000, step=10, size=100),
        y=RegularAxis(name="N", uom="m", start=3_000_000, step=-10, size=100),
    )
    assert native_set(free_group(grid, "r10m")) is None


@given(west=st.floats(-2e7, 1.9e7), south=st.floats(-2e7, 1.9e7), side=st.floats(1, 1e6))
def test_limits_hold_every_tile_of_a_box(west: float, south: float, side: float) -> None:
    box = (west, south, west + side, south + side)
    for matrix, limit in zip(
        WEB_MERCATOR_QUAD.matrices, WEB_MERCATOR_QUAD.limits(box), strict=True
    ):
        low, high = (
            matrix.bbox(limit.min_column, limit.max_row)[:2],
            matrix.bbox(limit.max_column, limit.min_row)[2:],
        )
        spare = matrix.tile_side * 1e-5
        assert low[0] <= box[0] + spare
        assert low[1] <= box[1] + spare
        assert high[0] >= box[2] - spare
        assert high[1] >= box[3] - spare
        # No more than one tile beyond, but for index 1 of the coarsest.
        assert limit.max_column <= max(1, (box[2] + spare - matrix.left) // matrix.tile_side)


def test_a_box_on_edges_touches_no_further_tile() -> None:
    tiles = native_set(utm_group(32633, CRS.from_epsg(32633), 10.0))
    assert tiles is not None
    matrix = tiles.matrices[-1]
    limit = matrix.limits(matrix.bbox(400, 2000))
    assert (limit.min_column, limit.max_column) == (400, 400)
    assert (limit.min_row, limit.max_row) == (2000, 2000)
    limit.check(400, 2000)
    with pytest.raises(TileOutOfRangeError, match=r"TileRow 1999 .* allowed are 2000 to 2000"):
        limit.check(400, 1999)
    with pytest.raises(TileOutOfRangeError, match="TileCol 401"):
        limit.check(401, 2000)


def test_an_unknown_matrix_is_told() -> None:
    with pytest.raises(UnknownNameError, match="unknown tile-matrix '25'"):
        WEB_MERCATOR_QUAD.matrix("25")
