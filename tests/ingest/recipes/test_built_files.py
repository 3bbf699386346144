"""Files built for the purpose: axes of every kind, turned, packed and wrapped."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import netCDF4
import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import from_origin

from datacube.axes import IrregularAxis, RegularAxis
from datacube.cube import Aggregate
from tests.ingest.recipes.conftest import Kitchen
from tests.ingest.recipes.files import write_tiff

RNG = np.random.default_rng(11)


CLIMATE = """
coverage: ERA
title: A climate file
files: "*.nc"
axes:
  - {name: time, is: time, validity: PT6H}
  - {name: level, is: further, unit: hPa}
  - {name: Lat, is: y}
  - {name: Lon, is: x}
bands:
  - {name: t, title: Temperature, scale_offset: SCALING}
  - {name: u}
"""


def climate_file(path: Path, model: Literal["NETCDF4", "NETCDF3_CLASSIC"]) -> Path:
    """Write packed temperature and wind: 0..360 degrees, south up, levels from the ground up."""
    dataset = xr.Dataset(
        {
            "t": (("time", "level", "lat", "lon"), RNG.normal(280, 9, (3, 4, 19, 36))),
            "u": (("time", "level", "lat", "lon"), RNG.normal(0, 9, (3, 4, 19, 36))),
        },
        coords={
            "time": np.array(["2020-01-01", "2020-01-01T06", "2020-01-02"], "datetime64[ns]"),
            "level": ("level", np.array([1000.0, 850, 500, 200])),
            "lat": ("lat", np.arange(-90.0, 91, 10), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(0.0, 360, 10), {"units": "degrees_east"}),
        },
    )
    dataset["t"][1, 2, 3:5] = np.nan
    packed = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32767}
    dataset.to_netcdf(
        path,
        format=model,
        engine="netcdf4",
        encoding={"t": packed, "u": {"dtype": "float32", "_FillValue": np.float32(9.96921e36)}},
    )
    return path


@pytest.mark.parametrize("model", ["NETCDF4", "NETCDF3_CLASSIC"])
@pytest.mark.parametrize("scaling", ["keep", "apply"])
def test_time_height_and_a_wrapped_south_up_plane(
    kitchen: Kitchen, model: Literal["NETCDF4", "NETCDF3_CLASSIC"], scaling: str
) -> None:
    file = climate_file(kitchen.folder / "era.nc", model)
    kitchen.served(CLIMATE.replace("SCALING", scaling))
    with xr.open_dataset(file, engine="netcdf4") as read:
        turned = read.assign_coords(lon=(read.lon + 180) % 360 - 180)
        expected = turned.sortby("lon").sortby("lat", ascending=False).sortby("level").load()
    made = kitchen.dataset("ERA")
    np.testing.assert_allclose(made["t"].values, expected["t"].values, rtol=1e-6)
    np.testing.assert_array_equal(made["u"].values, expected["u"].values)
    for axis in ("lat", "lon", "level"):
        np.testing.assert_allclose(made[axis].values, expected[axis].values, atol=1e-12)
    band = kitchen.band("ERA", "t")
    assert (band.dtype, band.scale, band.offset) == (
        ("int16", 0.01, 280.0) if scaling == "keep" else ("float32", 1.0, 0.0)
    )
    levels = kitchen.cube("ERA").axes[0]
    assert isinstance(levels, IrregularAxis)
    assert levels.coefficients == (200.0, 500.0, 850.0, 1000.0)
    first = kitchen.slots("ERA")[0].scene
    assert first.last_time == datetime(2020, 1, 1, 5, 59, 59, 999999, tzinfo=UTC)


def test_longitudes_may_be_kept(kitchen: Kitchen) -> None:
    climate_file(kitchen.folder / "era.nc", "NETCDF4")
    kitchen.served(CLIMATE.replace("SCALING", "keep") + "longitudes: keep\n")
    assert kitchen.local().catalog.view().coverage("ERA").grid.bbox[::2] == (-5.0, 355.0)


def test_levels_of_n_d_scenes_are_made_plane_by_plane(kitchen: Kitchen) -> None:
    values = RNG.integers(0, 1000, (2, 600, 700)).astype("int32")
    xr.Dataset(
        {"v": (("z", "y", "x"), values, {"grid_mapping": "crs"})},
        coords={"z": [5.0, 10.0], "y": -np.arange(600) - 0.5, "x": np.arange(700) + 0.5},
    ).to_netcdf(kitchen.folder / "a.nc", engine="netcdf4")
    recipe = """
