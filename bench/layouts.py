"""Codecs, chunks and shards side by side: tiles, series, writing, size and number of objects.

Shards are as `datacube.store.shards` lays them out, with the sizes and the codec as parameters: the
first layout gives that module's bytes. Processor time, Blosc on one thread, files in the page
cache; nothing decoded is kept.
"""

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from math import ceil
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from numcodecs import blosc
from numpy.typing import NDArray
from rasterio.windows import Window

from bench import data
from bench.measure import cells_line
from datacube.cells import Values
from datacube.store.shards import CRC_BYTES, checked, crc_bytes

BANDS = ("B04", "B03", "B02")
SIDE_PX = 4096
"""Of the cells that are written: a seventh of a scene, whole shards of every size."""
WINDOW_PX = 256
TURNS = 4
READS = 60
"""In each turn."""
_INDEX_BYTES = 16
_SCENES = 2_000_000
_SCENE_PX = {10_980: (4, 0), 5_490: (6, 1), 1_830: (2, 0)}
"""Cells along a side: bands of two bytes a cell, and of classes. Each has a mask beside them."""
_LEAST_PX = 256
"""Levels are made until a scene fits into it."""
_SHUFFLES = {blosc.NOSHUFFLE: "no", blosc.SHUFFLE: "byte", blosc.BITSHUFFLE: "bit"}

HEADER = (
    *("chunk", "shard", "codec, shuffle", "256 px", "its chunks, reads, bytes", "512 px"),
    *("a date of a pixel", "its reads, bytes", "writing", "bytes a cell", "bytes a class"),
    *("objects", "size", "indexes"),
)
"""A window anywhere of three bands, and one cell of one band; the archive is the last three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How cells are stored."""

    chunk_px: int = 256
    shard_px: int = 2048
    """As long as the chunk: there are no shards."""
    codec: str = "lz4"
    level: int = 5
    shuffle: int = blosc.BITSHUFFLE

    @property
    def side(self) -> int:
        """Chunks along a shard."""
        return self.shard_px // self.chunk_px

    @property
    def index_bytes(self) -> int:
        """Length of what ends a shard."""
        return self.side**2 * _INDEX_BYTES + CRC_BYTES if self.side > 1 else 0

    @property
    def names(self) -> tuple[str, str, str]:
        """Chunk, shard and codec, for people."""
        shard = str(self.shard_px) if self.side > 1 else "none"
        return str(self.chunk_px), shard, f"{self.codec} {self.level}, {_SHUFFLES[self.shuffle]}"


STORED = Layout()
"""The store's."""
LAYOUTS = (
    STORED,
    Layout(shard_px=1024),
    Layout(shard_px=4096),
    Layout(shard_px=256),
    Layout(chunk_px=128),
    Layout(chunk_px=512, shard_px=1024),
    Layout(chunk_px=512),
    Layout(chunk_px=512, shard_px=4096),
    Layout(chunk_px=1024),
    Layout(chunk_px=1024, shard_px=4096),
    Layout(chunk_px=1024, shard_px=1024),
    Layout(level=1),
    Layout(shuffle=blosc.SHUFFLE),
    Layout(codec="zstd", level=1, shuffle=blosc.SHUFFLE),
    Layout(codec="zstd", level=1),
    Layout(codec="zstd", level=3),
    Layout(codec="zstd", level=3, shuffle=blosc.NOSHUFFLE),
)


@dataclass(slots=True)
class _Read:
    """Windows that were read, one entry each; seconds are of processor time."""

    seconds: list[float] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)

    def add(self, readers: list["Reader"], top: int, left: int, side: int) -> None:
        start = time.process_time()
        for reader in readers:
            reader.window(top, left, side)
        self.seconds.append(time.process_time() - start)
        self.chunks.append(sum(reader.chunks for reader in readers))
        self.reads.append(sum(reader.reads for reader in readers))
        self.bytes.append(sum(reader.bytes for reader in readers))


@dataclass(slots=True)
class _Taken:
    """What a layout took."""

    write_s: list[float] = field(default_factory=list)
    """Of processor time, one entry a turn."""
    stored_bytes: int = 0
    class_bytes: int = 0
    tile: _Read = field(default_factory=_Read)
    large: _Read = field(default_factory=_Read)
    date: _Read = field(default_factory=_Read)


