"""The example queries on whole coverages, cell by cell and of metadata, against NumPy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders.asked import evaluated, texts
from tests.builders.made import Made

type Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored in A, B and T; `b4` is NaN where it is nodata."""

    a: Array
    b: Array
    b4: Array
    b8: Array


def stored(cubes: Made) -> Stored:
    t = cubes.arrays["T"]
    b4 = np.where(t["b4"] == 65535, np.nan, t["b4"].astype(np.float64))
    return Stored(a=cubes.arrays["A"]["v"], b=cubes.arrays["B"]["v"], b4=b4, b8=t["b8"])


def f32(function: Callable[[Array], Array], values: Array) -> float:
    """Mean of a function whose results are float32, nulls left out."""
    with np.errstate(all="ignore"):
        return float(np.nanmean(function(values.astype(np.float32)).astype(np.float64)))


def wide(values: Array) -> Array:
    made: Array = values.astype(np.float64)
    return made


def ndvi(nir: Array, red: Array) -> Array:
    made: Array = (nir - red) / (nir + red)
    return made


type Expected = Callable[[Stored], object]

UFUNCS: Mapping[str, np.ufunc] = {
    "exp": np.exp,
    "log": np.log10,
    "ln": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "atan2": np.arctan,
}


def one_by_one(name: str) -> tuple[Expected, str]:
    """Return the mean of a function of A."""
    return lambda s: f32(UFUNCS[name], s.a), "float64"


SCALARS: Mapping[str, tuple[Expected, str]] = {
    "for $c in (A) return avg($c)": (lambda s: s.a.mean(), "float64"),
    "FOR c IN A RETURN MAX(c)": (lambda s: s.a.max(), "int16"),
    "for $a in (A), $b in (B) return avg($a - $b)": (
        lambda s: (wide(s.a) - s.b).mean(),
        "float64",
    ),
    "for $c in (A) let $m := avg($c), $n := $m * 2 return $n": (
        lambda s: s.a.mean() * 2,
        "float64",
    ),
    "for $c in (A) return 1 + 2 * 3": (lambda _: 7, "uint32"),
    "for $c in (A) -- choose\nreturn /* mean */ avg($c)": (lambda s: s.a.mean(), "float64"),
    "for $c in (A) return avg($c * 2 - 1 / 4 + 3)": (
        lambda s: (wide(s.a) * 2 - 0.25 + 3).mean(),
        "float64",
    ),
    "for $c in (A) return avg(-$c)": (lambda s: -s.a.mean(), "float64"),
    "for $c in (A) return avg(abs($c))": (lambda s: np.abs(s.a).mean(), "float64"),
    "for $c in (A) return avg(sqrt($c))": (lambda s: f32(np.sqrt, s.a), "float64"),
    "for $c in (A) return avg(re($c))": (lambda s: s.a.mean(), "float64"),
    "for $c in (A) return avg(im($c))": (lambda _: 0.0, "float64"),
    "for $c in (A) return round(avg($c))": (lambda s: np.rint(s.a.mean()), "float64"),
    "for $c in (A) return floor(avg($c))": (lambda s: np.floor(s.a.mean()), "float64"),
    "for $c in (A) return ceil(avg($c))": (lambda s: np.ceil(s.a.mean()), "float64"),
    **{f"for $c in (A) return avg({name}($c))": one_by_one(name) for name in UFUNCS},
    "for $c in (A), $d in (B) return avg(atan2($c, $d))": (
        lambda s: wide(np.arctan2(s.a, s.b, dtype=np.float32)).mean(),
        "float64",
    ),
    "for $c in (A) return avg(pow($c, 2))": (lambda s: (wide(s.a) ** 2).mean(), "float64"),
    "for $c in (A) return avg(mod($c, 7))": (lambda s: (s.a % 7).mean(), "float64"),
    "for $c in (A) return avg(round($c))": (lambda s: s.a.mean(), "float64"),
    "for $a in (A), $b in (B) return avg(min($a, $b))": (
        lambda s: np.minimum(s.a, s.b).mean(),
        "float64",
    ),
    "for $a in (A), $b in (B) return avg(max($a, $b))": (
        lambda s: np.maximum(s.a, s.b).mean(),
        "float64",
    ),
    "for $c in (A) return count($c >= 1 and $c != 3)": (
        lambda s: ((s.a >= 1) & (s.a != 3)).sum(),
        "uint64",
    ),
    "for $c in (A) return count($c < 1 or $c > 9 xor $c = 5)": (
        lambda s: (((s.a < 1) | (s.a > 9)) ^ (s.a == 5)).sum(),
        "uint64",
    ),
    "for $c in (A) return count(not($c = 0))": (lambda s: (s.a != 0).sum(), "uint64"),
    "for $c in (A) return count(not $c = 0)": (lambda s: (s.a != 0).sum(), "uint64"),
    "for $c in (A) return count(bit($c, 3))": (lambda s: (s.a >> 3 & 1).sum(), "uint64"),
    "for $a in (A), $b in (B) return avg($a overlay $b)": (lambda s: s.b.mean(), "float64"),
    "for $c in (A) return count($c is null)": (lambda _: 0, "uint64"),
    "for $c in (A) return count($c is not null)": (lambda s: s.a.size, "uint64"),
    "for $c in (A) return count($c = nan)": (lambda _: 0, "uint64"),
    "for $c in (A) return avg($c + (1.0, 2.0))": (lambda s: s.a.mean() + 1 + 2j, "complex128"),
    "for $c in (A) return re(avg((cint16) $c))": (lambda s: s.a.mean(), "float64"),
    "for $c in (T) return avg($c.b4)": (lambda s: np.nanmean(s.b4), "float64"),
    "for $c in (T) return avg($c.0)": (lambda s: np.nanmean(s.b4), "float64"),
    "for $c in (T) return avg(((float)$c.b8 - $c.b4) / ((float)$c.b8 + $c.b4))": (
        lambda s: np.nanmean(wide(ndvi(s.b8.astype(np.float32), s.b4.astype(np.float32)))),
        "float64",
    ),
    "for $c in (A) return avg($c NULL VALUES [0])": (lambda s: s.a.mean(), "float64"),
    "for $c in (A) return avg($c NULL MASK DISCARD)": (lambda s: s.a.mean(), "float64"),
    "for $c in (A) return imageCrsDomain($c, Lat).lo": (lambda _: 0, "int64"),
    "for $c in (A) return domain($c, Lat).hi": (lambda _: 30.0, "float64"),
    "for $c in (A) return domain($c, Lat).resolution": (lambda _: -0.5, "float64"),
    "for $a in (A) return count((not $a))": (lambda _: 0, "uint64"),
}
"""One number of a type."""


