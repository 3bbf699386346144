"""Sums and means of integers whose sum may pass 64 bits, against Python's whole numbers."""

import numpy as np
import pytest

from datacube.evaluate.reducers import Reduction, reduce_cells, start


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "uint32"])
@pytest.mark.parametrize("kind", ["greatest", "least", "any", "near half"])
def test_sums_and_means_are_those_of_whole_numbers(dtype: str, kind: str) -> None:
    info = np.iinfo(dtype)
    rng = np.random.default_rng(5)
    values = {
        "greatest": np.full((40, 3), info.max, dtype) - rng.integers(0, 9, (40, 3)).astype(dtype),
        "least": np.full((40, 3), info.min, dtype) + rng.integers(0, 9, (40, 3)).astype(dtype),
        "any": rng.integers(info.min, info.max, (40, 3), dtype=dtype, endpoint=True),
        "near half": np.full((40, 3), info.max // 40, dtype),
    }[kind]
    valid = rng.random((40, 3)) > 0.2
    lowest, highest = {"i": (-(2**63), 2**63 - 1), "u": (0, 2**64 - 1)}[np.dtype(dtype).kind]
    for operator in ("add", "avg"):
        # The extent tells that there may be more cells than these.
        reduction = Reduction(operator=operator, dtype=dtype, shape=(3,), extent=(2**33,))
        whole = start(reduction)
        for part in (slice(0, 7), slice(7, 31), slice(31, 40)):
            state = start(reduction)
            state.update(values[part], valid[part], (0,))
            whole.merge(state)
        found, known = whole.finish()
        assert known.all()
        for at in range(3):
            cells = [int(v) for v in values[valid[:, at], at]]
            if operator == "add":
                assert int(found[at]) == min(max(sum(cells), lowest), highest)
            else:
                assert found[at] == pytest.approx(sum(cells) / len(cells), rel=4e-16)


def test_a_mean_of_one_cell_is_the_cell() -> None:
    for number in (-(2**63), -1, 0, 2**53 + 2, 2**62 + 1):
        reduction = Reduction(operator="avg", dtype="int64", shape=(), extent=(4,))
        found, _ = reduce_cells(reduction, np.array([number]), None, (0,))
        assert found == float(number)
