"""An image and its overviews as packed tiles, made block by block on threads."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from datacube.encode.blocks import TILE_PX
from datacube.encode.packing import Packing
from datacube.encode.tiles import packed

_LEADER_BYTES = 4
"""A tile's length before it, and as many of its last bytes repeated behind it."""
_FRAME_BYTES = 2 * _LEADER_BYTES

type Plane = NDArray[Any]
"""Cells of one band, `(rows, columns)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of one band, which is made on a thread."""

    band: int
    """Counted from 0."""
    row: int
    """First row, a multiple of `TILE_PX`, as is `column`."""
    column: int
    make: Callable[[], Plane]
    """Returns at most `TILE_PX` rows; only the image's edges may cut its tiles."""


@dataclass(slots=True, kw_only=True)
class TiledImage:
    """One size of the image: where its tiles lie in `data`."""

    rows: int
    columns: int
    bands: int
    data: BinaryIO | None
    """A file for the tiles; None keeps them in memory."""
    offsets: NDArray[np.uint64] = field(init=False)
    """In `data`, by tile in the order of TIFF: bands, rows of tiles, tiles of a row."""
    lengths: NDArray[np.uint64] = field(init=False)
    """In bytes."""
    _kept: dict[int, bytes] = field(default_factory=dict)
    _end: int = 0

    def __post_init__(self) -> None:
        self.offsets = np.zeros(self.bands * self.down * self.across, np.uint64)
        self.lengths = np.zeros_like(self.offsets)

    @property
    def down(self) -> int:
        """Tiles of a column."""
        return ceil(self.rows / TILE_PX)

    @property
    def across(self) -> int:
        """Tiles of a row."""
        return ceil(self.columns / TILE_PX)

    @property
    def stored_bytes(self) -> int:
        """Bytes of what `stored` gives."""
        return self._end + _FRAME_BYTES * len(self.lengths)

    def places(self, start: int) -> list[int]:
        """Return where each tile lies in a file in which `stored` begins at `start`."""
        framed = self.lengths + np.uint64(_FRAME_BYTES)
        ends: list[int] = (np.cumsum(framed) + np.uint64(start)).tolist()
        return [start + _LEADER_BYTES, *(end + _LEADER_BYTES for end in ends[:-1])]

    def stored(self) -> Iterator[bytes]:
        """Yield the tiles in the order of TIFF, each between its length and its last bytes.

        So GDAL's readers take a tile, and know how long it is, with one request.
        """
        for number, length in enumerate(self.lengths.tolist()):
            tile = self._tile(number, length)
            yield length.to_bytes(_LEADER_BYTES, "little")
            yield tile
            yield tile[-_LEADER_BYTES:]

    def _tile(self, number: int, length: int) -> bytes:
        if self.data is None:
            return self._kept[number]
        self.data.seek(int(self.offsets[number]))
        return self.data.read(length)

    def write(self, place: tuple[int, int, int], tile: bytes) -> None:
        """Append the tile at `(band, row of tiles, column of tiles)`."""
        band, row, column = place
        number = (band * self.down + row) * self.across + column
        self.offsets[number], self.lengths[number] = self._end, len(tile)
        if self.data is None:
            self._kept[number] = tile
        else:
            self.data.write(tile)
        self._end += len(tile)


def sizes(rows: int, columns: int) -> list[tuple[int, int]]:
    """Return the sizes of the image and its overviews, halved until one tile holds all.

    >>> sizes(900, 1200)
    [(900, 1200), (450, 600), (225, 300)]
    """
    found = [(rows, columns)]
    while max(found[-1]) > TILE_PX:
        step = 2 ** len(found)
        found.append((ceil(rows / step), ceil(columns / step)))
    return found


def write_images(
    images: Sequence[TiledImage], blocks: Iterator[Sequence[Piece]], *, fill: Callable[[int], Any]
) -> None:
    """Write all tiles of the image and its overviews, every second cell of the next larger.

    The pieces of a block are packed while the next block is made. The order of tiles
    follows from that of blocks and pieces alone. `fill` gives what stands beyond the
    edges of a band.
    """
    with Packing[_Packed]() as threads:
        work = _Work(images=images, threads=threads, fill=fill)
        for pieces in blocks:
            for piece in pieces:
                work.submit(piece)
            work.drain(waiting=len(pieces))
        work.drain(waiting=0)


