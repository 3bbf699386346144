"""A part of one field on its way through a formula."""

from typing import NamedTuple

import numpy as np

from datacube.cells import Valid, Values


class Part(NamedTuple):
    """Values of one field with their validity, on a strip of a window.

    Arrays have the strip's shape, or no axis for one number everywhere. Nothing may
    write into them.
    """

    values: Values
    valid: Valid | None = None
    """None where all are valid."""
    nan: bool = False
    """True where NaN among the values is null, though `valid` does not tell yet."""


def settled(part: Part) -> Part:
    """Return the part with `valid` telling all nulls."""
    if not part.nan:
        return part
    bad = np.isnan(part.values)
    if not bad.any():
        return Part(part.values, part.valid)
    known = ~bad
    return Part(part.values, known if part.valid is None else known & part.valid)


def both(one: Valid | None, other: Valid | None) -> Valid | None:
    """Return where both are valid."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def all_valid(parts: tuple[Part, ...]) -> Valid | None:
    """Return where every part is valid."""
    known = None
    for part in parts:
        known = both(known, part.valid)
    return known
