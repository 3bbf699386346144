"""Counts from histograms: those of NumPy, and those of going through every cell."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.encode.answer import Answer
from datacube.evaluate import reduce, schedule
from datacube.evaluate.tally import tally_of
from datacube.plan.nodes import Plan, Reduce, children
from tests.builders.made import Frame, Made, add_cube, indices, make_store

type Holds = Callable[[NDArray[np.int64], int], NDArray[np.bool_]]
"""Tells which cells an iterator's place counts."""

SHAPE = (1030, 260)
"""Several steps and shards."""
NODATA = {"s": -32768, "u": 255, "w": 65535}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    store = make_store(tmp_path_factory.mktemp("tally") / "store")
    rng = np.random.default_rng(5)
    bands = {
        "s": rng.integers(-90, 90, SHAPE).astype(np.int16),
        "u": rng.integers(0, 40, SHAPE).astype(np.uint8),
        "w": rng.integers(0, 65535, SHAPE).astype(np.uint16),
        "f": rng.normal(0, 30, SHAPE).astype(np.float32),
    }
    bands["s"][0, :3] = -32767, 32767, -32768
    for name, nodata in NODATA.items():
        bands[name][rng.random(SHAPE) < 0.1] = nodata
    frame = Frame(axes=(indices("i", SHAPE[0]), indices("j", SHAPE[1])))
    add_cube(store, "H", bands, frame, nodata={**NODATA, "f": float("nan")})
    return store


def planned(made: Made, values: str, over: str = "$b x(-100:100)") -> Plan:
    text = f"for $c in (H) return coverage h over {over} values {values}"
    (plan,) = made.session.processor().results(text)
    assert not isinstance(plan, Answer)
    return plan


def counted(made: Made, plan: Plan) -> NDArray[np.uint64]:
    cells = made.session.compute(plan)
    assert cells.valid[0].all()
    assert cells.values[0].dtype == np.uint64
    return np.asarray(cells.values[0])


def by_numpy(made: Made, band: str, holds: Holds) -> list[int]:
    cells = made.arrays["H"][band]
    known = cells[cells != NODATA[band]].astype(np.int64)
    return [int(np.count_nonzero(holds(known, b))) for b in range(-100, 101)]


def test_values_are_counted_as_numpy_counts_them(made: Made) -> None:
    plan = planned(made, "count($c.s = $b)")
    assert isinstance(plan, Reduce)
    assert tally_of(plan) is not None
    expected = by_numpy(made, "s", lambda cells, b: cells == b)
    assert counted(made, plan).tolist() == expected
    assert max(expected) > 0


def test_bins_are_counted_as_numpy_counts_them(made: Made) -> None:
    plan = planned(made, "count($c.w >= $b * 300 and $c.w < ($b + 1) * 300)")
    expected = by_numpy(
        made,
        "w",
        lambda cells, b: (cells >= b * 300) & (cells < (b + 1) * 300),
    )
    assert counted(made, plan).tolist() == expected


FORMULAS = (
    "count($c.u = $b)",
    "count(not($c.s > $b))",
    "count($c.s is null and $b > 5)",
    "count($c.s is not null or $b > 5)",
    "count((unsigned char)($c.w / 256) = $b)",
    "count($c.u * $b)",
    "count(sqrt($c.s + $b) > 3)",
    "count(switch case $c.u < $b return 1 default return 0)",
    "count($c.s[i(0:9), j(0:9)] = $b)",
)


@pytest.mark.parametrize("values", FORMULAS)
@pytest.mark.parametrize("compat", [False, True])
def test_a_histogram_counts_as_going_through_every_cell_does(
    made: Made, values: str, monkeypatch: pytest.MonkeyPatch, *, compat: bool
) -> None:
    text = f"for $c in (H) return coverage h over $b x(-30:30:7) values {values}"
    (plan,) = made.session.processor(compat=compat).results(text)
    assert isinstance(plan, Reduce)
    assert tally_of(plan) is not None
    found = counted(made, plan)
    for module in (reduce, schedule):
        monkeypatch.setattr(module, "tally_of", lambda _: None)
    np.testing.assert_array_equal(found, counted(made, plan))


def test_few_places_of_the_iterator_at_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(made, "count($c.s = $b)")
    monkeypatch.setattr("datacube.evaluate.tally._CELLS", 100)
    assert counted(made, plan).tolist() == by_numpy(made, "s", lambda cells, b: cells == b)


def test_two_iterators(made: Made) -> None:
    plan = planned(made, "count($c.u + $a = $b)", "$a x(0:3), $b y(0:40)")
    cells = made.arrays["H"]["u"]
    known = cells[cells != NODATA["u"]].astype(np.int64)
    expected = [[int(np.sum(known + a == b)) for b in range(41)] for a in range(4)]
    assert counted(made, plan).tolist() == expected


@pytest.mark.parametrize(
    "values",
    [
        "count($c.f > $b)",
        "count($c.s = $c.u + $b)",
        "add($c.s * $b)",
        'count($c.s[i:"CRS:1"($b + 100)] > 3)',
    ],
)
def test_what_a_histogram_does_not_answer(made: Made, values: str) -> None:
    plan = planned(made, values)
    nodes = [plan, *children(plan)]
    assert all(tally_of(node) is None for node in nodes if isinstance(node, Reduce))
