"""What a store really reads: inner chunks decoded, shard indexes, whole requests."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.cells import Values
from datacube.store import deep, shards
from datacube.store.location import Folder
from datacube.store.zarr_store import ZarrStore


@dataclass(slots=True)
class Reads:
    """Counted below the store's own code, where bytes become cells."""

    chunks: int = 0
    """Inner chunks decoded."""
    indexes: int = 0
    """Indexes of shards read."""
    decoded_bytes: int = 0
    ranges: int = 0
    """Parts of files of deep blocks: chunks, and rows of their indexes."""
    deep_chunks: int = 0
    """Chunks of deep blocks decoded."""
    guard: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def counted() -> Iterator[Reads]:
    """Count what all stores of this process read from local shards.

    A read that goes through Zarr, where chunks cannot be counted, fails.
    """
    reads = Reads()
    read_ranges, decompress = Folder.read_ranges, deep.__dict__["decompress"]
    chunk, index = shards._read_chunk, shards._read_index  # noqa: SLF001  # nothing public lies as low

    def count_chunk(
        descriptor: int, offset: int, length: int, dtype: np.dtype[np.generic]
    ) -> Values:
        cells = chunk(descriptor, offset, length, dtype)
        with reads.guard:
            reads.chunks += 1
            reads.decoded_bytes += cells.nbytes
        return cells

    def count_index(descriptor: int) -> NDArray[np.uint64]:
        with reads.guard:
            reads.indexes += 1
        return index(descriptor)

    def count_ranges(folder: Folder, key: str, parts: Sequence[tuple[int, int]]) -> list[bytes]:
        with reads.guard:
            reads.ranges += len(parts)
        return read_ranges(folder, key, parts)

    def count_deep(encoded: bytes) -> bytes:
        cells = bytes(decompress(encoded))
        with reads.guard:
            reads.deep_chunks += 1
            reads.decoded_bytes += len(cells)
        return cells

    def refuse(*_: object) -> Values:
        raise AssertionError("a read went through Zarr and cannot be counted")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "_read_chunk", count_chunk)
        patch.setattr(shards, "_read_index", count_index)
        patch.setattr(ZarrStore, "_read_part", refuse)
        patch.setattr(Folder, "read_ranges", count_ranges)
        patch.setattr(deep, "decompress", count_deep)
        yield reads
