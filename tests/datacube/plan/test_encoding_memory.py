"""What encoders take in a fresh process, against what is told before they begin."""

import subprocess
import sys
from pathlib import Path

import pytest

from datacube.cube import ResolutionGroup
from datacube.plan.cost import estimate
from datacube.plan.formats import GEOTIFF, GML, NETCDF, ZARR
from datacube.plan.nodes import Domain, Encode, Scan
from tests.builders.made import Frame, add_cube, make_store, regular
from tests.builders.plans import reflectance, utm_grid

WARM = 'for $c in (S) return encode($c[Lat(0:5), Lon(0:5)], "{}")'
QUERY = 'for $c in (S) return encode($c * 0.5, "{}")'
MEASURE = """
import ctypes, gc, sys, threading, time
from copernicube.wiring import open_local
from datacube.plan.cost import estimate
from dataclasses import replace
session = open_local(sys.argv[1]).engine.session()
session.query(sys.argv[2])
processor = session.processor()
(result,) = processor.bind(sys.argv[3])
root = result.value.root
told = estimate(replace(root, source=processor.prepare(root.source))).peak_memory_bytes
gc.collect()
ctypes.CDLL("libc.so.6").malloc_trim(0)
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
idle = peak = resident()
done = False
def watch():
    global peak
    while not done:
        peak = max(peak, resident())
        time.sleep(0.001)
watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
session.query(sys.argv[3])
done = True
watcher.join()
print(peak - idle, told)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import numpy as np  # noqa: PLC0415 beside the arrays it makes
    from pyproj import CRS  # noqa: PLC0415

    path = tmp_path_factory.mktemp("store")
    axes = (regular("Lat", 50, 0, 1500), regular("Lon", 0, 50, 1500))
    noise = np.random.default_rng(5).integers(0, 9000, (1500, 1500)).astype("int16")
    add_cube(make_store(path), "S", {"v": noise}, Frame(axes=axes, crs=CRS.from_epsg(4326)))
    return path


@pytest.mark.parametrize("kind", ["tiff", "netcdf", "zarr", "png", "jpeg", "csv", "json"])
def test_the_process_never_takes_more_than_was_told(store: Path, kind: str) -> None:
    command = [sys.executable, "-c", MEASURE, str(store), WARM.format(kind), QUERY.format(kind)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    taken, told = map(int, done.stdout.split())
    assert 1_000_000 < taken <= told < 15 * taken


@pytest.mark.parametrize("kind", [GEOTIFF, NETCDF, ZARR])
def test_files_that_are_written_by_blocks_take_no_more_for_more_cells(kind: str) -> None:
    assert told(kind, 20_000) <= 2 * told(kind, 10_000) < 600_000_000
    assert told(GML, 20_000) > 2 * told(GML, 10_000)


def told(kind: str, side: int) -> int:
    """Return the memory that is told of a square of two bands."""
    grid = utm_grid(side, side)
    plan = Scan(
        cube="S",
        group=ResolutionGroup(name="r10m", grid=grid),
        level=0,
        bands=(reflectance("B03"), reflectance("B04")),
        stacks=(),
        domain=Domain(outer=(), grid=grid),
    )
    return estimate(Encode(source=plan, media_type=kind)).peak_memory_bytes
