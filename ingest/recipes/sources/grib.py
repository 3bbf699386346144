"""GRIB files: messages of one element and level type become one variable `(time, level, y, x)`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.errors import UnsupportedSourceError
from ingest.recipes.sources.raster import STACK, RasterFile
from ingest.recipes.sources.source import Coordinate, Plane, Variable

TIME, LEVEL = "time", "level"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Element:
    """The messages of one variable."""

    times: tuple[float, ...]
    """Valid times, seconds since 1970."""
    levels: tuple[float, ...]
    bands: Mapping[tuple[float, float], int]
    """Number of the message at `(time, level)`, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GribFile:
    """One GRIB file; implements `SourceFile`."""

    raster: RasterFile
    elements: Mapping[str, _Element]
    variables: Mapping[str, Variable] = field(repr=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.raster.name

    @property
    def location(self) -> str:
        """Path by which it is opened again."""
        return self.raster.location

    @property
    def modified(self) -> datetime:
        """When it was written last."""
        return self.raster.modified

    @property
    def tags(self) -> Mapping[str, str]:
        """Metadata of the whole file."""
        return self.raster.tags

    def coordinate(self, name: str) -> Coordinate | None:
        """Return the coordinates of the dimension `time_NAME` or `level_NAME` of a variable."""
        return self.coordinates_of(name)

    def coordinates_of(self, dim: str) -> Coordinate | None:
        """Return valid times or levels along a dimension, or None."""
        kind, _, name = dim.partition("_")
        element = self.elements.get(name)
        if element is None or kind not in (TIME, LEVEL):
            return None
        values = element.times if kind == TIME else element.levels
        units = {"units": "seconds since 1970-01-01"} if kind == TIME else {}
        return Coordinate(
            name=dim, dim=dim, values=np.asarray(values), single=False, attributes=units
        )

    def plane(self, variable: str) -> Plane:
        """Return the file's georeferencing."""
        return self.raster.plane(variable)

    def read(self, variable: str, index: tuple[slice, ...]) -> NDArray[Any]:
        """Return stored numbers, one slice of step 1 a dimension."""
        element = self.elements[variable]
        times, levels = element.times[index[0]], element.levels[index[1]]
        planes = [
            self.raster.read(str(element.bands[time, level]), index[2:])
            for time in times
            for level in levels
        ]
        return np.stack(planes).reshape(len(times), len(levels), *planes[0].shape)

    def mask(self, variable: str, index: tuple[slice, ...]) -> NDArray[np.bool_]:
        """Return all true: missing values are nodata."""
        return np.ones(self.read(variable, index).shape, np.bool_)


def group_messages(raster: RasterFile) -> GribFile:
    """Sort the messages of a file into variables.

    Variables are called by the element (`TMP`), and where it is there on several types of
    level, `TMP_ISBL`, `TMP_HTGL`.

    Raises
    ------
    UnsupportedSourceError
        If a variable has not every level at every time, or two messages for one.
    """
    sorted_: dict[tuple[str, str], dict[tuple[float, float], int]] = {}
    for number, tags in enumerate(raster.band_tags, start=1):
        element, (level, kind) = tags.get("GRIB_ELEMENT", str(number)), _level(tags)
        place = (_seconds(tags), level)
        messages = sorted_.setdefault((element, kind), {})
        if place in messages:
            raise UnsupportedSourceError(
                f"{raster.name}: messages {messages[place]} and {number} are both {element} "
                f"at {level:g} {kind} of one time"
            )
        messages[place] = number
    elements, variables = {}, {}
    names = [element for element, _ in sorted_]
    for (element, kind), messages in sorted_.items():
        name = f"{element}_{kind}" if names.count(element) > 1 else element
        elements[name] = _element(raster.name, name, messages)
        variables[name] = _variable(raster, name, elements[name])
    variables |= {n: v for n, v in raster.variables.items() if n == STACK and not elements}
    return GribFile(raster=raster, elements=elements, variables=variables)


def _element(file: str, name: str, messages: Mapping[tuple[float, float], int]) -> _Element:
    times = tuple(sorted({time for time, _ in messages}))
    levels = tuple(sorted({level for _, level in messages}))
    if len(messages) != len(times) * len(levels):
        raise UnsupportedSourceError(
            f"{file}: {name} has {len(messages)} messages for {len(times)} times and "
            f"{len(levels)} levels; every level is needed at every time"
        )
    return _Element(times=times, levels=levels, bands=messages)


def _variable(raster: RasterFile, name: str, element: _Element) -> Variable:
    numbers: Sequence[int] = sorted(element.bands.values())
    first, tags = raster.variables[str(numbers[0])], raster.band_tags[numbers[0] - 1]
    return Variable(
        name=name,
        dims=(f"{TIME}_{name}", f"{LEVEL}_{name}", "y", "x"),
        shape=(len(element.times), len(element.levels), *raster.shape),
        dtype=first.dtype,
        nodata=first.nodata,
        unit=tags.get("GRIB_UNIT", "").strip("[]") or None,
        title=re.sub(r"\s*\[.*\]$", "", tags.get("GRIB_COMMENT", "")) or None,
        blocks=(1, 1, *first.blocks),
    )


def _level(tags: Mapping[str, str]) -> tuple[float, str]:
    """Return the number and the type of a level: `85000-ISBL`.

    >>> _level({"GRIB_SHORT_NAME": "2-HTGL"})
    (2.0, 'HTGL')
    """
    match = re.match(r"^(-?[0-9.]+)?-?(?:[0-9.]+-)?(\w+)", tags.get("GRIB_SHORT_NAME", ""))
    return (float(match[1] or 0), match[2]) if match else (0.0, "")


def _seconds(tags: Mapping[str, str]) -> float:
    match = re.search(r"-?\d+", tags.get("GRIB_VALID_TIME", ""))
    return float(match[0]) if match else 0.0
