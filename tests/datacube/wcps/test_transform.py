"""`crsTransform`: its grid against GDAL's, its cells against PROJ and NumPy."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.warp import Resampling, reproject

from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    RequestError,
    UnknownNameError,
)
from datacube.grid import Grid
from datacube.plan.geometry import TOLERANCE_CELLS
from datacube.plan.warping import EXACT_CELLS
from datacube.wcps.bind.methods import METHODS
from datacube.wcps.bind.values import Encoded
from tests.builders.asked import Evaluated, evaluated, processor
from tests.builders.made import Made

GDAL_NAMES = {
    "linear": Resampling.bilinear,
    "cubicspline": Resampling.cubic_spline,
    "median": Resampling.med,
}
"""Methods that rasterio calls otherwise."""
NEAR_CELLS = 1e-6
"""Difference of positions, in source cells, that comes of rounding."""


def asked(coverage: str, arguments: str) -> str:
    sources = f"$c in ({coverage}), $d in (B), $u in (U)"
    return f'for {sources} return encode(crsTransform($c, {arguments}), "csv")'


def run(made: Made, coverage: str, arguments: str) -> Evaluated:
    (found,) = evaluated(made, asked(coverage, arguments))
    return found


def grid(made: Made, coverage: str, arguments: str) -> Grid:
    (result,) = processor(made).bind(asked(coverage, arguments))
    assert isinstance(result.value, Encoded)
    return result.value.root.source.domain.plane  # type: ignore[union-attr]  # no picture


def stored(made: Made, coverage: str, band: str) -> np.ndarray:
    """Return a band in float64, NaN where it is null."""
    nodata = made.coverage(coverage).cube.band(band).nodata
    values = made.arrays[coverage][band].astype(float)
    return np.where(values == nodata, np.nan, values)


def positions(target: Grid, source: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column positions of the centres of target cells, as PROJ says."""
    x, y = np.meshgrid(target.x.centres(), target.y.centres())
    sx, sy = Transformer.from_crs(target.crs, source.crs, always_xy=True).transform(x, y)
    rows = (sy - source.y.start) / source.y.step - source.y.first
    return rows, (sx - source.x.start) / source.x.step - source.x.first


def check_nearest(
    got: np.ndarray,
    source: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    near_cells: float = NEAR_CELLS,
) -> None:
    """Each cell is one that lies within `near_cells` of where PROJ says, null outside."""
    found = np.zeros(got.shape, dtype=bool)
    for dr in (-near_cells, 0, near_cells):
        for dc in (-near_cells, 0, near_cells):
            r, c = np.floor(rows + dr).astype(int), np.floor(columns + dc).astype(int)
            inside = (r >= 0) & (r < source.shape[0]) & (c >= 0) & (c < source.shape[1])
            value = np.where(
                inside,
                source[r.clip(0, source.shape[0] - 1), c.clip(0, source.shape[1] - 1)],
                np.nan,
            )
            found |= (got == value) | (np.isnan(got) & np.isnan(value))
    assert found.all()


def gdal_grid(path: Path, source: Grid, crs: str) -> tuple[tuple[int, int], tuple[float, ...]]:
    """Return the shape and transform that GDAL gives to a warped file."""
    profile = {
        "driver": "GTiff",
        "height": source.y.size,
        "width": source.x.size,
        "count": 1,
        "dtype": "uint8",
        "crs": source.crs.to_wkt(),
        "transform": from_origin(source.bbox[0], source.bbox[3], source.x.step, -source.y.step),
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.ones((1, *source.shape), dtype="uint8"))
    with rasterio.open(path) as file, WarpedVRT(file, crs=crs) as warped:
        return warped.shape, tuple(warped.transform)[:6]


@pytest.mark.parametrize(
    ("coverage", "crs"),
    [("A", "EPSG:3857"), ("A", "EPSG:3035"), ("U", "EPSG:4326"), ("U", "EPSG:32632")],
)
def test_default_grid_is_that_of_gdal(cubes: Made, tmp_path: Path, coverage: str, crs: str) -> None:
    source = cubes.coverage(coverage).grid
    made = grid(cubes, coverage, f'"{crs}"')
    shape, transform = gdal_grid(tmp_path / "x.tif", source, crs)
    assert made.shape == shape
    assert tuple(made.transform)[:6] == pytest.approx(transform, rel=1e-9)
    assert made.crs == CRS.from_user_input(crs)
    assert (made.y.name, made.x.name) == (("Lat", "Lon") if crs == "EPSG:4326" else ("N", "E"))


