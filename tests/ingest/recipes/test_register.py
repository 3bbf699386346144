"""Files that are catalogued where they lie."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import xarray as xr
import zarr
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from zarr.storage import LocalStore

from datacube.cube import VALID_BAND
from datacube.encode.answer import Answer
from datacube.errors import StoreDamagedError
from datacube.plan.cost import estimate
from datacube.protocols import BandRead
from tests.builders.loopback import loopback
from tests.ingest.recipes.conftest import Kitchen
from tests.ingest.recipes.files import write_tiff

RNG = np.random.default_rng(5)
RECIPE = "{coverage: COG, files: '*.tif', bands: [{name: v, nodata: -1}]}"


def write_cog(path: Path, values: NDArray[np.int16], **options: str) -> Path:
    """Write a COG with means as overviews."""
    plain = write_tiff(path.with_suffix(".plain"), values, nodata=-1)
    settings = {"BLOCKSIZE": "256", "OVERVIEW_RESAMPLING": "AVERAGE"} | options
    with rasterio.open(plain) as opened:
        rasterio.shutil.copy(opened, path, driver="COG", **settings)
    plain.unlink()
    return path


def values_with_gaps(rows: int, cols: int) -> NDArray[np.int16]:
    values = RNG.integers(0, 5000, (rows, cols)).astype("int16")
    values[RNG.random(values.shape) < 0.1] = -1
    return values


def test_a_cog_is_read_where_it_lies_with_its_overviews(kitchen: Kitchen) -> None:
    values = values_with_gaps(1024, 1536)
    path = write_cog(kitchen.folder / "a.tif", values)
    kitchen.served(RECIPE, register=True)
    (slot,) = kitchen.slots("COG")
    with rasterio.open(path) as opened:
        assert opened.overviews(1) == [2, 4, 8]
        assert slot.windows[0].levels == 4
    np.testing.assert_array_equal(kitchen.stored("COG", "v")[0], values)
    for level in range(1, 4):
        with rasterio.open(path, overview_level=level - 1) as opened:
            np.testing.assert_array_equal(
                kitchen.stored("COG", "v", level=level)[0], opened.read(1)
            )
    decoded = kitchen.dataset("COG")["v"].values
    np.testing.assert_array_equal(decoded, np.where(values == -1, np.nan, values))
    assert not list(kitchen.store.rglob("c/0/*"))


@pytest.mark.parametrize(
    ("options", "shape"),
    [({"OVERVIEW_RESAMPLING": "NEAREST"}, (1024, 1024)), ({}, (1001, 1024))],
    ids=["other method", "odd rows"],
)
def test_overviews_that_are_no_levels_are_not_used(
    kitchen: Kitchen, options: dict[str, str], shape: tuple[int, int]
) -> None:
    write_cog(kitchen.folder / "a.tif", values_with_gaps(*shape), **options)
    kitchen.served(RECIPE, register=True)
    assert kitchen.slots("COG")[0].windows[0].levels == 1


def test_stored_and_registered_scenes_merge(kitchen: Kitchen) -> None:
    """The registered one is newer; where it has no data, the stored one shows."""
    below, above = values_with_gaps(300, 300), values_with_gaps(300, 300)
    os.utime(write_tiff(kitchen.folder / "a.tif", below, nodata=-1), (1_500_000_000,) * 2)
    kitchen.served(RECIPE)
    write_cog(kitchen.folder / "b.tif", above)
    kitchen.served(RECIPE, kitchen.folder / "b.tif", register=True)
    expected = np.where(above == -1, below, above)
    made = kitchen.dataset("COG")["v"].values
    np.testing.assert_array_equal(made, np.where(expected == -1, np.nan, expected))


@pytest.mark.parametrize("harm", ["gone", "changed", "same size"])
def test_a_file_that_is_gone_or_changed_is_an_error_never_nodata(
    kitchen: Kitchen, harm: str
) -> None:
    path = write_cog(kitchen.folder / "a.tif", values_with_gaps(300, 300))
    kitchen.served(RECIPE, register=True)
    kitchen.stored("COG", "v")
    match harm:
        case "gone":
            path.unlink()
        case "changed":
            path.write_bytes(path.read_bytes() + b"\0")
        case _:
            os.utime(path, (1_500_000_000, 1_500_000_000))
    with pytest.raises(StoreDamagedError, match=r"a\.tif, registered as slot \d+ of cube COG"):
        kitchen.stored("COG", "v")


def test_a_file_that_changes_while_it_is_open_is_noticed(kitchen: Kitchen) -> None:
    path = write_cog(kitchen.folder / "a.tif", values_with_gaps(300, 300))
    kitchen.served(RECIPE, register=True)
    cells = kitchen.local().engine.cells
    (slot,), cube = kitchen.slots("COG"), kitchen.cube("COG")
    request = BandRead(
        group=cube.groups[0],
        level=0,
        band=VALID_BAND,
        dtype="uint8",
        nodata=0,
        window=slot.windows[0].window,
    )
    assert cells.read(slot, request).mean() == pytest.approx(0.9, abs=0.02)
    copied = pickle.loads(pickle.dumps(cells))  # noqa: S301  # our own object
    np.testing.assert_array_equal(copied.read(slot, request), cells.read(slot, request))
    os.utime(path, (1_500_000_000, 1_500_000_000))
    with pytest.raises(StoreDamagedError, match="was changed"):
        cells.read(slot, request)


@pytest.mark.parametrize("name", ["a.png", "a.nc"])
def test_only_geotiff_and_zarr_are_registered(kitchen: Kitchen, name: str) -> None:
    values = RNG.integers(0, 9, (8, 8)).astype("uint8")
    if name.endswith("png"):
        write_tiff(kitchen.folder / name, values, driver="PNG")
    else:
        xr.Dataset({"v": (("y", "x"), values)}, {"y": range(8), "x": range(8)}).to_netcdf(
            kitchen.folder / name, engine="netcdf4"
        )
    recipe = f"{{coverage: R, crs: 'EPSG:32633', files: {name}, bands: [{{name: v}}]}}"
    (outcome,) = kitchen.cook(recipe, register=True).outcomes
    assert "cannot be registered; GeoTIFF and Zarr can" in str(outcome.note)


def test_cells_that_would_be_changed_are_not_registered(kitchen: Kitchen) -> None:
    write_tiff(kitchen.folder / "a.tif", values_with_gaps(64, 64), nodata=-1)
    recipe = RECIPE.rstrip("}") + ", resample: nearest, grid: {origin: [3, 3], resolution: 10}}"
    (outcome,) = kitchen.cook(recipe, register=True).outcomes
    assert "Ingest it instead" in str(outcome.note)


@pytest.mark.parametrize("version", [2, 3])
def test_a_turned_and_packed_zarr(kitchen: Kitchen, version: int) -> None:
    """South up, 0..360 degrees, chunks over time, both formats."""
    values = RNG.integers(0, 100, (4, 30, 36)).astype("int16")
    values[:, 3] = -9
    floats = np.where(values == -9, -99.5, values).astype("float32")
    xr.Dataset(
        {
            "v": (("time", "lat", "lon"), values, {"scale_factor": 0.5, "_FillValue": -9}),
            "w": (("time", "lat", "lon"), floats, {"_FillValue": np.float32(-99.5)}),
        },
        {
            "time": np.arange("2020-01", "2020-05", dtype="datetime64[M]").astype("M8[ns]"),
            "lat": ("lat", np.arange(30.0), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(0.0, 360, 10), {"units": "degrees_east"}),
        },
    ).to_zarr(kitchen.folder / "a.zarr", zarr_format=version, consolidated=version == 2)
    recipe = "{coverage: Z, files: a.zarr, axes: [{name: time, is: time}], "
    recipe += "bands: [{name: v}, {name: w}]}"
    kitchen.served(recipe, register=True)
    turned = np.roll(values, 18, axis=2)[:, ::-1]
    np.testing.assert_array_equal(np.stack(kitchen.stored("Z", "v")), turned)
    made = kitchen.dataset("Z")["v"].values
    np.testing.assert_array_equal(made, np.where(turned == -9, np.nan, turned * 0.5))
    assert kitchen.band("Z", "w").nodata == -99.5
    made = kitchen.dataset("Z")["w"].values
    np.testing.assert_array_equal(made, np.where(turned == -9, np.nan, turned))
    shutil.rmtree(kitchen.folder / "a.zarr/v")
    with pytest.raises(StoreDamagedError):
        kitchen.stored("Z", "v")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("change", ["rewritten", "deleted", "added"])
def test_a_chunk_of_a_registered_zarr_that_changes_is_noticed(
    kitchen: Kitchen, version: int, change: str
) -> None:
    """One of four chunks, with metadata as it was."""
    values = values_with_gaps(64, 64)
    values[:32, :32] = 7
    # What a chunk that is not there holds: xarray makes it the nodata of format 2 alone.
    missing = -1 if version == 2 else 0
    if change == "added":
        values[32:, 32:] = missing
    path = kitchen.folder / "a.zarr"
    coordinates = {"y": -np.arange(64.0), "x": np.arange(64.0)}
    xr.Dataset({"v": (("y", "x"), values, {"_FillValue": -1})}, coordinates).to_zarr(
        path, zarr_format=version, encoding={"v": {"chunks": (32, 32)}}, consolidated=False
    )
    group = zarr.open_group(path, mode="r+")
    array = group["v"]
    assert isinstance(array, zarr.Array)
    recipe = "{coverage: Z, crs: 'EPSG:32633', files: a.zarr, bands: [{name: v, nodata: -1}]}"
    kitchen.served(recipe, register=True)
    np.testing.assert_array_equal(kitchen.stored("Z", "v")[0], values)
    chunk = path / "v" / ("1.1" if version == 2 else "c/1/1")
    if change == "deleted":
        chunk.unlink()
    else:
        assert chunk.exists() == (change == "rewritten")
        array[32:, 32:] = values[:32, :32]
    with pytest.raises(StoreDamagedError, match=r"was changed after|register it again"):
        kitchen.stored("Z", "v")
    summary = kitchen.served(recipe, register=True)
    assert summary.counts == {"ingested": 1, "superseded": 1} | {
        "skipped": 0,
        "failed": 0,
        "planned": 0,
    }
    values[32:, 32:] = missing if change == "deleted" else values[:32, :32]
    np.testing.assert_array_equal(kitchen.stored("Z", "v")[0], values)


def test_a_cog_and_a_zarr_on_a_web_server(kitchen: Kitchen) -> None:
    values = values_with_gaps(512, 512)
    write_cog(kitchen.folder / "a.tif", values)
    xr.Dataset({"v": (("y", "x"), values)}, {"y": range(512), "x": range(512)}).to_zarr(
        kitchen.folder / "a.zarr", zarr_format=2, consolidated=True
    )
    app = Starlette(routes=[Mount("/", StaticFiles(directory=kitchen.folder))])
    with loopback(app) as url:
        kitchen.served(RECIPE, f"{url}/a.tif", register=True)
        plain = "{coverage: WEB, crs: 'EPSG:32633', bands: [{name: v, nodata: -1}]}"
        kitchen.served(plain, f"{url}/a.zarr", register=True)
        np.testing.assert_array_equal(kitchen.stored("COG", "v")[0], values)
        assert kitchen.stored("COG", "v", level=1)[0].shape == (256, 256)
        np.testing.assert_array_equal(kitchen.stored("WEB", "v")[0], values[::-1])
    with pytest.raises(StoreDamagedError):
        kitchen.stored("COG", "v")


@pytest.mark.parametrize("flipped", [False, True])
def test_the_estimate_counts_the_blocks_of_the_file(
    kitchen: Kitchen,
    monkeypatch: pytest.MonkeyPatch,
    flipped: bool,  # noqa: FBT001  # a case
) -> None:
    """Against the chunks that Zarr is asked for, of 100 x 90 cells over two times."""
    values = RNG.integers(0, 100, (2, 500, 540)).astype("int32")
    lat = np.arange(500.0) if flipped else -np.arange(500.0)
    xr.Dataset(
        {"v": (("time", "lat", "lon"), values)},
        {
            "time": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"),
            "lat": ("lat", lat / 100, {"units": "degrees_north"}),
            "lon": ("lon", np.arange(540.0) / 100, {"units": "degrees_east"}),
        },
    ).to_zarr(kitchen.folder / "a.zarr", zarr_format=2, encoding={"v": {"chunks": (2, 100, 90)}})
    recipe = "{coverage: Z, files: a.zarr, axes: [{name: time, is: time}], bands: [{name: v}]}"
    kitchen.served(recipe, register=True)
    session = kitchen.local().engine.session()
    low, high = (0.995, 2.495) if flipped else (-2.495, -0.995)
    text = f"for $c in (Z) return $c[Lat({low}:{high}), Lon(0.495:2.795)]"
    (plan,) = session.processor().results(text)
    assert not isinstance(plan, Answer)
    cost = estimate(plan)
    asked: list[str] = []
    read_chunk = LocalStore.get

    async def count(store: LocalStore, key: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401  # Zarr's
        if key.startswith("v/") and not key.endswith((".zarray", ".zattrs")):
            asked.append(key)
        return await read_chunk(store, key, *rest, **more)

    monkeypatch.setattr(LocalStore, "get", count)
    made = session.compute(plan)
    expected = values[:, 100:250, 50:280]
    np.testing.assert_array_equal(made.values[0], expected[:, ::-1] if flipped else expected)
    assert cost.decoded_bytes == cost.chunks * 2 * 100 * 90 * 4
    assert len(asked) <= cost.chunks <= len(asked) * (2 if flipped else 1)
