"""Times as users of Python write them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from datacube.errors import InvalidParameterError
from datacube.times import Period, iso_text, parse_period
from ogc.zarr.address import OPEN, TimeCut

type Moment = str | date | datetime | np.datetime64
type Times = Moment | Sequence[Moment | None] | slice | None


def parse_times(times: Times) -> TimeCut | None:
    """Read a time, a pair or a slice of times; None keeps all.

    Text may be of any precision from year to microsecond, or an interval `start/end`.
    What has no zone is UTC.

    >>> str(parse_times(("2023-05", None)))
    '2023-05/..'

    Raises
    ------
    InvalidParameterError
        If it is none of these.
    """
    if times is None:
        return None
    if isinstance(times, slice):
        if times.step is not None:
            raise _refused(times)
        times = (times.start, times.stop)
    if isinstance(times, str):
        return TimeCut.parse(times)
    if isinstance(times, date | np.datetime64):
        return TimeCut.parse(_text(times))
    if len(times) != 2:
        raise _refused(times)
    start, end = (None if moment is None else _period(moment) for moment in times)
    return None if start is None and end is None else TimeCut(start=start, end=end)


def _period(moment: Moment) -> Period:
    return parse_period(moment if isinstance(moment, str) else _text(moment))


def _text(moment: date | np.datetime64) -> str:
    if isinstance(moment, np.datetime64):
        moment = pd.Timestamp(moment).to_pydatetime()
    if not isinstance(moment, datetime):
        return moment.isoformat()
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return iso_text(aware)


def _refused(times: object) -> InvalidParameterError:
    return InvalidParameterError(
        f"time {times!r} is not allowed; allowed is a time, a pair (start, end), of which one "
        f"may be None, or 'start/end', of which one may be {OPEN!r}",
        parameter="time",
    )
