"""Cells to colours: lookup tables over whole blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Cells, Valid, Values
from datacube.grid import Window
from datacube.plan.blocks import windows
from datacube.plan.colour import Classes, ColourRule, Composite, Grey, Ramp, Stretch
from datacube.plan.handing import strip_cuts
from datacube.plan.nodes import Colour, Picture, Plan

type Compute = Callable[[Plan, Window], Cells]
"""Evaluates a plan in a window of its domain."""
type Bytes2D = NDArray[np.uint8]
"""Shape `(rows, columns)`."""
type Rgba = NDArray[np.uint8]
"""Shape `(rows, columns, 4)`: red, green, blue, alpha; alpha is 0 or 255, and where 0 so is all."""

_TABLE_SIZE = 65_536
_RAMP_COLOURS = 255
"""One less than a palette holds: the last is for what is transparent."""


@dataclass(frozen=True, slots=True, eq=False)
class Indexed:
    """A picture of at most 256 colours."""

    indices: Bytes2D
    palette: NDArray[np.uint8]
    """Shape `(n, 4)`, n <= 256: red, green, blue, alpha."""
    smooth: bool = False
    """Neighbouring indices are similar colours, as in greys and ramps; no class palette is."""

    def rgba(self) -> Rgba:
        """Return the colours themselves."""
        return np.take(self.palette, self.indices, axis=0)


def paint(picture: Picture, compute: Compute) -> Rgba:
    """Paint the layers over each other, bottom first.

    Transparent where no layer is valid; there the background, where the picture
    is not transparent.
    """
    painted = paint_compact(picture, compute)
    return painted.rgba() if isinstance(painted, Indexed) else painted


def paint_compact(picture: Picture, compute: Compute) -> Indexed | Rgba:
    """Paint like `paint`, as a palette where one layer of at most 256 colours is all there is."""
    if not picture.layers:
        return Indexed(np.zeros(picture.grid.shape, np.uint8), _fill_colour(picture)[np.newaxis])
    if len(picture.layers) == 1 and not isinstance(picture.layers[0].rule, Composite):
        shades, valid = _whole(picture.layers[0], compute)
        return _compact(picture, picture.layers[0].rule, shades, valid)
    canvas = np.zeros((*picture.grid.shape, 4), np.uint8)
    for layer in picture.layers:
        for rows, cells in _strips(layer, compute):
            _paint_over(canvas[rows], layer.rule, cells)
    return _with_background(canvas, picture)


def _strips(layer: Colour, compute: Compute) -> Iterator[tuple[slice, Cells]]:
    whole = layer.source.domain.window
    for window in windows(strip_cuts(whole)):
        yield window.slices(whole)[0], compute(layer.source, window)


def _whole(layer: Colour, compute: Compute) -> tuple[Bytes2D, Valid]:
    strips = [_shade(layer.rule, cells) for _, cells in _strips(layer, compute)]
    if len(strips) == 1:
        return strips[0]
    return np.concatenate([s for s, _ in strips]), np.concatenate([v for _, v in strips])


def _compact(picture: Picture, rule: ColourRule, shades: Bytes2D, valid: Valid) -> Indexed | Rgba:
    palette, smooth = _palette(rule), not isinstance(rule, Classes)
    if valid.all():
        return Indexed(shades, palette, smooth)
    free = len(palette)
    if free == 256:
        unused = np.flatnonzero(np.bincount(shades[valid], minlength=256) == 0)
        if not unused.size:
            canvas = np.where(valid[..., np.newaxis], palette[shades], np.uint8(0))
            return _with_background(canvas, picture)
        free = int(unused[0])
        palette = palette.copy()
        palette[free] = _fill_colour(picture)
    else:
        palette = np.concatenate([palette, _fill_colour(picture)[np.newaxis]])
    return Indexed(np.where(valid, shades, np.uint8(free)), palette, smooth)


def _paint_over(canvas: Rgba, rule: ColourRule, cells: Cells) -> None:
    if isinstance(rule, Composite):
        valid = np.logical_and.reduce(cells.valid)
        painted = np.empty(canvas.shape, np.uint8)
        for channel, stretch in enumerate(rule.stretches):
            painted[..., channel] = _stretched(cells.values[channel], stretch)
        painted[..., 3] = 255
    else:
        shades, valid = _shade(rule, cells)
        painted = np.take(_palette(rule), shades, axis=0)
    # A pixel as one 32-bit number moves four times fewer elements than four bytes do.
    np.copyto(canvas.view(np.uint32)[..., 0], painted.view(np.uint32)[..., 0], where=valid)


def _shade(rule: ColourRule, cells: Cells) -> tuple[Bytes2D, Valid]:
    """Return indices into the rule's palette, and where there is a colour."""
    values, valid = cells.values[0], cells.valid[0]
    match rule:
        case Grey(stretch=stretch):
            return _stretched(values, stretch), valid
        case Ramp(stops=stops):
            low, high = stops[0].value, stops[-1].value
            return _scaled(values, low, high, _RAMP_COLOURS - 1).astype(np.uint8), valid
        case Classes():
            return _class_indices(values, valid, rule)
        case Composite():
            raise TypeError("a composite has no palette")
        case _:
            assert_never(rule)


