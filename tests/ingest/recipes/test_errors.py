"""What is refused, and what the message says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from datacube.errors import CubeError, UnsafeSourceError, UnsupportedSourceError
from ingest.recipes.parse import parse_recipe, read_recipe
from tests.ingest.recipes.conftest import Kitchen
from tests.ingest.recipes.files import write_tiff

HERE = Path("recipe.yaml")
BROKEN = {
    "bands: [{name: v}": r"line 1: not YAML: expected ',' or ']'",
    "just text": r"line 1: 'just text' came; allowed is object",
    "": r"line 1: None came; allowed is object",
    "bands: [{name: v}]": r"line 1: the key coverage is missing",
    "coverage: A\nbands: []": r"line 2, bands: \[\]",
    "coverage: A\nband: 1\nbands: [{name: v}]": r"unknown key 'band'; allowed are coverage, title",
    "coverage: A b\nbands: [{name: v}]": r"line 1, coverage: 'A b' came; it must match",
    "coverage: A\nbands:\n- name: v\n  dtype: int12": r"line 4, bands\[0\]\.dtype: 'int12' came; "
    r"allowed are int8, uint8",
    "coverage: A\nbands:\n- {name: v}\n- {name: v}": r"line 4, bands\[1\]\.name: 'v' came before",
    "coverage: A\ncrs: EPSG:0\nbands: [{name: v}]": r"line 2, crs: 'EPSG:0' is no CRS",
    "coverage: A\naxes:\n- {name: t, is: when}\nbands: [{name: v}]": r"line 3, axes\[0\]\.is: "
    r"'when' came; allowed are time, x, y, further",
    "coverage: A\naxes:\n- name: t\n  is: time\n  validity: 1M\nbands: [{name: v}]": r"line 5, "
    r"axes\[0\]\.validity: '1M' is no duration; allowed is ISO 8601, as P1M",
    "coverage: A\naxes: [{name: t, is: time, file_name: {pattern: '(x'}}]\nbands: [{name: v}]": (
        r"no regular expression"
    ),
    "coverage: A\naxes: [{name: t, is: time, file_name: {pattern: x}}]\nbands: [{name: v}]": (
        r"named groups none; needed is"
    ),
    "coverage: A\naxes: [{name: y, is: y}]\nbands: [{name: v}]": r"an axis is y and none is x",
    "coverage: A\naxes: [{name: z, is: further, values: [a]}]\nbands: [{name: v}]": (
        r"axes\[0\]\.values\[0\]: 'a' came, a number is needed"
    ),
    "coverage: A\naxes: [{name: x, is: x, maps: {nearest: false}}]\nbands: [{name: v}]": (
        r"axes\[0\]\.maps: only an axis that is further has this"
    ),
    "coverage: A\naxes: [{name: z, is: further, maps: {default: 1, required: true}}]\n"
    "bands: [{name: v}]": r"axes\[0\]\.maps: z: what is required has no default",
    "coverage: A\naxes: [{name: z, is: further, maps: {default: 9/1}}]\nbands: [{name: v}]": (
        r"axes\[0\]\.maps: z: 9:1 runs backwards"
    ),
    "coverage: A\naxes: [{name: z, is: further, maps: {default: a}}]\nbands: [{name: v}]": (
        r"axes\[0\]\.maps\.default: 'a' came; it must match"
    ),
    "coverage: A\naxes: [{name: x, is: x, values: [1, 2], origin: 3}]\nbands: [{name: v}]": (
        r"coordinates come from one place, not from values, origin and resolution"
    ),
    "coverage: A\nbands: [{name: v, classes: [{value: 1, name: a}, {value: 1, name: b}]}]": (
        r"value 1 came before"
    ),
    "coverage: A\nbands: [{name: v, scale_offset: apply, dtype: uint8}]": r"are floating point",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_recipe_is_refused_at_its_line(text: str) -> None:
    with pytest.raises(UnsupportedSourceError, match=r"^recipe.yaml") as caught:
        parse_recipe(text, HERE)
    assert caught.match(BROKEN[text])


def test_recipes_that_are_built_to_harm(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\n" + "coverage: A\nbands: [{name: v}]"
    with pytest.raises(UnsafeSourceError, match="aliases"):
        parse_recipe(bomb, HERE)
    with pytest.raises(UnsafeSourceError, match="more than"):
        parse_recipe("a: [" + "1," * 250_000 + "1]", HERE)
    with pytest.raises(UnsupportedSourceError):
        parse_recipe("[" * 5000, HERE)
    with pytest.raises(UnsupportedSourceError, match="not YAML"):
        parse_recipe("coverage: !!python/object/apply:os.system [ls]\nbands: [{name: v}]", HERE)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(UnsafeSourceError, match="more than 1048576 bytes"):
        read_recipe(large)
    with pytest.raises(CubeError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")


PLAIN = "{coverage: A, files: FILES, bands: [{name: v}]}"


@pytest.mark.parametrize("pattern", ["../*.tif", "/etc/*", "a/../../*.tif"])
def test_patterns_stay_in_the_folder_of_the_recipe(kitchen: Kitchen, pattern: str) -> None:
    with pytest.raises(UnsafeSourceError, match="leaves the folder of the recipe"):
        kitchen.cook(PLAIN.replace("FILES", f"'{pattern}'"))


def test_links_that_leave_the_folder_are_refused(kitchen: Kitchen, tmp_path: Path) -> None:
    target = write_tiff(tmp_path / "outside.tif", np.zeros((4, 4), "uint8"))
    (kitchen.folder / "link.tif").symlink_to(target)
    with pytest.raises(UnsafeSourceError, match="is a link that leaves"):
        kitchen.cook(PLAIN.replace("FILES", "'*.tif'"))


def test_a_pattern_that_matches_nothing_is_an_error(kitchen: Kitchen) -> None:
    with pytest.raises(CubeError, match=r"no file matches '\*\.tif' in "):
        kitchen.cook(PLAIN.replace("FILES", "'*.tif'"))
    with pytest.raises(CubeError, match="has no `files`"):
        kitchen.cook("{coverage: A, bands: [{name: v}]}")


@pytest.mark.parametrize("name", ["/vsicurl/http://127.0.0.1/a.tif", "/vsimem/a.tif"])
def test_names_special_to_gdal_are_refused(kitchen: Kitchen, name: str) -> None:
    (outcome,) = kitchen.cook(PLAIN.replace("files: FILES, ", ""), name).outcomes
    assert outcome.error_code == "unsafe-source"


def _no_dates(folder: Path) -> str:
    write_tiff(folder / "a.tif", np.zeros((4, 4), "int16"))
    return """{coverage: A, files: a.tif, bands: [{name: v}], axes: [
      {name: t, is: time, file_name: {pattern: '_(?P<value>\\d{8})', format: '%Y%m%d'}}]}"""


def _bad_date(folder: Path) -> str:
    write_tiff(folder / "a_20201399.tif", np.zeros((4, 4), "int16"))
    return _no_dates(folder).replace("files: a.tif", "files: 'a_*.tif'")


def _netcdf(folder: Path, dataset: xr.Dataset) -> None:
    dataset.to_netcdf(folder / "a.nc", engine="netcdf4")


def _missing_variable(folder: Path) -> str:
    _netcdf(folder, xr.Dataset({"w": (("x",), [1.0, 2])}, {"x": [0.5, 1.5]}))
    return "{coverage: A, files: a.nc, bands: [{name: v}]}"


def _twice_the_same(folder: Path) -> str:
    _netcdf(folder, xr.Dataset({"v": (("x",), [1.0, 2])}, {"x": [0.5, 0.5]}))
    return "{coverage: A, files: a.nc, bands: [{name: v}]}"


def _ragged(folder: Path) -> str:
    _netcdf(folder, xr.Dataset({"v": (("x",), [1.0, 2, 3])}, {"x": [0.0, 1, 5]}))
    return "{coverage: A, files: a.nc, bands: [{name: v}]}"


def _no_place(folder: Path) -> str:
    _netcdf(folder, xr.Dataset({"v": (("y", "x"), np.zeros((3, 3)))}))
    return "{coverage: A, files: a.nc, bands: [{name: v}]}"


def _no_axis(folder: Path) -> str:
    _netcdf(folder, xr.Dataset({"v": (("pol", "x"), np.zeros((2, 3)))}, {"x": [0.5, 1.5, 2.5]}))
    return "{coverage: A, files: a.nc, bands: [{name: v}]}"


def _other_dimensions(folder: Path) -> str:
    _netcdf(
        folder,
        xr.Dataset(
            {"v": (("z", "x"), np.zeros((2, 3))), "w": (("x",), np.zeros(3))},
            {"x": [0.5, 1.5, 2.5], "z": [1.0, 2]},
        ),
    )
    return (
        "{coverage: A, files: a.nc, axes: [{name: z, is: further}], bands: [{name: v}, {name: w}]}"
    )


def _360_days(folder: Path) -> str:
    _netcdf(
        folder,
        xr.Dataset(
            {"v": (("time",), [1.0])},
            {"time": ("time", [1.0], {"units": "days since 2000-01-01", "calendar": "360_day"})},
        ),
    )
    return "{coverage: A, files: a.nc, axes: [{name: t, is: time}], bands: [{name: v}]}"


def _does_not_fit(folder: Path) -> str:
    write_tiff(folder / "a.tif", np.full((4, 4), 300, "int16"))
    return "{coverage: A, files: a.tif, bands: [{name: v, dtype: uint8, nodata: 255}]}"


def _data_as_nodata(folder: Path) -> str:
    write_tiff(folder / "a.tif", np.full((4, 4), 7, "uint8"), nodata=0)
    write_tiff(folder / "b.tif", np.full((4, 4), 0, "uint8"), nodata=9)
    return "{coverage: A, files: ['a.tif', 'b.tif'], bands: [{name: v}]}"


def _rotated(folder: Path) -> str:
    from affine import Affine  # noqa: PLC0415  # for this case alone

    turned = Affine(10, 1, 500_000, 1, -10, 5_200_000)
    write_tiff(folder / "a.tif", np.zeros((4, 4), "int16"), transform=turned)
    return "{coverage: A, files: a.tif, bands: [{name: v}]}"


def _unknown_bytes(folder: Path) -> str:
    (folder / "a.tif").write_bytes(b"<VRTDataset></VRTDataset>")
    return "{coverage: A, files: a.tif, bands: [{name: v}]}"


def _empty(folder: Path) -> str:
    (folder / "a.tif").write_bytes(b"")
    return "{coverage: A, files: a.tif, bands: [{name: v}]}"


def _no_such_band(folder: Path) -> str:
    write_tiff(folder / "a.tif", np.zeros((4, 4), "int16"))
    return "{coverage: A, files: a.tif, bands: [{name: v, from: 3}]}"


FILES: dict[Callable[[Path], str], str] = {
    _no_dates: "the name a.tif does not match the pattern",
    _bad_date: "'20201399' is no time in the format '%Y%m%d'",
    _missing_variable: "a.nc has no v for the band v; it has",
    _twice_the_same: "x has the coordinate 0.5 more than once",
    _ragged: "x is not regular, its gaps reach from 1 to 4",
    _no_place: "a.nc does not say where its cells lie on x; give the axis an origin",
    _no_axis: "the dimension pol of v has 2 places and is no axis of the recipe",
    _other_dimensions: "w has the dimensions x; z is missing",
    _360_days: "times are of the calendar '360_day'",
    _does_not_fit: "reaches from 300 to 300; uint8 holds 0 to 255",
    _data_as_nodata: "16 cells of 1 hold 0, which the coverage stores for no data",
    _rotated: "rows and columns must lie along the axes",
    _unknown_bytes: "has none of the formats that are read",
    _empty: "a.tif is empty",
    _no_such_band: "a.tif has no 3 for the band v; it has 1, bands",
}


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__.strip("_"))
def test_files_that_cannot_be_taken_say_why(kitchen: Kitchen, make: Callable[[Path], str]) -> None:
    summary = kitchen.cook(make(kitchen.folder))
    assert summary.exit_code == 1
    notes = [str(o.note) for o in summary.outcomes if o.note]
    assert any(FILES[make] in note for note in notes), notes
    assert all(o.error_code in (None, "unsupported-source", "source") for o in summary.outcomes)


def test_a_recipe_for_another_coverage_of_the_name_is_refused(kitchen: Kitchen) -> None:
    write_tiff(kitchen.folder / "a.tif", np.zeros((4, 4), "int16"))
    kitchen.served("{coverage: A, files: a.tif, bands: [{name: v}]}")
    for change, message in {
        "{coverage: A, collection: B, files: a.tif, bands: [{name: v}]}": "of the collection A",
        "{coverage: A, files: a.tif, bands: [{name: w}]}": "it never gets w",
        "{coverage: A, files: a.tif, axes: [{name: t, is: time}], bands: [{name: v}]}": (
            "has no time axis, the recipe says one"
        ),
        "{coverage: A, files: a.tif, axes: [{name: z, is: further}], bands: [{name: v}]}": (
            "has the further axes none, the recipe says z"
        ),
    }.items():
        with pytest.raises(UnsupportedSourceError, match=message):
            kitchen.cook(change)


def test_other_packing_than_the_cubes_is_refused(kitchen: Kitchen) -> None:
    for name, scale in (("a", 0.1), ("b", 0.2)):
        with_scale = {"scale_factor": scale}
        xr.Dataset(
            {"v": (("x",), np.array([1, 2], "int16"), with_scale)}, {"x": [0.5, 1.5]}
        ).to_netcdf(kitchen.folder / f"{name}.nc", engine="netcdf4")
    recipe = "{coverage: A, files: '*.nc', bands: [{name: v, nodata: -1}]}"
    summary = kitchen.cook(recipe)
    assert "has scale 0.2 and offset 0, the band v of the cube 0.1 and 0" in str(
        summary.outcomes[1].note
    )
    applied = recipe.replace("nodata: -1", "scale_offset: apply").replace(
        "coverage: A", "coverage: B"
    )
    kitchen.served(applied)
    np.testing.assert_allclose(
        [cells.ravel() for cells in kitchen.stored("B", "v")], [[0.1, 0.2], [0.2, 0.4]], rtol=1e-6
    )
