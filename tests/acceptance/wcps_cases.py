"""What the PyPI client `wcps` can write, each with the cells that NumPy makes of the same."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from wcps.model import (
    Axis,
    CastType,
    Clip,
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

from tests.acceptance.wcps_data import COLUMNS, Case, as_json, map_cube, other_cube
from tests.acceptance.wcps_iterator_cases import CONDENSED, CONSTRUCTED


def _cells(make: Callable[[Datacube], WCPSExpr], wanted: Callable[[Any], Any]) -> Case:
    """Apply a formula to the map, whose numbers NumPy has in float64."""
    return (lambda: as_json(make(map_cube()))), (lambda a: wanted(a["map.v"].astype(float)))


def _pairs(make: Callable[[Datacube, Datacube], WCPSExpr], wanted: Callable[..., Any]) -> Case:
    return (
        lambda: as_json(make(map_cube(), other_cube())),
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
    "sum": (lambda: map_cube().sum(), lambda a: int(a["map.v"].sum())),
    "count": ((map_cube() > 50).count, lambda a: int((a["map.v"] > 50).sum())),
    "avg": (lambda: map_cube().avg(), lambda a: a["map.v"].mean()),
    "min": (lambda: map_cube().min(), lambda a: int(a["map.v"].min())),
    "max": (lambda: map_cube().max(), lambda a: int(a["map.v"].max())),
    "all": ((map_cube() > 5).all, lambda a: bool((a["map.v"] > 5).all())),
    "some": ((map_cube() > 5).some, lambda a: bool((a["map.v"] > 5).any())),
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
        lambda: as_json(Datacube("NIR").green),
        lambda a: a["NIR.green"],
    ),
    "band by number": (lambda: as_json(Datacube("NIR").band(2)), lambda a: a["NIR.blue"]),
    "trim of indices": (
        lambda: as_json(Datacube("NIR")["i":0:2, "j":0:3].red),
        lambda a: a["NIR.red"][:2, :3],
    ),
    "one tuple": (lambda: as_json(map_cube()["Lon", 1, 3]), lambda a: a["map.v"][:, 2:6]),
    "tuples": (
        lambda: as_json(map_cube()[("Lat", 21, 23), ("Lon", 1, 3)]),
        lambda a: a["map.v"][4:8, 2:6],
    ),
    "Axis": (lambda: as_json(map_cube()[Axis("Lat", 21, 23)]), lambda a: a["map.v"][4:8]),
    "Axes with a CRS": (
        lambda: as_json(map_cube().subset([Axis("Lat", 21, 23, "EPSG:4326"), Axis("Lon", 1, 3)])),
        lambda a: a["map.v"][4:8, 2:6],
    ),
    "open ends": (
        lambda: as_json(map_cube()[("Lat", Axis.MIN, 23), ("Lon", 1, Axis.MAX)]),
        lambda a: a["map.v"][4:, 2:],
    ),
    "time in a slice": (
        lambda: as_json(_series_band("nir")["ansi":"2020-03-01"]),
        lambda a: a["series.nir"][2],
    ),
    "grid CRS": (
        lambda: as_json(map_cube()["Lat", 2, 4, "CRS:1"]),
        lambda a: a["map.v"][2:5],
    ),
    "bound from an expression": (
        lambda: as_json(Datacube("NIR").red["i", 0, Scalar(1) + 2]),
        lambda a: a["NIR.red"][:3],
    ),
    "extend": (
        lambda: as_json(map_cube().extend([("Lat", 20, 26), ("Lon", 0, 8)])),
        lambda a: np.concatenate([np.full((2, COLUMNS), 255), a["map.v"]]),
    ),
    "scale to cells": (
        lambda: as_json(
            map_cube().scale(grid_axes=[("Lat", 0, 4, "CRS:1"), ("Lon", 0, 7, "CRS:1")])
        ),
        lambda a: a["map.v"][::2, ::2],
    ),
    "Scale to cells": (
        lambda: as_json(Scale(map_cube()).to_explicit_grid_domain([("Lat", 0, 4, "CRS:1")])),
        lambda a: a["map.v"][::2, ::2],
    ),
    "scale to another": (
        lambda: as_json(map_cube().scale(another_coverage=other_cube()["Lat":20:25, "Lon":0:8])),
        lambda a: a["map.v"],
    ),
    "scale by a factor": (
        lambda: as_json(map_cube().scale(single_factor=0.5)),
        lambda a: a["map.v"][::2, ::2],
    ),
    "scale each axis": (
        lambda: as_json(map_cube().scale(axis_factors=[("Lat", 0.5), ("Lon", 2)])),
        lambda a: a["map.v"][::2].repeat(2, axis=1),
    ),
}
WARPS: dict[str, Case] = {
    "reproject": (lambda: as_json(map_cube().reproject("EPSG:4326")), lambda a: a["map.v"]),
    "near": (
        lambda: as_json(map_cube().reproject("EPSG:4326", interpolation_method=ResampleAlg.NEAR)),
        lambda a: a["map.v"],
    ),
    "bilinear": (
        lambda: as_json(Reproject(map_cube(), "EPSG:4326", ResampleAlg.BILINEAR)),
        lambda a: a["map.v"],
    ),
    "resolutions": (
        lambda: as_json(
            map_cube().reproject(
                "EPSG:4326", ResampleAlg.NEAR, axis_resolutions=[("Lat", 1), ("Lon", 1)]
            )
        ),
        # The centre of a cell twice as large is a corner; GDAL takes the cell south-east of it.
        lambda a: a["map.v"][1::2, 1::2],
    ),
    "extent": (
        lambda: as_json(
            map_cube().reproject("EPSG:4326", axis_subsets=[("Lat", 21, 23), ("Lon", 1, 3)])
        ),
        lambda a: a["map.v"][4:8, 2:6],
    ),
    "extent of another": (
        lambda: as_json(
            map_cube().reproject("EPSG:4326", domain_of_coverage=other_cube()["Lat":21:23])
        ),
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


def _classes() -> WCPSExpr:
    a = map_cube()
    return as_json(Switch().case(a > 150).then(2).case(a > 50).then(a - 50).default(0))


def _nested() -> WCPSExpr:
    a, b = map_cube(), other_cube()
    inner = Switch().case(b > 100).then(b).default(1)
    return as_json(Switch().case(a > 100).then(inner).default(a))


def _clipped(geometry: str) -> WCPSExpr:
    return (Clip(map_cube(), geometry) > 0).count()


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
        lambda: rgb(map_cube(), other_cube(), 0).encode("PNG"),
        lambda a: np.dstack([a["map.v"], a["other.v"], np.zeros_like(a["map.v"])]),
    ),
    "rgba": (
        lambda: rgba(map_cube(), other_cube(), 0, 255).encode("PNG"),
        lambda a: np.dstack(
            [a["map.v"], a["other.v"], np.zeros_like(a["map.v"]), np.full_like(a["map.v"], 255)]
        ),
    ),
    "netCDF": (
        lambda: MultiBand({"one": map_cube(), "two": other_cube()}).encode("application/netcdf"),
        lambda a: np.dstack([a["map.v"], a["other.v"]]),
    ),
    "parameters": (
        lambda: Encode(map_cube(), "TIFF").params('{"nodata": 77, "metadata": "made"}'),
        lambda a: a["map.v"],
    ),
}
"""Results that the client converts to NumPy arrays itself."""