def _class_indices(values: Values, valid: Valid, rule: Classes) -> tuple[Bytes2D, Valid]:
    listed = np.array([c.value for c in rule.classes])
    if values.dtype == np.uint8:
        table = np.zeros(256, np.uint8)
        known = np.zeros(256, np.bool_)
        table[listed], known[listed] = np.arange(len(listed)), True
        return table[values], valid & known[values]
    order = np.argsort(listed)
    at = order[np.searchsorted(listed[order], values).clip(max=len(listed) - 1)]
    return at.astype(np.uint8), valid & (listed[at] == values)


@lru_cache(maxsize=64)
def _palette(rule: ColourRule) -> NDArray[np.uint8]:
    match rule:
        case Grey():
            colours = np.repeat(np.arange(256)[:, np.newaxis], 3, axis=1)
        case Ramp(stops=stops):
            places = np.linspace(stops[0].value, stops[-1].value, _RAMP_COLOURS)
            at = [stop.value for stop in stops]
            colours = np.stack(
                [np.interp(places, at, [stop.rgb[i] for stop in stops]) for i in range(3)], axis=1
            )
        case Classes(classes=classes):
            colours = np.array([c.rgb for c in classes])
        case Composite():
            raise TypeError("a composite has no palette")
        case _:
            assert_never(rule)
    palette = np.full((len(colours), 4), 255, np.uint8)
    palette[:, :3] = np.rint(colours)
    palette.flags.writeable = False
    return palette


def _stretched(values: Values, stretch: Stretch) -> Bytes2D:
    """Apply a stretch: exactly to integers of 8 and 16 bits, to others in 65,536 steps."""
    dtype = values.dtype
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        unsigned = np.dtype(f"u{dtype.itemsize}")
        return np.take(_integer_table(dtype.str, stretch), values.view(unsigned))
    steps = _scaled(values, stretch.low, stretch.high, _TABLE_SIZE - 1)
    return np.take(_step_table(stretch.gamma), steps)


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
    kind = np.dtype(dtype)
    patterns = np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}")
    share = (patterns.view(kind).astype(np.float64) - stretch.low) / (stretch.high - stretch.low)
    return _shades(share, stretch.gamma)


@lru_cache(maxsize=16)
def _step_table(gamma: float) -> NDArray[np.uint8]:
    return _shades(np.linspace(0, 1, _TABLE_SIZE), gamma)


def _shades(share: NDArray[np.float64], gamma: float) -> NDArray[np.uint8]:
    return np.rint(255 * share.clip(0, 1) ** (1 / gamma)).astype(np.uint8)


def _fill_colour(picture: Picture) -> NDArray[np.uint8]:
    if picture.transparent:
        return np.zeros(4, np.uint8)
    return np.array([*picture.background, 255], np.uint8)


def _with_background(canvas: Rgba, picture: Picture) -> Rgba:
    if not picture.transparent:
        canvas[canvas[..., 3] == 0] = _fill_colour(picture)
    return canvas
