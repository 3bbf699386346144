"""How many stored chunks an answer reads, counted along the cuts that evaluation follows.

Nothing here goes block by block: a plan's windows are followed axis by axis, so that
the largest cube is counted in the time that its longest axis takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from datacube.cube import INNER_CHUNK_PX, SHARD_PX, VALID_BAND
from datacube.grid import Window
from datacube.plan.area import touched_grid
from datacube.plan.blocks import Cut, cut, is_small, steps, tiling
from datacube.plan.file_blocks import blocks_read, cut_to
from datacube.plan.nodes import (
    Apply,
    Bands,
    Construct,
    Gather,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Resample,
    Scan,
    Sort,
    Trim,
)
from datacube.plan.places import is_timed, slot_cells, stored_window
from datacube.plan.windows import inputs, kept_indices, sort_reads_whole
from datacube.slots import Slot

_MOST_PAIRS = 4096
"""Windows of a warp that are looked at one by one; beyond, their hull counts."""

type Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Which ranges of two axes are asked for together, where not all are."""

    axes: tuple[int, int]
    hit: Valid
    """Shape (ranges of the one axis, ranges of the other)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The windows in which a node is evaluated: every combination of ranges of its axes."""

    cuts: tuple[Cut, ...]
    free: frozenset[int] = frozenset()
    """Axes along which a reduction steps: what does not vary along them is read once."""
    pairs: Pairs | None = None
    times: int = 1
    """How often each window is evaluated."""
    within: str = ""
    """The reduction whose steps these are: what two of them read, each reads anew."""

    @property
    def hull(self) -> Window:
        """The cells of all windows."""
        return Window(tuple((min(a for a, _ in one), max(b for _, b in one)) for one in self.cuts))

    @property
    def largest(self) -> Window:
        """The shape of the largest window, at some place."""
        return Window(tuple(max(one, key=_length) for one in self.cuts))

    @property
    def first(self) -> Window:
        """The first window."""
        return Window(tuple(one[0] for one in self.cuts))


def _length(bounds: tuple[int, int]) -> int:
    return bounds[1] - bounds[0]


def chunks_read(plans: tuple[Plan, ...], tiles: Tiles) -> tuple[int, int]:
    """Return how many chunks evaluating plans together in windows reads, and their decoded bytes.

    Small reductions below the plans' tops are left out: they are done once, apart.
    """
    number = size = 0
    tops = {plan.key for plan in plans}
    todo = [(plan, tiles) for plan in plans]
    seen: set[tuple[str, tuple[Cut, ...], str]] = set()
    while todo:
        node, part = todo.pop()
        if (node.key, part.cuts, part.within) in seen or (is_small(node) and node.key not in tops):
            continue
        seen.add((node.key, part.cuts, part.within))
        if isinstance(node, Scan):
            chunks, decoded = _scanned(node, part)
            number += chunks * part.times
            size += decoded * part.times
        else:
            todo.extend(_below(node, part))
    return number, size


def _below(node: Plan, tiles: Tiles) -> Iterator[tuple[Plan, Tiles]]:
    """Yield the sources of a node with the windows in which they are evaluated."""
    match node:
        case Apply(args=args):
            yield from ((arg, tiles) for arg in args)
        case Bands(picks=picks):
            yield from ((pick.source, tiles) for pick in picks)
        case Mosaic(members=members):
            yield from ((member.source, tiles) for member in members)
        case Trim(source=source) if _same_indices(node):
            yield source, tiles
        case Reduce(source=source, where=where):
            inner = reduce_tiles(node, tiles)
            yield source, inner
            if where is not None:
                yield where, inner
        case Mask(source=source):
            inner_or_none = _masked(node, tiles)
            if inner_or_none is not None:
                yield source, inner_or_none
        case Construct(axes=axes):
            yield from _constructed(node, tiles, len(axes))
        case Gather():
            yield from _gathered(node, tiles)
        case Sort(source=source, by=by):
            yield by, Tiles(cuts=tuple((one,) for one in by.domain.window.ranges))
            yield source, _sorted(node, tiles)
        case _:
            yield from _probed(node, tiles)


def _same_indices(node: Trim) -> bool:
    return all(
        kept_indices(own, kept) is None
        for own, kept in zip(node.source.domain.axes, node.domain.axes, strict=True)
    )


