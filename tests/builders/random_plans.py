"""Random plans: each step puts one node on top of a plan."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import shapely
from hypothesis import strategies as st
from pyproj import CRS

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.cells import Cells
from datacube.grid import Grid
from datacube.plan.area import axis_coordinates
from datacube.plan.functions import apply
from datacube.plan.nodes import (
    Affine,
    Bands,
    Construct,
    Coordinate,
    Domain,
    Extend,
    Flip,
    Gather,
    Literal,
    Mask,
    Pick,
    Plan,
    Reduce,
    Relabel,
    Slice,
    Sort,
    Spread,
    Table,
    Take,
    Trim,
)
from datacube.plan.reducers import reduce_fields
from datacube.times import Acquisition
from tests.builders.fakes import BASE_TIME
from tests.builders.naive import hold

type Step = Callable[[Plan, st.DataObject], Plan]

MOST_CELLS = 1500


def times(count: int) -> TimeAxis:
    """Return acquisitions every five days."""
    made = [BASE_TIME + timedelta(days=5 * i) for i in range(count)]
    return TimeAxis(acquisitions=tuple(Acquisition(reference=t, first=t, last=t) for t in made))


def indices(size: int, first: int = 0, name: str = "i") -> RegularAxis:
    """Return an index axis."""
    return RegularAxis(name=name, uom="1", start=0, step=1, first=first, size=size, index=True)


def held(data: st.DataObject) -> Plan:
    """Return cells in memory: two fields, on none to two outer axes and perhaps a plane."""
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    choices: list[Axis] = [
        times(3),
        indices(4, -2, "k"),
        IrregularAxis(name="h", uom="m", coefficients=(2.0, 10.0, 50.0)),
        RegularAxis(name="p", uom="hPa", start=1000, step=-50, first=2, size=3),
    ]
    some = st.lists(st.sampled_from(choices), max_size=2, unique_by=lambda axis: axis.name)
    outer = tuple(data.draw(some))
    grid = None
    if data.draw(st.booleans()):
        grid = Grid(
            crs=CRS.from_epsg(32633),
            x=RegularAxis(name="E", uom="m", start=300_000, step=10, first=30, size=5),
            y=RegularAxis(name="N", uom="m", start=5_000_000, step=-10, first=-2, size=4),
        )
    domain = Domain(outer=outer, grid=grid)
    shape = domain.shape
    values = (
        rng.integers(-50, 9000, shape).astype("int16"),
        (rng.random(shape) * 7).astype("float32"),
    )
    valid = tuple(np.asarray(rng.random(shape) > 0.3) for _ in values)
    return hold(Cells(("a", "b"), values, valid), domain)


def part_of(axis: Axis, data: st.DataObject) -> Axis:
    """Return some of an axis's places."""
    if isinstance(axis, TimeAxis):
        keep = sorted(data.draw(st.sets(st.integers(0, axis.size - 1), min_size=1)))
        return TimeAxis(acquisitions=tuple(axis.acquisitions[i] for i in keep))
    first = data.draw(st.integers(axis.first, axis.stop - 1))
    return axis.select(first, data.draw(st.integers(first, axis.stop - 1)))


def trimmed(plan: Plan, data: st.DataObject) -> Plan:
    """Trim some axes."""
    domain = plan.domain
    for at in range(len(domain.axes)):
        if data.draw(st.booleans()):
            domain = domain.having(at, part_of(domain.axes[at], data))
    return Trim(source=plan, domain=domain)


def sliced(plan: Plan, data: st.DataObject) -> Plan:
    """Slice any axis, be it of the plane."""
    axes = plan.domain.axes
    if not axes:
        return plan
    at = data.draw(st.integers(0, len(axes) - 1))
    index = data.draw(st.integers(axes[at].first, axes[at].stop - 1))
    return Slice(source=plan, axis=at, index=index)


def extended(plan: Plan, data: st.DataObject) -> Plan:
    """Extend regular axes."""
    domain = plan.domain
    for at, axis in enumerate(plan.domain.axes):
        if isinstance(axis, RegularAxis) and data.draw(st.booleans()):
            before, after = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))
            wide = replace(axis, first=axis.first - before, size=axis.size + before + after)
            domain = domain.having(at, wide)
    return Extend(source=plan, domain=domain) if domain.size <= MOST_CELLS else plan


