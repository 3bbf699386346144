"""Palettes of colour rules, and cells as indices into them."""

from functools import lru_cache
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid, Values
from datacube.plan.colour import (
    Classes,
    ColourRule,
    Composite,
    Grey,
    Intervals,
    Ramp,
    Stop,
    Stretch,
)

type Bytes2D = NDArray[np.uint8]
"""Shape `(rows, columns)`."""

_TABLE_SIZE = 65_536
_RAMP_COLOURS = 255
"""One less than a palette holds: the last is for what is transparent."""
_EVEN = 64
"""Stops that are at least this part of the ramp apart are drawn in even steps."""


@lru_cache(maxsize=64)
def palette(rule: ColourRule) -> NDArray[np.uint8]:
    """Return the colours of a rule, shape `(n, 4)`: red, green, blue, alpha; not to be changed.

    Raises
    ------
    TypeError
        If it is a composite, which has no palette.
    """
    match rule:
        case Grey(alpha=alpha):
            colours = np.repeat(np.arange(256)[:, np.newaxis], 3, axis=1)
            colours = np.column_stack([colours, np.full(256, alpha)])
        case Ramp(stops=stops):
            places = _ramp_places(stops)
            at = [stop.value for stop in stops]
            rgba = [(*stop.rgb, stop.alpha) for stop in stops]
            colours = np.stack(
                [np.interp(places, at, channel) for channel in np.transpose(rgba)], axis=1
            )
        case Intervals(intervals=intervals):
            colours = np.array([(*i.rgb, i.alpha) for i in intervals])
        case Classes(classes=classes):
            colours = np.array([(*c.rgb, c.alpha) for c in classes])
        case Composite():
            raise TypeError("a composite has no palette")
        case _:
            assert_never(rule)
    made = np.rint(colours).astype(np.uint8)
    made[made[:, 3] == 0] = 0
    made.flags.writeable = False
    return made


def _knots(stops: tuple[Stop, ...]) -> NDArray[np.float64] | None:
    """Return the index of each stop in an uneven palette; None where even steps will do.

    Half of the colours go by the width of a segment, half are dealt out equally, so that the
    narrow parts of a ramp keep their shades.
    """
    at = np.array([stop.value for stop in stops])
    widths = np.diff(at) / (at[-1] - at[0])
    if widths.min() >= 1 / _EVEN:
        return None
    shares = (widths + 1 / len(widths)) / 2
    knots: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(shares)])
    knots *= (_RAMP_COLOURS - 1) / shares.sum()
    return knots


def _ramp_places(stops: tuple[Stop, ...]) -> NDArray[np.float64]:
    """Return the value that each colour of a ramp stands for."""
    knots = _knots(stops)
    if knots is None:
        return np.linspace(stops[0].value, stops[-1].value, _RAMP_COLOURS)
    return np.interp(np.arange(_RAMP_COLOURS), knots, [stop.value for stop in stops])


def shade_ramp(values: Values, ramp: Ramp) -> Bytes2D:
    """Return indices into the ramp's palette; values beyond its ends take the end's."""
    stops = ramp.stops
    knots = _knots(stops)
    if knots is None:
        low, high = stops[0].value, stops[-1].value
        return _scaled(values, low, high, _RAMP_COLOURS - 1).astype(np.uint8)
    # What stands where a cell is not valid may be NaN, and is not looked at.
    places = np.interp(np.nan_to_num(values), [stop.value for stop in stops], knots)
    return np.rint(places).astype(np.uint8)


def shade_intervals(values: Values, rule: Intervals) -> tuple[Bytes2D, Valid]:
    """Return the number of the interval of each value, and where there is one."""
    dtype = values.dtype
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        shades, inside = _interval_table(dtype.str, rule)
        patterns = values.view(f"u{dtype.itemsize}")
        at = patterns.astype(np.intp)
        return np.take(shades, at), np.take(inside, at)
    return _intervals(values, rule)


@lru_cache(maxsize=32)
def _interval_table(dtype: str, rule: Intervals) -> tuple[Bytes2D, Valid]:
    return _intervals(_patterns(np.dtype(dtype)), rule)


def _intervals(values: Values, rule: Intervals) -> tuple[Bytes2D, Valid]:
    lows = np.array([i.low for i in rule.intervals])
    highs = np.array([i.high for i in rule.intervals])
    at = np.searchsorted(lows, values, side="right") - 1
    inside: Valid = (at >= 0) & (values < highs[at])
    return at.clip(0).astype(np.uint8), inside


def stretched(values: Values, stretch: Stretch) -> Bytes2D:
    """Apply a stretch: exactly to integers of 8 and 16 bits, to others in 65,536 steps."""
    dtype = values.dtype
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        unsigned = np.dtype(f"u{dtype.itemsize}")
        return _looked_up(_integer_table(dtype.str, stretch), values.view(unsigned))
    steps = _scaled(values, stretch.low, stretch.high, _TABLE_SIZE - 1)
    return _looked_up(_step_table(stretch.gamma), steps)


def _looked_up(table: Bytes2D, at: NDArray[np.unsignedinteger]) -> Bytes2D:
    """Take from a table; places of NumPy's own index type take it half the time."""
    return np.take(table, at.astype(np.intp))


def _scaled(values: Values, low: float, high: float, top: int) -> NDArray[np.uint16]:
    """Map `[low, high]` to the whole numbers from 0 to `top`, clamped."""
    wide: NDArray[np.floating] = values.astype("f4" if values.dtype.itemsize <= 4 else "f8")
    wide -= low
    wide *= top / (high - low)
    wide += 0.5
    np.clip(wide, 0, top, out=wide)
    # What stands where a cell is not valid may be NaN, and is not looked at.
    with np.errstate(invalid="ignore"):
        return wide.astype(np.uint16)


@lru_cache(maxsize=64)
def _integer_table(dtype: str, stretch: Stretch) -> NDArray[np.uint8]:
    """Return the shade of every bit pattern of an integer type, read as unsigned."""
    numbers = _patterns(np.dtype(dtype)).astype(np.float64)
    share = (numbers - stretch.low) / (stretch.high - stretch.low)
    return _shades(share, stretch.gamma)


@lru_cache(maxsize=16)
def _step_table(gamma: float) -> NDArray[np.uint8]:
    return _shades(np.linspace(0, 1, _TABLE_SIZE), gamma)


def _shades(share: NDArray[np.float64], gamma: float) -> NDArray[np.uint8]:
    return np.rint(255 * share.clip(0, 1) ** (1 / gamma)).astype(np.uint8)


def _patterns(kind: np.dtype[np.generic]) -> Values:
    """Return the number that each bit pattern of an integer type means, in order as unsigned."""
    return np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}").view(kind)
