"""How much memory evaluation holds at once: the larger of a node's moments, added up its tree."""

from dataclasses import dataclass, field
from math import prod

from datacube.grid import Window, same_crs
from datacube.plan.blocks import is_small, steps, tiling
from datacube.plan.deep import deep_kept_bytes
from datacube.plan.nodes import (
    Affine,
    Apply,
    Bands,
    Construct,
    Coordinate,
    Extend,
    Flip,
    Gather,
    Held,
    Literal,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Relabel,
    Resample,
    Scan,
    Slice,
    Sort,
    Source,
    Spread,
    Take,
    Trim,
    distinct,
    is_formula,
)
from datacube.plan.places import is_timed
from datacube.plan.query import AREAL, Method
from datacube.plan.reducers import state_bytes
from datacube.plan.strides import strides
from datacube.plan.windows import inputs, kept_indices, kernel_margins

STRIP_BYTES = 65_536 * 16
"""A value and what calculating it takes, for each cell of a strip."""
_MOST_BUFFERS = 24
"""Buffers of strips that one formula uses at once."""
_POSITION_BYTES = 64
"""Bytes of positions that a warp makes for a cell of its plane."""
_BLENDING_BYTES = 48
"""Bytes for each cell that is interpolated within a CRS."""
_FINISHING_BYTES = 24
"""Bytes for each cell of a reduction's result while it is made from the states."""
_WEIGHING_BYTES = 48
"""Bytes for each source cell while averages or modes are made, one field at a time."""
_GATHERED = 262_144
"""Source cells under target cells that are sorted at once."""
_GATHERING_BYTES = 64
"""Bytes for each cell of them."""
_DOUBLE_BYTES = 18
"""Bytes for each cell of the source's plane, in double precision beside what masks it."""
_PLANE_BYTES = 144
"""Bytes for each cell that a kernel makes, or whose corners are placed."""


def cells_bytes(plan: Plan, window: Window) -> int:
    """Bytes of a window of evaluated cells: values, and a byte of validity each."""
    return window.size * sum(field.numpy_dtype.itemsize + 1 for field in plan.fields)


@dataclass(frozen=True, slots=True)
class Need:
    """What evaluating a window takes."""

    result: int
    """Bytes of what it returns."""
    peak: int
    """Most bytes at once on the way, the result among them."""


_NOTHING = Need(0, 0)


