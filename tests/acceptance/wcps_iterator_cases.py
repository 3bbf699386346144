"""What the PyPI client `wcps` writes with iterators: condensers and coverages."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from wcps.model import (
    AxisIter,
    Condense,
    CondenseOp,
    Coverage,
    Datacube,
    WCPSExpr,
)

from tests.acceptance.wcps_data import (
    Arrays,
    Case,
    as_json,
    map_cube,
)


def _over_time() -> tuple[AxisIter, WCPSExpr]:
    series = Datacube("series")
    date = AxisIter("$pt", "ansi").of_grid_axis(series)
    return date, series[("ansi", date.ref())].red


def _condensed(op: CondenseOp, *, truth: bool = False) -> WCPSExpr:
    date, cells = _over_time()
    return as_json(Condense(op).over(date).using(cells > 4000 if truth else cells))


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
    return as_json(Condense(CondenseOp.MAX).over([date]).where(at.red.avg() > 4400).using(at.nir))


def _wanted_where(a: Arrays) -> NDArray[Any]:
    kept = [t for t in (1, 2, 3) if a["series.red"][t].mean() > 4400]
    assert 0 < len(kept) < 3
    return np.asarray(a["series.nir"][kept].max(0))


def _copied() -> WCPSExpr:
    source = map_cube()
    lat = AxisIter("$pLat", "Lat").of_geo_axis(source["Lat", 21, 23])
    lon = AxisIter("$pLon", "Lon").of_geo_axis(source["Lon", 1, 3])
    cells = source[("Lat", lat.ref()), ("Lon", lon.ref())]
    return as_json(Coverage("copy").over([lat, lon]).values(cells))


def _histogram() -> WCPSExpr:
    bucket = AxisIter("$b", "bucket").interval(0, 9)
    return as_json(
        Coverage("histogram").over(bucket).values((map_cube() % 10).eq(bucket.ref()).count())
    )


def _kernel() -> WCPSExpr:
    x = AxisIter("$x", "x").interval(-1, 1)
    weights = Coverage("weights").over(x).value_list([1, 2, 5])
    return (weights * map_cube().max()).sum()


CONSTRUCTED: dict[str, Case] = {
    "condense where": (_where_dates, _wanted_where),
    "copy": (_copied, lambda a: a["map.v"][4:8, 2:6]),
    "histogram": (_histogram, lambda a: np.bincount(a["map.v"].ravel() % 10, minlength=10)),
    "value list": (_kernel, lambda a: 8 * int(a["map.v"].max())),
}
