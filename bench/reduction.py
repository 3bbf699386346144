"""Reductions of 20 GB of cells: time, throughput, and memory at the peak above the idle process."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data import CACHE, ROOT
from bench.measure import Row
from bench.scenes import Pictures
from datacube.cells import Values
from tests.builders.made import make_store
from tests.builders.sparse import Part, Sparse, add_sparse

CUBE, DATES, SIDE_PX = "WIDE", 42, 10980
BANDS = ("B04", "B08")
STORE = CACHE / "wide-store"
QUERIES = {
    "mean of a difference": "avg($c.B08 - $c.B04)",
    "median of a band": "median($c.B08)",
}
_CHILD = """
import re, sys, time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from copernicube.wiring import open_local
from datacube.grid import Window
from datacube.protocols import BandRead, Limits

def status(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

def bare(bands):
    view = local.catalog.view()
    coverage = view.coverage(cube)
    group, side = coverage.cube.groups[0], coverage.grid.x.size
    cuts = [(k, min(k + 2048, side)) for k in range(0, side, 2048)]
    work = [
        (slot, BandRead(group=group, level=0, band=name, dtype="int16", nodata=-32768,
                        window=Window((rows, cols))))
        for slot, name, rows, cols in product(view.slots(cube), bands, cuts, cuts)
    ]
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda one: local.store.read(*one).nbytes, work))

store, cube, text, *bands = sys.argv[1:]
local = open_local(store, read_only=True, limits=Limits(decoded_bytes=2**40, seconds=3600))
ask = local.engine.session().query
ask(f'for $c in ({cube}) return min($c.B04[ansi:"CRS:1"(0), E:"CRS:1"(0:9), N:"CRS:1"(0:9)])')
idle = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
start = time.monotonic()
ask(text)
took, peak = time.monotonic() - start, status("VmHWM") - idle
start = time.monotonic()
size = bare(bands)
print(took, peak, size, time.monotonic() - start)
"""


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
        text = f"for $c in ({CUBE}) return {formula}"
        done = subprocess.run(  # noqa: S603  # fixed arguments
            [sys.executable, "-c", _CHILD, str(store()), CUBE, text, *bands],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stderr}")
        took, peak, size, bare = map(float, done.stdout.split())
        yield Row(
            what=f"{name}, {size / 1e9:.1f} GB",
            ours_s=took,
            bare_s=bare,
            note=f"{size / 1e9 / took:.2f} GB/s, {peak / 1e6:.0f} MB at the peak above idle",
        )
