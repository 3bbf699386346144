"""Sources become the scans that a coverage query reads."""

from datetime import timedelta

import numpy as np
import pytest

from datacube.errors import UnknownNameError
from datacube.plan import query
from datacube.plan.bind_coverage import bind_coverage
from datacube.plan.functions import apply
from datacube.plan.nodes import Domain, Plan, Slice, Source, Trim, scans
from datacube.plan.resolve import resolve
from datacube.plan.rules import rewrite
from tests.builders.fakes import BASE_TIME, ORIGIN_M, World, WorldView, optical_cube

CUBE = optical_cube()


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    for day in range(3):
        values = np.full((40, 40), day + 1, dtype="int16")
        made.add(
            CUBE,
            {"B02": values, "B08": values, "B11": values[:20, :20], "B01": values[:7, :7]},
            when=BASE_TIME + timedelta(days=day),
            corner=(ORIGIN_M[0] + 300 * day, ORIGIN_M[1]),
        )
    return made


def source(view: WorldView, *names: str, coverage_id: str = CUBE.name) -> Source:
    coverage = view.coverage(coverage_id)
    assert coverage.time is not None
    return Source(
        coverage_id=coverage_id,
        bands=tuple(b for b in coverage.bands if b.name in names),
        domain=Domain(outer=(coverage.time,), grid=coverage.grid),
    )


@pytest.mark.parametrize(
    ("coverage_id", "names"),
    [
        (CUBE.name, ("B02",)),
        (CUBE.name, ("B01", "B08", "B11")),
        (f"{CUBE.name}_20m", ("B11",)),
    ],
)
def test_a_source_is_what_a_coverage_query_binds_to(
    world: World, coverage_id: str, names: tuple[str, ...]
) -> None:
    view = world.view()
    asked = query.SelectBands(source=query.Coverage(coverage_id=coverage_id), bands=names)
    wanted, _ = bind_coverage(asked, view)
    assert resolve(source(view, *names, coverage_id=coverage_id), view) == wanted


def test_only_slots_of_the_area_and_times_are_scanned(world: World) -> None:
    view = world.view()
    whole = source(view, "B02")
    grid = whole.domain.plane
    (time,) = whole.domain.outer
    x = grid.x.select(grid.x.first, grid.x.first + 20)
    plan: Plan = Trim(source=whole, domain=whole.domain.having(2, x))
    (scan,) = scans(resolve(rewrite(plan), view))
    assert [len(stack.slots) for stack in scan.stacks] == [1, 0, 0]
    (one,) = scans(resolve(rewrite(Slice(source=whole, axis=0, index=1)), view))
    assert [[slot.number for slot in stack.slots] for stack in one.stacks] == [[1]]
    assert time.size == 3


class Counting:
    """A view that counts its questions."""

    def __init__(self, view: WorldView) -> None:
        self.view, self.questions = view, 0

    def __getattr__(self, name: str) -> object:
        if name == "slots":
            self.questions += 1
        return getattr(self.view, name)


def test_one_question_a_coverage(world: World) -> None:
    view = Counting(world.view())
    whole = source(world.view(), "B02")
    plan = apply("-", Slice(source=whole, axis=0, index=2), Slice(source=whole, axis=0, index=0))
    made = resolve(rewrite(plan), view)  # type: ignore[arg-type]  # hands everything on
    assert view.questions == 1
    assert [s.stacks[0].slots[0].number for s in scans(made)] == [2, 0]


def test_what_cannot_be_seen_does_not_exist(world: World) -> None:
    view = world.view()
    hidden = source(view, "B02")
    with pytest.raises(UnknownNameError):
        resolve(hidden, World().view())
