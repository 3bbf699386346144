"""Clips against GDAL's masks, and lines against cells counted by hand."""

from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import geometry_mask
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    RequestError,
    UnknownNameError,
)
from tests.builders.asked import Evaluated, evaluated
from tests.builders.made import T_TIMES, Made

type Band = NDArray[Any]
HALF_DEGREE = Affine(0.5, 0, 0, 0, -0.5, 30)
"""The grid of A, B and T."""


def run(made: Made, coverage: str, text: str) -> Evaluated:
    (found,) = evaluated(made, f'for $c in ({coverage}) return encode({text}, "csv")')
    return found


def stored(made: Made, coverage: str, band: str) -> Band:
    """Return a band in float64, NaN where it is null."""
    nodata = made.coverage(coverage).cube.band(band).nodata
    values = made.arrays[coverage][band].astype(float)
    return np.where(values == nodata, np.nan, values)


def box(area: BaseGeometry, shape: tuple[int, ...], transform: Affine) -> tuple[slice, slice]:
    """Return the rows and columns whose centres lie within the bounds of an area."""
    x0, y0, x1, y1 = area.bounds
    x = transform.c + (np.arange(shape[-1]) + 0.5) * transform.a
    y = transform.f + (np.arange(shape[-2]) + 0.5) * transform.e
    rows, columns = np.flatnonzero((y > y0) & (y < y1)), np.flatnonzero((x > x0) & (x < x1))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def masked(values: Band, area: BaseGeometry, transform: Affine) -> Band:
    """Return what GDAL leaves of a map, cut to the bounds of the area."""
    outside = geometry_mask([area], values.shape[-2:], transform, all_touched=False)
    return np.where(outside, np.nan, values)[..., *box(area, values.shape, transform)]


def ring(points: list[tuple[float, float]], *, lat_first: bool = True) -> str:
    return ", ".join(f"{y} {x}" if lat_first else f"{x} {y}" for x, y in points)


TRIANGLE = [(3.1, 4.2), (17.3, 6.1), (9.43, 23.31)]
HOLE = [(8.1, 8.2), (11.3, 8.4), (9.6, 13.1)]
FAR = [(25.1, 1.2), (28.3, 1.1), (28.4, 5.3), (25.2, 5.4)]
OVER = [(27.1, 4.2), (45.3, 4.1), (45.4, 7.3), (27.2, 7.4)]
"""Reaches beyond the east edge and overlaps FAR."""


@pytest.mark.parametrize(
    ("wkt", "area"),
    [
        (f"POLYGON(({ring(TRIANGLE)}))", Polygon(TRIANGLE)),
        (f"POLYGON(({ring([*TRIANGLE, TRIANGLE[0]])}))", Polygon(TRIANGLE)),
        (f"POLYGON(({ring(TRIANGLE[::-1])}))", Polygon(TRIANGLE)),
        (f"POLYGON(({ring(TRIANGLE)}), ({ring(HOLE)}))", Polygon(TRIANGLE, [HOLE])),
        (
            f"MULTIPOLYGON((({ring(TRIANGLE)}), ({ring(HOLE)})), (({ring(FAR)})))",
            MultiPolygon([(TRIANGLE, [HOLE]), (FAR, [])]),
        ),
        (
            f"MULTIPOLYGON((({ring(FAR)})), (({ring(OVER)})))",
            Polygon(FAR).union(Polygon(OVER)),
        ),
    ],
)
def test_polygons(cubes: Made, wkt: str, area: BaseGeometry) -> None:
    (got,) = run(cubes, "A", f"clip($c, {wkt})").filled()
    np.testing.assert_array_equal(got, masked(stored(cubes, "A", "v"), area, HALF_DEGREE))


def test_polygon_in_a_let_and_over_all_times(cubes: Made) -> None:
    (got,) = evaluated(
        cubes,
        f"for $c in (T) let $p := POLYGON(({ring(TRIANGLE)})) return encode(clip($c, $p), 'csv')",
    )
    for values, band in zip(got.filled(), ("b4", "b8"), strict=True):
        wanted = masked(stored(cubes, "T", band), Polygon(TRIANGLE), HALF_DEGREE)
        np.testing.assert_array_equal(values, wanted)


