"""Calendar time: steps, shifts, units and parts, against the calendar by hand."""

import pytest

from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.times import parse_period
from datacube.wcps.bind.periods import of_period, of_periods, parse_duration, parse_time, steps

STEPS = [
    ("2020-01", "2020-04", None, ("2020-01", "2020-02", "2020-03", "2020-04")),
    ("2020", "2022-05", None, ("2020", "2021", "2022")),
    ("2020-01-31", "2020-04-30", "P1M", ("2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30")),
    ("2020-02-29", "2022-12-31", "P1Y", ("2020-02-29", "2021-02-28", "2022-02-28")),
    ("2020-02-27", "2020-03-01", None, ("2020-02-27", "2020-02-28", "2020-02-29", "2020-03-01")),
    ("2020-04", "2020-01", "-P1M", ("2020-01", "2020-02", "2020-03", "2020-04")),
    ("2020-03-31", "2020-01-01", "P-1M", ("2020-01-31", "2020-02-29", "2020-03-31")),
    ("2020-01-01", "2020-01-20", "P1W", ("2020-01-01", "2020-01-08", "2020-01-15")),
    ("2020-01-01", "2020-01-01", "PT12H", ("2020-01-01T00", "2020-01-01T12")),
    (
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:01",
        "PT0.5S",
        (
            "2020-01-01T00:00:00Z",
            "2020-01-01T00:00:00.500Z",
            "2020-01-01T00:00:01Z",
            "2020-01-01T00:00:01.500Z",
        ),
    ),
]


@pytest.mark.parametrize(("low", "high", "step", "wanted"), STEPS)
def test_steps_go_by_the_calendar(
    low: str, high: str, step: str | None, wanted: tuple[str, ...]
) -> None:
    duration = None if step is None else parse_duration(step)
    assert steps(parse_period(low), parse_period(high), duration) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2023-01 P1M", "2023-02"),
        ("2015 P1M", "2015-02"),
        ("2020-01-31 P1M", "2020-02-29"),
        ("2020-03-01 -P1D", "2020-02-29"),
        ("2020-03-01 P-1D", "2020-02-29"),
        ("2020-03-31 P-1M", "2020-02-29"),
        ("2020-01-01 P1M-1D", "2020-01-31"),
        ("2020-01-01 PT-1S", "2019-12-31T23:59:59"),
        ("2020-12-31T23:59:59 PT1S", "2021-01-01T00:00:00"),
        ("2020-01-01 PT36H", "2020-01-02T12"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
    ],
)
def test_time_is_shifted_by_what_follows_it(text: str, wanted: str) -> None:
    assert parse_time(text).text == wanted


@pytest.mark.parametrize(
    ("text", "unit", "parts", "wanted"),
    [
        ("2020", 0, False, ("2020",)),
        ("2020-02", 2, False, tuple(f"2020-02-{day:02d}" for day in range(1, 30))),
        ("2020-02", 2, True, tuple(f"{day:02d}" for day in range(1, 30))),
        ("2020-02-03T04", 3, True, ("04",)),
    ],
)
def test_time_has_units_and_parts(
    text: str, unit: int, *, parts: bool, wanted: tuple[str, ...]
) -> None:
    assert of_period(parse_period(text), unit, parts=parts) == wanted


@pytest.mark.parametrize(
    ("low", "high", "unit", "parts", "wanted"),
    [
        ("2019-12-31T23", "2022", 0, True, ("2019", "2020", "2021", "2022")),
        ("2020-11-20", "2021-02", 1, False, ("2020-11", "2020-12", "2021-01", "2021-02")),
        ("2020-11-20", "2021-02", 1, True, ("01", "02", "11", "12")),
        ("2020-02-28", "2020-03-01", 2, True, ("01", "28", "29")),
        ("2020-02-28T22", "2020-02-29T01:30", 3, True, ("00", "01", "22", "23")),
    ],
)
def test_ranges_have_units_and_parts(
    low: str, high: str, unit: int, *, parts: bool, wanted: tuple[str, ...]
) -> None:
    assert of_periods(parse_period(low), parse_period(high), unit, parts=parts) == wanted


def test_ranges_that_end_before_they_start_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="end before they start"):
        of_periods(parse_period("2021"), parse_period("2020-12"), 1, parts=True)


@pytest.mark.parametrize("text", ["P", "P1", "PT", "1M", "P1M2", "P0D", "P1H", "month"])
def test_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [("2020-02", "2020-01", None), ("2020-01", "2020-02", "-P1D"), ("2020", "9999", "P9000Y")],
)
def test_steps_that_lead_nowhere_are_refused(low: str, high: str, step: str | None) -> None:
    duration = None if step is None else parse_duration(step)
    with pytest.raises(InvalidParameterError):
        steps(parse_period(low), parse_period(high), duration)


def test_more_times_than_can_be_listed_are_refused_with_their_number() -> None:
    with pytest.raises(LimitExceededError, match=r"3\.15e\+07 times"):
        of_period(parse_period("2021"), 5, parts=False)
