"""Where a product has data: scene classes, detector footprints, or zeros in every band."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Valid
from datacube.grid import Grid, Window
from datacube.lattices import group_name
from ingest.rasters import RasterFile

_STRIP_ROWS = 2048


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """One file of a product, placed."""

    file: RasterFile
    grid: Grid
    """Cells numbered from the file's upper left corner."""

    @property
    def lattice(self) -> tuple[float, float, float, int, int]:
        """Cell size, corner and shape: equal for images that share every cell."""
        return self.grid.x.step, self.grid.x.start, self.grid.y.start, *self.grid.shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Footprint:
    """Where the detectors of one band saw the ground."""

    grid: Grid
    read: Callable[[Window], NDArray[Any]]
    """Cells of a window of `grid`, `(y, x)`: 0 where no detector saw them."""
    rule: str
    """How nodata follows from it, in words."""


class SeenCells:
    """Which cells the detectors of one band saw; safe to call from several threads.

    The band and its quality mask ask for the same windows: each is read once, and held as one
    bit a cell (15 MB for a tile at 10 m).
    """

    def __init__(self, footprint: Footprint) -> None:
        self._read = footprint.read
        self._lock = threading.Lock()
        self._held: dict[Window, NDArray[np.uint8]] = {}

    def __call__(self, window: Window) -> Valid:
        """Return where any detector saw the cells of `window`, `(y, x)`."""
        with self._lock:
            if window not in self._held:
                self._held[window] = np.packbits(self._read(window) != 0, axis=1)
            packed = self._held[window]
        return np.unpackbits(packed, axis=1, count=window.plane.shape[1]).view(np.bool_)


class NodataMask:
    """Tells which cells of a product are data, by the best mask that it has.

    - L2A: a cell is nodata where SCL is 0. The 20 m classes hold for each of the
      10 m cells inside; a 60 m cell is nodata where all nine classes are 0.
    - A band with detector footprints is nodata where no detector saw the cell, too.
    - Without either, a cell is nodata where the digital number is 0 in every
      band that is present on the same grid. So are cells outside the image of
      the classes.

    Safe to call from several threads. Holds at most one byte a class pixel (30 MB
    for a tile), one bit a pixel of each footprint that was read, and one of each
    grid that needs the last rule (15 MB at 10 m).
    """

    def __init__(
        self,
        *,
        classes: Image | None,
        footprints: Mapping[str, Footprint],
        spectral: Mapping[str, Image],
    ) -> None:
        self._classes = classes
        self._footprints = footprints
        self._seen = {name: SeenCells(footprint) for name, footprint in footprints.items()}
        self._spectral = spectral
        self._lock = threading.Lock()
        self._classified: Valid | None = None
        self._nonzero: dict[tuple[float, ...], NDArray[np.uint8]] = {}

    def rules(self) -> dict[str, str]:
        """Say which rules hold for the reflectance bands, by the cell size of the images: `r10m`.

        A cell is nodata by any of the rules of its resolution.
        """
        groups: dict[str, dict[str, Image]] = {}
        for band, image in self._spectral.items():
            step, unit = image.grid.x.step, image.grid.x.uom
            groups.setdefault(group_name(step, unit), {})[band] = image
        return {name: "; ".join(self._rules(bands)) for name, bands in groups.items()}

    def _rules(self, bands: Mapping[str, Image]) -> Iterator[str]:
        if self._classes is not None:
            yield "SCL 0"
        seen: dict[str, list[str]] = {}
        for band, image in bands.items():
            for fitting in self._fitting(image, (band,)):
                seen.setdefault(self._footprints[fitting].rule, []).append(band)
        for rule, names in seen.items():
            yield rule if len(names) == len(bands) else f"{rule} in {', '.join(names)}"
        if self._classes is not None:
            if not all(_covers(self._classes.grid, image.grid) for image in bands.values()):
                yield "DN 0 in every band outside the SCL image"
            return
        alone = [band for band in bands if not any(band in names for names in seen.values())]
        if alone:
            yield "DN 0 in every band" + (f" for {', '.join(alone)}" if seen else "")

    def footprints_on(self, grid: Grid) -> tuple[str, ...]:
        """Names of the bands whose footprint image has the cell size of `grid`."""
        step = grid.x.step
        return tuple(n for n, image in self._footprints.items() if image.grid.x.step == step)

    def valid(self, image: Image, window: Window, footprints: Sequence[str] = ()) -> Valid:
        """Return where `image` has data in `window`, `(y, x)`.

        `footprints` name bands any of whose detectors must have seen the cell;
        those without an image of the same shape are left out.
        """
        masks = [self._seen[band] for band in self._fitting(image, footprints)]
        if self._classes is not None:
            valid, known = self._by_class(self._classes, image.grid, window)
            if known is not None and not known.all():
                valid |= ~known & self._any_nonzero(image, window)
        elif not masks:
            return self._any_nonzero(image, window)
        else:
            valid = np.ones(window.plane.shape, np.bool_)
        if masks:
            seen = masks[0](window)
            for mask in masks[1:]:
                seen |= mask(window)
            valid &= seen
        return valid

    def _fitting(self, image: Image, bands: Sequence[str]) -> Sequence[str]:
        """Return those of `bands` that have a footprint of the shape of `image`."""
        shapes = {band: footprint.grid.shape for band, footprint in self._footprints.items()}
        return [band for band in bands if shapes.get(band) == image.grid.shape]

    def _by_class(self, classes: Image, grid: Grid, window: Window) -> tuple[Valid, Valid | None]:
        """Return where a class other than 0 lies, and where classes are known; None: everywhere."""
        with self._lock:
            if self._classified is None:
                self._classified = classes.file.read(classes.grid.window) != 0
            classified = self._classified
        factor = round(grid.x.step / classes.grid.x.step)
        (row, _), (col, _) = window.plane.ranges
        if factor > 1:
            top = classes.grid.y.position(grid.y.start) + row * factor
            left = classes.grid.x.position(grid.x.start) + col * factor
            if top == int(top) and left == int(left):
                return _any_of_blocks(classified, int(top), int(left), factor, window.plane.shape)
        rows, inside_rows = _nearest(grid.y.centres()[slice(*window.rows)], classes.grid, "y")
        cols, inside_cols = _nearest(grid.x.centres()[slice(*window.cols)], classes.grid, "x")
        # A row after the other: ten times as fast as an index of every cell.
        wide = classified[rows[0] : rows[-1] + 1].take(cols, axis=1)
        valid = wide.take(rows - rows[0], axis=0)
        if inside_rows.all() and inside_cols.all():
            return valid, None
        known = inside_rows[:, None] & inside_cols[None, :]
        return valid & known, known

    def _any_nonzero(self, image: Image, window: Window) -> Valid:
        (row, row_stop), (col, col_stop) = window.plane.ranges
        packed = self._packed_nonzero(image)
        if packed is None:
            return np.ones(window.plane.shape, np.bool_)
        bits = np.unpackbits(packed[row:row_stop], axis=1, count=image.grid.x.size)
        return bits[:, col:col_stop].astype(np.bool_)

    def _packed_nonzero(self, image: Image) -> NDArray[np.uint8] | None:
        """Return one bit a cell, rows padded to bytes: any band of the grid is not 0."""
        with self._lock:
            if image.lattice not in self._nonzero:
                files = [i.file for i in self._spectral.values() if i.lattice == image.lattice]
                if not files:
                    return None
                self._nonzero[image.lattice] = _pack(files, image.grid.window)
            return self._nonzero[image.lattice]


