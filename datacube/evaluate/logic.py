"""Bodies that look at nulls themselves: comparison, logic, choice, casts."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from datacube.cells import Valid, Values
from datacube.evaluate.casts import as_type, cast_into
from datacube.evaluate.part import Part, all_valid, both
from datacube.plan.udf import UserFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a body knows of the node beside its operands."""

    compat: bool = False
    """Nulls go by rasdaman's rules."""
    nulls: tuple[float, ...] = ()
    """The null set of the first operand."""
    constants: tuple[bool, ...] = ()
    """Of `=` and `!=`: which operands are numbers before any cell is."""
    user: UserFunction | None = None
    """What an operator of the service added."""


type Operands = tuple[Part, ...]
type Body = Callable[[Call, Operands, Values], Part]
"""Return the result, for which an array of its type and shape is offered."""


def comparison(ufunc: np.ufunc) -> Body:
    """Compare two numbers; with null it is null, in rasdaman's mode false.

    A constant that is NaN, as in `$c = nan`, equals NaN and nothing else.
    """

    def body(call: Call, args: Operands, out: Values) -> Part:
        known = all_valid(args)
        left, right = (part.values for part in args)
        for constant, number, others in zip(
            call.constants, (left, right), (right, left), strict=False
        ):
            if constant and number.dtype.kind in "fc" and np.isnan(number.flat[0]):
                np.isnan(others, out=out)
                if ufunc is np.not_equal:
                    np.logical_not(out, out=out)
                break
        else:
            ufunc(_comparable(left, right), _comparable(right, left), out=out)
        if call.compat and known is not None:
            return Part(np.logical_and(out, known, out=out))
        return Part(out, known)

    return body


def conjunction(call: Call, args: Operands, out: Values) -> Part:
    """Tell whether all are true: false beside null is false."""
    known = all_valid(args)
    if known is None or call.compat:
        return _chained(np.logical_and, args, known, out)
    np.copyto(out, True)  # noqa: FBT003  # the value to fill, not a flag
    for part in args:
        np.logical_and(out, _truth(part.values) | _unknown(part), out=out)
    return Part(out, known | ~out)


def disjunction(call: Call, args: Operands, out: Values) -> Part:
    """Tell whether any is true: true beside null is true."""
    known = all_valid(args)
    if known is None or call.compat:
        return _chained(np.logical_or, args, known, out)
    np.copyto(out, False)  # noqa: FBT003  # the value to fill, not a flag
    for part in args:
        np.logical_or(out, _truth(part.values) & ~_unknown(part), out=out)
    return Part(out, known | out)


def exclusive(_: Call, args: Operands, out: Values) -> Part:
    """Tell whether an odd number is true."""
    return _chained(np.logical_xor, args, all_valid(args), out)


def negation(_: Call, args: Operands, out: Values) -> Part:
    """Tell whether it is not true; of null it is null."""
    np.logical_not(args[0].values, out=out)
    return Part(out, args[0].valid)


def null(_: Call, args: Operands, out: Values) -> Part:
    """Tell where a cell is null; valid everywhere."""
    np.copyto(out, _unknown(args[0]))
    return Part(out)


def not_null(_: Call, args: Operands, out: Values) -> Part:
    """Tell where a cell is not null; valid everywhere."""
    np.logical_not(_unknown(args[0]), out=out)
    return Part(out)


def overlay(_: Call, args: Operands, out: Values) -> Part:
    """Lay each operand over those before it, where it is neither zero nor null.

    Where those before are null it counts also as zero.
    """
    made, known = _in_type(args[0], out), args[0].valid
    for part in args[1:]:
        values = _in_type(part, out)
        wins: Values = values != 0
        if known is not None:
            wins = wins | ~known
        if part.valid is not None:
            wins = wins & part.valid
        made = np.where(wins, values, made)
        known = None if part.valid is None or known is None else known | part.valid
    return Part(made, known, nan=True)


def switch(_: Call, args: Operands, out: Values) -> Part:
    """Give the value of the first condition that is true, else the last operand."""
    made, known = _in_type(args[-1], out), args[-1].valid
    for at in range(len(args) - 3, -1, -2):
        condition, chosen = args[at], args[at + 1]
        here = _truth(condition.values)
        if condition.valid is not None:
            here = here & condition.valid
        made = _either(here, _in_type(chosen, out), made, out)
        known = _either_known(here, chosen.valid, known)
    return Part(made, known, nan=True)


def _either(here: Valid, chosen: Values, other: Values, out: Values) -> Values:
    """Return what is chosen here, and the other elsewhere."""
    kind = out.dtype.kind
    if other.ndim == 0 and kind in "iuf" and not other and not np.signbit(other):
        # Bits times one or nothing: a sixth of the time of a choice.
        bits = np.dtype(f"i{out.dtype.itemsize}")
        np.multiply(chosen.view(bits), here, out=out.view(bits))
        return out
    # Without a branch a cell, unlike a copy of the chosen cells: 4 times faster on noise.
    return np.where(here, chosen, other)


def _either_known(here: Valid, chosen: Valid | None, other: Valid | None) -> Valid | None:
    if chosen is None and other is None:
        return None
    if other is not None and other.ndim == 0 and not other:
        # 50 times faster than a choice between truths.
        return here.copy() if chosen is None else here & chosen
    return np.where(here, _known(chosen), _known(other))


def cast(call: Call, args: Operands, out: Values) -> Part:
    """Cast; nulls stay null, in rasdaman's mode the number that stands for null is cast."""
    values, known = args[0].values, args[0].valid
    nulls = [number for number in call.nulls if _fits(number, values.dtype)]
    if call.compat and known is not None and nulls:
        values = np.where(known, values, np.asarray(nulls[0], values.dtype))
        known = None
    bad = cast_into(values, out)
    return Part(out, known if bad is None else both(known, ~bad), nan=True)


def _comparable(values: Values, beside: Values) -> Values | int:
    # A Python integer meets integers of any width without widening the whole array.
    whole = values.ndim == 0 and values.dtype.kind in "iu" and beside.dtype.kind in "iu"
    return int(values) if whole and beside.ndim else values


def _chained(ufunc: np.ufunc, args: Operands, known: Valid | None, out: Values) -> Part:
    ufunc(args[0].values, args[1].values, out=out)
    for part in args[2:]:
        ufunc(out, part.values, out=out)
    return Part(out, known)


def _truth(values: Values) -> Valid:
    if values.dtype.kind == "b":
        return values
    true: Valid = values != 0
    return true


def _unknown(part: Part) -> Valid:
    return np.zeros((), np.bool_) if part.valid is None else ~part.valid


def _known(valid: Valid | None) -> Valid:
    return np.ones((), np.bool_) if valid is None else valid


def _in_type(part: Part, out: Values) -> Values:
    return as_type(part.values, out.dtype).astype(out.dtype, copy=False)


def _fits(number: float, dtype: "np.dtype[Any]") -> bool:
    if dtype.kind in "fc":
        return True
    if dtype.kind == "b":
        return number in (0, 1)
    info = np.iinfo(dtype)
    return isfinite(number) and bool(info.min <= number <= info.max)
