"""Trims and slices: which cells are kept, against NumPy by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from datacube.errors import (
    InvalidParameterError,
    OutOfDomainError,
    RequestError,
    TimeSelectionError,
    UnknownNameError,
)
from datacube.times import Acquisition
from tests.builders.asked import Evaluated, evaluated
from tests.builders.made import Frame, Made, Shot, add_cube, add_scene, make_store, regular

type Band = NDArray[Any]
type Cut = Callable[[Band], Band]


def run(made: Made, coverage: str, text: str) -> Evaluated:
    (found,) = evaluated(made, f'for $c in ({coverage}) return encode({text}, "csv")')
    return found


def check(made: Made, coverage: str, text: str, cut: Cut) -> Evaluated:
    """Compare every band with what NumPy cuts out of the stored one."""
    got = run(made, coverage, text)
    stored = made.arrays[coverage]
    for name, values, valid in zip(got.names, got.values, got.valid, strict=True):
        wanted = cut(stored[name])
        assert values.shape == wanted.shape
        nodata = made.coverage(coverage).cube.band(name).nodata
        known = ~np.isnan(wanted) if wanted.dtype.kind == "f" else wanted != nodata
        np.testing.assert_array_equal(valid, known)
        np.testing.assert_array_equal(values[known], wanted[known])
        assert values.dtype == wanted.dtype
    return got


CASES: tuple[tuple[str, str, Cut], ...] = (
    # x and y: cells whose centre lies inside; rows run from 30 N down, half a degree each.
    ("A", "$c[Lat(10:20)]", lambda a: a[20:40]),
    ("A", "$c[Lat(10.2:10.3)]", lambda a: a[39:40]),
    ("A", "$c[Lat(10.24:11.26)]", lambda a: a[37:40]),
    ("A", "$c[Lat(10.26:11.24)]", lambda a: a[38:39]),
    ("A", "$c[Lon(0.2:0.9)]", lambda a: a[:, 0:2]),
    ("A", "$c[Lon(0.000001:0.999999)]", lambda a: a[:, 0:2]),
    ("A", "$c[Lat(10:20), Lon(3:4)]", lambda a: a[20:40, 6:8]),
    ("A", "$c[Lon(3:4)][Lat(10:20)]", lambda a: a[20:40, 6:8]),
    # Clamped where a part lies outside; open bounds.
    ("A", "$c[Lat(25:99)]", lambda a: a[:10]),
    ("A", "$c[Lat(-99:99)]", lambda a: a),
    ("A", "$c[Lat(*:20), Lon(29:*)]", lambda a: a[20:, 58:]),
    ("A", "$c[Lat(*:*)]", lambda a: a),
    # Slices: the cell that holds the place; the far edge counts as inside.
    ("A", "$c[Lat(10)]", lambda a: a[40]),
    ("A", "$c[Lat(10.1)]", lambda a: a[39]),
    ("A", "$c[Lat(30)]", lambda a: a[0]),
    ("A", "$c[Lat(0)]", lambda a: a[59]),
    ("A", "$c[Lon(30)]", lambda a: a[:, 59]),
    ("A", "$c[Lat(10), Lon(3)]", lambda a: a[40, 6]),
    ("A", "$c[Lat(10)][Lon(3:4)]", lambda a: a[40, 6:8]),
    ("A", "$c[Lon(3)][Lat(10:11)]", lambda a: a[38:40, 6]),
    ("A", "slice(trim($c, {Lat(10:20)}), {Lon(3)})", lambda a: a[20:40, 6]),
    # Usual spellings of axes, in any case.
    ("A", "$c[N(10:20), E(3:4)]", lambda a: a[20:40, 6:8]),
    ("A", "$c[LATITUDE(10:20), long(3:4)]", lambda a: a[20:40, 6:8]),
    ("A", "$c[y(10:20), x(3)]", lambda a: a[20:40, 6]),
    # Grid indices: inclusive; they are those of the cube, whatever was cut before.
    ("A", '$c[Lat:"CRS:1"(5:9)]', lambda a: a[5:10]),
    ("A", '$c[Lat:"CRS:1"(5:99)]', lambda a: a[5:]),
    ("A", '$c[Lat:"CRS:1"(5)]', lambda a: a[5]),
    ("A", '$c[Lat(10:20)][Lat:"CRS:1"(25:26)]', lambda a: a[25:27]),
    ("A", '$c[Lat:"CRS:1"(*:9), Lon:"CRS:1"(58:*)]', lambda a: a[:10, 58:]),
    # Bounds that are computed.
    ("A", "$c[Lat(30 - 2 * 5 : domain($c, Lat).hi)]", lambda a: a[:20]),
    ("A", "$c[Lat(domain($c, Lat).lo : 1)]", lambda a: a[58:]),
    ("A", "$c[Lat(domain($c[Lat(10:20)], Lat))]", lambda a: a[20:40]),
    ("A", "$c[domain($c[Lat(10:20), Lon(3:4)])]", lambda a: a[20:40, 6:8]),
    ("A", "$c[imageCrsDomain($c[Lat(10:20)], Lat)]", lambda a: a[20:40]),
    ("A", '$c[Lat:"CRS:1"(imageCrsDomain($c[Lat(10:20)], Lat))]', lambda a: a[20:40]),
    # An index axis: cell k lies between k and k + 1.
    ("G", "$c[i(0:1)]", lambda a: a[0:1]),
    ("G", "$c[i(2:5), j(3)]", lambda a: a[2:5, 3]),
    ("G", '$c[i:"CRS:1"(2:5)]', lambda a: a[2:6]),
    ("G", "$c[i(10)]", lambda a: a[10]),
    ("G", "$c[i(domain($c, i))]", lambda a: a),
    ("L", "$c[x(10:20)]", lambda a: a[10:20]),
    ("L", "$c[x(39.5)]", lambda a: a[39]),
    # Listed places: the closed interval; slices name one.
    ("W", "$c[height(5:60)]", lambda a: a[:, 1:3]),
    ("W", "$c[height(2:10)]", lambda a: a[:, 0:2]),
    ("W", "$c[height(50)]", lambda a: a[:, 2]),
    ("W", '$c[height:"CRS:1"(1:2)]', lambda a: a[:, 1:3]),
    ("W", '$c[height(2), ansi("2020-02-01"), Lat(52:53)]', lambda a: a[1, 0, 14:16]),
    # Time: both bounds as wide as they are precise.
    ("T", '$c[ansi("2020-05-01")]', lambda a: a[2]),
    ("T", '$c[time("2020-05")]', lambda a: a[2]),
    ("T", '$c[ansi("2020-02":"2020-05")]', lambda a: a[1:3]),
    ("T", '$c[ansi("2020":"2021")]', lambda a: a[:5]),
    ("T", '$c[ansi("2021-03-10T00:00:00Z":*)]', lambda a: a[4:]),
    ("T", '$c[ansi(*:"2020-02")]', lambda a: a[:2]),
    ("T", '$c[ansi("2020-01":"2020-01 P1M")]', lambda a: a[:2]),
    ("T", '$c[ansi("2020" . "-06")]', lambda a: a[3]),
    ("T", '$c[ansi:"CRS:1"(1:2)]', lambda a: a[1:3]),
    ("T", '$c[ansi:"CRS:1"(6)]', lambda a: a[6]),
    ("T", "$c[ansi(domain($c, ansi))]", lambda a: a),
    (
        "T",
        '$c[ansi:"http://www.opengis.net/def/crs/OGC/0/AnsiDate"("2020-05-01")]',
        lambda a: a[2],
    ),
    ("T", '$c[Lat(10:20), ansi("2020-05-01"), Lon(3)]', lambda a: a[2, 20:40, 6]),
    # Areas of validity: 9:50:31.024 to 9:50:55 of two days.
    ("U", '$c[ansi("2023-08-15T09:50:40Z")]', lambda a: a[0]),
    ("U", '$c[ansi("2023-08-20")]', lambda a: a[1]),
    ("U", '$c[ansi("2023-08-15T09:50:54Z":"2023-08-20T09:50:32Z")]', lambda a: a),
    ("U", '$c[ansi("2023-08-15T09:50:56Z":*)]', lambda a: a[1:]),
)


@pytest.mark.parametrize(("coverage", "text", "cut"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_kept_cells(cubes: Made, coverage: str, text: str, cut: Cut) -> None:
    check(cubes, coverage, text, cut)


def test_a_let_list_stands_for_its_items(cubes: Made) -> None:
    (got,) = evaluated(
        cubes,
        'for $c in (T) let $d := [Lat(10:20), ansi("2020-05-01")] '
        'return encode($c[$d, Lon(3)], "csv")',
    )
    np.testing.assert_array_equal(got.filled()[1], cubes.arrays["T"]["b8"][2, 20:40, 6])


def test_axes_that_are_left(cubes: Made) -> None:
    assert run(cubes, "T", "$c").axes == ("ansi", "Lat", "Lon")
    assert run(cubes, "T", "$c[Lat(3)]").axes == ("ansi", "Lon")
    assert run(cubes, "W", '$c[ansi("2020-01"), Lon(3)]').axes == ("height", "Lat")
    assert run(cubes, "A", "$c[Lat(3), Lon(3)]").axes == ()


def by_centre(a: float, b: float, low: float, step: float, size: int) -> slice:
    """Return the cells of a trim, with the formulas of the reference."""
    lo, hi = floor((a - low) / step + 0.5), floor((b - low) / step - 0.5)
    return slice(max(min(lo, hi), 0), min(hi, size - 1) + 1)


@pytest.mark.parametrize(
    ("crs", "low", "high"),
    [
        ("EPSG:4326", (15.003, 46.935), (15.02, 46.947)),
        ("OGC:CRS84", (15.003, 46.935), (15.02, 46.947)),
        ("EPSG:3857", (1_670_300.0, 5_930_000.0), (1_672_000.0, 5_931_500.0)),
        ("EPSG:32632", (957_000.0, 5_215_000.0), (958_500.0, 5_217_000.0)),
    ],
)
@pytest.mark.parametrize("names", [("E", "N"), ("Lon", "Lat")])
def test_box_in_another_crs(
    cubes: Made,
    crs: str,
    low: tuple[float, float],
    high: tuple[float, float],
    names: tuple[str, str],
) -> None:
    """The box that PROJ gives, cut by the formula of the reference."""
    x, y = names
    text = f'$c[{x}:"{crs}"({low[0]}:{high[0]}), {y}:"{crs}"({low[1]}:{high[1]})]'
    move = Transformer.from_crs(CRS.from_user_input(crs), CRS.from_epsg(32633), always_xy=True)
    x0, y0, x1, y1 = move.transform_bounds(*low, *high, densify_pts=200)
    rows = by_centre(5_200_020 - y1, 5_200_020 - y0, 0, 10, 300)
    columns = by_centre(x0, x1, 499_980, 10, 280)
    assert rows.stop - rows.start > 10
    assert columns.stop - columns.start > 10
    check(cubes, "U", text, lambda a: a[:, rows, columns])


def test_one_axis_in_another_crs(cubes: Made) -> None:
    """One bound stands for a band across the whole coverage."""
    check(cubes, "A", '$c[E:"EPSG:3857"(111319.49:222638.98)]', lambda a: a[:, 2:4])
    check(cubes, "A", '$c[E:"EPSG:3857"(1000:2000)]', lambda a: a[:, 0:1])
    check(cubes, "A", '$c[Lat:"EPSG:4326"(10:20)]', lambda a: a[20:40])


def test_slice_in_another_crs(cubes: Made) -> None:
    east, north = Transformer.from_crs(32633, 3857, always_xy=True).transform(
        501_234.0, 5_198_765.0
    )
    text = f'$c[E:"EPSG:3857"({east}), N:"EPSG:3857"({north})]'
    check(cubes, "U", text, lambda a: a[:, 125, 125])


REFUSED: tuple[tuple[str, str, type[RequestError], str], ...] = (
    ("A", "$c[Lat(40:50)]", OutOfDomainError, "misses axis 'Lat'"),
    ("A", "$c[Lat(31)]", OutOfDomainError, "misses axis 'Lat'"),
    ("A", "$c[Lat(*:-1)]", OutOfDomainError, "misses axis 'Lat'"),
    ("A", "$c[Lat(20:10)]", InvalidParameterError, "20 lies above 10"),
    ("A", "$c[Lat(1:2), Lat(3:4)]", InvalidParameterError, "subset twice"),
    ("A", "$c[Lat(1:2), y(3:4)]", InvalidParameterError, "subset twice"),
    ("A", "$c[Lit(1:2)]", UnknownNameError, "this coverage has Lat, Lon"),
    ("A", "$c[Lat(3)][Lat(3)]", UnknownNameError, "this coverage has Lon"),
    ("A", '$c[ansi("2020")]', UnknownNameError, "unknown axis ansi"),
    ("A", '$c[Lat("x":"y")]', InvalidParameterError, "takes numbers, not 'x'"),
    ("A", '$c[Lat:"CRS:1"(1.5:2)]', InvalidParameterError, "whole numbers"),
    ("A", '$c[Lat:"CRS:1"(60:70)]', OutOfDomainError, "miss axis 'Lat' with 0:59"),
    ("A", '$c[Lat:"EPSG:1"(1:2)]', UnknownNameError, "unknown crs"),
    (
        "A",
        '$c[Lat:"EPSG:32633"(1:2), Lon:"EPSG:3857"(1:2)]',
        InvalidParameterError,
        "in two CRSs that are not",
    ),
    ("A", "$c[Lat(1:max($c))]", InvalidParameterError, "depends on cells"),
    ("A", "$c[Lat(null:2)]", InvalidParameterError, "a bound is a number"),
    ("A", "$c[3]", InvalidParameterError, "needs the name of its axis"),
    ("G", '$c[i:"EPSG:4326"(1:2)]', InvalidParameterError, "no place in EPSG:4326"),
    ("G", "$c[i(11)]", OutOfDomainError, "with indices 0:10"),
    ("W", "$c[height(11)]", OutOfDomainError, "the nearest: 10 and 50"),
    ("W", "$c[height(11:49)]", OutOfDomainError, "holds no coefficient"),
    ("W", '$c[height:"EPSG:4326"(2)]', InvalidParameterError, "no CRS of the Earth"),
    ("T", "$c[ansi(2020)]", InvalidParameterError, "ISO 8601 times in quotes"),
    ("T", '$c[ansi("2020")]', TimeSelectionError, "selects 4 acquisitions"),
    ("T", '$c[ansi("2024")]', TimeSelectionError, "the nearest: 2023-01-15T00:00:00Z"),
    ("T", '$c[ansi("2020-03":"2020-04")]', TimeSelectionError, "no acquisition"),
    ("T", '$c[ansi:"CRS:1"(7)]', OutOfDomainError, "misses axis 'ansi' with 0:6"),
    ("U", '$c[ansi("2023-08")]', TimeSelectionError, "2023-08-15T09:50:31.024Z, 2023-08-20"),
    ("U", '$c[ansi("2023-08-15T09:50:56Z")]', TimeSelectionError, "the nearest"),
)


@pytest.mark.parametrize(
    ("coverage", "text", "error", "told"), REFUSED, ids=[f"{case[0]} {case[1]}" for case in REFUSED]
)
def test_what_is_refused(
    cubes: Made, coverage: str, text: str, error: type[RequestError], told: str
) -> None:
    with pytest.raises(error, match=f"(?s){told}") as caught:
        run(cubes, coverage, text)
    assert "^" in caught.value.__notes__[0]


def test_the_wrong_item_is_underlined(cubes: Made) -> None:
    with pytest.raises(OutOfDomainError) as caught:
        run(cubes, "A", "$c[Lat(1:2), Lon(40:50)]")
    query, marks = caught.value.__notes__[0].splitlines()
    first = marks.index("^")
    assert query[first : first + marks.count("^")] == "Lon(40:50)"


def instant(day: int) -> Acquisition:
    when = datetime(2020, 5, day, 10, tzinfo=UTC)
    return Acquisition(reference=when, first=when, last=when.replace(minute=1))


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a cube H: on 3 May a scene in the west, on 5 May one in the east, on 9 June both."""
    made = make_store(Path(tmp_path_factory.mktemp("halves")) / "store")
    axes = (regular("N", 40, 0, 40, "m"), regular("E", 0, 60, 60, "m"))
    utm = CRS.from_epsg(32633)
    june = instant(9)
    june = Acquisition(
        reference=june.reference.replace(month=6),
        first=june.first.replace(month=6),
        last=june.last.replace(month=6),
    )
    numbers = np.arange(2400, dtype="int16").reshape(40, 60)
    coverage = add_cube(made, "H", {"v": numbers[None]}, Frame(axes=axes, crs=utm, times=(june,)))
    grid = coverage.cube.groups[0].grid
    whole = coverage.grid.window.plane
    (r0, r1), (c0, c1) = whole.ranges
    for day, columns in ((3, (c0, c0 + 30)), (5, (c0 + 30, c1))):
        plane = grid.at(type(whole)(((r0, r1), columns)))
        part = numbers[:, columns[0] - c0 : columns[1] - c0] + day
        add_scene(made, coverage.cube, {"v": part}, Shot(plane=plane, when=instant(day)))
    return made


