"""Every node against plain Python, whole and window by window."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from datacube.cells import Cells
from datacube.evaluate.cells import evaluate
from datacube.evaluate.schedule import compute
from datacube.grid import Window
from datacube.plan.blocks import steps
from datacube.plan.nodes import Plan, Sort, distinct
from datacube.protocols import Limits
from tests.builders.fakes import World
from tests.builders.naive import naive
from tests.builders.random_plans import plans

WORLD = World()
QUIET = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def check(made: Cells, wanted: Cells, *, exact: bool) -> None:
    assert made.names == wanted.names
    for at in range(len(wanted.names)):
        known = wanted.valid[at]
        np.testing.assert_array_equal(made.valid[at], known)
        assert made.values[at].dtype == wanted.values[at].dtype
        mine, theirs = made.values[at][known], wanted.values[at][known]
        if exact:
            assert mine.tobytes() == theirs.tobytes()
        else:
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@given(data=st.data())
@QUIET
def test_a_plan_is_what_it_means(data: st.DataObject) -> None:
    plan = plans(data)
    whole = evaluate(plan, plan.domain.window, WORLD)
    check(whole, naive(plan, WORLD), exact=False)
    assert tuple(v.dtype.name for v in whole.values) == tuple(f.dtype for f in plan.fields)


def windows(plan: Plan, data: st.DataObject) -> Iterator[Window]:
    for _ in range(3):
        ranges = []
        for axis in plan.domain.axes:
            first = data.draw(st.integers(axis.first, axis.stop - 1))
            ranges.append((first, data.draw(st.integers(first + 1, axis.stop))))
        yield Window(tuple(ranges))


@given(data=st.data())
@QUIET
def test_a_window_of_a_plan_is_that_part_of_it_bit_for_bit(data: st.DataObject) -> None:
    plan = plans(data)
    whole = evaluate(plan, plan.domain.window, WORLD)
    for window in windows(plan, data):
        at = window.slices(plan.domain.window)
        part = Cells(
            whole.names,
            tuple(np.asarray(v[at]) for v in whole.values),
            tuple(np.asarray(v[at]) for v in whole.valid),
        )
        check(evaluate(plan, window, WORLD), part, exact=True)


@pytest.mark.parametrize("side", [2, 3])
@given(data=st.data())
@settings(QUIET, max_examples=40)
def test_blocks_and_steps_of_any_size_agree_bit_for_bit(side: int, data: st.DataObject) -> None:
    plan = plans(data)
    small = data.draw(st.sampled_from([0, 9, 1000]))
    # A key that is not kept is made anew by every block of every order above: minutes.
    sorts = sum(isinstance(one, Sort) for one in distinct(plan))
    assume(small == 1000 or sorts == 0 or (sorts == 1 and plan.domain.size <= 200))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datacube.plan.blocks.BLOCK_SIDE_PX", side)
        patch.setattr("datacube.plan.blocks.SMALL_CELLS", small)
        patch.setattr("datacube.plan.indices.RUN_CELLS", side)
        patch.setattr("datacube.plan.blocks._RUN_CELLS", 2)
        steps.cache_clear()
        one = evaluate(plan, plan.domain.window, WORLD)
        check(compute(plan, WORLD, limits=Limits()), one, exact=True)
        steps.cache_clear()