type _Tile = tuple[int, tuple[int, int, int], bytes]
"""Number of the image, `(band, row of tiles, column of tiles)`, and the packed tile."""
type _Thinned = tuple[int, int, int, int, Plane]
"""Number of an overview, band, first row and column, and cells."""


type _Packed = tuple[list[_Tile], list[_Thinned]]


@dataclass(slots=True, kw_only=True)
class _Work:
    """What threads are packing, and overviews' tiles of which cells are missing."""

    images: Sequence[TiledImage]
    threads: Packing[_Packed]
    fill: Callable[[int], Any]
    _open: dict[tuple[int, tuple[int, int, int]], tuple[Plane, int]] = field(default_factory=dict)
    """Tiles by image and place, with how many cells are missing."""

    def submit(self, piece: Piece) -> None:
        fill = self.fill(piece.band)
        self.threads.submit(partial(_packed_piece, piece, len(self.images), fill))

    def drain(self, *, waiting: int) -> None:
        """Write what was packed, until only so many pieces are waited for."""
        for tiles, thinned in self.threads.results(waiting=waiting):
            for number, place, tile in tiles:
                self.images[number].write(place, tile)
            for part in thinned:
                self._put(*part)

    def _put(self, number: int, band: int, row: int, column: int, cells: Plane) -> None:
        """Copy cells of an overview into its tiles, and pack those that are whole."""
        image = self.images[number]
        height, width = cells.shape
        for down in range(row // TILE_PX, ceil((row + height) / TILE_PX)):
            for across in range(column // TILE_PX, ceil((column + width) / TILE_PX)):
                key = number, (band, down, across)
                top, left = down * TILE_PX, across * TILE_PX
                if key not in self._open:
                    size = min(TILE_PX, image.rows - top) * min(TILE_PX, image.columns - left)
                    self._open[key] = _blank(cells.dtype, self.fill(band)), size
                tile, missing = self._open[key]
                y0, x0 = max(row, top), max(column, left)
                y1 = min(row + height, top + TILE_PX)
                x1 = min(column + width, left + TILE_PX)
                tile[y0 - top : y1 - top, x0 - left : x1 - left] = cells[
                    y0 - row : y1 - row, x0 - column : x1 - column
                ]
                missing -= (y1 - y0) * (x1 - x0)
                self._open[key] = tile, missing
                if not missing:
                    del self._open[key]
                    self.threads.submit(partial(_packed_tile, key, tile))


def _packed_tile(key: tuple[int, tuple[int, int, int]], tile: Plane) -> _Packed:
    return [(*key, packed(tile))], []


def _packed_piece(piece: Piece, images: int, fill: object) -> _Packed:
    """Pack the tiles of a piece, and take from it the cells of the overviews."""
    cells = piece.make()
    width = cells.shape[1]
    tiles: list[_Tile] = []
    for left in range(0, width, TILE_PX):
        tile = cells[:, left : left + TILE_PX]
        if tile.shape != (TILE_PX, TILE_PX):
            whole = _blank(cells.dtype, fill)
            whole[: tile.shape[0], : tile.shape[1]] = tile
            tile = whole
        place = piece.band, piece.row // TILE_PX, (piece.column + left) // TILE_PX
        tiles.append((0, place, packed(tile)))
    thinned: list[_Thinned] = []
    for number in range(1, images):
        step = 2**number
        row, column = -(-piece.row // step), -(-piece.column // step)
        part = cells[row * step - piece.row :: step, column * step - piece.column :: step]
        if part.size:
            thinned.append((number, piece.band, row, column, part.copy()))
    return tiles, thinned


def _blank(dtype: np.dtype[Any], fill: object) -> Plane:
    return np.full((TILE_PX, TILE_PX), fill, dtype)
