"""Calendar time in queries: shifted times, steps, units and parts of times."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datacube.axes import TimeAxis
from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.times import Period, iso_text, parse_period

UNITS = ("year", "month", "day", "hour", "minute", "second")
"""Units of the calendar, coarsest first."""
INSTANT = len(UNITS)
"""The unit of times with fractions of a second."""
MOST_TIMES = 100_000
"""Most times that one expression may list."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMATS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_PARTS = ("%Y", "%m", "%d", "%H", "%M", "%S")
_WRITTEN = re.compile(
    r"^\d{4}(-\d\d)?(-\d\d)?([T ]\d\d)?(:\d\d)?(:\d\d)?([.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?$"
)
_DURATION = re.compile(
    r"^(?P<sign>[+-])?P(?=T?-?\d)(?:(?P<years>-?\d+)Y)?(?:(?P<months>-?\d+)M)?"
    r"(?:(?P<weeks>-?\d+)W)?(?:(?P<days>-?\d+)D)?(?:T(?:(?P<hours>-?\d+)H)?"
    r"(?:(?P<minutes>-?\d+)M)?(?:(?P<seconds>-?\d+(?:\.\d{1,6})?)S)?)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A length of time as ISO 8601 writes it; months and years are the calendar's."""

    months: int
    length: timedelta
    """Without the months."""
    unit: int
    """Its finest unit, as an index of `UNITS`, or `INSTANT`."""

    def after(self, when: datetime, times: int = 1) -> datetime:
        """Return the moment that lies `times` durations after `when`.

        A day that a month lacks becomes the month's last.

        Raises
        ------
        InvalidParameterError
            If the moment lies outside the years 1 to 9999.
        """
        months = when.year * 12 + when.month - 1 + times * self.months
        year, month = divmod(months, 12)
        try:
            first = when.replace(year=year, month=month + 1, day=1)
            moved = first + timedelta(days=when.day - 1)
            while moved.month != first.month:
                moved -= timedelta(days=1)
            return moved + times * self.length
        except (ValueError, OverflowError) as error:
            raise InvalidParameterError(
                f"a time {times} times the duration after {iso_text(when)} is out of range"
            ) from error


def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration, such as `P1M`, `P16D`, `-P1Y`, `P1M-3D` or `PT6H`.

    >>> parse_duration("P1Y2M").months, parse_duration("-PT90S").length.total_seconds()
    (14, -90.0)

    Raises
    ------
    InvalidParameterError
        If `text` is no such duration.
    """
    match = _DURATION.match(text.strip())
    if match is None:
        raise InvalidParameterError(
            f"{text!r} is no duration; allowed is ISO 8601, such as P1M, P16D, P1Y or PT6H"
        )
    count = {name: float(match[name] or 0) for name in match.groupdict() if name != "sign"}
    sign = -1 if match["sign"] == "-" else 1
    try:
        length = timedelta(
            days=count["days"] + 7 * count["weeks"],
            hours=count["hours"],
            minutes=count["minutes"],
            seconds=count["seconds"],
        )
    except OverflowError as error:
        raise InvalidParameterError(f"the duration {text!r} is too long") from error
    months = int(12 * count["years"] + count["months"])
    if not months and not length:
        raise InvalidParameterError(f"the duration {text!r} has no length")
    present = [name for name in ("years", "months", "days", "hours", "minutes") if match[name]]
    if match["weeks"]:
        present.append("days")
    unit = max((UNITS.index(name[:-1]) for name in present), default=0)
    if match["seconds"]:
        unit = INSTANT if "." in match["seconds"] else UNITS.index("second")
    return Duration(months=sign * months, length=sign * length, unit=unit)


def parse_time(text: str) -> Period:
    """Read a time of any precision, perhaps shifted by a duration that follows a blank.

    A shifted time is as precise as the finer of time and duration.

    >>> parse_time("2023-01 P1M").text, parse_time("2023 -P1D").text
    ('2023-02', '2022-12-31')

    Raises
    ------
    InvalidParameterError
        If `text` is no such time.
    """
    written, _, shift = text.strip().strip('"').rpartition(" ")
    if not written or "P" not in shift:
        return parse_period(text)
    duration = parse_duration(shift)
    period = parse_period(written.strip())
    unit = max(unit_of(period), duration.unit)
    return parse_period(time_text(duration.after(period.start), unit))


def unit_of(period: Period) -> int:
    """Return how precise a time was written, as an index of `UNITS`, or `INSTANT`."""
    match = _WRITTEN.match(period.text)
    return sum(1 for group in match.groups() if group) if match else INSTANT


def time_text(when: datetime, unit: int) -> str:
    """Write a time as precisely as `unit`.

    >>> time_text(parse_period("2023-08-15T10:20").start, 1)
    '2023-08'
    """
    return iso_text(when) if unit >= INSTANT else when.strftime(_FORMATS[unit]).zfill(4)


def seconds(when: datetime) -> float:
    """Return the seconds since 1970.

    >>> seconds(parse_period("1970-01-02").start)
    86400.0
    """
    return (when - EPOCH).total_seconds()


def steps(low: Period, high: Period, step: Duration | None) -> tuple[str, ...]:
    """List the times from `low` on, a step apart, that do not lie after `high`.

    Without a step they are as far apart as `low` is precise. They are written as
    precisely as the finer of `low` and the step. A negative step counts back from `low`
    as long as times do not lie before `high`; they are listed in ascending order too.

    Raises
    ------
    InvalidParameterError
        If the step leads away from `high`.
    LimitExceededError
        If they are more than `MOST_TIMES`.
    """
    if step is None:
        step = parse_duration(("P1Y", "P1M", "P1D", "PT1H", "PT1M", "PT1S", "PT1S")[unit_of(low)])
    unit = max(unit_of(low), step.unit)
    forward = step.after(low.start) > low.start
    if low.start >= high.end if forward else low.start < high.start:
        way = "" if forward else ", and the step is negative"
        raise InvalidParameterError(f"times from {low} to {high} end before they start{way}")
    far = high.end if forward else high.start
    _check_number((far - low.start) / (step.after(low.start) - low.start), low, high)
    found: list[str] = []
    at = low.start
    while at < far if forward else at >= far:
        found.append(time_text(at, unit))
        at = step.after(low.start, len(found))
    return tuple(found) if forward else tuple(reversed(found))


def _check_number(number: float, low: object, high: object) -> None:
    if number > MOST_TIMES:
        raise LimitExceededError(
            f"about {number:.3g} times from {low} to {high}; at most {MOST_TIMES:,} are listed"
        )


def truncated(first: datetime, last: datetime, unit: int) -> tuple[str, ...]:
    """List every unit of the calendar from that of `first` to that of `last`.

    >>> truncated(parse_period("2022-11-20").start, parse_period("2023-01").start, 1)
    ('2022-11', '2022-12', '2023-01')
    """
    low, high = (parse_period(time_text(when, unit)) for when in (first, last))
    return steps(low, high, None)


def extracted(moments: tuple[datetime, ...], unit: int) -> tuple[str, ...]:
    """List the parts that times have, each once, ascending.

    >>> extracted((parse_period("2022-11-20").start, parse_period("2023-11").start), 1)
    ('11',)
    """
    return tuple(sorted({when.strftime(_PARTS[unit]).zfill(2) for when in moments}))


def of_axis(axis: TimeAxis, unit: int, *, parts: bool) -> tuple[str, ...]:
    """List the units from an axis' first time to its last, or the parts that its times have."""
    references = tuple(acquisition.reference for acquisition in axis)
    if parts:
        return extracted(references, unit)
    return truncated(references[0], references[-1], unit)


def of_periods(low: Period, high: Period, unit: int, *, parts: bool) -> tuple[str, ...]:
    """List the units touched from the first moment of `low` to the last of `high`, or their parts.

    >>> of_periods(parse_period("2022-11-20"), parse_period("2023-01"), 1, parts=True)
    ('01', '11', '12')

    Raises
    ------
    InvalidParameterError
        If `high` ends before `low` starts.
    LimitExceededError
        If they are more than `MOST_TIMES`.
    """
    if high.end <= low.start:
        raise InvalidParameterError(f"times from {low} to {high} end before they start")
    whole = truncated(low.start, high.end - timedelta(microseconds=1), unit)
    return extracted(tuple(parse_period(text).start for text in whole), unit) if parts else whole


def of_period(period: Period, unit: int, *, parts: bool) -> tuple[str, ...]:
    """List the units that a time touches, or with `parts` their parts.

    >>> of_period(parse_period("2023"), 1, parts=False)[-1]
    '2023-12'
    """
    return of_periods(period, period, unit, parts=parts)