ARRAYS: Mapping[str, tuple[Callable[[Stored], tuple[Array, ...]], tuple[str, ...]]] = {
    'for $c in (A) return encode($c, "image/png")': (lambda s: (s.a,), ("int16",)),
    'for $c in (A) return encode($c, "png", "{\\"nodata\\": [0]}")': (
        lambda s: (s.a,),
        ("int16",),
    ),
    'for $c in (A) return encode($c, "png", "{\\"colorMap\\": {\\"type\\": \\"intervals\\", '
    '\\"colorTable\\": {\\"0\\": [0,0,255,255], \\"20\\": [255,0,0,255]}}}")': (
        lambda s: (s.a,),
        ("int16",),
    ),
    'for $c in (A) return encode($c, "tiff", "{\\"transpose\\": [0,1]}")': (
        lambda s: (s.a,),
        ("int16",),
    ),
    'for $c in (A) return encode((unsigned char)($c / 10), "png")': (
        lambda s: (np.clip(np.trunc(wide(s.a) / 10), 0, 255),),
        ("uint8",),
    ),
    'for $c in (T) return encode({red: $c.b4; green: 0; blue: (unsigned char)$c.b8}, "png")': (
        lambda s: (s.b4, np.zeros_like(s.b4), np.clip(s.b8, 0, 255)),
        ("uint16", "uint8", "uint8"),
    ),
    'for $c in (T) return encode({red: $c.b4; green: 0} * 0.5, "tiff")': (
        lambda s: (s.b4 * 0.5, np.zeros_like(s.b4)),
        ("float64", "float64"),
    ),
    "for $c in (A) return encode(switch case $c < 0 return 0 case $c < 9 return 1 "
    'default return 2, "png")': (
        lambda s: (np.where(s.a < 0, 0, np.where(s.a < 9, 1, 2)),),
        ("uint8",),
    ),
    "for $c in (A) return encode((unsigned char) switch case $c < 0 return {r: 0; g: 0; b: 255} "
    'default return {r: 255; g: 0; b: 0}, "png")': (
        lambda s: (np.where(s.a < 0, 0, 255), np.zeros_like(s.a), np.where(s.a < 0, 255, 0)),
        ("uint8", "uint8", "uint8"),
    ),
    'for $c in (A) return encode($c + 5uc, "png")': (lambda s: (wide(s.a) + 5,), ("int32",)),
    "for $a in (A), $a in (A) return ($a + $a)": (lambda s: (wide(s.a) * 2,), ("int32",)),
    'for $cov in (A)\nreturn\n  encode(($cov * 2), "CSV")': (
        lambda s: (wide(s.a) * 2,),
        ("int32",),
    ),
    'for $a in (T) return encode({red: $a.b4; green: 0; blue: 0} / 17.0, "PNG")': (
        lambda s: (s.b4 / 17, np.zeros_like(s.b4), np.zeros_like(s.b4)),
        ("float64", "float64", "float64"),
    ),
}
"""Bands with their types; NaN where they are null."""

EPSG4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
TEXTS: Mapping[str, str] = {
    'for $c in (A) return "done"': "done",
    "for $c in (A) return identifier($c)": "A",
    "for $c in (A) return crsSet($c)": f"Lat: {{{EPSG4326}, CRS:1}}, Lon: {{{EPSG4326}, CRS:1}}",
    "for $c in (A) return imageCrs($c)": "CRS:1",
    "for $c in (A) return imageCrsDomain($c)": "Lat(0:59),Lon(0:59)",
    "for $c in (A) return imageCrsDomain($c, Lat)": "(0:59)",
    "for $c in (A) return domain($c)": "Lat(0:30),Lon(0:30)",
    "for $c in (A) return domain($c, Lat)": "(0:30)",
    'for $c in (A) return domain($c, Lat, "EPSG:4326")': "(0:30)",
}


@pytest.mark.parametrize("query", SCALARS)
def test_numbers(query: str, cubes: Made) -> None:
    expected, dtype = SCALARS[query]
    (found,) = evaluated(cubes, query)
    assert found.dtypes == (dtype,)
    assert found.valid[0].item() is True
    assert found.values[0].item() == pytest.approx(expected(stored(cubes)), rel=1e-12, nan_ok=True)
    assert found.values[0].shape == ()


@pytest.mark.parametrize("query", ARRAYS)
def test_arrays(query: str, cubes: Made) -> None:
    expected, dtypes = ARRAYS[query]
    (found,) = evaluated(cubes, query)
    assert found.dtypes == dtypes
    for one, other in zip(found.filled(), expected(stored(cubes)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)


@pytest.mark.parametrize("query", TEXTS)
def test_texts(query: str, cubes: Made) -> None:
    assert texts(cubes, query) == [TEXTS[query]]