def test_polygon_in_the_order_of_its_own_crs(cubes: Made) -> None:
    for crs, lat_first in (("EPSG:4326", True), ("OGC:CRS84", False)):
        text = f'clip($c, POLYGON(({ring(TRIANGLE, lat_first=lat_first)})), "{crs}")'
        (got,) = run(cubes, "A", text).filled()
        wanted = masked(stored(cubes, "A", "v"), Polygon(TRIANGLE), HALF_DEGREE)
        np.testing.assert_array_equal(got, wanted)


def test_polygon_in_degrees_on_utm(cubes: Made) -> None:
    move = Transformer.from_crs(32633, 4326, always_xy=True)
    corners = [(500_303.0, 5_197_302.0), (502_404.0, 5_197_511.0), (501_107.0, 5_199_709.0)]
    lonlat = [move.transform(*corner) for corner in corners]
    text = f'clip($c, POLYGON(({ring(lonlat)})), "EPSG:4326")'
    (got,) = run(cubes, "U", text).filled()
    transform = Affine(10, 0, 499_980, 0, -10, 5_200_020)
    wanted = masked(stored(cubes, "U", "B04"), Polygon(corners), transform)
    assert got.shape == wanted.shape
    # Sides that are straight in degrees bend by less than a cell here.
    assert (np.isnan(got) != np.isnan(wanted)).mean() < 0.002
    both = ~np.isnan(got) & ~np.isnan(wanted)
    np.testing.assert_array_equal(got[both], wanted[both])


def test_polygon_on_an_index_grid_counts_indices(cubes: Made) -> None:
    """Cell (i, j) lies at i, j; a corner that it touches belongs to the polygon."""
    (got,) = run(cubes, "G", "clip($c, POLYGON((1 2, 7 2, 7 6, 1 6)))").filled()
    np.testing.assert_array_equal(got, stored(cubes, "G", "v")[1:8, 2:7])
    (got,) = run(cubes, "G", "clip($c, POLYGON((0.5 1.5, 8.2 1.5, 0.5 9.3)))").filled()
    i, j = np.meshgrid(np.arange(11), np.arange(13), indexing="ij")
    inside = (i > 0.5) & (j > 1.5) & ((i - 0.5) / 7.7 + (j - 1.5) / 7.8 < 1)
    wanted = np.where(inside, stored(cubes, "G", "v"), np.nan)
    np.testing.assert_array_equal(got, wanted[1:9, 2:10])


def test_polygon_smaller_than_a_cell_leaves_one_null_cell(cubes: Made) -> None:
    (got,) = run(cubes, "A", "clip($c, POLYGON((10.1 10.1, 10.2 10.1, 10.2 10.2)))").filled()
    assert got.shape == (1, 1)
    assert np.isnan(got).all()


def test_line_cell_by_cell(cubes: Made) -> None:
    """From row 4, column 2 to row 10, column 5, then along the row: one cell a step."""
    a = stored(cubes, "A", "v")
    got = run(cubes, "A", "clip($c, LINESTRING(27.8 1.2, 24.8 2.6, 24.8 4.1))")
    rows = [4, 5, 6, 7, 8, 9, 10, 10, 10, 10]
    columns = [2, 3, 3, 4, 4, 5, 5, 6, 7, 8]
    assert got.axes == ("line",)
    np.testing.assert_array_equal(got.filled()[0], a[rows, columns])


def test_line_with_coordinates(cubes: Made) -> None:
    got = run(cubes, "A", "clip($c, LINESTRING(27.8 1.2, 24.8 2.6)) WITH COORDINATES")
    assert got.names == ("Lat", "Lon", "v")
    rows, columns = np.array([4, 5, 6, 7, 8, 9, 10]), np.array([2, 3, 3, 4, 4, 5, 5])
    wanted = (29.75 - rows / 2, 0.25 + columns / 2, stored(cubes, "A", "v")[rows, columns])
    for values, one in zip(got.filled(), wanted, strict=True):
        np.testing.assert_allclose(values, one)


