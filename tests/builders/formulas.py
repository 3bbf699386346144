"""Formulas over cells in memory."""

from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike

from datacube.cells import Cells, Valid, Values
from datacube.evaluate.functions import call_of, compute, part_of
from datacube.evaluate.fuse import Formula, apply_tree, tree_leaves
from datacube.evaluate.part import settled
from datacube.plan.nodes import POINT, Apply, Field, Held, HeldCells, Literal


def leaf(
    values: ArrayLike,
    dtype: str | None = None,
    valid: ArrayLike = True,  # noqa: FBT002  # NumPy's own way to say everywhere
    *,
    nulls: tuple[float, ...] = (),
    name: str = "x",
) -> Held:
    """Return a plan of one field that holds these cells."""
    made = np.asarray(values, dtype)
    known = np.broadcast_to(np.asarray(valid, np.bool_), made.shape)
    cells = Cells((name,), (made,), (known,))
    digest = sha256(made.tobytes() + known.tobytes() + repr((made.dtype, made.shape)).encode())
    return Held(
        held=HeldCells(key=digest.hexdigest() + repr(nulls) + name, cells=cells),
        domain=POINT,
        fields=(Field(name=name, dtype=made.dtype.name, nodata=None, nulls=nulls),),
    )


def number(value: complex | None) -> Literal:
    """Return a number in a formula."""
    return Literal(value=value, domain=POINT)


def leaves_of(node: Formula) -> dict[str, Cells]:
    """Return the cells of a formula's leaves, by key."""
    return {plan.key: plan.held.cells for plan in tree_leaves(node) if isinstance(plan, Held)}


def run(node: Formula, at: int = 0) -> tuple[Values, Valid]:
    """Evaluate a formula and return one field; its type is checked."""
    leaves = leaves_of(node)
    shape = next(iter(leaves.values())).shape if leaves else ()
    cells = apply_tree(node, leaves, shape)
    assert tuple(v.dtype.name for v in cells.values) == tuple(f.dtype for f in node.fields)
    assert {a.shape for a in (*cells.values, *cells.valid)} == {shape}
    return cells.values[at], cells.valid[at]


def listed(node: Formula, at: int = 0) -> list[object]:
    """Evaluate a formula and list a field's cells, None for null."""
    values, valid = run(node, at)
    return [v if k else None for v, k in zip(values.ravel().tolist(), valid.ravel(), strict=True)]


def apply_function(node: Apply, args: tuple[Cells, ...]) -> Cells:
    """Apply the function of a node alone to evaluated arguments, field by field.

    Evaluation applies whole formulas at once, strip by strip.
    """
    shape = args[0].shape
    values, valid = [], []
    for at, made in enumerate(node.result):
        parts = tuple(part_of(cells, at) for cells in args)
        out = np.empty(shape, made.numpy_dtype)
        with np.errstate(all="ignore"):
            result = settled(compute(node.function, call_of(node, at), parts, out))
        values.append(np.broadcast_to(result.values, shape))
        valid.append(np.broadcast_to(True if result.valid is None else result.valid, shape))
    return Cells(tuple(f.name for f in node.result), tuple(values), tuple(valid))
