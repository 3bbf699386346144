"""Cells to colours: lookup tables over whole blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import assert_never

import cv2
import numpy as np
from numpy.typing import NDArray

from datacube.cells import Cells, Valid, Values
from datacube.grid import Grid, Window
from datacube.plan.blocks import windows
from datacube.plan.colour import (
    OPAQUE,
    Classes,
    ColourRule,
    Composite,
    Grey,
    Intervals,
    Ramp,
    Void,
)
from datacube.plan.handing import strip_cuts
from datacube.plan.nodes import Colour, Picture, Plan
from datacube.render.blend import blend_over, is_opaque, over_background
from datacube.render.palettes import Bytes2D, palette, shade_intervals, shade_ramp, stretched

type Compute = Callable[[Plan, Window], Cells]
"""Evaluates a plan in a window of its domain."""
type Rgba = NDArray[np.uint8]
"""Shape `(rows, columns, 4)`: red, green, blue, alpha, not multiplied by it; where alpha is 0
so is all.
"""


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
    painted = _paint_layers(picture, compute)
    return painted if picture.void is None else _with_void(painted, picture.grid, picture.void)


def _with_void(painted: Indexed | Rgba, grid: Grid, void: Void) -> Indexed | Rgba:
    """Paint the pixels whose centres lie beyond the world of the CRS."""
    min_x, min_y, max_x, max_y = void.world
    xs, ys = grid.x.centres(), grid.y.centres()
    beside, above = (xs < min_x) | (xs > max_x), (ys < min_y) | (ys > max_y)
    if not (beside.any() or above.any()):
        return painted
    canvas = painted.rgba() if isinstance(painted, Indexed) else painted
    canvas[:, beside] = void.rgba
    canvas[above] = void.rgba
    return canvas


def _paint_layers(picture: Picture, compute: Compute) -> Indexed | Rgba:
    if not picture.layers:
        return Indexed(np.zeros(picture.grid.shape, np.uint8), _fill_colour(picture)[np.newaxis])
    if len(picture.layers) == 1 and not isinstance(picture.layers[0].rule, Composite):
        shades, valid = _whole(picture.layers[0], compute)
        return _compact(picture, picture.layers[0].rule, shades, valid)
    canvas = np.zeros((*picture.grid.shape, 4), np.uint8)
    for layer in picture.layers:
        for rows, cells in _strips(layer, compute):
            painted, valid = _painted(layer.rule, cells)
            if painted.shape == canvas.shape and is_opaque(layer.rule) and valid.all():
                canvas = painted
            else:
                _paint_over(canvas[rows], layer.rule, painted, valid)
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
    colours, smooth = palette(rule), not isinstance(rule, Classes | Intervals)
    if not picture.transparent and not is_opaque(rule):
        colours = over_background(colours, picture.background)
    if valid.all():
        return Indexed(shades, colours, smooth)
    free = len(colours)
    if free == 256:
        unused = np.flatnonzero(np.bincount(shades[valid], minlength=256) == 0)
        if not unused.size:
            canvas = np.where(valid[..., np.newaxis], colours[shades], np.uint8(0))
            return _with_background(canvas, picture)
        free = int(unused[0])
        colours = colours.copy()
        colours[free] = _fill_colour(picture)
    else:
        colours = np.concatenate([colours, _fill_colour(picture)[np.newaxis]])
    return Indexed(np.where(valid, shades, np.uint8(free)), colours, smooth)


def _painted(rule: ColourRule, cells: Cells) -> tuple[Rgba, Valid]:
    """Return the colours of cells, and where there are any."""
    if not isinstance(rule, Composite):
        shades, valid = _shade(rule, cells)
        return np.take(palette(rule), shades, axis=0), valid
    # Bands that were warped together share what is valid.
    masks = tuple({id(mask): mask for mask in cells.valid}.values())
    valid = masks[0] if len(masks) == 1 else np.logical_and.reduce(masks)
    return _composed(rule, cells.values), valid


def _paint_over(canvas: Rgba, rule: ColourRule, painted: Rgba, valid: Valid) -> None:
    if not is_opaque(rule):
        blend_over(canvas, painted, valid)
        return
    # A pixel as one 32-bit number moves four times fewer elements than four bytes do.
    np.copyto(canvas.view(np.uint32)[..., 0], painted.view(np.uint32)[..., 0], where=valid)


def _composed(rule: Composite, values: tuple[Values, ...]) -> Rgba:
    shades = [stretched(v, one) for v, one in zip(values, rule.stretches, strict=False)]
    if rule.alpha_band:
        share = values[3].astype(np.uint16) * rule.alpha
        alpha = ((share + OPAQUE // 2) // OPAQUE).astype(np.uint8)
    else:
        alpha = np.full(shades[0].shape, rule.alpha, np.uint8)
    return np.asarray(cv2.merge((*shades, alpha)), np.uint8)


def _shade(rule: ColourRule, cells: Cells) -> tuple[Bytes2D, Valid]:
    """Return indices into the rule's palette, and where there is a colour."""
    values, valid = cells.values[0], cells.valid[0]
    match rule:
        case Grey(stretch=stretch):
            return stretched(values, stretch), valid
        case Ramp():
            return shade_ramp(values, rule), valid
        case Intervals():
            shades, inside = shade_intervals(values, rule)
            return shades, valid & inside
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
        fit = np.flatnonzero((listed >= 0) & (listed < 256) & (listed == np.floor(listed)))
        bytes_ = listed[fit].astype(np.uint8)
        table[bytes_], known[bytes_] = fit, True
        return table[values], valid & known[values]
    order = np.argsort(listed)
    at = order[np.searchsorted(listed[order], values).clip(max=len(listed) - 1)]
    return at.astype(np.uint8), valid & (listed[at] == values)


def _fill_colour(picture: Picture) -> NDArray[np.uint8]:
    if picture.transparent:
        return np.zeros(4, np.uint8)
    return np.array([*picture.background, 255], np.uint8)


def _with_background(canvas: Rgba, picture: Picture) -> Rgba:
    if picture.transparent:
        return canvas
    if all(is_opaque(layer.rule) for layer in picture.layers):
        if cv2.minMaxLoc(canvas[..., 3])[0] == 0:
            canvas[canvas[..., 3] == 0] = _fill_colour(picture)
        return canvas
    return over_background(canvas, picture.background)
