"""Pictures of at most 256 colours, made of those of more by median cut."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datacube.render.paint import Indexed, Rgba

_COLOURS = 255
"""One less than a palette holds: the last is for what is transparent."""
_BITS = 5
"""Bits of each channel that tell colours apart."""
_SIDE = 2**_BITS

type _Counts = NDArray[np.int64]
"""Pixels by `(red, green, blue)`, 32 steps each."""


def indexed(image: Indexed | Rgba) -> Indexed:
    """Return a picture with a palette; one that has a palette already is kept as it is.

    Equal pictures give equal palettes. Where alpha is 0 the one transparent colour stands;
    any other alpha counts as opaque. Up to 255 colours are kept exactly.
    """
    if isinstance(image, Indexed):
        return image
    seen = image[..., 3] != 0
    packed = np.ascontiguousarray(image).view("<u4")[..., 0] & 0xFFFFFF
    colours, numbers = np.unique(packed[seen], return_inverse=True)
    if len(colours) > _COLOURS:
        rgb, places = _reduced(image[seen])
    else:
        rgb = np.stack([colours & 255, colours >> 8 & 255, colours >> 16], axis=-1).astype(np.uint8)
        places = numbers.astype(np.uint8)
    palette = np.zeros((len(rgb) + 1, 4), np.uint8)
    palette[:-1, :3], palette[:-1, 3] = rgb, 255
    indices = np.full(seen.shape, len(rgb), np.uint8)
    indices[seen] = places
    return Indexed(indices, palette)


def _reduced(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return 255 colours, and which of them each pixel `(n, 4)` takes."""
    steps = pixels[:, :3].astype(np.int64) >> (8 - _BITS)
    cell = (steps[:, 0] * _SIDE + steps[:, 1]) * _SIDE + steps[:, 2]
    size = _SIDE**3
    counts = np.bincount(cell, minlength=size)
    sums = np.stack([np.bincount(cell, pixels[:, c], size) for c in range(3)], axis=-1)
    boxes = _boxes(counts.reshape(_SIDE, _SIDE, _SIDE))
    owner = np.zeros((_SIDE, _SIDE, _SIDE), np.uint8)
    for number, box in enumerate(boxes):
        owner[box.cells] = number
    flat = owner.reshape(-1)
    total = np.bincount(flat, counts, len(boxes))
    mean = [np.bincount(flat, sums[:, c], len(boxes)) / np.maximum(total, 1) for c in range(3)]
    return np.rint(np.stack(mean, axis=-1)).astype(np.uint8), flat[cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """Neighbouring colours that share one entry of the palette."""

    cells: tuple[slice, slice, slice]
    pixels: int
    longest: int
    """The channel along which its colours differ most."""
    length: int
    """Steps along that channel."""


def _box(counts: _Counts, cells: tuple[slice, slice, slice]) -> _Box:
    """Shrink a box to the colours that are there."""
    inside = counts[cells] > 0
    made = []
    for channel in range(3):
        others = tuple(axis for axis in range(3) if axis != channel)
        there = np.flatnonzero(inside.any(axis=others))
        start = cells[channel].start
        made.append(slice(start + int(there[0]), start + int(there[-1]) + 1))
    lengths = [part.stop - part.start for part in made]
    longest = lengths.index(max(lengths))
    kept = (made[0], made[1], made[2])
    return _Box(
        cells=kept,
        pixels=int(counts[kept].sum()),
        longest=longest,
        length=lengths[longest],
    )


def _boxes(counts: _Counts) -> list[_Box]:
    """Cut the fullest box in two at its median until there are enough."""
    whole = slice(0, _SIDE)
    boxes = [_box(counts, (whole, whole, whole))]
    while len(boxes) < _COLOURS:
        wide = [box for box in boxes if box.length > 1]
        if not wide:
            break
        largest = max(wide, key=lambda box: box.pixels * box.length)
        at = boxes.index(largest)
        boxes[at : at + 1] = _halves(counts, largest)
    return boxes


def _halves(counts: _Counts, box: _Box) -> list[_Box]:
    channel = box.longest
    others = tuple(axis for axis in range(3) if axis != channel)
    along = np.cumsum(counts[box.cells].sum(axis=others))
    cut = int(np.searchsorted(along, along[-1] / 2)) + 1
    part = box.cells[channel]
    middle = part.start + min(max(cut, 1), box.length - 1)
    halves = []
    for half in (slice(part.start, middle), slice(middle, part.stop)):
        cells = list(box.cells)
        cells[channel] = half
        halves.append(_box(counts, (cells[0], cells[1], cells[2])))
    return halves
