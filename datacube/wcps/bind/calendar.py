"""The functions that list times, for iterators to walk over.

`allyears`, `allmonths`, `alldays`, `allhours`, `allminutes` and `allseconds` of a time
domain list every such unit of the calendar from its first time to its last, empty ones
among them. `years`, `months`, `days`, `hours`, `minutes` and `seconds` list the parts
that the domain's times have, each once: `"2023"`, `"01"` to `"12"`, and so on. Given one
time in quotes, or a range `"2020-03":"2021"` of two, they list its units and parts; given an
iterator over times, the unit or part of each.
"""

from collections.abc import Mapping
from itertools import chain

from datacube.axes import TimeAxis
from datacube.errors import InvalidParameterError
from datacube.times import Period
from datacube.wcps import syntax
from datacube.wcps.bind.periods import (
    UNITS,
    extracted,
    of_axis,
    of_period,
    of_periods,
    parse_time,
    time_text,
)
from datacube.wcps.bind.scope import CallBinder, Scope, describe
from datacube.wcps.bind.values import Extents, Interval, Moments, Periods, Value, Words

_PARTS = {f"{unit}s": at for at, unit in enumerate(UNITS)}
_WHOLE = {f"all{unit}s": at for at, unit in enumerate(UNITS)}


def bind_times(expr: syntax.Call, scope: Scope) -> Value:
    """Bind a function that lists times.

    Raises
    ------
    InvalidParameterError
        If its argument is no time domain.
    LimitExceededError
        If the times are too many.
    """
    name = expr.function
    if len(expr.args) != 1:
        raise InvalidParameterError(f"{name} takes a time domain, not {len(expr.args)} arguments")
    parts = name in _PARTS
    unit = _PARTS[name] if parts else _WHOLE[name]
    if isinstance(expr.args[0], syntax.Between):
        low, high = _range(expr.args[0], scope)
        return Periods(texts=of_periods(low, high, unit, parts=parts))
    value = scope.bind(expr.args[0])
    match value:
        case Interval(axis=TimeAxis() as axis, indices=False):
            return Periods(texts=of_axis(axis, unit, parts=parts))
        case Extents(intervals=(Interval(axis=TimeAxis() as axis, indices=False),)):
            return Periods(texts=of_axis(axis, unit, parts=parts))
        case Words(text=text):
            return Periods(texts=of_period(parse_time(text), unit, parts=parts))
        case Moments(iterator=iterator, periods=periods):
            starts = [period.start for period in periods]
            texts = (
                tuple(chain.from_iterable(extracted((start,), unit) for start in starts))
                if parts
                else tuple(time_text(start, unit) for start in starts)
            )
            return Moments(iterator=iterator, texts=texts)
        case _:
            raise InvalidParameterError(
                f"{name} takes the domain of a time axis, as in {name}(domain($c, ansi)), "
                f"not {describe(value)}"
            )


def _range(expr: syntax.Between, scope: Scope) -> tuple[Period, Period]:
    """Return the two times of a range, either end perhaps computed: `domain($c, ansi).lo`."""
    found = []
    for bound in (expr.low, expr.high):
        value = scope.bind(bound)
        if not isinstance(value, Words):
            error = InvalidParameterError(
                f'a range of times is "2020-01":"2020-12", not {describe(value)}'
            )
            scope.locate(error, bound.span)
            raise error
        found.append(parse_time(value.text))
    return found[0], found[1]


CALLS: Mapping[str, CallBinder] = dict.fromkeys((*_PARTS, *_WHOLE), bind_times)
