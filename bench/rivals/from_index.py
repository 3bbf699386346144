"""Tile servers of the package index, each in its own environment: titiler, xpublish-tiles."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import rasterio
import zarr

from bench.data import BANDS, CACHE, CRS, LEFT_M, ROOT, TOP_M, colour_cog
from bench.mercator import Tile
from bench.servers import Server, free_port, running

if TYPE_CHECKING:
    from datacube.cells import Values

PROCESSES = 2
PACKAGES = {
    "titiler": ("titiler-application==2.4.0", "uvicorn"),
    "xpublish": ("xpublish-tiles==0.12.0", "zarr", "uvicorn"),
}
_FOLDER = CACHE.parent / "peers"
_RGB = (BANDS[2], BANDS[1], BANDS[0])
_ZARR = _FOLDER / "rgb.zarr"
_LEVELS = 6
_CHUNK = 512


def missing(name: str) -> str:
    """Install a server unless that was done; tell why it cannot be had, empty: it is there."""
    folder = _FOLDER / name
    if (folder / ".installed").exists():
        return ""
    uv = shutil.which("uv") or (ROOT / ".tools/bin/uv")
    if Path(uv).exists():
        steps = [
            [str(uv), "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
            [str(uv), "pip", "install", "-q", "--python", str(_python(name)), *PACKAGES[name]],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(_python(name)), "-m", "pip", "install", "-q", *PACKAGES[name]],
        ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
        if done.returncode:
            return f"{' '.join(step)} failed: {done.stderr[-300:]}"
    (folder / ".installed").touch()
    return ""


@contextmanager
def titiler() -> Iterator[Server]:
    """Serve the COG with titiler's application."""
    settings = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_INGESTED_BYTES_AT_OPEN": "32768"}
    with _uvicorn("titiler", ["titiler.application.main:app"], settings) as server:
        yield server


def titiler_tile(tile: Tile, image: str) -> str:
    """Return the address of a tile: the stretch of ours, and its gamma."""
    cog = quote(str(colour_cog(_RGB)), safe="")
    stretch = "".join(
        f"&rescale={low},{high}" for low, high in ((200, 2800), (370, 2800), (680, 2900))
    )
    return (
        f"/cog/tiles/WebMercatorQuad/{tile.zoom}/{tile.col}/{tile.row}.{image}"
        f"?url={cog}{stretch}&color_formula=gamma%20rgb%201.35"
    )


@contextmanager
def xpublish() -> Iterator[Server]:
    """Serve a pyramid of Zarr arrays with the same cells."""
    _make_zarr()
    settings = {"PYTHONPATH": str(Path(__file__).parent), "XPUBLISH_ZARR": str(_ZARR)}
    # The application is made in each process, in the environment of xpublish.
    with _uvicorn("xpublish", ["--factory", "xpublish_application:create"], settings) as server:
        yield server


def xpublish_tile(tile: Tile, image: str) -> str:
    """Return the address of a tile: one stretch for all bands and no gamma; it has no others."""
    return (
        f"/tiles/WebMercatorQuad/{tile.zoom}/{tile.row}/{tile.col}?variables=rgb&style=raster/rgb"
        f"&colorscalerange=200,2900&width=256&height=256&f=image/{image}"
    )


@contextmanager
def _uvicorn(name: str, what: list[str], settings: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [str(_python(name)), "-m", "uvicorn", *what, "--port", str(port)]
    quiet = ["--workers", str(PROCESSES), "--log-level", "error", "--no-access-log"]
    with running([*command, *quiet], port, settings) as server:
        yield server


def _python(name: str) -> Path:
    return _FOLDER / name / "bin" / "python"


def _make_zarr() -> None:
    """Write the COG's levels as groups `0`, `1`, ... with the conventions of GeoZarr."""
    if _ZARR.exists():
        return
    draft = _ZARR.with_suffix(".partial")
    shutil.rmtree(draft, ignore_errors=True)
    root = zarr.create_group(draft, attributes={"proj:code": CRS})
    for level in range(_LEVELS):
        options = {} if level == 0 else {"overview_level": level - 1}
        with rasterio.open(colour_cog(_RGB), **options) as file:
            cells: Values = file.read()
            cell = file.transform.a
        _write_level(root.create_group(str(level)), cells, cell)
    draft.rename(_ZARR)
    zarr.consolidate_metadata(_ZARR)


def _write_level(group: zarr.Group, cells: "Values", cell: float) -> None:
    _, rows, cols = cells.shape
    group.attrs.update(
        {
            "proj:code": CRS,
            "spatial:dimensions": ["y", "x"],
            "spatial:transform": [cell, 0.0, LEFT_M, 0.0, -cell, TOP_M],
            "spatial:shape": [rows, cols],
        }
    )
    group.create_array(
        "rgb",
        data=cells,
        chunks=(3, min(_CHUNK, rows), min(_CHUNK, cols)),
        dimension_names=("band", "y", "x"),
        attributes={"grid_mapping": "spatial_ref", "_FillValue": 0},
    )
    x = LEFT_M + (np.arange(cols) + 0.5) * cell
    y = TOP_M - (np.arange(rows) + 0.5) * cell
    for name, centres, axis in (
        ("x", x, "projection_x_coordinate"),
        ("y", y, "projection_y_coordinate"),
    ):
        group.create_array(
            name,
            data=centres,
            chunks=centres.shape,
            dimension_names=(name,),
            attributes={"standard_name": axis, "units": "m"},
        )
    crs = rasterio.crs.CRS.from_string(CRS)
    group.create_array(
        "spatial_ref",
        data=np.array(0),
        attributes={"crs_wkt": crs.to_wkt(), "spatial_ref": crs.to_wkt()},
    )
