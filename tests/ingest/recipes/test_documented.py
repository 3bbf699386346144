"""The recipes of the docs, each on a product built in the documented layout; the keys they show."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from click.testing import CliRunner
from rasterio.transform import from_origin

from copernicube.cli import commands
from datacube.cube import Aggregate
from ingest.recipes.parse import read_recipe, recipe_schema
from tests.ingest.recipes.conftest import Kitchen
from tests.ingest.recipes.files import write_tiff

DOCS = Path(__file__).resolve().parents[3] / "docs/how-to"
RNG = np.random.default_rng(3)


def recipe(name: str) -> str:
    return (DOCS / "recipes" / name).read_text()


def test_land_cover_with_its_legend(kitchen: Kitchen) -> None:
    codes = np.array([0, 20, 50, 111, 126, 200, 255], "uint8")
    maps = {year: RNG.choice(codes, (60, 80)) for year in (2018, 2019)}
    for year, cells in maps.items():
        kind = "nrt" if year == 2019 else "conso"
        write_tiff(
            kitchen.folder / f"PROBAV_LC100_global_v3.0.1_{year}-{kind}_"
            "Discrete-Classification-map_EPSG-4326.tif",
            cells,
            crs="EPSG:4326",
            transform=from_origin(5, 51, 1 / 1008, 1 / 1008),
            nodata=255,
        )
    kitchen.served(recipe("land-cover.yaml"))
    for cells, stored in zip(maps.values(), kitchen.stored("CGLS_LC100", "class"), strict=True):
        np.testing.assert_array_equal(stored, cells)
    band = kitchen.band("CGLS_LC100", "class")
    assert (band.nodata, band.aggregate, len(band.classes)) == (255, Aggregate.MODE, 23)
    first, last = (s.scene for s in kitchen.slots("CGLS_LC100"))
    assert (first.first_time.year, first.last_time.year, last.last_time.month) == (2018, 2018, 12)


def test_snow_of_two_tiles(kitchen: Kitchen) -> None:
    cells = RNG.choice(np.array([0, 30, 100, 205, 255], "uint8"), (2, 40, 40))
    for number, tile in enumerate(("T32TLR", "T32TMR")):
        name = f"FSC_20200121T103431_S2A_{tile}_V100_1"
        (kitchen.folder / name).mkdir()
        write_tiff(
            kitchen.folder / name / f"{name}_FSCTOC.tif",
            cells[number],
            crs="EPSG:32632",
            transform=from_origin(300_000 + 800 * number, 5_000_040, 20, 20),
        )
    kitchen.served(recipe("snow.yaml"))
    whole = np.concatenate(list(cells), axis=1).astype(float)
    made = kitchen.dataset("HRSI_FSC_32632")["FSC"].values
    np.testing.assert_array_equal(made, np.where(whole > 100, np.nan, whole)[None])


def test_ground_motion(kitchen: Kitchen) -> None:
    cells = RNG.normal(0, 5, (50, 50)).astype("float32")
    cells[3] = np.nan
    write_tiff(
        kitchen.folder / "EGMS_L3_E32N34_100km_U_2018_2022_1.tiff",
        cells,
        crs="EPSG:3035",
        transform=from_origin(3_200_000, 3_500_000, 100, 100),
    )
    kitchen.served(recipe("ground-motion.yaml"))
    np.testing.assert_array_equal(kitchen.dataset("EGMS_L3_U")["velocity"].values[0], cells)
    scene = kitchen.slots("EGMS_L3_U")[0].scene
    assert (scene.first_time.year, scene.last_time.year, scene.last_time.day) == (2018, 2022, 31)


def test_reanalysis_of_differently_packed_files(kitchen: Kitchen) -> None:
    for day, scale in ((1, 0.01), (2, 0.03)):
        values = RNG.normal(280, 9, (1, 2, 5, 8))
        dims = ("valid_time", "pressure_level", "latitude", "longitude")
        packing = {"dtype": "int16", "scale_factor": scale, "add_offset": 280.0}
        xr.Dataset(
            {"t": (dims, values), "u": (dims, values - 280)},
            {
                "valid_time": np.array([f"2020-01-0{day}"], "M8[ns]"),
                "pressure_level": [1000.0, 500.0],
                "latitude": np.linspace(50, 40, 5),
                "longitude": np.linspace(0, 17.5, 8),
            },
        ).to_netcdf(
            kitchen.folder / f"{day}.nc",
            engine="netcdf4",
            encoding={n: {**packing, "_FillValue": -32767} for n in ("t", "u")},
        )
    kitchen.served(recipe("climate.yaml") + "crs: EPSG:4326\n")
    made = kitchen.dataset("ERA5_PL")
    for number in (1, 2):
        with xr.open_dataset(kitchen.folder / f"{number}.nc") as read:
            turned = read.sortby("pressure_level")
            for band in ("t", "u"):
                np.testing.assert_allclose(
                    made[band].values[number - 1], turned[band].values[0], rtol=1e-6
                )


def test_elevation(testdata: Path, kitchen: Kitchen) -> None:
    name = "N51E004.SRTMGL1.hgt.zip"
    (kitchen.folder / name).write_bytes((testdata / "dem_srtm_belgium" / name).read_bytes())
    kitchen.served(recipe("elevation.yaml"))
    (stored,) = kitchen.stored("SRTM_GL1", "elevation")
    with rasterio.open(f"/vsizip/{kitchen.folder / name}/N51E004.hgt") as opened:
        np.testing.assert_array_equal(stored, opened.read(1))


@pytest.mark.parametrize("path", sorted((DOCS / "recipes").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_recipe_is_shown_and_valid(path: Path) -> None:
    assert read_recipe(path).files
    assert f"recipes/{path.name}" in (DOCS / "recipes.md").read_text()


def test_every_key_is_documented() -> None:
    schema, text = recipe_schema(), (DOCS / "recipes.md").read_text()
    keys = set(schema["properties"]) | set(schema["properties"]["grid"]["properties"])
    for part in ("axis", "band", "class"):
        keys |= set(schema["$defs"][part]["properties"])
    keys |= set(schema["$defs"]["axis"]["properties"]["file_name"]["properties"])
    keys |= set(schema["properties"]["collection"]["oneOf"][1]["properties"])
    assert not [key for key in sorted(keys) if f"`{key}`" not in text]


def test_the_command_prints_the_schema_and_refuses_options_that_do_not_fit(tmp_path: Path) -> None:
    runner = CliRunner()
    printed = runner.invoke(commands, ["ingest", "--recipe-schema"])
    assert json.loads(printed.output) == recipe_schema()
    for arguments, message in (
        ([], "PATH_OR_URL"),
        (["--register", "a.tif"], "--register needs --recipe"),
        (["--recipe", "r.yaml", "--cube", "X"], "said by the recipe"),
    ):
        result = runner.invoke(commands, ["ingest", "--store", str(tmp_path / "s"), *arguments])
        assert result.exit_code == 2
        assert message in result.output


def test_the_command_ingests_by_a_recipe(kitchen: Kitchen) -> None:
    write_tiff(kitchen.folder / "a.tif", np.ones((8, 8), "int16"), nodata=-1)
    (kitchen.folder / "r.yaml").write_text("{coverage: A, files: '*.tif', bands: [{name: v}]}")
    command = ["ingest", "--store", str(kitchen.store), "--recipe", str(kitchen.folder / "r.yaml")]
    first = CliRunner().invoke(commands, [*command, "--json"])
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["ingested"] == 1
    again = CliRunner().invoke(commands, command)
    assert "1 skipped" in again.output
