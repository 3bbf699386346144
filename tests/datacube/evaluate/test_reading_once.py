"""What reductions of one query read: each stored chunk once, as the estimate says."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.cube import INNER_CHUNK_PX
from datacube.evaluate.cells import evaluate
from datacube.evaluate.joint import Joint, merge_all
from datacube.evaluate.memo import Memo
from datacube.evaluate.reduce import Folding
from datacube.grid import Window
from datacube.plan.cost import estimate
from datacube.plan.nodes import Plan
from datacube.plan.small import block_groups
from datacube.plan.strides import Strides
from tests.acceptance.counting import Reads, counted
from tests.builders.asked import evaluated, processor
from tests.builders.made import WGS84, Frame, Made, add_cube, make_store, regular

ROWS, COLS, DATES = 700, 520, 3
CHUNKS = 3 * 3
"""Of one band and date: sides are no multiples of a chunk's."""
NODATA = -32768


@dataclass(frozen=True, slots=True)
class Cube:
    made: Made
    a: NDArray[np.int16]
    b: NDArray[np.int16]

    @property
    def known(self) -> NDArray[np.float64]:
        """`a` with NaN where it is null."""
        return np.where(self.a == NODATA, np.nan, self.a)


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Cube:
    rng = np.random.default_rng(5)
    a, b = rng.integers(1, 9000, (2, DATES, ROWS, COLS)).astype("int16")
    a[:2][rng.random((2, ROWS, COLS)) < 0.1] = NODATA
    made = make_store(tmp_path_factory.mktemp("once") / "store")
    frame = Frame(
        axes=(regular("Lat", 7, 0, ROWS), regular("Lon", 10, 15.2, COLS)),
        crs=WGS84,
        times=("2020-01-01", "2020-02-01", "2020-03-01"),
    )
    add_cube(made, "C", {"a": a, "b": b}, frame)
    return Cube(made, a, b)


def asked(cube: Cube, expression: str) -> tuple[tuple[NDArray[np.float64], ...], Reads, int]:
    """Return the fields of a result, what was read, and the chunks that were estimated."""
    query = f"for $c in (C) return {expression}"
    with counted() as reads:
        (found,) = evaluated(cube.made, query)
    (plan,) = processor(cube.made).results(query)
    assert isinstance(plan, Plan.__value__)
    return found.filled(), reads, estimate(plan).chunks


OVER = "over $t t(0:2) using"
A, B = '$c.a[ansi:"CRS:1"($t)]', '$c.b[ansi:"CRS:1"($t)]'


def test_maps_of_the_same_cells_are_made_in_one_pass(cube: Cube) -> None:
    both = f"{{m: condense avg {OVER} {A} * 1.1; x: condense max {OVER} {A} + {B}}}"
    (mean, most), reads, estimated = asked(cube, both)
    np.testing.assert_allclose(mean, np.nanmean(cube.known * 1.1, axis=0), rtol=1e-14)
    np.testing.assert_array_equal(most, np.nanmax(cube.known + cube.b, axis=0))
    assert reads.chunks == estimated == 2 * DATES * CHUNKS
    # The same bits as each alone.
    for k, one in enumerate((mean, most)):
        alone, _, _ = asked(cube, both[1:-1].split("; ")[k].partition(": ")[2])
        np.testing.assert_array_equal(one, alone[0])


@pytest.mark.parametrize(
    "expression",
    [
        f"(condense max {OVER} {A}) - (condense min {OVER} {A})",
        f"(condense avg {OVER} {A}) / (condense + over $t t(0:2) where {A} > 4000 using {A})",
    ],
)
def test_maps_in_one_formula_are_made_in_one_pass(cube: Cube, expression: str) -> None:
    _, reads, estimated = asked(cube, expression)
    assert reads.chunks == estimated == DATES * CHUNKS


def test_maps_of_other_cells_are_read_apart(cube: Cube) -> None:
    _, reads, estimated = asked(
        cube, f"(condense max {OVER} {A}) - (condense max over $t t(0:1) using {A})"
    )
    assert reads.chunks == estimated == (DATES + 2) * CHUNKS


