"""Codecs, chunks and shards side by side: tiles, series, writing, size and number of objects.

The files are as `datacube.store.shards` lays them out, a shard's chunks behind one another and
their index at the end, with the sizes and the codec as parameters. All on one thread.
"""

import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from numcodecs.blosc import BITSHUFFLE, SHUFFLE, compress, decompress
from numpy.typing import NDArray
from rasterio.windows import Window

from bench import data
from bench.measure import cells_line
from datacube.store.shards import CRC_BYTES, crc_bytes

BANDS = ("B04", "B03", "B02")
SIDE_PX = 4096
"""Of the cells that are written: a seventh of a scene, whole shards of every size."""
WINDOW_PX = 256
READS = 200
_INDEX_BYTES = 16
_SCENES = 2_000_000
_SCENE_PX = {"10 m": (10_980, 5), "20 m": (5_490, 8), "60 m": (1_830, 3)}
"""Cells along a side, and arrays: bands and the mask of the scene, as those of the archive."""
_LEAST_PX = 256
"""Levels are made until a scene fits into it."""

HEADER = (
    *("chunk", "shard", "codec", "tile, 3 bands", "read for a tile", "a date of a pixel"),
    *("read for a date", "writing", "bytes a cell", "objects", "size", "indexes"),
)

type Cells = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How cells are stored."""

    chunk_px: int
    shard_px: int
    """As long as the chunk: there are no shards."""
    codec: str = "lz4"
    level: int = 5
    shuffle: int = BITSHUFFLE

    @property
    def side(self) -> int:
        """Chunks along a shard."""
        return self.shard_px // self.chunk_px

    @property
    def index_bytes(self) -> int:
        """Length of what ends a shard."""
        return self.side**2 * _INDEX_BYTES + CRC_BYTES if self.side > 1 else 0

    @property
    def codec_text(self) -> str:
        """Name of the codec, for people."""
        shuffled = "bit" if self.shuffle == BITSHUFFLE else "byte"
        return f"{self.codec} {self.level}, {shuffled} shuffle"


LAYOUTS = (
    Layout(chunk_px=256, shard_px=2048),
    Layout(chunk_px=256, shard_px=1024),
    Layout(chunk_px=256, shard_px=4096),
    Layout(chunk_px=256, shard_px=256),
    Layout(chunk_px=128, shard_px=2048),
    Layout(chunk_px=512, shard_px=2048),
    Layout(chunk_px=512, shard_px=4096),
    Layout(chunk_px=1024, shard_px=4096),
    Layout(chunk_px=256, shard_px=2048, shuffle=SHUFFLE),
    Layout(chunk_px=256, shard_px=2048, codec="zstd", level=1),
    Layout(chunk_px=256, shard_px=2048, codec="zstd", level=3),
)
"""The first is the store's."""


def table() -> Iterator[str]:
    """Yield the lines of the table."""
    yield ""
    yield cells_line(HEADER)
    yield cells_line(["---"] * len(HEADER))
    planes = [_plane(band) for band in BANDS]
    for layout in LAYOUTS:
        with TemporaryDirectory(dir=data.CACHE) as folder:
            yield cells_line(_measured(layout, planes, Path(folder)))
            shutil.rmtree(folder, ignore_errors=True)


def _plane(band: str) -> Cells:
    data.big_store()  # makes the files
    with rasterio.open(data.cog(band)) as file:
        read: Cells = file.read(1, window=Window(0, 0, SIDE_PX, SIDE_PX)).astype(np.int16)
    return read


def _measured(layout: Layout, planes: list[Cells], folder: Path) -> tuple[str, ...]:
    start = time.process_time()
    stored = sum(_write(layout, plane, folder / str(n)) for n, plane in enumerate(planes))
    seconds = time.process_time() - start
    cells = sum(plane.size for plane in planes)
    tile_s, tile_bytes = _tiles(layout, folder, len(planes))
    date_s, date_bytes = _dates(layout, folder)
    objects, size, indexes = _archive(layout, stored / cells)
    return (
        str(layout.chunk_px),
        str(layout.shard_px) if layout.side > 1 else "none",
        layout.codec_text,
        f"{tile_s * 1e3:.2f} ms",
        f"{tile_bytes / 1e3:.0f} kB",
        f"{date_s * 1e3:.3f} ms",
        f"{date_bytes / 1e3:.0f} kB",
        f"{cells * 2 / 1e6 / seconds:.0f} MB/s",
        f"{stored / cells:.2f}",
        f"{objects / 1e6:,.0f} million",
        f"{size / 1e12:.0f} TB",
        f"{indexes / 1e12:.2f} TB",
    )