def reduce_tiles(node: Reduce, tiles: Tiles) -> Tiles:
    """Return the windows of the source that the steps of a reduction are taken in."""
    parts = tiling(node, tiles.largest)
    sides = [max(b - a for a, b in one) for one in parts.cuts]
    kept = iter(
        [
            tuple(piece for bounds in one for piece in cut(bounds, side))
            for one, side in zip(tiles.cuts, sides, strict=True)
        ]
    )
    along = iter(steps(node))
    positions = [at for at in range(len(node.source.domain.axes)) if at not in node.axes]
    cuts = tuple(
        next(along) if at in node.axes else next(kept) for at in range(len(node.source.domain.axes))
    )
    free = {positions[at] for at in tiles.free} | set(node.axes)
    if is_small(node):
        free |= set(positions)
    return Tiles(cuts=cuts, free=frozenset(free), times=tiles.times, within=node.key)


def _masked(node: Mask, tiles: Tiles) -> Tiles | None:
    rows, cols, hit = touched_grid(node, tiles.cuts[node.rows], tiles.cuts[node.cols])
    if not hit.any():
        return None
    cuts = list(tiles.cuts)
    cuts[node.rows], cuts[node.cols] = rows, cols
    return replace(tiles, cuts=tuple(cuts), pairs=Pairs(axes=(node.rows, node.cols), hit=hit))


def _constructed(node: Construct, tiles: Tiles, leading: int) -> Iterator[tuple[Plan, Tiles]]:
    shape = tuple(axis.size for axis in node.axes)
    inner = Tiles(
        cuts=tiles.cuts[leading:],
        free=frozenset(at - leading for at in tiles.free if at >= leading),
        times=tiles.times,
        within=tiles.within,
    )
    spans = [
        sorted({k - axis.first for a, b in one for k in range(a, b)})
        for one, axis in zip(tiles.cuts[:leading], node.axes, strict=True)
    ]
    for place in product(*spans):
        yield node.parts[int(np.ravel_multi_index(place, shape))], inner


def _gathered(node: Gather, tiles: Tiles) -> Iterator[tuple[Plan, Tiles]]:
    """Yield the runs of a line, each with its own rectangle."""
    new = node.axes[0]
    first = tiles.first
    runs = [
        part
        for bounds in tiles.cuts[new]
        for _, part in inputs(node, Window((*first.ranges[:new], bounds, *first.ranges[new + 1 :])))
    ]
    others = iter([one for at, one in enumerate(tiles.cuts) if at != new])
    cuts = tuple(
        tuple(run.ranges[at] for run in runs) if at in node.axes else next(others)
        for at in range(len(node.source.domain.axes))
    )
    if len(node.axes) > 1:
        pairs = Pairs(axes=(node.axes[-2], node.axes[-1]), hit=np.eye(len(runs), dtype=np.bool_))
        hull = [
            ((min(a for a, _ in one), max(b for _, b in one)),) if at in node.axes[:-2] else one
            for at, one in enumerate(cuts)
        ]
        yield (
            node.source,
            Tiles(cuts=tuple(hull), pairs=pairs, times=tiles.times, within=tiles.within),
        )
    else:
        yield node.source, Tiles(cuts=cuts, times=tiles.times, within=tiles.within)


def _sorted(node: Sort, tiles: Tiles) -> Tiles:
    """Return the windows in some order; which places go into which is known only later."""
    axis, at = node.domain.axes[node.axis], node.axis
    whole = (axis.first, axis.stop)
    if sort_reads_whole(node):
        one: Cut = (whole,) * len(tiles.cuts[at])
    else:
        one = tuple((k, k + 1) for k in range(*whole))
    return replace(tiles, cuts=(*tiles.cuts[:at], one, *tiles.cuts[at + 1 :]), pairs=None)


