"""Files of deep blocks: `<cube>/<group>/deep/<name>/<band>`, one a band.

A file holds chunks of `(rank, y, x)`, each encoded as the inner chunks of a shard, and ends
with the index: for each row of chunks `(offset, length)` a chunk, little-endian uint64, and
the CRC-32C of that row. A reader fetches the rows that it needs. A chunk of nothing but
nodata has the offset 2**64 - 1.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numcodecs.blosc import BITSHUFFLE, compress, decompress
from numpy.typing import NDArray

from datacube.cells import Values
from datacube.cube import INNER_CHUNK_PX, SHARD_PX, VALID_BAND, Cube, ResolutionGroup, ShardNumber
from datacube.deep import DEEP_CHUNK_PX, DeepBlock
from datacube.grid import Window
from datacube.protocols import BandRead, ReadCells
from datacube.slots import Slot
from datacube.store.kept_chunks import KeptChunks
from datacube.store.location import Location
from datacube.store.shards import ABSENT, BLOSC_CODEC, BLOSC_LEVEL, CRC_BYTES, checked, crc_bytes

FOLDER = "deep"
"""Beside the levels of a group; these are numbers."""
_SIDE = SHARD_PX // DEEP_CHUNK_PX
_ROW_BYTES = _SIDE * 16 + CRC_BYTES
_INDEX_BYTES = _SIDE * _ROW_BYTES
_GUARDS = 64

_log = logging.getLogger(__name__)


def block_folder(cube: str, group: str) -> str:
    """Return the key below which the blocks of a group lie."""
    return f"{cube}/{group}/{FOLDER}"


def block_key(cube: str, group: str, name: str) -> str:
    """Return the key below which the files of a block lie."""
    return f"{block_folder(cube, group)}/{name}"


class DeepFiles:
    """Reads blocks; the chunks read last are kept. Safe to use from threads."""

    def __init__(self, location: Location, kept: KeptChunks) -> None:
        self._location = location
        self._kept = kept
        # Threads that need the same chunks wait for the one that reads them.
        self._guards = tuple(threading.Lock() for _ in range(_GUARDS))

    def read(self, block: DeepBlock, request: BandRead, ranks: Sequence[int]) -> Values | None:
        """Return the cells of some ranks, `(rank, *window)`.

        None where the file is gone or damaged.
        """
        made: Values = np.empty((len(ranks), *request.window.shape), dtype=request.dtype)
        if request.band not in block.file_bytes:
            made.fill(request.nodata)
            return made
        file = _File(self._location, self._kept, block, request.band)
        inside = request.group.array_window(request.window, 0).plane
        (y0, y1), (x0, x1) = (
            (start - number * SHARD_PX, stop - number * SHARD_PX)
            for (start, stop), number in zip(inside.ranges, block.column[-2:], strict=True)
        )
        side, at = DEEP_CHUNK_PX, np.asarray(ranks)
        plane = made.reshape(len(ranks), y1 - y0, x1 - x0)
        rows, cols = range(y0 // side, -(-y1 // side)), range(x0 // side, -(-x1 // side))
        try:
            with self._guards[hash(file.key) % _GUARDS]:
                chunks = file.chunks(rows, cols, made.dtype)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RuntimeError) as error:
            _log.warning("%s is read from its slots instead: %s", file.key, error)
            return None
        for (row, col), cells in chunks:
            a, b = max(y0, row * side), min(y1, (row + 1) * side)
            c, d = max(x0, col * side), min(x1, (col + 1) * side)
            target = plane[:, a - y0 : b - y0, c - x0 : d - x0]
            if cells is None:
                target[...] = request.nodata
            else:
                part = cells[:, a - row * side : b - row * side, c - col * side : d - col * side]
                target[...] = part[at]
        return made


def check_block(location: Location, block: DeepBlock) -> list[str]:
    """Read all files of a block; return a message for each that is missing or damaged."""
    damage = []
    for band, _ in block.sizes:
        file = _File(location, KeptChunks(0), block, band)
        try:
            for row in range(_SIDE):
                file.encoded([(row, col) for col in range(_SIDE)])
        except (OSError, ValueError) as error:
            damage.append(f"{file.key} is missing or damaged: {error}")
    return damage


@dataclass(frozen=True, slots=True)
class _File:
    location: Location
    kept: KeptChunks
    block: DeepBlock
    band: str

    @property
    def key(self) -> str:
        return f"{block_key(self.block.cube, self.block.group, self.block.name)}/{self.band}"

    def chunks(
        self, rows: range, cols: range, dtype: np.dtype[np.generic]
    ) -> list[tuple[tuple[int, int], Values | None]]:
        """Return the chunks, `(row, column)` with cells `(rank, y, x)`; None is nodata.

        What is missing is read in one request, and where no index is kept in two.
        """
        key = self.key
        found: dict[tuple[int, int], Values | None] = {
            (row, col): self.kept.chunk((key, row, col)) for row in rows for col in cols
        }
        missing = [place for place, cells in found.items() if cells is None]
        if not missing:
            return list(found.items())
        shape = len(self.block.slots), DEEP_CHUNK_PX, DEEP_CHUNK_PX
        for (row, col), encoded in self.encoded(missing).items():
            decoded = decompress(encoded)
            cells: Values = np.frombuffer(decoded, dtype=dtype.newbyteorder("<")).reshape(shape)
            self.kept.keep_chunk((key, row, col), cells)
            found[row, col] = cells
        return list(found.items())

    def encoded(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Return the encoded chunks at `(row, column)` places, but those of nodata.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If its bytes are not those that were written.
        """
        index = self._index(sorted({row for row, _ in places}))
        wanted = {
            (row, col): (int(index[row][col, 0]), int(index[row][col, 1]))
            for row, col in places
            if index[row][col, 0] != ABSENT
        }
        parts = self.location.read_ranges(self.key, list(wanted.values())) if wanted else []
        return {
            (row, col): checked(part, f"chunk {row}, {col}")
            for (row, col), part in zip(wanted, parts, strict=True)
        }

    def _index(self, rows: list[int]) -> dict[int, NDArray[np.uint64]]:
        """Return rows of the index, `(column, 2)`: offset and length."""
        names = {row: f"{self.key}#{row}" for row in rows}
        found = {row: self.kept.index(name) for row, name in names.items()}
        missing = [row for row, held in found.items() if held is None]
        if missing:
            first, last = min(missing), max(missing)
            start = self.block.file_bytes[self.band] - _INDEX_BYTES
            place = start + first * _ROW_BYTES, (last - first + 1) * _ROW_BYTES
            (read,) = self.location.read_ranges(self.key, [place])
            for row in missing:
                at = (row - first) * _ROW_BYTES
                plain = checked(read[at : at + _ROW_BYTES], f"row {row} of the index")
                made = np.frombuffer(plain, dtype="<u8").reshape(_SIDE, 2)
                self.kept.keep_index(names[row], made)
                found[row] = made
        return {row: held for row, held in found.items() if held is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMaking:
    """A block to be made of slots, which are read band by band."""

    cube: Cube
    group: ResolutionGroup
    column: ShardNumber
    name: str
    slots: tuple[Slot, ...]
    """In the order of ranks."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Every band of the group, and the mask."""
        return (*(b.name for b in self.cube.bands if b.group == self.group.name), VALID_BAND)

    def write(self, location: Location, read: ReadCells, band: str) -> int:
        """Write the file of one band; return its bytes, 0 where all is nodata and none is written.

        Holds a sixty-fourth of the band's cells at once.
        """
        having = [
            (rank, slot)
            for rank, slot in enumerate(self.slots)
            if slot.has_shard(self.group, 0, band, self.column)
        ]
        if not having:
            return 0
        key = f"{block_key(self.cube.name, self.group.name, self.name)}/{band}"
        return location.put_parts(key, self._parts(read, band, having))

    def _parts(self, read: ReadCells, band: str, having: list[tuple[int, Slot]]) -> Iterator[bytes]:
        ask = partial(BandRead, group=self.group, level=0, band=band)
        if band == VALID_BAND:
            ask = partial(ask, dtype="uint8", nodata=0)
        else:
            stored = self.cube.band(band)
            ask = partial(ask, dtype=stored.dtype, nodata=stored.nodata)
        index = np.full((_SIDE, _SIDE, 2), ABSENT, dtype="<u8")
        offset = 0
        for square in _squares(self.group.shard_cells(self.column, 0)):
            covering = [(rank, slot) for rank, slot in having if self._covers(slot, square)]
            if not covering:
                continue
            request = ask(window=square)
            shape = len(self.slots), INNER_CHUNK_PX, INNER_CHUNK_PX
            cells: Values = np.full(shape, request.nodata, dtype=request.dtype)
            nothing = cells[:1, :1, :1].copy().view(f"u{cells.itemsize}")
            for rank, slot in covering:
                cells[rank] = read.read(slot, request).reshape(shape[1:])
            # Bit for bit: a NaN of another kind, or -0, is to be kept.
            filled = cells.view(nothing.dtype) != nothing
            if not filled.any():
                continue
            for place, at in _chunks(square, request.group):
                if not filled[at].any():
                    continue
                data = np.ascontiguousarray(cells[at], dtype=cells.dtype.newbyteorder("<"))
                body = compress(data, BLOSC_CODEC.encode(), BLOSC_LEVEL, BITSHUFFLE)
                index[place] = offset, len(body) + CRC_BYTES
                offset += len(body) + CRC_BYTES
                yield body + crc_bytes(body)
        for row in index:
            plain = row.tobytes()
            yield plain + crc_bytes(plain)

    def _covers(self, slot: Slot, square: Window) -> bool:
        covered = slot.window(self.group.name)
        return covered is not None and covered.window.intersect(square) is not None


def _squares(window: Window) -> Iterator[Window]:
    """Part a column into squares as large as the inner chunks of its shards."""
    side = INNER_CHUNK_PX
    for row in range(*window.rows, side):
        for col in range(*window.cols, side):
            yield Window((*window.ranges[:-2], (row, row + side), (col, col + side)))


def _chunks(
    square: Window, group: ResolutionGroup
) -> Iterator[tuple[tuple[int, int], tuple[slice, ...]]]:
    """Yield the chunks of a square, `(row, column)` in the column with where its cells are."""
    side = DEEP_CHUNK_PX
    (top, _), (left, _) = group.array_window(square, 0).plane.ranges
    for y in range(0, INNER_CHUNK_PX, side):
        for x in range(0, INNER_CHUNK_PX, side):
            place = (top + y) % SHARD_PX // side, (left + x) % SHARD_PX // side
            yield place, (slice(None), slice(y, y + side), slice(x, x + side))
