"""Real files of many formats: what is stored equals what rasterio and xarray read."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from tests.ingest.recipes.conftest import Kitchen

NRT = """
coverage: NRT
axes: [{name: time, is: time}]
bands: [{name: B2}, {name: B8}, {name: SCL, aggregate: mode}]
"""


def test_a_netcdf_series_of_140_dates(testdata: Path, kitchen: Kitchen) -> None:
    file = testdata / "s2_l2a_romania_nrt_140dates/sentinel2_cube_subset_romania_10m.nc"
    summary = kitchen.served(NRT, file)
    assert summary.counts["ingested"] == 140
    made = kitchen.dataset("NRT")
    with xr.open_dataset(file) as read:
        for band in ("B2", "B8", "SCL"):
            np.testing.assert_array_equal(made[band].values, read[band].values)
        for axis in ("time", "x", "y"):
            np.testing.assert_allclose(
                made[axis].values.astype(float), read[axis].values.astype(float), rtol=1e-9
            )
    assert kitchen.cube("NRT").crs.to_epsg() == 3035
    assert kitchen.cook(NRT, file).counts["skipped"] == 140


@pytest.mark.parametrize("name", ["test_optical_cube.nc", "cdse_sentinel2_l2a.nc"])
def test_unsigned_numbers_in_classic_and_hdf5_files(
    testdata: Path, kitchen: Kitchen, name: str
) -> None:
    recipe = """
coverage: GFMAP
axes: [{name: time, is: time, dimension: t}]
bands:
  - {name: B04, from: S2-L2A-B04, nodata: 65535, scale: 0.0001}
  - {name: SCL, from: S2-L2A-SCL, nodata: 65535, dtype: uint16, aggregate: mode}
"""
    file = testdata / "s1_s2_belgium_gfmap_cubes" / name
    kitchen.served(recipe, file)
    assert kitchen.band("GFMAP", "B04").dtype == "uint16"
    with xr.open_dataset(file, engine="netcdf4") as read:
        for band in ("B04", "SCL"):
            stored = np.stack(kitchen.stored("GFMAP", band))
            np.testing.assert_array_equal(stored, read[f"S2-L2A-{band}"].values)
    assert kitchen.cube("GFMAP").crs.to_epsg() == 32631


def test_a_stack_of_geotiffs_with_times_in_their_names(testdata: Path, kitchen: Kitchen) -> None:
    recipe = """
coverage: RTC
axes:
  - name: time
    is: time
    file_name: {pattern: '_(?P<value>\\d{8}T\\d{6})Z_', format: '%Y%m%dT%H%M%S'}
bands: [{name: VH}]
"""
    folder = testdata / "s1_rtc_opera_png_10dates/T009_019294_IW2_cropped"
    files = sorted(folder.glob("*_VH_cropped.tif"), key=lambda p: p.name.split("_")[4])
    kitchen.served(recipe, *files)
    stored = kitchen.stored("RTC", "VH")
    assert len(stored) == len(files) == 10
    for cells, file in zip(stored, files, strict=True):
        with rasterio.open(file) as opened:
            np.testing.assert_array_equal(cells, opened.read(1))
    times = [f"{slot.scene.reference_time:%Y%m%dT%H%M%S}" for slot in kitchen.slots("RTC")]
    assert times == [file.name.split("_")[4].rstrip("Z") for file in files]


def test_a_mosaic_of_zipped_srtm_tiles(testdata: Path, kitchen: Kitchen) -> None:
    """Neighbours share a column; what both have is equal."""
    recipe = "{coverage: SRTM, title: SRTM 1 arc second, bands: [{name: elevation, unit: m}]}"
    files = [testdata / f"dem_srtm_belgium/N51E00{n}.SRTMGL1.hgt.zip" for n in (4, 5)]
    kitchen.served(recipe, *files)
    made = kitchen.dataset("SRTM")
    tiles = []
    for file in files:
        with rasterio.open(f"/vsizip/{file}/{file.name.split('.')[0]}.hgt") as opened:
            tiles.append(opened.read(1))
    whole = np.concatenate([tiles[0], tiles[1][:, 1:]], axis=1)
    assert made["elevation"].shape == (3601, 7201)
    np.testing.assert_array_equal(made["elevation"].values, whole)
    assert not kitchen.cube("SRTM").timed


def test_a_dem_with_nodata(testdata: Path, kitchen: Kitchen) -> None:
    file = testdata / "dem_glo30_demstitcher/glo_merged.tif"
    kitchen.served("{coverage: GLO30, bands: [{name: DEM}]}", file)
    with rasterio.open(file) as opened:
        np.testing.assert_array_equal(kitchen.stored("GLO30", "DEM")[0], opened.read(1))
        grid = kitchen.local().catalog.view().coverage("GLO30").grid
        np.testing.assert_allclose(grid.bbox, tuple(opened.bounds), rtol=1e-12)


@pytest.mark.parametrize("register", [False, True])
def test_a_zarr_cube(testdata: Path, kitchen: Kitchen, register: bool) -> None:  # noqa: FBT001  # a case
    recipe = """
