"""Coverages of the bundled Sentinel-2 samples against rasterio."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.warp import Resampling, reproject
from starlette.testclient import TestClient

from tests.ogc.api.test_edr_real import FOREST, SHORE, client

__all__ = ["client"]


def test_a_window_of_bands_is_what_the_files_hold(client: TestClient, samples: Path) -> None:
    with rasterio.open(samples / "virginia/B04.tif") as source:
        left, top = source.transform @ (20, 30)
        right, bottom = source.transform @ (60, 55)
        expected = source.read(1)[30:55, 20:60].astype(np.int32)
    params = {"subset": f"E({left}:{right}),N({bottom}:{top})", "properties": "B04"}
    whole = client.get(f"/ogcapi/collections/{SHORE}", params={"f": "json"}).json()
    day = whole["extent"]["temporal"]["interval"][0][0]
    reply = client.get(f"/ogcapi/collections/{SHORE}/coverage", params=params | {"datetime": day})
    assert reply.status_code == 200, reply.text
    with MemoryFile(reply.content) as file, file.open() as opened:
        cells = opened.read(1).astype(np.int32)
        assert (opened.transform.c, opened.transform.f) == (left, top)
    assert cells.shape == expected.shape
    assert len(np.unique(cells - expected)) == 1


def test_a_warped_forest_is_what_gdal_makes_of_the_file(client: TestClient, samples: Path) -> None:
    path = samples / "romania/2019-04-07/B08.tif"
    params = {"datetime": "2019-04-07", "properties": "B08", "crs": "EPSG:4326"}
    reply = client.get(f"/ogcapi/collections/{FOREST}/coverage", params=params)
    assert reply.status_code == 200, reply.text
    with MemoryFile(reply.content) as file, file.open() as opened:
        cells, transform, nodata = opened.read(1), opened.transform, opened.nodata
    with rasterio.open(path) as source:
        expected = np.full(cells.shape, source.nodata, source.dtypes[0])
        reproject(
            rasterio.band(source, 1),
            expected,
            dst_transform=transform,
            dst_crs="EPSG:4326",
            dst_nodata=source.nodata,
            resampling=Resampling.nearest,
            tolerance=0,
        )
        valid = (expected != source.nodata) & (cells != nodata)
        assert ((expected != source.nodata) == (cells != nodata)).mean() > 0.99
    differences = cells.astype(np.int64)[valid] - expected.astype(np.int64)[valid]
    common = np.bincount(differences - differences.min()).max()
    assert common / valid.sum() > 0.99
