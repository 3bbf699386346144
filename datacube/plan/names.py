"""Usual spellings of axes and ranges of bands."""

from collections.abc import Mapping

from datacube.axes import PLACEHOLDER
from datacube.cube import Band, find_band
from datacube.errors import InvalidParameterError, UnknownNameError
from datacube.plan.nodes import Domain

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


def select_bands(bands: tuple[Band, ...], asked: tuple[str, ...]) -> tuple[Band, ...]:
    """Return bands by name, alias, position from 0, range `B02:B04` or `*`, in the order asked.

    Raises
    ------
    UnknownNameError
        If a band does not exist.
    InvalidParameterError
        If a range runs backwards, a band comes twice, or none is asked for.
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
    names = [band.name for band in found]
    if not names or len(set(names)) < len(names):
        raise InvalidParameterError(
            f"bands {', '.join(asked)!r}: each once, at least one", parameter="rangesubset"
        )
    return tuple(found)


def _one(bands: tuple[Band, ...], name: str) -> Band:
    name = name.strip()
    try:
        return find_band(bands, name)
    except UnknownNameError:
        if name.isdecimal() and int(name) < len(bands):
            return bands[int(name)]
        raise
