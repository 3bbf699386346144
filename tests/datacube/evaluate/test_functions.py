"""Bodies of functions against Python's integers and NumPy in float64."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from datacube.cells import Cells
from datacube.plan.functions import FUNCTIONS, apply
from datacube.plan.types import CASTS
from tests.builders.formulas import apply_function, leaf, listed, number, run

INTEGERS = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
KNOWN = [True, True, True, True, False]


def extremes(dtype: str) -> list[int]:
    """Return the numbers of a type at which anything could overflow."""
    if dtype == "bool":
        return [0, 1]
    info = np.iinfo(dtype)
    return sorted({int(info.min), int(info.min) + 1, 0, 1, 7, int(info.max) - 1, int(info.max)})


def held(value: int, dtype: str) -> int:
    info = np.iinfo(dtype)
    return max(int(info.min), min(int(info.max), value))


def toward_zero(a: int, b: int) -> int:
    return int(Fraction(a, b))


def pairs(one: str, other: str) -> tuple[list[int], list[int]]:
    crossed = [(a, b) for a in extremes(one) for b in extremes(other)]
    return [a for a, _ in crossed], [b for _, b in crossed]


@pytest.mark.parametrize("other", INTEGERS)
@pytest.mark.parametrize("one", INTEGERS)
@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("+", lambda a, b: a + b),
        ("-", lambda a, b: a - b),
        ("*", lambda a, b: a * b),
        ("min", min),
        ("max", max),
        ("overlay", lambda a, b: b or a),
        ("div", lambda a, b: toward_zero(a, b) if b else None),
        ("mod", lambda a, b: a - b * toward_zero(a, b) if b else None),
    ],
)
def test_integers_never_wrap(
    name: str, exact: Callable[[int, int], int | None], one: str, other: str
) -> None:
    left, right = pairs(one, other)
    node = apply(name, leaf(left, one), leaf(right, other))
    made = node.fields[0].dtype
    if name in ("div", "mod", "min", "max", "overlay") and {one, other} & {"uint64"}:
        # What int64 cannot hold of uint64 is held at its greatest number.
        left, right = ([held(n, made) for n in numbers] for numbers in (left, right))
    expected = [exact(a, b) for a, b in zip(left, right, strict=True)]
    if made == "bool":
        assert listed(node) == [None if e is None else bool(e) for e in expected]
        return
    assert listed(node) == [None if e is None else held(e, made) for e in expected]
    small = {"int8", "uint8", "int16", "uint16", "int32", "uint32"}
    if {one, other} <= small:
        assert all(e is None or e == held(e, made) for e in expected)


@pytest.mark.parametrize("dtype", INTEGERS[1:])
def test_integers_of_one_operand(dtype: str) -> None:
    values = extremes(dtype)
    negative = apply("negative", leaf(values, dtype))
    assert listed(negative) == [held(-v, negative.fields[0].dtype) for v in values]
    assert listed(apply("abs", leaf(values, dtype))) == [held(abs(v), dtype) for v in values]
    for name in ("positive", "round", "floor", "ceil", "re"):
        assert listed(apply(name, leaf(values, dtype))) == values
    assert listed(apply("im", leaf(values, dtype))) == [0] * len(values)


def test_a_long_chain_is_folded_exactly() -> None:
    node = apply("+", *(leaf([32767, -32768], "int16", name=f"b{i}") for i in range(9)))
    assert listed(node) == [9 * 32767, 9 * -32768]
    product = apply("*", *(leaf([-32768, 3], "int16", name=f"b{i}") for i in range(5)))
    assert listed(product) == [-(2**63), 3**5]
    assert listed(apply("+", leaf([250], "uint8"), number(3), number(-4))) == [249]


@pytest.mark.parametrize(
    ("name", "reference", "values"),
    [
        ("sqrt", math.sqrt, [0, 2, 2500]),
        ("exp", math.exp, [-3, 0, 5]),
        ("ln", math.log, [1, 2, 2500]),
        ("log", math.log10, [1, 2, 1000]),
        ("sin", math.sin, [-2, 0, 1]),
        ("cos", math.cos, [-2, 0, 1]),
        ("tan", math.tan, [-2, 0, 1]),
        ("sinh", math.sinh, [-2, 0, 1]),
        ("cosh", math.cosh, [-2, 0, 1]),
        ("tanh", math.tanh, [-2, 0, 1]),
        ("arcsin", math.asin, [-1, 0, 1]),
        ("arccos", math.acos, [-1, 0, 1]),
        ("arctan", math.atan, [-7, 0, 1]),
    ],
)
@pytest.mark.parametrize(("dtype", "rtol"), [("int16", 1e-6), ("int32", 1e-14), ("float64", 1e-14)])
def test_functions_of_one_number(
    name: str, reference: Callable[[float], float], values: list[int], dtype: str, rtol: float
) -> None:
    made, valid = run(apply(name, leaf(values, dtype)))
    assert valid.all()
    np.testing.assert_allclose(made, [reference(v) for v in values], rtol=rtol, atol=1e-16)


def test_functions_of_two_numbers() -> None:
    a, b = [3, -8, 100], [2, 3, 1]
    for name, reference in (("pow", math.pow), ("atan2", math.atan2), ("/", lambda x, y: x / y)):
        made, _ = run(apply(name, leaf(a, "int32"), leaf(b, "int16")))
        np.testing.assert_allclose(made, [reference(*p) for p in zip(a, b, strict=True)])
    assert listed(apply("/", leaf([7], "int16"), leaf([2], "int16"))) == [3.5]


def test_the_example_of_the_reference() -> None:
    node = apply("*", apply("/", leaf([33], "uint8"), number(9)), number(1000))
    assert node.fields[0].dtype == "float32"
    assert listed(node) == [pytest.approx(3666.67, abs=0.005)]


def test_numbers_alone_keep_every_digit() -> None:
    assert listed(apply("/", number(1), number(3))) == [1 / 3]
    assert listed(apply("sqrt", apply("+", number(1), number(1)))) == [math.sqrt(2)]
    assert listed(apply("-", number(1), apply("/", number(1), number(4)))) == [0.75]


@pytest.mark.parametrize("value", [True, 5, -5, 70000, 2.5])
def test_functions_that_keep_the_type_take_numbers_alone(value: float) -> None:
    for name in ("abs", "round", "floor", "ceil", "re", "im"):
        expected = {"im": 0, "abs": abs(value), "re": value}.get(name, round(value))
        if name in ("floor", "ceil"):
            expected = getattr(math, name)(value)
        assert listed(apply(name, number(value))) == [expected]
        assert listed(apply(name, number(None))) == [None]


def test_remainders_of_floats_have_the_sign_of_the_dividend() -> None:
    a, b = [7.5, -7.5, 7.5, 1.0], [2.0, 2.0, -2.0, 0.0]
    assert listed(apply("div", leaf(a), leaf(b))) == [3.0, -3.0, -3.0, math.inf]
    assert listed(apply("mod", leaf(a), leaf(b))) == [1.5, -1.5, 1.5, None]


def test_rounding() -> None:
    values = [-2.5, -0.5, 0.5, 1.2, 1.5]
    assert listed(apply("round", leaf(values, "float32"))) == [-2.0, -0.0, 0.0, 1.0, 2.0]
    assert listed(apply("floor", leaf(values))) == [-3.0, -1.0, 0.0, 1.0, 1.0]
    assert listed(apply("ceil", leaf(values))) == [-2.0, -0.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [("uint8", [0, 5, 255]), ("int16", [-1, -32768, 4]), ("uint64", [2**63, 1, 2**64 - 1])],
)
def test_bits_are_those_of_twos_complement(dtype: str, values: list[int]) -> None:
    for place in (0, 2, 15, 63, 64, -1):
        expected = [0 <= place < 64 and bool(v >> place & 1) for v in values]
        assert listed(apply("bit", leaf(values, dtype), number(place))) == expected
    places = leaf([0, 1, 2], "int32", name="n")
    expected = [bool(v >> i & 1) for i, v in enumerate(values)]
    assert listed(apply("bit", leaf(values, dtype), places)) == expected


@pytest.mark.parametrize("one", INTEGERS[1:])
@pytest.mark.parametrize("other", INTEGERS[1:])
def test_comparisons_are_exact_beyond_the_common_type(one: str, other: str) -> None:
    left, right = pairs(one, other)
    for name, python in (("<", int.__lt__), ("=", int.__eq__), (">=", int.__ge__)):
        node = apply(name, leaf(left, one), leaf(right, other))
        assert listed(node) == [python(a, b) for a, b in zip(left, right, strict=True)]


def test_comparison_with_numbers_that_the_type_cannot_hold() -> None:
    cells = leaf([0, 255], "uint8")
    assert listed(apply("<", cells, number(70000))) == [True, True]
    assert listed(apply("!=", number(-1), cells)) == [True, True]
    assert listed(apply(">", cells, number(254.5))) == [False, True]
    # 0.1 is a double, the stored number is the float nearest to it.
    assert listed(apply("=", leaf([0.1], "float32"), number(0.1))) == [False]


def test_nan_is_found_and_equals_nothing_else() -> None:
    cells = leaf([1.0, math.nan, 2.0], valid=[True, True, False])
    nan = number(math.nan)
    assert listed(apply("=", cells, nan)) == [False, True, None]
    assert listed(apply("!=", nan, cells)) == [True, False, None]
    assert listed(apply("=", cells, cells)) == [True, False, None]
    assert listed(apply("<", cells, nan)) == [False, False, None]
    assert listed(apply("is null", cells)) == [False, False, True]


def test_what_is_not_a_number_is_null_and_infinity_is_a_value() -> None:
    a, b = leaf([1.0, 0.0, -1.0, math.nan]), leaf([0.0, 0.0, 0.0, 1.0], name="y")
    assert listed(apply("/", a, b)) == [math.inf, None, -math.inf, None]
    assert listed(apply("sqrt", a)) == [1.0, 0.0, None, None]
    made, valid = run(apply("/", a, b, compat=True))
    assert valid.all()
    assert np.isnan(made).tolist() == [False, True, False, True]


def test_what_is_not_a_number_stays_null_in_what_is_made_of_it() -> None:
    root = apply("sqrt", leaf([4.0, -4.0]))
    assert listed(apply("is null", root)) == [False, True]
    assert listed(apply(">", root, number(1))) == [True, None]
    assert listed(apply("pow", root, number(0))) == [1.0, None]
    assert listed(apply("cast uint8", root)) == [2, None]
    assert listed(apply("overlay", root, number(0))) == [2.0, 0.0]
    chosen = apply("switch", apply(">", root, number(1)), number(1), root)
    assert listed(chosen) == [1.0, None]
    assert listed(apply("+", apply("switch", number(0), number(1), root), number(1))) == [3.0, None]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("and", {(1, 1): 1, (1, 0): 0, (0, 0): 0, (0, None): 0, (1, None): None}),
        ("or", {(1, 1): 1, (1, 0): 1, (0, 0): 0, (1, None): 1, (0, None): None}),
        ("xor", {(1, 1): 0, (1, 0): 1, (0, 0): 0, (1, None): None, (0, None): None}),
    ],
)
def test_logic_of_three_values(name: str, table: dict[tuple[int, int | None], int | None]) -> None:
    table = {**table, (None, None): None}  # type: ignore[dict-item]  # null twice
    rows = [*table.items(), *(((b, a), r) for (a, b), r in table.items())]
    operands = [
        leaf(
            [bool(p[i]) for p, _ in rows], "bool", [p[i] is not None for p, _ in rows], name=f"{i}"
        )
        for i in range(2)
    ]
    expected = [None if r is None else bool(r) for _, r in rows]
    assert listed(apply(name, *operands)) == expected
    third = number(name == "and")
    assert listed(apply(name, *operands, third)) == expected


def test_any_number_but_zero_is_true() -> None:
    cells = leaf([0, 2, 255], "uint8")
    assert listed(apply("and", cells, number(value=True))) == [False, True, True]
    assert listed(apply("not", cells)) == [True, False, False]
    assert listed(apply("switch", cells, number(5), number(6))) == [6, 5, 5]


def test_switch_takes_the_first_true_condition() -> None:
    x = leaf([-5, 3, 50, 7], "int16", [True, True, True, False])
    node = apply(
        "switch", apply("<", x, number(0)), number(1), apply("<", x, number(9)), x, number(None)
    )
    assert node.fields[0].dtype == "int16"
    assert listed(node) == [1, 3, None, None]


def test_casts_against_python() -> None:
    values = [-1e30, -32769.5, -1.9, -0.5, 0.0, 0.99, 254.9, 255.9, 65536.0, 2.0**31, 1e30]
    values += [math.inf, -math.inf, math.nan]
    for source in ("float32", "float64"):
        stored = np.asarray(values, source).tolist()
        for target in INTEGERS[1:]:
            info = np.iinfo(target)
            expected = [
                None
                if math.isnan(v)
                else int(info.max)
                if v > info.max
                else int(info.min)
                if v < info.min
                else int(v)
                for v in stored
            ]
            assert listed(apply(f"cast {target}", leaf(stored, source))) == expected, target


@pytest.mark.parametrize("target", INTEGERS[1:])
@pytest.mark.parametrize("source", INTEGERS)
def test_casts_of_integers_saturate(source: str, target: str) -> None:
    values = extremes(source)
    made = listed(apply(f"cast {target}", leaf(values, source)))
    assert made == [held(v, target) for v in values]


def test_every_cast_has_its_type_and_truths_are_not_zero() -> None:
    for target in CASTS:
        assert apply(f"cast {target}", leaf([1], "int16")).fields[0].dtype == target
    assert listed(apply("cast bool", leaf([0.0, 0.1, -2, math.nan]))) == [False, True, True, None]
    assert listed(apply("cast float32", leaf([1e300, 0.1]))) == [math.inf, float(np.float32(0.1))]
    assert listed(apply("cast int8", leaf([3.7 + 9j]))) == [3]


def test_complex_numbers() -> None:
    z = apply("complex", leaf([3.0, 0.0], "float32"), leaf([-4.0, 1.0], "float32", name="y"))
    assert z.fields[0].dtype == "complex64"
    assert listed(apply("abs", z)) == [5.0, 1.0]
    assert listed(apply("re", z)) == [3.0, 0.0]
    assert listed(apply("im", z)) == [-4.0, 1.0]
    assert listed(apply("*", z, z)) == [-7 - 24j, -1 + 0j]
    assert listed(apply("+", z, leaf([1, 2], "int32", name="i"))) == [4 - 4j, 2 + 1j]
    assert apply("+", z, leaf([1, 2], "int32")).fields[0].dtype == "complex128"
    assert listed(apply("=", z, z)) == [True, True]
    assert listed(apply("+", z, number(1 + 1j))) == [4 - 3j, 1 + 2j]


def test_compat_casts_the_number_that_stands_for_null() -> None:
    cells = leaf([5, 99], "int16", [True, False], nulls=(-32768.0, 0.0))
    assert listed(apply("cast uint8", cells)) == [5, None]
    assert listed(apply("cast uint8", cells, compat=True)) == [5, 0]
    assert listed(apply("cast float32", cells, compat=True)) == [5.0, -32768.0]
    without = leaf([5, 99], "int16", [True, False])
    assert listed(apply("cast uint8", without, compat=True)) == [5, None]


def test_compat_counts_nodata_as_not_above() -> None:
    cells = leaf([9, 1, 4], "int16", [True, True, False], nulls=(-1.0,))
    above = apply(">", cells, number(5), compat=True)
    assert listed(above) == [True, False, False]
    assert listed(apply("not", above, compat=True)) == [False, True, True]
    assert listed(apply("not", apply(">", cells, number(5)))) == [False, True, None]


def test_a_function_alone_gives_what_the_fused_formula_gives() -> None:
    rng = np.random.default_rng(5)
    a = leaf(rng.integers(-9, 9, (30, 40)), "int16", rng.random((30, 40)) > 0.2)
    b = leaf(rng.integers(-9, 9, (30, 40)), "int16", rng.random((30, 40)) > 0.2, name="y")
    for name, function in FUNCTIONS.items():
        args: tuple[Any, ...] = (a, b, a)[: function.least]
        node = apply(name, *args)
        alone = apply_function(node, tuple(arg.held.cells for arg in args))
        values, valid = run(node)
        np.testing.assert_array_equal(alone.valid[0], valid)
        np.testing.assert_array_equal(alone.values[0][valid], values[valid])


def test_operands_are_never_written_to() -> None:
    for name, function in FUNCTIONS.items():
        values, valid = np.array([3, -2, 0], "int16"), np.array([True, True, False])
        values.flags.writeable = valid.flags.writeable = False
        cells = Cells(("x",), (values,), (valid,))
        operand = leaf(values, valid=valid)
        apply_function(apply(name, *[operand] * function.least), (cells,) * function.least)
