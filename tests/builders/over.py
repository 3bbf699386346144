"""Cubes that condensers and constructors are tried on, and both ways of binding them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import datacube.processing
from datacube.wcps.bind.scope import Context, Unrolling
from tests.builders.asked import Evaluated, evaluated
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


def make_cubes(path: Path, times: tuple[str, ...]) -> Made:
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


T = "for $c in (T) return "


A = "for $c in (A) return "


G = "for $c in (G) return "


SLICE = '$c.b4[ansi:"CRS:1"($t)]'


ALL_T = "over $t ansi(imageCrsDomain($c, ansi))"


def series(domain: str, value: str = "avg($c.b4[ansi($t:$t)])") -> str:
    return f'{T}encode(coverage s over $t ansi({domain}) values {value}, "json")'


def example(operator: str) -> str:
    return f'{T}encode(condense {operator} {ALL_T} using {SLICE}, "png")'
