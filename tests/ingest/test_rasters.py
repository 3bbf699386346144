"""Raster files read by several threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rasterio

from ingest.rasters import ObjectStoreAccess, RasterFile
from tests.ingest.sentinel2.items import pixels, write_raster


def test_files_without_georeferencing_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second thread opens when the first, which began before it, is done: no warning."""
    path = str(write_raster(tmp_path / "x.tif", pixels(6, 6), step=None))
    first_in, second_in, first_done = (threading.Event() for _ in range(3))
    this = threading.local()
    open_file = rasterio.open

    def open_in_turn(*args: object, **options: object) -> Any:  # noqa: ANN401  # rasterio's own
        if this.first and not first_in.is_set():
            first_in.set()
            assert second_in.wait(10)
        elif this.first:
            first_done.set()
        elif not second_in.is_set():
            second_in.set()
            assert first_done.wait(10)
        return open_file(*args, **options)

    def look(first: bool) -> RasterFile:  # noqa: FBT001  # mapped over both
        this.first = first
        assert first or first_in.wait(10)
        return RasterFile("x", path, ObjectStoreAccess())

    monkeypatch.setattr("ingest.rasters.rasterio.open", open_in_turn)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(look, (True, False)))

    assert [file.transform for file in found] == [None, None]
