import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from datacube.cells import Cells
from datacube.cube import Band
from datacube.encode.zarr import view_member, view_metadata
from datacube.grid import Window
from datacube.plan.nodes import Plan, scans
from tests.builders.plans import (
    TIMES,
    UTM_33,
    Held,
    geographic_grid,
    held,
    reflectance,
    scene_classes,
    time_axis,
    utm_grid,
)

# odc-geo multiplies transforms by `*`, which affine 3.1 announces to deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


def members(source: Held) -> dict[str, bytes]:
    """Ask for every key that the metadata promise."""
    root = view_metadata(source.plan, title="S2_L2A_32633", attributes={"as_of": 7})
    found = {"zarr.json": root}
    arrays = json.loads(root)["consolidated_metadata"]["metadata"]
    for name, array in arrays.items():
        chunks = array["chunk_grid"]["configuration"]["chunk_shape"]
        counts = [-(-size // chunk) for size, chunk in zip(array["shape"], chunks, strict=True)]
        keys = ["zarr.json", *("/".join(["c", *map(str, at)]) for at in np.ndindex(*counts))]
        for key in keys:
            body = view_member(source.plan, f"{name}/{key}", source.compute)
            if body is not None:
                found[f"{name}/{key}"] = body
    return found


def opened(source: Held, *, mask_and_scale: bool = True) -> xr.Dataset:
    prototype = default_buffer_prototype()
    store = MemoryStore(
        {key: prototype.buffer.from_bytes(body) for key, body in members(source).items()}
    )
    dataset: xr.Dataset = xr.open_zarr(
        store, decode_coords="all", chunks=None, mask_and_scale=mask_and_scale
    )
    return dataset


def test_xarray_opens_it_as_numpy_has_it() -> None:
    source = held((reflectance("B04"), scene_classes()), utm_grid(700, 600), outer=(time_axis(),))
    dataset = opened(source)
    assert dict(dataset.sizes) == {"time": 2, "y": 700, "x": 600}
    assert (dataset.attrs["title"], dataset.attrs["as_of"]) == ("S2_L2A_32633", 7)
    np.testing.assert_array_equal(
        dataset.time, np.array([t.replace(tzinfo=None) for t in TIMES], "datetime64[us]")
    )
    np.testing.assert_array_equal(dataset.y, 5_397_995 - 10 * np.arange(700))
    np.testing.assert_allclose(dataset.B04, source.expected("B04", np.nan) * 0.0001, rtol=1e-6)
    np.testing.assert_array_equal(dataset.SCL, source.expected("SCL", np.nan))
    assert dataset.SCL.attrs["flag_meanings"] == "vegetation water cloud"
    assert dataset.B04.odc.crs == 32633
    assert dataset.B04.odc.transform == source.plan.domain.plane.transform


def test_stored_numbers_are_kept() -> None:
    source = held((reflectance("B04"),), utm_grid(40, 30))
    dataset = opened(source, mask_and_scale=False)
    assert dataset.B04.dtype == np.int16
    np.testing.assert_array_equal(dataset.B04, source.expected("B04", -32768))


@pytest.mark.parametrize("nodata", [float("nan"), -9999.0])
def test_floats_and_degrees(nodata: float) -> None:
    band = replace(reflectance("height"), dtype="float32", nodata=nodata, scale=1.0)
    source = held((band,), geographic_grid(20, 30))
    dataset = opened(source)
    assert dataset.height.dims == ("lat", "lon")
    assert dataset.height.dtype == np.float32
    np.testing.assert_array_equal(dataset.height, source.expected("height", np.nan))


def test_a_chunk_without_data_is_absent_and_reads_as_nothing() -> None:
    source = held((reflectance("B04"),), utm_grid(600, 520))
    source.valid["B04"][512:] = False
    assert view_member(source.plan, "B04/c/1/0", source.compute) is None
    assert view_member(source.plan, "B04/c/0/1", source.compute) is not None
    assert np.isnan(opened(source).B04[512:]).all()


def test_only_the_band_and_the_cells_of_a_chunk_are_computed() -> None:
    source = held((reflectance("B04"), reflectance("B08")), utm_grid(600, 520))
    asked: list[tuple[tuple[str, ...], Window]] = []

    def compute(plan: Plan, window: Window) -> Cells:
        asked.extend((tuple(f.name for f in scan.fields), window) for scan in scans(plan))
        return source.compute(plan, window)

    view_member(source.plan, "B08/c/1/0", compute)
    assert asked == [(("B08",), Window(((712, 800), (300, 812))))]


@pytest.mark.parametrize(
    "key",
    [
        *("B05/zarr.json", "B04", "B04/", "B04/c", "B04/c/0", "B04/c/0/0/0"),
        *("B04/c/0/1", "B04/c/-1/0", "B04/c/00/0", "B04/c/0/x", "B04/c/0/²"),
        *("B04/.zarray", "x/c/1", ".zgroup", "../zarr.json", "B04/c/0/99999999999999"),
    ],
)
def test_other_keys_are_absent(key: str) -> None:
    source = held((reflectance("B04"),), utm_grid(10, 10))
    assert view_member(source.plan, key, source.compute) is None


def test_the_conventions_proj_and_spatial() -> None:
    source = held((reflectance("B04"),), utm_grid(10, 20))
    attributes = json.loads(view_metadata(source.plan, title="t"))["attributes"]
    assert [c["name"] for c in attributes["zarr_conventions"]] == ["proj", "spatial"]
    assert attributes["proj:code"] == "EPSG:32633"
    assert UTM_33.equals(attributes["proj:wkt2"])
    assert attributes["spatial:dimensions"] == ["y", "x"]
    assert attributes["spatial:transform"] == [10, 0, 303_000, 0, -10, 5_398_000]
    assert attributes["spatial:shape"] == [10, 20]
    assert attributes["spatial:bbox"] == [303_000, 5_397_900, 303_200, 5_398_000]


@pytest.mark.parametrize("band", [reflectance("B04"), scene_classes()], ids=lambda band: band.name)
def test_gdal_reads_it(band: Band, tmp_path: Path) -> None:
    source = held((band,), utm_grid(600, 700))
    for key, body in members(source).items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(body)
    with rasterio.open(f'ZARR:"{tmp_path}":/{band.name}') as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform == source.plan.domain.plane.transform
        assert dataset.nodata == band.nodata
        np.testing.assert_array_equal(dataset.read(1), source.expected(band.name, band.nodata))
