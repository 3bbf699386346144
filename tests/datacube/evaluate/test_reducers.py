"""Reducers, in blocks of any cut, against NumPy and Python's exact numbers."""

from itertools import product
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.errors import LimitExceededError, UnknownNameError
from datacube.evaluate import order_statistics, partial
from datacube.evaluate.fuse import tree_leaves
from datacube.evaluate.reducers import (
    Partial,
    Placement,
    Reduction,
    reduce_cells,
    reduce_formula,
    reduced_formula,
    start,
)
from datacube.plan import reducers as plan_reducers
from datacube.plan.functions import apply
from datacube.plan.reducers import REDUCERS, has_histogram, reduce_fields, state_bytes
from tests.builders.formulas import leaf, leaves_of, number

SHAPE = (5, 6, 7)
DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64")
type Array = NDArray[Any]


def sample(dtype: str, seed: int = 3) -> tuple[Array, Array]:
    """Return cells with ties, zeros and, in the last column, nothing but nulls."""
    rng = np.random.default_rng(seed)
    low = 0 if np.dtype(dtype).kind in "bu" else -4
    values = rng.integers(low, 2 if dtype == "bool" else 5, SHAPE).astype(dtype)
    if np.dtype(dtype).kind == "f":
        values += rng.random(SHAPE).astype(dtype)
    valid = rng.random(SHAPE) > 0.3
    valid[..., -1] = False
    return values, valid


def expected(operator: str, cells: Array, p: float) -> float | None:
    """Reduce the valid cells of one result, in order, by hand."""
    exact = cells.astype(np.float64)
    if operator == "count":
        return float((cells != 0).sum())
    if not cells.size:
        return None
    last = [float(c) for c in exact if c != 0]
    by_hand = {
        "add": exact.sum(),
        "avg": exact.mean(),
        "product": exact.prod(),
        "min": exact.min(),
        "max": exact.max(),
        "all": float((cells != 0).all()),
        "some": float((cells != 0).any()),
        "xor": float(np.count_nonzero(cells) % 2),
        "variance": exact.var(),
        "stddev": exact.std(),
        "median": np.median(exact),
        "quantile": np.quantile(exact, p),
        "first": exact[0],
        "last": exact[-1],
        "overlay": last[-1] if last else 0.0,
    }
    return float(by_hand[operator])


def by_hand(
    operator: str, values: Array, valid: Array, axes: tuple[int, ...], p: float
) -> tuple[Array, Array]:
    kept = [at for at in range(values.ndim) if at not in axes]
    made = np.zeros([values.shape[at] for at in kept])
    known = np.zeros(made.shape, bool)
    for place in np.ndindex(*made.shape):
        index: list[slice | int] = [slice(None)] * values.ndim
        for at, i in zip(kept, place, strict=True):
            index[at] = i
        cells, good = values[tuple(index)].ravel(), valid[tuple(index)].ravel()
        if operator in ("maxtime", "mintime"):
            ranked = sorted(np.flatnonzero(good), key=lambda i: (cells[i], i))
            most = [i for i in ranked if cells[i] == cells[ranked[-1]]]
            ends = most if operator == "maxtime" else ranked
            found = float(ends[0]) if ends else None
        else:
            found = expected(operator, cells[good], p)
        made[place], known[place] = (0, False) if found is None else (found, True)
    return made, known


def cut(size: int, step: int) -> list[slice]:
    return [slice(i, min(size, i + step)) for i in range(0, size, step)]


def in_blocks(
    reduction: Reduction,
    values: Array,
    valid: Array,
    axes: tuple[int, ...],
    steps: tuple[int, ...],
    states: int,
) -> Partial:
    """Deal blocks of the given size to several states, last block first, and merge them."""
    made = [start(reduction) for _ in range(states)]
    blocks = list(product(*(cut(n, s) for n, s in zip(values.shape, steps, strict=True))))
    for i, block in enumerate(reversed(blocks)):
        made[i % states].update(
            values[block],
            valid[block],
            axes,
            region=tuple(b for at, b in enumerate(block) if at not in axes),
            origin=tuple(block[at].start for at in axes),
        )
    for other in made[1:]:
        made[0].merge(other)
    return made[0]


