"""Where the cells of a file lie: its plane, its further axes, its times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pyproj import CRS

from datacube.axes import PLACEHOLDER, RegularAxis
from datacube.errors import UnsupportedSourceError
from datacube.grid import Grid, index_crs, known_crs
from ingest.recipes.cells import FIXED, Along
from ingest.recipes.further import FoundAxis, find_axis
from ingest.recipes.instants import FileTimes, file_times
from ingest.recipes.lattices import Steps, regular_steps
from ingest.recipes.recipe import AxisRecipe, Recipe, Role, Spacing
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.cf import role_of
from ingest.recipes.sources.source import Coordinate, Plane, Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneAxis:
    """x or y of a file."""

    dimension: str
    axis: RegularAxis
    """The scene's cells, from 0 at the scene's own first cell."""
    flipped: bool = False
    rolled: int = 0
    tolerance: float = 0.0
    """Of a cell, by which the place of the cells may be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the cells of a file lie."""

    crs: CRS
    x: PlaneAxis | None
    """None: the data has no x, so it is a point, with further axes or not."""
    y: PlaneAxis | None
    further: tuple[FoundAxis, ...]
    times: FileTimes | None

    @property
    def grid(self) -> Grid:
        """The plane, with placeholders for what it has not."""
        none = RegularAxis(name=PLACEHOLDER, uom="1", start=0, step=1, size=1, index=True)
        return Grid(
            crs=self.crs,
            x=none if self.x is None else self.x.axis,
            y=none if self.y is None else self.y.axis,
        )

    def along(
        self, file: str, variable: Variable, *, time: int, fixed: dict[str, int]
    ) -> tuple[Along, ...]:
        """Tell what each dimension of a variable is, at one time of the file.

        Raises
        ------
        UnsupportedSourceError
            If a dimension is no axis and has several places, or an axis is missing.
        """
        found: list[Along] = []
        roles = self._roles()
        missing = [dim for dim in roles if dim not in variable.dims]
        if missing:
            raise UnsupportedSourceError(
                f"{file}: {variable.name} has the dimensions {', '.join(variable.dims)}; "
                f"{', '.join(missing)} is missing, and all bands need the same"
            )
        for dim, size in zip(variable.dims, variable.shape, strict=True):
            if dim in roles:
                found.append(replace(roles[dim], size=size))
            elif self.times is not None and dim == self.times.dimension:
                found.append(Along(axis=FIXED, size=size, at=time))
            elif dim in fixed or size == 1:
                at = fixed.get(dim, 0)
                if at >= size:
                    raise UnsupportedSourceError(
                        f"{file}: {variable.name} has {size} places on {dim}, counted from 0; "
                        f"{at} is asked for"
                    )
                found.append(Along(axis=FIXED, size=size, at=at))
            else:
                raise UnsupportedSourceError(
                    f"{file}: the dimension {dim} of {variable.name} has {size} places and is no "
                    f"axis of the recipe; give an axis with `dimension: {dim}`, or take one "
                    f"place by the band's `at: {{{dim}: 0}}`"
                )
        return tuple(found)

    def _roles(self) -> dict[str, Along]:
        roles = {
            found.dimension: Along(axis=number, size=0, order=found.order)
            for number, found in enumerate(self.further)
            if found.dimension is not None
        }
        count = len(self.further)
        for number, plane in ((count, self.y), (count + 1, self.x)):
            if plane is not None:
                roles[plane.dimension] = Along(
                    axis=number, size=0, flipped=plane.flipped, rolled=plane.rolled
                )
        return roles


def lay_out(recipe: Recipe, source: SourceFile, variable: Variable) -> Layout:
    """Find the axes of a file, as the recipe says or as the file itself does.

    Raises
    ------
    UnsupportedSourceError
        If one cannot be found, or lies as no axis of a coverage can.
    """
    plane = source.plane(variable.name)
    time = recipe.axis(Role.TIME)
    times = None if time is None else file_times(time, source, variable.dims)
    used = {times.dimension} if times is not None else set()
    if time is not None and times is not None:
        _check_count(source.name, time, times, variable)
    further = tuple(find_axis(axis, source, variable) for axis in recipe.further)
    used |= {found.dimension for found in further}
    free = [dim for dim in variable.dims if dim not in used]
    x_dim = _dimension(recipe.axis(Role.X), "x", source, free)
    y_dim = _dimension(recipe.axis(Role.Y), "y", source, free)
    crs = recipe.crs or plane.crs
    geographic = crs is not None and crs.is_geographic
    x = _plane_axis(_Asked(recipe, Role.X, x_dim, crs), source, plane, variable)
    y = _plane_axis(_Asked(recipe, Role.Y, y_dim, crs), source, plane, variable)
    if crs is None or x is None or y is None:
        names = [a.axis.name for a in (y, x) if a is not None]
        crs = index_crs(*names)
    on_earth = known_crs(crs).on_earth
    if x is not None and on_earth:
        x = _west_to_east(x, wrap=geographic and recipe.wrap_longitudes)
    if y is not None and on_earth and y.axis.step > 0:
        y = _turned(y)
    return Layout(crs=crs, x=x, y=y, further=further, times=times)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One of the two axes of the plane."""

    recipe: Recipe
    role: Role
    dimension: str | None
    crs: CRS | None

    @property
    def axis(self) -> AxisRecipe:
        found = self.recipe.axis(self.role)
        return found or AxisRecipe(name=self._usual_name(), role=self.role)

    def _usual_name(self) -> str:
        if self.crs is None:
            return str(self.dimension)
        if self.crs.is_geographic:
            return "Lon" if self.role is Role.X else "Lat"
        return "E" if self.role is Role.X else "N"

    @property
    def unit(self) -> str:
        unit = self.axis.unit
        if unit is not None:
            return unit
        if self.crs is None or not self.crs.axis_info:
            return "1"
        name = self.crs.axis_info[0].unit_name
        return {"metre": "m", "degree": "deg"}.get(name, name)