def table() -> Iterator[str]:
    """Yield the lines of the table, after the layouts took turns."""
    blosc.use_threads = False
    try:
        with TemporaryDirectory(dir=data.CACHE) as folder:
            places = [Path(folder) / str(n) for n in range(len(LAYOUTS))]
            taken = [_Taken() for _ in LAYOUTS]
            for turn in range(TURNS):
                for layout, place, found in zip(LAYOUTS, places, taken, strict=True):
                    _take(layout, place, found, turn)
    finally:
        blosc.use_threads = None
    yield ""
    yield cells_line(HEADER)
    yield cells_line(["---"] * len(HEADER))
    for layout, found in zip(LAYOUTS, taken, strict=True):
        yield cells_line(_cells(layout, found))


def encoded_shard(layout: Layout, cells: Values) -> bytes:
    """Return the bytes of a whole shard, none of whose chunks is empty."""
    encoded, index = bytearray(), np.zeros((layout.side, layout.side, 2), "<u8")
    for at in np.ndindex(layout.side, layout.side):
        (top, left), side = (n * layout.chunk_px for n in at), layout.chunk_px
        chunk = np.ascontiguousarray(cells[top : top + side, left : left + side])
        body = blosc.compress(chunk, layout.codec.encode(), layout.level, layout.shuffle)
        index[at] = len(encoded), len(body) + CRC_BYTES
        encoded += body + crc_bytes(body)
    if layout.side > 1:
        encoded += index.tobytes() + crc_bytes(index.tobytes())
    return bytes(encoded)


def _take(layout: Layout, folder: Path, taken: _Taken, turn: int) -> None:
    """Write the planes and read of them; what is random is the same for all layouts."""
    folder.mkdir(exist_ok=True)
    start = time.process_time()
    stored = sum(_write(layout, _plane(band), folder / band) for band in BANDS)
    taken.write_s.append(time.process_time() - start)
    taken.stored_bytes = stored
    if turn == 0:
        taken.class_bytes = _write(layout, _classes(), folder / "SCL")
    chosen = random.Random(turn)
    for _ in range(READS):
        top, left = (chosen.randrange(SIDE_PX - 2 * WINDOW_PX) for _ in range(2))
        for found, side in ((taken.tile, WINDOW_PX), (taken.large, 2 * WINDOW_PX)):
            found.add([Reader(layout, folder / band) for band in BANDS], top, left, side)
        taken.date.add([Reader(layout, folder / BANDS[0])], top, left, 1)


@cache
def _plane(band: str) -> Values:
    data.big_scene()
    with rasterio.open(data.cog(band)) as file:
        cells: Values = file.read(1, window=Window(0, 0, SIDE_PX, SIDE_PX)).astype(np.int16)
    return cells


@cache
def _classes() -> NDArray[np.uint8]:
    """Lay the classes of Romania's dates side by side, in an order that does not repeat soon."""
    items = json.loads(data.ROMANIA.read_text())["features"]
    pieces = []
    for item in items:
        with rasterio.open(data.ROMANIA.parent / item["assets"]["SCL"]["href"]) as file:
            pieces.append(file.read(1))
    across = ceil(SIDE_PX / len(pieces[0]))
    chosen = random.Random(0).choices(pieces, k=across**2)
    rows = [np.hstack(chosen[n * across : (n + 1) * across]) for n in range(across)]
    whole: NDArray[np.uint8] = np.vstack(rows)[:SIDE_PX, :SIDE_PX]
    return whole