@dataclass(slots=True)
class Ledger:
    """Counts the memory of one block."""

    repeated: frozenset[str]
    """Nodes whose cells are kept until the block ends."""
    kept: int = 0
    """Bytes of them."""
    known: dict[tuple[str, Window], Need] = field(default_factory=dict)

    def need(self, plan: Plan, window: Window) -> Need:
        """Return what evaluating a window of a plan takes, beside what is kept."""
        at = plan.key, window
        made = self.known.get(at)
        if made is None:
            made = _NOTHING if is_small(plan) else self._need(plan, window)
            if plan.key in self.repeated and not isinstance(plan, Bands):
                self.kept += made.result
                made = Need(0, made.peak - made.result)
            self.known[at] = made
        return made

    def reduce(self, node: Reduce, window: Window) -> Need:
        """Return what a reduction takes, part after part and step after step."""
        parts = tiling(node, window)
        part = tuple((one[0][0], max(b - a for a, b in one)) for one in parts.cuts)
        along = steps(node)
        lengths = [max(b - a for a, b in one) for one in along]
        elementwise = all(n == 1 for n in lengths)
        if elementwise:
            lengths[-1] = min(parts.batch, sum(b - a for a, b in along[-1]))
        kept, stepped = iter(part), iter(zip(along, lengths, strict=True))
        ranges = []
        for at in range(len(node.source.domain.axes)):
            if at in node.axes:
                cut, length = next(stepped)
                start = cut[0][0]
            else:
                start, length = next(kept)
            ranges.append((start, start + length))
        step = Window(tuple(ranges))
        sources = (node.source,) if node.where is None else (node.source, node.where)
        leaves = self._in_turn([(leaf, step) for leaf in _leaves(sources)])
        cells = prod(length for _, length in part)
        whole = prod(node.source.domain.axes[at].size for at in node.axes)
        states = sum(state_bytes(node.operator, f.dtype, cells, whole) for f in node.source.fields)
        block = sum(cells_bytes(source, step) for source in sources)
        # Where reduced axes are not last, the block is made and copied with them last.
        moved = 0 if node.axes[-1] == len(step.ranges) - 1 or elementwise else 2 * block
        work = _strip_bytes(sources) + moved
        result = cells_bytes(node, window)
        # The state of a step beside that of all before it, where steps are merged.
        states *= 1 if elementwise else 2
        first = Window(tuple(one[0] for one in parts.cuts))
        held = states + _FINISHING_BYTES * cells + strides(node, first).kept_bytes
        return Need(result, result + held + max(leaves.peak, leaves.result + work))

    def _in_turn(self, wanted: list[tuple[Plan, Window]]) -> Need:
        """Return what several results take that are made one after another and kept."""
        held = peak = 0
        for plan, window in wanted:
            one = self.need(plan, window)
            peak = max(peak, held + one.peak)
            held += one.result
        return Need(held, max(peak, held))

    def _need(self, plan: Plan, window: Window) -> Need:  # one case a node
        match plan:
            case Literal() | Coordinate() | Held() | Source():
                return _NOTHING
            case Scan():
                return _scan(plan, window)
            case Apply():
                found = self._in_turn([(leaf, window) for leaf in _leaves((plan,))])
                own = cells_bytes(plan, window)
                work = own + _strip_bytes((plan,))
                return Need(own, max(found.peak, found.result + work))
            case Bands():
                return self._in_turn(list(inputs(plan, window)))
            case Reduce():
                return self.reduce(plan, window)
            case Mosaic():
                own = cells_bytes(plan, window) + window.size * len(plan.fields)
                masks = 2 * window.size * len(plan.fields)
                peak = max((self._alone(m.source, window) for m in plan.members), default=0)
                return Need(own, own + masks + peak)
            case Slice() | Spread() | Relabel() | Flip():
                return self._in_turn(list(inputs(plan, window)))
            case Trim():
                return self._copied(plan, window, 0 if _runs(plan) else 1)
            case Take():
                return self._copied(plan, window, 0 if isinstance(plan.index, Affine) else 1)
            case Resample():
                return self._resampled(plan, window)
            case Extend() | Construct() | Gather() | Sort() | Mask():
                return self._pieces(plan, window)

    def _alone(self, plan: Plan, window: Window) -> int:
        return self.need(plan, window).peak

    def _copied(self, plan: Plan, window: Window, copies: int) -> Need:
        found = self._in_turn(list(inputs(plan, window)))
        if not copies:
            return found
        own = cells_bytes(plan, window)
        return Need(own, max(found.peak, found.result + own))

    def _pieces(self, plan: Extend | Construct | Gather | Sort | Mask, window: Window) -> Need:
        """Return what a node takes that fills its result piece by piece."""
        own = cells_bytes(plan, window)
        peak = 0
        for source, part in inputs(plan, window):
            piece = self.need(source, part)
            # Copies of a piece, and for clips its lines' crossings.
            work = piece.result + 8 * part.size
            peak = max(peak, piece.peak, piece.result + work)
        return Need(own, own + peak)

    def _resampled(self, plan: Resample, window: Window) -> Need:
        found = self._in_turn(list(inputs(plan, window)))
        own = cells_bytes(plan, window)
        work = own
        warps = not same_crs(plan.grid.crs, plan.source.domain.plane.crs)
        if warps:
            work += _POSITION_BYTES * window.plane.size
        elif plan.method is Method.LINEAR:
            work += _BLENDING_BYTES * window.plane.size
        parts = [part for _, part in inputs(plan, window)]
        if plan.method is Method.LINEAR:
            work += found.result + own
        if plan.method in (Method.AVERAGE, Method.MODE) and not warps:
            cells = max((part.size for part in parts), default=0)
            work += _WEIGHING_BYTES * max(cells, 2 * window.size)
        elif plan.method is not Method.NEAREST:
            # One plane at a time, in double precision; a kernel's weights along x are kept.
            weights = 16 * kernel_margins(plan)[1]
            work += (_PLANE_BYTES + weights) * window.plane.size
            read = max((part.plane.size for part in parts), default=0)
            work += _DOUBLE_BYTES * read
            if plan.method in AREAL:
                under_one = 4 * read // window.plane.size
                work += _GATHERING_BYTES * max(_GATHERED, under_one)
        return Need(own, max(found.peak, found.result + own + work))


def _scan(scan: Scan, window: Window) -> Need:
    """Return what reading takes: bands of a time are read, then times stacked."""
    own = cells_bytes(scan, window)
    times = window.ranges[0][1] - window.ranges[0][0] if is_timed(scan) else 1
    widest = max(band.numpy_dtype.itemsize for band in scan.bands)
    one = window.size // times
    several = any(len(stack.slots) > 1 for stack in scan.stacks)
    work = 2 * one * widest + (8 * one if several else 0)
    # Stacking copies all times once, band by band.
    return Need(own, own + work + (own if times > 1 else 0) + deep_kept_bytes(scan))


def _leaves(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """Return what formulas are made of that is no part of them, each once."""
    parts = distinct(*plans, enters=is_formula)
    return tuple(part for part in parts if not isinstance(part, Apply | Bands | Literal))


def _strip_bytes(plans: tuple[Plan, ...]) -> int:
    """Bytes of the buffers in which formulas are evaluated strip by strip."""
    parts = distinct(*plans, enters=is_formula)
    count = sum(len(part.fields) for part in parts if isinstance(part, Apply))
    return (2 + min(count, _MOST_BUFFERS)) * STRIP_BYTES


def _runs(plan: Trim) -> bool:
    """Tell whether no trimmed axis has gaps."""
    return all(
        numbers is None or numbers[-1] - numbers[0] + 1 == len(numbers)
        for own, kept in zip(plan.source.domain.axes, plan.domain.axes, strict=True)
        for numbers in [kept_indices(own, kept)]
    )
