"""Encodes one shard, and reads parts of a shard file directly: the layout of `layout.py`, no other.

A shard is one place deep along every axis but y and x, so it is handled as a plane.

Zarr's sharding codec puts the encoded inner chunks into one file and ends it with an
index of `(offset, length)` a chunk, little-endian uint64, and its CRC-32C. An offset of
2**64 - 1 means a chunk of the fill value.
"""

import os
from collections.abc import Iterator
from typing import Final

import google_crc32c
import numpy as np
from numcodecs.blosc import BITSHUFFLE, compress, decompress
from numpy.typing import NDArray

from datacube.cells import Values
from datacube.cube import INNER_CHUNK_PX, SHARD_PX, ShardNumber
from datacube.grid import Window

BLOSC_CODEC: Final = "lz4"
BLOSC_LEVEL = 5

_SIDE = SHARD_PX // INNER_CHUNK_PX
_INDEX_BYTES = _SIDE * _SIDE * 16
_CRC_BYTES = 4
_ABSENT = 2**64 - 1

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
    part = _within(shard, part)
    index = np.full((_SIDE, _SIDE, 2), _ABSENT, dtype="<u8")
    encoded = bytearray()
    dtype = cells.dtype.newbyteorder("<")
    fill = dtype.type(nodata)
    for place, chunk in _chunks(part):
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
        index[place] = len(encoded), len(body) + _CRC_BYTES
        encoded += body
        encoded += _crc(body)
    tail = index.tobytes()
    encoded += tail
    encoded += _crc(tail)
    return bytes(encoded)


def differs(cells: Values, nodata: float) -> bool:
    """Tell whether any cell is not nodata."""
    if np.isnan(nodata):
        return not bool(np.isnan(cells).all())
    return bool((cells != cells.dtype.type(nodata)).any())


def read_shard(path: str, shard: ShardNumber, part: Window, out: Values, nodata: float) -> None:
    """Fill `out` with the cells `part` (array indices) of the shard in the file `path`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its bytes are not those that were written.
    """
    inside = _within(shard, part)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        index = _read_index(descriptor)
        for place, chunk in _chunks(inside):
            common = chunk.intersect(inside)
            if common is None:
                continue
            offset, length = (int(n) for n in index[place])
            target = common.slices(inside)
            if offset == _ABSENT:
                out[target] = nodata
            else:
                cells = _read_chunk(descriptor, offset, length, out.dtype)
                out[target] = cells[common.slices(chunk)]
    finally:
        os.close(descriptor)


def _within(shard: ShardNumber, part: Window) -> Window:
    """Count the cells of `part` from the corner of the shard."""
    row, col = shard[-2] * SHARD_PX, shard[-1] * SHARD_PX
    (y0, y1), (x0, x1) = part.ranges
    return Window(((y0 - row, y1 - row), (x0 - col, x1 - col)))


def _chunks(part: Window) -> Iterator[tuple[tuple[int, int], Window]]:
    """Yield the inner chunks that meet `part`, `(row, column)` with their cells in the shard."""
    (y0, y1), (x0, x1) = part.ranges
    side = INNER_CHUNK_PX
    for row in range(y0 // side, -(-y1 // side)):
        for col in range(x0 // side, -(-x1 // side)):
            top, left = row * side, col * side
            yield (row, col), Window(((top, top + side), (left, left + side)))


def _read_index(descriptor: int) -> NDArray[np.uint64]:
    size = os.fstat(descriptor).st_size
    wanted = _INDEX_BYTES + _CRC_BYTES
    if size < wanted:
        raise ValueError(f"the file has {size} bytes, its index alone {wanted}")
    index = _checked(os.pread(descriptor, wanted, size - wanted), "the index")
    return np.frombuffer(index, dtype="<u8").reshape(_SIDE, _SIDE, 2)


def _read_chunk(descriptor: int, offset: int, length: int, dtype: np.dtype[np.generic]) -> Values:
    encoded = _checked(os.pread(descriptor, length, offset), f"the chunk at {offset}")
    decoded = decompress(encoded)
    cells: Values = np.frombuffer(decoded, dtype=dtype.newbyteorder("<"))
    return cells.reshape(INNER_CHUNK_PX, INNER_CHUNK_PX)


def _crc(data: bytes) -> bytes:
    return int(google_crc32c.value(data)).to_bytes(_CRC_BYTES, "little")


def _checked(data: bytes, what: str) -> bytes:
    """Return `data` without the CRC-32C at its end."""
    body, crc = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    if google_crc32c.value(body) != int.from_bytes(crc, "little"):
        raise ValueError(f"the checksum of {what} does not match")
    return body
