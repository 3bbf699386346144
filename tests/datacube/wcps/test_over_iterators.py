"""Condensers and constructors against NumPy, bound once and bound place by place.

Every query runs both ways; the cells must agree bit for bit.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import datacube.processing
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    RequestError,
    TimeSelectionError,
    UnknownNameError,
)
from datacube.wcps.bind.scope import Context, Unrolling
from tests.builders.asked import Evaluated, evaluated, texts
from tests.builders.made import WGS84, Frame, Made, add_cube, indices, make_store, regular

type Array = NDArray[Any]

MONTHS = ("2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01", "2020-05-01", "2020-06-01")
TIMES = (*MONTHS, "2020-08-03", "2020-08-19", "2021-03-10")
SECONDS = ("2020-01-01T10:59:58", "2020-01-01T11:00:00", "2020-01-01T11:00:01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was written; nodata is NaN."""

    a: Array
    b4: Array
    g: Array


def _made(path: Path, times: tuple[str, ...]) -> Made:
    made = make_store(path)
    rng = np.random.default_rng(11)
    earth = (regular("Lat", 3, 0, 6), regular("Lon", 10, 15, 5))
    a = rng.integers(-3, 260, (6, 5)).astype("int16")
    a[2, 3] = -32768
    add_cube(made, "A", {"v": a}, Frame(axes=earth, crs=WGS84))
    b4 = rng.integers(1, 60_000, (len(times), 6, 5)).astype("uint16")
    b4[rng.random(b4.shape) < 0.1] = 65535
    b4[:, 0, 0] = 65535
    b4[1:3, 1, 1] = 0
    b8 = rng.integers(1, 9000, b4.shape).astype("uint16")
    add_cube(made, "T", {"b4": b4, "b8": b8}, Frame(axes=earth, crs=WGS84, times=times))
    grid = rng.integers(-50, 50, (11, 13)).astype("int32")
    add_cube(made, "G", {"v": grid}, Frame(axes=(indices("i", 11), indices("j", 13))))
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return _made(tmp_path_factory.mktemp("over") / "store", TIMES)


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the same cubes, T over three seconds."""
    return _made(tmp_path_factory.mktemp("brief") / "store", SECONDS)


def stored(made: Made) -> Stored:
    a, b4 = made.arrays["A"]["v"], made.arrays["T"]["b4"]
    return Stored(
        a=np.where(a == -32768, np.nan, a.astype(float)),
        b4=np.where(b4 == 65535, np.nan, b4.astype(float)),
        g=made.arrays["G"]["v"].astype(float),
    )


@contextmanager
def unrolled() -> Iterator[None]:
    """Bind every body place by place."""

    def context(**parts: Any) -> Context:  # noqa: ANN401  # whatever a context is made of
        return Context(**parts, unrolling=Unrolling(always=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datacube.processing, "Context", context)
        yield


def both_ways(made: Made, query: str, *, compat: bool = False) -> Evaluated:
    """Return a query's one result, the same bound once and place by place."""
    (once,) = evaluated(made, query, compat=compat)
    with unrolled():
        (each,) = evaluated(made, query, compat=compat)
    assert once.axes == each.axes
    assert once.dtypes == each.dtypes
    for one, other in zip(once.valid, each.valid, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other, known in zip(once.values, each.values, once.valid, strict=True):
        assert one[known].tobytes() == other[known].tobytes()
    return once


def mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def filled(values: Array, reduce: Callable[..., Array], empty: float) -> Array:
    """Reduce the first axis; null where all are null."""
    known = ~np.isnan(values)
    made = reduce(np.where(known, values, empty), axis=0)
    return np.where(known.any(axis=0), made, np.nan)


def last_seen(values: Array) -> Array:
    """Last number that is neither null nor 0, else 0, else null."""
    made = np.where(np.isnan(values).all(axis=0), np.nan, 0.0)
    for layer in values:
        made = np.where(np.isnan(layer) | (layer == 0), made, layer)
    return made


def kernel(g: Array) -> Array:
    parts = [g[1 + k : 10 + k, 1 + n : 10 + n] for k in (-1, 0, 1) for n in (-1, 0, 1)]
    return np.sum(parts, axis=0)


type Expected = Callable[[Stored], Any]


def ones(size: int) -> Expected:
    return lambda _: np.ones(size)


PARTS = {"years": 2, "months": 7, "days": 4, "hours": 1, "minutes": 1, "seconds": 1}
"""How many parts of times T has."""

T = "for $c in (T) return "
A = "for $c in (A) return "
G = "for $c in (G) return "
SLICE = '$c.b4[ansi:"CRS:1"($t)]'
ALL_T = "over $t ansi(imageCrsDomain($c, ansi))"


def series(domain: str, value: str = "avg($c.b4[ansi($t:$t)])") -> str:
    return f'{T}encode(coverage s over $t ansi({domain}) values {value}, "json")'


def example(operator: str) -> str:
    return f'{T}encode(condense {operator} {ALL_T} using {SLICE}, "png")'


EXAMPLES: dict[str, tuple[Expected, str]] = {
    f"{A}count($c > 5)": (lambda s: (s.a > 5).sum(), "uint64"),
    f"{A}some($c > 5)": (lambda _: True, "bool"),
    f"{A}all($c > 5)": (lambda _: False, "bool"),
    f"{A}add($c)": (lambda s: np.nansum(s.a), "int64"),
    f"{A}sum($c)": (lambda s: np.nansum(s.a), "int64"),
    f"{A}avg($c)": (lambda s: mean(s.a), "float64"),
    f"{A}min($c)": (lambda s: np.nanmin(s.a), "int16"),
    f"{A}max($c)": (lambda s: np.nanmax(s.a), "int16"),
    f"{A}cellCount($c)": (lambda s: s.a.size, "int64"),
    example("+"): (lambda s: filled(s.b4, np.sum, 0), "uint64"),
    example("*"): (lambda s: filled(s.b4, np.prod, 1), "float64"),
    example("min"): (lambda s: filled(s.b4, np.min, np.inf), "uint16"),
    example("max"): (lambda s: filled(s.b4, np.max, -np.inf), "uint16"),
    example("overlay"): (lambda s: last_seen(s.b4), "uint16"),
    f"{T}condense and {ALL_T} using some({SLICE} > 3)": (lambda _: True, "bool"),
    f"{T}condense or {ALL_T} using some({SLICE} > 3)": (lambda _: True, "bool"),
    f"{T}condense xor {ALL_T} using min({SLICE}) > 300": (
        lambda s: sum(np.nanmin(layer) > 300 for layer in s.b4) % 2 == 1,
        "bool",
    ),
    f"{T}condense + {ALL_T} where $t > 3 using max({SLICE})": (
        lambda s: sum(np.nanmax(layer) for layer in s.b4[4:]),
        "uint64",
    ),
    f'{A}encode(coverage h over $b x(0:255) values count($c = $b), "csv")': (
        lambda s: np.array([(s.a == b).sum() for b in range(256)]),
        "uint64",
    ),
    series("imageCrsDomain($c, ansi)", f"avg({SLICE})"): (
        lambda s: np.array([mean(layer) for layer in s.b4]),
        "float64",
    ),
    f"{G}encode(coverage f over $x i(1:9), $y j(1:9) values condense + over $k kx(-1:1), "
    '$l ky(-1:1) using $c[i($x + $k), j($y + $l)], "csv")': (lambda s: kernel(s.g), "int64"),
    f'{A}encode(coverage k over $x x(-1:1) value list <1; 2; 1>, "csv")': (
        lambda _: np.array([1, 2, 1]),
        "int64",
    ),
    series('"2020-01-01", "2020-02-01"', "avg($c.b4[ansi($t)])"): (
        lambda s: np.array([mean(layer) for layer in s.b4[:2]]),
        "float64",
    ),
    series('"2020-01-01":"2020-06-01":"P1M"', "avg($c.b4[ansi($t)])"): (
        lambda s: np.array([mean(layer) for layer in s.b4[:6]]),
        "float64",
    ),
    series("domain($c, ansi)", "avg($c.b4[ansi($t)])"): (
        lambda s: np.array([mean(layer) for layer in s.b4]),
        "float64",
    ),
    series("allyears(domain($c, ansi))"): (
        lambda s: np.array([mean(s.b4[:8]), mean(s.b4[8:])]),
        "float64",
    ),
    series("allmonths(domain($c, ansi))"): (
        lambda s: np.array(
            [
                *(mean(layer) for layer in s.b4[:6]),
                np.nan,
                mean(s.b4[6:8]),
                *[np.nan] * 6,
                mean(s.b4[8]),
            ]
        ),
        "float64",
    ),
    **{
        series(f"{name}(domain($c, ansi))", "1"): (ones(size), "int64")
        for name, size in PARTS.items()
    },
    'for $a in (A) return encode((coverage k over $x x(-1 : 1) value list < 1; 0; 1 >), "csv")': (
        lambda _: np.array([1, 0, 1]),
        "int64",
    ),
    "for $a in (A) return (coverage k over $x x(0 : 1) value list < 1; 0 >)[x(0)]": (
        lambda _: 1,
        "int64",
    ),
    f'{A}encode(coverage n domain crs "OGC:Index1D" with x index (1:5) range type v quantity int '
    'range set x, "application/json")': (lambda _: np.arange(1, 6), "int32"),
    f'{A}encode(coverage n domain crs "OGC:AnsiDate" with d irregular ("2024-01-01", '
    '"2024-02-01") range type v quantity int range set 1, "application/json")': (
        lambda _: np.ones(2),
        "int32",
    ),
}
"""Queries of `wcps-examples.jsonl`, in their words."""

LONG = {
    series("alldays(domain($c, ansi))"): 435,
}
"""Examples with many places, most of them empty, and how many."""

BRIEF: dict[str, Expected] = {
    series("allhours(domain($c, ansi))"): lambda s: [mean(s.b4[:1]), mean(s.b4[1:])],
    series("allminutes(domain($c, ansi))"): lambda s: [mean(s.b4[:1]), mean(s.b4[1:])],
    series("allseconds(domain($c, ansi))"): lambda s: [
        mean(s.b4[0]),
        np.nan,
        mean(s.b4[1]),
        mean(s.b4[2]),
    ],
}
"""Examples on T over three seconds."""

OWN: dict[str, tuple[Expected, str]] = {
    # The operators that are ours.
    f'{T}encode(condense median {ALL_T} using {SLICE}, "json")': (
        lambda s: np.array([[mean_of_middle(s.b4[:, y, x]) for x in range(5)] for y in range(6)]),
        "float64",
    ),
    f'{T}encode(condense count {ALL_T} using {SLICE} > 30000, "json")': (
        lambda s: (s.b4 > 30000).sum(axis=0),
        "uint64",
    ),
    f'{T}encode(condense first {ALL_T} using {SLICE}, "json")': (
        lambda s: last_seen(np.where(s.b4 == 0, -1, s.b4)[::-1]).clip(0),
        "uint16",
    ),
    f"{T}condense maxtime {ALL_T} using avg({SLICE})": (
        lambda s: int(np.argmax([mean(layer) for layer in s.b4])),
        "int64",
    ),
    f"{T}condense maxtime over $t ansi(domain($c, ansi)) using avg($c.b4[ansi($t)])": (
        lambda s: np.array(TIMES, "datetime64[s]").astype(int)[
            int(np.argmax([mean(layer) for layer in s.b4]))
        ],
        "float64",
    ),
    f"{T}condense quantile(0.25) {ALL_T} using add({SLICE})": (
        lambda s: np.quantile(np.nansum(s.b4, axis=(1, 2)), 0.25),
        "float64",
    ),
    # Conditions: null and false both skip; a condition may have axes of its own.
    f'{T}encode(condense + {ALL_T} where {SLICE} > 30000 using 1, "json")': (
        lambda s: np.where((s.b4 > 30000).any(axis=0), (s.b4 > 30000).sum(axis=0), np.nan),
        "int64",
    ),
    f"{G}condense + over $x x(0:10) where $x * 3 > 12 using $x": (
        lambda _: sum(range(5, 11)),
        "int64",
    ),
    f"{G}condense + over $x x(0:10) where false using $x": (lambda _: np.nan, "int64"),
    # Iterators as values, steps, lists.
    f"{G}condense + over $x x(0:9:3) using $x * $x": (lambda _: 0 + 9 + 36 + 81, "int64"),
    f"{G}condense * over $x x(1, 5, 7) using $x": (lambda _: 35, "float64"),
    f"{G}condense + over $x x(1, 5, 7) using $x": (lambda _: 13, "int64"),
    f'{G}encode(coverage r over $x x(0:1:0.25) values $x, "json")': (
        lambda _: np.arange(5) / 4,
        "float64",
    ),
    f'{G}encode(coverage r over $x x(5:1:-2) values -$x + 1, "json")': (
        lambda _: np.array([-4, -2, 0]),
        "int64",
    ),
    f'{G}encode(coverage n over $x x(0:2), $y y(10:11) values 100 * $x - $y, "json")': (
        lambda _: np.array([[-10, -11], [90, 89], [190, 189]]),
        "int64",
    ),
    # Shifts: affine, listed, not affine, shadowed.
    f'{G}encode(coverage n over $x x(0:3) values $c[i(2 * $x + 1), j(12 - $x)], "json")': (
        lambda s: np.array([s.g[2 * x + 1, 12 - x] for x in range(4)]),
        "int32",
    ),
    f'{G}encode(coverage n over $x x(0:3) values $c[i($x), j($x)] - $c[i($x + 1), j(0)], "json")': (
        lambda s: np.array([s.g[x, x] - s.g[x + 1, 0] for x in range(4)]),
        "int64",
    ),
    f'{G}encode(coverage n over $x x(1, 4, 5) values $c[i($x), j(2)], "json")': (
        lambda s: s.g[[1, 4, 5], 2],
        "int32",
    ),
    f'{G}encode(coverage n over $x x(0:3) values $c[i($x * $x), j(2)], "json")': (
        lambda s: s.g[[0, 1, 4, 9], 2],
        "int32",
    ),
    f'{G}encode(coverage n over $x x(0:2) values $c[i($x)], "json")': (
        lambda s: s.g[:3],
        "int32",
    ),
    f'{G}encode(coverage n over $x x(0:2) values condense + over $x y(0:$x) using $x, "json")': (
        lambda _: np.array([0, 1, 3]),
        "int64",
    ),
    f"{G}encode(coverage n over $x x(0:2) values (coverage m over $y y(0:1) values "
    '$c[i($x), j($y)])[y(1)], "json")': (lambda s: s.g[:3, 1], "int32"),
    f"{G}encode(coverage n over $x x(0:2), $y y(0:1) values (coverage k over $z z(0:2) value "
    'list <1; $x; 3>)[z($y)], "json")': (
        lambda _: np.array([[1, 0], [1, 1], [1, 2]]),
        "int64",
    ),
    # Trims: of equal size, of any size, of none.
    f'{G}encode(coverage n over $x x(1:8) values add($c[i:"CRS:1"($x - 1:$x + 1)]), "json")': (
        lambda s: np.array([s.g[x - 1 : x + 2].sum() for x in range(1, 9)]),
        "int64",
    ),
    f'{G}encode(coverage n over $x x(1:8) values $c[i:"CRS:1"($x - 1:$x + 1), j($x)], "json")': (
        lambda s: np.array([s.g[x - 1 : x + 2, x] for x in range(1, 9)]),
        "int32",
    ),
    f'{G}encode(coverage n over $x x(0:9) values max($c[i:"CRS:1"(0:$x)]), "json")': (
        lambda s: np.array([s.g[: x + 1].max() for x in range(10)]),
        "int32",
    ),
    f'{G}encode(coverage n over $x x(8:13) values count($c[i:"CRS:1"($x:$x + 1)] > -99), "json")': (
        lambda _: np.array([26, 26, 13, 0, 0, 0]),
        "uint64",
    ),
    f'{G}encode(coverage n over $x x(9:11), $y y(0:2) values add($c[i:"CRS:1"($x:$x + 1), '
    'j($y)]), "json")': (
        lambda s: np.array(
            [[s.g[x : x + 2, y].sum() if x < 11 else np.nan for y in range(3)] for x in (9, 10, 11)]
        ),
        "int64",
    ),
    f'{G}encode(coverage n over $x x(1:3) values avg(scale($c, {{i:"CRS:1"(0:$x), '
    'j:"CRS:1"(0:1)})), "json")': (
        lambda s: np.array(
            [s.g[np.ix_(np.arange(n) * 11 // n, np.arange(2) * 13 // 2)].mean() for n in (2, 3, 4)]
        ),
        "float64",
    ),
    # Time: parts, shifts, maps.
    f'{T}encode(coverage s over $y y(years(domain($c, ansi))) values avg($c.b4[ansi($y . "-03")]), '
    '"json")': (lambda s: np.array([mean(s.b4[2]), mean(s.b4[8])]), "float64"),
    f"{T}encode(coverage s over $m m(months(domain($c, ansi))) values "
    'avg($c.b4[ansi("2020-" . $m:"2020-" . $m)]), "json")': (
        lambda s: np.array([*(mean(layer) for layer in s.b4[:6]), mean(s.b4[6:8])]),
        "float64",
    ),
    f'{T}encode(coverage s over $m m(months(domain($c, ansi))) values $m * 2, "json")': (
        lambda _: 2 * np.array(sorted({int(time[5:7]) for time in TIMES})),
        "int64",
    ),
    f'{T}encode(coverage s over $y y(years(domain($c, ansi))) values $y, "json")': (
        lambda _: np.array([2020, 2021]),
        "int64",
    ),
    series("allmonths(domain($c, ansi))", "count($c.b4[ansi($t:$t)] >= 0)"): (
        lambda s: np.array(
            [
                (~np.isnan(part)).sum()
                for part in (*s.b4[:6], s.b4[:0], s.b4[6:8], *[s.b4[:0]] * 6, s.b4[8])
            ]
        ),
        "uint64",
    ),
    series('allmonths("2020")', "add($c.b8[ansi($t:$t)] * 0 + 1)"): (
        lambda _: np.array([30.0] * 6 + [np.nan, 60.0] + [np.nan] * 4),
        "uint64",
    ),
    series('"2020-01-01":"2020-04-01":"P1M"', '$c.b4[ansi($t + "P1M")] - $c.b4[ansi($t)]'): (
        lambda s: s.b4[1:5] - s.b4[:4],
        "int32",
    ),
    f'{T}encode(condense max over $t ansi(domain($c, ansi)) using $c.b4[ansi($t)], "png")': (
        lambda s: filled(s.b4, np.max, -np.inf),
        "uint16",
    ),
    f'{T}encode(condense + over $t ansi(domain($c, ansi)) where $t >= "2020-03" and $t < "2020-08" '
    'using $c.b4[ansi($t)], "png")': (lambda s: filled(s.b4[2:6], np.sum, 0), "uint64"),
    f'{T}condense + over $t ansi(allmonths("2020")) where "2020-02-29" = $t using 1': (
        lambda _: 1,
        "int64",
    ),
    f'{T}condense + over $t ansi("2020", "2021", "2022") where $t != "2021-05" using 1': (
        lambda _: 2,
        "int64",
    ),
    f'{T}condense + over $t ansi(domain($c, ansi)) where years($t) > "2020" '
    "using add($c.b8[ansi($t)] * 0 + 1)": (
        lambda _: 30,
        "uint64",
    ),
    # The axes of a map.
    f"{A}encode(coverage n over $x Lon(domain($c, Lon)), $y Lat(domain($c, Lat)) values "
    '$c[Lat($y), Lon($x)], "tiff")': (lambda s: s.a, "int16"),
    f'{A}encode(coverage n over $y Lat(domain($c, Lat)) values $c[Lat($y)] * 0 + $y, "tiff")': (
        lambda s: s.a * 0 + np.arange(2.75, 0, -0.5)[:, None],
        "float64",
    ),
    f'{A}encode(coverage n over $y Lat(0.25:2.75:0.5) values avg($c[Lat($y)]), "json")': (
        lambda s: np.array([mean(row) for row in s.a[::-1]]),
        "float64",
    ),
    # Several bands, types of lists.
    f"{A}encode(coverage k over $x x(0:1), $y y(0:2) value list <1; -2; 3; 4.5; null; 6>, "
    '"json")': (
        lambda _: np.array([[1, -2, 3], [4.5, np.nan, 6]]),
        "float64",
    ),
    f'{A}encode(coverage k over $x x(0:1) value list <true; false>, "json")': (
        lambda _: np.array([1, 0]),
        "bool",
    ),
    f'{A}encode(coverage k over $x x(0:1) value list <(short) 7; 9s>, "json")': (
        lambda _: np.array([7, 9]),
        "int16",
    ),
}


def mean_of_middle(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else np.nan


CONSTRUCTOR: dict[str, tuple[Expected, tuple[str, ...]]] = {
    'crs "OGC:Index2D" with x index (1:3), y index (-1:0) range type r quantity int, '
    "g quantity range set {r: x * 10 + y, g: 0}": (
        lambda _: [[[9, 10], [19, 20], [29, 30]], np.zeros((3, 2))],
        ("int32", "uint8"),
    ),
    'crs "EPSG:4326" with lat regular (-2:2) resolution -0.5, lon regular (10:12) resolution 1 '
    "range type v quantity double range set lat": (
        lambda _: [np.repeat(np.arange(1.75, -2, -0.5)[:, None], 2, axis=1)],
        ("float64",),
    ),
    'crs "EPSG:4326+OGC:AnsiDate" with lat regular (-1:1) resolution -1, lon regular (0:3) '
    'resolution 1, d irregular ("2024-01-01", "2024-02-01") range type v quantity float '
    "range set 100 * lat + lon": (
        lambda _: [[[[50.5, 51.5, 52.5], [-49.5, -48.5, -47.5]]] * 2],
        ("float32",),
    ),
    'crs "EPSG:32633" with E regular (0:30) resolution 10, N regular (0:20) resolution -10 '
    "range type v quantity double range set E + N": (
        lambda _: [[[20, 30, 40], [10, 20, 30]]],
        ("float64",),
    ),
    'crs "OGC:AnsiDate" with d regular ("2024-01":"2024-06") resolution "P1M" '
    "range type v quantity unsigned char range set 300": (
        lambda _: [np.full(6, 255)],
        ("uint8",),
    ),
    'crs "OGC:AnsiDate" with d regular ("2024-02-28":"2024-03-01") resolution 1 '
    "range type v quantity boolean range set 1 = 1": (lambda _: [np.ones(3)], ("bool",)),
    'crs "OGC:Index1D" with x index (1:5) range type v quantity int '
    "range set condense + over px x (1:5) using px * x": (
        lambda _: [15 * np.arange(1, 6)],
        ("int32",),
    ),
    'crs "OGC:Index1D" with h irregular (1, 2, 5.5) range type v quantity double range set h * 2': (
        lambda _: [[2, 4, 11]],
        ("float64",),
    ),
    'crs "OGC:Index1D" with x index (0:2) range type low quantity int, high quantity int '
    "range set {high: x + 100, low: x}": (
        lambda _: [np.arange(3), np.arange(100, 103)],
        ("int32", "int32"),
    ),
    'crs "OGC:Index1D" with x index (2:5) range type a quantity short, b quantity '
    "range set {p: $c[i(x), j(x)]; q: $c[i(0), j(x)]}": (
        lambda s: [s.g[range(2, 6), range(2, 6)], s.g[0, 2:6]],
        ("int16", "int32"),
    ),
    'crs "http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/OGC/0/AnsiDate'
    '&2=http://www.opengis.net/def/crs/OGC/0/Index1D" with d irregular ("2024-01-01"), '
    "x index (7:8) range type v quantity long range set -x": (lambda _: [[[-7, -8]]], ("int32",)),
    'crs "EPSG:4326" with lat regular (0:1) resolution 0.4, lon irregular (3, 9) '
    "range type v quantity double range set lon": (
        lambda _: [np.repeat([[3, 9]], 3, axis=0)],
        ("float64",),
    ),
}
"""Domain, range type and range set of the constructor of WCPS 1.1."""


@pytest.mark.parametrize("query", [*EXAMPLES, *OWN])
def test_result_equals_numpy_however_it_is_bound(made: Made, query: str) -> None:
    expected, dtype = {**EXAMPLES, **OWN}[query]
    found = both_ways(made, query)
    wanted = np.asarray(expected(stored(made)), dtype=float)
    assert found.dtypes == (dtype,)
    assert found.filled()[0].shape == wanted.shape
    np.testing.assert_allclose(found.filled()[0], wanted, rtol=1e-14)


def test_table_has_every_example(testdata: Path) -> None:
    path = testdata.parent / "reference/wcps-examples.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    asked = {d["query"] for d in told if d["group"] in ("aggregate", "wcps11")}
    assert asked <= {*EXAMPLES, *LONG, *BRIEF}


@pytest.mark.parametrize("query", [*EXAMPLES, *OWN])
def test_both_ways_agree_by_the_rules_of_rasdaman(made: Made, query: str) -> None:
    both_ways(made, query, compat=True)


PAGE = Path(__file__).resolve().parents[3] / "docs/reference/wcps-iterators.md"
TOLD = re.findall(r"```text\n(.+?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("query", TOLD)
def test_queries_of_the_docs_run(made: Made, query: str) -> None:
    found = both_ways(made, query)
    assert any(known.any() for known in found.valid)


def test_the_docs_have_queries() -> None:
    assert len(TOLD) == 7


@pytest.mark.parametrize("query", LONG)
def test_units_without_times_are_null(made: Made, query: str) -> None:
    found = both_ways(made, query)
    (values,) = found.filled()
    assert values.shape == (LONG[query],)
    days = (np.array(TIMES, "datetime64[D]") - np.datetime64("2020-01-01")).astype(int)
    wanted = np.full(LONG[query], np.nan)
    wanted[days] = [mean(layer) for layer in stored(made).b4]
    np.testing.assert_allclose(values, wanted, rtol=1e-14)


@pytest.mark.parametrize("query", BRIEF)
def test_short_units_list_those_of_a_short_time(brief: Made, query: str) -> None:
    found = both_ways(brief, query)
    np.testing.assert_allclose(found.filled()[0], BRIEF[query](stored(brief)), rtol=1e-14)


@pytest.mark.parametrize("domain", CONSTRUCTOR)
def test_constructor_of_1_1_equals_numpy(made: Made, domain: str) -> None:
    expected, dtypes = CONSTRUCTOR[domain]
    found = both_ways(made, f'{G}encode(coverage n domain {domain}, "json")')
    assert found.dtypes == dtypes
    for values, wanted in zip(found.filled(), expected(stored(made)), strict=True):
        np.testing.assert_allclose(values, np.asarray(wanted, dtype=float), rtol=1e-7)


REFUSED: list[tuple[str, type[RequestError], str]] = [
    # Slices that select nothing, and walks beyond an axis.
    (series('"2020-07"', "avg($c.b4[ansi($t)])"), TimeSelectionError, "no acquisition at 2020-07"),
    (f"{G}condense + over $x x(5:12) using $c[i($x), j(0)]", OutOfDomainError, "5:12"),
    (f"{G}condense + over $x x(-1:2) using $c[i($x), j(0)]", OutOfDomainError, "-1:2"),
    # Bodies of different sizes.
    (
        f'{G}encode(coverage n over $x x(1:3) values $c[i:"CRS:1"(0:$x)], "json")',
        InvalidParameterError,
        "different numbers of cells",
    ),
    # Domains.
    (f"{G}condense + over $x x(3:1) using $x", InvalidParameterError, "no place"),
    (f"{G}condense + over $x x(domain($c)) using $x", InvalidParameterError, "one axis"),
    (f"{G}condense + over $x x($c) using $x", InvalidParameterError, "a coverage"),
    (f"{G}condense + over $x x(0:max($c)) using $x", InvalidParameterError, "before any cell"),
    (f"{T}count(allmonths(domain($c, Lat)))", InvalidParameterError, "time axis"),
    (f"{G}condense + over $x x(0:1), $x y(0:1) using $x", InvalidParameterError, "called \\$x"),
    (f"{G}condense + over $x x(0:1), $y x(0:1) using $x", InvalidParameterError, "axis called 'x'"),
    (f'{T}condense + over $t t("2020") where $t > "soon" using 1', InvalidParameterError, "soon"),
    # Operators.
    (f"{G}condense wrong over $x x(0:1) using $x", UnknownNameError, "wrong"),
    (f"{G}condense quantile over $x x(0:1) using $x", InvalidParameterError, "p"),
    (
        f"{G}condense maxtime over $x x(0:1), $y y(0:1) using $x",
        InvalidParameterError,
        "one iterator",
    ),
    # Lists.
    (
        f"{G}(coverage k over $x x(0:2) value list <1; 2>)[x(0)]",
        InvalidParameterError,
        "2 values for 3 places",
    ),
    (f'{G}(coverage k over $x x(0:0) value list <"a">)[x(0)]', InvalidParameterError, "a text"),
    # Too many places to bind one by one.
    (
        f'{G}encode(coverage n over $x x(0:20000) values max($c[i:"CRS:1"(0:$x)]), "json")',
        LimitExceededError,
        "20,001 places",
    ),
    (series("allminutes(domain($c, ansi))"), LimitExceededError, "times from"),
    # The constructor of 1.1.
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index2D" with x index (1:5), lat regular (-2:2) '
            'resolution -0.5, d irregular ("2024-01-01", "2024-02-01") range type r quantity int '
            'range set x, "json")'
        ),
        InvalidParameterError,
        "has 2 axes, and 3 are given: x, lat, d",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "EPSG:1" with x index (1:5) '
            'range type r quantity int range set x, "json")'
        ),
        UnknownNameError,
        "EPSG:1",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:AnsiDate" with x index (1:5) '
            'range type r quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "times in quotes",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index1D" with x index (1:5) '
            f"range type r quantity "
            'int, g quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "2 fields",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index1D" with x regular (1:5) resolution 0 '
            'range type r quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "no cell",
    ),
    (
        (
            f'{G}encode(coverage n domain crs "OGC:Index1D" with x index (1:2.5) '
            'range type r quantity int range set x, "json")'
        ),
        InvalidParameterError,
        "whole numbers",
    ),
]


@pytest.mark.parametrize(("query", "error", "told"), REFUSED)
def test_what_cannot_be_is_refused_with_its_place(
    made: Made, query: str, error: type[RequestError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        evaluated(made, query)
    assert any("^" in note for note in caught.value.__notes__)


def test_deep_nesting_of_bodies_that_fail_ends(made: Made) -> None:
    nested = "$c[i($z * $z), nowhere(1)]"
    for depth in range(12):
        nested = f"(condense + over $x{depth} x(0:1) using {nested})"
    with pytest.raises(RequestError):
        evaluated(made, f"{G}condense + over $z z(0:1) using {nested}")


def test_identifier_is_the_constructed_name(made: Made) -> None:
    query = f"{G}identifier(coverage made over $x x(0:1) values $x)"
    assert texts(made, query) == ["made"]
