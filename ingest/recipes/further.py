"""Axes between time and plane: height, member, wavelength, and the like."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from datacube.axes import SNAP_DECIMALS, IrregularAxis, PlaceAxis, RegularAxis
from datacube.errors import OutOfDomainError, UnsupportedSourceError
from ingest.recipes.lattices import ascending, check_distinct, regular_steps
from ingest.recipes.recipe import AxisRecipe, Spacing
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.source import Coordinate, Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAxis:
    """What a file says of a further axis."""

    recipe: AxisRecipe
    dimension: str | None
    """None where the whole file is of one place."""
    values: tuple[float, ...]
    """Coordinates in ascending order."""
    order: tuple[int, ...] | None
    """The file's places in that order, where it differs."""
    unit: str

    def axis(self) -> PlaceAxis:
        """Return the axis of a cube that holds these coordinates and no others."""
        recipe = self.recipe
        if recipe.spacing is Spacing.INDEX:
            first, count = round(self.values[0]), len(self.values)
            return RegularAxis(
                name=recipe.name, uom="1", start=0, step=1, first=first, size=count, index=True
            )
        if recipe.spacing is Spacing.REGULAR or recipe.origin is not None:
            coordinate = Coordinate(
                name=recipe.name, dim="", values=np.asarray(self.values), single=True
            )
            step = recipe.resolution if isinstance(recipe.resolution, int | float) else None
            steps = regular_steps(recipe.name, coordinate, resolution=abs(step) if step else None)
            if steps is None:
                raise UnsupportedSourceError(
                    f"{recipe.name} is not regular: {_few(self.values)}; say `spacing: irregular`"
                )
            return RegularAxis(
                name=recipe.name,
                uom=self.unit,
                start=steps.start,
                step=steps.step,
                size=steps.size,
            )
        return IrregularAxis(name=recipe.name, uom=self.unit, coefficients=self.values)

    def places(self, axis: PlaceAxis) -> tuple[int, int]:
        """Return the range of indices on a cube's axis that these coordinates are.

        Raises
        ------
        UnsupportedSourceError
            If one is not on the axis, or they leave gaps.
        """
        found = [_place(axis, value) for value in self.values]
        if found != list(range(found[0], found[0] + len(found))):
            raise UnsupportedSourceError(
                f"{axis.name} of the cube has coordinates between {_few(self.values)} that the "
                "file has not; ingest such files one by one"
            )
        return found[0], found[-1] + 1


def find_axis(recipe: AxisRecipe, source: SourceFile, variable: Variable) -> FoundAxis:
    """Find a further axis in a file.

    Raises
    ------
    UnsupportedSourceError
        If it cannot be found, or has a coordinate twice.
    """
    if recipe.file_name is not None:
        value = number_in_name(recipe, source.name)
        return _found(recipe, None, np.asarray([value]), recipe.unit or "1")
    dimension = _dimension(recipe, source, variable)
    size = variable.shape[variable.dims.index(dimension)]
    if recipe.spacing is Spacing.INDEX:
        first = int(recipe.origin) if isinstance(recipe.origin, int | float) else 0
        return _found(recipe, dimension, np.arange(first, first + size, dtype=np.float64), "1")
    coordinate = _coordinate(recipe, source, dimension, size)
    check_distinct(source.name, coordinate)
    if coordinate.values.size != size:
        raise UnsupportedSourceError(
            f"{source.name}: {recipe.name} has {coordinate.values.size} coordinates for {size} "
            f"places on {dimension}"
        )
    unit = recipe.unit or str(coordinate.attributes.get("units", "")) or "1"
    return _found(recipe, dimension, coordinate.values, unit)


