"""In which windows encoders and painters ask for cells, and what is evaluated for them.

Answers follow these cuts and cost estimates count along them.
"""

from math import isqrt

from datacube.grid import Window
from datacube.plan import formats
from datacube.plan.blocks import BLOCK_SIDE_PX, Cut, block_lengths, cut, output_cuts
from datacube.plan.encoding_memory import POLYGONS
from datacube.plan.holding import cells_bytes
from datacube.plan.nodes import Encode, Picture, Plan

HELD_BYTES = 134_217_728
"""Cells of at most so many bytes are evaluated once and whole, however they are asked for.

As many as the longest text has, whose lines go along no block.
"""
FILE_BLOCK_CELLS = 8_388_608
"""Cells, over all fields, that one block of a file may hold: about 25 MB of int16."""
PAINT_WIDTH = 16
"""A cell that is painted takes the room of so many fields: four channels in double precision."""
_BY_BLOCKS = frozenset({formats.GEOTIFF, formats.NETCDF, formats.ZARR})
STRIP_PIXELS = 4_194_304
"""Pixels painted at once: 33 bytes each at most with three float bands."""


def held_whole(plan: Plan) -> bool:
    """Tell whether a plan's cells are evaluated at once before parts of them are handed on."""
    return cells_bytes(plan, plan.domain.window) <= HELD_BYTES


def file_cuts(window: Window, width: int) -> tuple[Cut, ...]:
    """Part a file's cells, `width` fields of them, counted from the first cell of each axis.

    The last two axes are cut at whole blocks of evaluation, so that a domain that begins
    at one is evaluated in blocks only. Where a plane is small, several cells of the last
    outer axis go together. A single axis is cut in runs.
    """
    room = max(1, FILE_BLOCK_CELLS // width)
    if len(window.ranges) < 2:
        return tuple(_parts(bounds, room) for bounds in window.ranges)
    side = BLOCK_SIDE_PX * max(1, isqrt(room) // BLOCK_SIDE_PX)
    together = max(1, room // window.plane.size)
    lengths = [1] * max(0, len(window.ranges) - 3) + [together, side, side][-len(window.ranges) :]
    return tuple(
        _parts(bounds, length) for bounds, length in zip(window.ranges, lengths, strict=True)
    )


def handed_bytes(root: Encode | Picture | Plan, plan: Plan) -> int:
    """Return the bytes of the plan's cells that an answer of `root` holds at once.

    All of them, but for files that are written block by block, of which one is evaluated
    while another is written.
    """
    whole = cells_bytes(plan, plan.domain.window)
    if held_whole(plan) or not isinstance(root, Encode) or root.media_type not in _BY_BLOCKS:
        return whole
    cuts = file_cuts(plan.domain.window, _width(root, plan))
    largest = Window(tuple((0, max(b - a for a, b in one)) for one in cuts))
    return min(whole, 2 * cells_bytes(plan, largest))


def strip_cuts(window: Window) -> tuple[Cut, Cut]:
    """Part a map's pixels into strips of whole rows."""
    rows, cols = window.ranges
    return _parts(rows, max(1, STRIP_PIXELS // (cols[1] - cols[0]))), (cols,)


def evaluated_cuts(root: Encode | Picture | Plan, plan: Plan) -> tuple[Cut, ...]:
    """Return the cuts of a plan's axes that an answer of `root` evaluates it in.

    `plan` is the root itself, its source, or that of one of its layers.
    """
    window = plan.domain.window
    match root:
        case _ if held_whole(plan) or _joined(root):
            return output_cuts(plan, window)
        case Picture() | Encode(source=Picture()):
            asked: tuple[Cut, ...] = strip_cuts(window)
        case Encode():
            asked = file_cuts(window, _width(root, plan))
        case _:
            return output_cuts(plan, window)
    largest = Window(tuple(max(one, key=lambda ends: ends[1] - ends[0]) for one in asked))
    return tuple(
        tuple(piece for bounds in one for piece in cut(bounds, length))
        for one, length in zip(asked, block_lengths(plan, largest), strict=True)
    )


def _joined(root: Encode | Picture | Plan) -> bool:
    """Tell whether cells go into an answer all at once, as into polygons."""
    return isinstance(root, Encode) and root.media_type == POLYGONS


def _width(root: Encode, plan: Plan) -> int:
    coloured = root.parameters.colour_map is not None or bool(root.parameters.palette)
    return PAINT_WIDTH if coloured and root.media_type != formats.NETCDF else len(plan.fields)


def _parts(bounds: tuple[int, int], step: int) -> Cut:
    first, stop = bounds
    return tuple((start, min(start + step, stop)) for start in range(first, stop, step))
