"""The example queries with subsets and geometry, against NumPy, GDAL's masks and PROJ."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.warp import calculate_default_transform

from tests.builders.asked import evaluated
from tests.builders.made import Made

type Array = NDArray[Any]
type Cut = Callable[[Array], Array]

LAT = 29.75 - np.arange(60)[:, None] / 2
LON = 0.25 + np.arange(60) / 2
"""Centres of the cells of A, B and T."""


def nearest(rows: int, columns: int) -> Cut:
    """Return the scale of WCPS to as many cells."""

    def cut(a: Array) -> Array:
        at_rows = np.arange(rows) * a.shape[-2] // rows
        at_columns = np.arange(columns) * a.shape[-1] // columns
        return a[..., at_rows[:, None], at_columns]

    return cut


def triangle(low: float, high: float) -> Array:
    """Return which centres lie in or on `low low, high low, high high`, latitude first."""
    return (low < LAT) & (high > LAT) & (low < LON) & (LON <= LAT)


def within(area: Array, rows: slice = slice(None), columns: slice = slice(None)) -> Cut:
    """Return the cells of a box, NaN outside an area."""
    return lambda a: np.where(area, a, np.nan)[..., rows, columns]


def along(steps: int) -> Cut:
    """Return the diagonal from the cell of 10 N 10 E to that of 20 N 20 E."""
    at = np.arange(steps)
    return lambda a: a[..., 40 - at, 20 + at]


def with_places(a: Array) -> Array:
    at = np.arange(21)
    return np.stack([9.75 + at / 2, 10.25 + at / 2, a[40 - at, 20 + at]])


def through_time(t: Array) -> Array:
    """Two times, 21 cells: the later from the eleventh on."""
    at = np.arange(21)
    return t[(at + 10) // 20, 40 - at, 20 + at]


def corridor(steps: range | list[int]) -> Cut:
    """Return the triangle from 9 to 11 degrees, moved up and right by a cell a step."""
    kept = triangle(9, 11)[38:42, 18:22]

    def cut(t: Array) -> Array:
        made = [
            np.where(kept, t[(k + 10) // 20, 38 - k : 42 - k, 18 + k : 22 + k], np.nan)
            for k in steps
        ]
        return np.stack(made)

    return cut


def extended(a: Array) -> Array:
    made = np.full((220, 20), np.nan)
    made[140:200] = a[:, :20]
    return made


def warped(a: Array) -> Array:
    """Return the nearest cells on GDAL's grid in EPSG:3857."""
    transform, width, height = calculate_default_transform(
        "EPSG:4326", "EPSG:3857", 60, 60, 0, 0, 30, 30
    )
    return _under(a, transform, height, width)


def _places(transform: Affine, height: int, width: int) -> tuple[Array, Array]:
    """Return longitude and latitude of the centres of a grid in EPSG:3857."""
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = transform.c + columns * transform.a, transform.f + rows * transform.e
    lon, lat = Transformer.from_crs(3857, 4326, always_xy=True).transform(x, y)
    return lon, lat


def _under(a: Array, transform: Affine, height: int, width: int) -> Array:
    lon, lat = _places(transform, height, width)
    rows, columns = np.floor((30 - lat) * 2).astype(int), np.floor(lon * 2).astype(int)
    inside = (rows >= 0) & (rows < 60) & (columns >= 0) & (columns < 60)
    return np.where(inside, a[rows.clip(0, 59), columns.clip(0, 59)], np.nan)


def framed(a: Array) -> Array:
    """Return 60 x 60 cells of equal size over the box of the other coverage."""
    x1, y1 = Transformer.from_crs(4326, 3857, always_xy=True).transform(30, 30)
    return _under(a, Affine(x1 / 60, 0, 0, 0, -y1 / 60, y1), 60, 60)


def bilinear(a: Array) -> Array:
    """Return the cells between on GDAL's grid in EPSG:3857, NaN where one of four is missing."""
    transform, width, height = calculate_default_transform(
        "EPSG:4326", "EPSG:3857", 60, 60, 0, 0, 30, 30
    )
    lon, lat = _places(transform, height, width)
    rows, columns = (30 - lat) * 2 - 0.5, lon * 2 - 0.5
    r, c = np.floor(rows).astype(int).clip(0, 58), np.floor(columns).astype(int).clip(0, 58)
    fr, fc = rows - r, columns - c
    upper = a[r, c] * (1 - fc) + a[r, c + 1] * fc
    lower = a[r + 1, c] * (1 - fc) + a[r + 1, c + 1] * fc
    inside = (rows >= 0) & (rows <= 59) & (columns >= 0) & (columns <= 59)
    return np.where(inside, upper * (1 - fr) + lower * fr, np.nan)


