"""The big scene: the bundled Virginia sample, tiled to a full Sentinel-2 tile; made once."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.shutil import copy as gdal_copy

if TYPE_CHECKING:
    from datacube.cells import Values

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
CACHE = ROOT / "build" / "bench" / "2"
"""The number counts the ways in which the data were made, and the schemas of catalogues."""
BANDS = ("B02", "B03", "B04", "B08")
SIDE_PX = 10980
LEFT_M, TOP_M = 399_960, 4_200_000
"""Corner of tile 18SVG, where the sample lies, in EPSG:32618."""
CRS = "EPSG:32618"
ITEM = CACHE / "scene" / "item.json"
STORE = CACHE / "store"
ROMANIA = SAMPLES / "romania" / "items.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What a child process took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    """Greatest resident memory (`ru_maxrss`)."""


def cog(band: str) -> Path:
    """Return the path of a band of the big scene, a COG with overviews."""
    return CACHE / "scene" / f"{band}.tif"


def colour_cog(bands: tuple[str, ...]) -> Path:
    """Return the path of a COG of several bands of the big scene, made unless it is there."""
    path = CACHE / f"{'-'.join(bands)}.tif"
    if not path.exists():
        plain, draft = path.with_suffix(".plain.tif"), path.with_suffix(".partial.tif")
        with rasterio.open(cog(bands[0])) as file:
            profile = file.profile | {"driver": "GTiff", "count": len(bands), "compress": "LZW"}
        with rasterio.open(plain, "w", **profile) as target:
            for number, band in enumerate(bands, start=1):
                with rasterio.open(cog(band)) as file:
                    target.write(file.read(1), number)
        _copy_as_cog(plain, draft)
        draft.rename(path)
    return path


def big_scene() -> Path:
    """Make the big scene unless it is there; return its STAC item."""
    if not ITEM.exists():
        draft = CACHE / "scene.partial"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for band in BANDS:
            _write_cog(draft / f"{band}.tif", _tiled(SAMPLES / "virginia" / f"{band}.tif"))
        (draft / "item.json").write_text(json.dumps(_item(), indent=1))
        draft.rename(ITEM.parent)
    return ITEM


def big_store() -> Path:
    """Ingest the big scene and the 140 dates of Romania unless that was done; return the store."""
    if not STORE.exists():
        draft = CACHE / "store.partial"
        shutil.rmtree(draft, ignore_errors=True)
        for place in (big_scene(), ROMANIA):
            copernicube("ingest", str(place), "--store", str(draft))
        draft.rename(STORE)
    return STORE


def copernicube(*arguments: str) -> Child:
    """Run the command line in a child process."""
    return child("-m", "copernicube", *arguments)


def child(*arguments: str) -> Child:
    """Run Python in a child process, and tell what it took from start to end.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    code = (
        "import resource, subprocess, sys, time; start = time.monotonic();"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE);"
        "took = time.monotonic() - start;"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024;"
        "sys.stderr.buffer.write(done.stderr) if done.returncode else print(took, cpu, peak);"
        "sys.exit(done.returncode)"
    )
    done = subprocess.run(  # noqa: S603  # fixed arguments
        [sys.executable, "-c", code, sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    seconds, cpu, peak = map(float, done.stdout.split())
    return Child(seconds=seconds, cpu_seconds=cpu, peak_mb=peak)


def _tiled(path: Path) -> NDArray[np.uint16]:
    """Repeat a sample, mirrored so that no edge shows, with noise so that no two chunks are equal.

    The noise has 1 bit: about what the sample itself has from pixel to pixel in water.
    """
    with rasterio.open(path) as file:
        sample: Values = file.read(1)
    rows, cols = sample.shape
    mirrored = np.pad(sample, ((0, rows), (0, cols)), mode="symmetric")
    times = -(-SIDE_PX // (2 * rows)), -(-SIDE_PX // (2 * cols))
    whole = np.tile(mirrored, times)[:SIDE_PX, :SIDE_PX]
    rng = np.random.default_rng(int(path.stem[1:]))
    noise = rng.integers(0, 2, whole.shape, dtype=np.uint8)
    return np.asarray(whole + noise, dtype=np.uint16)


def _write_cog(path: Path, values: NDArray[np.uint16]) -> None:
    plain = path.with_suffix(".plain.tif")
    profile = {
        "driver": "GTiff",
        "dtype": "uint16",
        "count": 1,
        "height": SIDE_PX,
        "width": SIDE_PX,
        "crs": CRS,
        "transform": Affine(10, 0, LEFT_M, 0, -10, TOP_M),
        "nodata": 0,
        "tiled": True,
    }
    with rasterio.open(plain, "w", **profile) as file:
        file.write(values, 1)
    _copy_as_cog(plain, path)


def _copy_as_cog(plain: Path, path: Path) -> None:
    """Copy a file, which is deleted."""
    gdal_copy(
        plain,
        path,
        driver="COG",
        COMPRESS="DEFLATE",
        PREDICTOR="YES",
        BLOCKSIZE=512,
        OVERVIEW_RESAMPLING="AVERAGE",
        NUM_THREADS="ALL_CPUS",
    )
    plain.unlink()


def _item() -> dict[str, object]:
    """Return the sample's item with the area of the whole tile."""
    item: dict[str, object] = json.loads((SAMPLES / "virginia" / "item.json").read_text())
    assets = item["assets"]
    if not isinstance(assets, dict):
        raise TypeError("the sample's item has no assets")
    box = [-76.14, 36.95, -74.88, 37.95]
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    kept = {band: dict(assets[band]) for band in BANDS}
    for asset in kept.values():
        asset["proj:shape"] = [SIDE_PX, SIDE_PX]
        asset["proj:transform"] = [10, 0, LEFT_M, 0, -10, TOP_M]
    return item | {
        "id": "S2_L1C_T18SVG_BENCH",
        "bbox": box,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "assets": kept,
        "links": [],
    }
