"""Files as scenes of the one coverage of a recipe."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from datacube.axes import PlaceAxis, RegularAxis
from datacube.cells import Valid, Values
from datacube.cube import Band, Cube
from datacube.errors import UnsupportedSourceError
from datacube.grid import Grid, Window, crs_from_text, known_crs, transformer
from datacube.lattices import free_group, group_name
from datacube.slots import SceneRecord
from datacube.times import Acquisition, iso_text, parse_period
from ingest.align import same_crs
from ingest.rasters import ObjectStoreAccess
from ingest.recipes.bands import FilePlace, cells_of, make_band, source_variable
from ingest.recipes.cells import BandCells
from ingest.recipes.files import identity
from ingest.recipes.further import FoundAxis, joined, number_in_name
from ingest.recipes.lattices import TOLERANCE
from ingest.recipes.layout import Layout, lay_out
from ingest.recipes.recipe import Overlap, Recipe, Role
from ingest.recipes.sources import SourceFile, open_source
from ingest.recipes.stamps import registered_json
from ingest.scene import CubeChoice, Resampling, Scene, SceneBand

PART_PX = 16384
"""Longest side of a scene: while it is written, its mask is held, one byte a cell."""
TIMELESS = parse_period("1970-01-01").start
"""Time of the scenes of a coverage without a time axis."""


class RecipeReader:
    """Opens files as a recipe says; implements `SceneReader`.

    All files go into one cube: the one that stands, else the first file's.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        standing: Cube | None,
        access: ObjectStoreAccess | None = None,
        register: bool = False,
    ) -> None:
        """Take the cube that stands, or None where there is none of that name.

        `register`: cells stay in their files, and scenes say how they are read there.

        Raises
        ------
        UnsupportedSourceError
            If the cube that stands holds something else.
        """
        self._recipe = recipe
        self._access = access or ObjectStoreAccess()
        self._register = register
        self._cube = standing
        if standing is not None:
            _check_standing(recipe, standing)

    def begin(self, locations: Sequence[str]) -> None:
        """Define the cube from the first file that can be read, where none stands."""
        for location in locations:
            if self._cube is not None:
                return
            try:
                source = open_source(location, self._access)
                self._cube = self._make_cube(source, locations)
            except Exception:  # noqa: BLE001, S112  # `open` says it again, for the file
                continue

    def recognises(self, location: str) -> bool:
        """Take every file: the recipe says what it is."""
        return bool(location)

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene]:
        """Return the scenes of a file, one a time: headers and coordinates only.

        Raises
        ------
        SourceError
            If the file cannot be read, or does not fit the recipe or the cube.
        """
        del choice
        source = open_source(location, self._access)
        cube = self._cube or self._make_cube(source, [location])
        recipe = self._recipe
        variable = source_variable(recipe, 0, source)
        layout = lay_out(recipe, source, variable)
        spans = _spans(layout, cube)
        grid = _on_lattice(layout, cube)
        starts = tuple(start for start, _ in spans)
        times = layout.times.acquisitions if layout.times else (_timeless(),)
        scenes = []
        for number, when in enumerate(times):
            cells = [
                self._cells(source, cube, layout, place=(k, number), starts=starts)
                for k in range(len(recipe.bands))
            ]
            several = layout.times is not None and layout.times.dimension is not None
            scenes += [
                self._scene(source, cube, _Shot(part, spans, when, several, at), cells)
                for at, part in self._parts(grid, cube)
            ]
        return scenes

    def _parts(self, grid: Grid, cube: Cube) -> list[tuple[tuple[int, int], Grid]]:
        """Cut a plane that is too large to be held into scenes of their own.

        Returns `(row, column)` of each part's first cell in the file's plane. What is
        registered or resampled is not cut.
        """
        whole = max(grid.shape) <= PART_PX
        if whole or self._register or self._recipe.resampling is not Resampling.NEVER:
            return [((0, 0), grid)]
        lattice = cube.groups[0].grid
        cuts = [
            _cuts(round(of_cube.position(axis.start)), axis.size)
            for axis, of_cube in ((grid.y, lattice.y), (grid.x, lattice.x))
        ]
        return [
            ((row, col), _part_of(grid, (row, rows), (col, cols)))
            for row, rows in cuts[0]
            for col, cols in cuts[1]
        ]

    def _cells(
        self,
        source: SourceFile,
        cube: Cube,
        layout: Layout,
        *,
        place: tuple[int, int],
        starts: tuple[int, ...],
    ) -> tuple[Band, BandCells]:
        number, time = place
        band = cube.band(self._recipe.bands[number].name)
        variable = source_variable(self._recipe, number, source)
        at = FilePlace(file=source.name, variable=variable, layout=layout, time=time, starts=starts)
        return band, cells_of(self._recipe, number, band, at)

    def _scene(
        self,
        source: SourceFile,
        cube: Cube,
        shot: "_Shot",
        cells: Sequence[tuple[Band, BandCells]],
    ) -> Scene:
        recipe = self._recipe
        name = identity(source.location, recipe.path)
        if any(shot.at):
            name += ":{}.{}".format(*shot.at)
        stamp = iso_text(shot.when.reference)
        properties: dict[str, Any] = {"source": source.location, "recipe": recipe.path.name}
        levels = None
        if self._register:
            by_name = {band.name: each for band, each in cells}
            registered = registered_json(source, shot.grid, cube.groups[0], by_name)
            properties["registered"], levels = registered, registered["levels"]
        record = SceneRecord(
            scene_id=f"{cube.name}:{name}:{stamp}",
            product_id=f"{name}#{stamp}" if shot.several else name,
            reference_time=shot.when.reference,
            first_time=shot.when.first,
            last_time=shot.when.last,
            baseline=name if recipe.overlap is Overlap.NAME else "",
            generation_time=source.modified,
            footprint=footprint_of(shot.grid),
            properties=json.dumps(properties),
        )
        bands = tuple(
            SceneBand(
                band=band,
                grid=shot.grid,
                read=partial(_read_part, each, source, shot.at),
                places=shot.spans,
                resampling=recipe.resampling,
            )
            for band, each in cells
        )
        return Scene(
            record=record,
            collection=recipe.collection,
            cube=cube,
            bands=bands,
            levels_in_place=levels,
            together=True,
        )

    def _make_cube(self, source: SourceFile, locations: Sequence[str]) -> Cube:
        """Define the cube: the first file's grid, or the recipe's."""
        recipe = self._recipe
        variables = [source_variable(recipe, n, source) for n in range(len(recipe.bands))]
        layout = lay_out(recipe, source, variables[0])
        grid = layout.grid
        if recipe.lattice is not None:
            grid = _declared(recipe, grid)
        square = abs(grid.x.step) == abs(grid.y.step) and known_crs(grid.crs).on_earth
        name = group_name(abs(grid.x.step), grid.x.uom) if square else "r1"
        axes = tuple(_with_names(found, locations).axis() for found in layout.further)
        _check_defaults(recipe, axes)
        group = free_group(grid, name, axes=axes)
        return Cube(
            name=recipe.coverage,
            collection=recipe.collection.id,
            title=recipe.title,
            crs=grid.crs,
            groups=(group,),
            bands=tuple(
                make_band(recipe, n, source, variable, name) for n, variable in enumerate(variables)
            ),
            access=recipe.access,
            timed=recipe.axis(Role.TIME) is not None,
            map_axes=tuple(axis.maps for axis in recipe.further if axis.maps is not None),
        )


