"""Encodes one shard, and reads parts of a shard file directly: the layout of `layout.py`, no other.

A shard is one place deep along every axis but y and x, so it is handled as a plane.

Zarr's sharding codec puts the encoded inner chunks into one file and ends it with an
index of `(offset, length)` a chunk, little-endian uint64, and its CRC-32C. An offset of
2**64 - 1 means a chunk of the fill value.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import google_crc32c
import numpy as np
from numcodecs.blosc import BITSHUFFLE, compress, decompress

from datacube.cells import Values
from datacube.cube import INNER_CHUNK_PX, SHARD_PX, ShardNumber
from datacube.grid import Window
from datacube.store.kept_chunks import KeptChunks, ShardIndex

BLOSC_CODEC: Final = "lz4"
BLOSC_LEVEL = 5

_SIDE = SHARD_PX // INNER_CHUNK_PX
_INDEX_BYTES = _SIDE * _SIDE * 16
CRC_BYTES = 4
INDEX_END_BYTES = _INDEX_BYTES + CRC_BYTES
"""How many bytes at the end of a shard are its index."""
ABSENT = 2**64 - 1
"""Offset of a chunk that is not stored."""

# Names of the codecs of `layout.py`: of inner chunks, of the index; and where the index is.
_EXPECTED = ("bytes", "blosc", "crc32c"), ("bytes", "crc32c"), "end"


def is_direct(codecs: object) -> bool:
    """Tell whether the `codecs` of a zarr.json are those that this module decodes."""
    match codecs:
        case [
            {
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": [*outer, int(rows), int(cols)],
                    "codecs": [*inner],
                    "index_codecs": [*index],
                    **rest,
                },
            }
        ]:
            names = tuple(c["name"] for c in inner), tuple(c["name"] for c in index)
            little = all(
                c.get("configuration", {}).get("endian", "little") == "little"
                for c in (*inner, *index)
            )
            found = (*names, rest.get("index_location", "end"))
            flat = all(length == 1 for length in outer)
            square = (rows, cols) == (INNER_CHUNK_PX, INNER_CHUNK_PX)
            return flat and square and little and found == _EXPECTED
        case _:
            return False


def encode_shard(shard: ShardNumber, part: Window, cells: Values, nodata: float) -> bytes:
    """Encode a shard that holds `cells` in `part` (array indices `(y, x)`), nodata elsewhere.

    Inner chunks lie in row-major order; one of nothing but nodata is left out. Equal cells
    give equal bytes. Zarr's own codec gives the same cells, but costs 25 ms a shard even
    where one inner chunk is filled.
    """
    part = within(shard, part)
    index = np.full((_SIDE, _SIDE, 2), ABSENT, dtype="<u8")
    encoded = bytearray()
    dtype = cells.dtype.newbyteorder("<")
    fill = dtype.type(nodata)
    for place, chunk in chunks_of(part):
        common = chunk.intersect(part)
        if common is None:
            continue
        inside = cells[common.slices(part)]
        if not differs(inside, nodata):
            continue
        if common == chunk:
            whole = np.ascontiguousarray(inside, dtype=dtype)
        else:
            whole = np.full(chunk.shape, fill, dtype=dtype)
            whole[common.slices(chunk)] = inside
        body = compress(whole, BLOSC_CODEC.encode(), BLOSC_LEVEL, BITSHUFFLE)
        index[place] = len(encoded), len(body) + CRC_BYTES
        encoded += body
        encoded += crc_bytes(body)
    tail = index.tobytes()
    encoded += tail
    encoded += crc_bytes(tail)
    return bytes(encoded)


def differs(cells: Values, nodata: float) -> bool:
    """Tell whether any cell is not nodata."""
    if np.isnan(nodata):
        return not bool(np.isnan(cells).all())
    return bool((cells != cells.dtype.type(nodata)).any())


def read_shard(
    path: str,
    shard: ShardNumber,
    part: Window,
    out: Values,
    nodata: float,
    kept: KeptChunks | None = None,
) -> None:
    """Fill `out` with the cells `part` (array indices) of the shard in the file `path`.

    What is `kept` is not read again; what is read is kept there.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its bytes are not those that were written.
    """
    (y0, y1), (x0, x1) = within(shard, part).ranges
    side = INNER_CHUNK_PX
    with closing(_ShardFile(path, kept)) as file:
        for row in range(y0 // side, -(-y1 // side)):
            top = row * side
            a, b = max(y0, top), min(y1, top + side)
            for col in range(x0 // side, -(-x1 // side)):
                left = col * side
                c, d = max(x0, left), min(x1, left + side)
                cells = file.chunk(row, col, out.dtype)
                out[a - y0 : b - y0, c - x0 : d - x0] = (
                    nodata if cells is None else cells[a - top : b - top, c - left : d - left]
                )


class _ShardFile:
    """A file that is opened when something is read that is not kept."""

    def __init__(self, path: str, kept: KeptChunks | None) -> None:
        self._path = path
        self._kept = kept
        self._descriptor: int | None = None
        self._index: ShardIndex | None = None if kept is None else kept.index(path)

    def chunk(self, row: int, col: int, dtype: np.dtype[np.generic]) -> Values | None:
        """Return the cells of an inner chunk; None where it holds nothing but nodata."""
        key = self._path, row, col
        if self._kept is not None and (held := self._kept.chunk(key)) is not None:
            return held
        offset, length = self._place(row, col)
        if offset == ABSENT:
            return None
        cells = _read_chunk(self._opened(), offset, length, dtype)
        if self._kept is not None:
            self._kept.keep_chunk(key, cells)
        return cells

    def _place(self, row: int, col: int) -> tuple[int, int]:
        if self._index is None:
            self._index = _read_index(self._opened())
            if self._kept is not None:
                self._kept.keep_index(self._path, self._index)
        offset, length = self._index[row, col].tolist()
        return offset, length

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        return self._descriptor

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._descriptor is not None:
            os.close(self._descriptor)


def within(shard: ShardNumber, part: Window) -> Window:
    """Count the cells of `part` from the corner of the shard."""
    row, col = shard[-2] * SHARD_PX, shard[-1] * SHARD_PX
    (y0, y1), (x0, x1) = part.ranges
    return Window(((y0 - row, y1 - row), (x0 - col, x1 - col)))


def chunks_of(part: Window) -> Iterator[tuple[tuple[int, int], Window]]:
    """Yield the inner chunks that meet `part`, `(row, column)` with their cells in the shard."""
    (y0, y1), (x0, x1) = part.ranges
    side = INNER_CHUNK_PX
    for row in range(y0 // side, -(-y1 // side)):
        for col in range(x0 // side, -(-x1 // side)):
            top, left = row * side, col * side
            yield (row, col), Window(((top, top + side), (left, left + side)))


def _read_index(descriptor: int) -> ShardIndex:
    size = os.fstat(descriptor).st_size
    first = max(0, size - INDEX_END_BYTES)
    return decoded_index(os.pread(descriptor, size - first, first))


def decoded_index(end: bytes) -> ShardIndex:
    """Return the index from the end of a shard.

    Raises
    ------
    ValueError
        If it is none, or damaged.
    """
    if len(end) < INDEX_END_BYTES:
        raise ValueError(f"the file has {len(end)} bytes, its index alone {INDEX_END_BYTES}")
    index = checked(end, "the index")
    return np.frombuffer(index, dtype="<u8").reshape(_SIDE, _SIDE, 2)


def _read_chunk(descriptor: int, offset: int, length: int, dtype: np.dtype[np.generic]) -> Values:
    return decoded_chunk(os.pread(descriptor, length, offset), offset, dtype)


def decoded_chunk(data: bytes, offset: int, dtype: np.dtype[np.generic]) -> Values:
    """Return the cells of an inner chunk from its bytes, which begin at `offset` of the shard.

    Raises
    ------
    ValueError, RuntimeError
        If they are damaged.
    """
    decoded = decompress(checked(data, f"the chunk at {offset}"))
    cells: Values = np.frombuffer(decoded, dtype=dtype.newbyteorder("<"))
    return cells.reshape(INNER_CHUNK_PX, INNER_CHUNK_PX)


def crc_bytes(data: bytes) -> bytes:
    """Return the CRC-32C of `data` as it is stored behind it."""
    return int(google_crc32c.value(data)).to_bytes(CRC_BYTES, "little")


def checked(data: bytes, what: str) -> bytes:
    """Return `data` without the CRC-32C at its end.

    Raises
    ------
    ValueError
        If that is another's.
    """
    body, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if google_crc32c.value(body) != int.from_bytes(crc, "little"):
        raise ValueError(f"the checksum of {what} does not match")
    return body
