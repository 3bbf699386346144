"""Dimensions of layers: how they are advertised, and how requests choose on them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

from datacube.acquisitions import Acquisitions, day_values, even_step
from datacube.axes import PlaceAxis, RegularAxis
from datacube.cube import Coverage, MapAxis
from datacube.errors import InvalidParameterError
from datacube.plan.bind_map_axes import default_text, layer_axes, map_axis
from datacube.plan.query import AxisChoice, MapTime
from datacube.times import Period, iso_text, parse_period
from datacube.wcps.bind.periods import parse_duration, steps
from ogc.kvp import Kvp, shown

MAX_VALUES = 1000
"""Above so many, values are advertised as one interval: long lists freeze clients."""
MAX_ASKED_VALUES = 10_000
"""Values of a list in a request; of times the engine's limit is lower."""
ELEVATION = "elevation"
VERTICAL = (ELEVATION, "height", "altitude", "depth", "z", "level")
"""Axes that ELEVATION chooses on."""
_NUMBER = r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
_VALUE = re.compile(rf"({_NUMBER})(?:/({_NUMBER})(?:/{_NUMBER})?)?")
_LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
_NOW = Period(start=_LAST_DAY, end=_LAST_DAY.replace(hour=23, minute=59, second=59), text="current")
"""The open end of `start/current`."""
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_TIME_ALLOWED = (
    "allowed are an instant, a period such as 2023-08, start/end, start/end/step, current, "
    "and lists of these with commas"
)


class DimensionValueError(InvalidParameterError):
    """What is asked of a dimension cannot be read."""

    code = "dimension-value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A dimension as capabilities tell of it."""

    name: str
    """As requests call it: `time`, `elevation`, or after `DIM_`."""
    units: str
    symbol: str
    """Short for the units, or empty."""
    values: str
    default: str
    """Empty where a map has to choose."""
    current: bool = False
    """Whether `current` is a value."""
    nearest: bool = True
    """Whether a value that is none of them means the nearest."""
    several: bool = True
    """Whether one map may show several values."""


def layer_dimensions(
    coverages: Sequence[Coverage], newest: datetime | None, default_days: int
) -> tuple[Dimension, ...]:
    """Return the dimensions of a layer, time first."""
    made = [
        _place_dimension(axes[0], map_axis(name, coverages))
        for name, axes in layer_axes(coverages).items()
    ]
    times = [coverage.time.times for coverage in coverages if coverage.time is not None]
    if times and newest is not None:
        first = newest - timedelta(days=default_days)
        made.insert(
            0,
            Dimension(
                name="time",
                units="ISO8601",
                symbol="",
                values=_time_values(times),
                default=f"{iso_text(first)}/{iso_text(newest)}",
                current=True,
            ),
        )
    return tuple(made)


def _time_values(times: Sequence[Acquisitions]) -> str:
    """Advertise even steps below a day as an interval, and else UTC days."""
    step = even_step(times, unit=_SECOND)
    if step is not None and step < _DAY:
        first = min(one.summary.first for one in times)
        last = max(one.summary.last for one in times)
        return f"{iso_text(first)}/{iso_text(last)}/PT{step.seconds}S"
    return ",".join(day_values(times, most=MAX_VALUES))


def _place_dimension(axis: PlaceAxis, rule: MapAxis) -> Dimension:
    coordinates = [f"{value:.9g}" for value in axis.coordinates()]
    values = ",".join(coordinates)
    if isinstance(axis, RegularAxis) and len(coordinates) > 2:
        values = f"{coordinates[0]}/{coordinates[-1]}/{abs(axis.step):.9g}"
    elif len(coordinates) > MAX_VALUES:
        values = f"{coordinates[0]}/{coordinates[-1]}/0"
    elevation = axis.name.casefold() == ELEVATION
    return Dimension(
        name=ELEVATION if elevation else axis.name,
        # OGC 06-042, C.2: elevations name a vertical CRS.
        units="CRS:88" if elevation else axis.uom,
        symbol=axis.uom,
        values=values,
        default="" if rule.required else default_text(rule, axis),
        nearest=rule.nearest,
        several=rule.several,
    )


