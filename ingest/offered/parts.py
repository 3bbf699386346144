"""Parts of a scene: what lies between bounds, or where a mask is not 0."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from datacube.axes import RegularAxis
from datacube.cells import Valid, Values
from datacube.grid import Grid, Window
from datacube.writing import InconsistentChangeError, Trimmed
from ingest.recipes.reader import footprint_of
from ingest.scene import ReadBand, Scene, SceneBand

_SNAP = 5
"""Decimals of a cell within which a bound is a centre."""


def trimmed(scene: Scene, trims: Sequence[Trimmed]) -> Scene:
    """Return the cells of a scene whose centres lie inside the bounds.

    Raises
    ------
    InconsistentChangeError
        If there is no such axis in the plane, or no such cell.
    """
    if not trims:
        return scene
    grid = scene.bands[0].grid
    rows, cols = _cells(grid.y, trims), _cells(grid.x, trims)
    known = {axis.name.casefold() for axis in _named(grid, scene)}
    for trim in trims:
        if trim.axis.casefold() not in known:
            raise InconsistentChangeError(
                f"there is no axis {trim.axis!r} to change a part of; there is {', '.join(known)}"
            )
    part = replace(
        grid,
        y=replace(grid.y, start=grid.y.start + rows[0] * grid.y.step, size=rows[1] - rows[0]),
        x=replace(grid.x, start=grid.x.start + cols[0] * grid.x.step, size=cols[1] - cols[0]),
    )
    bands = tuple(
        replace(band, grid=part, read=_Shifted(band.read, rows[0], cols[0])) for band in scene.bands
    )
    # Another part of the same file is another scene.
    place = f":{rows[0]}-{rows[1]}.{cols[0]}-{cols[1]}"
    record = replace(
        scene.record,
        scene_id=scene.record.scene_id + place,
        product_id=scene.record.product_id + place,
        footprint=footprint_of(part),
    )
    return replace(scene, bands=bands, record=record)


def _named(grid: Grid, scene: Scene) -> tuple[RegularAxis, ...]:
    lattice = scene.cube.groups[0].grid
    return (grid.y, grid.x, lattice.y, lattice.x)


def _cells(axis: RegularAxis, trims: Sequence[Trimmed]) -> tuple[int, int]:
    first, stop = 0, axis.size
    for trim in trims:
        if trim.axis.casefold() != axis.name.casefold():
            continue
        ends = sorted((end - axis.start) / axis.step - 0.5 for end in (trim.low, trim.high))
        low, high = (min(max(end, -1.0), axis.size + 1.0) for end in ends)
        first = max(first, ceil(round(low, _SNAP)))
        stop = min(stop, floor(round(high, _SNAP)) + 1)
    if first >= stop:
        raise InconsistentChangeError(
            f"what is sent has no cell on {axis.name} inside the subset; it reaches from "
            f"{axis.extent[0]:g} to {axis.extent[1]:g}"
        )
    return first, stop


@dataclass(frozen=True, slots=True)
class _Shifted:
    """A part of what another reads."""

    read: ReadBand
    row: int
    col: int

    def __call__(self, window: Window) -> tuple[Values, Valid]:
        return self.read(moved(window, self.row, self.col))


def moved(window: Window, row: int, col: int) -> Window:
    """Return a window moved on the plane."""
    (y0, y1), (x0, x1) = window.plane.ranges
    return Window((*window.ranges[:-2], (y0 + row, y1 + row), (x0 + col, x1 + col)))


def masked(scene: Scene, mask: Scene) -> Scene:
    """Return the cells of a scene where a mask is not 0.

    Raises
    ------
    InconsistentChangeError
        If the mask has other cells, or a band has no number for what is left out.
    """
    (only,) = mask.bands
    for band in scene.bands:
        if band.band.gapless:
            raise InconsistentChangeError(
                f"{band.band.name} has no number for no data, so no cell can be left out of a "
                "change; give a subset instead of a mask"
            )
    bands = tuple(_under(band, only) for band in scene.bands)
    return replace(scene, bands=bands)


def _offset(grid: Grid, other: Grid) -> tuple[int, int]:
    """Return the place in `other` of the first cell of `grid`."""
    found = []
    for axis, wide in ((grid.y, other.y), (grid.x, other.x)):
        at = (axis.start - wide.start) / wide.step
        first = round(at)
        same = abs(axis.step - wide.step) * axis.size < abs(wide.step) * 1e-3
        if not same or abs(at - first) > 1e-3 or first < 0 or first + axis.size > wide.size:
            raise InconsistentChangeError(
                f"the mask has other cells on {axis.name} than what is sent: "
                f"{wide.extent[0]:g} to {wide.extent[1]:g} in {wide.size} cells"
            )
        found.append(first)
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class _Masked:
    read: ReadBand
    mask: ReadBand
    row: int
    col: int

    def __call__(self, window: Window) -> tuple[Values, Valid]:
        values, valid = self.read(window)
        flags, known = self.mask(moved(Window(window.ranges[-2:]), self.row, self.col))
        return values, valid & (flags != 0) & known


def _under(band: SceneBand, mask: SceneBand) -> SceneBand:
    row, col = _offset(band.grid, mask.grid)
    return replace(band, read=_Masked(band.read, mask.read, row, col))
