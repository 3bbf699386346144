from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray

from datacube.grid import Window
from ingest.rasters import ObjectStoreAccess, RasterFile
from ingest.sentinel2.colours import Colours
from tests.builders.jp2 import write_jp2


@pytest.fixture
def planes() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (3, 200, 130), dtype=np.uint8)


@pytest.fixture
def file(tmp_path: Path, planes: NDArray[np.uint8]) -> RasterFile:
    path = tmp_path / "TCI.jp2"
    write_jp2(path, planes, epsg=32633, transform=Affine(10, 0, 500000, 0, -10, 5200000))
    return RasterFile("TCI", str(path), ObjectStoreAccess())


def test_each_window_is_decoded_once_for_all_three(
    file: RasterFile, planes: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Window] = []
    read_planes = RasterFile.read_planes

    def counted(self: RasterFile, window: Window) -> NDArray[Any]:
        decoded.append(window)
        return read_planes(self, window)

    monkeypatch.setattr(RasterFile, "read_planes", counted)
    colours = Colours(file)
    windows = [Window(((top, top + 50), (3, 120))) for top in range(0, 200, 50)]

    def band(plane: int) -> NDArray[Any]:
        return np.concatenate([colours.read(window, plane) for window in windows])

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(band, range(3)))
    np.testing.assert_array_equal(found, planes[:, :, 3:120])
    assert sorted(decoded, key=str) == sorted(windows, key=str)


def test_what_is_asked_for_again_is_read_again(file: RasterFile, planes: NDArray[np.uint8]) -> None:
    colours, window = Colours(file), Window(((10, 20), (0, 130)))
    for _ in range(2):
        np.testing.assert_array_equal(colours.read(window, 1), planes[1, 10:20])
