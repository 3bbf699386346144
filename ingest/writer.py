"""The cells of one scene into one slot: every band with its levels, and the scene's mask."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from datacube.cells import Valid, Values
from datacube.cube import (
    INNER_CHUNK_PX,
    VALID_BAND,
    Aggregate,
    BandShards,
    Cube,
    ResolutionGroup,
    ShardNumber,
    SlotWindow,
)
from datacube.grid import Window
from datacube.protocols import BandRead, CatalogWriter, WriteCells
from ingest.align import Placed, blocks
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


class SceneWriter:
    """Writes the bands of one scene; `write_band` may run in several threads at once.

    Holds, while it writes a whole tile of 10980 x 10980 pixels at 10 m, about 130 MB
    a scene (the masks, one byte a cell) and about 400 MB a band in work: a block of
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
        self._masks: dict[str, Valid] = {}
        self.bytes_written = 0
        """Decoded bytes at level 0 that went to the store, empty shards included."""

    def write_band(self, placed: Placed) -> tuple[BandShards, ...]:
        """Write a band at all levels and return which shards exist.

        Raises
        ------
        SourceError
            If the source cannot be read.
        StoreError
            If the store cannot take the cells.
        """
        covered = self._by_group[placed.group.name]
        band, group = placed.band, placed.group
        written: list[set[ShardNumber]] = [set() for _ in range(covered.levels)]
        values, valid = _Rows(band.numpy_dtype), _Rows(np.dtype(np.bool_))
        for window, cells, mask in blocks(placed, covered.window):
            self._merge(group, window, mask)
            written[0] |= self._write(group, 0, band.name, band.nodata, window, cells)
            if covered.levels > 1:
                less, less_valid = self._reduce(cells, mask, band.aggregate, band.nodata, window)
                values.add(less)
                valid.add(less_valid)
            with self._lock:
                self.bytes_written += cells.nbytes
            self._progress.wrote(cells.nbytes)
            self._heartbeat()
        if covered.levels > 1:
            self._write_levels(placed, values.whole(), valid.whole(), written)
        self._progress.band_done()
        return _band_shards(group, covered, band.name, written)

    def write_masks(self) -> tuple[BandShards, ...]:
        """Write the scene's mask of each group: 1 where any of its bands is valid."""
        found: list[BandShards] = []
        for group in self._target.cube.groups:
            covered = self._by_group.get(group.name)
            if covered is None:
                continue
            written: list[set[ShardNumber]] = []
            mask = self._masks.pop(group.name)
            for level in range(covered.levels):
                window = covered.window.coarser(level)
                if level:
                    below = covered.window.coarser(level - 1)
                    ones = mask.astype(np.uint8)
                    _, mask = self._reduce(ones, mask, Aggregate.FLAGS, 0, below)
                written.append(
                    self._write(group, level, VALID_BAND, 0, window, mask.astype(np.uint8))
                )
            found += _band_shards(group, covered, VALID_BAND, written)
        return tuple(found)

    def _write_levels(
        self, placed: Placed, values: Values, valid: Valid, written: list[set[ShardNumber]]
    ) -> None:
        group, band = placed.group, placed.band
        covered = self._by_group[group.name]
        for level in range(1, covered.levels):
            window = covered.window.coarser(level)
            written[level] |= self._write(group, level, band.name, band.nodata, window, values)
            if level + 1 < covered.levels:
                values, valid = self._reduce(values, valid, band.aggregate, band.nodata, window)

    def _reduce(
        self, values: Values, valid: Valid, aggregate: Aggregate, nodata: float, window: Window
    ) -> tuple[Values, Valid]:
        parity = (window.rows[0] % 2, window.cols[0] % 2)
        return self._target.reduce(values, valid, aggregate, nodata, parity)

    def _write(
        self,
        group: ResolutionGroup,
        level: int,
        band: str,
        nodata: float,
        window: Window,
        values: Values,
    ) -> set[ShardNumber]:
        request = BandRead(
            group=group,
            level=level,
            band=band,
            dtype=values.dtype.name,
            nodata=nodata,
            window=window,
        )
        target = self._target
        return set(target.store.write(target.cube, target.slot, request, values))

    def _merge(self, group: ResolutionGroup, window: Window, valid: Valid) -> None:
        whole = self._by_group[group.name].window
        with self._lock:
            if group.name not in self._masks:
                self._masks[group.name] = np.zeros(whole.shape, np.bool_)
            self._masks[group.name][window.slices(whole)] |= valid

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
        hulls[band.group.name] = band.window if known is None else known.hull(band.window)
    return tuple(
        SlotWindow(group=name, window=window, levels=_levels(window))
        for name, window in hulls.items()
    )


def _levels(window: Window) -> int:
    level = 0
    while max(window.coarser(level).plane.shape) > INNER_CHUNK_PX:
        level += 1
    return level + 1


def _band_shards(
    group: ResolutionGroup, covered: SlotWindow, band: str, written: Sequence[set[ShardNumber]]
) -> tuple[BandShards, ...]:
    """Make the bitmaps; a band without any data has them, too, all zero."""
    return tuple(
        BandShards(
            group=group.name,
            level=level,
            band=band,
            bits=_bits(group.shard_window(covered.window.coarser(level), level), shards),
        )
        for level, shards in enumerate(written)
    )


def _bits(window: Window, shards: set[ShardNumber]) -> bytes:
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
