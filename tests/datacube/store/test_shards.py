"""Shards that are encoded without Zarr are those that Zarr reads."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from datacube.cells import Values
from datacube.grid import Window
from datacube.store.shards import encode_shard, read_shard

SHARD = (1, 3)
CORNER = (2048, 6144)


def by_zarr(folder: Path, data: bytes, dtype: str, nodata: float) -> Values:
    """Decode a shard with Zarr's own codecs; shape `(2048, 2048)`."""
    array = zarr.create_array(
        folder,
        shape=(1, 2048, 2048),
        dtype=dtype,
        chunks=(1, 256, 256),
        shards=(1, 2048, 2048),
        fill_value=nodata,
        compressors=[BloscCodec(cname="lz4", shuffle="bitshuffle"), Crc32cCodec()],
    )
    file = folder / "c" / "0" / "0" / "0"
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    found: Values = np.asarray(array[0])
    return found


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("int16", -32768), ("uint8", 0), ("uint16", 0), ("float32", float("nan")), ("float64", -9999)],
)
@pytest.mark.parametrize(
    "window",
    [((0, 2048), (0, 2048)), ((300, 301), (255, 257)), ((1793, 2048), (0, 700))],
    ids=["whole", "seam", "corner"],
)
def test_zarr_reads_what_was_encoded(
    tmp_path: Path, dtype: str, nodata: float, window: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    (y0, y1), (x0, x1) = window
    rng = np.random.default_rng(1)
    cells = rng.integers(1, 99, (y1 - y0, x1 - x0)).astype(dtype)
    cells[rng.random(cells.shape) < 0.2] = nodata
    cells[: 256 if y1 > 512 else 0, 256:512] = nodata
    part = Window(((CORNER[0] + y0, CORNER[0] + y1), (CORNER[1] + x0, CORNER[1] + x1)))

    data = encode_shard(SHARD, part, cells, nodata)

    expected = np.full((2048, 2048), nodata, dtype)
    expected[y0:y1, x0:x1] = cells
    np.testing.assert_array_equal(by_zarr(tmp_path / "z", data, dtype, nodata), expected)
    assert data == encode_shard(SHARD, part, np.asfortranarray(cells), nodata)
    file = tmp_path / "shard"
    file.write_bytes(data)
    out = np.empty(cells.shape, dtype)
    read_shard(str(file), SHARD, part, out, nodata)
    np.testing.assert_array_equal(out, cells)


def test_a_chunk_without_data_takes_no_bytes() -> None:
    cells = np.full((2048, 2048), -32768, np.int16)
    part = Window(((CORNER[0], CORNER[0] + 2048), (CORNER[1], CORNER[1] + 2048)))
    cells[700, 1900] = 1
    data = encode_shard(SHARD, part, cells, -32768)
    index = np.frombuffer(data[-1028:-4], "<u8").reshape(8, 8, 2)
    assert np.argwhere(index[..., 0] != 2**64 - 1).tolist() == [[2, 7]]
