"""The tables of docs/reference/wcps-types.md against the code, row by row."""

import re
from collections.abc import Iterator
from math import inf, isnan, nan
from pathlib import Path

import numpy as np
import pytest

from datacube.evaluate.reducers import Reduction, reduce_cells
from datacube.plan.functions import FUNCTIONS, apply
from datacube.plan.nodes import Plan
from datacube.plan.reducers import REDUCER_ALIASES, REDUCERS, reduce_fields
from datacube.plan.types import CAST_TYPES
from tests.builders.formulas import leaf, listed, number

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/wcps-types.md"
TEXT = PAGE.read_text()
KINDS = {
    "boolean": "b",
    "integer": "iu",
    "float": "f",
    "complex": "c",
    "real": "biuf",
    "any": "biufc",
}
ONE_OF_A_KIND = {"b": "bool", "i": "int16", "u": "uint8", "f": "float32", "c": "complex64"}
LOGIC = {"and", "or", "xor", "not"}
VALUES = {"true": True, "false": False, "nan": nan, "inf": inf, "null": None}


def table(section: str) -> list[list[str]]:
    """Return the rows of a section's table, the head first."""
    body = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not row[0].startswith(" ---")]


def matrix(section: str) -> Iterator[tuple[str, str, str, str]]:
    head, *rows = table(section)
    names = re.findall(r"`([^`]+)`", head[0])
    assert len(rows) == len(head) - 1 == 11
    for row in rows:
        for other, result in zip(head[1:], row[1:], strict=True):
            for name in names:
                yield name, row[0].strip("`"), other.strip("`"), result


def test_names_of_types() -> None:
    rows = table("Names of types")[1:]
    assert {name.strip("`"): dtype for name, dtype in rows} == dict(CAST_TYPES)


@pytest.mark.parametrize("section", ["Sums, products, `div`, `mod`", "Differences", "Choices"])
def test_types_of_two_operands(section: str) -> None:
    for name, one, other, result in matrix(section):
        types = ("bool", one, other) if name == "switch" else (one, other)
        assert FUNCTIONS[name].result(types) == result, (name, one, other)


def test_every_function_is_in_a_table() -> None:
    named = {row[0].strip("`") for row in table("Other functions")[1:]} | {"negative"}
    for section in ("Sums, products, `div`, `mod`", "Differences", "Choices"):
        named |= {row[0] for row in matrix(section)}
    casts = {f"cast {dtype}" for dtype in {*CAST_TYPES.values(), "uint64", "int64"}}
    assert named | casts == FUNCTIONS.keys()


@pytest.mark.parametrize("row", table("Other functions")[1:], ids=lambda row: row[0])
def test_types_of_other_functions(row: list[str]) -> None:
    function = FUNCTIONS[row[0].strip("`")]
    kinds = {kind for word in row[1].split(", ") for kind in KINDS[word]}
    assert kinds == set(function.takes)
    for kind in kinds:
        dtype = ONE_OF_A_KIND[kind]
        made = function.result((dtype,) * function.least)
        wide = function.result(("float64" if kind == "f" else "int32",) * function.least)
        match row[2]:
            case "bool":
                assert made == wide == "bool"
            case "short":
                assert (made, wide) == ("complex64" if kind == "c" else "float32", "float64")
            case "the operand's":
                assert made == dtype
            case "the operand's; of a complex number that of its parts":
                assert made == ("float32" if kind == "c" else dtype)
            case other:
                assert other == "complex64 where short is float32, else complex128"
                assert (made, wide) == ("complex64", "complex128")


def operand(name: str, text: str) -> Plan:
    if text == "null":
        return leaf(5, "bool" if name in LOGIC else "int64", valid=False, nulls=(7.0,))
    return number(VALUES[text] if text in VALUES else float(text) if "." in text else int(text))


@pytest.mark.parametrize("row", table("Nulls")[1:], ids=lambda row: f"{row[0]} {row[1]}")
@pytest.mark.parametrize("compat", [False, True])
def test_nulls(row: list[str], *, compat: bool) -> None:
    name = row[0].strip("`")
    args = tuple(operand(name, text) for text in row[1].split(", "))
    (made,) = listed(apply(name, *args, compat=compat))
    text = row[3 if compat else 2]
    wanted = VALUES[text] if text in VALUES else float(text)
    if isinstance(wanted, float) and isnan(wanted):
        assert isinstance(made, float)
        assert isnan(made)
    else:
        assert made == wanted
        assert (made is None) == (wanted is None)


@pytest.mark.parametrize("row", table("Reducers")[1:], ids=lambda row: row[0])
def test_reducers(row: list[str]) -> None:
    name = row[0].strip("`")
    parameters = (0.5,) if name == "quantile" else ()
    for head, wanted in zip(table("Reducers")[0][1:6], row[1:6], strict=True):
        dtype = head.removeprefix("of ")
        if wanted == "none":
            assert np.dtype(dtype).kind not in REDUCERS[name].takes
        else:
            assert reduce_fields(name, leaf([0], dtype).fields, parameters)[0].dtype == wanted
    for compat, text in zip((False, True), row[6:], strict=True):
        reduction = Reduction(
            operator=name,
            dtype="int16",
            shape=(),
            extent=(2,),
            parameters=parameters,
            compat=compat,
        )
        made, valid = reduce_cells(reduction, np.zeros(2, "int16"), np.zeros(2, bool), (0,))
        wanted_value = VALUES[text] if text in VALUES else int(text)
        assert (made.item() if valid else None) == wanted_value


def test_every_reducer_and_other_name_is_documented() -> None:
    assert {row[0].strip("`") for row in table("Reducers")[1:]} == REDUCERS.keys()
    section = TEXT.split("\n## Reducers\n")[1]
    assert all(f"`{name}`" in section for name in REDUCER_ALIASES)