def _probed(node: Plan, tiles: Tiles) -> Iterator[tuple[Plan, Tiles]]:
    """Follow windows through a node axis by axis; a warp's one by one."""
    base = tiles.first
    below: dict[str, Plan] = {}
    found: dict[str, dict[int, list[Window | None]]] = {}
    for at, one in enumerate(tiles.cuts):
        for bounds in one:
            window = Window((*base.ranges[:at], bounds, *base.ranges[at + 1 :]))
            made = {source.key: (source, part) for source, part in inputs(node, window)}
            for key, (source, part) in made.items():
                below[key] = source
                found.setdefault(key, {}).setdefault(at, []).append(part)
    if not tiles.cuts:
        yield from ((source, _windows((part,), tiles)) for source, part in inputs(node, base))
        return
    warp = isinstance(node, Resample) and node.grid.crs != node.source.domain.plane.crs
    for key, source in below.items():
        if warp or set(found[key]) != set(range(len(tiles.cuts))):
            yield source, _one_by_one(node, key, tiles)
        else:
            yield source, _separable(source, found[key], tiles) or _one_by_one(node, key, tiles)


def _separable(source: Plan, found: dict[int, list[Window | None]], tiles: Tiles) -> Tiles | None:
    """Return the source's windows where each of its axes follows at most one of the node's."""
    follows: dict[int, int] = {}
    whole = {at: [part for part in parts if part is not None] for at, parts in found.items()}
    count = len(source.domain.axes)
    for own in range(count):
        varying = [at for at, parts in whole.items() if len({p.ranges[own] for p in parts}) > 1]
        if len(varying) > 1:
            return None
        if varying:
            follows[own] = varying[0]
    if len(set(follows.values())) < len(follows):
        return None
    base = next(iter(whole.values()))[0]
    cuts = tuple(
        tuple(p.ranges[own] for p in whole[follows[own]]) if own in follows else (base.ranges[own],)
        for own in range(count)
    )
    times = tiles.times
    for at, one in enumerate(tiles.cuts):
        if at not in follows.values() and at not in tiles.free:
            times *= len(one)
    free = frozenset(own for own, at in follows.items() if at in tiles.free)
    return Tiles(
        cuts=cuts,
        free=free,
        pairs=_followed(tiles, follows, cuts),
        times=times,
        within=tiles.within,
    )


def _followed(tiles: Tiles, follows: dict[int, int], cuts: tuple[Cut, ...]) -> Pairs | None:
    """Return the pairs on the source's axes; None, so that all count, where ranges are gone."""
    if tiles.pairs is None:
        return None
    back = {at: own for own, at in follows.items()}
    one, other = tiles.pairs.axes
    if one not in back or other not in back:
        return None
    # Beyond the source, as an extended border is, a range has no window there.
    if (len(cuts[back[one]]), len(cuts[back[other]])) != tiles.pairs.hit.shape:
        return None
    return Pairs(axes=(back[one], back[other]), hit=tiles.pairs.hit)


def _one_by_one(node: Plan, key: str, tiles: Tiles) -> Tiles:
    """Return every single window, the last two axes in pairs."""
    count = int(np.prod([len(one) for one in tiles.cuts], dtype=np.int64))
    windows = product(*tiles.cuts) if count <= _MOST_PAIRS else iter([tiles.hull.ranges])
    parts = [
        part
        for ranges in windows
        for source, part in inputs(node, Window(tuple(ranges)))
        if source.key == key
    ]
    return _windows(tuple(dict.fromkeys(parts)), tiles)


def _windows(parts: tuple[Window, ...], tiles: Tiles) -> Tiles:
    """Return windows as they are: outer axes as every combination, planes in pairs."""
    count = len(parts[0].ranges)
    if count < 2:
        cuts = tuple(tuple(part.ranges[at] for part in parts) for at in range(count))
        return Tiles(cuts=cuts, times=tiles.times, within=tiles.within)
    planes = tuple(dict.fromkeys(part.plane for part in parts))
    outer = tuple(
        tuple(dict.fromkeys(part.ranges[at] for part in parts)) for at in range(count - 2)
    )
    return Tiles(
        cuts=(*outer, tuple(p.rows for p in planes), tuple(p.cols for p in planes)),
        pairs=Pairs(axes=(count - 2, count - 1), hit=np.eye(len(planes), dtype=np.bool_)),
        times=tiles.times,
        within=tiles.within,
    )