@pytest.mark.parametrize(
    ("text", "day", "columns"),
    [
        ('$c[E(0:20), ansi("2020-05")]', 3, slice(0, 20)),
        ('$c[ansi("2020-05"), E(0:20)]', 3, slice(0, 20)),
        ('$c[E(40:50)][ansi("2020-05")]', 5, slice(40, 50)),
        ('($c + 1)[E(40:50), ansi("2020-05")] - 1', 5, slice(40, 50)),
        ('scale($c[E(40:50)], 1)[ansi("2020-05")]', 5, slice(40, 50)),
        ('$c[E(45), ansi("2020-05")]', 5, 45),
        ('$c[E(45)][ansi("2020-05")]', 5, 45),
        ('$c[ansi("2020-05-03")]', 3, slice(0, 60)),
        ('$c[E(0:60)][ansi("2020-05-05T10:00:30Z")]', 5, slice(0, 60)),
    ],
)
def test_a_month_selects_by_the_area(
    halves: Made, text: str, day: int, columns: slice | int
) -> None:
    got = run(halves, "H", text).filled()[0]
    wanted = np.arange(2400.0).reshape(40, 60) + day
    wanted[:, 30:] = np.nan if day == 3 else wanted[:, 30:]
    wanted[:, :30] = np.nan if day == 5 else wanted[:, :30]
    np.testing.assert_array_equal(got, wanted[:, columns])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('$c[ansi("2020-05")]', "selects 2 acquisitions.*05-03T10:00:00Z, 2020-05-05"),
        # What is cut afterwards does not count.
        ('$c[ansi("2020-05")][E(0:20)]', "selects 2 acquisitions"),
        ('$c[E(20:40), ansi("2020-05")]', "selects 2 acquisitions"),
        ('$c[E(40:50), ansi("2020-05-03")]', "touches the area; elsewhere: 2020-05-03"),
    ],
)
def test_a_month_that_does_not_select_one(halves: Made, text: str, told: str) -> None:
    with pytest.raises(TimeSelectionError, match=told):
        run(halves, "H", text)


@pytest.mark.parametrize(
    ("mixed", "own"),
    [
        ('Lat(3:7), Lon:"EPSG:3857"(111319.5:556597.4)', "Lat(3:7), Lon(1:5)"),
        ('Lat:"CRS:1"(4:9), Lon:"EPSG:3857"(111319.5:556597.4)', 'Lat:"CRS:1"(4:9), Lon(1:5)'),
        ('Lat(3), Lon:"EPSG:3857"(111319.5:556597.4)', "Lat(3), Lon(1:5)"),
        ('Lat(3:7), Lon:"EPSG:3857"(111319.5)', "Lat(3:7), Lon(1)"),
    ],
)
def test_one_axis_of_a_plane_may_be_in_another_crs(cubes: Made, mixed: str, own: str) -> None:
    """Longitudes of Web Mercator depend on no latitude: 111319.49 m are a degree."""
    queries = (f'for $c in (A) return encode($c[{part}], "csv")' for part in (mixed, own))
    (got,), (wanted,) = (evaluated(cubes, query) for query in queries)
    assert got.axes == wanted.axes
    np.testing.assert_array_equal(got.values[0], wanted.values[0])
