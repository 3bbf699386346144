"""What the PyPI client `wcps` can write, each with the cells that NumPy makes of the same."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wcps.model import (
    Axis,
    AxisIter,
    CastType,
    Clip,
    Condense,
    CondenseOp,
    Coverage,
    Datacube,
    Encode,
    MultiBand,
    Reproject,
    ResampleAlg,
    Scalar,
    Scale,
    Switch,
    WCPSExpr,
    rgb,
    rgba,
)

from tests.builders.made import WGS84, Frame, Made, add_cube, indices, regular

TIMES = ("2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01")
ROWS, COLUMNS = 10, 16

type Arrays = Mapping[str, NDArray[Any]]
"""By coverage and band: `map.v`."""
type Case = tuple[Callable[[], WCPSExpr], Callable[[Arrays], Any]]
"""Writes a query of the client; tells what comes out: a number, a list or an array."""


def add_cases(made: Made) -> None:
    """Add what the cases ask for.

    - `map` and `other`: (Lat, Lon), uint8 band `v`, 10 x 16 cells of half a degree, no nulls;
    - `series`: (ansi, Lat, Lon), int16 bands `red` and `nir`, four dates, the same cells;
    - `NIR`: index grid (i, j), uint8 bands `red`, `green` and `blue`.
    """
    rng = np.random.default_rng(31)
    earth = (regular("Lat", 25, 20, ROWS), regular("Lon", 0, 8, COLUMNS))
    for name in ("map", "other"):
        cells = rng.integers(1, 200, (ROWS, COLUMNS)).astype("uint8")
        add_cube(made, name, {"v": cells}, Frame(axes=earth, crs=WGS84), nodata=255)
    shape = (len(TIMES), ROWS, COLUMNS)
    bands = {band: rng.integers(1, 9000, shape).astype("int16") for band in ("red", "nir")}
    add_cube(made, "series", bands, Frame(axes=earth, crs=WGS84, times=TIMES))
    colours = {
        band: rng.integers(0, 250, (12, 9)).astype("uint8") for band in ("red", "green", "blue")
    }
    add_cube(made, "NIR", colours, Frame(axes=(indices("i", 12), indices("j", 9))), nodata=255)


def arrays_of(made: Made) -> dict[str, NDArray[Any]]:
    """Return the stored numbers of all cases."""
    return {
        f"{coverage}.{band}": cells
        for coverage, bands in made.arrays.items()
        for band, cells in bands.items()
    }


def _map() -> Datacube:
    return Datacube("map")


def _other() -> Datacube:
    return Datacube("other")


def _json(expr: WCPSExpr) -> Encode:
    return Encode(expr).to("json")


def _cells(make: Callable[[Datacube], WCPSExpr], wanted: Callable[[Any], Any]) -> Case:
    """Apply a formula to the map, whose numbers NumPy has in float64."""
    return (lambda: _json(make(_map()))), (lambda a: wanted(a["map.v"].astype(float)))


def _pairs(make: Callable[[Datacube, Datacube], WCPSExpr], wanted: Callable[..., Any]) -> Case:
    return (
        lambda: _json(make(_map(), _other())),
        lambda a: wanted(a["map.v"].astype(float), a["other.v"].astype(float)),
    )


ARITHMETIC: dict[str, Case] = {
    "add": _pairs(lambda a, b: a.add(b), np.add),
    "+": _pairs(lambda a, b: a + b, np.add),
    "number +": _cells(lambda a: 1000 + a, lambda a: a + 1000),
    "sub": _pairs(lambda a, b: a.sub(b), np.subtract),
    "-": _pairs(lambda a, b: a - b, np.subtract),
    "number -": _cells(lambda a: 100 - a, lambda a: 100 - a),
    "mul": _pairs(lambda a, b: a.mul(b), np.multiply),
    "*": _pairs(lambda a, b: a * b, np.multiply),
    "number *": _cells(lambda a: 3 * a, lambda a: 3 * a),
    "div": _pairs(lambda a, b: a.div(b), np.divide),
    "/": _pairs(lambda a, b: a / b, np.divide),
    "number /": _cells(lambda a: 5 / a, lambda a: 5 / a),
    "__div__": _cells(lambda a: a.__div__(7), lambda a: a / 7),
    "__rdiv__": _cells(lambda a: a.__rdiv__(7), lambda a: 7 / a),
    "mod": _cells(lambda a: a.mod(7), lambda a: a % 7),
    "%": _pairs(lambda a, b: a % b, np.mod),
    "number %": _cells(lambda a: 250 % a, lambda a: 250 % a),
    "abs": _cells(lambda a: (a - 100).abs(), lambda a: abs(a - 100)),
    "abs()": _cells(lambda a: abs(a - 100), lambda a: abs(a - 100)),
    "round": _cells(lambda a: (a / 7).round(), lambda a: np.round(a / 7)),
    "round()": _cells(lambda a: round(a / 7), lambda a: np.round(a / 7)),
    "floor": _cells(lambda a: (a / 7).floor(), lambda a: np.floor(a / 7)),
    "math.floor": _cells(lambda a: math.floor(a / 7), lambda a: np.floor(a / 7)),
    "ceil": _cells(lambda a: (a / 7).ceil(), lambda a: np.ceil(a / 7)),
    "math.ceil": _cells(lambda a: math.ceil(a / 7), lambda a: np.ceil(a / 7)),
    "exp": _cells(lambda a: (a / 50).exp(), lambda a: np.exp(a / 50)),
    "log": _cells(lambda a: a.log(), np.log10),
    "ln": _cells(lambda a: a.ln(), np.log),
    "sqrt": _cells(lambda a: a.sqrt(), np.sqrt),
    "pow": _cells(lambda a: a.pow(2), lambda a: a**2),
    "**": _cells(lambda a: a**0.5, lambda a: a**0.5),
    "number **": _cells(lambda a: 2 ** (a / 50), lambda a: 2 ** (a / 50)),
    "sin": _cells(lambda a: a.sin(), np.sin),
    "cos": _cells(lambda a: a.cos(), np.cos),
    "tan": _cells(lambda a: (a / 200).tan(), lambda a: np.tan(a / 200)),
    "sinh": _cells(lambda a: (a / 50).sinh(), lambda a: np.sinh(a / 50)),
    "cosh": _cells(lambda a: (a / 50).cosh(), lambda a: np.cosh(a / 50)),
    "tanh": _cells(lambda a: (a / 50).tanh(), lambda a: np.tanh(a / 50)),
    "arcsin": _cells(lambda a: (a / 200).arcsin(), lambda a: np.arcsin(a / 200)),
    "arccos": _cells(lambda a: (a / 200).arccos(), lambda a: np.arccos(a / 200)),
    "arctan": _cells(lambda a: a.arctan(), np.arctan),
    "arctan2": _cells(lambda a: a.arctan2(), np.arctan),
    "bit": _cells(lambda a: a.bit(3), lambda a: a.astype(int) >> 3 & 1 == 1),
    "overlay": _pairs(
        lambda a, b: (a * (a > 100)).overlay(b * (b < 50)),
        lambda a, b: np.where(b < 50, b, np.where(a > 100, a, 0)),
    ),
}
TRUTHS: dict[str, Case] = {
    "gt": _pairs(lambda a, b: a.gt(b), np.greater),
    ">": _pairs(lambda a, b: a > b, np.greater),
    "lt": _pairs(lambda a, b: a.lt(b), np.less),
    "<": _pairs(lambda a, b: a < b, np.less),
    "ge": _pairs(lambda a, b: a.ge(b), np.greater_equal),
    ">=": _pairs(lambda a, b: a >= b, np.greater_equal),
    "le": _pairs(lambda a, b: a.le(b), np.less_equal),
    "<=": _pairs(lambda a, b: a <= b, np.less_equal),
    "eq": _cells(lambda a: (a % 2).eq(1), lambda a: a % 2 == 1),
    "ne": _cells(lambda a: (a % 2).ne(1), lambda a: a % 2 != 1),
    "and": _pairs(lambda a, b: (a > 50).logical_and(b > 50), lambda a, b: (a > 50) & (b > 50)),
    "or": _pairs(lambda a, b: (a > 50).logical_or(b > 50), lambda a, b: (a > 50) | (b > 50)),
    "xor": _pairs(lambda a, b: (a > 50).logical_xor(b > 50), lambda a, b: (a > 50) ^ (b > 50)),
    "not": _cells(lambda a: (a > 50).logical_not(), lambda a: ~(a > 50)),
}
SCALARS: dict[str, Case] = {
    "sum": (lambda: _map().sum(), lambda a: int(a["map.v"].sum())),
    "count": ((_map() > 50).count, lambda a: int((a["map.v"] > 50).sum())),
    "avg": (lambda: _map().avg(), lambda a: a["map.v"].mean()),
    "min": (lambda: _map().min(), lambda a: int(a["map.v"].min())),
    "max": (lambda: _map().max(), lambda a: int(a["map.v"].max())),
    "all": ((_map() > 5).all, lambda a: bool((a["map.v"] > 5).all())),
    "some": ((_map() > 5).some, lambda a: bool((a["map.v"] > 5).any())),
    "several bands": (
        lambda: Datacube("NIR").sum(),
        lambda a: [int(a[f"NIR.{band}"].sum()) for band in ("red", "green", "blue")],
    ),
    "same cube twice": (
        (Datacube("map") + Datacube("map")).max,
        lambda a: int(2 * a["map.v"].astype(int).max()),
    ),
}


def _series_band(name: str) -> WCPSExpr:
    return Datacube("series").band(name)


BRACKETS: dict[str, Case] = {
    "band by attribute": (
        lambda: _json(Datacube("NIR").green),
        lambda a: a["NIR.green"],
    ),
    "band by number": (lambda: _json(Datacube("NIR").band(2)), lambda a: a["NIR.blue"]),
    "trim of indices": (
        lambda: _json(Datacube("NIR")["i":0:2, "j":0:3].red),
        lambda a: a["NIR.red"][:2, :3],
    ),
    "one tuple": (lambda: _json(_map()["Lon", 1, 3]), lambda a: a["map.v"][:, 2:6]),
    "tuples": (
        lambda: _json(_map()[("Lat", 21, 23), ("Lon", 1, 3)]),
        lambda a: a["map.v"][4:8, 2:6],
    ),
    "Axis": (lambda: _json(_map()[Axis("Lat", 21, 23)]), lambda a: a["map.v"][4:8]),
    "Axes with a CRS": (
        lambda: _json(_map().subset([Axis("Lat", 21, 23, "EPSG:4326"), Axis("Lon", 1, 3)])),
        lambda a: a["map.v"][4:8, 2:6],
    ),
    "open ends": (
        lambda: _json(_map()[("Lat", Axis.MIN, 23), ("Lon", 1, Axis.MAX)]),
        lambda a: a["map.v"][4:, 2:],
    ),
    "time in a slice": (
        lambda: _json(_series_band("nir")["ansi":"2020-03-01"]),
        lambda a: a["series.nir"][2],
    ),
    "grid CRS": (
        lambda: _json(_map()["Lat", 2, 4, "CRS:1"]),
        lambda a: a["map.v"][2:5],
    ),
    "bound from an expression": (
        lambda: _json(Datacube("NIR").red["i", 0, Scalar(1) + 2]),
        lambda a: a["NIR.red"][:3],
    ),
    "extend": (
        lambda: _json(_map().extend([("Lat", 20, 26), ("Lon", 0, 8)])),
        lambda a: np.concatenate([np.full((2, COLUMNS), 255), a["map.v"]]),
    ),
    "scale to cells": (
        lambda: _json(_map().scale(grid_axes=[("Lat", 0, 4, "CRS:1"), ("Lon", 0, 7, "CRS:1")])),
        lambda a: a["map.v"][::2, ::2],
    ),
    "Scale to cells": (
        lambda: _json(Scale(_map()).to_explicit_grid_domain([("Lat", 0, 4, "CRS:1")])),
        lambda a: a["map.v"][::2, ::2],
    ),
    "scale to another": (
        lambda: _json(_map().scale(another_coverage=_other()["Lat":20:25, "Lon":0:8])),
        lambda a: a["map.v"],
    ),
    "scale by a factor": (
        lambda: _json(_map().scale(single_factor=0.5)),
        lambda a: a["map.v"][::2, ::2],
    ),
    "scale each axis": (
        lambda: _json(_map().scale(axis_factors=[("Lat", 0.5), ("Lon", 2)])),
        lambda a: a["map.v"][::2].repeat(2, axis=1),
    ),
}
WARPS: dict[str, Case] = {
    "reproject": (lambda: _json(_map().reproject("EPSG:4326")), lambda a: a["map.v"]),
    "near": (
        lambda: _json(_map().reproject("EPSG:4326", interpolation_method=ResampleAlg.NEAR)),
        lambda a: a["map.v"],
    ),
    "bilinear": (
        lambda: _json(Reproject(_map(), "EPSG:4326", ResampleAlg.BILINEAR)),
        lambda a: a["map.v"],
    ),
    "resolutions": (
        lambda: _json(
            _map().reproject(
                "EPSG:4326", ResampleAlg.NEAR, axis_resolutions=[("Lat", 1), ("Lon", 1)]
            )
        ),
        # The centre of a cell twice as large is a corner; GDAL takes the cell south-east of it.
        lambda a: a["map.v"][1::2, 1::2],
    ),
    "extent": (
        lambda: _json(_map().reproject("EPSG:4326", axis_subsets=[("Lat", 21, 23), ("Lon", 1, 3)])),
        lambda a: a["map.v"][4:8, 2:6],
    ),
    "extent of another": (
        lambda: _json(_map().reproject("EPSG:4326", domain_of_coverage=_other()["Lat":21:23])),
        lambda a: a["map.v"][4:8],
    ),
}


CASTS: dict[str, Case] = {
    "to": _cells(lambda a: (a / 7).cast(CastType.CHAR).to(CastType.INT), lambda a: np.trunc(a / 7)),
    "boolean": _cells(lambda a: (a % 2).cast(CastType.BOOLEAN), lambda a: a % 2 == 1),
    "char": _cells(lambda a: a.cast(CastType.CHAR), lambda a: a),
    **{
        kind.value: _cells(
            lambda a, kind=kind: (a * 2).cast(kind),  # type: ignore[misc]  # a default binds the loop's variable
            lambda a: a * 2,
        )
        for kind in (
            CastType.SHORT,
            CastType.UNSIGNED_SHORT,
            CastType.INT,
            CastType.UNSIGNED_INT,
            CastType.LONG,
            CastType.UNSIGNED_LONG,
            CastType.FLOAT,
            CastType.DOUBLE,
        )
    },
    "unsigned char": _cells(
        lambda a: (a * 2).cast("unsigned char"), lambda a: np.minimum(a * 2, 255)
    ),
}
COMPLEX = (CastType.COMPLEX, CastType.COMPLEX2, CastType.CINT16, CastType.CINT32)
"""Casts whose results are counted, as JSON has no complex numbers."""


def _over_time() -> tuple[AxisIter, WCPSExpr]:
    series = Datacube("series")
    date = AxisIter("$pt", "ansi").of_grid_axis(series)
    return date, series[("ansi", date.ref())].red


def _condensed(op: CondenseOp, *, truth: bool = False) -> WCPSExpr:
    date, cells = _over_time()
    return _json(Condense(op).over(date).using(cells > 4000 if truth else cells))


CONDENSED: dict[str, Case] = {
    "+": (lambda: _condensed(CondenseOp.PLUS), lambda a: a["series.red"].astype(int).sum(0)),
    "*": (
        lambda: _condensed(CondenseOp.MULTIPLY),
        lambda a: a["series.red"].astype(float).prod(0),
    ),
    "min": (lambda: _condensed(CondenseOp.MIN), lambda a: a["series.red"].min(0)),
    "max": (lambda: _condensed(CondenseOp.MAX), lambda a: a["series.red"].max(0)),
    "and": (
        lambda: _condensed(CondenseOp.AND, truth=True),
        lambda a: (a["series.red"] > 4000).all(0),
    ),
    "or": (
        lambda: _condensed(CondenseOp.OR, truth=True),
        lambda a: (a["series.red"] > 4000).any(0),
    ),
    "overlay": (lambda: _condensed(CondenseOp.OVERLAY), lambda a: a["series.red"][-1]),
}


def _where_dates() -> WCPSExpr:
    series = Datacube("series")
    date = AxisIter("pt", "ansi").of_geo_axis(series["ansi":"2020-02-01":"2020-04-01"])
    at = series["ansi" : date.ref()]
    return _json(Condense(CondenseOp.MAX).over([date]).where(at.red.avg() > 4400).using(at.nir))


def _wanted_where(a: Arrays) -> NDArray[Any]:
    kept = [t for t in (1, 2, 3) if a["series.red"][t].mean() > 4400]
    assert 0 < len(kept) < 3
    return np.asarray(a["series.nir"][kept].max(0))


def _copied() -> WCPSExpr:
    source = _map()
    lat = AxisIter("$pLat", "Lat").of_geo_axis(source["Lat", 21, 23])
    lon = AxisIter("$pLon", "Lon").of_geo_axis(source["Lon", 1, 3])
    cells = source[("Lat", lat.ref()), ("Lon", lon.ref())]
    return _json(Coverage("copy").over([lat, lon]).values(cells))


def _histogram() -> WCPSExpr:
    bucket = AxisIter("$b", "bucket").interval(0, 9)
    return _json(Coverage("histogram").over(bucket).values((_map() % 10).eq(bucket.ref()).count()))


def _kernel() -> WCPSExpr:
    x = AxisIter("$x", "x").interval(-1, 1)
    weights = Coverage("weights").over(x).value_list([1, 2, 5])
    return (weights * _map().max()).sum()


CONSTRUCTED: dict[str, Case] = {
    "condense where": (_where_dates, _wanted_where),
    "copy": (_copied, lambda a: a["map.v"][4:8, 2:6]),
    "histogram": (_histogram, lambda a: np.bincount(a["map.v"].ravel() % 10, minlength=10)),
    "value list": (_kernel, lambda a: 8 * int(a["map.v"].max())),
}


def _classes() -> WCPSExpr:
    a = _map()
    return _json(Switch().case(a > 150).then(2).case(a > 50).then(a - 50).default(0))


def _nested() -> WCPSExpr:
    a, b = _map(), _other()
    inner = Switch().case(b > 100).then(b).default(1)
    return _json(Switch().case(a > 100).then(inner).default(a))


def _clipped(geometry: str) -> WCPSExpr:
    return (Clip(_map(), geometry) > 0).count()


CHOSEN: dict[str, Case] = {
    "switch": (
        _classes,
        lambda a: np.select([a["map.v"] > 150, a["map.v"] > 50], [2, a["map.v"] - 50.0], 0),
    ),
    "nested switch": (
        _nested,
        lambda a: np.select(
            [(a["map.v"] > 100) & (a["other.v"] > 100), a["map.v"] > 100],
            [a["other.v"].astype(int), 1],
            a["map.v"].astype(int),
        ),
    ),
    "clip": (lambda: _clipped("POLYGON((21 1, 23 1, 23 3, 21 3, 21 1))"), lambda _: 16),
    "clip several": (
        lambda: _clipped(
            "Multipolygon(((21 1, 22 1, 22 2, 21 2, 21 1)), ((23 5, 24 5, 24 6, 23 6, 23 5)))"
        ),
        lambda _: 8,
    ),
}
CASES: dict[str, Case] = {
    f"{kind}: {name}": case
    for kind, group in {
        "arithmetic": ARITHMETIC,
        "truth": TRUTHS,
        "scalar": SCALARS,
        "bracket": BRACKETS,
        "warp": WARPS,
        "cast": CASTS,
        "condense": CONDENSED,
        "construct": CONSTRUCTED,
        "choose": CHOSEN,
    }.items()
    for name, case in group.items()
}

PICTURES: dict[str, Case] = {
    "rgb": (
        lambda: rgb(_map(), _other(), 0).encode("PNG"),
        lambda a: np.dstack([a["map.v"], a["other.v"], np.zeros_like(a["map.v"])]),
    ),
    "rgba": (
        lambda: rgba(_map(), _other(), 0, 255).encode("PNG"),
        lambda a: np.dstack(
            [a["map.v"], a["other.v"], np.zeros_like(a["map.v"]), np.full_like(a["map.v"], 255)]
        ),
    ),
    "netCDF": (
        lambda: MultiBand({"one": _map(), "two": _other()}).encode("application/netcdf"),
        lambda a: np.dstack([a["map.v"], a["other.v"]]),
    ),
    "parameters": (
        lambda: Encode(_map(), "TIFF").params('{"nodata": 77, "metadata": "made"}'),
        lambda a: a["map.v"],
    ),
}
"""Results that the client converts to NumPy arrays itself."""