def _plane_axis(
    asked: _Asked, source: SourceFile, plane: Plane, variable: Variable
) -> PlaneAxis | None:
    if asked.dimension is None:
        return None
    axis = asked.axis
    size = variable.shape[variable.dims.index(asked.dimension)]
    if axis.spacing is Spacing.INDEX:
        start = int(axis.origin) if isinstance(axis.origin, int | float) else 0
        cells = RegularAxis(
            name=axis.name, uom=axis.unit or "1", start=start, step=1, size=size, index=True
        )
        return PlaneAxis(dimension=asked.dimension, axis=cells)
    steps = _steps(asked, source, plane, size)
    return PlaneAxis(
        dimension=asked.dimension,
        axis=RegularAxis(
            name=axis.name, uom=asked.unit, start=steps.start, step=steps.step, size=steps.size
        ),
        tolerance=steps.tolerance,
    )


def _steps(asked: _Asked, source: SourceFile, plane: Plane, size: int) -> Steps:
    axis, resolution = asked.axis, asked.axis.resolution
    step = float(resolution) if isinstance(resolution, int | float) else None
    if isinstance(axis.origin, int | float):
        if step is None:
            raise UnsupportedSourceError(f"{axis.name} has an origin and no resolution")
        return Steps(start=float(axis.origin), step=step, size=size)
    if plane.transform is not None and axis.variable is None:
        t = plane.transform
        if t.b != 0 or t.d != 0:
            raise UnsupportedSourceError(
                f"{source.name} has the transform {tuple(t)[:6]}; rows and columns must lie "
                "along the axes of the CRS"
            )
        start, cell = (t.c, t.a) if asked.role is Role.X else (t.f, t.e)
        return Steps(start=start, step=cell, size=size)
    coordinate = _coordinate(asked, source)
    steps = regular_steps(source.name, coordinate, resolution=step)
    if steps is None:
        gaps = np.diff(coordinate.values)
        raise UnsupportedSourceError(
            f"{source.name}: {coordinate.name} is not regular, its gaps reach from "
            f"{gaps.min():.10g} to {gaps.max():.10g}; a plane is. Where it is not needed as "
            "one, list it as an axis that `is: further`"
        )
    if steps.size != size:
        raise UnsupportedSourceError(
            f"{source.name}: {coordinate.name} has {steps.size} coordinates for {size} cells"
        )
    return steps


