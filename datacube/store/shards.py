"""Reads parts of one shard file directly: the layout that `layout.py` prescribes, no other.

Zarr's sharding codec puts the encoded inner chunks into one file and ends it with an
index of `(offset, length)` a chunk, little-endian uint64, and its CRC-32C. An offset of
2**64 - 1 means a chunk of the fill value.
"""

import os

import google_crc32c
import numpy as np
from numcodecs.blosc import decompress
from numpy.typing import NDArray

from datacube.cells import Values
from datacube.cube import INNER_CHUNK_PX, SHARD_PX
from datacube.grid import Window

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
                    "chunk_shape": [1, int(rows), int(cols)],
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
            return (
                (rows, cols) == (INNER_CHUNK_PX, INNER_CHUNK_PX) and little and found == _EXPECTED
            )
        case _:
            return False


def read_shard(path: str, shard: tuple[int, int], part: Window, out: Values, nodata: float) -> None:
    """Fill `out` with the cells `part` (array indices) of the shard in the file `path`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its bytes are not those that were written.
    """
    row, col = shard[0] * SHARD_PX, shard[1] * SHARD_PX
    inside = Window(
        (
            (part.rows[0] - row, part.rows[1] - row),
            (part.cols[0] - col, part.cols[1] - col),
        )
    )
    descriptor = os.open(path, os.O_RDONLY)
    try:
        index = _read_index(descriptor)
        (y0, y1), (x0, x1) = inside.ranges
        for chunk_row in range(y0 // INNER_CHUNK_PX, -(-y1 // INNER_CHUNK_PX)):
            for chunk_col in range(x0 // INNER_CHUNK_PX, -(-x1 // INNER_CHUNK_PX)):
                top, left = chunk_row * INNER_CHUNK_PX, chunk_col * INNER_CHUNK_PX
                chunk = Window(((top, top + INNER_CHUNK_PX), (left, left + INNER_CHUNK_PX)))
                common = chunk.intersect(inside)
                if common is None:
                    continue
                offset, length = (int(n) for n in index[chunk_row, chunk_col])
                target = common.slices(inside)
                if offset == _ABSENT:
                    out[target] = nodata
                else:
                    cells = _read_chunk(descriptor, offset, length, out.dtype)
                    out[target] = cells[common.slices(chunk)]
    finally:
        os.close(descriptor)


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


def _checked(data: bytes, what: str) -> bytes:
    """Return `data` without the CRC-32C at its end."""
    body, crc = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    if google_crc32c.value(body) != int.from_bytes(crc, "little"):
        raise ValueError(f"the checksum of {what} does not match")
    return body
