"""Reductions of 20 GB of cells: time, throughput, and memory at the peak above the idle process."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from time import monotonic

import numpy as np

from bench.alone import alone
from bench.data import CACHE
from bench.measure import Row
from bench.scenes import Pictures
from copernicube.wiring import open_local
from datacube.cells import Values
from datacube.grid import Window
from datacube.protocols import BandRead
from tests.builders.made import make_store
from tests.builders.sparse import NODATA, Part, Sparse, add_sparse

CUBE, DATES, SIDE_PX = "WIDE", 42, 10980
BANDS = ("B04", "B08")
STORE = CACHE / "wide-store"
QUERIES = {
    "mean of a difference": "avg($c.B08 - $c.B04)",
    "median of a band": "median($c.B08)",
}


def store() -> Path:
    """Make the cube unless it is there; return its store.

    One date is written; the others are links to its files, which are read all the same.
    """
    if not STORE.exists():
        draft = STORE.with_suffix(".partial")
        shutil.rmtree(draft, ignore_errors=True)
        made = make_store(draft)
        pictures = Pictures(SIDE_PX)

        def content(_: int, band: str, part: Part) -> Values:
            return np.ascontiguousarray(pictures.part(0, band, part))

        whole = ((0, SIDE_PX, 0, SIDE_PX),)
        wide = Sparse(name=CUBE, dates=DATES, side_px=SIDE_PX, parts=whole, bands=BANDS, variants=1)
        add_sparse(made, wide, content)
        made.local.catalog.close()
        draft.rename(STORE)
    return STORE


def rows() -> Iterator[Row]:
    """Yield a row a query; the bare work is decoding the same chunks on two threads."""
    for name, formula in QUERIES.items():
        bands = [band for band in BANDS if f".{band}" in formula]
        few = 'min($c.B04[ansi:"CRS:1"(0), E:"CRS:1"(0:9), N:"CRS:1"(0:9)])'
        took, peak = alone(
            store(),
            f"for $c in ({CUBE}) return {formula}",
            before=f"for $c in ({CUBE}) return {few}",
        )
        start = monotonic()
        size = _read(bands)
        yield Row(
            what=f"{name}, {size / 1e9:.1f} GB",
            ours_s=took,
            bare_s=monotonic() - start,
            note=f"{size / 1e9 / took:.2f} GB/s, {peak / 1e6:.0f} MB at the peak above idle",
        )


def _read(bands: list[str]) -> int:
    """Decode all cells of bands, a block of a shard at a time; return their bytes."""
    local = open_local(str(store()), read_only=True)
    view = local.catalog.view()
    coverage = view.coverage(CUBE)
    cuts = [(k, min(k + 2048, SIDE_PX)) for k in range(0, SIDE_PX, 2048)]
    requests = [
        BandRead(
            group=coverage.cube.groups[0],
            level=0,
            band=name,
            dtype="int16",
            nodata=NODATA,
            window=Window((rows, cols)),
        )
        for name, rows, cols in product(bands, cuts, cuts)
    ]
    work = product(view.slots(CUBE), requests)
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda one: local.store.read(*one).nbytes, work))
