"""One pyramid level from the level below: four cells become one."""

from collections.abc import Callable, Iterator

import numpy as np

from datacube.cells import Valid, Values
from datacube.cube import Aggregate

BLOCK_ROWS = 256
"""Output rows computed at once, so that the work stays in the processor's cache."""

type _Children = tuple[Values, Values, Values, Values]


def reduce_level(
    values: Values,
    valid: Valid,
    aggregate: Aggregate,
    nodata: float,
    parity: tuple[int, int] = (0, 0),
    *,
    degrees_per_unit: float = 1.0,
) -> tuple[Values, Valid]:
    """Return the next level of `values`, shape `(..., y, x)`, and where it is valid.

    Axes before y and x stay as they are.
    Cells pair up by their absolute index: `parity` is 1 along `(y, x)` where the first
    cell's index is odd, so that it is the second of its pair. The shape is that of
    `Window.coarser(1)`. A cell is valid if any of its children is; others hold `nodata`.

    - MEAN: over valid children, integers rounded half to even.
    - MODE: the most frequent valid child; ties: the lowest.
    - FLAGS: bits of the valid children OR-ed.
    - DIRECTION: `values * degrees_per_unit` averaged as unit vectors, in `[0, 360)`; where
      they cancel out, the lowest.
    """
    if values.shape != valid.shape:
        raise ValueError(f"values {values.shape}, valid {valid.shape}")
    if values.ndim > 2:
        made = [
            reduce_level(v, m, aggregate, nodata, parity, degrees_per_unit=degrees_per_unit)
            for v, m in zip(values, valid, strict=True)
        ]
        return np.stack([v for v, _ in made]), np.stack([m for _, m in made])
    combine = _combiner(aggregate, values.dtype, degrees_per_unit)
    rows = (values.shape[0] + parity[0] + 1) // 2
    cols = (values.shape[1] + parity[1] + 1) // 2
    out = np.empty((rows, cols), dtype=values.dtype)
    out_valid = np.empty((rows, cols), dtype=bool)
    fill = values.dtype.type(nodata)
    for start, stop, block, mask in _blocks(values, valid, parity, rows):
        children, masks = _four(block), _four(mask)
        count = np.add.reduce([m.view(np.uint8) for m in masks])
        some = count > 0
        result = combine(children, masks, count)
        np.copyto(result, fill, where=~some)
        out[start:stop], out_valid[start:stop] = result, some
    return out, out_valid


def _blocks(
    values: Values, valid: Valid, parity: tuple[int, int], rows: int
) -> Iterator[tuple[int, int, Values, Valid]]:
    """Yield output rows `[start, stop)` with their children, padded to whole pairs."""
    height, width = values.shape
    left, right = parity[1], (width + parity[1]) % 2
    for start in range(0, rows, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, rows)
        first, last = 2 * start - parity[0], 2 * stop - parity[0]
        part = slice(max(first, 0), min(last, height))
        block, mask = values[part], valid[part]
        above, below = max(-first, 0), max(last - height, 0)
        if above or below or left or right:
            pad = ((above, below), (left, right))
            block, mask = np.pad(block, pad), np.pad(mask, pad)
        yield start, stop, block, mask


def _four(block: Values) -> _Children:
    return block[0::2, 0::2], block[0::2, 1::2], block[1::2, 0::2], block[1::2, 1::2]


type _Combine = Callable[[_Children, _Children, Values], Values]


def _combiner(
    aggregate: Aggregate, dtype: np.dtype[np.generic], degrees_per_unit: float
) -> _Combine:
    match aggregate:
        case Aggregate.MEAN if dtype.kind in "iu":
            return _mean_of_integers
        case Aggregate.MEAN:
            return _mean_of_floats
        case Aggregate.MODE:
            return _mode
        case Aggregate.FLAGS:
            return _flags
        case Aggregate.DIRECTION:
            return _direction(degrees_per_unit)


def _mean_of_integers(children: _Children, masks: _Children, count: Values) -> Values:
    dtype = children[0].dtype
    wide = np.int32 if dtype.itemsize <= 2 else np.int64
    full = bool((count == 4).all())
    total = np.zeros(count.shape, dtype=wide)
    for child, mask in zip(children, masks, strict=True):
        if full:
            total += child
        else:
            np.add(total, child, out=total, where=mask)
    if full:
        return _quarter(total).astype(dtype)
    # Half to even: a tie adds the lowest bit of the floor; thirds never tie.
    mean = np.where(count == 4, _quarter(total), total)
    two, three = count == 2, count == 3
    pair = total[two]
    mean[two] = (pair + ((pair >> 1) & 1)) >> 1
    mean[three] = (total[three] + 1) // 3
    return mean.astype(dtype)


def _quarter(total: Values) -> Values:
    rounded: Values = (total + 1 + ((total >> 2) & 1)) >> 2
    return rounded


def _mean_of_floats(children: _Children, masks: _Children, count: Values) -> Values:
    total = np.zeros(count.shape, dtype=np.float64)
    for child, mask in zip(children, masks, strict=True):
        np.add(total, child, out=total, where=mask)
    return (total / np.maximum(count, 1)).astype(children[0].dtype)


def _mode(children: _Children, masks: _Children, count: Values) -> Values:
    del count
    best = children[0].copy()
    best_votes = np.zeros(best.shape, dtype=np.uint8)
    for child, mask in zip(children, masks, strict=True):
        votes = np.zeros(best.shape, dtype=np.uint8)
        for other, other_mask in zip(children, masks, strict=True):
            votes += (child == other) & other_mask
        better = mask & ((votes > best_votes) | ((votes == best_votes) & (child < best)))
        np.copyto(best, child, where=better)
        np.copyto(best_votes, votes, where=better)
    return best


def _flags(children: _Children, masks: _Children, count: Values) -> Values:
    del count
    joined = np.zeros(children[0].shape, dtype=children[0].dtype)
    for child, mask in zip(children, masks, strict=True):
        np.bitwise_or(joined, child, out=joined, where=mask)
    return joined


def _direction(degrees_per_unit: float) -> _Combine:
    def combine(children: _Children, masks: _Children, count: Values) -> Values:
        del count
        dtype = children[0].dtype
        east = np.zeros(children[0].shape)
        north = np.zeros(children[0].shape)
        lowest = np.full(children[0].shape, np.inf)
        for child, mask in zip(children, masks, strict=True):
            angle = np.deg2rad(child * degrees_per_unit)
            np.add(east, np.sin(angle), out=east, where=mask)
            np.add(north, np.cos(angle), out=north, where=mask)
            np.minimum(lowest, child, out=lowest, where=mask)
        lowest[np.isinf(lowest)] = 0  # no valid child
        mean = np.rad2deg(np.arctan2(east, north)) / degrees_per_unit
        turn = 360 / degrees_per_unit
        # Sums of four unit vectors that cancel out leave about 1e-16.
        mean = np.where(np.hypot(east, north) < 1e-9, lowest, mean)
        if dtype.kind in "iu":
            mean = np.rint(mean)
        turned: Values = (mean % turn).astype(dtype)
        return turned

    return combine
