"""Decoded chunks that are kept for the next map: slots never change, so they stay true."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datacube.cells import Values

type ShardIndex = NDArray[np.uint64]
"""`(row, column, 2)`: offset and length of each inner chunk of a shard."""
type ChunkKey = tuple[str, int, int]
"""Path of a shard, row and column of an inner chunk in it."""

_INDEXES_KEPT = 8192


@dataclass(slots=True, eq=False)
class KeptChunks:
    """The chunks and shard indexes that were used last. Safe to use from threads."""

    limit_bytes: int
    """Of decoded chunks."""
    held_bytes: int = 0
    _chunks: OrderedDict[ChunkKey, Values] = field(default_factory=OrderedDict)
    _indexes: OrderedDict[str, ShardIndex] = field(default_factory=OrderedDict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def chunk(self, key: ChunkKey) -> Values | None:
        """Return a chunk, which nothing may write into."""
        with self._guard:
            found = self._chunks.get(key)
            if found is not None:
                self._chunks.move_to_end(key)
            return found

    def keep_chunk(self, key: ChunkKey, cells: Values) -> None:
        """Keep a chunk; those that were not used for longest are let go."""
        with self._guard:
            if key in self._chunks:
                return
            self._chunks[key] = cells
            self.held_bytes += cells.nbytes
            while self.held_bytes > self.limit_bytes:
                _, gone = self._chunks.popitem(last=False)
                self.held_bytes -= gone.nbytes

    def index(self, path: str) -> ShardIndex | None:
        """Return the index of a shard."""
        with self._guard:
            found = self._indexes.get(path)
            if found is not None:
                self._indexes.move_to_end(path)
            return found

    def keep_index(self, path: str, index: ShardIndex) -> None:
        """Keep the index of a shard."""
        with self._guard:
            self._indexes[path] = index
            while len(self._indexes) > _INDEXES_KEPT:
                self._indexes.popitem(last=False)
