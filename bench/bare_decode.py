"""Decode the JPEG 2000 files that an ingest reads, and nothing else: `... SAFE JOBS`.

Each file once, whole, by rows of its tiles, the largest first, `JOBS` at once: as fast as GDAL
and OpenJPEG give the cells.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rasterio
from rasterio.windows import Window

from tests.builders.bands import BAND_BY_NAME

_IMAGE = re.compile(r"_(B\w\w|AOT|WVP|SCL|TCI)_(\d\d)m$")
_NATIVE_M = {"AOT": 20, "WVP": 20, "SCL": 20, "TCI": 10}


def read_files(safe: Path) -> list[Path]:
    """Return the images of each band at its own resolution, and the masks; the largest first."""
    found = [path for path in safe.rglob("*.jp2") if _is_read(path)]
    return sorted(found, key=lambda path: path.stat().st_size, reverse=True)


def _is_read(path: Path) -> bool:
    if path.name.startswith("MSK_"):
        return not path.name.endswith("_60m.jp2")
    image = _IMAGE.search(path.stem)
    if image is None:
        return False
    name, resolution_m = image[1], int(image[2])
    native_m = _NATIVE_M.get(name) or BAND_BY_NAME[name].resolution_m
    return resolution_m == native_m


def decode(path: Path) -> int:
    """Read all cells; return their bytes."""
    nbytes = 0
    with rasterio.open(path) as file:
        for top in range(0, file.height, file.block_shapes[0][0]):
            rows = min(file.block_shapes[0][0], file.height - top)
            nbytes += file.read(window=Window(0, top, file.width, rows)).nbytes
    return nbytes


if __name__ == "__main__":
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        sum(pool.map(decode, read_files(Path(sys.argv[1]))))