@pytest.mark.parametrize(
    ("coverage", "band", "at", "arguments"),
    [
        ("A", "v", (), '"EPSG:3857", {near}'),
        ("A", "v", (), '{Lat:"EPSG:3857", Lon:"EPSG:3857"}, {}'),
        ("A", "v", (), '"http://www.opengis.net/def/crs/EPSG/0/3857"'),
        ("A", "v", (), '"EPSG:3035", {}, {}, {X(4000000:5000000), Y(-900000:100000)}'),
        ("T", "b4", (3,), '"EPSG:3857", {}'),
        ("U", "B04", (1,), '"EPSG:4326", {nearest}'),
        ("U", "B04", (0,), '"EPSG:32632", {near}, {E:25, N:-15}'),
    ],
)
def test_nearest_cells(
    cubes: Made, coverage: str, band: str, at: tuple[int, ...], arguments: str
) -> None:
    got = run(cubes, coverage, arguments)
    target = grid(cubes, coverage, arguments)
    rows, columns = positions(target, cubes.coverage(coverage).grid)
    values = got.filled()[got.names.index(band)][at]
    assert (~np.isnan(values)).mean() > 0.2
    check_nearest(values, stored(cubes, coverage, band)[at], rows, columns)


def test_bilinear_cells(cubes: Made) -> None:
    """Floats, so that nothing is rounded; inside, where no neighbour is missing."""
    (found,) = evaluated(
        cubes,
        'for $c in (A) return encode(crsTransform((float) $c, "EPSG:3857", {bilinear}), "csv")',
    )
    (got,) = found.filled()
    target = grid(cubes, "A", '"EPSG:3857"')
    rows, columns = (p - 0.5 for p in positions(target, cubes.coverage("A").grid))
    r, c = np.floor(rows).astype(int).clip(0, 58), np.floor(columns).astype(int).clip(0, 58)
    fr, fc = rows - r, columns - c
    a = stored(cubes, "A", "v")
    wanted = (a[r, c] * (1 - fc) + a[r, c + 1] * fc) * (1 - fr) + (
        a[r + 1, c] * (1 - fc) + a[r + 1, c + 1] * fc
    ) * fr
    inside = (rows > 0) & (rows < 59) & (columns > 0) & (columns < 59)
    assert inside.mean() > 0.8
    # Positions are rounded to 1/256 of a cell, neighbours differ by up to 300.
    assert np.abs(got - wanted)[inside].max() < 300 * 2 / 256


@pytest.mark.parametrize("cells", [1, 4])
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"near", "nearest"}))
def test_methods_are_those_of_gdal(cubes: Made, method: str, cells: int) -> None:
    """As GDAL warps the whole at once: the method by its name, the kernel by the cell size."""
    source = cubes.coverage("A").grid
    step = 55_000 * cells
    arguments = f'"EPSG:3857", {{{method}}}, {{E:{step}, N:{step}}}'
    (got,) = run(cubes, "A", arguments).filled()
    target = grid(cubes, "A", arguments)
    wanted = np.full(target.shape, -32768, dtype="int16")
    kept = stored(cubes, "A", "v")
    reproject(
        kept.astype("int16"),
        wanted,
        src_transform=source.transform,
        src_crs="EPSG:4326",
        src_nodata=-32768,
        dst_transform=target.transform,
        dst_crs="EPSG:3857",
        dst_nodata=-32768,
        resampling=GDAL_NAMES.get(method) or Resampling[method],
        tolerance=0.0,
        MODE_TIES="MIN",
    )
    inside = (slice(1, -1),) * 2
    both = (~np.isnan(got) & (wanted != -32768))[inside]
    assert both.mean() > 0.9
    difference = np.abs(got - wanted)[inside][both]
    # Neighbours differ by up to 300; GDAL takes the mean cell size, here it is that of the middle.
    assert np.median(difference) <= 1
    assert difference.max() <= 300 * 2 / 256 if cells == 1 else np.percentile(difference, 90) < 30


def test_complex_numbers_are_only_moved(cubes: Made) -> None:
    text = 'for $c in (A) return encode(re(crsTransform($c * (0, 1), "EPSG:3857", {cubic})), "csv")'
    with pytest.raises(InvalidParameterError, match="is complex; resample re") as caught:
        processor(cubes).bind(text)
    assert "^" in caught.value.__notes__[0]


def test_resolution_and_extent(cubes: Made) -> None:
    made = grid(cubes, "A", '"EPSG:3857", {near}, {X:100, Y:-50}, {X(0:1000), Y(20:1000)}')
    assert made.shape == (20, 10)
    assert tuple(made.transform)[:6] == (100, 0, 0, 0, -50, 1000)


def test_extent_alone_takes_the_resolution_of_gdal(cubes: Made, tmp_path: Path) -> None:
    _, transform = gdal_grid(tmp_path / "x.tif", cubes.coverage("A").grid, "EPSG:3857")
    made = grid(cubes, "A", '"EPSG:3857", {}, {}, {X(0:1000000), Y(0:2000000)}')
    assert (made.x.step, made.y.step) == pytest.approx((transform[0], transform[4]))
    assert (made.bbox[0], made.bbox[3]) == (0, 2_000_000)


def test_frame_of_another_in_the_same_crs(cubes: Made) -> None:
    """The lattice is the other's, so both go together cell by cell."""
    u = cubes.coverage("U").grid
    for resolutions in ("{}", "{N:domain($u, N).resolution, E:domain($u, E).resolution}"):
        assert grid(cubes, "A", f'"EPSG:32633", {{}}, {resolutions}, {{domain($u)}}') == u
    coarse = grid(cubes, "A", '"EPSG:32633", {}, {N:50, E:50}, {domain($u)}')
    assert coarse.bbox == u.bbox
    assert coarse.shape == (60, 56)


