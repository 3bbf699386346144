"""`flip` and `sort`, against NumPy."""

import numpy as np
import pytest

from datacube.errors import InvalidParameterError, RequestError, UnknownNameError
from tests.builders.asked import evaluated
from tests.builders.made import Made


def run(made: Made, query: str) -> tuple[np.ndarray, ...]:
    (found,) = evaluated(made, query)
    return found.filled()


def stored(made: Made, coverage: str, band: str) -> np.ndarray:
    """Return a band in float64, NaN where it is null."""
    nodata = made.coverage(coverage).cube.band(band).nodata
    values = made.arrays[coverage][band].astype(float)
    return np.where(values == nodata, np.nan, values)


@pytest.mark.parametrize(
    ("coverage", "axis", "at"),
    [("A", "Lat", 0), ("A", "E", 1), ("T", "ansi", 0), ("W", "height", 1), ("G", "j", 1)],
)
def test_flip(cubes: Made, coverage: str, axis: str, at: int) -> None:
    got = run(cubes, f'for $c in ({coverage}) return encode(flip $c along {axis}, "csv")')
    for values, band in zip(got, cubes.arrays[coverage], strict=True):
        np.testing.assert_array_equal(values, np.flip(stored(cubes, coverage, band), at))


def test_flip_before_a_subset(cubes: Made) -> None:
    """The axis stays: the subset names the place where a cell is after the flip."""
    (got,) = run(cubes, 'for $c in (A) return encode((flip $c along Lat)[Lat(20:30)], "csv")')
    np.testing.assert_array_equal(got, stored(cubes, "A", "v")[::-1][:20])


def means(made: Made, coverage: str, band: str) -> np.ndarray:
    """Return the mean of each place on the first axis."""
    values = stored(made, coverage, band)
    found: np.ndarray = np.nanmean(values.reshape(len(values), -1), axis=1)
    return found


@pytest.mark.parametrize(("word", "sign"), [("", 1), ("asc", 1), ("desc", -1)])
def test_sort_by_the_mean_of_each_time(cubes: Made, word: str, sign: int) -> None:
    query = f'for $c in (T) return encode(sort $c along ansi {word} by avg($c.b8), "csv")'
    order = np.argsort(sign * means(cubes, "T", "b8"), kind="stable")
    for values, band in zip(run(cubes, query), ("b4", "b8"), strict=True):
        np.testing.assert_array_equal(values, stored(cubes, "T", band)[order])


def test_the_first_field_of_a_key_ranks(cubes: Made) -> None:
    query = 'for $c in (T) return encode(sort $c.b8 along ansi desc by avg($c), "csv")'
    order = np.argsort(-means(cubes, "T", "b4"), kind="stable")
    (got,) = run(cubes, query)
    np.testing.assert_array_equal(got, stored(cubes, "T", "b8")[order])


def test_sort_rows_by_a_column(cubes: Made) -> None:
    a = stored(cubes, "A", "v")
    (got,) = run(cubes, 'for $c in (A) return encode(sort $c along Lat by $c[Lon(0)], "csv")')
    np.testing.assert_array_equal(got, a[np.argsort(a[:, 0], kind="stable")])


def test_sort_columns(cubes: Made) -> None:
    a = stored(cubes, "A", "v")
    query = 'for $c in (A) return encode(sort $c along Lon desc by max($c) - min($c), "csv")'
    (got,) = run(cubes, query)
    np.testing.assert_array_equal(got, a[:, np.argsort(-np.ptp(a, axis=0), kind="stable")])


def test_key_of_a_part_and_of_another_coverage(cubes: Made) -> None:
    """The key looks at the same times of the whole coverage, and of a `let`."""
    t = stored(cubes, "T", "b8")
    wanted = t[1:5][np.argsort(-t[1:5, 40:50, 3:5].mean(axis=(1, 2)), kind="stable")]
    query = (
        "for $c in (T) let $p := $c.b8[Lat(5:10), Lon(1.5:2.5)] return encode("
        'sort $c.b8[ansi("2020-02":"2021")] along ansi desc by avg($p), "csv")'
    )
    (got,) = run(cubes, query)
    np.testing.assert_array_equal(got, wanted)


def test_key_of_an_inner_axis(cubes: Made) -> None:
    w = stored(cubes, "W", "v")
    query = 'for $c in (W) return encode(sort $c.v along height by avg($c.v), "csv")'
    (got,) = run(cubes, query)
    order = np.argsort(w.mean(axis=(0, 2, 3)), kind="stable")
    np.testing.assert_array_equal(got, w[:, order])


def test_equal_keys_keep_their_order(cubes: Made) -> None:
    for word in ("asc", "desc"):
        query = f'for $c in (A) return encode(sort $c along Lat {word} by 1, "csv")'
        (got,) = run(cubes, query)
        np.testing.assert_array_equal(got, stored(cubes, "A", "v"))


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("flip $c along height", UnknownNameError, "this coverage has ansi, Lat, Lon"),
        ("sort $c along height by 1", UnknownNameError, "this coverage has ansi, Lat, Lon"),
        ("sort $c along ansi by $c", InvalidParameterError, "it has the axes Lat, Lon"),
    ],
)
def test_what_is_refused(cubes: Made, text: str, error: type[RequestError], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        run(cubes, f'for $c in (T) return encode({text}, "csv")')
    assert "^" in caught.value.__notes__[0]
