"""A store of every kind of data that is ingested, from real files where there are any."""

from pathlib import Path

import numpy as np
import xarray as xr

from copernicube.ingest_command import RecipeIngest, ingest_recipe
from ingest.pipeline import IngestOptions
from ingest.recipes.parse import parse_recipe
from tests.builders.presets import cut, north
from tests.builders.safe import build_safe
from tests.builders.served import REPOSITORY, run_copernicube
from tests.builders.surface import real_surface

_TIMED = "axes: [{name: time, is: time}]"
_OLCI = "axes: [{name: time, is: time, validity: bounds}]\nbands: [{name: conc_chl}]"
_OLCI_FILE = "s3_olci_l2_northsea_zarr/cube-1-250-250.zarr"
_GFMAP = """
axes: [{name: time, is: time, dimension: t}]
bands: [{name: B04, from: S2-L2A-B04, nodata: 65535, scale: 0.0001}]
"""
_RTC = r"""
axes:
  - name: time
    is: time
    file_name: {pattern: '_(?P<value>\d{8}T\d{6})Z_', format: '%Y%m%dT%H%M%S'}
bands: [{name: VH}]
"""
_WAVES = """
axes:
  - {name: line, is: y, dimension: tile_line, spacing: index}
  - {name: sample, is: x, dimension: tile_sample, spacing: index}
bands: [{name: hs, from: hs_most_likely, unit: m}]
"""
_WINDS = """
axes:
  - {name: row, is: y, dimension: NUMROWS, spacing: index}
  - {name: cell, is: x, dimension: NUMCELLS, spacing: index}
bands: [{name: wind_speed, unit: m s-1}]
"""
REAL = {
    "NRT": (
        f"{_TIMED}\nbands: [{{name: B2}}, {{name: SCL, aggregate: mode}}]",
        "s2_l2a_romania_nrt_140dates/sentinel2_cube_subset_romania_10m.nc",
    ),
    "GFMAP": (_GFMAP, "s1_s2_belgium_gfmap_cubes/test_optical_cube.nc"),
    "RTC": (_RTC, "s1_rtc_opera_png_10dates/T009_019294_IW2_cropped/*_VH_cropped.tif"),
    "SRTM": ("bands: [{name: elevation, unit: m}]", "dem_srtm_belgium/N51E004.SRTMGL1.hgt.zip"),
    "GLO30": ("bands: [{name: DEM}]", "dem_glo30_demstitcher/glo_merged.tif"),
    "OLCI": (_OLCI, _OLCI_FILE),
    "OLCI_R": (_OLCI, _OLCI_FILE),
    "HS": (_WAVES, "s1_seastate_swot_coloc/*.nc"),
    "ASCAT": (_WINDS, "ascat_l2_winds/*.nc"),
}
"""Recipes of coverages, and their files: a series, packed numbers, radar on a lattice of its own,
elevation as integers and floats, Zarr with bounds of time, two swaths as index grids."""
REGISTERED = ("OLCI_R",)
MADE = """
coverage: ERA5
crs: EPSG:4326
axes: [{name: time, is: time}, {name: level, is: further, unit: hPa}]
bands: [{name: t, unit: K}]
"""
CLASSES = """
coverage: COVER
crs: EPSG:4326
axes: [{name: time, is: time}]
bands: [{name: class, nodata: 255, aggregate: mode}]
"""


def build_kinds(store: Path, data: Path) -> None:
    """Fill `store` with scenes of two missions' levels, with and without masks, and `REAL`."""
    folder = store.parent / f"{store.name}-files"
    folder.mkdir()
    product = cut(north())
    built = build_safe(folder, real_surface(240), product)
    items = [REPOSITORY / "samples" / path for path in ("virginia/item.json", "romania/items.json")]
    run_copernicube("ingest", "--store", store, *items)
    run_copernicube("ingest", "--store", store, "--resolution", "60", "--cube", "MASKED", built)
    for name, (recipe, pattern) in REAL.items():
        text = f"coverage: {name}\n{recipe}"
        _cook(text, folder, store, *sorted(data.glob(pattern)), register=name in REGISTERED)
    rng = np.random.default_rng(2)
    days = np.array(["2020-01-01", "2020-01-02"], "M8[ns]")
    place = {"lat": np.linspace(50, 40, 11), "lon": np.linspace(0, 19, 20)}
    cells = rng.normal(280, 9, (2, 3, 11, 20)).astype("float32")
    xr.Dataset(
        {"t": (("time", "level", "lat", "lon"), cells)},
        {"time": days, "level": [1000.0, 500.0, 100.0], **place},
    ).to_netcdf(folder / "era5.nc", engine="netcdf4")
    _cook(MADE, folder, store, folder / "era5.nc")
    classes = rng.choice(np.array([10, 20, 255], "uint8"), (2, 11, 20))
    xr.Dataset({"class": (("time", "lat", "lon"), classes)}, {"time": days, **place}).to_netcdf(
        folder / "classes.nc", engine="netcdf4"
    )
    _cook(CLASSES, folder, store, folder / "classes.nc")


def _cook(recipe: str, folder: Path, store: Path, *files: Path, register: bool = False) -> None:
    asked = RecipeIngest(
        recipe=parse_recipe(recipe, folder / "recipe.yaml"),
        places=tuple(map(str, files)),
        register=register,
    )
    summary = ingest_recipe(asked, str(store), IngestOptions(jobs=2))
    assert summary.exit_code == 0, [outcome.line for outcome in summary.outcomes]