def test_a_joint_gives_what_each_reduction_gives_alone(cube: Cube) -> None:
    query = f"for $c in (C) return {{m: condense avg {OVER} {A}; s: condense stddev {OVER} {A}}}"
    (plan,) = processor(cube.made).results(query)
    assert isinstance(plan, Plan.__value__)
    window = plan.domain.window
    ((*group,),) = block_groups(plan, window)
    nodes = tuple(node for node, part in group if part == window)
    assert len(nodes) == 2
    joint = Joint(tuple(Folding(n, partial(evaluate, read=cube.made.local.store)) for n in nodes))
    (rows, _), (cols, _) = window.ranges
    part = Window(((rows + 100, rows + 400), (cols + 30, cols + 300)))
    with counted() as reads:
        together = joint.part(part, joint.memo(Memo(repeated=frozenset())))
    assert reads.chunks == DATES * 2 * 2
    for folding, cells in zip(joint.foldings, together, strict=True):
        alone = folding.part(part, Memo())
        np.testing.assert_array_equal(cells.values[0], alone.values[0])
        np.testing.assert_array_equal(cells.valid[0], alone.valid[0])
    merged = joint.states(part)
    for step, memo in joint.foldings[0].steps(part, Memo(), joint.foldings):
        for k in range(*step.ranges[0]):
            merge_all(merged, joint.partial(part, Window(((k, k + 1),)), memo))
    for cells, others in zip(joint.finished(merged, part), together, strict=True):
        np.testing.assert_allclose(cells.values[0], others.values[0], rtol=1e-13)


AT = 'ansi:"CRS:1"(1)'
ALONG = {
    "rows": ("$n n(imageCrsDomain($c, Lat))", f'$c.a[{AT}, Lat:"CRS:1"($n)]', (1,)),
    "columns": ("$n n(imageCrsDomain($c, Lon))", f'$c.a[{AT}, Lon:"CRS:1"($n)]', (2,)),
    "both": (
        "$n n(imageCrsDomain($c, Lat)), $e e(imageCrsDomain($c, Lon))",
        f'$c.a[{AT}, Lat:"CRS:1"($n), Lon:"CRS:1"($e)]',
        (1, 2),
    ),
    "rows of all dates": (
        "$n n(imageCrsDomain($c, Lat))",
        '$c.a[Lat:"CRS:1"($n)]',
        (1,),
    ),
    "dates of each row": (
        "$n n(imageCrsDomain($c, Lat)), $t t(0:2)",
        '$c.a[ansi:"CRS:1"($t), Lat:"CRS:1"($n)]',
        (0, 1),
    ),
}


@pytest.mark.parametrize("steps", [1000, 200])
@pytest.mark.parametrize("name", ALONG)
def test_an_iterator_over_the_plane_reads_each_chunk_once(
    cube: Cube, name: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With fewer steps each has several rows, and some lie in two chunks.
    monkeypatch.setattr("datacube.plan.blocks._MOST_STEPS", steps)
    iterators, cells, axes = ALONG[name]
    dates = DATES if "date" in name else 1
    (found,), reads, estimated = asked(cube, f"condense avg over {iterators} using {cells} * 0.3")
    known = cube.known if dates > 1 else cube.known[1:2]
    expected = np.nanmean(known * 0.3, axis=axes)
    np.testing.assert_allclose(found, np.squeeze(expected), rtol=1e-13)
    assert reads.chunks == estimated == dates * CHUNKS


def test_what_is_kept_changes_no_bit(cube: Cube, monkeypatch: pytest.MonkeyPatch) -> None:
    iterators, cells, _ = ALONG["rows of all dates"]
    text = f"condense + over {iterators} using {cells} / 7.0"
    (kept,), few, _ = asked(cube, text)
    monkeypatch.setattr("datacube.evaluate.reduce.strides", lambda *_: Strides())
    (read,), many, _ = asked(cube, text)
    np.testing.assert_array_equal(kept, read)
    assert few.chunks < many.chunks


def test_neighbouring_rows_are_read_once_each(cube: Cube) -> None:
    text = (
        f"condense + over $n n(0:{ROWS - 2}) using "
        f'$c.b[{AT}, Lat:"CRS:1"($n + 1)] - $c.b[{AT}, Lat:"CRS:1"($n)]'
    )
    (found,), reads, estimated = asked(cube, text)
    np.testing.assert_array_equal(found, cube.b[1, -1].astype(int) - cube.b[1, 0])
    assert reads.chunks == estimated == 2 * CHUNKS


def test_chunks_are_as_large_as_is_counted_here() -> None:
    assert -(-ROWS // INNER_CHUNK_PX) * -(-COLS // INNER_CHUNK_PX) == CHUNKS