@pytest.mark.parametrize("axes", [(0,), (2,), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("operator", [*REDUCERS])
@pytest.mark.parametrize("dtype", DTYPES)
def test_against_numpy_in_blocks_of_any_cut(
    operator: str, dtype: str, axes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "STRIP_CELLS", 11)
    values, valid = sample(dtype)
    reduction = Reduction(
        operator=operator,
        dtype=dtype,
        shape=tuple(n for at, n in enumerate(SHAPE) if at not in axes),
        extent=tuple(SHAPE[at] for at in axes),
        parameters=(0.3,) if operator == "quantile" else (),
    )
    (field,) = reduce_fields(operator, leaf([0], dtype).fields, reduction.parameters)
    wanted, known = by_hand(operator, values, valid, axes, 0.3)
    for steps, states in ((SHAPE, 1), ((2, 6, 7), 2), ((5, 2, 3), 3), ((1, 1, 7), 1)):
        made, good = in_blocks(reduction, values, valid, axes, steps, states).finish()
        assert made.dtype.name == field.dtype
        np.testing.assert_array_equal(good, known)
        np.testing.assert_allclose(
            made[good].astype(float), wanted[known], rtol=1e-6 if dtype == "float32" else 1e-12
        )


@pytest.mark.parametrize("operator", [*REDUCERS])
def test_median_states_agree_with_histograms_and_without(
    operator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not REDUCERS[operator].collects:
        assert state_bytes(operator, "int16", 10, 10**12) == 400
        return
    values, valid = sample("int16")
    reduction = Reduction(
        operator=operator,
        dtype="int16",
        shape=SHAPE[1:],
        extent=SHAPE[:1],
        parameters=(0.9,) if operator == "quantile" else (),
    )
    made, good = reduce_cells(reduction, values, valid, (0,))
    assert has_histogram("int16", SHAPE[1:])
    monkeypatch.setattr(plan_reducers, "HISTOGRAM_BYTES", 0)
    assert not has_histogram("int16", SHAPE[1:])
    again, also = reduce_cells(reduction, values, valid, (0,))
    np.testing.assert_array_equal(good, also)
    np.testing.assert_array_equal(made[good], again[good])


def scalar(operator: str, values: object, dtype: str, **more: Any) -> object:  # noqa: ANN401  # of Reduction
    array = np.asarray(values, dtype)
    valid = more.pop("valid", None)
    reduction = Reduction(operator=operator, dtype=dtype, shape=(), extent=array.shape, **more)
    made, known = reduce_cells(
        reduction, array, None if valid is None else np.asarray(valid), tuple(range(array.ndim))
    )
    assert made.shape == known.shape == ()
    return made.item() if known else None


def test_sums_of_integers_are_exact_and_saturate() -> None:
    assert scalar("add", [32767] * 3, "int16") == 98301
    big = 2**62 + 1
    assert scalar("add", [big, 1], "int64") == big + 1
    assert scalar("add", [big, big], "int64") == 2**63 - 1
    assert scalar("add", [-big, -big, -big], "int64") == -(2**63)
    assert scalar("add", [2**63, 2**63, 5], "uint64") == 2**64 - 1
    assert scalar("add", [2**63, 5], "uint64") == 2**63 + 5
    assert scalar("avg", [2**31 - 1, 2**31 - 1], "int32") == 2**31 - 1
    assert scalar("add", [True, True, False], "bool") == 2


def test_sums_of_floats_lose_nothing_between_blocks() -> None:
    reduction = Reduction(operator="add", dtype="float64", shape=(), extent=(4,))
    state = start(reduction)
    for value in (1.0, 1e100, 1.0, -1e100):
        state.update(np.array([value]), None, (0,))
    assert state.finish()[0] == 2.0
    assert scalar("add", [inf, 1.0], "float64") == inf
    assert scalar("add", [inf, -inf], "float64") is None
    values = np.random.default_rng(2).normal(1e6, 1, 300_000)
    sums = []
    for size in (300_000, 70_001, 999):
        state = start(Reduction(operator="avg", dtype="float64", shape=(), extent=(300_000,)))
        for at in range(0, 300_000, size):
            state.update(values[at : at + size], None, (0,))
        sums.append(float(state.finish()[0]))
    np.testing.assert_allclose(sums, values.mean(), rtol=1e-15)


def test_variance_far_from_zero() -> None:
    values = np.random.default_rng(2).normal(1e9, 1, 200_000)
    state = start(Reduction(operator="variance", dtype="float64", shape=(), extent=(200_000,)))
    for at in range(0, 200_000, 5_000):
        state.update(values[at : at + 5_000], None, (0,))
    # The numbers themselves are rounded to 1e-7; the sum of squares alone would leave nothing.
    np.testing.assert_allclose(state.finish()[0], values.var(), rtol=1e-8)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.25, 0.5, 0.77, 1.0])
def test_quantiles_are_numpys(dtype: str, p: float) -> None:
    values = np.random.default_rng(4).integers(-32768, 32767, 10_001).astype(dtype)
    made = scalar("quantile", values, dtype, parameters=(p,))
    assert made == np.quantile(values.astype(np.float64), p)


def test_nan_is_a_value_that_sums_and_ranks_do_not_skip() -> None:
    cells = [1.0, nan, 3.0]
    for operator in ("add", "avg", "min", "max", "median", "variance"):
        assert scalar(operator, cells, "float64") is None
        assert np.isnan(scalar(operator, cells, "float64", compat=True))  # type: ignore[call-overload]  # a float
        assert scalar(operator, cells, "float64", valid=[True, False, True]) is not None
    assert scalar("maxtime", cells, "float64") == 2
    assert scalar("maxtime", [nan], "float64") is None
    assert scalar("median", [-inf, inf, inf], "float64") == inf


def test_extremes_at_the_ends_of_a_type() -> None:
    for dtype in ("uint8", "int16", "int64"):
        info = np.iinfo(dtype)
        for value in (info.min, info.max):
            valid = [False, True, False]
            for operator in ("min", "max", "first"):
                assert scalar(operator, [7, value, 9], dtype, valid=valid) == value
            assert scalar("median", [7, value, 9], dtype, valid=valid) == float(value)
            assert scalar("maxtime", [7, value, 9], dtype, valid=[False, True, False]) == 1
            assert scalar("mintime", [7, value, 9], dtype, valid=[False, True, False]) == 1


def test_places_may_be_given_as_coordinates() -> None:
    dates = (100.0, 200.5, 300.0)
    assert scalar("maxtime", [1, 9, 9], "int16", parameters=dates) == 200.5
    assert scalar("mintime", [1, 9, 9], "int16", parameters=dates) == 100.0
    assert scalar("mintime", [1], "int16", parameters=dates, valid=[False]) is None


def test_too_many_values_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_statistics, "COLLECTED_VALUES", 10)
    with pytest.raises(LimitExceededError, match=r"needs 11 values at once, at most 10 are"):
        scalar("median", range(11), "float64")
    assert scalar("median", range(11), "int16") == 5.0
    merged = start(Reduction(operator="median", dtype="float64", shape=(), extent=(12,)))
    other = start(Reduction(operator="median", dtype="float64", shape=(), extent=(12,)))
    for state in (merged, other):
        state.update(np.arange(6.0), None, (0,))
    with pytest.raises(LimitExceededError, match="12 values"):
        merged.merge(other)


