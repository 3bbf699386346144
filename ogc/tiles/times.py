"""The time of a tile or a map, as WMTS, XYZ and OGC API spell it."""

import re
from datetime import UTC, datetime, timedelta

from datacube.errors import InvalidParameterError
from datacube.plan.query import MapTime
from datacube.times import Period, parse_period
from ogc.kvp import shown

_ALLOWED = (
    "allowed are an instant, a period such as 2023-08, start/end where one end may be '..', "
    "current, or default"
)
_SEPARATOR = re.compile(r"/|--")
"""`--` stands for `/` where a path would be cut at it."""
_DURATION = re.compile(r"P[0-9A-Z.]{1,40}")
_OPEN = frozenset({"", ".."})
_FIRST = datetime(2, 1, 1, tzinfo=UTC)
"""Half a day is taken off and added to times, which Python's calendar must still hold."""
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_EVER = (
    Period(start=_FIRST, end=_FIRST + _DAY, text=".."),
    Period(start=_LAST - _DAY, end=_LAST, text=".."),
)
"""The open ends of an interval."""
_MOST_CHARACTERS = 200


def parse_map_time(text: str, parameter: str) -> MapTime:
    """Read a time; empty, `default` and `current` are the newest valid pixels.

    >>> time = parse_map_time("2023-08/2023-10", "TIME")
    >>> str(time.start), str(time.end)
    ('2023-08', '2023-10')

    Raises
    ------
    InvalidParameterError
        Under the name of `parameter`.
    """
    text = text.strip()
    if text.casefold() in {"", "default", "current"}:
        return MapTime()
    parts = [part.strip() for part in _SEPARATOR.split(text[:_MOST_CHARACTERS])]
    # Clients may send a value of a list as it is advertised: `first/last/P1D`.
    if len(parts) == 3 and _DURATION.fullmatch(parts[2]):
        del parts[2]
    if len(text) > _MOST_CHARACTERS or len(parts) > 2:
        raise InvalidParameterError(
            f"{parameter} {shown(text)} is no time; {_ALLOWED}", parameter=parameter
        )
    try:
        if len(parts) == 1:
            return MapTime(instant=_period(parts[0]))
        start, end = (
            ever if part in _OPEN else _period(part)
            for part, ever in zip(parts, _EVER, strict=True)
        )
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"{parameter} {shown(text)} is no time; {_ALLOWED}", parameter=parameter
        ) from error
    if end.end <= start.start:
        raise InvalidParameterError(
            f"{parameter} {shown(text)} ends before it starts; {_ALLOWED}", parameter=parameter
        )
    return MapTime(start=start, end=end)


def _period(text: str) -> Period:
    period = parse_period(text)
    if period.start < _FIRST or period.end > _LAST:
        raise InvalidParameterError(f"{text} is beyond the years 2 to 9998")
    return period
