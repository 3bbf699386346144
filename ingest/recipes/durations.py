"""Durations of ISO 8601, counted by the calendar."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

_PATTERN = re.compile(
    r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Months, whose length the calendar says, and a span of fixed length."""

    months: int
    span: timedelta

    def after(self, start: datetime, times: int = 1) -> datetime:
        """Return `start` plus `times` durations; the last day of a shorter month at most.

        >>> from datetime import UTC
        >>> parse_duration("P1M").after(datetime(2023, 1, 31, tzinfo=UTC)).day
        28
        """
        month = start.year * 12 + start.month - 1 + self.months * times
        year, month = month // 12, month % 12 + 1
        day = min(start.day, monthrange(year, month)[1])
        return start.replace(year=year, month=month, day=day) + self.span * times


def parse_duration(text: str) -> Duration:
    """Read `P1M`, `P10D`, `PT6H` or the like.

    >>> parse_duration("P1Y2M").months
    14

    Raises
    ------
    ValueError
        If it is no duration, or a duration of nothing.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; allowed is ISO 8601, as P1M, P10D or PT6H")
    years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in match.groups())
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    found = Duration(months=12 * years + months, span=span)
    if not found.months and not found.span:
        raise ValueError(f"{text!r} is a duration of nothing")
    return found