def spread(plan: Plan, data: st.DataObject) -> Plan:
    """Repeat along a new outer axis."""
    domain = plan.domain
    at = data.draw(st.integers(0, len(domain.outer)))
    new = indices(3, data.draw(st.integers(-1, 2)), f"s{len(domain.axes)}")
    made = Domain(outer=(*domain.outer[:at], new, *domain.outer[at:]), grid=domain.grid)
    if made.size > MOST_CELLS:
        return plan
    places = tuple(k for k in range(len(made.axes)) if k != at)
    return Spread(source=plan, domain=made, places=places)


def relabelled(plan: Plan, data: st.DataObject) -> Plan:
    """Give every cell other numbers."""
    axes = plan.domain.axes
    if not axes:
        return plan
    first = data.draw(st.integers(-3, 3))
    made = tuple(indices(axis.size, first + k, f"r{k}") for k, axis in enumerate(axes))
    return Relabel(source=plan, domain=Domain(outer=made))


def taken(plan: Plan, data: st.DataObject) -> Plan:
    """Choose cells along an axis by one or two others, one of which may be there already."""
    domain = plan.domain
    if not domain.axes:
        return plan
    at = data.draw(st.integers(0, len(domain.axes) - 1))
    axis, rest = domain.axes[at], domain.without(at)
    new = indices(data.draw(st.integers(1, 4)), data.draw(st.integers(-1, 2)), f"t{len(rest.axes)}")
    made = Domain(outer=(new, *rest.outer), grid=rest.grid)
    if made.size > MOST_CELLS:
        return plan
    places = tuple(range(1, len(made.axes)))
    used = [0]
    if len(made.axes) > 1 and data.draw(st.booleans()):
        used.append(data.draw(st.integers(1, len(made.axes) - 1)))
    if data.draw(st.booleans()):
        size = int(np.prod([made.axes[k].size for k in used]))
        listed = data.draw(
            st.lists(st.integers(axis.first, axis.stop - 1), min_size=size, max_size=size)
        )
        index: Affine | Table = Table(axes=tuple(used), indices=tuple(listed))
    else:
        terms = [(k, data.draw(st.integers(-1, 2))) for k in used]
        ends = [
            sorted(f * e for e in (made.axes[k].first, made.axes[k].stop - 1)) for k, f in terms
        ]
        low, high = sum(e[0] for e in ends), sum(e[1] for e in ends)
        if high - low >= axis.size:
            return plan
        offset = data.draw(st.integers(axis.first - low, axis.stop - 1 - high))
        index = Affine(offset=offset, terms=tuple(terms))
    return Take(source=plan, axis=at, index=index, domain=made, places=places)


def gathered(plan: Plan, data: st.DataObject) -> Plan:
    """Follow a line through two axes."""
    axes = plan.domain.axes
    if len(axes) < 2:
        return plan
    first = data.draw(st.integers(0, len(axes) - 2))
    used = (first, data.draw(st.integers(first + 1, len(axes) - 1)))
    cells = tuple(
        tuple(data.draw(st.integers(axes[k].first, axes[k].stop - 1)) for k in used)
        for _ in range(data.draw(st.integers(1, 5)))
    )
    rest = plan.domain.less(used)
    outer = rest.outer
    if rest.grid is None:
        made = Domain(outer=(*outer[:first], indices(len(cells), 1, "l"), *outer[first:]))
    elif first <= len(outer):
        made = Domain(
            outer=(*outer[:first], indices(len(cells), 1, "l"), *outer[first:]), grid=rest.grid
        )
    else:
        return plan
    return Gather(source=plan, axes=used, cells=cells, domain=made)


def flipped(plan: Plan, data: st.DataObject) -> Plan:
    """Reverse an axis."""
    if not plan.domain.axes:
        return plan
    return Flip(source=plan, axis=data.draw(st.integers(0, len(plan.domain.axes) - 1)))