coverage: OLCI
axes: [{name: time, is: time, validity: bounds}]
bands: [{name: conc_chl}, {name: conc_tsm}]
"""
    place = testdata / "s3_olci_l2_northsea_zarr/cube-1-250-250.zarr"
    kitchen.served(recipe, place, register=register)
    with xr.open_zarr(place) as read:
        for band in ("conc_chl", "conc_tsm"):
            np.testing.assert_array_equal(np.stack(kitchen.stored("OLCI", band)), read[band].values)
        bounds = read["time_bnds"].values
    first = [np.datetime64(s.scene.first_time.replace(tzinfo=None)) for s in kitchen.slots("OLCI")]
    assert np.abs(np.array(first) - bounds[:, 0]).max() <= np.timedelta64(1, "us")
    shards = [path for path in kitchen.store.rglob("c/*") if path.is_file() or path.is_dir()]
    assert bool(shards) is not register


def test_a_picture_with_a_world_file(testdata: Path, kitchen: Kitchen) -> None:
    with zipfile.ZipFile(testdata / "cite_wms13/png-worldfiles.zip") as archive:
        for name in ("Lakes.png", "Lakes.pgw"):
            archive.extract(name, kitchen.folder)
    recipe = """
coverage: Lakes
crs: OGC:CRS84
files: "*.png"
bands: [{name: red, from: 1}, {name: green, from: 2}, {name: blue, from: 3}]
"""
    kitchen.served(recipe)
    with rasterio.open(kitchen.folder / "Lakes.png") as opened:
        for number, band in enumerate(("red", "green", "blue"), start=1):
            np.testing.assert_array_equal(kitchen.stored("Lakes", band)[0], opened.read(number))
        grid = kitchen.local().catalog.view().coverage("Lakes").grid
        np.testing.assert_allclose(grid.bbox, tuple(opened.bounds), rtol=1e-9)
    assert kitchen.band("Lakes", "red").gapless


def test_tiles_of_a_swath_as_an_index_grid(testdata: Path, kitchen: Kitchen) -> None:
    recipe = """
coverage: HS
axes:
  - {name: line, is: y, dimension: tile_line, spacing: index}
  - {name: sample, is: x, dimension: tile_sample, spacing: index}
bands:
  - {name: hs, from: hs_most_likely, unit: m}
  - {name: sigma0_vv, from: sigma0_filt, at: {pol: 0}}
"""
    (file,) = (testdata / "s1_seastate_swot_coloc").glob("*.nc")
    kitchen.served(recipe, file)
    with xr.open_dataset(file) as read:
        np.testing.assert_array_equal(kitchen.stored("HS", "hs")[0], read["hs_most_likely"].values)
        np.testing.assert_array_equal(
            kitchen.stored("HS", "sigma0_vv")[0], read["sigma0_filt"].values[:, :, 0]
        )
    assert not kitchen.local().catalog.view().coverage("HS").mappable
