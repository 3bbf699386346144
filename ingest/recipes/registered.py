"""Cells of registered files, read where they lie: implements `protocols.ReadCells`."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from datacube.cells import Values
from datacube.cube import VALID_BAND
from datacube.deep import DeepBlock
from datacube.errors import SourceError, StoreDamagedError
from datacube.grid import Window
from datacube.protocols import BandRead, ReadCells, ReadDeep
from datacube.slots import Slot
from datacube.times import parse_period
from ingest.rasters import ObjectStoreAccess
from ingest.recipes.cells import BandCells, band_cells
from ingest.recipes.sources import SourceFile, open_source
from ingest.recipes.sources.raster import RasterFile
from ingest.recipes.stamps import size_of, stamp_of, unchanged

KEPT = 512
"""Files and descriptions held open."""
LOOK_AGAIN_S = 60.0
"""After this time a remote file is asked again whether it changed."""
_MARK = '"registered"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered:
    """A slot whose cells lie in a file."""

    location: str
    stamp: dict[str, Any]
    bands: dict[str, BandCells]


class RegisteredCells:
    """Reads registered slots from their files, all others from the store.

    Safe to use from threads; pickles.
    """

    def __init__(self, store: ReadCells, access: ObjectStoreAccess | None = None) -> None:
        self._store = store
        self._access = access or ObjectStoreAccess()
        self._guard = threading.Lock()
        self._slots: OrderedDict[tuple[str, int], _Registered] = OrderedDict()
        self._files: OrderedDict[tuple[str, int], tuple[SourceFile, float]] = OrderedDict()

    def __reduce__(self) -> tuple[object, ...]:
        return RegisteredCells, (self._store, self._access)

    def over(self, store: ReadCells) -> "RegisteredCells":
        """Return a reader over another reader of the store, with the same files held open."""
        other = RegisteredCells(store, self._access)
        other._guard, other._slots, other._files = self._guard, self._slots, self._files
        return other

    def read(self, slot: Slot, request: BandRead) -> Values:
        """Return stored numbers, shape of the window, nodata where the slot has none.

        Raises
        ------
        StoreDamagedError
            If a recorded shard, or a registered file, is missing, unreadable or changed.
        """
        if _MARK not in slot.scene.properties:
            return self._store.read(slot, request)
        group = request.group
        covered = slot.window(group.name)
        values = np.full(request.window.shape, request.nodata, request.dtype)
        if covered is None or request.level >= covered.levels:
            return values
        whole = covered.window.coarser(request.level)
        part = whole.intersect(request.window)
        if part is None:
            return values
        (y0, _), (x0, _) = whole.plane.ranges
        own = Window(
            (
                *part.ranges[:-2],
                (part.rows[0] - y0, part.rows[1] - y0),
                (part.cols[0] - x0, part.cols[1] - x0),
            )
        )
        values[part.slices(request.window)] = self._cells(slot, request, own)
        return values

    def read_deep(self, block: DeepBlock, request: BandRead, ranks: Sequence[int]) -> Values | None:
        """Return the cells of a deep block, which holds no registered slot, from the store."""
        if not isinstance(self._store, ReadDeep):
            return None
        return self._store.read_deep(block, request, ranks)

    def _cells(self, slot: Slot, request: BandRead, window: Window) -> Values:
        registered = self._registered(slot)
        try:
            source = self._source(slot, registered, request.level)
            if request.band != VALID_BAND:
                return registered.bands[request.band].read(source, window)[0]
            valid = np.zeros(window.shape, np.bool_)
            for cells in registered.bands.values():
                valid |= cells.read(source, window)[1]
            return valid.astype(request.dtype)
        except SourceError as error:
            raise StoreDamagedError(
                f"{registered.location}, registered as slot {slot.number} of cube {slot.cube}, "
                f"cannot be read: {error}"
            ) from error

    def _registered(self, slot: Slot) -> _Registered:
        key = slot.cube, slot.number
        with self._guard:
            found = self._slots.get(key)
        if found is None:
            stamp = json.loads(slot.scene.properties)["registered"]
            found = _Registered(
                location=stamp["location"],
                stamp=stamp,
                bands={name: band_cells(plain) for name, plain in stamp["bands"].items()},
            )
            with self._guard:
                _keep(self._slots, key, found)
        return found

    def _source(self, slot: Slot, registered: _Registered, level: int) -> SourceFile:
        key = registered.location, level
        with self._guard:
            held = self._files.get(key)
        if held is not None:
            source, looked = held
            if size_of(registered.location) is not None:
                self._check(slot, registered, stamp_of(registered.location))
                return source
            if time.monotonic() - looked < LOOK_AGAIN_S:
                return source
        until = parse_period(registered.stamp["modified"]).start
        source = open_source(registered.location, self._access, until=until)
        self._check(slot, registered, source.modified)
        if level and isinstance(source, RasterFile):
            source = source.overview(level - 1)
        with self._guard:
            _keep(self._files, key, (source, time.monotonic()))
        return source

    def _check(self, slot: Slot, registered: _Registered, modified: datetime) -> None:
        stamp = registered.stamp
        if not unchanged(stamp, modified):
            raise StoreDamagedError(
                f"{registered.location}, registered as slot {slot.number} of cube {slot.cube}, "
                f"was changed after {parse_period(stamp['modified']).text}; ingest or register it "
                "again"
            )


def _keep[K, V](held: OrderedDict[K, V], key: K, value: V) -> None:
    """Hold a value; the one held longest goes."""
    while len(held) >= KEPT:
        held.popitem(last=False)
    held[key] = value