MEANS: Mapping[str, Cut] = {
    'for $c in (T) return avg($c[Lat(10:20), ansi("2020-05-01")])': lambda t: t[2, 20:40],
    "for $c in (A) return avg(trim($c, {Lat(10:20)}))": lambda a: a[20:40],
    'for $c in (T) return avg(slice($c, {ansi("2020-05-01")}))': lambda t: t[2],
    'for $c in (A) return avg($c[Lat:"CRS:1"(0:99)])': lambda a: a,
    'for $c in (A) return avg($c[E:"EPSG:3857"(1000:2000)])': lambda a: a[:, 0],
    'for $c in (A) return avg($c[Lat:"http://www.opengis.net/def/crs/EPSG/0/4326"(10:20)])': (
        lambda a: a[20:40]
    ),
    'for $c in (T) return avg($c[ansi("2020-01-01":*), Lat(*:20)])': lambda t: t[:, 20:],
    "for $c in (A) return avg($c[Lat(30:domain($c, Lat).hi)])": lambda a: a[0],
    'for $c in (A) return avg($c[Lat:"CRS:1"(imageCrsDomain($c, Lat).lo : '
    "imageCrsDomain($c, Lat).hi)])": lambda a: a,
    'for $c in (A) return avg($c[Lat:"CRS:1"(2*3:4+9)])': lambda a: a[6:14],
    'for $c in (T) return avg($c[ansi("2023-01":"2023-01 P1M")])': lambda t: t[6],
    'for $c in (T) return avg($c[ansi("2023" . "-01")])': lambda t: t[6],
    'for $c in (T) return avg($c[ansi("2020-05-01")][Lat(1:2)].b4)': lambda t: t[2, 56:58],
    "for $a in (A), $b in (B) return avg(scale($a, {imageCrsDomain($b)}))": lambda a: a,
    "for $c in (A) return avg(scale($c, 0.5))": nearest(30, 30),
    "for $c in (A) return avg(scale($c, {0.5}))": nearest(30, 30),
    "for $c in (A) return avg(scale($c, {Lat(0.5), Lon(0.2)}))": nearest(30, 12),
    'for $c in (A) return avg(scale($c, {Lat:"CRS:1"(0:9)}))': nearest(10, 10),
    'for $c in (A) let $d := [Lat:"CRS:1"(0:9), Lon:"CRS:1"(0:9)] return avg(scale($c, {$d}))': (
        nearest(10, 10)
    ),
    "for $c in (A) return avg(clip($c, POLYGON((10 10, 20 10, 20 20, 10 10))))": within(
        triangle(10, 20)
    ),
    "for $c in (A) return avg(clip($c, POLYGON((10 10, 20 10, 20 20, 10 10), "
    '(12 12, 13 12, 13 13, 12 12)), "EPSG:4326"))': within(triangle(10, 20) & ~triangle(12, 13)),
    "for $c in (A) return avg(clip($c, MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), "
    "((5 5, 6 5, 6 6, 5 5)))))": within(triangle(0, 1) | triangle(5, 6)),
}
"""What each query takes the mean of, in each band."""

_TRACK = 'LineString(10 10 "2020-01-01", 20 20 "2020-02-01"), POLYGON((9 9, 11 9, 11 11))'

CELLS: Mapping[str, Cut] = {
    'for $c in (A) return encode(extend($c, {Lat(-10:100), Lon(0:10)}), "png")': extended,
    'for $a in (A), $b in (B) return encode(extend($a, {imageCrsDomain($b)}), "png")': lambda a: a,
    'for $c in (A) return encode(scale($c, {Lat:"CRS:1"(0:99), Lon:"CRS:1"(0:99)}), "png")': (
        nearest(100, 100)
    ),
    'for $c in (A) return encode(crsTransform($c, "EPSG:3857", {near}, {X:100, Y:-100}, '
    '{X(0:1000), Y(0:1000)}), "tiff")': lambda a: np.full((10, 10), a[59, 0]),
    'for $c in (A) return encode(clip($c, LineString(10 10, 20 20)), "csv")': along(21),
    'for $c in (A) return encode(clip($c, LineString(10 10, 20 20)) WITH COORDINATES, "csv")': (
        with_places
    ),
    'for $c in (T) return encode(clip($c, LineString("2020-01-01" 10 10, "2020-02-01" 20 20)), '
    '"csv")': through_time,
    "for $c in (T) return encode(clip($c, CURTAIN(projection(Lat, Lon), "
    'LineString(10 10, 20 20))), "csv")': along(21),
    "for $c in (T) return encode(clip($c, CURTAIN(projection(Lat, Lon), "
    'POLYGON((10 10, 20 10, 20 20))), "EPSG:4326"), "csv")': within(
        triangle(10, 20), slice(20, 40), slice(20, 40)
    ),
    f"for $c in (T) return encode(clip($c, CORRIDOR(projection(Lat, Lon), {_TRACK})), "
    '"csv")': corridor(range(21)),
    f"for $c in (T) return encode(clip($c, CORRIDOR(projection(Lat, Lon), {_TRACK}, discrete)), "
    '"csv")': corridor([0, 20]),
    'for $c in (T) return encode(FLIP $c ALONG Lat, "csv")': lambda t: t[:, ::-1],
    'for $c in (A) return encode(SORT $c ALONG Lat BY $c[Lon(0)], "csv")': lambda a: a[
        np.argsort(a[:, 0], kind="stable")
    ],
}
"""The cells of each result, in each band."""