def parse_choices(kvp: Kvp) -> tuple[AxisChoice, ...]:
    """Read ELEVATION and every `DIM_*`.

    ELEVATION chooses on any vertical axis that is not named by a `DIM_*` of its own.

    Raises
    ------
    DimensionValueError
        If a value is neither a number nor an interval of two.
    """
    found: dict[str, AxisChoice] = {}
    for name in dict.fromkeys(key for key, _ in kvp if key.startswith("dim_")):
        axis = name.removeprefix("dim_")
        text = kvp.one(name, default="")
        if text and axis and text.casefold() != "default":
            found[axis] = AxisChoice(axis=axis, values=_values(text, name.upper()))
    text = kvp.one(ELEVATION, default="")
    if text and text.casefold() != "default":
        values = _values(text, "ELEVATION")
        for axis in VERTICAL:
            found.setdefault(axis, AxisChoice(axis=axis, values=values))
    return tuple(found.values())


def _values(text: str, name: str) -> tuple[tuple[float, float], ...]:
    parts = [part.strip().replace(" ", "+") for part in text.split(",")]
    if len(parts) > MAX_ASKED_VALUES:
        raise _bad(name, text, f"allowed are {MAX_ASKED_VALUES} values")
    found = []
    for part in parts:
        match = _VALUE.fullmatch(part)
        if match is None:
            raise _bad(name, text, "allowed are numbers, low/high, and lists of these with commas")
        low, high = float(match[1]), float(match[2] or match[1])
        if not (isfinite(low) and isfinite(high) and low <= high):
            raise _bad(name, text, "allowed are finite numbers, the lower one first")
        found.append((low, high))
    return tuple(found)


def parse_time(text: str) -> MapTime:
    """Read TIME; nothing and `current` alone are the default of layers.

    A list of a step above a day is its days one by one; with a shorter step it is the whole
    interval, since what is nearest within 12 hours leaves no gap.

    Raises
    ------
    InvalidParameterError
    """
    values: list[MapTime] = []
    for part in text.split(","):
        values += _time_value(part.strip(), text)
        if len(values) > MAX_ASKED_VALUES:
            raise _bad("TIME", text, f"allowed are {MAX_ASKED_VALUES} values")
    first, *further = dict.fromkeys(values)
    return MapTime(instant=first.instant, start=first.start, end=first.end, further=tuple(further))


def _time_value(part: str, text: str) -> list[MapTime]:
    if part.casefold() in {"", "current", "default"}:
        return [MapTime()]
    ends = [end.strip() for end in part.split("/")]
    if len(ends) == 1:
        return [MapTime(instant=parse_period(part))]
    if len(ends) > 3:
        raise _bad("TIME", text, _TIME_ALLOWED)
    start = parse_period(ends[0])
    end = _NOW if ends[1].casefold() == "current" else parse_period(ends[1])
    if end.end <= start.start:
        raise _bad("TIME", text, f"it ends before it starts; {_TIME_ALLOWED}")
    if len(ends) == 3 and end is not _NOW:
        return _stepped(start, end, ends[2], text)
    return [MapTime(start=start, end=end)]


def _stepped(start: Period, end: Period, step: str, text: str) -> list[MapTime]:
    try:
        duration = parse_duration(step)
    except InvalidParameterError as error:
        raise _bad("TIME", text, f"{error}; {_TIME_ALLOWED}") from error
    after = duration.after(start.start) - start.start
    if after <= _DAY:
        return [MapTime(start=start, end=end)]
    if (end.end - start.start) / after > MAX_ASKED_VALUES:
        raise _bad("TIME", text, f"allowed are {MAX_ASKED_VALUES} values")
    return [MapTime(instant=parse_period(one)) for one in steps(start, end, duration)]


def is_series(time: MapTime) -> bool:
    """Tell whether a time means several: a list, an interval, or a period above a day."""
    long = time.instant is not None and time.instant.end - time.instant.start > _DAY
    return bool(time.further) or time.start is not None or long


def _bad(name: str, text: str, allowed: str) -> DimensionValueError:
    return DimensionValueError(f"{name} {shown(text)} is not allowed: {allowed}", parameter=name)
