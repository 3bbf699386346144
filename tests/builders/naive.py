"""What plans mean, cell by cell in plain Python: no windows, no blocks, no rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import product
from statistics import median
from typing import Any

import numpy as np
import shapely

from datacube.axes import Axis, TimeAxis
from datacube.cells import Cells, Valid, Values
from datacube.evaluate.cells import evaluate
from datacube.plan.nodes import (
    Affine,
    Apply,
    Bands,
    Construct,
    Coordinate,
    Domain,
    Extend,
    Field,
    Flip,
    Gather,
    Held,
    HeldCells,
    Literal,
    Mask,
    Mosaic,
    Plan,
    Reduce,
    Relabel,
    Resample,
    Slice,
    Sort,
    Spread,
    Take,
    Trim,
    rebuilt,
)
from datacube.protocols import ReadCells

type Place = tuple[int, ...]
"""Indices, as the axes number their cells."""


def hold(cells: Cells, domain: Domain, fields: tuple[Field, ...] | None = None) -> Held:
    """Return a plan of cells in memory."""
    made = fields or tuple(
        Field(name=n, dtype=v.dtype.name, nodata=None)
        for n, v in zip(cells.names, cells.values, strict=True)
    )
    bits = b"".join(a.tobytes() for a in (*cells.values, *cells.valid))
    key = sha256(bits + repr((cells.names, cells.shape)).encode()).hexdigest()
    return Held(held=HeldCells(key=key, cells=cells), domain=domain, fields=made)


def naive(plan: Plan, read: ReadCells) -> Cells:
    """Evaluate a whole plan.

    Scans, resamplings, mosaics and functions, which have tests of their own, are
    evaluated by the house's code, on whole arrays and one node at a time.
    """
    match plan:
        case Apply() | Resample() | Mosaic():
            flat = rebuilt(plan, lambda part: _flat(part, read))
            return evaluate(flat, plan.domain.window, read)
        case Bands(picks=picks):
            found = [naive(pick.source, read).band(pick.field) for pick in picks]
            return Cells(
                tuple(pick.name for pick in picks),
                tuple(values for values, _ in found),
                tuple(valid for _, valid in found),
            )
        case Reduce():
            return _reduced(plan, read)
        case Literal() | Coordinate() | Held():
            return _leaf(plan)
        case (
            Trim() | Slice() | Extend() | Spread() | Relabel() | Take() | Gather() | Flip() | Sort()
        ) | Mask():
            source = naive(plan.source, read)
            return _by_places(plan, source, plan.source.domain, _origin(plan, read))
        case Construct(parts=parts, axes=axes):
            cells = [naive(part, read) for part in parts]
            shape = plan.domain.shape

            def stacked(arrays: Sequence[Values]) -> Values:
                return np.stack(list(arrays)).reshape(shape)

            assert len(axes)
            return Cells(
                cells[0].names,
                tuple(stacked([c.values[i] for c in cells]) for i in range(len(cells[0].names))),
                tuple(stacked([c.valid[i] for c in cells]) for i in range(len(cells[0].names))),
            )
        case _:
            return evaluate(plan, plan.domain.window, read)


def _flat(part: Plan, read: ReadCells) -> Plan:
    # A null literal has no type of its own, which cells in memory would give it.
    if isinstance(part, Literal):
        return part
    return hold(naive(part, read), part.domain, part.fields)


def _leaf(plan: Literal | Coordinate | Held) -> Cells:
    if isinstance(plan, Held):
        return plan.held.cells
    (field,) = plan.fields
    values: Values = np.zeros(plan.domain.shape, field.dtype)
    valid: Valid = np.ones(plan.domain.shape, np.bool_)
    for at in np.ndindex(plan.domain.shape):
        if isinstance(plan, Literal):
            values[at] = 0 if plan.value is None else plan.value
            valid[at] = plan.value is not None
            continue
        axis = plan.domain.axes[plan.axis]
        index = axis.first + at[plan.axis]
        values[at] = index if plan.index else _coordinate(axis, index)
    return Cells((field.name,), (values,), (valid,))


def _coordinate(axis: Axis, index: int) -> float:
    if isinstance(axis, TimeAxis):
        since = axis.acquisitions[index].reference - datetime(1970, 1, 1, tzinfo=UTC)
        return since / timedelta(seconds=1)
    return float(axis.coordinates()[index - axis.first])


def _label(axis: Axis, index: int) -> Any:  # noqa: ANN401  # a number or a time
    match axis:
        case TimeAxis():
            return axis.acquisitions[index].reference
        case _ if hasattr(axis, "coefficients"):
            return axis.coefficients[index]
        case _:
            return index


def _origin(plan: Plan, read: ReadCells) -> Any:  # noqa: ANN401  # a function of places
    """Return the function from a place of `plan` to that of its source, or to None."""
    domain = plan.domain
    match plan:
        case Trim(source=source) | Extend(source=source):
            numbers = [
                {_label(axis, k): k for k in range(axis.first, axis.stop)}
                for axis in source.domain.axes
            ]

            def same(at: Place) -> Place | None:
                found = [
                    held.get(_label(axis, k))
                    for held, axis, k in zip(numbers, domain.axes, at, strict=True)
                ]
                return None if None in found else tuple(k for k in found if k is not None)

            return same
        case Slice(axis=axis, index=index):
            return lambda at: (*at[:axis], index, *at[axis:])
        case Spread(places=places):
            return lambda at: tuple(at[k] for k in places)
        case Relabel(source=source):
            return lambda at: tuple(
                k - new.first + old.first
                for k, new, old in zip(at, domain.axes, source.domain.axes, strict=True)
            )
        case Take():
            return lambda at: _taken(plan, at)
        case Gather(axes=axes, cells=cells, source=source):
            new = domain.axes[axes[0]]

            def followed(at: Place) -> Place:
                chosen = dict(zip(axes, cells[at[axes[0]] - new.first], strict=True))
                rest = iter([k for i, k in enumerate(at) if i != axes[0]])
                return tuple(
                    chosen[i] if i in chosen else next(rest) for i in range(len(source.domain.axes))
                )

            return followed
        case Flip(axis=axis):
            ends = domain.axes[axis].first + domain.axes[axis].stop - 1
            return lambda at: (*at[:axis], ends - at[axis], *at[axis + 1 :])
        case Sort(axis=axis):
            order = _order(plan, read)
            first = domain.axes[axis].first
            return lambda at: (*at[:axis], order[at[axis] - first] + first, *at[axis + 1 :])
        case Mask():
            return lambda at: at if _is_inside(plan, at) else None
        case _:
            raise TypeError(type(plan).__name__)


def _taken(plan: Take, at: Place) -> Place:
    axes = plan.domain.axes
    if isinstance(plan.index, Affine):
        index = plan.index.offset + sum(factor * at[k] for k, factor in plan.index.terms)
    else:
        place = 0
        for k in plan.index.axes:
            place = place * axes[k].size + at[k] - axes[k].first
        index = plan.index.indices[place]
    rest = [at[k] for k in plan.places]
    rest.insert(plan.axis, index)
    return tuple(rest)


def _order(plan: Sort, read: ReadCells) -> list[int]:
    key = naive(plan.by, read)
    pairs = list(zip(key.values[0].tolist(), key.valid[0].tolist(), strict=True))
    known = [k for k, (value, valid) in enumerate(pairs) if valid and value == value]  # noqa: PLR0124  # NaN is not
    known.sort(key=lambda k: -pairs[k][0] if plan.descending else pairs[k][0])
    return known + [k for k in range(len(pairs)) if k not in known]


def _is_inside(plan: Mask, at: Place) -> bool:
    axes = plan.domain.axes
    x = _coordinate(axes[plan.cols], at[plan.cols])
    y = _coordinate(axes[plan.rows], at[plan.rows])
    return bool(shapely.from_wkb(plan.area).intersects(shapely.Point(x, y)))


def _by_places(plan: Plan, source: Cells, own: Domain, origin: Any) -> Cells:  # noqa: ANN401  # a function of places
    values = [np.zeros(plan.domain.shape, v.dtype) for v in source.values]
    valid = [np.zeros(plan.domain.shape, np.bool_) for _ in source.values]
    ranges = [range(axis.first, axis.stop) for axis in plan.domain.axes]
    for place, at in zip(product(*ranges), np.ndindex(plan.domain.shape), strict=True):
        came = origin(place)
        if came is None:
            continue
        there = tuple(k - axis.first for k, axis in zip(came, own.axes, strict=True))
        assert min(there, default=0) >= 0
        for i in range(len(values)):
            values[i][at] = source.values[i][there]
            valid[i][at] = source.valid[i][there]
    return Cells(source.names, tuple(values), tuple(valid))


def _reduced(plan: Reduce, read: ReadCells) -> Cells:
    source = naive(plan.source, read)
    chosen: Valid = np.ones(source.shape, np.bool_)
    if plan.where is not None:
        where = naive(plan.where, read)
        chosen = where.valid[0] & (where.values[0] != 0)
    values, valid = [], []
    for made, own, known in zip(plan.result, source.values, source.valid, strict=True):
        moved = np.moveaxis(own, plan.axes, range(len(plan.axes)))
        true = np.moveaxis(known & chosen, plan.axes, range(len(plan.axes)))
        found: Values = np.zeros(plan.domain.shape, made.dtype)
        has: Valid = np.zeros(plan.domain.shape, np.bool_)
        for at in np.ndindex(plan.domain.shape):
            part = (slice(None),) * len(plan.axes) + at
            cells = moved[part].ravel()[true[part].ravel()].tolist()
            one = _one(plan.operator, cells)
            has[at] = one is not None and one == one  # noqa: PLR0124  # NaN is not
            found[at] = one if has[at] else 0
        values.append(found)
        valid.append(has)
    return Cells(tuple(f.name for f in plan.result), tuple(values), tuple(valid))


def _one(operator: str, cells: list[Any]) -> Any:  # noqa: ANN401  # a number of any type
    if operator == "count":
        return sum(1 for c in cells if c)
    if not cells:
        return None
    match operator:
        case "add":
            return sum(cells)
        case "avg":
            return sum(cells) / len(cells)
        case "min":
            return min(cells)
        case "max":
            return max(cells)
        case "median":
            return median(cells)
        case "first":
            return cells[0]
        case "last":
            return cells[-1]
        case _:
            raise ValueError(operator)
