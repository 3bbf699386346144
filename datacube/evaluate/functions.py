"""The NumPy bodies of the functions that `datacube.plan.functions` names."""

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

from datacube.cells import Cells, Valid, Values
from datacube.plan.functions import FUNCTIONS
from datacube.plan.nodes import Apply

type Body = Callable[[tuple[Values, ...], np.dtype[np.generic]], Values]

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})


def apply_function(node: Apply, args: tuple[Cells, ...]) -> Cells:
    """Apply the function of `node` to evaluated arguments, field by field.

    A cell is valid where every operand is and the result is a number; a comparison
    is valid everywhere, and false where an operand is not valid.
    """
    values, valid = [], []
    for at, made in enumerate(node.result):
        operands = tuple(_field(cells, at) for cells in args)
        known = _all_valid(tuple(v for _, v in operands))
        with np.errstate(all="ignore"):
            result = _BODIES[node.function](tuple(v for v, _ in operands), made.numpy_dtype)
        if node.function in _COMPARISONS:
            result, known = result & known, np.ones_like(known)
        elif result.dtype.kind == "f":
            known &= ~np.isnan(result)
        values.append(result)
        valid.append(known)
    return Cells(tuple(f.name for f in node.result), tuple(values), tuple(valid))


def _field(cells: Cells, at: int) -> tuple[Values, Valid]:
    at = min(at, len(cells.names) - 1)
    return cells.values[at], cells.valid[at]


def _all_valid(masks: tuple[Valid, ...]) -> Valid:
    known = masks[0].copy()
    for mask in masks[1:]:
        known &= mask
    return known


def _arithmetic(function: Callable[[Values, Values], Values]) -> Body:
    def body(args: tuple[Values, ...], dtype: np.dtype[np.generic]) -> Values:
        return reduce(function, (a.astype(dtype, copy=False) for a in args))

    return body


def _comparison(function: Callable[[Values, Values], Values]) -> Body:
    def body(args: tuple[Values, ...], _: np.dtype[np.generic]) -> Values:
        return function(*args)

    return body


def _one(function: Callable[[Values], Values]) -> Body:
    def body(args: tuple[Values, ...], dtype: np.dtype[np.generic]) -> Values:
        return function(args[0].astype(dtype, copy=False))

    return body


def _absolute(values: Values) -> Values:
    if values.dtype.kind != "i":
        return np.abs(values)
    # The type stays, so its least number, which has no positive, becomes the greatest.
    least, greatest = np.iinfo(values.dtype).min, np.iinfo(values.dtype).max
    return np.where(values == least, greatest, np.abs(values)).astype(values.dtype)


_BODIES: Mapping[str, Body] = {
    "+": _arithmetic(np.add),
    "-": _arithmetic(np.subtract),
    "*": _arithmetic(np.multiply),
    "/": _arithmetic(np.divide),
    "pow": _arithmetic(np.power),
    "min": _arithmetic(np.minimum),
    "max": _arithmetic(np.maximum),
    "and": _arithmetic(np.logical_and),
    "or": _arithmetic(np.logical_or),
    "=": _comparison(np.equal),
    "!=": _comparison(np.not_equal),
    "<": _comparison(np.less),
    "<=": _comparison(np.less_equal),
    ">": _comparison(np.greater),
    ">=": _comparison(np.greater_equal),
    "negative": _one(np.negative),
    "not": _one(np.logical_not),
    "abs": _one(_absolute),
    "sqrt": _one(np.sqrt),
    "exp": _one(np.exp),
    "ln": _one(np.log),
    "log": _one(np.log10),
}

if missing := FUNCTIONS.keys() ^ _BODIES.keys():
    raise ImportError(f"functions without a body or a signature: {sorted(missing)}")