def test_frame_of_another_in_another_crs(cubes: Made) -> None:
    """The box of the other, and at its own resolution as many cells."""
    text = "{Lat:domain($d, Lat).resolution, Lon:domain($d, Lon).resolution}, {domain($d)}"
    made = grid(cubes, "A", f'"EPSG:3857", {{near}}, {text}')
    x1, y1 = Transformer.from_crs(4326, 3857, always_xy=True).transform(30, 30)
    assert made.bbox == pytest.approx((0, 0, x1, y1), abs=1e-6)
    assert made.shape == (60, 60)


def test_own_crs_changes_nothing(cubes: Made) -> None:
    assert grid(cubes, "A", '"EPSG:4326"') == cubes.coverage("A").grid
    np.testing.assert_array_equal(
        run(cubes, "A", '"EPSG:4326"').filled()[0], stored(cubes, "A", "v")
    )


def test_own_crs_at_another_resolution(cubes: Made) -> None:
    (got,) = run(cubes, "A", '"EPSG:4326", {}, {Lat:1, Lon:1.5}').filled()
    # The centres of the new cells lie on edges of rows and in the middle of columns.
    np.testing.assert_array_equal(got, stored(cubes, "A", "v")[1::2, 1::3])


@pytest.mark.parametrize(
    ("coverage", "arguments", "error", "told"),
    [
        (
            "A",
            '"EPSG:3857", {sinc}',
            UnknownNameError,
            "offered: near, nearest, bilinear",
        ),
        (
            "A",
            '"EPSG:3857", {lanczos}, {X:3e6, Y:3e6}',
            LimitExceededError,
            "cells for one; 16,3",
        ),
        ("A", '"EPSG:0"', UnknownNameError, "unknown output-crs"),
        ("A", '{Lat:"EPSG:3857", Lon:"EPSG:3035"}', InvalidParameterError, "one CRS for both"),
        ("A", '{Lat:"EPSG:3857"}', InvalidParameterError, "one CRS for both"),
        ("T", '{ansi:"EPSG:3857", Lat:"EPSG:3857"}', InvalidParameterError, "not of a map"),
        ("G", '"EPSG:3857"', InvalidParameterError, "no CRS of the Earth"),
        ("P", '"EPSG:3857"', InvalidParameterError, "a map's two axes are needed"),
        ("A", '"EPSG:3857", {}, {X:0}', InvalidParameterError, "is 0"),
        ("A", '"EPSG:3857", {}, {height:1}', UnknownNameError, "this coverage has E, N"),
        ("A", '"EPSG:3857", {}, {}, {X(5)}', InvalidParameterError, "needs two coordinates"),
        ("A", '"EPSG:3857", {}, {}, {X(5:1)}', InvalidParameterError, "has no whole cell"),
        ("A", '"EPSG:3857", {}, {X:1e300}', InvalidParameterError, "has no whole cell"),
        ("A", '"EPSG:3857", {}, {X:1e-9}', InvalidParameterError, "allowed: 2147483648"),
    ],
)
def test_what_is_refused(
    cubes: Made, coverage: str, arguments: str, error: type[RequestError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        grid(cubes, coverage, arguments)
    assert "^" in caught.value.__notes__[0]


def test_large_grid_is_true_to_an_eighth_of_a_cell(cubes: Made) -> None:
    """A part of it has the places of the whole."""
    arguments = '"EPSG:32632", {near}, {E:1, N:1}'
    whole = grid(cubes, "U", arguments)
    assert whole.x.size * whole.y.size > EXACT_CELLS
    x0, y1 = whole.x.bounds[0] + 1500, whole.y.bounds[1] - 1500
    part = f'E({x0}:{x0 + 200}), N({y1 - 200}:{y1}), ansi("2023-08-20")'
    text = f'for $c in (U) return encode(crsTransform($c, {arguments})[{part}], "csv")'
    (found,) = evaluated(cubes, text)
    (result,) = processor(cubes).bind(text)
    assert isinstance(result.value, Encoded)
    target = result.value.root.source.domain.plane  # type: ignore[union-attr]  # no picture
    rows, columns = positions(target, cubes.coverage("U").grid)
    check_nearest(found.filled()[0], stored(cubes, "U", "B04")[1], rows, columns, TOLERANCE_CELLS)


def test_coverage_beyond_the_poles_has_no_place(cubes: Made) -> None:
    far = "extend($c, {Lat(-2000:2000), Lon(-2000:2000)})[Lat(1000:2000), Lon(1000:2000)]"
    query = f'for $c in (A) return encode(crsTransform({far}, "EPSG:3857"), "csv")'
    with pytest.raises(OutOfDomainError, match="no place in EPSG:3857"):
        processor(cubes).bind(query)
