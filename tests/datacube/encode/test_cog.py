"""COGs that are written in one pass, read back by GDAL."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rasterio.io import DatasetReader, MemoryFile

from datacube.axes import RegularAxis
from datacube.encode import cog, rasters
from datacube.encode.geotiff import encode_geotiff
from datacube.plan.encoding import EncodeParameters
from tests.builders.plans import Held, held, reflectance, time_axis, utm_grid

type Open = Callable[[bytes], DatasetReader]


def encoded(source: Held, parameters: EncodeParameters | None = None) -> bytes:
    job = source.job("image/tiff")
    node = replace(job.node, parameters=parameters or EncodeParameters())
    body = encode_geotiff(replace(job, node=node))
    return body if isinstance(body, bytes) else _taken(body)


def _taken(path: Path) -> bytes:
    body = path.read_bytes()
    path.unlink()
    return body


@pytest.fixture
def opened() -> Iterator[Open]:
    files: list[MemoryFile] = []

    def open_(body: bytes) -> DatasetReader:
        files.append(MemoryFile(body))
        dataset: DatasetReader = files[-1].open()
        return dataset

    yield open_
    for file in files:
        file.close()


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"]
)
def test_every_type_is_read_back(opened: Open, dtype: str) -> None:
    nodata = float("nan") if dtype.startswith("f") else 0
    band = replace(reflectance("B04"), dtype=dtype, nodata=nodata, scale=1.0)
    source = held((band,), utm_grid(530, 1030))
    if dtype.endswith("int32"):
        source.values["B04"][:] *= 400_000
    dataset = opened(encoded(source))
    assert dataset.dtypes == (dtype,)
    np.testing.assert_array_equal(dataset.read(1), source.expected("B04", nodata))


def test_blocks_that_are_evaluated_apart_make_one_image(opened: Open) -> None:
    bands = tuple(reflectance(name) for name in ("B02", "B03", "B04"))
    # Blocks of three bands have sides of 1024 cells.
    source = held(bands, utm_grid(2300, 1100))
    dataset = opened(encoded(source))
    for number, band in enumerate(bands, start=1):
        np.testing.assert_array_equal(dataset.read(number), source.expected(band.name, -32768))


def test_overviews_are_every_second_cell_of_the_next_larger(opened: Open) -> None:
    source = held((reflectance("B02"), reflectance("B04")), utm_grid(2300, 1111))
    body = encoded(source)
    assert opened(body).overviews(1) == [2, 4, 8]
    for level, step in enumerate((2, 4, 8)):
        with MemoryFile(body) as file, file.open(OVERVIEW_LEVEL=level) as dataset:
            for number, name in enumerate(("B02", "B04"), start=1):
                expected = source.expected(name, -32768)[::step, ::step]
                np.testing.assert_array_equal(dataset.read(number), expected)


def test_rows_may_run_along_x(opened: Open) -> None:
    source = held((reflectance("B04"),), utm_grid(1300, 700), outer=(time_axis(),))
    dataset = opened(encoded(source, EncodeParameters(transpose=(1, 2))))
    assert dataset.shape == (700, 1300)
    for at in range(2):
        expected = source.expected("B04", -32768)[at].T
        np.testing.assert_array_equal(dataset.read(at + 1), expected)


def test_tiles_lie_in_order_behind_directories_and_overviews() -> None:
    """What GDAL's validation of cloud optimised files asks, by TIFF's own structure."""
    body = encoded(held((reflectance("B02"), reflectance("B04")), utm_grid(1500, 2200)))
    images = directories(body)
    starts = [min(image[324]) for image in images]
    assert len(images) == 4
    assert starts == sorted(starts, reverse=True), "the smallest overview comes first"
    assert all(list(image[324]) == sorted(image[324]) for image in images)
    for image in images:
        for offset, length in zip(image[324], image[325], strict=True):
            assert int.from_bytes(body[offset - 4 : offset], "little") == length
            end = offset + length
            assert body[end : end + 4] == body[end - 4 : end]
    assert [image.get(254, (0,))[0] for image in images] == [0, 1, 1, 1]


def test_large_files_have_offsets_of_64_bits(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    source = held((reflectance("B04"),), utm_grid(600, 700))
    monkeypatch.setattr(cog, "_BIG_BYTES", 1000)
    monkeypatch.setattr(rasters, "IN_MEMORY_BYTES", 1000)
    body = encoded(source)
    assert body[:4] == b"II+\0"
    dataset = opened(body)
    assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert dataset.overviews(1) == [2]
    np.testing.assert_array_equal(dataset.read(1), source.expected("B04", -32768))


def test_many_planes_are_bands_in_order(opened: Open) -> None:
    height = RegularAxis(name="height", uom="m", start=0.0, step=10.0, size=5)
    bands = (reflectance("B02"), reflectance("B04"))
    source = held(bands, utm_grid(40, 30), outer=(time_axis(), height))
    dataset = opened(encoded(source))
    assert dataset.descriptions[:3] == (
        "B02 2023-08-10T10:00:31.024Z 5",
        "B04 2023-08-10T10:00:31.024Z 5",
        "B02 2023-08-10T10:00:31.024Z 15",
    )
    expected = np.stack([source.expected(b.name, -32768) for b in bands], axis=2)
    np.testing.assert_array_equal(dataset.read(), expected.reshape(20, 40, 30))


def directories(body: bytes) -> list[dict[int, tuple[int, ...]]]:
    """Read whole numbers of the directories of a classic TIFF, by tag."""
    found: list[dict[int, tuple[int, ...]]] = []
    at = int.from_bytes(body[4:8], "little")
    while at:
        tags = {}
        count = int.from_bytes(body[at : at + 2], "little")
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            number, kind = np.frombuffer(body, "<u2", 2, entry).tolist()
            values = int.from_bytes(body[entry + 4 : entry + 8], "little")
            form = {3: "<u2", 4: "<u4"}.get(kind)
            if form is not None:
                inline = values * np.dtype(form).itemsize <= 4
                place = entry + 8
                if not inline:
                    place = int.from_bytes(body[place : place + 4], "little")
                tags[number] = tuple(np.frombuffer(body, form, values, place).tolist())
        found.append(tags)
        at = int.from_bytes(body[at + 2 + 12 * count :][:4], "little")
    return found