coverage: Z
files: a.nc
crs: EPSG:32633
axes: [{name: z, is: further}]
bands: [{name: v, nodata: -1}]
"""
    kitchen.served(recipe)
    np.testing.assert_array_equal(kitchen.stored("Z", "v")[0], values)
    pairs = values.reshape(2, 300, 2, 350, 2).astype(float)
    (coarse,) = kitchen.stored("Z", "v", level=1)
    np.testing.assert_array_equal(coarse, np.rint(pairs.mean(axis=(2, 4))))
    assert kitchen.slots("Z")[0].windows[0].window.ranges == ((0, 2), (0, 600), (0, 700))


def test_a_profile_is_a_line_and_a_series_a_point(kitchen: Kitchen) -> None:
    depth = np.linspace(0.5, 39.5, 40)
    xr.Dataset(
        {"temp": (("depth",), RNG.normal(size=40)), "oxygen": (("t",), RNG.normal(size=3))},
        coords={"depth": depth, "t": np.arange("2020-01", "2020-04", dtype="datetime64[M]")},
    ).to_netcdf(kitchen.folder / "p.nc", engine="netcdf4")
    kitchen.served(
        "{coverage: P, files: p.nc, axes: [{name: depth, is: x, unit: m}], bands: [{name: temp}]}"
    )
    kitchen.served(
        "{coverage: O, files: p.nc, axes: [{name: t, is: time}], bands: [{name: oxygen}]}"
    )
    with xr.open_dataset(kitchen.folder / "p.nc") as read:
        np.testing.assert_array_equal(kitchen.stored("P", "temp")[0][0], read["temp"].values)
        series = np.array([cells.item() for cells in kitchen.stored("O", "oxygen")])
        np.testing.assert_array_equal(series, read["oxygen"].values)
    axes = kitchen.local().catalog.view().coverage("P").domain_axes
    assert [(axis.name, axis.size) for axis in axes] == [("depth", 40)]
    assert [a.name for a in kitchen.local().catalog.view().coverage("O").domain_axes] == ["ansi"]


@pytest.mark.parametrize(("driver", "suffix"), [("PNG", "png"), ("JP2OpenJPEG", "jp2")])
def test_an_index_grid_in_a_picture(kitchen: Kitchen, driver: str, suffix: str) -> None:
    values = RNG.integers(0, 256, (50, 70)).astype("uint8")
    options = {"REVERSIBLE": "YES", "QUALITY": "100"} if driver == "JP2OpenJPEG" else {}
    plain = {"driver": driver, "crs": None, "transform": None} | options
    write_tiff(kitchen.folder / f"grid.{suffix}", values, **plain)
    recipe = f"""
coverage: G
files: "*.{suffix}"
axes: [{{name: i, is: y, spacing: index}}, {{name: j, is: x, spacing: index, origin: 100}}]
bands: [{{name: v}}]
"""
    kitchen.served(recipe)
    np.testing.assert_array_equal(kitchen.stored("G", "v")[0], values)
    axes = kitchen.local().catalog.view().coverage("G").domain_axes
    assert [(axis.name, axis.extent) for axis in axes if not hasattr(axis, "acquisitions")] == [
        ("i", (0, 49)),
        ("j", (100, 169)),
    ]


def test_a_jpeg_with_its_place_given(kitchen: Kitchen) -> None:
    values = RNG.integers(0, 256, (32, 48)).astype("uint8")
    write_tiff(kitchen.folder / "a.jpg", values, driver="JPEG", crs=None, transform=None)
    recipe = """
coverage: J
files: a.jpg
crs: EPSG:25832
axes:
  - {name: N, is: y, origin: 5900000, resolution: -2.5}
  - {name: E, is: x, origin: 400000, resolution: 5}