@dataclass(frozen=True, slots=True)
class _Shot:
    """Where and when one scene lies."""

    grid: Grid
    spans: tuple[tuple[int, int], ...]
    when: Acquisition
    several: bool
    """Whether its file holds other times, too."""
    at: tuple[int, int] = (0, 0)
    """`(row, column)` of its first cell in the file's plane."""


def _read_part(
    cells: BandCells, source: SourceFile, at: tuple[int, int], window: Window
) -> tuple[Values, Valid]:
    """Read a window counted from the first cell of a part of a file."""
    (y0, y1), (x0, x1) = window.plane.ranges
    row, col = at
    plane = ((y0 + row, y1 + row), (x0 + col, x1 + col))
    return cells.read(source, Window((*window.ranges[:-2], *plane)))


def _cuts(first: int, size: int) -> list[tuple[int, int]]:
    """Return `(offset, size)` of parts that end on whole multiples of `PART_PX` of the cube.

    So every level's cells lie in one part.
    """
    stops = [*range((first // PART_PX + 1) * PART_PX, first + size, PART_PX), first + size]
    starts = [first, *stops[:-1]]
    return [(a - first, b - a) for a, b in zip(starts, stops, strict=True)]


def _part_of(grid: Grid, rows: tuple[int, int], cols: tuple[int, int]) -> Grid:
    """Return a part of a grid, its cells numbered from its own corner."""
    y, x = (
        replace(axis, start=axis.start + first * axis.step, size=size)
        for axis, (first, size) in ((grid.y, rows), (grid.x, cols))
    )
    return replace(grid, y=y, x=x)


def _check_standing(recipe: Recipe, cube: Cube) -> None:
    """Refuse a cube of the coverage's name that the recipe does not describe."""
    if cube.collection != recipe.collection.id:
        raise UnsupportedSourceError(
            f"the coverage {cube.name} is of the collection {cube.collection}, the recipe says "
            f"{recipe.collection.id}"
        )
    timed = recipe.axis(Role.TIME) is not None
    if timed != cube.timed:
        has, says = ("a", "none") if cube.timed else ("no", "one")
        raise UnsupportedSourceError(
            f"the coverage {cube.name} has {has} time axis, the recipe says {says}"
        )
    have, want = [a.name for a in cube.axes], [a.name for a in recipe.further]
    if have != want:
        raise UnsupportedSourceError(
            f"the coverage {cube.name} has the further axes {', '.join(have) or 'none'}, the "
            f"recipe says {', '.join(want) or 'none'}"
        )
    bands = [band.name for band in cube.bands]
    unknown = [band.name for band in recipe.bands if band.name not in bands]
    if unknown:
        raise UnsupportedSourceError(
            f"the coverage {cube.name} has the bands {', '.join(bands)}; it never gets "
            f"{', '.join(unknown)}: bands are what they were when it was made"
        )


def _check_defaults(recipe: Recipe, axes: Sequence[PlaceAxis]) -> None:
    """Refuse what maps should show unasked, and the axis has not."""
    for said, axis in zip(recipe.further, axes, strict=True):
        first, last = axis.extent
        for low, high in () if said.maps is None else said.maps.default:
            if high < first or low > last:
                raise UnsupportedSourceError(
                    f"{recipe.path}: maps of {axis.name} show {low:g}:{high:g} unasked; it lies "
                    f"from {first:g} to {last:g}"
                )


def _timeless() -> Acquisition:
    return Acquisition(reference=TIMELESS, first=TIMELESS, last=TIMELESS)


def _with_names(found: FoundAxis, locations: Sequence[str]) -> FoundAxis:
    """Add the coordinates that the names of all files of a first ingest have."""
    recipe = found.recipe
    if recipe.file_name is None:
        return found
    values: list[float] = [float(v) for v in recipe.values or ()]
    for location in locations:
        try:
            values.append(number_in_name(recipe, Path(location).name))
        except UnsupportedSourceError:
            # `open` says it again, for the file.
            continue
    return joined(found, values)


def _spans(layout: Layout, cube: Cube) -> tuple[tuple[int, int], ...]:
    return tuple(found.places(axis) for found, axis in zip(layout.further, cube.axes, strict=True))


def _declared(recipe: Recipe, grid: Grid) -> Grid:
    """Return the grid that the recipe declares, in the first file's axes."""
    lattice = recipe.lattice
    if lattice is None:
        return grid
    (x, y), (dx, dy) = lattice.origin, lattice.resolution
    return Grid(
        crs=lattice.crs or grid.crs,
        x=RegularAxis(name=grid.x.name, uom=grid.x.uom, start=x, step=dx, size=1),
        y=RegularAxis(name=grid.y.name, uom=grid.y.uom, start=y, step=-dy, size=1),
    )


def _on_lattice(layout: Layout, cube: Cube) -> Grid:
    """Return the file's grid; where its coordinates are not exact, on the cube's lattice."""
    grid, lattice = layout.grid, cube.groups[0].grid
    if same_crs(grid.crs, cube.crs):
        grid = replace(grid, crs=cube.crs)
    if layout.x is not None:
        grid = replace(grid, x=_snapped(grid.x, lattice.x, layout.x.tolerance))
    if layout.y is not None:
        grid = replace(grid, y=_snapped(grid.y, lattice.y, layout.y.tolerance))
    return grid


def _snapped(axis: RegularAxis, lattice: RegularAxis, tolerance: float) -> RegularAxis:
    if axis.index or axis.step * lattice.step < 0:
        return axis
    place = (axis.start - lattice.start) / lattice.step
    near = round(place)
    off = abs(axis.step / lattice.step - 1) * axis.size
    if abs(place - near) > max(tolerance, TOLERANCE) or off > max(tolerance, TOLERANCE):
        return axis
    return replace(axis, start=lattice.start + near * lattice.step, step=lattice.step)


@lru_cache(maxsize=1024)
def _outline(wkt: str, bbox: tuple[float, float, float, float]) -> str:
    """Return the outline of a box in longitude and latitude, as WKT."""
    box = shapely.segmentize(shapely.box(*bbox), max((bbox[2] - bbox[0]) / 20, 1e-9))
    change = transformer(crs_from_text(wkt), crs_from_text("OGC:CRS84"))
    points = shapely.get_coordinates(box)
    lon, lat = change.transform(points[:, 0], points[:, 1])
    ring = np.column_stack([lon, lat])
    if not np.isfinite(ring).all():
        return ""
    text: str = shapely.to_wkt(shapely.Polygon(ring), rounding_precision=8)
    return text


def footprint_of(grid: Grid) -> str:
    """Return the outline of a grid in longitude and latitude, as WKT."""
    if not grid.on_earth or len(grid.axes) < 2:
        return ""
    return _outline(known_crs(grid.crs).wkt, grid.bbox)
