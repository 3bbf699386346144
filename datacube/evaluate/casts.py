"""Casts: integers saturate, fractions are cut off, NaN has no integer."""

import numpy as np

from datacube.cells import Valid, Values


def cast_into(values: Values, out: Values) -> Valid | None:
    """Write `values` into `out` in its type; tell where a value has no number there.

    What does not fit an integer type becomes its least or greatest number; fractions
    are cut off; a complex number gives its real part; NaN is no integer and no truth.
    """
    if values.dtype.kind == "c" and out.dtype.kind not in "cb":
        values = values.real
    match out.dtype.kind:
        case "b":
            np.not_equal(values, 0, out=out)
            return _not_a_number(values)
        case "i" | "u" if values.dtype.kind == "f":
            return _integers_of_floats(values, out)
        case "i" | "u":
            _integers_of_integers(values, out)
            return None
        case _:
            np.copyto(out, values, casting="unsafe")
            return None


def as_type(values: Values, dtype: "np.dtype[np.generic]") -> Values:
    """Return the values in a type that holds them, saturating where uint64 meets int64."""
    if values.dtype == np.uint64 and dtype == np.int64:
        out: Values = np.empty(values.shape, dtype)
        _integers_of_integers(values, out)
        return out
    return values


def _integers_of_integers(values: Values, out: Values) -> None:
    if values.dtype.kind == "b" or np.can_cast(values.dtype, out.dtype):
        np.copyto(out, values, casting="unsafe")
        return
    source, target = np.iinfo(values.dtype), np.iinfo(out.dtype)
    least, greatest = max(source.min, target.min), min(source.max, target.max)
    np.copyto(out, np.clip(values, least, greatest), casting="unsafe")


def _integers_of_floats(values: Values, out: Values) -> Valid | None:
    kind, target = values.dtype.type, np.iinfo(out.dtype)
    least, greatest = kind(target.min), kind(target.max)
    rounded_up = int(greatest) > target.max
    if rounded_up:
        greatest = np.nextafter(greatest, kind(0))
    bad = _not_a_number(values)
    held = np.clip(values, least, greatest)
    if bad is not None:
        held = np.where(bad, kind(0), held)
    np.copyto(out, held, casting="unsafe")
    if rounded_up:
        np.copyto(out, target.max, where=values > greatest)
    return bad


def _not_a_number(values: Values) -> Valid | None:
    if values.dtype.kind not in "fc":
        return None
    bad: Valid = np.isnan(values)
    return bad if bad.any() else None
