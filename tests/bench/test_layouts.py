"""Layouts are written as the store writes its own, and read as they were written."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.layouts import LAYOUTS, STORED, Layout, Reader, archive, encoded_shard
from datacube.grid import Window
from datacube.store.shards import encode_shard


def cells(side_px: int) -> NDArray[np.int16]:
    rows, cols = np.ogrid[:side_px, :side_px]
    return np.asarray(rows * 3 + cols * cols % 1009, dtype=np.int16)


def test_the_first_layout_is_that_of_the_store() -> None:
    plane = cells(STORED.shard_px)
    whole = Window(((0, STORED.shard_px), (0, STORED.shard_px)))
    assert LAYOUTS[0] == STORED
    assert encoded_shard(STORED, plane) == encode_shard((0, 0), whole, plane, -32768)


@pytest.mark.parametrize(
    ("layout", "chunks", "reads"),
    [
        (Layout(chunk_px=64, shard_px=256), 25, 29),
        (Layout(chunk_px=128, shard_px=256, codec="zstd", level=1), 9, 13),
        (Layout(chunk_px=256, shard_px=256), 4, 4),
    ],
)
def test_a_window_across_four_shards(
    tmp_path: Path, layout: Layout, chunks: int, reads: int
) -> None:
    plane = cells(512)
    for row, col in np.ndindex(2, 2):
        part = plane[row * 256 : row * 256 + 256, col * 256 : col * 256 + 256]
        (tmp_path / f"{row}-{col}").write_bytes(encoded_shard(layout, part))
    reader = Reader(layout, tmp_path)
    np.testing.assert_array_equal(reader.window(101, 130, 270), plane[101:371, 130:400])
    assert (reader.chunks, reader.reads) == (chunks, reads)


def test_an_archive_of_shards_of_one_scene_is_counted_level_by_level() -> None:
    larger, smaller = archive(Layout(shard_px=4096), 1.5, 0.5), archive(STORED, 1.5, 0.5)
    assert larger[0] < smaller[0] < 1.2e9, "scaling.md counts 530 objects a scene"
    assert smaller[2] == smaller[0] * (64 * 16 + 4)
    # Level 0 alone has these cells, and all levels together at most a third more.
    cells_0 = 2_000_000 * (10_980**2 * 4 + 5_490**2 * 6 + 1_830**2 * 2)
    assert 1.3 < (smaller[1] - smaller[2]) / (1.5 * cells_0) < 1.36
