"""Whole formulas strip by strip against the same functions one by one, and NumPy."""

from math import prod

import numpy as np
import pytest

from datacube.cells import Cells, Values
from datacube.evaluate import fuse
from datacube.evaluate.functions import compute
from datacube.evaluate.fuse import apply_tree, regions, strips, tree_leaves
from datacube.evaluate.logic import Call
from datacube.evaluate.part import Part
from datacube.plan.functions import FUNCTIONS, apply
from datacube.plan.nodes import Apply, Bands, Held, Literal, Pick, Plan
from tests.builders.formulas import apply_function, leaf, leaves_of, number, run

SHAPE = (3, 50, 70)


def random_leaf(rng: np.random.Generator, dtype: str, name: str) -> Held:
    values = rng.integers(0, 6, SHAPE) - (3 if np.dtype(dtype).kind in "if" else 0)
    return leaf(values.astype(dtype), dtype, rng.random(SHAPE) > 0.1, nulls=(1.0,), name=name)


def random_tree(rng: np.random.Generator, held: list[Held], depth: int) -> Plan:
    if depth == 0 or rng.random() < 0.1:
        numbers = [number(2), number(-0.5), number(None), number(float("nan"))]
        choices: list[Plan] = [*held, *held, *held, *numbers]
        return choices[rng.integers(len(choices))]
    name = sorted(FUNCTIONS)[rng.integers(len(FUNCTIONS))]
    function = FUNCTIONS[name]
    for _ in range(50):
        args = tuple(random_tree(rng, held, depth - 1) for _ in range(function.least))
        if all(np.dtype(arg.fields[0].dtype).kind in function.takes for arg in args):
            return apply(name, *args, compat=bool(rng.random() < 0.2))
    return held[0]


def one_by_one(node: Plan) -> Cells:
    match node:
        case Held():
            return node.held.cells
        case Literal():
            dtype = node.fields[0].dtype
            value = np.asarray(0 if node.value is None else node.value, dtype)
            known = np.asarray(node.value is not None)
            return Cells(
                ("value",), (np.broadcast_to(value, SHAPE),), (np.broadcast_to(known, SHAPE),)
            )
        case Apply(args=args):
            return apply_function(node, tuple(map(one_by_one, args)))
        case _:
            raise NotImplementedError(type(node))


@pytest.mark.parametrize("seed", range(60))
def test_a_formula_in_strips_is_the_same_formula(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuse, "STRIP_CELLS", 999)
    rng = np.random.default_rng(seed)
    held = [
        random_leaf(rng, dtype, dtype)
        for dtype in ("int16", "uint8", "bool", "int32", "float32", "float64")
    ]
    node = random_tree(rng, held, 4)
    while not isinstance(node, Apply):
        node = random_tree(rng, held, 4)
    made = apply_tree(node, leaves_of(node), SHAPE)
    expected = one_by_one(node)
    np.testing.assert_array_equal(made.valid[0], expected.valid[0])
    np.testing.assert_array_equal(
        made.values[0][made.valid[0]], expected.values[0][made.valid[0]], strict=True
    )


def test_a_common_part_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(function: str, call: Call, args: tuple[Part, ...], out: Values) -> Part:
        calls.append(function)
        return compute(function, call, args, out)

    monkeypatch.setattr(fuse, "compute", counted)
    x = leaf([1.0, 4.0])
    root = apply("sqrt", apply("+", x, number(5)))
    values, _ = run(apply("*", root, apply("-", root, apply("+", x, number(5)))))
    np.testing.assert_allclose(values, [6**0.5 * (6**0.5 - 6), 3 * (3 - 9)])
    assert sorted(calls) == ["*", "+", "-", "sqrt"]


def test_bands_are_part_of_a_formula() -> None:
    both = Bands(
        picks=tuple(
            Pick(source=leaf([i, 9], "uint8", name="x"), field="x", name=f"b{i}") for i in range(2)
        )
    )
    node = apply("*", both, number(0.5))
    assert [f.name for f in node.fields] == ["b0", "b1"]
    assert [run(node, at)[0].tolist() for at in range(2)] == [[0.0, 4.5], [0.5, 4.5]]
    assert len(tree_leaves(node)) == 2
    picked = Bands(picks=(Pick(source=node, field="b1", name="only"),))
    assert run(picked)[0].tolist() == [0.5, 4.5]


def test_a_number_alone_and_a_formula_without_cells() -> None:
    assert run(apply("+", leaf(np.int16(40)), number(2)))[0] == 42
    cells = apply_tree(apply("+", number(40), number(2)), {}, (2, 3))
    assert cells.values[0].tolist() == [[42] * 3] * 2
    assert cells.valid[0].all()
    cells = apply_tree(apply("+", number(None), number(2)), {}, (2,))
    assert not cells.valid[0].any()


def test_cells_that_are_one_number_or_lie_strided_in_memory() -> None:
    rng = np.random.default_rng(1)
    block = rng.integers(0, 99, (6, 8, 10)).astype("int16")
    a = leaf(np.zeros((4, 5)), "int16", name="a")
    b = leaf(np.ones((4, 5)), "int16", name="b")
    view = block[2, ::2, ::-2]
    leaves = {
        a.key: Cells(("a",), (view,), (view > 9,)),
        b.key: Cells(("b",), (np.broadcast_to(np.int16(3), (4, 5)),), (np.ones((4, 5), bool),)),
    }
    cells = apply_tree(apply("*", a, b), leaves, (4, 5))
    np.testing.assert_array_equal(cells.values[0], view * 3)
    np.testing.assert_array_equal(cells.valid[0], view > 9)


def test_ten_thousand_nested_functions_are_no_recursion() -> None:
    node = apply("sqrt", leaf([16.0]))
    for _ in range(10_000):
        node = Apply(function="sqrt", args=(node,), result=node.result)
    assert run(node)[0].tolist() == [1.0]


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 4), (5, 1, 9), (2, 3, 4, 5)])
@pytest.mark.parametrize("whole", [(), (0,)])
@pytest.mark.parametrize("cells", [1, 6, 1000])
def test_regions_cover_every_cell_once(
    shape: tuple[int, ...], whole: tuple[int, ...], cells: int
) -> None:
    seen = np.zeros(shape, int)
    for region in regions(shape, cells, whole if shape else ()):
        assert seen[region].size <= cells
        seen[region] += 1
    assert (seen == 1).all()


def test_a_reduced_axis_is_kept_whole() -> None:
    found = [tuple(s.stop - s.start for s in r) for r in regions((30, 64, 2048), 65536, (0,))]
    assert {f[0] for f in found} == {30}
    assert {f[2] for f in found} == {2048}
    assert all(prod(f) <= 65536 for f in found)


def test_strips_come_in_order_and_hold_until_the_next() -> None:
    x = leaf(np.arange(200_000), "int32")
    node = apply("+", x, number(1))
    total = sum(
        int(parts[0].values.sum()) for _, parts in strips(node, leaves_of(node), (200_000,))
    )
    assert total == 200_000 * 200_001 // 2
