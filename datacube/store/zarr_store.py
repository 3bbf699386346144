"""Cells in sharded Zarr arrays: implements `protocols.ReadCells` and `protocols.WriteCells`."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import zarr
from obstore.exceptions import BaseError

from datacube.cells import Values
from datacube.cube import SHARD_PX, VALID_BAND, Cube, ResolutionGroup, ShardNumber
from datacube.deep import DEEP_KEPT_BYTES, DeepBlock
from datacube.errors import StoreDamagedError, StoreError, StoreReadOnlyError
from datacube.grid import Window
from datacube.protocols import BandRead
from datacube.slots import Slot
from datacube.store.deep import DeepFiles
from datacube.store.kept_chunks import KeptChunks
from datacube.store.layout import (
    array_key,
    group_documents,
    metadata_documents,
    shard_key,
    slot_key,
)
from datacube.store.location import Location
from datacube.store.remote_shards import read_remote_shard
from datacube.store.shards import differs, encode_shard, is_direct, read_shard

PREPARED_LEVELS = 8
"""Levels whose arrays `prepare` makes; `write` makes deeper ones when a scene has them."""
HANDLES_KEPT = 4096
DIRECT_CELLS = 4 * SHARD_PX * SHARD_PX
"""Larger reads go through zarrs, which decodes on all cores."""
_LOCAL_PIPELINE = {
    "codec_pipeline.path": "zarrs.ZarrsCodecPipeline",
    "codec_pipeline.validate_checksums": True,
}
_REQUESTS_AT_ONCE = 16
RECORDS = "_commits"
"""Where the commit records lie."""


class ZarrStore:
    """Cells of all cubes at one location. Safe to use from threads; pickles."""

    def __init__(
        self, location: Location, *, read_only: bool = False, kept: KeptChunks | None = None
    ) -> None:
        self.location = location
        self.read_only = read_only
        # Elsewhere an index costs a request: it is kept where no chunk is.
        self._kept = kept if location.local or kept is not None else KeptChunks(0)
        self._deep = DeepFiles(location, KeptChunks(DEEP_KEPT_BYTES))
        self._zarr = location.zarr_store()
        self._handles: OrderedDict[str, zarr.Array[Any]] = OrderedDict()
        self._guard = threading.Lock()
        self._made: set[str] = set()
        self._codecs_known: dict[str, str] = {}

    def __reduce__(self) -> tuple[object, ...]:
        return ZarrStore, (self.location,), {"read_only": self.read_only}

    def __setstate__(self, state: Mapping[str, bool]) -> None:
        self.read_only = state["read_only"]

    def keeping(self, kept: KeptChunks) -> "ZarrStore":
        """Return a reader of the same store that keeps decoded chunks for the next reads."""
        return ZarrStore(self.location, read_only=True, kept=kept)

    # Reading

    def read(self, slot: Slot, request: BandRead) -> Values:
        """Return stored numbers, shape of the window, nodata where no shard is recorded.

        Raises
        ------
        StoreDamagedError
            If a recorded shard is missing or unreadable.
        """
        group, level, band = request.group, request.level, request.band
        inside = request.group.array_window(request.window, level)
        recorded = _recorded_parts(slot, group, level, band, inside)
        key = array_key(slot.cube, group.name, level, band)
        little = inside.size <= DIRECT_CELLS or not self.location.local
        if recorded and little and self._direct(key, request.dtype):
            return self._read_direct(slot, key, recorded, request)
        if recorded and _one_part(recorded, inside):
            return self._read_part(slot, key, [s for s, _ in recorded], inside, request.dtype)
        values = np.full(inside.shape, request.nodata, dtype=request.dtype)
        for shard, part in recorded:
            values[part.slices(inside)] = self._read_part(slot, key, [shard], part, request.dtype)
        return values

    def read_deep(self, block: DeepBlock, request: BandRead, ranks: Sequence[int]) -> Values | None:
        """Return the cells of a deep block's ranks; see `protocols.ReadDeep`."""
        return self._deep.read(block, request, ranks)

    def _read_part(
        self,
        slot: Slot,
        key: str,
        shards: list[ShardNumber],
        window: Window,
        dtype: str,
    ) -> Values:
        number = slot.number
        places = tuple(slice(start, stop) for start, stop in window.ranges)
        array = self._open(key)
        try:
            # An integer index would switch the fast pipeline off.
            read = array[slice(number, number + 1), *places]
        except (OSError, BaseError) as error:
            raise StoreError(f"{self.location.name} cannot be read: {error}") from error
        except Exception as error:
            # The two pipelines have no error in common for bytes that do not decode.
            raise self._damage(key, number, shards, f"cannot be decoded: {error}") from error
        # After reading: shards are never made again, so one that stands now stood then. Zarr
        # itself takes a missing shard for nodata.
        missing = [s for s in shards if not self.location.exists(shard_key(key, number, s))]
        if missing:
            raise self._damage(key, number, missing, "is recorded and missing")
        values: Values = np.asarray(read)[0]
        if values.dtype != dtype:
            raise StoreDamagedError(f"{key} holds {values.dtype}, the catalogue says {dtype}")
        return values

    def _read_direct(
        self,
        slot: Slot,
        key: str,
        recorded: list[tuple[ShardNumber, Window]],
        request: BandRead,
    ) -> Values:
        """Decode in this thread, without Zarr's event loop."""
        inside = request.group.array_window(request.window, request.level)
        values = np.empty(inside.shape, dtype=request.dtype)
        if not _one_part(recorded, inside):
            values.fill(request.nodata)
        for shard, part in recorded:
            try:
                cells = _plane_of(values[part.slices(inside)])
                self._fill(shard_key(key, slot.number, shard), shard, part.plane, cells, request)
            except FileNotFoundError as error:
                raise self._damage(key, slot.number, [shard], "is recorded and missing") from error
            except OSError as error:
                path = shard_key(key, slot.number, shard)
                raise StoreError(f"{self.location.name}/{path} cannot be read: {error}") from error
            except (ValueError, RuntimeError) as error:
                raise self._damage(
                    key, slot.number, [shard], f"cannot be decoded: {error}"
                ) from error
        return values

    def _fill(
        self, key: str, shard: ShardNumber, plane: Window, cells: Values, request: BandRead
    ) -> None:
        if self.location.local:
            path = f"{self.location.name}/{key}"
            read_shard(path, shard, plane, cells, request.nodata, self._kept)
        elif self._kept is not None:
            read_remote_shard(self.location, key, shard, plane, cells, request.nodata, self._kept)

    def _direct(self, key: str, dtype: str) -> bool:
        """Tell whether shards of an array may be decoded directly."""
        known = self._codecs_known.get(key)
        if known is None:
            array = self._open(key)
            codecs = array.metadata.to_dict().get("codecs")
            known = str(array.dtype) if is_direct(codecs) else ""
            self._codecs_known[key] = known
        return known == dtype

    def _damage(
        self, key: str, slot: int, shards: list[ShardNumber], what: str
    ) -> StoreDamagedError:
        cube, group, level, band = key.rsplit("/", 3)
        named = ", ".join("/".join(map(str, shard)) for shard in shards)
        return StoreDamagedError(
            f"shard {named} of cube {cube}, slot {slot}, {group} level {level}, band {band} {what}"
        )

    def _open(self, key: str) -> zarr.Array[Any]:
        """Return an array, opened once; the least recently opened is let go."""
        handle = self._handles.get(key)
        if handle is not None:
            return handle
        with self._guard:
            # The pipeline of an array is chosen while it is opened, from global settings.
            settings = _LOCAL_PIPELINE if self.location.local else {}
            try:
                with zarr.config.set(settings):
                    opened = zarr.open_array(self._zarr, path=key, mode="r", zarr_format=3)
            except FileNotFoundError as error:
                raise StoreDamagedError(f"the array {key} has no zarr.json") from error
            while len(self._handles) >= HANDLES_KEPT:
                self._handles.popitem(last=False)
            self._handles[key] = opened
        return opened

    # Writing

    def prepare(self, cube: Cube) -> None:
        """Create the cube's arrays where they are missing. Safe to call from many writers."""
        self._check_writable()
        # An object store takes as long for one small object as for sixteen at once.
        with ThreadPoolExecutor(1 if self.location.local else _REQUESTS_AT_ONCE) as pool:
            for group in cube.groups:
                bands = [b.name for b in cube.bands if b.group == group.name]
                arrays = product(range(PREPARED_LEVELS), (*bands, VALID_BAND))
                make = partial(self._make_array, cube, group)
                for _ in pool.map(make, *zip(*arrays, strict=True)):
                    pass
                # Groups last: who finds them finds the arrays.
                documents = group_documents(cube, group, PREPARED_LEVELS)
                for _ in pool.map(self._make, documents, documents.values()):
                    pass

    def _make_array(self, cube: Cube, group: ResolutionGroup, level: int, band: str) -> None:
        key = array_key(cube.name, group.name, level, band)
        if key in self._made:
            return
        if not self.location.exists(f"{key}/zarr.json"):
            for path, document in metadata_documents(cube, group, level, band).items():
                self.location.put_new(path, document)
        self._made.add(key)

    def _make(self, key: str, document: bytes) -> None:
        if not self.location.exists(key):
            self.location.put_new(key, document)

    def write(
        self, cube: Cube, slot: int, request: BandRead, values: Values
    ) -> tuple[ShardNumber, ...]:
        """Write a window that is whole shards (cut at the slot's own window only).

        Shards that hold nothing but nodata are not written. Returns the numbers
        `(*places, row, column)` of the shards that were written. A shard is written once: a
        second write to it is refused, so no pixel can be lost to an overlap.

        Raises
        ------
        StoreFullError, StoreReadOnlyError
        ValueError
            If a shard was written before, because the window holds a part of it that
            another write shared; or if shape or dtype are not the request's.
        """
        self._check_writable()
        if values.shape != request.window.shape or values.dtype != request.dtype:
            raise ValueError(
                f"{values.dtype} {values.shape} given for {request.dtype} {request.window.shape}"
            )
        self._make_array(cube, request.group, request.level, request.band)
        key = array_key(cube.name, request.group.name, request.level, request.band)
        inside = request.group.array_window(request.window, request.level)
        written = []
        for shard, part in _parts(inside):
            cells = values[part.slices(inside)]
            if not differs(cells, request.nodata):
                continue
            data = encode_shard(shard, part.plane, _plane_of(cells), request.nodata)
            if not self.location.put_new(shard_key(key, slot, shard), data):
                raise ValueError(
                    f"shard {'/'.join(map(str, shard))} of {key}, slot {slot}, was written "
                    "before: "
                    f"write whole shards of {SHARD_PX} x {SHARD_PX} cells"
                )
            written.append(shard)
        return tuple(written)

    def flush(self, cube: Cube, *slots: int) -> None:
        """Bring every shard of the slots to disk; called before the commit."""
        self._check_writable()
        keys = (slot_key(key, slot) for key in self._array_keys(cube.name) for slot in slots)
        self.location.sync(key for key in keys if self.location.exists(key))

    def _check_writable(self) -> None:
        if self.read_only:
            raise StoreReadOnlyError(f"the store {self.location.name} was opened for reading only")

    # Commit records and what lies in the store

    def record_commit(self, revision: int, record: str) -> None:
        """Write `_commits/<revision>.json` durably; the record is the catalogue's JSON."""
        self._check_writable()
        self.location.put(f"{RECORDS}/{revision}.json", record.encode())

    def commit_records_present(self) -> frozenset[int]:
        """Return the revisions whose record is written."""
        names = (name.removesuffix(".json") for name in self.location.children(RECORDS))
        return frozenset(int(name) for name in names if name.isdecimal())

    def commit_records(self) -> Iterator[tuple[int, str]]:
        """Yield `(revision, record)` in ascending order."""
        for revision in sorted(self.commit_records_present()):
            try:
                yield revision, self.location.get(f"{RECORDS}/{revision}.json").decode()
            except (OSError, UnicodeDecodeError) as error:
                raise StoreError(
                    f"the record of revision {revision} cannot be read: {error}"
                ) from error

    def slots_found(self) -> Mapping[str, int]:
        """Return the greatest slot number of which a shard lies in the store, by cube."""
        found: dict[str, int] = {}
        for cube in self.location.children(""):
            numbers = [
                int(name)
                for key in self._array_keys(cube)
                for name in self.location.children(f"{key}/c")
                if name.isdecimal()
            ]
            if numbers:
                found[cube] = max(numbers)
        return found

    def _array_keys(self, cube: str) -> Iterator[str]:
        for group in self.location.children(cube):
            for level in self.location.children(f"{cube}/{group}"):
                if level.isdecimal():
                    for band in self.location.children(f"{cube}/{group}/{level}"):
                        yield f"{cube}/{group}/{level}/{band}"


