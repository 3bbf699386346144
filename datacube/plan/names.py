"""Usual spellings of axes and ranges of bands."""

from collections.abc import Mapping, Sequence
from itertools import count

from datacube.axes import PLACEHOLDER
from datacube.cube import Band, find_band
from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.plan.nodes import Bands, Domain, Pick, Plan

MOST_FIELDS = 1024
"""Most bands of an answer in which some come more than once."""

_SPELLINGS: Mapping[str, str] = {
    **dict.fromkeys(("x", "e", "east", "easting", "lon", "long", "longitude"), "x"),
    **dict.fromkeys(("y", "n", "north", "northing", "lat", "latitude"), "y"),
    **dict.fromkeys(("ansi", "time", "t", "date", "datetime", "phenomenontime"), "time"),
}


def is_time(name: str) -> bool:
    """Tell whether a name is a usual spelling of the time axis, in any case.

    >>> is_time("ansi"), is_time("Lat")
    (True, False)
    """
    return _SPELLINGS.get(name.strip().casefold()) == "time"


def axis_position(domain: Domain, name: str) -> int:
    """Return the position of an axis among `domain.axes`, for any usual spelling in any case.

    Raises
    ------
    UnknownNameError
        If the domain has no such axis, or has it no more after a slice.
    """
    axes = domain.axes
    asked = name.strip().casefold()
    for at, axis in enumerate(axes):
        if axis.name.casefold() == asked and asked != PLACEHOLDER:
            return at
    meant = _SPELLINGS.get(asked)
    if meant in ("x", "y") and domain.grid is not None:
        at = len(axes) - (1 if meant == "x" else 2)
        if axes[at].name != PLACEHOLDER:
            return at
    for at, axis in enumerate(domain.outer):
        if meant and meant == _SPELLINGS.get(axis.name.casefold()):
            return at
    raise UnknownNameError(
        "axis", name, tuple(axis.name for axis in axes if axis.name != PLACEHOLDER)
    )


def select_bands(
    bands: tuple[Band, ...], asked: tuple[str, ...], *, again: bool = False
) -> tuple[Band, ...]:
    """Return bands by name, alias, position from 0, range `B02:B04` or `*`, in the order asked.

    Where `again`, a band may come more than once.

    Raises
    ------
    UnknownNameError
        If a band does not exist.
    InvalidParameterError
        If a range runs backwards, a band comes twice, or none is asked for.
    LimitExceededError
        If bands that come again make more than `MOST_FIELDS`.
    """
    found: list[Band] = []
    for text in asked:
        if text.strip() == "*":
            found.extend(bands)
        elif ":" in text:
            low, _, high = text.partition(":")
            first, last = bands.index(_one(bands, low)), bands.index(_one(bands, high))
            if first > last:
                raise InvalidParameterError(
                    f"range of bands {text!r} runs backwards; the order is "
                    + ", ".join(b.name for b in bands),
                    parameter="rangesubset",
                )
            found.extend(bands[first : last + 1])
        else:
            found.append(_one(bands, text))
    names = {band.name for band in found}
    if again and len(names) < len(found) and len(found) > MOST_FIELDS:
        raise LimitExceededError(
            f"{len(found)} bands are asked for, some of them again; {MOST_FIELDS} are allowed"
        )
    if not names or (len(names) < len(found) and not again):
        raise InvalidParameterError(
            f"bands {', '.join(asked)!r}: each once, at least one", parameter="rangesubset"
        )
    return tuple(found)


def repeated(plan: Plan, names: Sequence[str]) -> Plan:
    """Return a plan whose fields are those of `names`, in this order; one may come again.

    Names of fields are unique in every format: of `red, red, red` the second is `red_2`.
    """
    if len(set(names)) == len(names):
        return plan
    taken, seen, picks = set(names), set[str](), []
    for name in names:
        made = name
        if name in seen:
            made = next(new for k in count(2) if (new := f"{name}_{k}") not in taken)
            taken.add(made)
        seen.add(name)
        picks.append(Pick(source=plan, field=name, name=made))
    return Bands(picks=tuple(picks))


def _one(bands: tuple[Band, ...], name: str) -> Band:
    name = name.strip()
    try:
        return find_band(bands, name)
    except UnknownNameError:
        if name.isdecimal() and int(name) < len(bands):
            return bands[int(name)]
        raise
