"""NDVI of 140 dates at a place: the client, xarray and Dask by hand, and the bare work."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dask.array as da
import numpy as np
import rasterio
import xarray as xr
from dask.delayed import delayed
from numpy.typing import NDArray
from rasterio.windows import Window as RasterWindow

import copernicube
from bench import data
from bench.measure import Row, race
from copernicube import CubeView
from copernicube.wiring import Local, open_local
from datacube.cells import Values
from datacube.grid import Window
from datacube.protocols import BandRead

CUBE = "S2_L2A_3035"
ROUNDS = 4
SIDES_PX = (1, 100)
_BANDS = ("B04", "B08")


def rows() -> Iterator[Row]:
    """Yield a row for a point and one for the whole sample."""
    store = str(data.big_store())
    cube, local = copernicube.open(store)[CUBE], open_local(store, read_only=True)
    files = _files()
    for side in SIDES_PX:
        answers = [_ours(cube, side), _by_hand(files, side), _bare(local, side)]
        for other in answers[1:]:
            np.testing.assert_allclose(answers[0], other, rtol=1e-4, atol=1e-4)
        took = race(
            {
                "ours": partial(_ours, cube, side),
                "peer": partial(_by_hand, files, side),
                "bare": partial(_bare, local, side),
            },
            rounds=ROUNDS,
        )
        yield Row(
            what=f"NDVI of {len(files)} dates, {side} x {side} cells, mean a date",
            ours_s=took["ours"],
            peer_s=took["peer"],
            bare_s=took["bare"],
        )


def _ours(cube: CubeView, side: int, _round: int = 0) -> NDArray[np.float64]:
    left, _, _, top = cube.bbox
    box = left + 1, top - side * 10 + 1, left + side * 10 - 1, top - 1
    cells = cube.to_xarray(bbox=box, bands=_BANDS)
    ndvi = (cells.B08 - cells.B04) / (cells.B08 + cells.B04)
    return np.asarray(ndvi.mean(("y", "x")).compute().values)


def _files() -> list[dict[str, Path]]:
    """Return the file of each band, a date after the other."""
    items = json.loads(data.ROMANIA.read_text())["features"]
    items.sort(key=lambda item: item["properties"]["datetime"])
    return [
        {band: data.ROMANIA.parent / item["assets"][band]["href"] for band in _BANDS}
        for item in items
    ]


def _by_hand(files: list[dict[str, Path]], side: int, _round: int = 0) -> NDArray[np.float64]:
    """Do what a notebook does: a delayed read a file, stacked to a DataArray a band."""

    def read(path: Path) -> NDArray[np.float32]:
        with rasterio.open(path) as file:
            values = file.read(1, window=RasterWindow(0, 0, side, side)).astype(np.float32)
        values[values == 0] = np.nan
        return np.asarray(values)

    def stack(band: str) -> xr.DataArray:
        lazy = partial(delayed, pure=False)(read)
        planes = [
            da.from_delayed(lazy(paths[band]), (side, side), np.float32)  # type: ignore[no-untyped-call]  # Dask has no types
            for paths in files
        ]
        return xr.DataArray(da.stack(planes), dims=("time", "y", "x"))  # type: ignore[no-untyped-call]  # as above

    red, infrared = stack("B04"), stack("B08")
    ndvi = (infrared - red) / (infrared + red)
    return np.asarray(ndvi.mean(("y", "x")).compute().values)


def _bare(local: Local, side: int, _round: int = 0) -> NDArray[np.float64]:
    """Read each date's cells one after the other, and compute with NumPy."""
    view = local.catalog.view()
    cube = view.coverage(CUBE).cube
    group = cube.group("r10m")
    slots = view.slots(CUBE)
    (top, _), (left, _) = slots[0].windows[0].window.ranges
    window = Window(((top, top + side), (left, left + side)))

    def stack(name: str) -> Values:
        band = cube.band(name)
        request = BandRead(
            group=group,
            level=0,
            band=name,
            dtype=band.dtype,
            nodata=band.nodata,
            window=window,
        )
        read = np.stack([local.store.read(slot, request) for slot in slots])
        return np.where(read == band.nodata, np.float32("nan"), read.astype(np.float32))

    red, infrared = stack("B04"), stack("B08")
    return np.asarray(np.nanmean((infrared - red) / (infrared + red), axis=(1, 2)))