_LONG = '{Lat:"EPSG:3857", Lon:"EPSG:3857"}, {}'
WARPED: Mapping[str, Cut] = {
    f'for $c in (A) return encode(crsTransform($c, {_LONG}), "tiff")': warped,
    'for $c in (A) return encode(crsTransform($c, "EPSG:3857", {bilinear}), "tiff")': bilinear,
    'for $c in (A), $d in (B) return encode(crsTransform($c, "EPSG:3857", {near}, '
    "{Lat:domain($d, Lat).resolution, Lon:domain($d, Lon).resolution}, {domain($d)}), "
    '"tiff")': framed,
}
"""The cells of each warped result; around a bilinear one NaN, where it is not looked at."""

SORTED = 'for $c in (T) return encode(SORT $c ALONG ansi DESC BY avg($c), "csv")'
ELSEWHERE = (
    'for $c in (A) return polygonize($c, "GeoJSON")',
    'for $c in (A) return polygonize($c, "ESRI Shapefile", 8)',
)


def stored(cubes: Made, query: str) -> dict[str, Array]:
    """Return the bands that a query reads first, in float64, NaN where they are null."""
    name = "T" if "(T)" in query else "A"
    bands = {k: v.astype(np.float64) for k, v in cubes.arrays[name].items()}
    return {k: np.where(v == 65535, np.nan, v) for k, v in bands.items()}


def test_every_example_of_the_group_has_a_case() -> None:
    lines = (Path(__file__).parent / "examples.jsonl").read_text().splitlines()
    asked = {e["query"] for e in map(json.loads, lines) if e["group"] == "subset"}
    assert asked == {*MEANS, *CELLS, *WARPED, SORTED, *ELSEWHERE}


@pytest.mark.parametrize("query", MEANS)
def test_mean(cubes: Made, query: str) -> None:
    (got,) = evaluated(cubes, query)
    bands = stored(cubes, query)
    assert set(got.dtypes) == {"float64"}
    for name, value in zip(got.names, got.filled(), strict=True):
        values = bands[name if name in bands else "b4"]
        assert value == pytest.approx(np.nanmean(MEANS[query](values)), rel=1e-13)


@pytest.mark.parametrize("query", CELLS)
def test_cells(cubes: Made, query: str) -> None:
    (got,) = evaluated(cubes, query)
    wanted = [CELLS[query](values) for values in stored(cubes, query).values()]
    if "COORDINATES" in query:
        wanted = list(wanted[0])
        assert got.names == ("Lat", "Lon", "v")
    for values, one in zip(got.filled(), wanted, strict=True):
        np.testing.assert_array_equal(values, one)
    own = "uint16" if "(T)" in query else "int16"
    assert got.dtypes[-1] == own


def test_sort_by_the_first_band(cubes: Made) -> None:
    (got,) = evaluated(cubes, SORTED)
    bands = stored(cubes, SORTED)
    order = np.argsort(-np.nanmean(bands["b4"], axis=(1, 2)), kind="stable")
    for values, one in zip(got.filled(), bands.values(), strict=True):
        np.testing.assert_array_equal(values, one[order])


@pytest.mark.parametrize("query", WARPED)
def test_warped_cells(cubes: Made, query: str) -> None:
    (got,) = evaluated(cubes, query)
    (values,) = got.filled()
    wanted = WARPED[query](stored(cubes, query)["v"])
    assert values.shape == wanted.shape
    assert got.dtypes == ("int16",)
    known = ~np.isnan(wanted)
    if "bilinear" in query:
        # Positions are rounded to 1/256 of a cell, neighbours differ by up to 300.
        assert np.abs(values - wanted)[known].max() < 0.5 + 300 * 2 / 256
    else:
        np.testing.assert_array_equal(values, wanted)
