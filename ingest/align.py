"""From the cells of a source to the cells of a cube: copied, repeated, or warped."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor
from typing import Any

import numpy as np
import rasterio.crs
from pyproj import CRS
from rasterio.enums import Resampling as Method
from rasterio.warp import reproject, transform_bounds

from datacube.axes import SNAP_DECIMALS
from datacube.cells import Valid, Values
from datacube.cube import SHARD_PX, Aggregate, Band, ResolutionGroup
from datacube.errors import WrongResolutionError
from datacube.grid import Grid, Window, crs_name
from ingest.scene import Resampling, SceneBand

WARP_MARGIN_PX = 4
"""Source cells around a block that its edge cells may need."""


type Places = tuple[int, ...]
"""One index on each further axis of a cube."""


class Fit(StrEnum):
    """How the cells of a source meet those of a cube."""

    COPY = "copy"
    """Cell by cell."""
    REPEAT = "repeat"
    """Each source cell is a whole number of cells of the cube."""
    WARP = "warp"
    """Resampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A band of a scene, placed on the lattice of a cube."""

    source: SceneBand
    band: Band
    """As the cube defines it."""
    group: ResolutionGroup
    fit: Fit
    factor: int
    """Cells of the cube along one side of a source cell; 1 unless repeated."""
    window: Window
    """`(y, x)` grid indices that the source covers at level 0."""

    @property
    def cells(self) -> Window:
        """`(*axes, y, x)` grid indices that the source covers at level 0."""
        return Window((*self.source.places, *self.window.ranges))

    def read(self, plane: Window, at: Places) -> tuple[Values, Valid]:
        """Return the source's own cells of `plane`, `(y, x)`, at one place of the further axes."""
        outer = tuple((place, place + 1) for place in at)
        values, valid = self.source.read(Window((*outer, *plane.ranges)))
        return values.reshape(plane.shape), valid.reshape(plane.shape)

    @property
    def warning(self) -> str | None:
        """What an operator should know, or None."""
        if self.fit is not Fit.WARP:
            return None
        grid = self.source.grid
        return (
            f"{self.band.name} is resampled: its cells of {grid.x.step:g} {grid.x.uom} in "
            f"{crs_name(grid.crs)} do not lie on those of {self.group.name}"
        )


def place(source: SceneBand, band: Band, group: ResolutionGroup) -> Placed:
    """Find where `source` lies on the lattice of `group`, and how its cells get there.

    The cells are copied where they are the lattice's own, repeated where each is a
    whole number of them, both without a change of value; else they are warped.

    Raises
    ------
    WrongResolutionError
        If they would have to be repeated or warped and the source does not allow it.
    """
    grid = group.grid
    if same_crs(source.grid.crs, grid.crs):
        ratio = source.grid.x.step / grid.x.step
        flatness = source.grid.y.step / grid.y.step / ratio
        top, left = grid.y.position(source.grid.y.start), grid.x.position(source.grid.x.start)
        factor = round(ratio)
        whole = (abs(n - round(n)) < 10**-SNAP_DECIMALS for n in (ratio, top, left))
        repeats = source.resampling is not Resampling.NEVER
        if (
            (factor == 1 or (factor > 1 and repeats))
            and abs(flatness - 1) < 10**-SNAP_DECIMALS
            and all(whole)
        ):
            rows, cols = source.grid.shape
            row, col = round(top), round(left)
            return Placed(
                source=source,
                band=band,
                group=group,
                fit=Fit.COPY if factor == 1 else Fit.REPEAT,
                factor=factor,
                window=Window(((row, row + rows * factor), (col, col + cols * factor))),
            )
    if source.resampling is Resampling.NEVER or not (source.grid.on_earth and grid.on_earth):
        raise WrongResolutionError(_misfit(source.grid, grid))
    box = transform_bounds(_rasterio(source.grid.crs), _rasterio(grid.crs), *source.grid.bbox)
    return Placed(
        source=source,
        band=band,
        group=group,
        fit=Fit.WARP,
        factor=1,
        window=grid.cover(box).window,
    )


def _misfit(source: Grid, grid: Grid) -> str:
    """Say how the cells of a source differ from those of a cube."""
    if not same_crs(source.crs, grid.crs):
        return f"its CRS is {crs_name(source.crs)}, that of the cube {crs_name(grid.crs)}"
    for own, axis in ((source.x, grid.x), (source.y, grid.y)):
        if abs(own.step / axis.step - 1) >= 10**-SNAP_DECIMALS:
            return f"its cells on {axis.name} are {own.step:.10g} {axis.uom}, not {axis.step:.10g}"
    shifts = (
        f"{axis.name} by {axis.position(own.start) % 1:.5f}"
        for own, axis in ((source.x, grid.x), (source.y, grid.y))
    )
    return f"its cells are shifted against those of the cube: {', '.join(shifts)} of a cell"


def same_crs(one: CRS, other: CRS) -> bool:
    """Tell whether two CRS are the same, however they are written."""
    return one == other or (
        (epsg := one.to_epsg(min_confidence=70)) is not None
        and epsg == other.to_epsg(min_confidence=70)
    )


