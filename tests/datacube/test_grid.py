import numpy as np
import pytest
import rasterio.transform
import rasterio.warp
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from datacube.axes import PLACEHOLDER, RegularAxis
from datacube.errors import InvalidParameterError, OutOfDomainError
from datacube.grid import Grid, Window, crs_name, index_crs, transformer
from datacube.lattices import free_group, utm_group

UTM33 = CRS.from_epsg(32633)
UTM33S = CRS.from_epsg(32733)


def test_utm_cubes_share_edges_at_10_20_and_60_m_north_and_south() -> None:
    for epsg, crs, origin in ((32633, UTM33, 0), (32733, UTM33S, 10_000_000)):
        for resolution in (10, 20, 60):
            grid = utm_group(epsg, crs, resolution).grid
            left, bottom, right, top = grid.bbox
            assert (left, right) == (-600_000, 1_800_000)
            assert top - bottom == 12_000_000
            assert (top - origin) % 60 == 0
            assert left % 60 == 0


def test_transform_agrees_with_rasterio() -> None:
    grid = utm_group(32633, UTM33, 10).grid.cover((499_980, 5_000_000, 500_080, 5_000_050))
    assert grid.shape == (5, 10)
    assert rasterio.transform.array_bounds(*grid.shape, grid.transform) == (
        499_980,
        5_000_000,
        500_080,
        5_000_050,
    )
    assert grid.geobox.crs == UTM33


def test_a_cube_without_a_prescribed_span_counts_from_its_first_scene() -> None:
    lattice = Grid(
        crs=CRS.from_epsg(3035),
        x=RegularAxis(name="E", uom="m", start=5_000_000, step=10, first=7, size=100),
        y=RegularAxis(name="N", uom="m", start=2_000_000, step=-10, first=3, size=100),
    )
    group = free_group(lattice, "r10m")
    corner = group.grid.cover((5_000_070, 1_999_960, 5_000_080, 1_999_970))
    assert corner.window == Window(((0, 1), (0, 1)))
    further_north_west = group.grid.cover((5_000_060, 1_999_970, 5_000_070, 1_999_980))
    assert further_north_west.window == Window(((-1, 0), (-1, 0)))
    assert group.array_window(further_north_west.window, 0) == Window(
        ((2**23 - 1, 2**23), (2**23 - 1, 2**23))
    )
    assert group.array_window(further_north_west.window.coarser(1), 1) == Window(
        ((2**22 - 1, 2**22), (2**22 - 1, 2**22))
    )


@given(
    a=st.tuples(st.integers(-50, 50), st.integers(1, 40)),
    b=st.tuples(st.integers(-50, 50), st.integers(1, 40)),
)
def test_windows_meet_like_sets_of_cells(a: tuple[int, int], b: tuple[int, int]) -> None:
    one = Window(((a[0], a[0] + a[1]), (0, 1)))
    other = Window(((b[0], b[0] + b[1]), (0, 1)))
    cells = set(range(*one.ranges[0])) & set(range(*other.ranges[0]))
    common = one.intersect(other)
    assert (common is None) == (not cells)
    if common is not None:
        assert set(range(*common.ranges[0])) == cells
    hull = one.hull(other)
    assert hull.ranges[0] == (min(a[0], b[0]), max(a[0] + a[1], b[0] + b[1]))


def test_slices_cut_an_array_that_holds_the_outer_window() -> None:
    outer = Window(((10, 14), (-3, 2)))
    array = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(array[Window(((11, 12), (0, 2))).slices(outer)], [[8, 9]])


def test_a_bbox_off_the_grid_is_out_of_domain() -> None:
    with pytest.raises(OutOfDomainError):
        utm_group(32633, UTM33, 10).grid.cover((-9e6, 0, -8e6, 10))


def test_crs_names_and_cached_transformers() -> None:
    assert crs_name(UTM33) == "EPSG:32633"
    assert transformer(UTM33, UTM33S) is transformer(UTM33, UTM33S)
    x, y = transformer(CRS.from_epsg(4326), UTM33).transform(15.0, 46.0)
    (east,), (north,) = rasterio.warp.transform("EPSG:4326", "EPSG:32633", [15.0], [46.0])
    assert (x, y) == pytest.approx((east, north), abs=1e-3)


def test_levels_are_coarser_on_the_plane_only() -> None:
    window = Window(((3, 9), (2, 3), (5, 11), (-3, 4)))
    assert window.coarser(1) == Window(((3, 9), (2, 3), (2, 6), (-2, 2)))
    assert window.coarser(0) == window


@pytest.mark.parametrize(
    ("crs", "on_earth"),
    [
        (CRS.from_epsg(4326), True),
        (UTM33, True),
        (CRS.from_epsg(32633).to_3d(), True),
        (CRS.from_string("EPSG:4326+5773"), True),
        (CRS.from_epsg(5773), False),
        (index_crs("i", "j"), False),
        (index_crs(), False),
    ],
)
def test_which_planes_lie_on_the_earth(crs: CRS, on_earth: bool) -> None:  # noqa: FBT001  # a case
    axis = RegularAxis(name="i", uom="1", start=0, step=1, size=3)
    assert Grid(crs=crs, x=axis, y=axis).on_earth is on_earth


def test_nothing_is_transformed_to_or_from_an_index_grid() -> None:
    for pair in ((UTM33, index_crs("i", "j")), (index_crs("i"), UTM33)):
        with pytest.raises(InvalidParameterError, match="no place on the Earth"):
            transformer(*pair)


def test_a_line_has_one_axis_and_a_point_none() -> None:
    none = RegularAxis(name=PLACEHOLDER, uom="1", start=0, step=1, size=1, index=True)
    x = RegularAxis(name="x", uom="m", start=3, step=2, size=5)
    line = Grid(crs=index_crs("x"), x=x, y=none)
    assert line.line
    assert line.axes == (x,)
    assert Grid(crs=index_crs(), x=none, y=none).axes == ()
    group = free_group(line, "r2m")
    assert group.grid.y == none
    assert group.array_origin == (0, 2**23)
    assert group.array_window(line.at(Window(((0, 1), (0, 5)))).window, 0) == Window(
        ((0, 1), (2**23, 2**23 + 5))
    )


def test_an_index_grid_counts_by_its_own_indices() -> None:
    i, j = (
        RegularAxis(name=name, uom="1", start=0, step=1, first=-4, size=9, index=True)
        for name in "ij"
    )
    group = free_group(Grid(crs=index_crs("i", "j"), x=j, y=i), "r1")
    assert (group.grid.x.start, group.grid.x.step) == (0, 1)
    assert group.array_window(Window(((-4, 5), (-4, 5))), 0).rows == (2**23 - 4, 2**23 + 5)