def _parts(window: Window) -> Iterator[tuple[ShardNumber, Window]]:
    """Yield the shards that a window of array indices, `(*axes, y, x)`, touches, with its part."""
    (y0, y1), (x0, x1) = window.plane.ranges
    for places in product(*(range(*span) for span in window.ranges[:-2])):
        outer = tuple((place, place + 1) for place in places)
        for row in range(y0 // SHARD_PX, -(-y1 // SHARD_PX)):
            rows = (max(y0, row * SHARD_PX), min(y1, (row + 1) * SHARD_PX))
            for col in range(x0 // SHARD_PX, -(-x1 // SHARD_PX)):
                cols = (max(x0, col * SHARD_PX), min(x1, (col + 1) * SHARD_PX))
                yield (*places, row, col), Window((*outer, rows, cols))


def _plane_of(cells: Values) -> Values:
    """Return the `(y, x)` part of cells one place deep, as a view."""
    plane: Values = cells[(0,) * (cells.ndim - 2)]
    return plane


def _recorded_parts(
    slot: Slot, group: ResolutionGroup, level: int, band: str, window: Window
) -> list[tuple[ShardNumber, Window]]:
    covered = slot.window(group.name)
    if covered is None or level >= covered.levels:
        return []
    # Cells outside the slot's own window are nodata, whatever a shard holds around it.
    own = group.array_window(covered.window.coarser(level), level).intersect(window)
    if own is None:
        return []
    return [
        (shard, part) for shard, part in _parts(own) if slot.has_shard(group, level, band, shard)
    ]


def _one_part(recorded: list[tuple[ShardNumber, Window]], window: Window) -> bool:
    """Tell whether the recorded parts fill the window, so that one read gives it whole."""
    return sum(part.size for _, part in recorded) == window.size
