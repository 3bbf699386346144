"""The table of types, read literally from rasdaman's documentation, by rank."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from datacube.errors import InvalidParameterError
from datacube.plan.functions import FUNCTIONS, apply, result_fields
from datacube.plan.nodes import Bands, Pick, Plan
from datacube.plan.types import CAST_TYPES, CASTS
from tests.builders.formulas import leaf, number

# Size first, then sign; 64 bits are beyond rasdaman's types and saturate.
UNSIGNED = ["bool", "uint8", "uint16", "uint32", "uint64"]
SIGNED = ["bool", "int8", "int16", "int32", "int64"]
TYPES = [*UNSIGNED, *SIGNED[1:], "float32", "float64"]
STORED = ["uint8", "int8", "uint16", "int16", "uint32", "int32"]
SHORT = {"bool", "uint8", "int8", "uint16", "int16", "float32"}


def size(name: str) -> int:
    return (UNSIGNED if name in UNSIGNED else SIGNED).index(name)


def floating(a: str, b: str) -> str | None:
    if not {a, b} & {"float32", "float64"}:
        return None
    return "float32" if {a, b} <= SHORT else "float64"


def total(a: str, b: str) -> str:
    if found := floating(a, b):
        return found
    if "bool" in (a, b) and a != b:
        return b if a == "bool" else a
    family = UNSIGNED if a in UNSIGNED and b in UNSIGNED else SIGNED
    return family[min(4, max(size(a), size(b)) + 1)]


def difference(a: str, b: str) -> str:
    return floating(a, b) or SIGNED[min(4, max(size(a), size(b)) + 1)]


def quotient(a: str, b: str) -> str:
    return "float32" if {a, b} <= SHORT else "float64"


def holds(a: str, b: str) -> str:
    """Find the narrowest type that holds both, by their extremes."""
    if found := floating(a, b):
        return found
    if a == b:
        return a
    ends = [
        int(end)
        for t in (a, b)
        for end in ((0, 1) if t == "bool" else (np.iinfo(t).min, np.iinfo(t).max))
    ]
    for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
        if np.iinfo(name).min <= min(ends) and max(ends) <= np.iinfo(name).max:
            return name
    return "int64"


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (("+", "*", "div", "mod"), total),
        (("-",), difference),
        (("/", "pow", "atan2"), quotient),
        (("min", "max", "overlay"), holds),
    ],
)
def test_every_pair_of_types(names: tuple[str, ...], rule: Callable[[str, str], str]) -> None:
    for name, (a, b) in product(names, product(TYPES, TYPES)):
        assert FUNCTIONS[name].result((a, b)) == rule(a, b), (name, a, b)


@pytest.mark.parametrize("dtype", TYPES)
def test_functions_of_one_operand(dtype: str) -> None:
    for name in ("sqrt", "exp", "ln", "log", "sin", "cosh", "arctan"):
        assert FUNCTIONS[name].result((dtype,)) == quotient(dtype, dtype)
    for name in ("abs", "round", "floor", "ceil", "positive", "re", "im"):
        assert FUNCTIONS[name].result((dtype,)) == dtype


@pytest.mark.parametrize("a", STORED)
@pytest.mark.parametrize("b", STORED)
def test_the_result_holds_what_stored_numbers_give(a: str, b: str) -> None:
    (low, high), (least, most) = ((int(np.iinfo(t).min), int(np.iinfo(t).max)) for t in (a, b))
    for name, ends in (
        ("+", [low + least, high + most]),
        ("-", [low - most, high - least]),
        ("*", [x * y for x in (low, high) for y in (least, most)]),
    ):
        info = np.iinfo(FUNCTIONS[name].result((a, b)))
        assert info.min <= min(ends) <= max(ends) <= info.max, (name, a, b)


def test_complex_types() -> None:
    assert FUNCTIONS["+"].result(("complex64", "int16")) == "complex64"
    assert FUNCTIONS["*"].result(("complex64", "int32")) == "complex128"
    assert FUNCTIONS["/"].result(("complex64", "complex128")) == "complex128"
    assert FUNCTIONS["abs"].result(("complex64",)) == "float32"
    assert FUNCTIONS["im"].result(("complex128",)) == "float64"
    assert FUNCTIONS["complex"].result(("int16", "float32")) == "complex64"
    assert FUNCTIONS["complex"].result(("int32", "float32")) == "complex128"


def test_casts_have_types_of_numpy() -> None:
    assert set(CAST_TYPES.values()) <= set(CASTS)
    assert all(np.dtype(name).name == name for name in CASTS)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("<", (leaf([1j]), number(1)), "'<' takes boolean or integer or float numbers, not c"),
        ("min", (leaf([1j]), number(1)), "'min' takes"),
        ("bit", (leaf([1.5]), number(1)), "'bit' takes boolean or integer numbers, not float64"),
        ("negative", (leaf([1], "bool"),), "'negative' takes integer or float or complex numbers"),
        ("switch", (number(1), number(2), number(3), number(4)), "pairs of condition and value"),
        ("switch", (number(1), number(2)), "takes 3 or more arguments, not 2"),
        ("+", (number(2**64), number(1)), "integers have at most 64 bits"),
    ],
)
def test_what_a_function_does_not_take(name: str, args: tuple[Plan, ...], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        apply(name, *args)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(255, "uint8"), (256, "uint16"), (-1, "int8"), (2**31, "uint32"), (2**40, "uint64")],
)
def test_an_integer_is_as_wide_as_its_value(value: int, dtype: str) -> None:
    assert apply("positive", number(value)).fields[0].dtype == dtype
    record = Bands(picks=(Pick(source=number(value), field="value", name="red"),))
    assert apply("max", record, number(value)).fields[0].dtype == dtype


def test_null_widens_nothing() -> None:
    cells = leaf([1], "uint8")
    assert apply("+", cells, number(None)).fields[0].dtype == "uint8"
    assert apply("switch", cells, cells, number(None)).fields[0].dtype == "uint8"


def test_a_switch_is_named_and_typed_by_its_values() -> None:
    low, high = leaf([1], "uint8", name="low"), leaf([1], "int16", name="high")
    test = apply(">", leaf([1.5], name="test"), number(0))
    (field,) = result_fields("switch", (test, low, test, high, number(0)))
    assert (field.name, field.dtype) == ("low", "int16")
    colours = Bands(
        picks=tuple(Pick(source=number(0), field="value", name=n) for n in ("red", "green", "blue"))
    )
    made = result_fields("switch", (test, colours, number(255)))
    assert [(f.name, f.dtype) for f in made] == [(n, "uint8") for n in ("red", "green", "blue")]


def test_null_sets_are_united_in_order() -> None:
    a = leaf([1], "int16", nulls=(-1.0, 0.0), name="a")
    b = leaf([1], "int16", nulls=(5.0, -1.0), name="b")
    (made,) = result_fields("+", (a, number(1), b))
    assert made.nulls == (-1.0, 0.0, 5.0)
    assert made.nodata is None
    assert result_fields("<", (a, b))[0].nulls == ()
    assert result_fields("switch", (apply("<", a, b), b, number(0)))[0].nulls == (5.0, -1.0)
    assert result_fields("cast uint8", (a,))[0].nulls == (-1.0, 0.0)
