import pytest

from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.functions import FUNCTIONS, apply, result_fields
from datacube.plan.nodes import Literal
from datacube.plan.rules.examples import part, scan


@pytest.mark.parametrize(
    ("name", "types", "result"),
    [
        # The table of rasdaman's coercion.
        ("+", ("uint8", "uint8"), "uint16"),
        ("+", ("uint8", "uint16"), "uint32"),
        ("+", ("uint8", "int16"), "int32"),
        ("*", ("int16", "int16"), "int32"),
        ("*", ("int32", "int32"), "int64"),
        ("+", ("bool", "int16"), "int16"),
        ("+", ("int16", "float32"), "float32"),
        ("+", ("int32", "float32"), "float64"),
        ("+", ("uint8", "float64"), "float64"),
        ("+", ("uint8", "uint8", "uint8"), "uint32"),
        ("-", ("uint8", "uint8"), "int16"),
        ("-", ("uint16", "uint16"), "int32"),
        ("/", ("int16", "uint8"), "float32"),
        ("/", ("int32", "int32"), "float64"),
        ("/", ("float32", "int16"), "float32"),
        ("sqrt", ("int16",), "float32"),
        ("ln", ("int32",), "float64"),
        ("abs", ("int16",), "int16"),
        ("max", ("uint8", "int16"), "int16"),
        ("<", ("int16", "float64"), "bool"),
        ("not", ("bool",), "bool"),
    ],
)
def test_types(name: str, types: tuple[str, ...], result: str) -> None:
    assert FUNCTIONS[name].result(types) == result


def test_a_literal_is_as_wide_as_its_value() -> None:
    two = Literal(value=2, domain=part(0, 8))
    assert result_fields("*", (scan(), two))[0].dtype == "int32"
    half = Literal(value=0.5, domain=part(0, 8))
    assert result_fields("*", (scan(), half))[0].dtype == "float64"


def test_one_field_goes_with_every_field_of_the_other() -> None:
    both = apply("-", Literal(value=1, domain=part(0, 8)), scan("B02", "B03"))
    assert [f.name for f in both.fields] == ["B02", "B03"]
    with pytest.raises(InvalidParameterError, match="numbers differ"):
        apply("+", scan("A", "B"), scan("A", "B", "C"))


def test_unknown_functions_and_wrong_numbers_of_arguments() -> None:
    with pytest.raises(UnknownNameError, match="unknown function 'median'"):
        apply("median", scan())
    with pytest.raises(InvalidParameterError, match="takes 2 arguments, not 1"):
        apply("-", scan())
    with pytest.raises(InvalidParameterError, match="takes 2 or more arguments, not 1"):
        apply("+", scan())