bands: [{name: grey}]
"""
    kitchen.served(recipe)
    with rasterio.open(kitchen.folder / "a.jpg") as opened:
        np.testing.assert_array_equal(kitchen.stored("J", "grey")[0], opened.read(1))
    grid = kitchen.local().catalog.view().coverage("J").grid
    assert grid.bbox == (400_000, 5_899_920, 400_240, 5_900_000)


def test_messages_of_grib_become_levels_and_times(kitchen: Kitchen) -> None:
    """GDAL writes the messages; heights of one element, two times."""
    planes = RNG.normal(280, 5, (4, 12, 20)).astype("float32")
    path = kitchen.folder / "a.grb2"
    for number, plane in enumerate(planes):
        hour, level = divmod(number, 2)
        with rasterio.open(
            kitchen.folder / f"{number}.tif",
            "w",
            driver="GTiff",
            crs="EPSG:4326",
            transform=from_origin(5, 50, 0.5, 0.5),
            dtype="float32",
            count=1,
            height=12,
            width=20,
        ) as file:
            file.write(plane, 1)
            file.update_tags(
                1,
                GRIB_DISCIPLINE="DISCIPLINE=0(Meteorological)",
                GRIB_IDS="CENTER=98 SUBCENTER=0 MASTER_TABLE=4 LOCAL_TABLE=0 "
                "SIGNF_REF_TIME=1(Start_of_Forecast) REF_TIME=2020-03-01T00:00:00Z",
                GRIB_PDS_PDTN="0",
                GRIB_PDS_TEMPLATE_NUMBERS=" ".join(
                    map(str, [2, 2, 2, 0, 98, 0, 0, 0, 1, 0, 0, 0, 6 * hour])
                )
                + f" 103 0 0 0 0 {[2, 10][level]} 255 0 0 0 0 0",
            )
    joined = b""
    for number in range(4):
        message = kitchen.folder / f"{number}.grb2"
        with rasterio.open(kitchen.folder / f"{number}.tif") as opened:
            rasterio.shutil.copy(
                opened, message, driver="GRIB", DATA_ENCODING="IEEE_FLOATING_POINT"
            )
        joined += message.read_bytes()
    path.write_bytes(joined)
    recipe = """
coverage: GRB
files: a.grb2
axes: [{name: time, is: time}, {name: height, is: further, dimension: level, unit: m}]
bands: [{name: u, from: UGRD}]
"""
    kitchen.served(recipe)
    with rasterio.open(path) as opened, rasterio.Env(GRIB_NORMALIZE_UNITS="NO"):
        messages = {
            (tags["GRIB_VALID_TIME"].split()[0], tags["GRIB_SHORT_NAME"].split("-")[0]): n
            for n in opened.indexes
            for tags in (opened.tags(n),)
        }
    assert len(messages) == 4
    stored = kitchen.stored("GRB", "u")
    with rasterio.Env(GRIB_NORMALIZE_UNITS="NO"), rasterio.open(path) as opened:
        for number, slot in enumerate(kitchen.slots("GRB")):
            seconds = str(int(slot.scene.reference_time.timestamp()))
            for place, height in enumerate(("2", "10")):
                np.testing.assert_array_equal(
                    stored[number][place], opened.read(messages[seconds, height])
                )
    np.testing.assert_allclose(np.stack(stored).reshape(4, 12, 20), planes, rtol=1e-6)


def test_several_nodata_numbers_and_a_legend(kitchen: Kitchen) -> None:
    values = RNG.choice(np.array([0, 20, 30, 254, 255], "uint8"), (64, 64))
    with rasterio.open(write_tiff(kitchen.folder / "lc.tif", values), "r+") as file:
        file.write_colormap(1, {20: (255, 187, 34), 30: (255, 255, 76)})
    recipe = """
coverage: LC
files: lc.tif
bands:
  - name: class
    nodata: [255, 254]
    classes: LEGEND
