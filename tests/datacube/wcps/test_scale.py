"""Scaling and extending: which cells the result repeats, against NumPy by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.axes import RegularAxis
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    RequestError,
    UnknownNameError,
)
from datacube.wcps.bind.values import Encoded
from tests.builders.asked import Evaluated, evaluated, processor
from tests.builders.made import Made

type Band = NDArray[Any]
type Pick = Callable[[Band], Band]


def run(made: Made, coverage: str, text: str) -> Evaluated:
    query = f'for $c in ({coverage}), $d in (B), $t in (T) return encode({text}, "csv")'
    (found,) = evaluated(made, query)
    return found


def axes(made: Made, coverage: str, text: str) -> tuple[RegularAxis, ...]:
    (result,) = processor(made).bind(f'for $c in ({coverage}) return encode({text}, "csv")')
    assert isinstance(result.value, Encoded)
    found = result.value.root.source.domain.axes  # type: ignore[union-attr]  # no picture
    return tuple(axis for axis in found if isinstance(axis, RegularAxis))


def nearest(source: int, target: int) -> Band:
    """Return floor(k * N_source / N_target) for each k."""
    return np.array([k * source // target for k in range(target)])


def plane(a: Band, rows: int, columns: int) -> Band:
    at_rows, at_columns = nearest(a.shape[-2], rows), nearest(a.shape[-1], columns)
    return a[..., at_rows[:, None], at_columns]


def blocks(a: Band, size: int) -> Band:
    return a.reshape(a.shape[0] // size, size, a.shape[1] // size, size).mean(axis=(1, 3))


SCALED: tuple[tuple[str, str, Pick], ...] = (
    ("A", 'scale($c, {Lat:"CRS:1"(0:99), Lon:"CRS:1"(0:99)})', lambda a: plane(a, 100, 100)),
    ("A", 'scale($c, {Lat:"CRS:1"(0:6), Lon:"CRS:1"(0:10)})', lambda a: plane(a, 7, 11)),
    ("A", 'scale($c, {Lat:"CRS:1"(5:11), Lon:"CRS:1"(0:10)})', lambda a: plane(a, 7, 11)),
    # One axis of a map: the other is scaled in the same ratio.
    ("A", 'scale($c, {Lat:"CRS:1"(0:9)})', lambda a: plane(a, 10, 10)),
    ("A", 'scale($c[Lat(10:20)], {Lat:"CRS:1"(0:6)})', lambda a: plane(a[20:40], 7, 21)),
    ("A", 'scale($c[Lat(10:20)], {E:"CRS:1"(0:6)})', lambda a: plane(a[20:40], 2, 7)),
    # As many cells as an interval of the axis would have.
    ("A", "scale($c, {Lat(0:10), Lon(0:5)})", lambda a: plane(a, 20, 10)),
    ("G", "scale($c, {i(0:5), j(0:20)})", lambda a: plane(a, 5, 20)),
    ("G", 'scale($c, {i:"CRS:1"(0:5), j:"CRS:1"(0:20)})', lambda a: plane(a, 6, 21)),
    # Factors.
    ("A", "scale($c, 0.5)", lambda a: plane(a, 30, 30)),
    ("A", "scale($c, {0.5})", lambda a: plane(a, 30, 30)),
    ("A", "scale($c, 1.7)", lambda a: plane(a, 102, 102)),
    ("A", "scale($c, 1)", lambda a: a),
    ("A", "scale($c, {Lat(0.5), Lon(0.2)})", lambda a: plane(a, 30, 12)),
    ("A", "scale($c, {Lon(0.2)})", lambda a: plane(a, 60, 12)),
    ("G", "scale($c, 0.5)", lambda a: plane(a, 6, 6)),
    ("L", "scale($c, 0.5)", lambda a: a[nearest(40, 20)]),
    ("L", 'scale($c, {x:"CRS:1"(0:6)})', lambda a: a[nearest(40, 7)]),
    ("A", "scale($c[Lat(3)], 0.5)", lambda a: a[54, nearest(60, 30)]),
    # Axes before the map: listed ones stay under a factor, and are picked by number.
    ("W", "scale($c, 0.5)", lambda a: plane(a, 10, 15)),
    ("W", 'scale($c, {height:"CRS:1"(0:2)})', lambda a: a[:, nearest(4, 3)]),
    ("W", 'scale($c, {height:"CRS:1"(0:5)})', lambda a: a[:, nearest(4, 6)]),
    ("T", 'scale($c, {ansi:"CRS:1"(0:2)})', lambda a: a[nearest(7, 3)]),
    ("T", "scale($c, {ansi(0.5), Lat(0.5)})", lambda a: plane(a[nearest(7, 4)], 30, 60)),
    ("T", 'scale($c, {ansi:"CRS:1"(0:9)})', lambda a: a[nearest(7, 10)]),
    # To the grid of another.
    ("A", "scale($c[Lat(10:20)], {imageCrsDomain($d)})", lambda a: plane(a[20:40], 60, 60)),
    ("A", "scale($c, {imageCrsDomain($d[Lat(10:20)])})", lambda a: plane(a, 20, 60)),
    ("A", "scale($c, {imageCrsDomain($d[Lat(10:20)], Lat)})", lambda a: plane(a, 20, 20)),
    ("T", 'scale($c, {imageCrsDomain($t[ansi("2020":"2020")])})', lambda a: a[nearest(7, 4)]),
    # Other methods.
    ("A", "scale($c, 0.5, average)", lambda a: np.rint(blocks(a, 2))),
    ("A", "scale((double) $c, 0.25, average)", lambda a: blocks(a, 4)),
)


@pytest.mark.parametrize(
    ("coverage", "text", "pick"), SCALED, ids=[f"{c[0]} {c[1]}" for c in SCALED]
)
def test_scaled_cells(cubes: Made, coverage: str, text: str, pick: Pick) -> None:
    got = run(cubes, coverage, text)
    stored = cubes.arrays[coverage]
    for name, values, valid in zip(got.names, got.values, got.valid, strict=True):
        nodata = cubes.coverage(coverage).cube.band(name).nodata
        known = ~np.isnan(stored[name]) if np.isnan(nodata) else stored[name] != nodata
        wanted, wanted_valid = pick(stored[name]), pick(known).astype(bool)
        assert values.shape == wanted.shape
        np.testing.assert_array_equal(valid, wanted_valid)
        np.testing.assert_array_equal(values[valid], wanted[valid])


def test_average_weighs_by_valid_cells(cubes: Made) -> None:
    (got,) = run(cubes, "T", 'scale((double) $c.b4[ansi("2020-05-01")], 0.5, average)').filled()
    stored = cubes.arrays["T"]["b4"][2].astype(float)
    stored[stored == 65535] = np.nan
    wanted = np.nanmean(stored.reshape(30, 2, 30, 2).transpose(0, 2, 1, 3).reshape(30, 30, 4), 2)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_extent_is_kept_and_cells_are_numbered_as_asked(cubes: Made) -> None:
    lat, lon = axes(cubes, "A", 'scale($c[Lat(10:20)], {Lat:"CRS:1"(5:11), Lon:"CRS:1"(0:10)})')
    assert lat.bounds == pytest.approx((10, 20))
    assert (lat.first, lat.size) == (5, 7)
    assert lon.bounds == pytest.approx((0, 30))
    assert (lon.first, lon.size) == (0, 11)


def test_coverages_scaled_to_one_grid_go_together(cubes: Made) -> None:
    (got,) = run(cubes, "A", "scale(scale($c, 0.5), {imageCrsDomain($d)}) - $d").filled()
    a, b = cubes.arrays["A"]["v"].astype(float), cubes.arrays["B"]["v"]
    np.testing.assert_array_equal(got, a[::2, ::2].repeat(2, axis=0).repeat(2, axis=1) - b)


REFUSED: tuple[tuple[str, str, type[RequestError], str], ...] = (
    ("A", "scale($c, 0)", InvalidParameterError, "a factor is above 0"),
    ("A", "scale($c, 0.001)", InvalidParameterError, "would leave 0 cells along 'Lat'"),
    ("A", "scale($c, {Lat(-1)})", InvalidParameterError, "a factor is above 0"),
    ("A", "scale($c, avg($c))", InvalidParameterError, "depends on cells"),
    ("A", 'scale($c, {Lat:"CRS:1"(9:0)})', InvalidParameterError, "9 lies above 0"),
    ("A", 'scale($c, {Lat:"CRS:1"(0:1), y:"CRS:1"(0:1)})', InvalidParameterError, "scaled twice"),
    ("A", 'scale($c, {Lat:"EPSG:4326"(0:1)})', InvalidParameterError, "first and last cell"),
    ("A", 'scale($c, {Lat:"CRS:1"(*:1)})', InvalidParameterError, "first and last cell"),
    ("A", 'scale($c, {Lut:"CRS:1"(0:1)})', UnknownNameError, "unknown axis Lut"),
    ("A", "scale($c, 0.5, sinc)", UnknownNameError, "offered: near, nearest, bilinear"),
    ("A", "scale($c, 0.5, mode)", InvalidParameterError, "mode is for classes in one byte"),
    ("W", "scale($c, {height(5:60)})", InvalidParameterError, "is listed"),
    ("T", "scale($c, {ansi(0.5)}, average)", InvalidParameterError, "by nearest alone"),
    ("T", "scale($c, {ansi(1000000)})", LimitExceededError, "7000000 cells"),
    ("A", "extend($c, {Lat(3)})", InvalidParameterError, "needs an interval"),
    ("A", "extend($c, {Lat(40:50)})", OutOfDomainError, "miss axis 'Lat'"),
    ("A", "extend($c, {Lat(0:1), y(0:1)})", InvalidParameterError, "extended twice"),
    ("A", 'extend($c, {Lat:"EPSG:3857"(0:1)})', InvalidParameterError, "in its own"),
    ("T", 'extend($c, {ansi("2019":"2024")})', InvalidParameterError, "cannot add"),
    ("W", 'extend($c, {height:"CRS:1"(0:4)})', InvalidParameterError, "cannot add"),
)


@pytest.mark.parametrize(
    ("coverage", "text", "error", "told"), REFUSED, ids=[f"{c[0]} {c[1]}" for c in REFUSED]
)
def test_what_is_refused(
    cubes: Made, coverage: str, text: str, error: type[RequestError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        run(cubes, coverage, text)
    assert "^" in caught.value.__notes__[0]


type Place = slice | tuple[slice, ...]

EXTENDED: tuple[tuple[str, str, tuple[int, ...], Place, Place], ...] = (
    # Shape of the result, where it holds the source, and which part of that.
    ("A", "extend($c, {Lat(-10:100), Lon(0:10)})", (220, 20), np.s_[140:200, :], np.s_[:, :20]),
    ("A", "extend($c, {Lat(-1:31)})", (64, 60), np.s_[2:62, :], np.s_[:, :]),
    ("A", "extend($c, {Lat(*:31)})", (62, 60), np.s_[2:62, :], np.s_[:, :]),
    ("A", 'extend($c, {Lat:"CRS:1"(-3:60)})', (64, 60), np.s_[3:63, :], np.s_[:, :]),
    ("A", 'extend($c, {Lat:"EPSG:4326"(-1:31)})', (64, 60), np.s_[2:62, :], np.s_[:, :]),
    ("A", "extend($c[Lat(10:20)], {imageCrsDomain($d)})", (60, 60), np.s_[20:40], np.s_[20:40]),
    ("A", "extend($c, {imageCrsDomain($d)})", (60, 60), np.s_[:], np.s_[:]),
    ("G", "extend($c, {i(-10:100)})", (110, 13), np.s_[10:21], np.s_[:]),
    ("G", 'extend($c, {i:"CRS:1"(-10:100)})', (111, 13), np.s_[10:21], np.s_[:]),
    ("L", "extend($c, {x(-5:50)})", (55,), np.s_[5:45], np.s_[:]),
    ("W", "extend($c, {Lat(49:61)})", (3, 4, 24, 30), np.s_[:, :, 2:22], np.s_[:]),
    ("T", "extend($c, {imageCrsDomain($c)})", (7, 60, 60), np.s_[:], np.s_[:]),
)


@pytest.mark.parametrize(
    ("coverage", "text", "shape", "place", "part"),
    EXTENDED,
    ids=[f"{c[0]} {c[1]}" for c in EXTENDED],
)
def test_extended_cells(
    cubes: Made, coverage: str, text: str, shape: tuple[int, ...], place: Place, part: Place
) -> None:
    got = run(cubes, coverage, text)
    for name, values in zip(got.names, got.filled(), strict=True):
        nodata = cubes.coverage(coverage).cube.band(name).nodata
        stored = cubes.arrays[coverage][name].astype(float)
        wanted = np.full(shape, np.nan)
        wanted[place] = np.where(stored == nodata, np.nan, stored)[part]
        np.testing.assert_array_equal(values, wanted)


def test_axes_have_methods_of_their_own(cubes: Made) -> None:
    """Rows are averaged in pairs, columns taken; an axis that stays is left alone."""
    a = cubes.arrays["A"]["v"].astype(float)
    (got,) = run(cubes, "A", "scale((double) $c, 0.5, {Lat(average), Lon(near)})").filled()
    np.testing.assert_array_equal(got, a.reshape(30, 2, 60).mean(axis=1)[:, ::2])
    (greatest,) = run(cubes, "A", "scale($c, 0.5, {Lon:max, Lat:min})").filled()
    pairs = a.reshape(60, 30, 2).max(axis=2)
    np.testing.assert_array_equal(greatest, pairs.reshape(30, 2, 30).min(axis=1))
    (spline,) = run(cubes, "A", "scale($c[Lat(0:3)], {Lat(2)}, {Lat(cubicspline)})").filled()
    (alone,) = run(
        cubes, "A", "scale($c[Lat(0:3), Lon(7:8)], {Lat(2)}, {Lat(cubicspline)})"
    ).filled()
    np.testing.assert_array_equal(spline[:, 14:16], alone)


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ("{Lat(sinc)}", "unknown interpolation 'sinc'"),
        ("{height(near)}", "unknown axis height"),
        ("{Lat(near), Lat(max)}", "'Lat' has two methods"),
    ],
)
def test_wrong_methods_of_axes_are_told(cubes: Made, methods: str, told: str) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        run(cubes, "A", f"scale($c, 0.5, {methods})")
    assert "^" in caught.value.__notes__[0]
