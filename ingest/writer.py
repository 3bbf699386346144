"""The cells of one scene into one slot: every band with its levels, and the scene's mask."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np

from datacube.cells import Valid, Values
from datacube.cube import INNER_CHUNK_PX, VALID_BAND, Aggregate, Cube, ResolutionGroup, ShardNumber
from datacube.grid import Window
from datacube.protocols import BandRead, CatalogWriter, WriteCells
from datacube.slots import BandShards, SlotWindow
from ingest.align import Placed, Places, blocks
from ingest.progress import IngestProgress

HEARTBEAT_S = 60.0


class ReduceLevel(Protocol):
    """Makes one pyramid level from the level below; `datacube.store` has the one that is used."""

    def __call__(
        self,
        values: Values,
        valid: Valid,
        aggregate: Aggregate,
        nodata: float,
        parity: tuple[int, int],
    ) -> tuple[Values, Valid]:
        """Return values and validity, `(..., y, x)`.

        `parity` is 1 along `(y, x)` where the first index is odd.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a scene is written."""

    cube: Cube
    slot: int
    store: WriteCells
    catalog: CatalogWriter
    reduce: ReduceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What of a scene is written in one go: one of its bands, or all of them at one place."""

    bands: tuple[Placed, ...]
    at: Places = ()
    """The place on the further axes of the cube."""


def parts_of(placed: Sequence[Placed]) -> tuple[Part, ...]:
    """Cut a scene into parts.

    A scene of a cube with further axes is written place by place, so that no more than one
    plane of it is held, however many there are.
    """
    if not placed or not placed[0].source.places:
        return tuple(Part(bands=(band,)) for band in placed)
    ranges = (range(*span) for span in placed[0].source.places)
    return tuple(Part(bands=tuple(placed), at=at) for at in product(*ranges))


@dataclass(frozen=True, slots=True)
class _Cells:
    """Which cells are written: a band, or the mask, at one level and place."""

    group: ResolutionGroup
    level: int
    band: str
    nodata: float
    at: Places


class SceneWriter:
    """Writes the bands of one scene; `write` may run in several threads at once.

    Holds, while it writes a whole tile of 10980 x 10980 pixels at 10 m, about 130 MB
    a scene (the masks, one byte a cell) and about 400 MB a part in work: a block of
    2048 rows with its source, and level 1.
    """

    def __init__(self, target: Target, placed: Sequence[Placed], progress: IngestProgress) -> None:
        self._target = target
        self._progress = progress
        self._lock = threading.Lock()
        self._beat = time.monotonic()
        self.windows = slot_windows(placed)
        """One a group of which the scene has a band."""
        self._by_group = {w.group: w for w in self.windows}
        self._masks: dict[tuple[str, Places], Valid] = {}
        self._written: dict[tuple[str, int, str], set[ShardNumber]] = {}
        self.bytes_written = 0
        """Decoded bytes at level 0 that went to the store, empty shards included."""

    def write(self, part: Part) -> None:
        """Write a part at all levels.

        Raises
        ------
        SourceError
            If the source cannot be read.
        StoreError
            If the store cannot take the cells.
        """
        for placed in part.bands:
            self._write_band(placed, part.at)
        if part.at:
            self._write_masks(part.at)
        self._progress.band_done()

    def finish(self) -> tuple[BandShards, ...]:
        """Write the masks that wait for all bands; return which shards exist.

        A mask is 1 where any band of its group is valid. A band without any data has
        bitmaps, too, all zero.
        """
        if any(not at for _, at in self._masks):
            self._write_masks(())
        shards = []
        for (name, level, band), written in self._written.items():
            group, covered = self._target.cube.group(name), self._by_group[name]
            window = group.shard_window(covered.window.coarser(level), level)
            bits = _bits(window, written)
            shards.append(BandShards(group=name, level=level, band=band, bits=bits))
        return tuple(shards)

    def _write_band(self, placed: Placed, at: Places) -> None:
        covered = self._by_group[placed.group.name]
        band, group = placed.band, placed.group
        values, valid = _Rows(band.numpy_dtype), _Rows(np.dtype(np.bool_))
        for window, cells, mask in blocks(placed, covered.window.plane, at):
            self._merge(group, window, mask, at)
            self._put(_Cells(group, 0, band.name, band.nodata, at), window, cells)
            if covered.levels > 1:
                less, less_valid = self._reduce(cells, mask, band.aggregate, band.nodata, window)
                values.add(less)
                valid.add(less_valid)
            with self._lock:
                self.bytes_written += cells.nbytes
            self._progress.wrote(cells.nbytes)
            self._heartbeat()
        if covered.levels > 1:
            self._write_levels(placed, at, values.whole(), valid.whole())

    def _write_masks(self, at: Places) -> None:
        for group in self._target.cube.groups:
            covered = self._by_group.get(group.name)
            if covered is None:
                continue
            mask = self._masks.pop((group.name, at))
            for level in range(covered.levels):
                window = covered.window.plane.coarser(level)
                if level:
                    below = covered.window.plane.coarser(level - 1)
                    ones = mask.astype(np.uint8)
                    _, mask = self._reduce(ones, mask, Aggregate.FLAGS, 0, below)
                cells = mask.astype(np.uint8)
                self._put(_Cells(group, level, VALID_BAND, 0, at), window, cells)

    def _write_levels(self, placed: Placed, at: Places, values: Values, valid: Valid) -> None:
        group, band = placed.group, placed.band
        covered = self._by_group[group.name]
        for level in range(1, covered.levels):
            window = covered.window.plane.coarser(level)
            self._put(_Cells(group, level, band.name, band.nodata, at), window, values)
            if level + 1 < covered.levels:
                values, valid = self._reduce(values, valid, band.aggregate, band.nodata, window)

    def _reduce(
        self, values: Values, valid: Valid, aggregate: Aggregate, nodata: float, window: Window
    ) -> tuple[Values, Valid]:
        parity = (window.rows[0] % 2, window.cols[0] % 2)
        return self._target.reduce(values, valid, aggregate, nodata, parity)

    def _put(self, which: _Cells, window: Window, values: Values) -> None:
        """Write a `(y, x)` window and note the shards it made."""
        outer = tuple((place, place + 1) for place in which.at)
        request = BandRead(
            group=which.group,
            level=which.level,
            band=which.band,
            dtype=values.dtype.name,
            nodata=which.nodata,
            window=Window((*outer, *window.ranges)),
        )
        target = self._target
        cells = values.reshape(request.window.shape)
        made = target.store.write(target.cube, target.slot, request, cells)
        with self._lock:
            key = which.group.name, which.level, which.band
            self._written.setdefault(key, set()).update(made)

    def _merge(self, group: ResolutionGroup, window: Window, valid: Valid, at: Places) -> None:
        whole = self._by_group[group.name].window.plane
        key = group.name, at
        with self._lock:
            if key not in self._masks:
                self._masks[key] = np.zeros(whole.shape, np.bool_)
            self._masks[key][window.slices(whole)] |= valid

    def _heartbeat(self) -> None:
        with self._lock:
            due = time.monotonic() - self._beat > HEARTBEAT_S
            if due:
                self._beat = time.monotonic()
        if due:
            self._target.catalog.heartbeat(self._target.cube.name, self._target.slot)


