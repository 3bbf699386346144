from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.errors import InvalidParameterError
from datacube.times import iso_text, parse_period


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023", "2023-01-01T00:00:00", "2024-01-01T00:00:00"),
        ("2023-12", "2023-12-01T00:00:00", "2024-01-01T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("2024-02-29", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("2024-02-29T10", "2024-02-29T10:00:00", "2024-02-29T11:00:00"),
        ("2024-02-29T10:30Z", "2024-02-29T10:30:00", "2024-02-29T10:31:00"),
        ("2024-02-29T10:30:05Z", "2024-02-29T10:30:05", "2024-02-29T10:30:06"),
        ("2024-02-29T10:30:05.024Z", "2024-02-29T10:30:05.024", "2024-02-29T10:30:05.025"),
        ("2024-02-29T10:30:05+02:00", "2024-02-29T08:30:05", "2024-02-29T08:30:06"),
        ('"2024-02-29"', "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
    ],
)
def test_a_time_is_as_long_as_its_precision(text: str, start: str, end: str) -> None:
    period = parse_period(text)
    assert period.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert period.end == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2023-13",
        "2023-02-30",
        "2023-1-1",
        "9999999",
        "2024-01-01T25:00:00",
        "9999",
    ],
)
def test_what_is_no_time_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="allowed is ISO 8601"):
        parse_period(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001  # hypothesis takes naive bounds
def test_a_written_time_reads_back(naive: datetime) -> None:
    when = naive.replace(tzinfo=UTC)
    period = parse_period(iso_text(when))
    assert period.start == when
    assert period.end - period.start <= timedelta(seconds=1)
