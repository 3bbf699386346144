"""From a server's description of a result (CIS 1.1 in JSON) to its axes and bands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from datacube.axes import Axis, IrregularAxis, RegularAxis, TimeAxis
from datacube.encode.described import DATA_TYPES
from datacube.errors import StoreError
from datacube.grid import Grid, index_crs, northing_first
from datacube.plan.crs import names_indices, names_times, parse_crs
from datacube.plan.nodes import Domain
from datacube.times import Acquisition, parse_period

_COMPOUND = "http://www.opengis.net/def/crs-compound?"
_NUMBERED = re.compile(r"(?:^|&)\d+=")
_OF_AXIS = re.compile(r"\?axis-label=.*$")
_TYPES: Mapping[str, str] = {name: dtype for dtype, name in DATA_TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a result is before its cells are known."""

    domain: Domain
    dtypes: tuple[tuple[str, str], ...]
    """Bands with the NumPy names of their types."""


def read_description(document: Mapping[str, Any]) -> Shape:
    """Read a GeneralGridCoverage without its range set.

    Raises
    ------
    StoreError
        If it is none; the server is no Copernicube, or another one than this client knows.
    """
    try:
        grid = document["domainSet"]["generalGrid"]
        dtypes = tuple(
            (str(field["name"]), _TYPES[field["definition"].rsplit("/", 1)[1]])
            for field in document["rangeType"]["field"]
        )
        limits = grid.get("gridLimits", {}).get("axis", ())
        firsts = [int(limit["lowerBound"]) for limit in limits]
        sizes = [int(limit["upperBound"]) - int(limit["lowerBound"]) + 1 for limit in limits]
        axes = [
            _axis(axis, first, size)
            for axis, first, size in zip(grid["axis"], firsts, sizes, strict=True)
        ]
        return Shape(domain=_domain(axes, str(grid["srsName"])), dtypes=dtypes)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StoreError(
            f"the server's description of the result is not understood: {error!r}"
        ) from error


def _axis(axis: Mapping[str, Any], first: int, size: int) -> Axis:
    name, uom = str(axis["axisLabel"]), str(axis["uomLabel"])
    if axis["type"] == "RegularAxisType":
        low, step = float(axis["lowerBound"]), float(axis["resolution"])
        if uom == "GridSpacing":
            return RegularAxis(
                name=name, uom="1", start=0, step=1, first=first, size=size, index=True
            )
        edge = low if step > 0 else float(axis["upperBound"])
        return RegularAxis(
            name=name, uom=uom, start=edge - first * step, step=step, first=first, size=size
        )
    places = axis["coordinate"]
    if places and isinstance(places[0], str):
        times = [parse_period(place).start for place in places]
        acquisitions = tuple(Acquisition(reference=t, first=t, last=t) for t in times)
        return TimeAxis(name=name, acquisitions=acquisitions)
    return IrregularAxis(name=name, uom=uom, coefficients=tuple(map(float, places)))


def _domain(axes: list[Axis], crs_text: str) -> Domain:
    """Give each axis its CRS: a plane's stands once for its two axes, which come last."""
    if not axes:
        return Domain()
    compound = crs_text.startswith(_COMPOUND)
    names = (
        [part for part in _NUMBERED.split(crs_text.removeprefix(_COMPOUND)) if part]
        if compound
        else [crs_text]
    )
    outer: list[Axis] = []
    remaining = list(axes)
    for name in names:
        plain = _OF_AXIS.sub("", name)
        if len(remaining) == 2 and name == names[-1] and plain == name and not _alone(name):
            return Domain(outer=tuple(outer), grid=_plane(remaining, plain))
        axis = remaining.pop(0)
        if plain != name and isinstance(axis, RegularAxis) and not names_indices(plain):
            axis = replace(axis, crs=parse_crs(plain))
        outer.append(axis)
    return Domain(outer=tuple(outer))


def _alone(name: str) -> bool:
    return names_times(name) or name.endswith("Index1D")


def _plane(axes: list[Axis], name: str) -> Grid:
    one, other = axes
    if not isinstance(one, RegularAxis) or not isinstance(other, RegularAxis):
        raise TypeError(f"the plane of {name} has listed axes")
    if names_indices(name):
        return Grid(crs=index_crs(one.name, other.name), y=one, x=other)
    crs = parse_crs(name)
    y, x = (one, other) if northing_first(crs) else (other, one)
    return Grid(crs=crs, y=y, x=x)
