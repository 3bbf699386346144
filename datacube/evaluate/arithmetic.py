"""Bodies of arithmetic: each writes its result into an array of the result's type.

They return where the operands have no result, or None.
"""

from collections.abc import Callable

import numpy as np

from datacube.cells import Valid, Values
from datacube.evaluate.casts import as_type

type Operands = tuple[Values, ...]
type Compute = Callable[[Operands, Values], Valid | None]


def chain(ufunc: np.ufunc) -> Compute:
    """Fold a sum, difference or product from the left, in the result's type.

    An integer beyond that type, which only 64 bits and truths can give, becomes its
    least or greatest number.
    """

    def compute(args: Operands, out: Values) -> None:
        if out.dtype.kind not in "iu":
            _fold(ufunc, args, out)
            return
        left, bounds = args[0], _bounds(args[0])
        info = _INFO[out.dtype.str]
        for right in args[1:]:
            reach = _reach(ufunc, bounds, _bounds(right))
            if info.min <= reach[0] and reach[1] <= info.max:
                ufunc(left, right, out=out, dtype=out.dtype, casting="unsafe")
            else:
                _saturated(ufunc, left, right, out)
            left, bounds = out, (max(info.min, reach[0]), min(info.max, reach[1]))

    return compute


def folded(ufunc: np.ufunc) -> Compute:
    """Fold an operator that cannot overflow from the left, in the result's type."""

    def compute(args: Operands, out: Values) -> None:
        _fold(ufunc, tuple(as_type(a, out.dtype) for a in args), out)

    return compute


def single(ufunc: np.ufunc) -> Compute:
    """Apply an operator of one operand, in the result's type."""

    def compute(args: Operands, out: Values) -> None:
        ufunc(args[0], out=out, dtype=out.dtype, casting="unsafe")

    return compute


def rounding(ufunc: np.ufunc) -> Compute:
    """Round; whole numbers stay."""

    def compute(args: Operands, out: Values) -> None:
        if out.dtype.kind == "f":
            ufunc(args[0], out=out)
        else:
            np.copyto(out, args[0], casting="unsafe")

    return compute


def absolute(args: Operands, out: Values) -> None:
    """Give the size of a number, in its own type."""
    if out.dtype.kind == "i":
        # The least number has no positive in its type and becomes the greatest.
        np.maximum(args[0], -np.iinfo(out.dtype).max, out=out)
        np.abs(out, out=out)
    elif out.dtype.kind == "f":
        np.abs(args[0], out=out)
    else:
        np.copyto(out, args[0], casting="unsafe")


def negative(args: Operands, out: Values) -> None:
    """Change the sign."""
    if out.dtype.kind == "i":
        _DIFFERENCE((np.zeros((), np.int8), args[0]), out)
    else:
        np.negative(args[0], out=out)


def identity(args: Operands, out: Values) -> None:
    """Keep the number."""
    np.copyto(out, args[0], casting="unsafe")


def quotient(args: Operands, out: Values) -> Valid | None:
    """Divide and cut off the fraction; a whole number by zero has no result."""
    left, right = (as_type(a, out.dtype).astype(out.dtype) for a in args)
    if out.dtype.kind == "f":
        np.trunc(np.divide(left, right, out=out), out=out)
        return None
    zero, right = _nonzero(right)
    np.floor_divide(left, right, out=out)
    # NumPy rounds down; a negative quotient with a rest is one more.
    if out.dtype.kind == "i":
        np.add(out, (left % right != 0) & ((left < 0) != (right < 0)), out=out, casting="unsafe")
        least = np.iinfo(out.dtype).min
        np.copyto(out, np.iinfo(out.dtype).max, where=(left == least) & (right == -1))
    return zero


def remainder(args: Operands, out: Values) -> Valid | None:
    """Give the rest of `quotient`, with the sign of the dividend."""
    left, right = (as_type(a, out.dtype).astype(out.dtype) for a in args)
    if out.dtype.kind == "f":
        np.fmod(left, right, out=out)
        return None
    zero, right = _nonzero(right)
    np.fmod(left, right, out=out)
    return zero


def real_part(args: Operands, out: Values) -> None:
    """Give the real part."""
    np.copyto(out, args[0].real, casting="unsafe")


def imaginary_part(args: Operands, out: Values) -> None:
    """Give the imaginary part; 0 for a real number."""
    np.copyto(out, args[0].imag if args[0].dtype.kind == "c" else 0, casting="unsafe")


def complex_number(args: Operands, out: Values) -> None:
    """Make a complex number of its parts."""
    np.copyto(out.real, args[0], casting="unsafe")
    np.copyto(out.imag, args[1], casting="unsafe")


def bit(args: Operands, out: Values) -> None:
    """Tell a bit of an integer in two's complement; beyond 64 bits none is set."""
    number = np.asarray(args[1])
    place = np.clip(number, 0, 63).astype(np.uint64)
    bits = args[0].astype(np.int64).view(np.uint64) if args[0].dtype != np.uint64 else args[0]
    np.copyto(out, (bits >> place & np.uint64(1)) != 0)
    np.logical_and(out, (number >= 0) & (number < 64), out=out)


_DIFFERENCE = chain(np.subtract)
# Made once: making one takes as long as adding a thousand cells.
_INFO = {np.dtype(name).str: np.iinfo(name) for name in np.typecodes["AllInteger"]}


def _fold(ufunc: np.ufunc, args: Operands, out: Values) -> None:
    ufunc(args[0], args[1], out=out, dtype=out.dtype, casting="unsafe")
    for right in args[2:]:
        ufunc(out, right, out=out, dtype=out.dtype, casting="unsafe")


def _bounds(values: Values) -> tuple[int, int]:
    if values.dtype.kind == "b":
        return 0, 1
    if values.ndim == 0:
        return int(values), int(values)
    info = _INFO[values.dtype.str]
    return info.min, info.max


def _reach(ufunc: np.ufunc, one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (a, b), (c, d) = one, other
    if ufunc is np.add:
        return a + c, b + d
    if ufunc is np.subtract:
        return a - d, b - c
    corners = (a * c, a * d, b * c, b * d)
    return min(corners), max(corners)


def _saturated(ufunc: np.ufunc, left: Values, right: Values, out: Values) -> None:
    info = np.iinfo(out.dtype)
    if out.dtype.itemsize < 8:
        wide = ufunc(left, right, dtype=np.int64, casting="unsafe")
        np.clip(wide, info.min, info.max, out=out, casting="unsafe")
        return
    # 64 mantissa bits on x86: the sum tells on which side of the bounds it lies.
    far = ufunc(left, right, dtype=np.longdouble, casting="unsafe")
    ufunc(left, right, out=out, dtype=out.dtype, casting="unsafe")
    np.copyto(out, info.max, where=far >= np.longdouble(2) ** (64 - (info.min < 0)))
    np.copyto(out, info.min, where=far < info.min)


def _nonzero(divisor: Values) -> tuple[Valid | None, Values]:
    zero: Valid = divisor == 0
    if not zero.any():
        return None, divisor
    return zero, np.where(zero, np.ones((), divisor.dtype), divisor)