def _write(layout: Layout, plane: Values, folder: Path) -> int:
    """Encode and write a plane; return its bytes on disk."""
    folder.mkdir(exist_ok=True)
    written, side = 0, layout.shard_px
    for row, col in product(range(SIDE_PX // side), repeat=2):
        cells = plane[row * side : (row + 1) * side, col * side : (col + 1) * side]
        encoded = encoded_shard(layout, cells)
        (folder / f"{row}-{col}").write_bytes(encoded)
        written += len(encoded)
    return written


class Reader:
    """Reads a window of one band once, and counts.

    The shards of the band are files `row-column` of a folder.
    """

    def __init__(self, layout: Layout, folder: Path) -> None:
        self._layout = layout
        self._folder = folder
        self.reads = self.bytes = self.chunks = 0

    def window(self, top: int, left: int, side: int) -> Values:
        """Return the cells of a window: of each shard the index once, and the chunks it meets."""
        made = np.empty((side, side), np.int16)
        for row, col in product(
            *(_meets(first, side, self._layout.shard_px) for first in (top, left))
        ):
            self._shard(row, col, top, left, made)
        return made

    def _shard(self, row: int, col: int, top: int, left: int, out: Values) -> None:
        layout, side, chunk_px = self._layout, len(out), self._layout.chunk_px
        descriptor = os.open(self._folder / f"{row}-{col}", os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            index = np.array([[[0, size]]])
            if layout.side > 1:
                end = self._pread(descriptor, layout.index_bytes, size - layout.index_bytes)
                index = np.frombuffer(checked(end, "the index"), "<u8").reshape(
                    layout.side, layout.side, 2
                )
            for y, x in product(*(_meets(first, side, chunk_px) for first in (top, left))):
                if (y // layout.side, x // layout.side) != (row, col):
                    continue
                offset, length = index[y % layout.side, x % layout.side].tolist()
                body = checked(self._pread(descriptor, length, offset), "a chunk")
                cells = np.frombuffer(blosc.decompress(body), out.dtype).reshape(chunk_px, -1)
                self.chunks += 1
                y0, x0 = max(top, y * chunk_px), max(left, x * chunk_px)
                y1, x1 = min(top + side, (y + 1) * chunk_px), min(left + side, (x + 1) * chunk_px)
                inside = cells[
                    y0 - y * chunk_px : y1 - y * chunk_px, x0 - x * chunk_px : x1 - x * chunk_px
                ]
                out[y0 - top : y1 - top, x0 - left : x1 - left] = inside
        finally:
            os.close(descriptor)

    def _pread(self, descriptor: int, length: int, offset: int) -> bytes:
        self.reads += 1
        self.bytes += length
        return os.pread(descriptor, length, offset)


def _meets(first: int, length: int, piece: int) -> range:
    """Return the numbers of the pieces of an axis that a part of it meets."""
    return range(first // piece, ceil((first + length) / piece))


def _cells(layout: Layout, taken: _Taken) -> tuple[str, ...]:
    cells = len(BANDS) * SIDE_PX**2
    objects, size, indexes = archive(
        layout, taken.stored_bytes / cells, taken.class_bytes / SIDE_PX**2
    )
    return (
        *layout.names,
        f"{median(taken.tile.seconds) * 1e3:.2f} ms",
        f"{mean(taken.tile.chunks):.1f}, {_reads(taken.tile)}",
        f"{median(taken.large.seconds) * 1e3:.2f} ms",
        f"{median(taken.date.seconds) * 1e3:.2f} ms",
        _reads(taken.date),
        f"{cells * 2 / 1e6 / min(taken.write_s):.0f} MB/s",
        f"{taken.stored_bytes / cells:.2f}",
        f"{taken.class_bytes / SIDE_PX**2:.2f}",
        f"{objects / 1e6:,.0f} million",
        f"{size / 1e12:,.0f} TB",
        f"{indexes / 1e12:.2f} TB",
    )


def _reads(found: _Read) -> str:
    return f"{mean(found.reads):.1f}, {mean(found.bytes) / 1e3:,.0f} kB"


def archive(
    layout: Layout, bytes_a_cell: float, bytes_a_class: float
) -> tuple[float, float, float]:
    """Return objects, bytes and bytes of indexes of two million full scenes with their levels.

    A scene that lies anywhere on the shards' grid touches one more of them along each side than
    its length has. Masks of full scenes take objects, but next to no bytes.
    """
    objects = stored = 0.0
    for side, (bands, classes) in _SCENE_PX.items():
        length = float(side)
        while True:
            objects += (bands + classes + 1) * (length / layout.shard_px + 1) ** 2
            stored += (bands * bytes_a_cell + classes * bytes_a_class) * length**2
            if length <= _LEAST_PX:
                break
            length = ceil(length / 2)
    indexes = objects * layout.index_bytes
    return objects * _SCENES, (stored + indexes) * _SCENES, indexes * _SCENES
