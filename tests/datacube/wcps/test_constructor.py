"""The constructor of WCPS 1.1 against NumPy, bound once and bound place by place."""

import numpy as np
import pytest

from tests.builders.asked import texts
from tests.builders.made import Made
from tests.builders.over import (
    Expected,
    G,
    both_ways,
    stored,
)

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


@pytest.mark.parametrize("domain", CONSTRUCTOR)
def test_constructor_of_1_1_equals_numpy(made: Made, domain: str) -> None:
    expected, dtypes = CONSTRUCTOR[domain]
    found = both_ways(made, f'{G}encode(coverage n domain {domain}, "json")')
    assert found.dtypes == dtypes
    for values, wanted in zip(found.filled(), expected(stored(made)), strict=True):
        np.testing.assert_allclose(values, np.asarray(wanted, dtype=float), rtol=1e-7)


def test_identifier_is_the_constructed_name(made: Made) -> None:
    query = f"{G}identifier(coverage made over $x x(0:1) values $x)"
    assert texts(made, query) == ["made"]