def number_in_name(recipe: AxisRecipe, name: str) -> float:
    """Return the coordinate in the name of a file.

    Raises
    ------
    UnsupportedSourceError
        If there is none.
    """
    if recipe.file_name is None:
        raise ValueError("the axis has no pattern")
    match = re.search(recipe.file_name.pattern, name)
    if match is None:
        raise UnsupportedSourceError(
            f"the name {name} does not match the pattern {recipe.file_name.pattern!r}"
        )
    text = match.groupdict().get("value") or match.groupdict().get("start") or ""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise UnsupportedSourceError(f"{name}: {text!r} is no number for {recipe.name}")
    return value


def joined(found: FoundAxis, values: Iterable[float]) -> FoundAxis:
    """Return an axis with further coordinates, as other files of a first ingest have them."""
    return replace(found, values=tuple(sorted({*found.values, *values})), order=None)


def _found(
    recipe: AxisRecipe, dimension: str | None, values: NDArray[np.float64], unit: str
) -> FoundAxis:
    order = ascending(values)
    kept = values if order is None else values[order]
    return FoundAxis(
        recipe=recipe,
        dimension=dimension,
        values=tuple(float(v) for v in kept),
        order=None if order is None else tuple(int(n) for n in order),
        unit=unit,
    )


def _dimension(recipe: AxisRecipe, source: SourceFile, variable: Variable) -> str:
    wanted = recipe.dimension
    if wanted is None and recipe.variable is not None:
        coordinate = source.coordinate(recipe.variable)
        if coordinate is None:
            raise UnsupportedSourceError(
                f"{source.name} has no variable {recipe.variable!r} of one dimension; it has "
                f"{', '.join(sorted(source.variables)[:20])}"
            )
        wanted = coordinate.dim
    for dim in variable.dims:
        # GRIB has a dimension of levels for each variable.
        if dim.casefold() in (
            (wanted or recipe.name).casefold(),
            f"{wanted}_{variable.name}".casefold(),
        ):
            return dim
    raise UnsupportedSourceError(
        f"{source.name}: {variable.name} has the dimensions {', '.join(variable.dims)}; none is "
        f"{wanted or recipe.name}"
    )


def _coordinate(recipe: AxisRecipe, source: SourceFile, dim: str, size: int) -> Coordinate:
    if recipe.values is not None:
        values = np.asarray(recipe.values, np.float64)
        return Coordinate(name=recipe.name, dim=dim, values=values, single=False)
    if isinstance(recipe.origin, int | float):
        if not isinstance(recipe.resolution, int | float):
            raise UnsupportedSourceError(f"{recipe.name} has an origin and no resolution")
        centres = recipe.origin + recipe.resolution * (np.arange(size, dtype=np.float64) + 0.5)
        return Coordinate(name=recipe.name, dim=dim, values=centres, single=False)
    found = source.coordinate(recipe.variable) if recipe.variable else source.coordinates_of(dim)
    if found is None:
        raise UnsupportedSourceError(
            f"{source.name} has no coordinates for {recipe.name}; give the axis values, an origin "
            "and a resolution, a variable, or `spacing: index`"
        )
    return found


def _place(axis: PlaceAxis, value: float) -> int:
    """Return the index of a coordinate on a cube's axis."""
    try:
        if isinstance(axis, IrregularAxis):
            return axis.at(value)
        place = axis.position(value) if axis.index else axis.position(value) - 0.5
        near = round(place)
        if abs(place - near) < 0.01 and axis.first <= near < axis.stop:
            return near
    except OutOfDomainError as error:
        raise UnsupportedSourceError(
            f"{error}; further axes stay as they were when the cube was made"
        ) from error
    low, high = axis.extent
    raise UnsupportedSourceError(
        f"{axis.name} of the cube has cells of {axis.step:g} {axis.uom} from {low:g} to {high:g}; "
        f"none has its centre at {value:.10g} (precise to 1e-{SNAP_DECIMALS})"
    )


def _few(values: Iterable[float]) -> str:
    listed = [f"{value:g}" for value in values]
    return ", ".join(listed[:10]) + (", ..." if len(listed) > 10 else "")