def _scanned(scan: Scan, tiles: Tiles) -> tuple[int, int]:
    """Count the chunks of a scan in recorded shards, and their decoded bytes."""
    timed = is_timed(scan)
    hull = tiles.hull
    stored = stored_window(scan, hull)
    shift = [a - b for (a, _), (b, _) in zip(stored.ranges, hull.ranges[timed:], strict=True)]
    cuts = tuple(
        tuple((a + by, b + by) for a, b in one)
        for one, by in zip(tiles.cuts[timed:], shift, strict=True)
    )
    hit = None
    if tiles.pairs is not None and tiles.pairs.axes == (len(hull.ranges) - 2, len(hull.ranges) - 1):
        hit = tiles.pairs.hit
    number = size = 0
    for at, stack in enumerate(scan.stacks):
        reads = sum(1 for a, b in tiles.cuts[0] if a <= at < b) if timed else 1
        covers = [
            (slot, cover)
            for slot in (stack.slots if reads else ())
            if (cover := slot_cells(scan, slot, stored)) is not None
        ]
        for k, (slot, cover) in enumerate(covers):
            spans = _Spans(scan, slot, cuts, hit)
            for band in scan.bands:
                found, decoded = spans.read(band.name, cover, band.numpy_dtype.itemsize)
                number += reads * found
                size += reads * decoded
            contested = _contested(cover, [other for _, other in covers[k + 1 :]])
            if contested is not None:
                found, decoded = spans.read(VALID_BAND, contested, 1)
                number += reads * found
                size += reads * decoded
    return number, size


def _contested(cover: Window, later: list[Window]) -> Window | None:
    """Return the cells in which a slot's mask tells whether a later one gives the place."""
    hull: Window | None = None
    for other in later:
        met = cover.intersect(other)
        if met is not None:
            hull = met if hull is None else hull.hull(met)
    return hull


@dataclass(frozen=True, slots=True)
class _Spans:
    """One slot, in the windows that it is read in."""

    scan: Scan
    slot: Slot
    cuts: tuple[Cut, ...]
    """In the group's indices, `(*axes, y, x)`."""
    hit: Valid | None

    def read(self, band: str, part: Window, itemsize: int) -> tuple[int, int]:
        """Return the chunks that reading a band in the windows decodes, and their bytes."""
        group, level = self.scan.group, self.scan.level
        covered = self.slot.window(group.name)
        if covered is not None and self.slot.file_blocks is not None:
            cuts = cut_to(self.cuts, part)
            read = blocks_read(self.slot, covered, level, band, cuts=cuts, hit=self.hit)
            if read is not None:
                return read
        found = self.chunks(band, part)
        return found, found * INNER_CHUNK_PX**2 * itemsize

    def chunks(self, band: str, part: Window) -> int:
        """Count the chunks of recorded shards that the windows touch within `part`."""
        group, level = self.scan.group, self.scan.level
        covered = self.slot.window(group.name)
        recorded = self.slot.recorded(group, level, band)
        if covered is None or recorded is None:
            return 0
        shards = group.shard_window(covered.window.coarser(level), level)
        starts = group.array_starts(level)
        made: Counts = recorded.astype(np.int64)
        sides = group.shard_shape
        matrices = [
            _touched(one, bounds, start, span, side)
            for one, bounds, start, span, side in zip(
                self.cuts, part.ranges, starts, shards.ranges, sides, strict=True
            )
        ]
        for matrix in matrices[:-2]:
            made = np.tensordot(matrix.sum(axis=0), made, axes=1)
        rows, cols = matrices[-2:]
        if self.hit is None:
            return int(rows.sum(axis=0) @ made @ cols.sum(axis=0))
        return int(((rows @ made @ cols.T) * self.hit).sum())


@lru_cache(maxsize=512)
def _touched(
    cuts: Cut, bounds: tuple[int, int], origin: int, shards: tuple[int, int], side: int
) -> Counts:
    """Count the chunks that each range touches in each shard, along one axis.

    Shape (ranges, shards); `origin` is the array index of grid index 0.
    """
    chunk = INNER_CHUNK_PX if side == SHARD_PX else 1
    ranges = np.asarray(cuts, dtype=np.int64).clip(*bounds) + origin
    edges = np.arange(*shards, dtype=np.int64) * side
    start = np.maximum(ranges[:, :1], edges)
    stop = np.minimum(ranges[:, 1:], edges + side)
    touched: Counts = np.where(stop > start, -(-stop // chunk) - start // chunk, 0)
    return touched
