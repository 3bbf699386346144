"""Bodies of functions against NumPy in float64 or Python integers."""

import numpy as np
import pytest

from datacube.cells import Cells
from datacube.evaluate.functions import apply_function
from datacube.plan.functions import apply
from datacube.plan.rules.examples import scan

A = np.array([[32767, -32767, 5, 0, 7]], dtype="int16")
B = np.array([[32767, 32767, 0, 0, 3]], dtype="int16")
KNOWN = np.array([[True, True, True, True, False]])


def run(name: str, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    node = apply(name, *(scan() for _ in arrays))
    full = np.ones_like(KNOWN)
    args = tuple(Cells(("B02",), (a,), (KNOWN if i == 0 else full,)) for i, a in enumerate(arrays))
    made = apply_function(node, args)
    assert made.values[0].dtype == node.fields[0].numpy_dtype
    return made.values[0], made.valid[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("+", [65534, 0, 5, 0]),
        ("-", [0, -65534, 5, 0]),
        ("*", [32767 * 32767, -32767 * 32767, 0, 0]),
        ("min", [32767, -32767, 0, 0]),
        ("max", [32767, 32767, 5, 0]),
    ],
)
def test_no_stored_value_overflows(name: str, wanted: list[int]) -> None:
    values, valid = run(name, A, B)
    assert values[0, :4].tolist() == wanted
    np.testing.assert_array_equal(valid, KNOWN)


def test_division_is_floating_and_nothing_by_nothing_is_no_data() -> None:
    values, valid = run("/", A, B)
    assert values.dtype == np.float32
    assert values[0, :2].tolist() == [1.0, -1.0]
    assert np.isposinf(values[0, 2])
    assert valid.tolist() == [[True, True, True, False, False]]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("<", [False, True, False, False, False]),
        ("=", [True, False, False, True, False]),
        ("!=", [False, True, True, False, False]),
        (">=", [True, False, True, True, False]),
    ],
)
def test_comparison_with_no_data_is_false_and_valid(name: str, wanted: list[bool]) -> None:
    values, valid = run(name, A, B)
    assert values.tolist() == [wanted]
    assert valid.all()


def test_one_argument() -> None:
    assert run("abs", A)[0][0, :4].tolist() == [32767, 32767, 5, 0]
    assert run("negative", A)[0][0, :4].tolist() == [-32767, 32767, -5, 0]
    least = np.array([[-32768]], dtype="int16").repeat(5, axis=1)
    assert run("abs", least)[0][0, 0] == 32767
    values, valid = run("sqrt", A)
    np.testing.assert_allclose(values[0, [0, 2]], np.sqrt([32767, 5]), rtol=1e-6)
    assert valid.tolist() == [[True, False, True, True, False]]