def _write(layout: Layout, plane: Cells, folder: Path) -> int:
    """Encode and write a plane; return its bytes on disk."""
    folder.mkdir()
    written = 0
    for row in range(0, SIDE_PX, layout.shard_px):
        for col in range(0, SIDE_PX, layout.shard_px):
            shard = plane[row : row + layout.shard_px, col : col + layout.shard_px]
            encoded, index = bytearray(), np.zeros((layout.side, layout.side, 2), "<u8")
            for at in np.ndindex(layout.side, layout.side):
                (top, left), side = (n * layout.chunk_px for n in at), layout.chunk_px
                chunk = np.ascontiguousarray(shard[top : top + side, left : left + side])
                body = compress(chunk, layout.codec.encode(), layout.level, layout.shuffle)
                index[at] = len(encoded), len(body) + CRC_BYTES
                encoded += body + crc_bytes(body)
            if layout.side > 1:
                encoded += index.tobytes() + crc_bytes(index.tobytes())
            (folder / f"{row // layout.shard_px}-{col // layout.shard_px}").write_bytes(encoded)
            written += len(encoded)
    return written


class _Reader:
    """Reads chunks of one band, whose files it does not keep open."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self._layout = layout
        self._folder = folder
        self.bytes = 0

    def chunk(self, row: int, col: int) -> Cells:
        """Return a chunk; its shard's index is read each time, as at the first visit."""
        layout = self._layout
        path = self._folder / f"{row // layout.side}-{col // layout.side}"
        descriptor = os.open(path, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            offset, length = 0, size
            if layout.side > 1:
                end = os.pread(descriptor, layout.index_bytes, size - layout.index_bytes)
                index = np.frombuffer(end, "<u8", layout.side**2 * 2).reshape(
                    layout.side, layout.side, 2
                )
                offset, length = index[row % layout.side, col % layout.side].tolist()
            body = os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)
        self.bytes += length + layout.index_bytes
        cells: Cells = np.frombuffer(decompress(body[:-CRC_BYTES]), np.int16)
        return cells.reshape(layout.chunk_px, layout.chunk_px)

    def window(self, top: int, left: int) -> Cells:
        """Return the cells of a window of `WINDOW_PX`."""
        side, made = self._layout.chunk_px, np.empty((WINDOW_PX, WINDOW_PX), np.int16)
        for row in range(top // side, ceil((top + WINDOW_PX) / side)):
            for col in range(left // side, ceil((left + WINDOW_PX) / side)):
                chunk = self.chunk(row, col)
                y0, x0 = max(top, row * side), max(left, col * side)
                y1 = min(top + WINDOW_PX, (row + 1) * side)
                x1 = min(left + WINDOW_PX, (col + 1) * side)
                made[y0 - top : y1 - top, x0 - left : x1 - left] = chunk[
                    y0 - row * side : y1 - row * side, x0 - col * side : x1 - col * side
                ]
        return made


def _tiles(layout: Layout, folder: Path, bands: int) -> tuple[float, float]:
    """Return seconds of processor time and bytes for a window anywhere, of all bands."""
    chosen = random.Random(0)
    readers = [_Reader(layout, folder / str(n)) for n in range(bands)]
    taken = []
    for _ in range(READS):
        top, left = (chosen.randrange(SIDE_PX - WINDOW_PX) for _ in range(2))
        start = time.process_time()
        for reader in readers:
            reader.window(top, left)
        taken.append(time.process_time() - start)
    return median(taken), sum(reader.bytes for reader in readers) / READS


def _dates(layout: Layout, folder: Path) -> tuple[float, float]:
    """Return seconds of processor time and bytes for a cell of one band and date."""
    chosen, reader, taken = random.Random(1), _Reader(layout, folder / "0"), []
    for _ in range(READS):
        row, col = (chosen.randrange(SIDE_PX // layout.chunk_px) for _ in range(2))
        start = time.process_time()
        reader.chunk(row, col)
        taken.append(time.process_time() - start)
    return median(taken), reader.bytes / READS


def _archive(layout: Layout, bytes_a_cell: float) -> tuple[float, float, float]:
    """Return objects, bytes and bytes of indexes of two million scenes with their levels.

    A scene that lies anywhere on the shards' grid touches one more of them along each side than
    its length has.
    """
    objects = cells = 0.0
    for side, arrays in _SCENE_PX.values():
        length = float(side)
        while True:
            objects += arrays * (length / layout.shard_px + 1) ** 2
            cells += arrays * length**2
            if length <= _LEAST_PX:
                break
            length = ceil(length / 2)
    indexes = objects * layout.index_bytes
    return objects * _SCENES, (cells * bytes_a_cell + indexes) * _SCENES, indexes * _SCENES
