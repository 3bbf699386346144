"""How many stored chunks an answer reads, counted along the cuts that evaluation follows.

Nothing here goes block by block: a plan's windows are followed axis by axis, so that
the largest cube is counted in the time that its longest axis takes.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from datacube.grid import Window, same_crs
from datacube.plan.area import touched_grid
from datacube.plan.blocks import Cut, cut, is_small, steps, tiling
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
from datacube.plan.scanned import scanned
from datacube.plan.small import block_groups
from datacube.plan.strides import Moving, kept_tiles, strides
from datacube.plan.tiles import Pairs, Tiles
from datacube.plan.windows import inputs, kept_indices, sort_reads_whole

_MOST_PAIRS = 4096
"""Windows of a warp that are looked at one by one; beyond, their hull counts."""


def chunks_read(plans: tuple[Plan, ...], tiles: Tiles) -> tuple[int, int]:
    """Return how many chunks evaluating plans together in windows reads, and their decoded bytes.

    Small reductions below the plans' tops are left out: they are done once, apart.
    """
    number = size = 0
    tops = {plan.key for plan in plans}
    todo = [(plan, tiles) for plan in plans]
    # What one of them reads in a step, the others find.
    apart = {plan.key: plans[0].key for plan in plans}
    for plan in plans:
        for group in block_groups(plan, tiles.first):
            apart.update((node.key, group[0][0].key) for node, _ in group)
    kept: dict[str, frozenset[Moving]] = {}
    seen: set[tuple[str, tuple[Cut, ...], str]] = set()
    while todo:
        node, part = todo.pop()
        if (node.key, part.cuts, part.within) in seen or (is_small(node) and node.key not in tops):
            continue
        seen.add((node.key, part.cuts, part.within))
        if isinstance(node, Reduce):
            within = apart.get(node.key, node.key)
            first = Window(tuple(one[0] for one in tiling(node, part.largest).cuts))
            kept[within] = kept.get(within, frozenset()) | strides(node, first).moving
            todo.extend(_steps(node, reduce_tiles(node, part, within)))
        elif isinstance(node, Scan):
            moving = kept.get(part.within, frozenset())
            chunks, decoded = scanned(node, kept_tiles(node, moving, part))
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


def _steps(node: Reduce, tiles: Tiles) -> Iterator[tuple[Plan, Tiles]]:
    yield node.source, tiles
    if node.where is not None:
        yield node.where, tiles


def _same_indices(node: Trim) -> bool:
    return all(
        kept_indices(own, kept) is None
        for own, kept in zip(node.source.domain.axes, node.domain.axes, strict=True)
    )


def reduce_tiles(node: Reduce, tiles: Tiles, within: str) -> Tiles:
    """Return the windows of the source that the steps of a reduction are taken in."""
    parts = tiling(node, tiles.largest)
    stepped = list(steps(node))
    if all(b - a == 1 for one in stepped for a, b in one):
        runs = (stepped[-1][k : k + parts.batch] for k in range(0, len(stepped[-1]), parts.batch))
        stepped[-1] = tuple((run[0][0], run[-1][1]) for run in runs)
    sides = [max(b - a for a, b in one) for one in parts.cuts]
    kept = iter(
        [
            tuple(piece for bounds in one for piece in cut(bounds, side))
            for one, side in zip(tiles.cuts, sides, strict=True)
        ]
    )
    along = iter(stepped)
    positions = [at for at in range(len(node.source.domain.axes)) if at not in node.axes]
    cuts = tuple(
        next(along) if at in node.axes else next(kept) for at in range(len(node.source.domain.axes))
    )
    free = {positions[at] for at in tiles.free} | set(node.axes)
    if is_small(node):
        free |= set(positions)
    return Tiles(cuts=cuts, free=frozenset(free), times=tiles.times, within=within)


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
    warp = isinstance(node, Resample) and not same_crs(node.grid.crs, node.source.domain.plane.crs)
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
