"""Cubes of any axes in a real store: written, read back, verified, rebuilt, grown."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from copernicube.wiring import open_local, rebuild_local
from datacube.axes import TimeAxis
from datacube.cells import Cells
from datacube.cube import Cube
from datacube.errors import InvalidParameterError, OutOfDomainError, UnknownNameError
from datacube.grid import Grid, Window
from datacube.plan import query
from datacube.plan.cost import estimate
from datacube.plan.nodes import Picture
from datacube.protocols import BandRead
from datacube.store import verify, zarr_store
from datacube.times import parse_period
from tests.builders.made import (
    GROUP,
    T_TIMES,
    WGS84,
    Frame,
    Made,
    Shot,
    add_cube,
    add_examples,
    add_scene,
    indices,
    listed,
    make_store,
    regular,
)
from tests.datacube.catalog.making import state_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    store = add_examples(make_store(tmp_path_factory.mktemp("made")))
    yield store
    store.local.catalog.close()


def cells(made: Made, asked: query.Query) -> Cells:
    session = made.session
    plan = session.bind(query.Encode(source=asked, media_type="application/netcdf")).encode.source
    assert not isinstance(plan, Picture)
    return session.compute(plan)


def subset(name: str, *subsets: query.Trim | query.Slice) -> query.Subset:
    return query.Subset(source=query.Coverage(coverage_id=name), subsets=subsets)


def at(axis: str, place: float | str, *, index: bool = False) -> query.Slice:
    where = parse_period(place) if isinstance(place, str) else place
    return query.Slice(axis=axis, at=where, grid_index=index)


def span(axis: str, low: float, high: float, *, index: bool = False) -> query.Trim:
    return query.Trim(axis=axis, low=low, high=high, grid_indices=index)


@pytest.mark.parametrize("name", list("ABTGLPWU"))
def test_what_was_written_is_read(made: Made, name: str) -> None:
    got = cells(made, query.Coverage(coverage_id=name))
    coverage = made.coverage(name)
    for band, wanted in made.arrays[name].items():
        values, valid = got.band(band)
        assert values.dtype == wanted.dtype
        assert wanted.shape == tuple(axis.size for axis in coverage.domain_axes)
        nodata = coverage.cube.band(band).nodata
        there = ~np.isnan(wanted) if np.isnan(nodata) else wanted != nodata
        np.testing.assert_array_equal(valid, there)
        np.testing.assert_array_equal(values[there], wanted[there])


@pytest.mark.parametrize("name", list("GLPW"))
def test_zarr_reads_the_same(made: Made, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large reads, and those of object stores, go through Zarr."""
    monkeypatch.setattr(zarr_store, "DIRECT_CELLS", 0)
    got = cells(made, query.Coverage(coverage_id=name))
    for band, wanted in made.arrays[name].items():
        np.testing.assert_array_equal(got.band(band)[0], wanted)


def test_axes_are_what_was_given(made: Made) -> None:
    names = {name: [a.name for a in made.coverage(name).domain_axes] for name in "AGLPWU"}
    assert names == {
        "A": ["Lat", "Lon"],
        "G": ["i", "j"],
        "L": ["x"],
        "P": ["ansi"],
        "W": ["ansi", "height", "Lat", "Lon"],
        "U": ["ansi", "N", "E"],
    }
    assert [made.coverage(name).mappable for name in "AGLPWU"] == [
        *(True, False, False),
        *(False, True, True),
    ]
    assert made.coverage("A").time is None
    time = made.coverage("T").time
    assert isinstance(time, TimeAxis)
    assert time.size == len(T_TIMES)


def test_an_index_grid_is_cut_by_inclusive_indices(made: Made) -> None:
    # The axis that is sliced is gone.
    wanted = made.arrays["G"]["v"][2:6, 7]
    got = cells(made, subset("G", span("i", 2, 5), at("j", 7)))
    np.testing.assert_array_equal(got.values[0], wanted)
    same = cells(made, subset("G", span("i", 2, 5, index=True), at("j", 7, index=True)))
    np.testing.assert_array_equal(same.values[0], wanted)
    with pytest.raises(OutOfDomainError, match="indices 0:10"):
        cells(made, subset("G", at("i", 11)))


