"""Arithmetic of iterators, and what they walk over."""

import pytest

from datacube.axes import IrregularAxis, RegularAxis, TimeAxis
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.wcps.bind.iterations import listed, stepped
from datacube.wcps.bind.iterators import index_operation
from datacube.wcps.bind.values import Constant, Index, Moments, Value, Words

X = Index(offset=0, terms=(("x", 1),))
Y = Index(offset=3, terms=(("y", -2),))
FIVE = Index(offset=5, terms=())
YEARS = Moments(iterator="t", texts=("2020", "2021"))


def number(value: complex) -> Constant:
    return Constant(value=value)


CASES: list[tuple[str, tuple[Value, ...], Value | None]] = [
    ("+", (X, number(2)), Index(offset=2, terms=(("x", 1),))),
    ("+", (X, Y), Index(offset=3, terms=(("x", 1), ("y", -2)))),
    ("-", (X, X), Index(offset=0, terms=())),
    ("-", (number(9), Y), Index(offset=6, terms=(("y", 2),))),
    ("-", (Y,), Index(offset=-3, terms=(("y", 2),))),
    ("*", (number(4), Y), Index(offset=12, terms=(("y", -8),))),
    ("*", (X, number(0)), Index(offset=0, terms=())),
    ("*", (FIVE, X), Index(offset=0, terms=(("x", 5),))),
    ("*", (X, Y), None),
    ("+", (X, number(0.5)), None),
    ("+", (X, Constant(value=True)), None),
    ("*", (number(2**40), Index(offset=2**40, terms=())), None),
    ("concat", (YEARS, Words(text="-05")), Moments(iterator="t", texts=("2020-05", "2021-05"))),
    (
        "concat",
        (Words(text="2020-0"), Index(offset=5, terms=())),
        Words(text="2020-05"),
    ),
    ("concat", (YEARS, X), None),
    ("+", (YEARS, Words(text="P1M")), Moments(iterator="t", texts=("2020-02", "2021-02"))),
    ("-", (Words(text="2020-01-01"), Words(text="P1D")), Words(text="2019-12-31")),
    ("-", (Words(text="2020-01-01"), Words(text="-P1D")), Words(text="2020-01-02")),
    ("*", (YEARS, number(2)), None),
]


@pytest.mark.parametrize(("operator", "values", "wanted"), CASES)
def test_iterators_compute(operator: str, values: tuple[Value, ...], wanted: Value | None) -> None:
    assert index_operation(operator, values) == wanted


@pytest.mark.parametrize(
    ("bounds", "step", "places"),
    [
        ((1, 5), None, [1, 2, 3, 4, 5]),
        ((-1, 1), None, [-1, 0, 1]),
        ((3.0, 4.0), None, [3, 4]),
        ((0, 9), 4, [0, 4, 8]),
        ((5, 1), -2, [5, 3, 1]),
    ],
)
def test_whole_places_are_affine(
    bounds: tuple[float, float], step: int | None, places: list[int]
) -> None:
    made = stepped("x", "axis", bounds, step)
    assert isinstance(made.axis, RegularAxis)
    assert made.axis.coordinates().tolist() == places
    assert [made.standing(at) for at in range(made.axis.size)] == [
        Index(offset=place, terms=()) for place in places
    ]


def test_steps_between_whole_numbers_have_values_in_between() -> None:
    made = stepped("x", "axis", (0, 1), 0.25)
    assert made.numbers == pytest.approx((0, 0.25, 0.5, 0.75, 1))
    assert stepped("x", "axis", (0.0, 0.3), 0.1).axis.size == 4


def test_listed_places_keep_their_kind() -> None:
    assert isinstance(listed("t", "ansi", ("2020-01", "2020-03")).axis, TimeAxis)
    assert listed("x", "x", (2, 4, 6)).factor == 2
    uneven = listed("x", "x", (1, 5, 7))
    assert isinstance(uneven.axis, IrregularAxis)
    assert uneven.standing(1) == Index(offset=5, terms=())
    assert listed("x", "x", (1.5, 2.5)).standing(0) == Constant(value=1.5)


@pytest.mark.parametrize(
    ("bounds", "step"),
    [
        ((5, 1), None),
        ((0, 5), -1),
        ((0, 5), 0),
        ((0, 2**60), None),
        (("2020", 3), None),
        ((0, 5), "P1M"),
        (("2020", "2021"), 3),
        (("2020", "2019"), None),
    ],
)
def test_places_that_are_none_are_refused(
    bounds: tuple[float | str, float | str], step: float | str | None
) -> None:
    with pytest.raises(InvalidParameterError):
        stepped("x", "axis", bounds, step)


@pytest.mark.parametrize("values", [(2.5, 1.5), (1.5, 1.5), ("2021", "2020"), ("2020", 1)])
def test_listed_places_ascend_and_are_of_one_kind(values: tuple[float | str, ...]) -> None:
    with pytest.raises(InvalidParameterError):
        listed("x", "axis", values)


def test_real_places_are_limited_and_indices_are_not() -> None:
    with pytest.raises(LimitExceededError, match="at most 1,000,000"):
        stepped("x", "axis", (0, 10), 1e-6)
    assert stepped("x", "axis", (0, 10**12), None).axis.size == 10**12 + 1