def slot_windows(placed: Iterable[Placed]) -> tuple[SlotWindow, ...]:
    """Return, for each group, the hull of its bands and how many levels it gets.

    The last level is the first that fits into one inner chunk.
    """
    hulls: dict[str, Window] = {}
    for band in placed:
        known = hulls.get(band.group.name)
        hulls[band.group.name] = band.cells if known is None else known.hull(band.cells)
    return tuple(
        SlotWindow(group=name, window=window, levels=_levels(window))
        for name, window in hulls.items()
    )


def all_shards(
    cube: Cube, windows: Iterable[SlotWindow], bands: Iterable[str]
) -> tuple[BandShards, ...]:
    """Return the bitmaps of a scene that has every shard of its windows, masks included."""
    shards: list[BandShards] = []
    for covered in windows:
        group = cube.group(covered.group)
        own = [name for name in bands if cube.band(name).group == group.name]
        for level in range(covered.levels):
            shape = group.shard_window(covered.window.coarser(level), level).shape
            bits = np.packbits(np.ones(shape, np.bool_), axis=None).tobytes()
            shards += [
                BandShards(group=group.name, level=level, band=name, bits=bits)
                for name in (*sorted(own), VALID_BAND)
            ]
    return tuple(shards)


def _levels(window: Window) -> int:
    level = 0
    while max(window.coarser(level).plane.shape) > INNER_CHUNK_PX:
        level += 1
    return level + 1


def _bits(window: Window, shards: Iterable[ShardNumber]) -> bytes:
    present = np.zeros(window.shape, np.bool_)
    for shard in shards:
        present[tuple(n - start for n, (start, _) in zip(shard, window.ranges, strict=True))] = True
    return np.packbits(present, axis=None).tobytes()


class _Rows:
    """Blocks of rows, put together at the end."""

    def __init__(self, dtype: np.dtype[np.generic]) -> None:
        self._dtype = dtype
        self._parts: list[Values] = []

    def add(self, rows: Values) -> None:
        self._parts.append(rows)

    def whole(self) -> Values:
        parts, self._parts = self._parts, []
        return np.concatenate(parts).astype(self._dtype, copy=False)
