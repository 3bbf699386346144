"""The NumPy bodies of the functions that `datacube.plan.functions` names.

Any null operand makes a cell null, except where `datacube.evaluate.logic` says
otherwise, and NaN as the result of a function is null; in rasdaman's mode it is a value.
"""

from collections.abc import Mapping

import numpy as np

from datacube.cells import Cells, Values
from datacube.evaluate import arithmetic, logic
from datacube.evaluate.arithmetic import Compute
from datacube.evaluate.logic import Body, Call
from datacube.evaluate.part import Part, all_valid, settled
from datacube.evaluate.user import call_user
from datacube.plan.functions import FUNCTIONS, is_constant
from datacube.plan.nodes import Apply
from datacube.plan.types import CASTS

_SINGLE: Mapping[str, np.ufunc] = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "ln": np.log,
    "log": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
}
_COMPARISONS: Mapping[str, np.ufunc] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_ARITHMETIC: Mapping[str, Compute] = {
    "+": arithmetic.chain(np.add),
    "-": arithmetic.chain(np.subtract),
    "*": arithmetic.chain(np.multiply),
    "/": arithmetic.folded(np.divide),
    "pow": arithmetic.folded(np.power),
    "atan2": arithmetic.folded(np.arctan2),
    "min": arithmetic.folded(np.minimum),
    "max": arithmetic.folded(np.maximum),
    "div": arithmetic.quotient,
    "mod": arithmetic.remainder,
    "negative": arithmetic.negative,
    "positive": arithmetic.identity,
    "abs": arithmetic.absolute,
    "round": arithmetic.rounding(np.rint),
    "floor": arithmetic.rounding(np.floor),
    "ceil": arithmetic.rounding(np.ceil),
    "re": arithmetic.real_part,
    "im": arithmetic.imaginary_part,
    "complex": arithmetic.complex_number,
    "bit": arithmetic.bit,
    **{name: arithmetic.single(ufunc) for name, ufunc in _SINGLE.items()},
}
# A power of NaN or a part of it may be a number again: these tell nulls before they compute.
_LOSES_NAN = frozenset({"pow", "re", "im", "abs", "complex"})


def _strict(name: str, compute: Compute) -> Body:
    keeps_nan = name not in _LOSES_NAN

    def body(_: Call, args: tuple[Part, ...], out: Values) -> Part:
        if not (keeps_nan and out.dtype.kind == "f"):
            args = tuple(map(settled, args))
        known = all_valid(args)
        bad = compute(tuple(part.values for part in args), out)
        if bad is not None:
            known = ~bad if known is None else known & ~bad
        return Part(out, known, nan=True)

    return body


def _settled(body: Body) -> Body:
    def first(call: Call, args: tuple[Part, ...], out: Values) -> Part:
        return body(call, tuple(map(settled, args)), out)

    return first


_BODIES: Mapping[str, Body] = {
    **{name: _strict(name, compute) for name, compute in _ARITHMETIC.items()},
    **{name: _settled(logic.comparison(ufunc)) for name, ufunc in _COMPARISONS.items()},
    **{f"cast {dtype}": _settled(logic.cast) for dtype in CASTS},
    "and": _settled(logic.conjunction),
    "or": _settled(logic.disjunction),
    "xor": _settled(logic.exclusive),
    "not": _settled(logic.negation),
    "is null": _settled(logic.null),
    "is not null": _settled(logic.not_null),
    "overlay": _settled(logic.overlay),
    "switch": _settled(logic.switch),
}

if missing := FUNCTIONS.keys() ^ _BODIES.keys():
    raise ImportError(f"functions without a body or a signature: {sorted(missing)}")


def compute(function: str, call: Call, args: tuple[Part, ...], out: Values) -> Part:
    """Apply a function to parts of one shape.

    `out` has the result's type and shape, shares no memory with the operands, and may
    be written to and returned. NaN that the function made is left for `settled` to mark.
    The caller silences NumPy's floating-point warnings.
    """
    if call.compat:
        # What it returns has no NaN that is null; what it takes may have.
        args = tuple(map(settled, args))
    body = _BODIES[function] if call.user is None else call_user
    values, known, nan = body(call, args, out)
    return Part(values, known, nan and not call.compat and values.dtype.kind in "fc")


def call_of(node: Apply, at: int) -> Call:
    """Return what the body of `node` must know for the field at a position."""
    first = node.args[0].fields
    compared = node.function in ("=", "!=")
    return Call(
        compat=node.compat,
        nulls=first[min(at, len(first) - 1)].nulls,
        constants=tuple(map(is_constant, node.args)) if compared else (),
        user=node.user,
    )


def part_of(cells: Cells, at: int) -> Part:
    """Return the field at a position, the last where there are fewer."""
    at = min(at, len(cells.names) - 1)
    values, valid = alone(cells.values[at]), alone(cells.valid[at])
    return Part(values, None if valid.all() else valid)


def alone(array: Values) -> Values:
    """Return one number without axes where the array is that number everywhere."""
    if array.ndim and array.size and not any(array.strides):
        return np.asarray(array[(0,) * array.ndim])
    return array
