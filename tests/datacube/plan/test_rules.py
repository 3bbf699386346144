"""Rules preserve values: random plans with every rule on and off, bit for bit."""

from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from datacube.axes import Axis, RegularAxis, TimeAxis
from datacube.evaluate.cells import evaluate
from datacube.grid import Grid
from datacube.plan.functions import apply
from datacube.plan.nodes import (
    Bands,
    Domain,
    Encode,
    Literal,
    Member,
    Mosaic,
    Pick,
    Plan,
    Resample,
    Scan,
    Slice,
    Source,
    Stack,
    Trim,
    leaves,
    scans,
)
from datacube.plan.query import Method
from datacube.plan.rules import RULES, Rule, rewrite, rewrite_encode
from datacube.times import Acquisition
from tests.builders.fakes import BASE_TIME, ORIGIN_M, World, optical_cube
from tests.builders.random_plans import STEPS, Step, plans

CUBE = optical_cube()
SIDE = 12
TIMES = tuple(BASE_TIME + timedelta(days=5 * i) for i in range(3))


@pytest.fixture(scope="module")
def world() -> World:
    """Six scenes at three times, each with holes, some beside the others, two without B08."""
    made = World()
    rng = np.random.default_rng(0)
    for number, time in enumerate(TIMES * 2):
        bands = {}
        for name in ("B04", "B08") if number not in (1, 5) else ("B04",):
            values = rng.integers(-50, 9000, (SIDE, SIDE)).astype("int16")
            values[rng.random(values.shape) < 0.25] = -32768
            bands[name] = values
        shift = 30.0 * (number % 4)
        made.add(CUBE, bands, when=time, corner=(ORIGIN_M[0] + shift, ORIGIN_M[1]))
    return made


def base(world: World, *, swapped: bool) -> Scan:
    group = CUBE.group("r10m")
    first = world.slots[0].window("r10m")
    assert first is not None
    axis = TimeAxis(
        acquisitions=tuple(
            Acquisition(reference=t, first=t, last=t + timedelta(seconds=25)) for t in TIMES
        )
    )
    stacks = []
    for time in TIMES:
        slots = [s for s in world.slots if s.scene.reference_time == time]
        stacks.append(Stack(time=time, slots=tuple(slots[::-1] if swapped else slots[:1])))
    return Scan(
        cube=CUBE.name,
        group=group,
        level=0,
        bands=(CUBE.band("B04"), CUBE.band("B08")),
        stacks=tuple(stacks),
        domain=Domain(outer=(axis,), grid=group.grid.at(first.window)),
    )


def trimmed(plan: Plan, data: st.DataObject) -> Plan:
    grid = plan.domain.plane
    outer: tuple[Axis, ...] = plan.domain.outer

    def cut(axis: RegularAxis) -> RegularAxis:
        first = data.draw(st.integers(axis.first, axis.stop - 1))
        return axis.select(first, data.draw(st.integers(first, axis.stop - 1)))

    time = outer[0] if outer else None
    if isinstance(time, TimeAxis) and data.draw(st.sampled_from([False, True])):
        keep = data.draw(st.sets(st.integers(0, time.size - 1), min_size=1))
        outer = (TimeAxis(acquisitions=tuple(time.acquisitions[i] for i in sorted(keep))),)
    return Trim(
        source=plan, domain=Domain(outer=outer, grid=replace(grid, x=cut(grid.x), y=cut(grid.y)))
    )


def resampled(plan: Plan, data: st.DataObject) -> Plan:
    grid = plan.domain.plane
    method = data.draw(st.sampled_from(list(Method)))
    kind = data.draw(st.sampled_from(["size", "shift", "same", "edge", "crs"]))
    (x0, x1), (y0, y1) = grid.x.bounds, grid.y.bounds
    if kind == "crs" and grid.crs == CUBE.crs:
        crs = CRS.from_epsg(3857)
        (x0, x1), (y0, y1) = Transformer.from_crs(grid.crs, crs, always_xy=True).transform(
            [x0, x1], [y0, y1]
        )
    else:
        crs = grid.crs
    if kind == "same":
        return Resample(source=plan, grid=grid, method=method)
    columns, rows = data.draw(st.integers(1, 15)), data.draw(st.integers(1, 15))
    shift = data.draw(st.sampled_from([0.0, 3.7, 25.0])) if kind == "shift" else 0.0
    target = Grid(
        crs=crs,
        x=RegularAxis(name="E", uom="m", start=x0 + shift, step=(x1 - x0) / columns, size=columns),
        y=RegularAxis(name="N", uom="m", start=y1 + shift, step=-(y1 - y0) / rows, size=rows),
    )
    edge = kind == "edge"
    return Resample(
        source=plan, grid=target, method=Method.NEAREST if edge else method, from_edge=edge
    )


def applied(plan: Plan, data: st.DataObject) -> Plan:
    name = data.draw(st.sampled_from(["+", "-", "/", "<", "max", "abs", "negative", "sqrt"]))
    if any(f.dtype == "bool" for f in plan.fields) and name not in ("+", "-", "/"):
        name = "+"
    if name in ("abs", "negative", "sqrt"):
        return apply(name, plan)
    other = data.draw(
        st.one_of(
            st.just(plan), st.integers(0, 9).map(lambda v: Literal(value=v, domain=plan.domain))
        )
    )
    return apply(name, plan, other)