"""
    legend = (
        "[{value: 20, name: shrubs, title: Shrubs, colour: '#ffbb22'}, {value: 30, name: grass}]"
    )
    kitchen.served(recipe.replace("LEGEND", legend))
    expected = np.where(values == 254, 255, values)
    np.testing.assert_array_equal(kitchen.stored("LC", "class")[0], expected)
    band = kitchen.band("LC", "class")
    assert (band.nodata, band.aggregate) == (255, Aggregate.MODE)
    assert [(c.value, c.name, c.colour) for c in band.classes] == [
        (20, "shrubs", (255, 187, 34)),
        (30, "grass", (128, 128, 128)),
    ]
    kitchen.served(recipe.replace("LEGEND", "file").replace("coverage: LC", "coverage: LC2"))
    found = {c.value: c.colour for c in kitchen.band("LC2", "class").classes}
    assert found == {20: (255, 187, 34), 30: (255, 255, 76)}


def test_the_bands_of_a_file_as_times(kitchen: Kitchen) -> None:
    planes = RNG.integers(0, 99, (3, 20, 30)).astype("int16")
    write_tiff(kitchen.folder / "stack.tif", *planes, nodata=-1)
    recipe = """
coverage: S
files: stack.tif
axes:
  - name: time
    is: time
    dimension: band
    origin: 2020-01
    resolution: P1M
    size: 3
    validity: P1M
bands: [{name: v}]
"""
    kitchen.served(recipe)
    np.testing.assert_array_equal(np.stack(kitchen.stored("S", "v")), planes)
    months = [(s.scene.reference_time.month, s.scene.last_time.day) for s in kitchen.slots("S")]
    assert months == [(1, 31), (2, 29), (3, 31)]


def test_heights_and_validity_in_names(kitchen: Kitchen) -> None:
    planes = RNG.normal(size=(2, 10, 12)).astype("float32")
    for plane, height in zip(planes, (10, 100), strict=True):
        write_tiff(kitchen.folder / f"wind_{height}m_20200101_20200110.tif", plane)
    recipe = """
coverage: WIND
files: "wind_*.tif"
axes:
  - name: time
    is: time
    file_name: {pattern: '_(?P<start>\\d{8})_(?P<end>\\d{8})', format: '%Y%m%d'}
  - name: height
    is: further
    file_name: {pattern: '_(?P<value>\\d+)m_'}
bands: [{name: speed}]
"""
    kitchen.served(recipe)
    made = kitchen.dataset("WIND")
    np.testing.assert_array_equal(made["speed"].values[0], planes)
    assert made["height"].values.tolist() == [10, 100]
    last = {slot.scene.last_time for slot in kitchen.slots("WIND")}
    assert last == {datetime(2020, 1, 10, 23, 59, 59, 999999, tzinfo=UTC)}


def test_a_regular_further_axis_and_a_mask_of_the_file(kitchen: Kitchen) -> None:
    planes = RNG.integers(0, 99, (3, 20, 30)).astype("uint8")
    path = write_tiff(kitchen.folder / "members.tif", *planes)
    mask = RNG.random((20, 30)) < 0.5
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"), rasterio.open(path, "r+") as file:
        file.write_mask(mask)
    recipe = """
coverage: M
files: members.tif
axes: [{name: member, is: further, dimension: band, spacing: regular, values: [1, 2, 3]}]
bands: [{name: v, nodata: 255}]
"""
    kitchen.served(recipe)
    np.testing.assert_array_equal(kitchen.stored("M", "v")[0], np.where(mask, planes, 255))
    (member,) = kitchen.cube("M").axes
    assert isinstance(member, RegularAxis)
    assert (member.start, member.step, member.size) == (0.5, 1, 3)
    without = kitchen.cook(
        recipe.replace(", nodata: 255", "").replace("coverage: M", "coverage: N")
    )
    assert "the file has a mask" in str(without.outcomes[0].note)


def test_times_of_a_calendar_without_leap_days(kitchen: Kitchen) -> None:
    with netCDF4.Dataset(kitchen.folder / "a.nc", "w") as file:
        file.createDimension("time", 2)
        file.createDimension("x", 3)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 2020-02-28 12:00:00", "noleap"
        time[:] = [0.0, 1.0]
        file.createVariable("x", "f4", ("x",))[:] = [0.5, 1.5, 2.5]
        file.createVariable("v", "f4", ("time", "x"))[:] = 1
    recipe = "{coverage: C, files: a.nc, axes: [{name: time, is: time}], bands: [{name: v}]}"
    kitchen.served(recipe)
    assert [s.scene.reference_time for s in kitchen.slots("C")] == [
        datetime(2020, 2, 28, 12, tzinfo=UTC),
        datetime(2020, 3, 1, 12, tzinfo=UTC),
    ]
