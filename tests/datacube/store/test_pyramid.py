"""Levels against plain loops over NumPy scalars."""

from collections import Counter
from fractions import Fraction
from math import atan2, cos, degrees, floor, radians, sin
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datacube.cube import Aggregate
from datacube.grid import Window
from datacube.store import level_count, reduce_level


def half_even(value: Fraction) -> int:
    whole = floor(value)
    rest = value - whole
    if rest == Fraction(1, 2):
        return whole + (whole % 2)
    return whole + (rest > Fraction(1, 2))


def oracle(children: list[float], aggregate: Aggregate) -> float:
    match aggregate:
        case Aggregate.MEAN:
            return half_even(Fraction(sum(int(c) for c in children), len(children)))
        case Aggregate.MODE:
            votes = Counter(children)
            return min(c for c in votes if votes[c] == max(votes.values()))
        case Aggregate.FLAGS:
            joined = 0
            for child in children:
                joined |= int(child)
            return joined
        case Aggregate.DIRECTION:
            east = sum(sin(radians(c)) for c in children)
            north = sum(cos(radians(c)) for c in children)
            return degrees(atan2(east, north)) % 360


def reduce_by_loops(
    values: np.ndarray, valid: np.ndarray, first: tuple[int, int], aggregate: Aggregate
) -> dict[tuple[int, int], float]:
    """Return the valid cells of the next level by their absolute index."""
    children: dict[tuple[int, int], list[float]] = {}
    for (row, col), value in np.ndenumerate(values):
        if valid[row, col]:
            parent = ((row + first[0]) // 2, (col + first[1]) // 2)
            children.setdefault(parent, []).append(value)
    return {parent: oracle(found, aggregate) for parent, found in children.items()}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("aggregate", [Aggregate.MEAN, Aggregate.MODE, Aggregate.FLAGS])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8", "int32"])
def test_a_level_equals_plain_loops(aggregate: Aggregate, dtype: str, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    first = data.draw(st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
    # Few distinct values, so that classes tie and repeat, and the extremes of the type.
    info = np.iinfo(dtype)
    few = st.sampled_from([info.min, info.min + 1, 0, 1, 2, 3, 5, info.max - 1, info.max])
    values = data.draw(arrays(dtype, shape, elements=few))
    valid = data.draw(arrays(bool, shape))
    got, got_valid = reduce_level(values, valid, aggregate, 9, (first[0] % 2, first[1] % 2))
    window = Window(((first[0], first[0] + shape[0]), (first[1], first[1] + shape[1]))).coarser(1)
    assert got.shape == got_valid.shape == window.shape
    assert got.dtype == values.dtype
    expected = reduce_by_loops(values, valid, first, aggregate)
    for row, col in np.ndindex(got.shape):
        index = (row + window.rows[0], col + window.cols[0])
        assert got_valid[row, col] == (index in expected)
        assert got[row, col] == expected.get(index, 9)


@settings(max_examples=60, deadline=None)
@given(values=arrays("float32", (4, 6), elements=st.integers(0, 359)), valid=arrays(bool, (4, 6)))
def test_directions_are_averaged_as_vectors(values: np.ndarray, valid: np.ndarray) -> None:
    got, _ = reduce_level(values, valid, Aggregate.DIRECTION, -1)
    expected = reduce_by_loops(values, valid, (0, 0), Aggregate.DIRECTION)
    for parent, angle in expected.items():
        rows, cols = (slice(2 * i, 2 * i + 2) for i in parent)
        children = values[rows, cols][valid[rows, cols]]
        vector = np.exp(1j * np.deg2rad(children.astype(float))).sum()
        if abs(vector) > 1e-3:
            turned = abs(got[parent] - angle)
            assert min(turned, 360 - turned) < 0.01


def test_directions_across_north_and_those_that_cancel_out() -> None:
    values = np.array([[350, 10, 0, 180], [350, 10, 0, 180]], dtype="int16")
    got, _ = reduce_level(values, np.ones(values.shape, bool), Aggregate.DIRECTION, -1)
    assert got.tolist() == [[0, 0]]
    tenths = (values * 10).astype("int16")
    got, _ = reduce_level(
        tenths, np.ones(values.shape, bool), Aggregate.DIRECTION, -1, degrees_per_unit=0.1
    )
    assert got.tolist() == [[0, 0]]


def test_means_of_floats_weigh_only_valid_cells() -> None:
    values = np.array([[1.0, 2.0], [np.nan, 4.5]], dtype="float32")
    got, valid = reduce_level(values, np.isfinite(values), Aggregate.MEAN, np.nan)
    assert got.tolist() == [[2.5]]
    assert valid.all()
    got, valid = reduce_level(values, np.zeros((2, 2), bool), Aggregate.MEAN, np.nan)
    assert np.isnan(got).all()
    assert not valid.any()


def test_real_pixels_in_several_blocks(testdata: Path) -> None:
    with rasterio.open(testdata / "s2_l1c_virginia_13bands" / "T18SVG_B08.jp2") as source:
        values = source.read(1)[:1201, :333].astype("int16")
    valid = values > 2000
    assert 0.1 < valid.mean() < 0.9
    got, got_valid = reduce_level(values, valid, Aggregate.MEAN, -32768, (1, 1))
    padded = np.pad(np.where(valid, values, np.nan), ((1, 0), (1, 0)), constant_values=np.nan)
    four = padded.reshape(601, 2, 167, 2).transpose(0, 2, 1, 3).reshape(601, 167, 4)
    count = np.isfinite(four).sum(axis=2)
    # Sums and counts are small integers, so float64 ties are exact and rint is half to even.
    expected = np.rint(np.nansum(four, axis=2) / np.maximum(count, 1))
    assert (got_valid == (count > 0)).all()
    assert (got == np.where(count > 0, expected, -32768)).all()


@pytest.mark.parametrize(("side", "levels"), [(1, 1), (256, 1), (257, 2), (10_980, 7)])
def test_levels_end_where_the_scene_fits_one_chunk(side: int, levels: int) -> None:
    window = Window(((0, side), (0, side)))
    assert level_count(window) == levels
    assert max(window.coarser(levels - 1).shape) <= 256
