"""Types, nulls and values of operators on cells that try them, against hand-made numbers."""

from pathlib import Path

import numpy as np
import pytest

from tests.builders.asked import evaluated, texts
from tests.builders.made import Frame, Made, add_cube, indices, make_store

NAN = np.nan
NULL16 = -32768
"""Nodata of `i16`."""


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return one coverage M of 2 x 3 cells; each band is null in cells of its own."""
    made = make_store(Path(tmp_path_factory.mktemp("hard")) / "store")
    arrays = {
        "u8": np.array([[0, 33, 255], [200, 7, 100]], "uint8"),
        "i16": np.array([[30000, 32767, NULL16], [-5, 7, 8]], "int16"),
        "u16": np.array([[1, 65535, 60000], [0, 7, 9]], "uint16"),
        "i32": np.array([[2**31 - 1, -7, 3], [0, 5, -(2**31)]], "int32"),
        "f32": np.array([[1.5, NAN, -2.25], [0, 1e10, 3]], "float32"),
        "f64": np.array([[0.1, 2, -1], [-4, 9, NAN]], "float64"),
    }
    nodata = {"u8": 255, "i16": NULL16, "u16": 65535, "i32": -(2**31)}
    add_cube(made, "M", arrays, Frame(axes=(indices("j", 2), indices("i", 3))), nodata=nodata)
    return made


N = NAN
CASES = (
    # int16 sums above 32767 and below -32768 keep their value.
    ("$m.i16 + $m.i16", "int32", [[60000, 65534, N], [-10, 14, 16]]),
    ("$m.i16 * $m.i16", "int32", [[9e8, 32767.0**2, N], [25, 49, 64]]),
    ("$m.i16 + $m.u8", "int32", [[30000, 32800, N], [195, 14, 108]]),
    ("$m.u8 + $m.u8", "uint16", [[0, 66, N], [400, 14, 200]]),
    # Unsigned differences fall below zero.
    ("$m.u8 - $m.u16", "int32", [[-1, N, N], [200, 0, 91]]),
    ("$m.u16 - 60000", "int32", [[-59999, N, 0], [-60000, -59993, -59991]]),
    ("-$m.u8", "int16", [[0, -33, N], [-200, -7, -100]]),
    ("+$m.u8", "uint8", [[0, 33, N], [200, 7, 100]]),
    ("$m.i32 - 1", "int64", [[2147483646, -8, 2], [-1, 4, N]]),
    ("$m.i32 + $m.i32", "int64", [[4294967294, -14, 6], [0, 10, N]]),
    # Quotients are no integers.
    ("$m.u8 / 9 * 1000", "float32", [[0, 33000 / 9, N], [200000 / 9, 7000 / 9, 1e5 / 9]]),
    ("$m.i16 / 2", "float32", [[15000, 16383.5, N], [-2.5, 3.5, 4]]),
    ("$m.i32 / 2", "float64", [[1073741823.5, -3.5, 1.5], [0, 2.5, N]]),
    ("$m.u8 / 0", "float32", [[N, np.inf, N], [np.inf, np.inf, np.inf]]),
    ("$m.i16 div 2", "int32", [[15000, 16383, N], [-2, 3, 4]]),
    ("mod($m.i16, 4)", "int32", [[0, 3, N], [-1, 3, 0]]),
    ("$m.u8 div 0", "uint16", [[N, N, N], [N, N, N]]),
    # Nulls of either band; NaN that is stored is null.
    ("$m.f32 + $m.i16", "float32", [[30001.5, N, N], [-5, 1e10, 11]]),
    ("$m.f32 * $m.f64", "float64", [[1.5 * 0.1, N, 2.25], [0, 9e10, N]]),
    ("sqrt($m.f64)", "float64", [[0.1**0.5, 2**0.5, N], [N, 3, N]]),
    ("sqrt($m.u8)", "float32", [[0, 33**0.5, N], [200**0.5, 7**0.5, 10]]),
    ("pow($m.u8, 2)", "float32", [[0, 1089, N], [40000, 49, 10000]]),
    ("power($m.i32, 2)", "float64", [[2147483647.0**2, 49, 9], [0, 25, N]]),
    ("abs($m.i16)", "int16", [[30000, 32767, N], [5, 7, 8]]),
    ("round($m.f64)", "float64", [[0, 2, -1], [-4, 9, N]]),
    ("max($m.u8, $m.i16)", "int16", [[30000, 32767, N], [200, 7, 100]]),
    ("min($m.u8, 50)", "uint8", [[0, 33, N], [50, 7, 50]]),
    ("$m.u8 overlay $m.i16", "int16", [[30000, 32767, N], [-5, 7, 8]]),
    ("$m.i16 overlay $m.u16", "int32", [[1, 32767, 60000], [-5, 7, 9]]),
    ("atan2($m.f64, 1)", "float64", np.arctan([[0.1, 2, -1], [-4, 9, N]])),
    # Truths: a comparison with null is null.
    ("$m.i16 > 7", "bool", [[1, 1, N], [0, 0, 1]]),
    ("not ($m.i16 > 7)", "bool", [[0, 0, N], [1, 1, 0]]),
    ("$m.i16 > 7 and $m.u16 > 5", "bool", [[0, N, N], [0, 0, 1]]),
    ("$m.i16 > 7 or $m.u16 > 5", "bool", [[1, 1, 1], [0, 1, 1]]),
    ("$m.i16 > 7 xor $m.u16 > 5", "bool", [[1, N, N], [0, 1, 0]]),
    ("$m.i16 is null", "bool", [[0, 0, 1], [0, 0, 0]]),
    ("$m.f32 is not null", "bool", [[1, 0, 1], [1, 1, 1]]),
    ("$m.u8 = 33uc", "bool", [[0, 1, N], [0, 0, 0]]),
    ("bit($m.u8, 0)", "bool", [[0, 1, N], [0, 1, 0]]),
    # Casts cut at the type's bounds.
    ("(unsigned char) $m.i16", "uint8", [[255, 255, N], [0, 7, 8]]),
    ("(char) $m.f64", "uint8", [[0, 2, 0], [0, 9, N]]),
    ("(short) $m.i32", "int16", [[32767, -7, 3], [0, 5, N]]),
    ("(float) $m.u8", "float32", [[0, 33, N], [200, 7, 100]]),
    ("(double) $m.i16 / 3", "float64", [[10000, 32767 / 3, N], [-5 / 3, 7 / 3, 8 / 3]]),
    ("(boolean) $m.u8", "bool", [[0, 1, N], [1, 1, 1]]),
    # Choice.
    (
        "switch case $m.i16 > 100 return 1 case $m.u16 > 5 return 2 default return 3",
        "uint8",
        [[1, 1, 2], [3, 2, 2]],
    ),
    (
        "switch case $m.i16 > 100 return $m.u8 default return -1",
        "int16",
        [[0, 33, -1], [-1, -1, -1]],
    ),
    (
        "switch case $m.u8 < 50 return null default return $m.u8",
        "uint8",
        [[N, N, N], [200, N, 100]],
    ),
    # Null values.
    ("$m.u8 null values [7, 90:150]", "uint8", [[0, 33, N], [200, N, N]]),
    ("$m.i16 null mask discard", "int16", [[30000, 32767, NULL16], [-5, 7, 8]]),
    ("$m.f64 null values [-1]", "float64", [[0.1, 2, N], [-4, 9, N]]),
    ("setNullSet($m.u8, {0, 33})", "uint8", [[N, N, N], [200, 7, 100]]),
    # Numbers of a type and numbers before any cell.
    ("$m.u8 + 1us", "uint32", [[1, 34, N], [201, 8, 101]]),
    ("$m.u8 * (1 + 1)", "uint32", [[0, 66, N], [400, 14, 200]]),
    ("$m.u8 * 0.5", "float64", [[0, 16.5, N], [100, 3.5, 50]]),
    ("$m.u8 * 0.5f", "float32", [[0, 16.5, N], [100, 3.5, 50]]),
    ("$m.0 + $m.1", "int32", [[30000, 32800, N], [195, 14, 108]]),
)


@pytest.mark.parametrize(("formula", "dtype", "expected"), CASES, ids=[c[0] for c in CASES])
def test_formulas(formula: str, dtype: str, expected: list[list[float]], hard: Made) -> None:
    (found,) = evaluated(hard, f"for $m in (M) return {formula}")
    assert found.dtypes == (dtype,)
    exact = 0 if dtype != "float32" else 1e-7
    np.testing.assert_allclose(found.filled()[0], np.asarray(expected, float), rtol=exact)


COMPAT = (
    # A comparison with null is false, so its opposite is true.
    ("$m.i16 > 7", "bool", [[1, 1, 0], [0, 0, 1]]),
    ("not ($m.i16 > 7)", "bool", [[0, 0, 1], [1, 1, 0]]),
    # Casts take the null value for a number, and a new null set replaces the old one.
    ("(unsigned char) $m.i16", "uint8", [[255, 255, 0], [0, 7, 8]]),
    ("$m.u8 null values [7]", "uint8", [[0, 33, 255], [200, N, 100]]),
    # No integer is NaN, the null value of floats: such a null stays one.
    ("(short) ((short) $m.f64)", "int16", [[0, 2, -1], [-4, 9, N]]),
    ("$m.u8 + $m.i16", "int32", [[30000, 32800, N], [195, 14, 108]]),
)


@pytest.mark.parametrize(("formula", "dtype", "expected"), COMPAT, ids=[c[0] for c in COMPAT])
def test_formulas_by_rasdamans_rules(
    formula: str, dtype: str, expected: list[list[float]], hard: Made
) -> None:
    (found,) = evaluated(hard, f"for $m in (M) return {formula}", compat=True)
    assert found.dtypes == (dtype,)
    np.testing.assert_array_equal(found.filled()[0], np.asarray(expected, float))


REDUCED = (
    ("add($m.i16)", "int64", 30000 + 32767 - 5 + 7 + 8),
    ("sum($m.u8)", "uint64", 340),
    ("avg($m.u8)", "float64", 68.0),
    ("add($m.f32)", "float64", 1.5 - 2.25 + 1e10 + 3),
    ("min($m.i32)", "int32", -7),
    ("max($m.u16)", "uint16", 60000),
    ("count($m.u8 > 7)", "uint64", 3),
    ("count($m.i16 is null)", "uint64", 1),
    ("some($m.i16 < 0)", "bool", True),
    ("all($m.i16 > -6)", "bool", True),
    ("median($m.u8)", "float64", 33.0),
    ("quantile($m.u16, 0.25)", "float64", 1.0),
    ("stddev($m.u8)", "float64", float(np.std([0, 33, 200, 7, 100]))),
    ("variance($m.u8)", "float64", float(np.var([0, 33, 200, 7, 100]))),
    ("first($m.f32)", "float32", 1.5),
    ("last($m.f64)", "float64", 9.0),
    ("cellCount($m)", "int64", 6),
    ("avg($m.u8 * 0)", "float64", 0.0),
    ("avg(5)", "float64", 5.0),
    ("count($m.u8 > 300)", "uint64", 0),
    ("max($m.i16) + 1", "int32", 32768),
    ("1 + 2 * 3", "uint32", 7),
    ("7 div 2", "uint16", 3),
    ("1 / 3", "float64", 1 / 3),
    ("2 - 5", "int16", -3),
    ("pow(2, 0.5)", "float64", 2**0.5),
    ("true and 1 < 2", "bool", True),
    ("(1.0, 2.0) * (0.0, 1.0)", "complex128", -2 + 1j),
    ("re((1.0, 2.0))", "float64", 1.0),
)


@pytest.mark.parametrize(("formula", "dtype", "expected"), REDUCED, ids=[c[0] for c in REDUCED])
def test_numbers(formula: str, dtype: str, expected: float, hard: Made) -> None:
    (found,) = evaluated(hard, f"for $m in (M) return {formula}")
    assert found.axes == ()
    assert found.dtypes == (dtype,)
    assert found.values[0].item() == pytest.approx(expected, rel=1e-15)
    assert found.valid[0].all()


def test_over_nothing_but_nulls_a_reduction_is_null(hard: Made) -> None:
    query = "for $m in (M) return {f}"
    nothing = "switch case true return null default return $m.u8"
    assert texts(hard, query.format(f=f"avg({nothing})")) == ["NULL"]
    assert texts(hard, query.format(f=f"count({nothing})")) == ["0"]
    assert texts(hard, query.format(f=f"add({nothing})")) == ["NULL"]


TEXTS = (
    ("avg($m.u8)", "68.0"),
    ("{a: max($m.u8); b: min($m.i16); c: 1}", "{ 200, -5, 1 }"),
    ("max($m)", "{ 200, 32767, 60000, 2147483647, 1e+10, 9.0 }"),
    ("some($m.u8 = 7)", "t"),
    ("1 > 2", "f"),
    ('"done"', "done"),
    ('"a" . "b" . 3', "ab3"),
    ("null", "NULL"),
    ("nan", "nan"),
    ("0.1f", "0.1"),
    ("0.1", "0.1"),
    ("-5", "-5"),
    ("(1.0, -2.0)", "(1,-2)"),
    ('identifier($m) = "M"', "t"),
)


@pytest.mark.parametrize(("formula", "text"), TEXTS, ids=[c[0] for c in TEXTS])
def test_texts_of_numbers(formula: str, text: str, hard: Made) -> None:
    assert texts(hard, f"for $m in (M) return {formula}") == [text]