def picked(plan: Plan, data: st.DataObject) -> Plan:
    names = [f.name for f in plan.fields]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    return Bands(
        picks=tuple(Pick(source=plan, field=n, name=f"n{i}") for i, n in enumerate(chosen))
    )


def sliced(plan: Plan, data: st.DataObject) -> Plan:
    if not plan.domain.outer:
        return plan
    axis = plan.domain.outer[0]
    return Slice(source=plan, axis=0, index=data.draw(st.integers(axis.first, axis.stop - 1)))


PLANAR = {
    "trim": trimmed,
    "resample": resampled,
    "apply": applied,
    "bands": picked,
    "slice": sliced,
}


def mosaic(plan: Plan, other: Plan, data: st.DataObject) -> Plan:
    homes = [None, (12.0, 0.0, 18.0, 90.0), (0.0, 0.0, 15.0005, 90.0)]
    return Mosaic(
        members=tuple(
            Member(source=p, home=data.draw(st.sampled_from(homes))) for p in (plan, other)
        )
    )


def same(plan: Plan, world: World, rules: tuple[Rule, ...]) -> Plan:
    made = rewrite(plan, rules)
    assert made.domain == plan.domain
    assert made.fields == plan.fields
    before = evaluate(plan, plan.domain.window, world)
    after = evaluate(made, made.domain.window, world)
    for at in range(len(plan.fields)):
        known = before.valid[at]
        np.testing.assert_array_equal(after.valid[at], known)
        assert after.values[at].dtype == before.values[at].dtype
        assert after.values[at][known].tobytes() == before.values[at][known].tobytes()
    return made


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_random_plans_evaluate_to_the_same_bits(world: World, data: st.DataObject) -> None:
    plan: Plan = base(world, swapped=False)
    for name in data.draw(st.lists(st.sampled_from([*PLANAR, "mosaic"]), max_size=6)):
        if name == "mosaic":
            other = base(world, swapped=True)
            if (plan.domain, plan.fields) == (other.domain, other.fields):
                plan = mosaic(plan, other, data)
        else:
            plan = PLANAR[name](plan, data)
    same(plan, world, RULES)
    same(plan, world, (data.draw(st.sampled_from(RULES)),))


EVERY: dict[str, Step] = {**PLANAR, **{f"any {name}": step for name, step in STEPS.items()}}
"""Steps over scans, and those over any axes."""


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_nodes_over_scans_evaluate_to_the_same_bits(world: World, data: st.DataObject) -> None:
    plan: Plan = base(world, swapped=data.draw(st.booleans()))
    for name in data.draw(st.lists(st.sampled_from(sorted(EVERY)), min_size=1, max_size=6)):
        if name in ("resample", "trim") and (
            plan.domain.grid is None or len(plan.domain.outer) > 1
        ):
            continue
        plan = EVERY[name](plan, data)
    same(plan, world, RULES)
    same(plan, world, (data.draw(st.sampled_from(RULES)),))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_nodes_over_any_axes_evaluate_to_the_same_bits(data: st.DataObject) -> None:
    plan = plans(data, steps=7)
    same(plan, World(), RULES)
    same(plan, World(), (data.draw(st.sampled_from(RULES)),))


def test_everything_ends_in_the_scan(world: World) -> None:
    scan = base(world, swapped=False)
    ratio = apply(
        "/",
        Bands(picks=(Pick(source=scan, field="B08", name="a"),)),
        Bands(picks=(Pick(source=scan, field="B08", name="b"),)),
    )
    grid = scan.domain.plane
    small = replace(grid, x=grid.x.select(grid.x.first, grid.x.first + 1))
    made = rewrite(
        Slice(
            source=Trim(source=ratio, domain=Domain(outer=scan.domain.outer, grid=small)),
            axis=0,
            index=2,
        )
    )
    (only,) = scans(made)
    assert [b.name for b in only.bands] == ["B08"]
    assert [s.time for s in only.stacks] == [TIMES[2]]
    assert only.domain.plane == small
    # The third scene stands 60 m further east.
    assert only.stacks[0].slots == ()


def test_encode_keeps_its_fields_and_domain(world: World) -> None:
    scan = base(world, swapped=True)
    encode = Encode(source=Trim(source=scan, domain=scan.domain), media_type="x", title="t")
    made = rewrite_encode(encode)
    assert made.source == scan
    assert (made.media_type, made.title) == ("x", "t")


def test_two_thousand_nodes_over_five_hundred_dates_are_rewritten_at_once(world: World) -> None:
    scan = base(world, swapped=False)
    days = tuple(BASE_TIME + timedelta(days=day) for day in range(500))
    axis = TimeAxis(acquisitions=tuple(Acquisition(reference=t, first=t, last=t) for t in days))
    domain = Domain(outer=(axis,), grid=scan.domain.grid)
    wide = Source(coverage_id="C", bands=scan.bands, domain=domain)
    terms = tuple(
        apply(
            "*",
            Bands(picks=(Pick(source=wide, field=("B04", "B08")[k % 2], name="x"),)),
            Literal(value=k, domain=domain),
        )
        for k in range(700)
    )
    fewer = replace(axis, acquisitions=axis.acquisitions[::2])
    plan = Trim(source=apply("+", *terms), domain=Domain(outer=(fewer,), grid=domain.grid))
    began = perf_counter()
    made = rewrite(plan)
    assert perf_counter() - began < 2
    assert {leaf.domain for leaf in leaves(made)} == {plan.domain}
