"""The bands of the big scene into Zarr by hand: `python -m bench.bare_ingest bare|dask TARGET`.

Level 0 only: no pyramid, no masks, no radiometry, nothing flushed, no catalogue.
"""

import sys
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import rasterio
import zarr
from dask.delayed import delayed
from numpy.typing import NDArray
from rasterio.windows import Window
from zarr.codecs import BloscCodec

from bench import data
from datacube.cube import INNER_CHUNK_PX, SHARD_PX


def by_rows(target: Path) -> None:
    """Read shards' rows of each band and write them, one after the other."""
    for band in data.BANDS:
        array = _array(target, band)
        with rasterio.open(data.cog(band)) as file:
            for top, rows in _strips():
                array[top : top + rows] = file.read(1, window=Window(0, top, data.SIDE_PX, rows))


def by_dask(target: Path) -> None:
    """Store lazy blocks of whole shards' rows, two at once."""

    def read(band: str, top: int, rows: int) -> NDArray[np.uint16]:
        with rasterio.open(data.cog(band)) as file:
            return np.asarray(file.read(1, window=Window(0, top, data.SIDE_PX, rows)))

    lazy: Any = delayed(read, pure=False)
    sources, targets = [], []
    for band in data.BANDS:
        blocks = [
            da.from_delayed(lazy(band, top, rows), (rows, data.SIDE_PX), np.uint16)  # type: ignore[no-untyped-call]  # Dask has no types
            for top, rows in _strips()
        ]
        sources.append(da.concatenate(blocks))  # type: ignore[no-untyped-call]  # as above
        targets.append(_array(target, band))
    store: Any = da.store  # its annotation knows no Zarr array
    store(sources, targets, lock=False, scheduler="threads", num_workers=2)


def _strips() -> list[tuple[int, int]]:
    return [(top, min(SHARD_PX, data.SIDE_PX - top)) for top in range(0, data.SIDE_PX, SHARD_PX)]


def _array(target: Path, band: str) -> "zarr.Array[Any]":
    return zarr.create_array(
        target / band,
        shape=(data.SIDE_PX, data.SIDE_PX),
        dtype="uint16",
        chunks=(INNER_CHUNK_PX, INNER_CHUNK_PX),
        shards=(SHARD_PX, SHARD_PX),
        fill_value=0,
        compressors=[BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=2)],
    )


if __name__ == "__main__":
    {"bare": by_rows, "dask": by_dask}[sys.argv[1]](Path(sys.argv[2]))