def test_an_index_grid_that_begins_elsewhere_keeps_its_indices(tmp_path: Path) -> None:
    made = make_store(tmp_path)
    values = np.arange(12, dtype="int16").reshape(3, 4)
    coverage = add_cube(
        made, "G", {"v": values}, Frame(axes=(indices("i", 3, -2), indices("j", 4, 10)))
    )
    assert (coverage.grid.y.first, coverage.grid.x.first) == (-2, 10)
    assert coverage.grid.x.coordinates().tolist() == [10, 11, 12, 13]
    got = cells(made, subset("G", span("i", -1, 0), span("j", 11, 12)))
    np.testing.assert_array_equal(got.values[0], values[1:, 1:3])


def test_a_line_is_trimmed_and_keeps_its_axis(made: Made) -> None:
    got = cells(made, subset("L", span("x", 10, 20)))
    np.testing.assert_array_equal(got.values[0], made.arrays["L"]["v"][10:20])
    with pytest.raises(UnknownNameError, match=r"this coverage has x$"):
        cells(made, subset("L", at("y", 0)))


def test_a_point_is_a_series(made: Made) -> None:
    cut = query.Trim(axis="ansi", low=parse_period("2020-02"), high=parse_period("2020-05"))
    got = cells(made, subset("P", cut))
    np.testing.assert_array_equal(got.values[0], made.arrays["P"]["v"][1:3])


@pytest.mark.parametrize(
    ("cut", "heights"),
    [
        (span("height", 5, 60), slice(1, 3)),
        (span("height", 2, 3, index=True), slice(2, 4)),
        (span("HEIGHT", 50, 50), slice(2, 3)),
        (at("height", 50), 2),
        (at("height", 3, index=True), 3),
    ],
)
def test_heights_are_trimmed_and_sliced(
    made: Made, cut: query.Trim | query.Slice, heights: slice | int
) -> None:
    got = cells(made, subset("W", cut, at("ansi", "2020-02-01"), span("Lat", 52, 54)))
    # Rows run down from 60 in steps of half a degree.
    wanted = made.arrays["W"]["v"][1, heights, 12:16]
    np.testing.assert_array_equal(got.band("v")[0], wanted)


def test_a_place_between_heights_is_an_error_that_names_them(made: Made) -> None:
    with pytest.raises(OutOfDomainError, match="nearest: 10 and 50"):
        cells(made, subset("W", at("height", 25)))
    with pytest.raises(OutOfDomainError, match="holds no coefficient"):
        cells(made, subset("W", span("height", 11, 12)))


def test_scale_keeps_the_other_axes(made: Made) -> None:
    asked = query.Scale(source=query.Coverage(coverage_id="W"), by=(query.ScaleFactor(factor=0.5),))
    np.testing.assert_array_equal(
        cells(made, asked).band("v")[0], made.arrays["W"]["v"][:, :, ::2, ::2]
    )


def test_the_estimate_counts_the_places_read(made: Made) -> None:
    session = made.session

    def cost(asked: query.Query) -> tuple[int, int]:
        bound = session.bind(query.Encode(source=asked, media_type="application/netcdf"))
        estimated = estimate(bound.encode)
        return estimated.chunks, estimated.decoded_bytes

    chunk = 256 * 256 * 4
    assert cost(query.Coverage(coverage_id="W")) == (3 * 4 * 2, 24 * chunk)
    assert cost(subset("W", span("height", 5, 60))) == (3 * 2 * 2, 12 * chunk)
    assert cost(subset("W", at("height", 50), at("ansi", "2020-01-01"))) == (2, 2 * chunk)


def test_an_index_grid_has_no_place_on_the_earth(made: Made) -> None:
    with pytest.raises(InvalidParameterError, match="Index2D has no place on the Earth"):
        cells(
            made,
            query.CutBox(source=query.Coverage(coverage_id="G"), bbox=(0, 0, 1, 1), crs=WGS84),
        )


def test_verify_reads_every_shard(made: Made) -> None:
    report = verify(made.session.view, made.local.store)
    assert report.intact
    assert report.cubes == 8
    wind = verify(made.session.view, made.local.store, cubes=("W",))
    # Two bands and the mask, three times, four heights, one level.
    assert wind.shards == 3 * 3 * 4
    assert wind.decoded_bytes == 3 * 4 * 20 * 30 * (4 + 4 + 1)