def test_line_keeps_only_cells_of_the_coverage(cubes: Made) -> None:
    (got,) = run(cubes, "A", "clip($c, LINESTRING(29.8 28.2, 29.8 40))").filled()
    np.testing.assert_array_equal(got, stored(cubes, "A", "v")[0, 56:])


def test_line_in_another_crs(cubes: Made) -> None:
    move = Transformer.from_crs(4326, 3857, always_xy=True)
    (x0, y0), (x1, y1) = move.transform(3.3, 10.2), move.transform(8.3, 10.2)
    text = f'clip($c, LINESTRING({x0} {y0}, {x1} {y1}), "EPSG:3857")'
    (got,) = run(cubes, "A", text).filled()
    np.testing.assert_array_equal(got, stored(cubes, "A", "v")[39, 6:17])


def test_line_through_time(cubes: Made) -> None:
    """Seven times, three of them along a line of seven columns; the text may stand anywhere."""
    t = stored(cubes, "T", "b8")
    lines = (
        '"2020-01-01" 10.2 3.2, "2020-05-01" 10.2 6.2',
        '10.2 3.2 "2020-01", 10.2 6.2 "2020-05"',
    )
    for line in lines:
        got = run(cubes, "T", f"clip($c, LINESTRING({line}))").filled()[1]
        np.testing.assert_array_equal(got, t[[0, 0, 1, 1, 1, 2, 2], 39, range(6, 13)])


def test_times_between_two_are_the_nearest(cubes: Made) -> None:
    line = 'LINESTRING("2020-01-20" 10.2 3.2, "2020-05-20" 10.2 3.2)'
    got = run(cubes, "T", f"clip($c, {line})").filled()[1]
    np.testing.assert_array_equal(got, stored(cubes, "T", "b8")[[1, 2, 3], 39, 6])


def test_curtain_of_a_line(cubes: Made) -> None:
    text = "clip($c, CURTAIN(projection(Lat, Lon), LINESTRING(27.8 1.2, 24.8 2.6)))"
    got = run(cubes, "T", text)
    assert got.axes == ("ansi", "line")
    rows, columns = [4, 5, 6, 7, 8, 9, 10], [2, 3, 3, 4, 4, 5, 5]
    np.testing.assert_array_equal(got.filled()[1], stored(cubes, "T", "b8")[:, rows, columns])
    # The projection gives the order of coordinates.
    swapped = "clip($c, CURTAIN(projection(Lon, Lat), LINESTRING(1.2 27.8, 2.6 24.8)))"
    np.testing.assert_array_equal(run(cubes, "T", swapped).filled()[1], got.filled()[1])


def test_curtain_through_time_and_height(cubes: Made) -> None:
    w = stored(cubes, "W", "v")
    text = 'clip($c, CURTAIN(projection(ansi, height), LINESTRING("2020-01" 2, "2020-05" 100)))'
    got = run(cubes, "W", text)
    assert got.axes == ("line", "Lat", "Lon")
    np.testing.assert_array_equal(got.filled()[1], w[[0, 1, 1, 2], [0, 1, 2, 3]])


def test_curtain_of_a_polygon(cubes: Made) -> None:
    text = f"clip($c, CURTAIN(projection(Lon, Lat), POLYGON(({ring(TRIANGLE, lat_first=False)}))))"
    got = run(cubes, "T", text).filled()[1]
    wanted = masked(stored(cubes, "T", "b8"), Polygon(TRIANGLE), HALF_DEGREE)
    np.testing.assert_array_equal(got, wanted)


