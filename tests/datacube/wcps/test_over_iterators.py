"""Condensers and constructors against NumPy, bound once and bound place by place.

Every query runs both ways; the cells must agree bit for bit.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.builders.made import Made
from tests.builders.over import (
    ALL_T,
    SLICE,
    TIMES,
    A,
    Array,
    Expected,
    G,
    T,
    both_ways,
    example,
    filled,
    kernel,
    last_seen,
    mean,
    ones,
    series,
    stored,
)

PARTS = {"years": 2, "months": 7, "days": 4, "hours": 1, "minutes": 1, "seconds": 1}
"""How many parts of times T has."""


def mean_of_middle(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else np.nan


EXAMPLES: dict[str, tuple[Expected, str]] = {
    f"{A}count($c > 5)": (lambda s: (s.a > 5).sum(), "uint64"),
    f"{A}some($c > 5)": (lambda _: True, "bool"),
    f"{A}all($c > 5)": (lambda _: False, "bool"),
    f"{A}add($c)": (lambda s: np.nansum(s.a), "int64"),
    f"{A}sum($c)": (lambda s: np.nansum(s.a), "int64"),
    f"{A}avg($c)": (lambda s: mean(s.a), "float64"),
    f"{A}min($c)": (lambda s: np.nanmin(s.a), "int16"),
    f"{A}max($c)": (lambda s: np.nanmax(s.a), "int16"),
    f"{A}avg($c null values {{0:99, 7}})": (
        lambda s: mean(np.where((s.a >= 0) & (s.a <= 99), np.nan, s.a)),
        "float64",
    ),
    series('years("2019-11":"2021")', "$t"): (lambda _: np.array([2019, 2020, 2021]), "int64"),
    series('allmonths("2020-05-20":"2020-08")'): (
        lambda s: np.array([mean(s.b4[4]), mean(s.b4[5]), np.nan, mean(s.b4[6:8])]),
        "float64",
    ),
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
