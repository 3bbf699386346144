"""Which scans a reduction goes through in strips thinner than a stored chunk.

An iterator over places of the plane makes a reduction read a row or a few in each step.
Such scans are read by whole chunks, which are kept until the steps have left them.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import pairwise
from math import prod

from datacube.cube import INNER_CHUNK_PX
from datacube.grid import Window
from datacube.plan.blocks import Cut, steps
from datacube.plan.demand import demand
from datacube.plan.nodes import Reduce, Scan
from datacube.plan.tiles import Tiles

_KEPT_BYTES = 128 * 2**20
"""Most that the chunks kept for one reduction may take; else none are."""
_ROUNDS = 3
"""Rows of chunks that are kept: what one step reads may lie in two, and of two threads one
may be ahead."""


type Moving = tuple[str, int]
"""The key of a scan, and the axis that its strips move along: -2 for rows, -1 for columns."""


@dataclass(frozen=True, slots=True)
class Strides:
    """The scans whose chunks are kept, and the most bytes of them."""

    moving: frozenset[Moving] = frozenset()
    kept_bytes: int = 0

    @property
    def scans(self) -> frozenset[str]:
        """Keys of the scans."""
        return frozenset(key for key, _ in self.moving)


@lru_cache(maxsize=256)
def strides(node: Reduce, part: Window) -> Strides:
    """Return what is kept between the steps of a reduction, for a part of its result.

    A scan's chunks are kept if a step reads less than a chunk of it and the next step the
    cells beside. Steps that go on elsewhere in between, as those of an inner iterator do,
    keep all that they read.
    """
    along = steps(node)
    longest = tuple(max(range(len(one)), key=lambda k: one[k][1] - one[k][0]) for one in along)
    base = _scans(node, part, along, longest)
    moving: set[Moving] = set()
    held: dict[str, int] = {}
    for at, one in enumerate(along):
        if len(one) == 1:
            continue
        beside = (*longest[:at], longest[at] - 1 if longest[at] else 1, *longest[at + 1 :])
        moved = _scans(node, part, along, beside)
        inner = [(0, len(cut) - 1) for cut in along[at + 1 :]]
        ends = [
            _scans(node, part, along, (*longest[: at + 1], *end))
            for end in zip(*inner, strict=True)
        ]
        for key, (scan, window) in base.items():
            axes = _beside(window, moved[key][1]) if key in moved else ()
            if key not in held and any(window.shape[axis] < INNER_CHUNK_PX for axis in axes):
                hull = reduce(Window.hull, (end[key][1] for end in ends if key in end), window)
                held[key] = _bytes(scan, hull)
            if key in held:
                moving.update((key, axis) for axis in axes)
    kept = _ROUNDS * sum(held.values())
    return Strides(frozenset(moving), kept) if moving and kept <= _KEPT_BYTES else Strides()


def chunk_parts(scan: Scan, axis: int, bounds: tuple[int, int]) -> tuple[Cut, Cut]:
    """Part a range of rows (`axis` -2) or columns (-1) of a scan where stored chunks meet.

    Returns the parts, and for each all cells of its chunk that the scan's domain has.
    """
    shift = scan.group.array_starts(scan.level)[axis]
    low, high = scan.domain.window.ranges[axis]
    first, last = ((k + shift) // INNER_CHUNK_PX for k in (bounds[0], bounds[1] - 1))
    edges = [k * INNER_CHUNK_PX - shift for k in range(first, last + 2)]
    pairs = list(pairwise(edges))
    asked = tuple((max(a, bounds[0]), min(b, bounds[1])) for a, b in pairs)
    return asked, tuple((max(a, low), min(b, high)) for a, b in pairs)


def kept_tiles(scan: Scan, moving: frozenset[Moving], tiles: Tiles) -> Tiles:
    """Return the windows in which a scan is read whose chunks are kept, each once."""
    if tiles.pairs is not None:
        return tiles
    cuts = list(tiles.cuts)
    for axis in (-2, -1):
        if (scan.key, axis) in moving:
            parts = (kept for one in cuts[axis] for kept in chunk_parts(scan, axis, one)[1])
            cuts[axis] = tuple(dict.fromkeys(parts))
    return replace(tiles, cuts=tuple(cuts))


def _scans(
    node: Reduce, part: Window, along: tuple[Cut, ...], places: tuple[int, ...]
) -> dict[str, tuple[Scan, Window]]:
    """Return the scans that a step of a reduction reads, each with the hull of its cells."""
    step = (cut[place] for cut, place in zip(along, places, strict=True))
    kept = iter(part.ranges)
    source = Window(
        tuple(
            next(step) if at in node.axes else next(kept)
            for at in range(len(node.source.domain.axes))
        )
    )
    found: dict[str, tuple[Scan, Window]] = {}
    for plan in (node.source, *(() if node.where is None else (node.where,))):
        for (key, window), below in demand(plan, source).items():
            if isinstance(below, Scan):
                held = found.get(key)
                found[key] = below, window if held is None else held[1].hull(window)
    return found


def _beside(one: Window, other: Window) -> tuple[int, ...]:
    """Return the axes of the plane along which one window lies beside the other."""
    return tuple(
        axis
        for axis in (-2, -1)
        if one.ranges[axis] != other.ranges[axis]
        and max(one.ranges[axis][0], other.ranges[axis][0])
        <= min(one.ranges[axis][1], other.ranges[axis][1]) + INNER_CHUNK_PX
    )


def _bytes(scan: Scan, window: Window) -> int:
    """Bytes of the chunks that a window lies in, with their validity."""
    sides = (
        min(max(n, INNER_CHUNK_PX), whole)
        for n, whole in zip(window.plane.shape, scan.domain.plane.shape, strict=True)
    )
    cells = window.size // window.plane.size * prod(sides)
    return cells * sum(f.numpy_dtype.itemsize + 1 for f in scan.fields)