def test_curtain_of_a_polygon_over_height(cubes: Made) -> None:
    """Heights 10 and 50, and latitudes whose centres lie inside; longitudes stay."""
    text = "clip($c, CURTAIN(projection(height, Lat), POLYGON((5 52.1, 60 52.1, 60 54.4, 5 54.4))))"
    got = run(cubes, "W", text).filled()[1]
    centres = 59.75 - np.arange(20) / 2
    rows = np.flatnonzero((centres > 52.1) & (centres < 54.4))
    np.testing.assert_array_equal(got, stored(cubes, "W", "v")[:, 1:3, rows[0] : rows[-1] + 1])


def corridor(values: Band, area: Polygon, steps: list[tuple[int, int, int]]) -> Band:
    """Move GDAL's mask from step to step; `(time, row, column)` are moved as the track is."""
    outside = geometry_mask([area], values.shape[-2:], HALF_DEGREE, all_touched=False)
    rows, columns = np.nonzero(~outside)
    tall, wide = box(area, values.shape, HALF_DEGREE)
    r0, c0 = tall.start, wide.start
    made = np.full((len(steps), tall.stop - r0, wide.stop - c0), np.nan)
    for k, (time, row, column) in enumerate(steps):
        for r, c in zip(rows, columns, strict=True):
            at = r + row - steps[0][1], c + column - steps[0][2]
            if 0 <= at[0] < 60 and 0 <= at[1] < 60:
                made[k, r - r0, c - c0] = values[time, *at]
    return made


MASK = [(2.1, 24.2), (5.3, 24.6), (3.43, 28.31)]
TRACK = 'LINESTRING(26.2 3.2 "2020-01-01", 26.2 5.2 "2020-05-01", 24.2 6.2 "2020-05-01")'


@pytest.mark.parametrize(
    ("discrete", "steps"),
    [
        (
            "",
            [
                *[(0, 7, 6), (1, 7, 7), (1, 7, 8), (2, 7, 9), (2, 7, 10)],
                *[(2, 8, 11), (2, 9, 11), (2, 10, 12), (2, 11, 12)],
            ],
        ),
        (", discrete", [(0, 7, 6), (2, 7, 10), (2, 11, 12)]),
    ],
)
def test_corridor(cubes: Made, discrete: str, steps: list[tuple[int, int, int]]) -> None:
    mask = f"POLYGON(({ring(MASK)}))"
    got = run(cubes, "T", f"clip($c, CORRIDOR(projection(Lat, Lon), {TRACK}, {mask}{discrete}))")
    assert got.axes == ("track", "Lat", "Lon")
    wanted = corridor(stored(cubes, "T", "b8"), Polygon(MASK), steps)
    np.testing.assert_array_equal(got.filled()[1], wanted)


def test_corridor_is_null_beyond_the_coverage(cubes: Made) -> None:
    track = 'LINESTRING("2020-01-01" 26.2 5.2, "2020-01-01" 26.2 2.2)'
    text = f"clip($c, CORRIDOR(projection(Lat, Lon), {track}, POLYGON(({ring(MASK)})), discrete))"
    got = run(cubes, "T", text).filled()[1]
    wanted = corridor(stored(cubes, "T", "b8"), Polygon(MASK), [(0, 7, 10), (0, 7, 4)])
    assert np.isnan(wanted[1]).sum() > np.isnan(wanted[0]).sum()
    np.testing.assert_array_equal(got, wanted)


def test_corridor_of_a_line(cubes: Made) -> None:
    t = stored(cubes, "T", "b8")
    mask = "LINESTRING(26.2 3.2, 24.2 3.2)"
    got = run(cubes, "T", f"clip($c, CORRIDOR(projection(Lat, Lon), {TRACK}, {mask}, discrete))")
    assert got.axes == ("track", "line")
    wanted = [t[0, 7:12, 6], t[2, 7:12, 10], t[2, 11:16, 12]]
    np.testing.assert_array_equal(got.filled()[1], wanted)


def test_corridor_without_time(cubes: Made) -> None:
    g = stored(cubes, "G", "v")
    text = (
        "clip($c, CORRIDOR(projection(i, j), LINESTRING(2 3, 2 5), POLYGON((1 2, 3 2, 3 4, 1 4))))"
    )
    got = run(cubes, "G", text).filled()[0]
    np.testing.assert_array_equal(got, [g[1:4, 2:5], g[1:4, 3:6], g[1:4, 4:7]])


