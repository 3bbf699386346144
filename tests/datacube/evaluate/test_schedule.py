"""Blocks, threads, time and Dask."""

import pickle
from time import monotonic, sleep

import dask
import numpy as np
import pytest

from datacube.cells import Cells, Values
from datacube.errors import InvalidParameterError, LimitExceededError, StoreDamagedError
from datacube.evaluate.schedule import as_dask, compute
from datacube.grid import Window
from datacube.plan import nodes, query
from datacube.plan.bind import bind
from datacube.plan.blocks import steps
from datacube.plan.functions import apply
from datacube.plan.reducers import reduce_fields
from datacube.plan.rules import rewrite
from datacube.protocols import BandRead, Limits
from datacube.slots import Slot
from tests.builders.fakes import BASE_TIME, FakeStyles, World, optical_cube

CUBE = optical_cube()


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    rng = np.random.default_rng(0)
    for number in range(2):
        values = rng.integers(1, 9000, (120, 180)).astype("int16")
        values[rng.random(values.shape) < 0.2] = -32768
        made.add(
            CUBE,
            {"B02": values, "B08": values[::-1].copy()},
            when=BASE_TIME.replace(day=15 + number),
        )
    return made


@pytest.fixture(scope="module")
def plan(world: World) -> nodes.Plan:
    asked = query.Encode(source=query.Coverage(coverage_id=CUBE.name), media_type="x")
    bound = bind(asked, world.view(), FakeStyles(), Limits()).encode.source
    assert not isinstance(bound, nodes.Picture)
    return bound


def test_blocks_give_what_one_evaluation_gives(
    world: World, plan: nodes.Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compute(plan, world, limits=Limits())
    monkeypatch.setattr("datacube.plan.blocks.BLOCK_SIDE_PX", 50)
    world.reads.clear()
    cut = compute(plan, world, limits=Limits())
    assert (
        len(world.reads) == 2 * 2 * 4 * 5
    )  # bands, times, blocks down and across: cut at multiples of 50
    for at in range(2):
        np.testing.assert_array_equal(cut.valid[at], whole.valid[at])
        np.testing.assert_array_equal(cut.values[at], whole.values[at])


def test_a_window_of_the_plan(world: World, plan: nodes.Plan) -> None:
    whole = compute(plan, world, limits=Limits())
    (_, (r, _), (c, _)) = plan.domain.window.ranges
    part = compute(
        plan, world, window=Window(((1, 2), (r + 3, r + 9), (c, c + 4))), limits=Limits()
    )
    np.testing.assert_array_equal(part.values[1], whole.values[1][1:2, 3:9, 0:4])


def test_time_is_up(world: World, plan: nodes.Plan) -> None:
    with pytest.raises(LimitExceededError, match="longer than 120 s"):
        compute(plan, world, limits=Limits(), deadline=monotonic() - 1)


class Broken:
    def read(self, slot: Slot, request: BandRead) -> Values:
        raise StoreDamagedError(f"{slot.number} {request.band}")


def test_an_error_in_a_block_reaches_the_caller(
    plan: nodes.Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacube.plan.blocks.BLOCK_SIDE_PX", 50)
    with pytest.raises(StoreDamagedError, match="B02"):
        compute(plan, Broken(), limits=Limits())


def test_dask_arrays_are_lazy_and_equal(world: World, plan: nodes.Plan) -> None:
    world.reads.clear()
    arrays = as_dask(plan, world, (1, 64, 64))
    assert not world.reads
    assert set(arrays) == {"B02", "B08"}
    assert arrays["B02"].chunks == ((1, 1), (64, 56), (64, 64, 52))
    whole = compute(plan, world, limits=Limits())
    world.reads.clear()
    with dask.config.set(scheduler="synchronous"):
        values = arrays["B08"][1, 60:70, 100:140].compute()
    np.testing.assert_array_equal(values, whole.filled("B08", -32768)[1, 60:70, 100:140])
    assert {name for _, name, _, _ in world.reads} == {"B08"}
    assert {slot for slot, _, _, _ in world.reads} == {1}


def test_equal_plans_have_equal_tokens_and_travel(world: World, plan: nodes.Plan) -> None:
    one, other = as_dask(plan, world), as_dask(pickle.loads(pickle.dumps(plan)), world)  # noqa: S301  # our own bytes
    assert one["B02"].name == other["B02"].name
    assert one["B02"].name != one["B08"].name
    assert one["B02"].name != as_dask(plan, world, (1, 10, 10))["B02"].name


def test_chunks_that_do_not_fit(world: World, plan: nodes.Plan) -> None:
    with pytest.raises(InvalidParameterError, match="do not fit"):
        as_dask(plan, world, (64, 64))


def test_a_small_reduction_is_done_once_for_all_windows_of_an_answer(
    world: World, plan: nodes.Plan
) -> None:
    domain = plan.domain
    one = nodes.Bands(picks=(nodes.Pick(source=plan, field="B02", name="x"),))
    mean = nodes.Reduce(
        source=one, operator="avg", axes=(0, 1, 2), result=reduce_fields("avg", one.fields)
    )
    apart = rewrite(apply("-", one, nodes.Spread(source=mean, domain=domain, places=())))
    whole = compute(apart, world, limits=Limits())
    (times, (top, bottom), columns) = domain.window.ranges
    shared: dict[str, tuple[Window, Cells]] = {}
    world.reads.clear()
    for rows in ((top, top + 50), (top + 50, bottom)):
        window = Window((times, rows, columns))
        part = compute(apart, world, window=window, limits=Limits(), shared=shared)
        np.testing.assert_array_equal(part.values[0], whole.values[0][window.slices(domain.window)])
    # Two dates for the mean, and two in each of the windows.
    assert len(world.reads) == 2 + 2 * 2


def test_time_is_up_within_a_reduction(
    world: World, plan: nodes.Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datacube.plan.blocks.BLOCK_SIDE_PX", 50)
    one = nodes.Bands(picks=(nodes.Pick(source=plan, field="B02", name="x"),))
    mean = nodes.Reduce(
        source=one, operator="avg", axes=(1, 2), result=reduce_fields("avg", one.fields)
    )

    class Slow:
        def read(self, slot: Slot, request: BandRead) -> Values:
            sleep(0.3)
            return world.read(slot, request)

    steps.cache_clear()
    with pytest.raises(LimitExceededError, match=r"longer than 0\.1 s"):
        compute(mean, Slow(), limits=Limits(seconds=0.1))
    steps.cache_clear()
