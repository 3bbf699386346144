"""Numbers of a CF time coordinate as instants."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from datacube.errors import InvalidParameterError, UnsupportedSourceError
from datacube.times import parse_period

_UNITS = re.compile(r"^\s*(\w+)\s+since\s+(.+?)\s*$")
_SECONDS = {
    **dict.fromkeys(("microsecond", "microseconds", "us"), 1e-6),
    **dict.fromkeys(("millisecond", "milliseconds", "msec", "msecs", "ms"), 1e-3),
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1.0),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), 60.0),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3600.0),
    **dict.fromkeys(("day", "days", "d"), 86400.0),
}
_REAL = frozenset(("standard", "gregorian", "proleptic_gregorian"))
_NO_LEAP = frozenset(("noleap", "365_day"))


def decode_times(
    values: Iterable[float], units: str, calendar: str = "standard"
) -> tuple[datetime, ...]:
    """Return the instants of numbers `units` (`days since 1970-01-01`), to the microsecond.

    The calendar without leap days is read, too: each of its days is a day of the common one.

    >>> decode_times([365.0], "days since 2020-01-01", "noleap")[0].isoformat()
    '2021-01-01T00:00:00+00:00'

    Raises
    ------
    UnsupportedSourceError
        If units or calendar have no instants, as 360-day years have a 30 February.
    """
    match = _UNITS.match(units)
    factor = _SECONDS.get(match[1].casefold()) if match else None
    if match is None or factor is None:
        raise UnsupportedSourceError(
            f"times have the unit {units!r}; allowed is N since DATE, N from microseconds to days"
        )
    start = _epoch(match[2])
    kind = calendar.casefold()
    try:
        if kind in _REAL:
            return tuple(start + _span(value * factor) for value in values)
        if kind in _NO_LEAP:
            return tuple(_no_leap(start, value * factor) for value in values)
    except (OverflowError, ValueError) as error:
        raise UnsupportedSourceError(f"a time lies outside the years 1 to 9999: {error}") from error
    raise UnsupportedSourceError(
        f"times are of the calendar {calendar!r}; allowed are {', '.join(sorted(_REAL | _NO_LEAP))}"
    )


def _epoch(text: str) -> datetime:
    plain = re.sub(r"\s*(?:UTC|GMT)$", "", text.strip(), flags=re.IGNORECASE)
    plain = re.sub(r"\s+([+-]\d{1,2}:?\d{2}|Z)$", r"\1", plain)
    # 1-1-1 0:0:0 and the like are usual.
    parts = re.match(
        r"^(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(:\d{1,2})?)?", plain
    )
    if parts:
        year, month, day, hour, minute, second = parts.groups()
        clock = f"T{int(hour):02}:{int(minute):02}:{int((second or ':0')[1:]):02}" if hour else ""
        plain = f"{int(year):04}-{int(month):02}-{int(day):02}{clock}{plain[parts.end() :]}"
    try:
        return parse_period(plain).start
    except InvalidParameterError as error:
        raise UnsupportedSourceError(f"times count from {text!r}, which is no time") from error


def _span(seconds: float) -> timedelta:
    days, rest = divmod(seconds, 86400)
    return timedelta(days=days, microseconds=round(rest * 1e6))


def _no_leap(start: datetime, seconds: float) -> datetime:
    day_of_year = (start - start.replace(month=1, day=1)).days
    if start.month > 2 and _leap(start.year):
        day_of_year -= 1
    whole, rest = divmod(seconds + (start.hour * 60 + start.minute) * 60 + start.second, 86400)
    years, day = divmod(day_of_year + int(whole), 365)
    # 2001 has no leap day, so its days are those of every year of this calendar.
    date = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return date.replace(year=start.year + years) + timedelta(microseconds=round(rest * 1e6))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