OVER_HEIGHT = (
    'CORRIDOR(projection(height, Lat), LINESTRING("2020-01" 2 55 5, "2020-02" 2 55 6), '
    "POLYGON((2 54, 10 54, 10 56)))"
)
REFUSED: tuple[tuple[str, str, type[RequestError], str], ...] = (
    ("A", "POLYGON((1 1, 2 2))", InvalidParameterError, "at least 3 points, not 2"),
    ("A", "POLYGON((1 1, 3 3, 1 3, 3 1))", InvalidParameterError, "Self-intersection"),
    ("A", "POLYGON((1 1, 2 2, 3 3))", InvalidParameterError, "no polygon"),
    ("A", "POLYGON((40 40, 50 40, 50 50))", OutOfDomainError, "misses axis 'Lat'"),
    ("A", "POLYGON((1 1 1, 2 2 2, 1 2 3))", InvalidParameterError, "2 coordinates, not 3"),
    ("A", 'POLYGON((1 1, 2 "2", 1 2))', InvalidParameterError, "a number is needed"),
    ("A", "LINESTRING(40 40, 50 50)", OutOfDomainError, "no cell on the axes Lat, Lon"),
    ("A", "LINESTRING(1 1, 2 2 2)", InvalidParameterError, "each of the axes Lat, Lon"),
    ("A", 'LINESTRING("2020" 1, "2021" 2)', InvalidParameterError, "on the axes Lat, Lon"),
    ("A", "LINESTRING(1 1, 1 100000)", LimitExceededError, "allowed: 100,000"),
    ("T", "LINESTRING(1 1 1, 2 2 2)", InvalidParameterError, "times are in quotes"),
    ("G", 'POLYGON((1 1, 2 2, 1 2)), "EPSG:4326"', InvalidParameterError, "no coordinates in"),
    ("A", 'POLYGON((1 1, 2 2, 1 2)), "EPSG:1"', UnknownNameError, "unknown crs"),
    ("L", "POLYGON((1 1, 2 2, 1 2))", InvalidParameterError, "two axes of a map"),
    ("A", "$nothing", UnknownNameError, "unknown variable"),
    ("A", "$c", InvalidParameterError, "is no geometry"),
    ("T", "CURTAIN(projection(Lat, up), LINESTRING(1 1, 2 2))", UnknownNameError, "axis up"),
    ("T", "CURTAIN(projection(Lat, y), LINESTRING(1 1, 2 2))", InvalidParameterError, "twice"),
    ("T", "CURTAIN(projection(Lat), POLYGON((1 1, 2 2, 1 2)))", InvalidParameterError, "1"),
    (
        "T",
        'CURTAIN(projection(ansi, Lat), POLYGON(("2020" 1, "2021" 2, "2022" 2)))',
        InvalidParameterError,
        "a number is needed",
    ),
    (
        "W",
        OVER_HEIGHT,
        InvalidParameterError,
        "moves on regular axes",
    ),
)


@pytest.mark.parametrize(
    ("coverage", "geometry", "error", "told"), REFUSED, ids=[f"{c[0]} {c[1]}" for c in REFUSED]
)
def test_what_is_refused(
    cubes: Made, coverage: str, geometry: str, error: type[RequestError], told: str
) -> None:
    with pytest.raises(error, match=told):
        run(cubes, coverage, f"clip($c, {geometry})")


def test_coordinates_are_for_lines(cubes: Made) -> None:
    with pytest.raises(InvalidParameterError, match="for clips by a line"):
        run(cubes, "A", f"clip($c, POLYGON(({ring(TRIANGLE)}))) with coordinates")


def test_times_of_the_made_cube() -> None:
    """The numbers above count on these."""
    assert T_TIMES[:4] == ("2020-01-01", "2020-02-01", "2020-05-01", "2020-06-01")