def test_a_formula_is_reduced_without_its_block() -> None:
    rng = np.random.default_rng(8)
    shape = (4, 300, 310)
    a, b = rng.integers(0, 99, (2, *shape))
    known = rng.random(shape) > 0.2
    x, y = leaf(a, "int16", known), leaf(b, "int16", name="y")
    ratio = apply("/", apply("-", x, y), apply("+", x, y))
    where = apply(">", x, number(50))
    formula = reduced_formula(ratio, where)
    assert {plan.key for plan in tree_leaves(formula)} == {x.key, y.key}
    chosen = known & (a > 50)
    exact = (a - b) / np.maximum(a + b, 1)
    for axes in ((0,), (0, 1, 2), (1, 2)):
        kept = tuple(n for at, n in enumerate(shape) if at not in axes)
        extent = tuple(shape[at] for at in axes)
        state = start(Reduction(operator="avg", dtype="float64", shape=kept, extent=extent))
        reduce_formula(
            [state],
            formula,
            leaves_of(formula),
            Placement(
                shape=shape,
                axes=axes,
                region=tuple(slice(0, n) for n in kept),
                origin=(0,) * len(axes),
            ),
        )
        made, good = state.finish()
        np.testing.assert_array_equal(good, chosen.any(axis=axes))
        wanted = np.where(chosen, exact, 0).sum(axis=axes) / np.maximum(chosen.sum(axis=axes), 1)
        np.testing.assert_allclose(made[good], wanted[good], rtol=1e-12)


def test_unknown_reducers() -> None:
    with pytest.raises(UnknownNameError, match="unknown reducer 'sumup'"):
        start(Reduction(operator="sumup", dtype="int16", shape=(), extent=(1,)))
    assert scalar("+", [1, 2], "int16") == 3
    assert scalar("mean", [1, 2], "int16") == 1.5