def blocks(
    placed: Placed, window: Window, at: Places = ()
) -> Iterator[tuple[Window, Values, Valid]]:
    """Yield `window` from top to bottom in rows of whole shards: grid indices, values, validity.

    `window` is `(y, x)`, at the place `at` of the further axes. It may be larger than the
    source; cells outside it hold nodata. Each source row is read once, unless it is warped.
    """
    shift = placed.group.array_origin[0]
    rows = _RepeatedRows(placed, at)
    (start, stop), cols = window.ranges
    while start < stop:
        end = min(stop, ((start + shift) // SHARD_PX + 1) * SHARD_PX - shift)
        block = Window(((start, end), cols))
        values = np.full(block.shape, placed.band.nodata, placed.band.numpy_dtype)
        valid = np.zeros(block.shape, np.bool_)
        inside = block.intersect(placed.window)
        if inside is not None:
            part = inside.slices(block)
            values[part], valid[part] = (
                _warped(placed, inside, at) if placed.fit is Fit.WARP else rows.read(inside)
            )
        yield block, values, valid
        start = end


class _RepeatedRows:
    """Reads target rows from top to bottom; a source row cut by a block's edge is kept."""

    def __init__(self, placed: Placed, at: Places) -> None:
        self._placed = placed
        self._at = at
        self._kept: tuple[int, Values, Valid] | None = None

    def read(self, window: Window) -> tuple[Values, Valid]:
        """Return values and validity in `window`, which lies inside the source."""
        placed, factor = self._placed, self._placed.factor
        (top, _), (left, _) = placed.window.ranges
        (row, row_stop), (col, col_stop) = window.ranges
        first, last = (row - top) // factor, ceil((row_stop - top) / factor)
        cols = ((col - left) // factor, ceil((col_stop - left) / factor))
        values, valid = self._source(first, last, cols)
        if factor == 1:
            return values, valid
        cut = (
            slice(row - top - first * factor, row_stop - top - first * factor),
            slice(col - left - cols[0] * factor, col_stop - left - cols[0] * factor),
        )
        return _repeat(values, factor)[cut], _repeat(valid, factor)[cut]

    def _source(self, first: int, last: int, cols: tuple[int, int]) -> tuple[Values, Valid]:
        kept = self._kept
        start = first + 1 if kept is not None and kept[0] == first else first
        if kept is not None and start == last:
            return kept[1], kept[2]
        values, valid = self._placed.read(Window(((start, last), cols)), self._at)
        if kept is not None and start > first:
            values = np.concatenate([kept[1], values])
            valid = np.concatenate([kept[2], valid])
        if self._placed.factor > 1:
            self._kept = (last - 1, values[-1:].copy(), valid[-1:].copy())
        return values, valid


def _repeat(cells: Values, factor: int) -> Values:
    return np.repeat(np.repeat(cells, factor, axis=0), factor, axis=1)


def _warped(placed: Placed, window: Window, at: Places) -> tuple[Values, Valid]:
    """Resample as the source asks, over valid cells."""
    target, source = placed.group.grid.at(window), placed.source.grid
    dtype, nodata = placed.band.numpy_dtype, placed.band.nodata
    part = _source_window(target, source)
    empty = np.full(window.shape, nodata, dtype), np.zeros(window.shape, np.bool_)
    if part is None:
        return empty
    values, valid = placed.read(part, at)
    # NaN as nodata makes GDAL weigh by validity, and no legal number is mistaken for nodata.
    numbers = np.where(valid, values, np.nan).astype(np.float64)
    warped = np.full(window.shape, np.nan, np.float64)
    reproject(
        numbers,
        warped,
        src_transform=source.at(part).transform,
        src_crs=_rasterio(source.crs),
        src_nodata=np.nan,
        dst_transform=target.transform,
        dst_crs=_rasterio(target.crs),
        dst_nodata=np.nan,
        resampling=_method(placed, target, source),
        num_threads=1,
    )
    found = ~np.isnan(warped)
    if dtype.kind in "iu":
        warped = np.rint(warped)
    stored = np.where(found, warped, nodata).astype(dtype)
    return stored, found


def _method(placed: Placed, target: Grid, source: Grid) -> Method:
    if placed.source.resampling is Resampling.AVERAGE:
        return Method.average
    continuous = placed.band.aggregate is Aggregate.MEAN
    if placed.source.resampling is Resampling.NEAREST or not continuous:
        return Method.nearest
    coarser = target.x.step > 1.5 * source.x.step and same_crs(source.crs, target.crs)
    return Method.average if coarser else Method.bilinear


def _source_window(target: Grid, source: Grid) -> Window | None:
    """Return the source cells that `target` may need, or None."""
    box = transform_bounds(_rasterio(target.crs), _rasterio(source.crs), *target.bbox)
    reach = WARP_MARGIN_PX + ceil(target.x.step / source.x.step)
    rows = sorted(source.y.position(y) for y in (box[1], box[3]))
    cols = sorted(source.x.position(x) for x in (box[0], box[2]))
    wanted = Window(
        (
            (floor(rows[0]) - reach, ceil(rows[1]) + reach),
            (floor(cols[0]) - reach, ceil(cols[1]) + reach),
        )
    )
    return wanted.intersect(source.window)


def _rasterio(crs: CRS) -> Any:  # noqa: ANN401  # rasterio is not annotated
    return rasterio.crs.CRS.from_wkt(crs.to_wkt())