def _pack(files: Sequence[RasterFile], whole: Window) -> NDArray[np.uint8]:
    """Read no further band of a strip once every cell of it is not 0."""
    (_, rows), (_, cols) = whole.ranges
    strips = []
    for start in range(0, rows, _STRIP_ROWS):
        window = Window(((start, min(rows, start + _STRIP_ROWS)), (0, cols)))
        nonzero = files[0].read(window) != 0
        for file in files[1:]:
            if nonzero.all():
                break
            nonzero |= file.read(window) != 0
        strips.append(np.packbits(nonzero, axis=1))
    return np.concatenate(strips)


def _covers(classes: Grid, grid: Grid) -> bool:
    """Tell whether a class is known for every cell of `grid`."""
    # The centre of a cell has to lie inside; of a larger one, any of the classes below it.
    step = grid.x.step
    slack = step if step > classes.x.step else step / 2
    low_x, low_y, high_x, high_y = classes.bbox
    x0, y0, x1, y1 = grid.bbox
    return max(low_x - x0, low_y - y0, x1 - high_x, y1 - high_y) < slack


def _nearest(centres: NDArray[np.float64], grid: Grid, axis: str) -> tuple[NDArray[np.intp], Valid]:
    """Return the index of the cell below each coordinate, clipped, and whether it lies inside."""
    line = grid.y if axis == "y" else grid.x
    index = np.floor((centres - line.start) / line.step).astype(np.intp)
    inside = (index >= 0) & (index < line.size)
    return np.clip(index, 0, line.size - 1), inside


def _any_of_blocks(
    source: Valid, top: int, left: int, factor: int, shape: tuple[int, ...]
) -> tuple[Valid, Valid]:
    """Return where any of `factor` x `factor` source cells is true, and where there is any."""
    rows, cols = shape
    padded = np.zeros((rows * factor, cols * factor), np.bool_)
    known = np.zeros_like(padded)
    r0, r1 = max(top, 0), min(top + rows * factor, source.shape[0])
    c0, c1 = max(left, 0), min(left + cols * factor, source.shape[1])
    if r0 < r1 and c0 < c1:
        inside = (slice(r0 - top, r1 - top), slice(c0 - left, c1 - left))
        padded[inside] = source[r0:r1, c0:c1]
        known[inside] = True
    blocks = (rows, factor, cols, factor)
    return padded.reshape(blocks).any(axis=(1, 3)), known.reshape(blocks).any(axis=(1, 3))
