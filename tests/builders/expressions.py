"""Formulas on made cubes: as Python and as WCPS write them, and what NumPy makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

import copernicube
from copernicube.client import Catalogue, Expression
from tests.builders.made import T_TIMES


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the store holds, nodata as NaN, in float64."""

    b4: NDArray[np.float64]
    b8: NDArray[np.float64]
    a: NDArray[np.float64]
    g: NDArray[np.float64]
    w: NDArray[np.float64]


type Ask = Callable[[Catalogue], Any]
"""An expression; a function of NumPy is annotated as giving an array."""
type Count = Callable[[Numbers], Any]

NDVI = "($c.b8 - $c.b4) / ($c.b8 + $c.b4)"


def ndvi(c: Catalogue) -> Expression:
    cube = c["T"]
    return (cube.b8 - cube.b4) / (cube.b8 + cube.b4)


def numpy_ndvi(n: Numbers) -> NDArray[np.float64]:
    return (n.b8 - n.b4) / (n.b8 + n.b4)


def nan_where(keep: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(keep, values, np.nan)


def months(n: Numbers) -> NDArray[np.float64]:
    """Return the mean of b4 over the map for each month from the first time to the last."""
    keys = [int(t[:4]) * 12 + int(t[5:7]) for t in T_TIMES]
    found = np.full(keys[-1] - keys[0] + 1, np.nan)
    for key, plane in zip(keys, n.b4, strict=True):
        found[key - keys[0]] = np.nanmean(plane)
    return found


CASES: dict[str, tuple[Ask, str, Count]] = {
    "ndvi": (ndvi, NDVI, numpy_ndvi),
    "number first": (lambda c: 10000 - c["T"].b4, "10000 - $c.b4", lambda n: 10000 - n.b4),
    "float": (lambda c: 0.5 * c["T"].b4, "0.5 * $c.b4", lambda n: 0.5 * n.b4),
    "negative": (lambda c: c["T"].b4 * -2, "$c.b4 * -2", lambda n: -2 * n.b4),
    "runs are flat": (
        lambda c: c["T"].b4 + c["T"].b8 + 1 - 2 - 3,
        "$c.b4 + $c.b8 + 1 - 2 - 3",
        lambda n: n.b4 + n.b8 - 4,
    ),
    "right operand": (
        lambda c: c["T"].b4 - (c["T"].b8 - 1),
        "$c.b4 - ($c.b8 - 1)",
        lambda n: n.b4 - n.b8 + 1,
    ),
    "power": (lambda c: c["A"].v ** 2, "pow($c, 2)", lambda n: n.a**2),
    "reversed power": (lambda c: 1.01 ** c["A"].v, "pow(1.01, $c)", lambda n: 1.01**n.a),
    "unary": (lambda c: -abs(-c["G"].v), "-abs(-$c)", lambda n: -np.abs(n.g)),
    "comparison": (lambda c: c["A"].v >= 150, "$c >= 150", lambda n: n.a >= 150),
    "equal": (lambda c: c["A"].v == 150, "$c = 150", lambda n: n.a == 150),
    "unequal": (lambda c: c["A"].v != 150, "$c != 150", lambda n: n.a != 150),
    "truths": (
        lambda c: (c["A"].v > 50) & ~(c["A"].v > 200) | (c["A"].v == 7),
        "$c > 50 and not $c > 200 or $c = 7",
        lambda n: (n.a > 50) & ~(n.a > 200) | (n.a == 7),
    ),
    "either": (
        lambda c: (c["A"].v > 50) ^ (c["A"].v > 200),
        "$c > 50 xor $c > 200",
        lambda n: (n.a > 50) ^ (n.a > 200),
    ),
    "root": (lambda c: np.sqrt(c["A"].v), "sqrt($c)", lambda n: np.sqrt(n.a)),
    "logarithms": (
        lambda c: np.log(c["A"].v) - np.log10(c["A"].v),
        "ln($c) - log($c)",
        lambda n: np.log(n.a) - np.log10(n.a),
    ),
    "NumPy's number first": (
        lambda c: np.float64(3) / c["A"].v,
        "3.0 / $c",
        lambda n: 3 / n.a,
    ),
    "angle": (
        lambda c: np.arctan2(c["A"].v, c["B"].v * 0 + 2),
        "atan2($c1, $c2 * 0 + 2)",
        lambda n: np.arctan2(n.a, 2),
    ),
    "remainder": (lambda c: np.fmod(c["G"].v, 7), "mod($c, 7)", lambda n: np.fmod(n.g, 7)),
    "greater of two": (
        lambda c: np.maximum(c["T"].b4, c["T"].b8),
        "max($c.b4, $c.b8)",
        lambda n: np.maximum(n.b4, n.b8),
    ),
    "bounds": (
        lambda c: c["A"].v.clip(20, 100),
        "min(max($c, 20), 100)",
        lambda n: np.clip(n.a, 20, 100),
    ),
    "where": (
        lambda c: c["T"].b4.where(c["T"].b8 > 5000),
        "switch case $c.b8 > 5000 return $c.b4 default return null",
        lambda n: nan_where(n.b8 > 5000, n.b4),
    ),
    "where else": (
        lambda c: copernicube.where(c["A"].v > 200, 2, copernicube.where(c["A"].v > 100, 1, 0)),
        "switch case $c > 200 return 2 case $c > 100 return 1 default return 0",
        lambda n: np.where(n.a > 200, 2, np.where(n.a > 100, 1, 0)),
    ),
    "filled": (
        lambda c: c["T"].b4.fillna(0),
        "switch case $c.b4 is null return 0 default return $c.b4",
        lambda n: np.nan_to_num(n.b4),
    ),
    "null": (lambda c: c["T"].b4.isnull(), "$c.b4 is null", lambda n: np.isnan(n.b4)),
    "cast": (
        lambda c: (c["A"].v * 1.5).astype("uint8"),
        "(unsigned char) ($c * 1.5)",
        lambda n: np.minimum(np.trunc(n.a * 1.5), 255),
    ),
    "number": (lambda c: ndvi(c).mean(), f"avg({NDVI})", lambda n: np.nanmean(numpy_ndvi(n))),
    "least": (lambda c: c["G"].v.min(), "min($c)", lambda n: n.g.min()),
    "sum of truths": (
        lambda c: (c["A"].v > 100).sum(),
        "add($c > 100)",
        lambda n: (n.a > 100).sum(),
    ),
    "count": (
        lambda c: c["T"].b4.count(),
        "count($c.b4 is not null)",
        lambda n: np.isfinite(n.b4).sum(),
    ),
    "quantile": (
        lambda c: c["T"].b4.quantile(0.9),
        "quantile($c.b4, 0.9)",
        lambda n: np.nanquantile(n.b4, 0.9),
    ),
    "all": (lambda c: (c["A"].v > 0).all(), "all($c > 0)", lambda n: (n.a > 0).all()),
    "mean over time": (
        lambda c: c["T"].b4.mean("time"),
        'condense avg over $t ansi(imageCrsDomain($c.b4, ansi)) using $c.b4[ansi:"CRS:1"($t)]',
        lambda n: np.nanmean(n.b4, 0),
    ),
    "median of a formula": (
        lambda c: ndvi(c).median("time"),
        'condense median over $t ansi(imageCrsDomain($v1, ansi)) using $v1[ansi:"CRS:1"($t)]',
        lambda n: np.nanmedian(numpy_ndvi(n), 0),
    ),
    "quantile over time": (
        lambda c: c["T"].b4.quantile(0.25, "time"),
        (
            "condense quantile(0.25) over $t ansi(imageCrsDomain($c.b4, ansi))"
            ' using $c.b4[ansi:"CRS:1"($t)]'
        ),
        lambda n: np.nanquantile(n.b4, 0.25, 0),
    ),
    "sum along a map": (
        lambda c: c["T"].b4.sum(["x", "y"]),
        "coverage series over $t ansi(domain($c.b4, ansi)) values add($c.b4[ansi($t)])",
        lambda n: np.nansum(n.b4, (1, 2)),
    ),
    "along one side": (
        lambda c: c["A"].v.max("lat"),
        "coverage series over $i1 Lon(domain($c, Lon)) values max($c[Lon($i1)])",
        lambda n: n.a.max(0),
    ),
    "two of three axes": (
        lambda c: c["T"].b4.max(["time", "y"]),
        "coverage series over $i1 Lon(domain($c.b4, Lon)) values max($c.b4[Lon($i1)])",
        lambda n: np.nanmax(n.b4, (0, 1)),
    ),
    "all axes by name": (
        lambda c: c["A"].v.min(["lat", "lon"]),
        "min($c)",
        lambda n: n.a.min(),
    ),
    "one height": (
        lambda c: c["W"].v.mean(["x", "y"]).max("time"),
        (
            "coverage series over $t ansi(domain($c.v, ansi)), $i2 height(domain($c.v, height))"
            " values avg($c.v[ansi($t), height($i2)])"
        ),
        lambda n: n.w.mean((2, 3)).max(0),
    ),
    "spread": (
        lambda c: c["T"].b8.std("time") - c["T"].b8.var("time"),
        'condense stddev over $t ansi(imageCrsDomain($c.b8, ansi)) using $c.b8[ansi:"CRS:1"($t)]',
        lambda n: n.b8.std(0) - n.b8.var(0),
    ),
    "count over time": (
        lambda c: c["T"].b4.count("time"),
        'condense count over $t ansi(imageCrsDomain($v1, ansi)) using $v1[ansi:"CRS:1"($t)]',
        lambda n: np.isfinite(n.b4).sum(0),
    ),
    "place of the greatest": (
        lambda c: c["T"].b8.argmax("time"),
        'condense maxtime over $t ansi(imageCrsDomain($c.b8, ansi)) using $c.b8[ansi:"CRS:1"($t)]',
        lambda n: n.b8.argmax(0),
    ),
    "mean of every month": (
        lambda c: c["T"].b4.mean(every="month"),
        (
            "coverage series over $t ansi(allmonths(domain($c.b4, ansi))) values"
            " avg($c.b4[ansi($t:$t)])"
        ),
        months,
    ),
    "map of every year": (
        lambda c: c["T"].b4.max("time", every="year"),
        (
            "coverage series over $t ansi(allyears(domain($c.b4, ansi))) values condense max over"
            " $s ansi(imageCrsDomain($c.b4[ansi($t:$t)], ansi))"
            ' using $c.b4[ansi($t:$t)][ansi:"CRS:1"($s)]'
        ),
        lambda n: np.stack([np.fmax.reduce(n.b4[k], 0) for k in ([0, 1, 2, 3], [4], [5], [6])]),
    ),
    "times": (
        lambda c: c["T"].b8.sel(time=("2020-02", "2021")),
        '$c.b8[ansi("2020-02":"2021")]',
        lambda n: n.b8[1:5],
    ),
    "open times": (
        lambda c: c["T"].b8.sel(time=slice("2021", None)),
        '$c.b8[ansi("2021":*)]',
        lambda n: n.b8[4:],
    ),
    "box": (
        lambda c: c["A"].v.sel(bbox=(10, 20, 15, 22.5)),
        "$c[Lon(10.0:15.0), Lat(20.0:22.5)]",
        lambda n: n.a[15:20, 20:30],
    ),
    "intervals": (
        lambda c: c["A"].v.sel(lat=(20, None), x=slice(10, 15)),
        "$c[Lat(20:*), Lon(10:15)]",
        lambda n: n.a[:20, 20:30],
    ),
    "place": (
        lambda c: c["T"].b8.at(time="2020-05-01", lat=10.2),
        '$c.b8[ansi("2020-05-01"), Lat(10.2)]',
        lambda n: n.b8[2, 39],
    ),
    "scaled": (lambda c: c["A"].v.scale(0.5), "scale($c, 0.5)", lambda n: n.a[::2, ::2]),
    "sizes": (
        lambda c: c["A"].v.scale(sizes={"x": 30, "y": 20}),
        'scale($c, {Lon:"CRS:1"(0:29), Lat:"CRS:1"(0:19)})',
        lambda n: n.a[::3, ::2],
    ),
    "averages": (
        lambda c: c["A"].v.astype("float64").scale(0.5, method="average"),
        "scale((double) $c, 0.5, {average})",
        lambda n: n.a.reshape(30, 2, 30, 2).mean((1, 3)),
    ),
    "polygon": (
        lambda c: c["A"].v.clip_to(shapely.box(10, 20, 15, 22.5), "EPSG:4326"),
        'clip($c, POLYGON((20 15, 22.5 15, 22.5 10, 20 10, 20 15)), "EPSG:4326")',
        lambda n: n.a[15:20, 20:30],
    ),
    "triangle": (
        lambda c: c["A"].v.clip_to(shapely.Polygon([(0, 30), (30, 30), (0, 0)])),
        "clip($c, POLYGON((30 0, 30 30, 0 0, 30 0)))",
        lambda n: nan_where(np.add.outer(np.arange(60), np.arange(60)) < 60, n.a),
    ),
}
"""Of each: how it is written in Python, what stands in its query, and what NumPy says."""

SAME: dict[str, Ask] = {
    "ndvi": ndvi,
    "bands": lambda c: c["T"].expression(),
    "bands in another order": lambda c: c["T"][["b8", "b4"]].sel(time="2020"),
    "four axes": lambda c: c["W"].expression(),
    "a height": lambda c: c["W"].u.at(height=10),
    "a box in UTM": lambda c: c["U"].B04.sel(bbox=(500_000, 5_197_100, 500_500, 5_198_000)),
    "a row in UTM": lambda c: c["U"].B04.at(N=5_198_000),
    "another CRS": lambda c: c["A"].v.reproject(3857),
    "a line": lambda c: c["L"].v * 2,
    "a series": lambda c: c["P"].v,
    "truths of indices": lambda c: c["G"].v > 3,
    "infinite": lambda c: c["A"].v / (c["A"].v - 5),
    "numbers": lambda c: c["T"].expression().max(),
    "a float32": lambda c: c["P"].v.max(),
    "months": lambda c: c["T"].b4.mean("time", every="month"),
}
"""Formulas that a store and its server are both asked."""
