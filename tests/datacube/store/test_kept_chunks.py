"""What maps keep of the store: the same cells, from memory, within a bound."""

from pathlib import Path

import numpy as np

from datacube.cells import Values
from datacube.grid import Window
from datacube.store import KeptChunks
from datacube.store.shards import encode_shard, read_shard

SHARD = (0, 0)
CHUNK_BYTES = 256 * 256 * 2
WHOLE = Window(((0, 2048), (0, 2048)))


def made(folder: Path) -> tuple[str, Values]:
    """Write a shard whose second row of chunks is nodata."""
    cells = np.random.default_rng(2).integers(1, 9999, (2048, 2048)).astype(np.int16)
    cells[256:512] = -1
    path = folder / "shard"
    path.write_bytes(encode_shard(SHARD, WHOLE, cells, -1))
    return str(path), cells


def read(path: str, kept: KeptChunks | None, *ranges: tuple[int, int]) -> Values:
    out = np.zeros([stop - start for start, stop in ranges], np.int16)
    read_shard(path, SHARD, Window(ranges), out, -1, kept)
    return out


def test_kept_cells_are_the_stored_ones(tmp_path: Path) -> None:
    path, cells = made(tmp_path)
    kept = KeptChunks(2**30)
    for _ in range(2):
        for rows, cols in (
            ((0, 2048), (0, 2048)),
            ((250, 600), (511, 513)),
            ((7, 8), (2047, 2048)),
        ):
            found = read(path, kept, rows, cols)
            np.testing.assert_array_equal(found, cells[slice(*rows), slice(*cols)])
            np.testing.assert_array_equal(found, read(path, None, rows, cols))


def test_what_is_kept_is_not_read_again(tmp_path: Path) -> None:
    path, cells = made(tmp_path)
    kept = KeptChunks(2**30)
    read(path, kept, (0, 600), (0, 300))
    assert kept.held_bytes == 4 * CHUNK_BYTES
    Path(path).unlink()
    np.testing.assert_array_equal(read(path, kept, (0, 600), (0, 300)), cells[:600, :300])


def test_the_bound_holds_and_the_last_used_stay(tmp_path: Path) -> None:
    path, _ = made(tmp_path)
    kept = KeptChunks(3 * CHUNK_BYTES)
    for col in (0, 1, 2, 0, 3):
        read(path, kept, (0, 1), (col * 256, col * 256 + 1))
        assert kept.held_bytes <= 3 * CHUNK_BYTES
    assert [kept.chunk((path, 0, col)) is not None for col in range(4)] == [True, False, True, True]


def test_no_room_keeps_nothing(tmp_path: Path) -> None:
    path, cells = made(tmp_path)
    kept = KeptChunks(0)
    np.testing.assert_array_equal(read(path, kept, (0, 9), (0, 9)), cells[:9, :9])
    assert kept.held_bytes == 0
    assert kept.chunk((path, 0, 0)) is None
