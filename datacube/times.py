"""Time: instants with a precision, and acquisitions with an area of validity.

All times are UTC and timezone-aware.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacube.errors import InvalidParameterError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PATTERN = re.compile(
    r"^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"(Z|[+-]\d{2}:?\d{2})?)?)?)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time as written: `[start, end)`, as long as its precision.

    `2015-01` is that month; a time with fractions of a second is an instant
    of one microsecond.
    """

    start: datetime
    end: datetime
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """One coefficient of a time axis."""

    reference: datetime
    """The coefficient; Sentinel-2: the start in the datatake id."""
    first: datetime
    """Start of the area of validity, inclusive."""
    last: datetime
    """End of the area of validity, inclusive."""

    def __post_init__(self) -> None:
        if not self.first <= self.reference <= self.last:
            raise ValueError(f"acquisition {self.reference} outside {self.first}..{self.last}")

    def touches(self, when: Period) -> bool:
        """Tell whether the area of validity and `when` have a moment in common."""
        return self.last >= when.start and self.first < when.end


def parse_period(text: str) -> Period:
    """Read an ISO 8601 time of any precision from year to microsecond.

    Digits beyond the microsecond are cut. Without a zone the time is UTC.

    Examples
    --------
    >>> parse_period("2015-02").end.isoformat()
    '2015-03-01T00:00:00+00:00'

    Raises
    ------
    InvalidParameterError
        If `text` is not such a time.
    """
    match = _PATTERN.match(text.strip().strip('"'))
    if match is None:
        raise _bad_time(text)
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        start = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=UTC,
        ) - _zone_offset(zone)
        if month is None:
            end = start.replace(year=start.year + 1)
        elif day is None:
            end = (start + timedelta(days=31)).replace(day=1)
        else:
            end = start + _length(hour, minute, second, fraction)
    except (ValueError, OverflowError) as error:
        raise _bad_time(text) from error
    return Period(start=start, end=end, text=text.strip().strip('"'))


def _length(
    hour: str | None, minute: str | None, second: str | None, fraction: str | None
) -> timedelta:
    if hour is None:
        return timedelta(days=1)
    if minute is None:
        return timedelta(hours=1)
    if second is None:
        return timedelta(minutes=1)
    if fraction is None:
        return timedelta(seconds=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(fraction)))


def _zone_offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return timedelta()
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone.startswith("-") else offset


def _bad_time(text: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"{text!r} is not a time; allowed is ISO 8601 in UTC, "
        "such as 2023, 2023-08, 2023-08-15 or 2023-08-15T09:50:31.024Z",
        parameter="time",
    )


def iso_text(when: datetime) -> str:
    """Write `when` as ISO 8601 in UTC, with as many fraction digits as it needs.

    >>> iso_text(datetime(2023, 8, 15, 9, 50, 31, 24000, tzinfo=UTC))
    '2023-08-15T09:50:31.024Z'
    """
    when = when.astimezone(UTC)
    precise = "seconds"
    if when.microsecond:
        precise = "microseconds" if when.microsecond % 1000 else "milliseconds"
    return when.replace(tzinfo=None).isoformat(timespec=precise) + "Z"


def to_micros(when: datetime) -> int:
    """Return microseconds since 1970; `when` must carry its zone."""
    return (when - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant in UTC."""
    return _EPOCH + timedelta(microseconds=micros)