def _coordinate(asked: _Asked, source: SourceFile) -> Coordinate:
    axis = asked.axis
    if axis.values is not None:
        values = np.asarray(axis.values, np.float64)
        return Coordinate(name=axis.name, dim=str(asked.dimension), values=values, single=False)
    found = (
        source.coordinate(axis.variable)
        if axis.variable is not None
        else source.coordinates_of(str(asked.dimension))
    )
    if found is None:
        raise UnsupportedSourceError(
            f"{source.name} does not say where its cells lie on {axis.name}; give the axis an "
            "origin and a resolution, a variable, or `spacing: index`"
        )
    return found


def _dimension(
    axis: AxisRecipe | None, role: str, source: SourceFile, free: Sequence[str]
) -> str | None:
    """Return the dimension of an axis of the plane; None where there is none."""
    if axis is not None and axis.dimension is not None:
        found = axis.dimension
    elif axis is not None and axis.variable is not None:
        coordinate = source.coordinate(axis.variable)
        if coordinate is None:
            raise UnsupportedSourceError(
                f"{source.name} has no variable {axis.variable!r} of one dimension; it has "
                f"{', '.join(sorted(source.variables)[:20])}"
            )
        found = coordinate.dim
    else:
        return _told(axis, role, source, free)
    if found not in free:
        raise UnsupportedSourceError(
            f"{source.name}: {found} is no dimension of the band; it has {', '.join(free)}"
        )
    return found


def _told(
    axis: AxisRecipe | None, role: str, source: SourceFile, free: Sequence[str]
) -> str | None:
    """Return the dimension that is called like the axis, or whose coordinates tell."""
    for dim in free:
        if axis is not None and dim.casefold() == axis.name.casefold():
            return dim
    for dim in free:
        coordinate = source.coordinates_of(dim)
        if role_of(dim, {} if coordinate is None else coordinate.attributes) == role:
            return dim
    if axis is not None:
        raise UnsupportedSourceError(
            f"{source.name}: none of the dimensions {', '.join(free)} is {axis.name}; name it by "
            "the axis's `dimension`"
        )
    return None


def _check_count(file: str, axis: AxisRecipe, times: FileTimes, variable: Variable) -> None:
    count = len(times.acquisitions)
    if times.dimension is None:
        if count > 1:
            raise UnsupportedSourceError(
                f"{file}: {axis.name} has {count} times; say by `dimension` what they count"
            )
    elif times.dimension not in variable.dims:
        raise UnsupportedSourceError(
            f"{file}: {times.dimension} is no dimension of {variable.name}; it has "
            f"{', '.join(variable.dims)}"
        )
    elif variable.shape[variable.dims.index(times.dimension)] != count:
        raise UnsupportedSourceError(
            f"{file}: {axis.name} has {count} times for "
            f"{variable.shape[variable.dims.index(times.dimension)]} places on {times.dimension}"
        )


def _turned(plane: PlaneAxis) -> PlaneAxis:
    axis = plane.axis
    return replace(
        plane,
        axis=replace(axis, start=axis.start + axis.step * axis.size, step=-axis.step),
        flipped=True,
    )


def _west_to_east(plane: PlaneAxis, *, wrap: bool) -> PlaneAxis:
    if plane.axis.step < 0:
        plane = _turned(plane)
    if not wrap:
        return plane
    axis = plane.axis
    # Whole turns, so that the first centre lies in [-180, 180).
    centre = axis.start + axis.step / 2
    turns = np.floor((centre + 180) / 360 + 1e-9)
    axis = replace(axis, start=axis.start - 360 * float(turns))
    whole = abs(axis.step * axis.size - 360) < 1e-3 * axis.step
    last = axis.start + axis.step * (axis.size - 0.5)
    if not whole or last < 180 - 1e-9 or plane.flipped:
        return replace(plane, axis=axis)
    # The cells from 180 degrees on come first.
    border = int(np.ceil((180 - axis.start) / axis.step - 0.5 - 1e-6))
    start = axis.start + border * axis.step - 360
    return replace(plane, axis=replace(axis, start=start), rolled=border % axis.size)