def sorted_by(plan: Plan, data: st.DataObject) -> Plan:
    """Sort an axis by a reduction over the others."""
    axes = plan.domain.axes
    if not axes:
        return plan
    at = data.draw(st.integers(0, len(axes) - 1))
    one = Bands(picks=(Pick(source=plan, field=plan.fields[0].name, name="key"),))
    others = tuple(k for k in range(len(axes)) if k != at)
    by: Plan = one
    if others:
        operator = data.draw(st.sampled_from(["max", "count"]))
        by = Reduce(
            source=one,
            operator=operator,
            axes=others,
            result=reduce_fields(operator, one.fields),
        )
    return Sort(source=plan, axis=at, by=by, descending=data.draw(st.booleans()))


def _ends(axis: Axis) -> tuple[float, float]:
    places = axis_coordinates(axis, axis.first, axis.stop)
    return float(places.min()), float(places.max())


def masked(plan: Plan, data: st.DataObject) -> Plan:
    """Clip by a triangle on two axes, in any order."""
    axes = plan.domain.axes
    numbered = [k for k, axis in enumerate(axes) if not isinstance(axis, TimeAxis)]
    if len(numbered) < 2:
        return plan
    rows, cols = data.draw(st.permutations(numbered))[:2]
    ends = [_ends(axes[k]) for k in (cols, rows)]
    steps = [0.0, 0.21, 0.5, 0.77, 1.0]
    share = st.sampled_from(steps)
    points = [tuple(low + data.draw(share) * (high - low) for low, high in ends) for _ in range(3)]
    area = shapely.Polygon(points)
    if area.area == 0:
        return plan
    return Mask(source=plan, area=shapely.to_wkb(area), rows=rows, cols=cols)


def applied(plan: Plan, data: st.DataObject) -> Plan:
    """Calculate with a number, itself or coordinates."""
    name = data.draw(st.sampled_from(["+", "-", "*", "/", "<", "max", "abs", "sqrt"]))
    if any(f.dtype == "bool" for f in plan.fields) and name in ("abs", "sqrt", "<", "max"):
        name = "+"
    if name in ("abs", "sqrt"):
        return apply(name, plan)
    options: list[Plan] = [plan, Literal(value=data.draw(st.integers(0, 9)), domain=plan.domain)]
    options.append(Literal(value=None, domain=plan.domain))
    options += [
        Coordinate(axis=k, domain=plan.domain, index=index)
        for k in range(len(plan.domain.axes))
        for index in (True, False)
    ]
    return apply(name, plan, data.draw(st.sampled_from(options)))


def picked(plan: Plan, data: st.DataObject) -> Plan:
    """Choose and rename fields."""
    names = [f.name for f in plan.fields]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    return Bands(
        picks=tuple(Pick(source=plan, field=n, name=f"n{i}") for i, n in enumerate(chosen))
    )


def reduced(plan: Plan, data: st.DataObject) -> Plan:
    """Reduce some axes, perhaps where a field is large."""
    axes = plan.domain.axes
    if not axes:
        return plan
    used = tuple(sorted(data.draw(st.sets(st.integers(0, len(axes) - 1), min_size=1))))
    operators = ["count", "add", "avg", "min", "max", "median", "first", "last"]
    operator = data.draw(st.sampled_from(operators))
    where = None
    if data.draw(st.booleans()):
        one = Bands(picks=(Pick(source=plan, field=plan.fields[-1].name, name="c"),))
        where = apply("!=", one, Literal(value=3, domain=plan.domain))
    return Reduce(
        source=plan,
        operator=operator,
        axes=used,
        result=reduce_fields(operator, plan.fields),
        where=where,
    )


def constructed(plan: Plan, data: st.DataObject) -> Plan:
    """Lay a plan, its reverse and itself again side by side."""
    if plan.domain.size * 2 > MOST_CELLS:
        return plan
    other = flipped(plan, data)
    return Construct(parts=(plan, other), axes=(indices(2, 5, f"c{len(plan.domain.axes)}"),))


STEPS: dict[str, Step] = {
    "trim": trimmed,
    "slice": sliced,
    "extend": extended,
    "spread": spread,
    "relabel": relabelled,
    "take": taken,
    "gather": gathered,
    "flip": flipped,
    "sort": sorted_by,
    "mask": masked,
    "apply": applied,
    "bands": picked,
    "reduce": reduced,
    "construct": constructed,
}


def plans(data: st.DataObject, steps: int = 5) -> Plan:
    """Return a random plan over cells in memory."""
    plan = held(data)
    for name in data.draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=steps)):
        plan = STEPS[name](plan, data)
    return plan