def test_a_lost_shard_is_named_with_its_place(tmp_path: Path) -> None:
    made = make_store(tmp_path)
    axes = (listed("height", 2, 10), regular("Lat", 2, 0, 2), regular("Lon", 0, 2, 2))
    add_cube(made, "W", {"u": np.ones((2, 2, 2), "float32")}, Frame(axes=axes, crs=WGS84))
    (row, col) = (2**23 // 2048, 2**23 // 2048)
    (tmp_path / f"W/{GROUP}/0/u/c/0/1/{row}/{col}").unlink()
    (message,) = verify(made.session.view, made.local.store).damage
    assert f"shard 1/{row}/{col} of cube W" in message


def test_rebuilt_catalogue_says_the_same(tmp_path: Path) -> None:
    made = add_examples(make_store(tmp_path))
    # As text, because NaN for nodata equals nothing, and times are read when they are looked at.
    before = repr(state_of(made.session.view))
    ids = made.session.view.coverage_ids()
    axes = {name: repr(made.coverage(name).domain_axes) for name in ids}
    made.local.catalog.close()
    for path in tmp_path.glob("catalog*"):
        path.unlink()
    rebuild_local(str(tmp_path))
    again = Made(local=open_local(str(tmp_path)), arrays=made.arrays)
    assert repr(state_of(again.session.view)) == before
    assert {name: repr(again.coverage(name).domain_axes) for name in axes} == axes
    np.testing.assert_array_equal(
        cells(again, query.Coverage(coverage_id="W")).band("v")[0], made.arrays["W"]["v"]
    )


def test_scenes_that_fill_some_places_make_one_cube(tmp_path: Path) -> None:
    """Files of one height each, and a better one of a part of one height."""
    made = make_store(tmp_path)
    axes = (listed("height", 2, 10, 50), regular("Lat", 30, 0, 30), regular("Lon", 0, 40, 40))
    whole = np.full((3, 30, 40), np.nan, "float32")
    coverage = add_cube(made, "W", {"u": whole}, Frame(axes=axes, crs=WGS84))
    cube, plane = coverage.cube, coverage.grid
    rng = np.random.default_rng(1)
    wanted = whole.copy()
    for place in (0, 2):
        values = rng.normal(size=(1, 30, 40)).astype("float32")
        shot = Shot(plane=plane, places=((place, place + 1),), name=f"h{place}", baseline="02")
        add_scene(made, cube, {"u": values}, shot)
        wanted[place] = values[0]
    part = _part(plane, rows=(5, 15), cols=(10, 20))
    better = rng.normal(size=(2, 10, 10)).astype("float32")
    better[0, :5] = np.nan
    shot = Shot(plane=part, places=((1, 3),), name="best", baseline="03")
    add_scene(made, cube, {"u": better}, shot)
    there = ~np.isnan(better)
    wanted[1:3, 5:15, 10:20][there] = better[there]
    got = cells(made, query.Coverage(coverage_id="W"))
    np.testing.assert_array_equal(got.valid[0], ~np.isnan(wanted))
    np.testing.assert_array_equal(got.values[0], wanted)
    # The trim by heights renumbers the axis, but reads the same places.
    kept = cells(made, subset("W", span("height", 10, 50), span("Lat", 10, 27)))
    np.testing.assert_array_equal(kept.values[0], wanted[1:, 3:20])


def test_a_cube_without_time_grows_and_the_better_scene_goes_first(tmp_path: Path) -> None:
    made = make_store(tmp_path)
    frame = Frame(axes=(regular("Lat", 10, 0, 10), regular("Lon", 0, 10, 10)), crs=WGS84)
    first = np.arange(100, dtype="int16").reshape(10, 10)
    coverage = add_cube(made, "D", {"v": first}, frame)
    east = _part(coverage.grid, rows=(-5, 5), cols=(5, 15))
    second = (1000 + np.arange(100, dtype="int16")).reshape(10, 10)
    add_scene(made, coverage.cube, {"v": second}, Shot(plane=east, baseline="02", name="b"))
    wanted = np.full((15, 15), -32768, "int16")
    wanted[5:, :10] = first
    wanted[:10, 5:] = second
    grown = made.coverage("D")
    assert grown.time is None
    assert list(grown.grid.bbox) == [0, 0, 15, 15]
    got = cells(made, query.Coverage(coverage_id="D"))
    np.testing.assert_array_equal(got.values[0], wanted)
    np.testing.assert_array_equal(got.valid[0], wanted != -32768)


def test_pictures_have_no_number_for_nodata(tmp_path: Path) -> None:
    made = make_store(tmp_path)
    red = np.random.default_rng(0).integers(0, 256, (8, 9), dtype="uint8")
    red[0, :3] = (0, 255, 255)
    frame = Frame(axes=(indices("i", 8), indices("j", 9)))
    coverage = add_cube(made, "P", {"red": red}, frame, nodata=0, band={"gapless": True})
    got = cells(made, query.Coverage(coverage_id="P"))
    assert got.valid[0].all()
    np.testing.assert_array_equal(got.values[0], red)
    # Beyond the first scene nothing is known until the second comes.
    beside = _part(coverage.grid, rows=(8, 9), cols=(0, 2))
    add_scene(made, coverage.cube, {"red": np.zeros((1, 2), "uint8")}, Shot(plane=beside))
    got = cells(made, query.Coverage(coverage_id="P"))
    assert got.valid[0][:8].all()
    assert got.valid[0][8].tolist() == [True] * 2 + [False] * 7
    body = made.session.answer(
        query.Encode(source=subset("P", span("i", 0, 7)), media_type="application/netcdf")
    ).body
    assert isinstance(body, bytes)
    with xr.open_dataset(io.BytesIO(body), engine="h5netcdf") as file:
        assert file["red"].dtype == np.uint8
        np.testing.assert_array_equal(file["red"].values, red)


def test_real_elevation_is_given_back_by_geotiff(tmp_path: Path, testdata: Path) -> None:
    """Heights of the Copernicus DEM, in degrees, without a time axis."""
    folder = testdata / "dem_glo30_demstitcher"
    (path, *_) = sorted(folder.rglob("*.tif"))
    with rasterio.open(path) as file:
        heights = file.read(1)
        left, top = file.transform.c, file.transform.f
        width, height = file.transform.a, file.transform.e
    rows, cols = heights.shape
    axes = (
        regular("Lat", top, top + rows * height, rows),
        regular("Lon", left, left + cols * width, cols),
    )
    made = make_store(tmp_path)
    coverage = add_cube(made, "DEM", {"h": heights}, Frame(axes=axes, crs=WGS84))
    assert coverage.cube.groups[0].level_shape(1) == (2**23, 2**23)
    answer = made.session.answer(
        query.Encode(source=query.Coverage(coverage_id="DEM"), media_type="image/tiff")
    )
    assert isinstance(answer.body, bytes)
    with rasterio.MemoryFile(answer.body) as memory, memory.open() as file:
        np.testing.assert_array_equal(file.read(1), heights)
        assert file.transform.almost_equals(rasterio.Affine(width, 0, left, 0, height, top), 1e-9)


def test_levels_of_places_are_those_of_their_planes(tmp_path: Path) -> None:
    """Each height has its own pyramid: means of four cells, heights apart."""
    made = make_store(tmp_path)
    values = np.random.default_rng(4).normal(size=(2, 600, 520)).astype("float32")
    axes = (listed("height", 2, 10), regular("Lat", 60, 0, 600), regular("Lon", 0, 52, 520))
    cube = add_cube(made, "W", {"u": values}, Frame(axes=axes, crs=WGS84)).cube
    (slot,) = made.session.view.slots("W")
    covered = slot.window(GROUP)
    assert covered is not None
    assert covered.levels == 3
    wanted = values.astype("float64")
    for level in range(3):
        if level:
            wanted = wanted.reshape(2, wanted.shape[1] // 2, 2, -1, 2).mean(axis=(2, 4))
        window = covered.window.coarser(level)
        request = BandRead(
            group=cube.groups[0],
            level=level,
            band="u",
            dtype="float32",
            nodata=float("nan"),
            window=window,
        )
        read = made.local.store.read(slot, request)
        np.testing.assert_allclose(read, wanted, atol=1e-6)
        # A part that crosses chunks, of one height.
        y, x = window.rows[0], window.cols[0]
        part = replace(request, window=Window(((1, 2), (y + 100, y + 140), (x + 90, x + 130))))
        np.testing.assert_array_equal(
            made.local.store.read(slot, part)[0], read[1, 100:140, 90:130]
        )


def test_all_groups_of_a_cube_have_the_same_axes(made: Made) -> None:
    cube = made.coverage("W").cube
    (group,) = cube.groups
    with pytest.raises(ValueError, match="same further axes"):
        Cube(
            name="W",
            collection="W",
            title="",
            crs=WGS84,
            groups=(group, replace(group, name="r2", axes=())),
            bands=(),
        )


def _part(grid: Grid, *, rows: tuple[int, int], cols: tuple[int, int]) -> Grid:
    """Return cells of a lattice counted from the grid's first."""
    y, x = grid.y.first, grid.x.first
    return grid.at(Window(((y + rows[0], y + rows[1]), (x + cols[0], x + cols[1]))))
