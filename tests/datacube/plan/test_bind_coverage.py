from datetime import timedelta

import numpy as np
import pytest
from pyproj import CRS, Transformer

from datacube.cells import Cells, Values
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    OutOfDomainError,
    TimeSelectionError,
    UnknownNameError,
)
from datacube.evaluate.schedule import compute
from datacube.plan import nodes, query
from datacube.plan.bind import bind
from datacube.plan.query import Coverage, Method, Scale, ScaleFactor, ScaleSize, SelectBands
from datacube.protocols import Limits
from datacube.times import parse_period
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube

CUBE = optical_cube()
X0, Y0 = ORIGIN_M
type Scenes = tuple[dict[str, Values], dict[str, Values]]
LATER = BASE_TIME + timedelta(days=5)


def scene(rng: np.random.Generator, size: int = 60) -> dict[str, Values]:
    """60 x 60 cells of 10 m, 30 x 30 of 20 m, 10 x 10 of 60 m."""
    made = {n: rng.integers(1, 9000, (size, size)).astype("int16") for n in ("B02", "B04", "B08")}
    made["B11"] = rng.integers(1, 9000, (size // 2, size // 2)).astype("int16")
    made["SCL"] = rng.integers(1, 12, (size // 2, size // 2)).astype("uint8")
    made["B01"] = rng.integers(1, 9000, (size // 6, size // 6)).astype("int16")
    return made


@pytest.fixture(scope="module")
def data() -> Scenes:
    rng = np.random.default_rng(1)
    return scene(rng), scene(rng)


@pytest.fixture(scope="module")
def world(data: Scenes) -> World:
    made = World()
    made.add(CUBE, data[0], when=BASE_TIME)
    made.add(CUBE, data[1], when=LATER)
    return made


def plan(world: World, source: query.Query) -> nodes.Plan:
    asked = query.Encode(source=source, media_type="x")
    bound = bind(asked, world.view(), FakeStyles(), Limits()).encode.source
    assert not isinstance(bound, nodes.Picture)
    return bound


def cells(world: World, source: query.Query) -> Cells:
    return compute(plan(world, source), world, limits=Limits())


def subset(*subsets: query.Trim | query.Slice, of: query.Query | None = None) -> query.Subset:
    return query.Subset(source=of or Coverage(coverage_id="S2_L2A_32633"), subsets=subsets)


def trim(axis: str, low: object, high: object, **more: object) -> query.Trim:
    return query.Trim(axis=axis, low=low, high=high, **more)  # type: ignore[arg-type]  # any bound


def test_whole_coverage_repeats_coarser_cells_exactly(world: World, data: Scenes) -> None:
    got = cells(world, Coverage(coverage_id="S2_L2A_32633"))
    assert got.names == ("B01", "B02", "B04", "B08", "B11", "SCL")
    assert got.shape == (2, 60, 60)
    for t in range(2):
        for name, repeat in (("B02", 1), ("B11", 2), ("SCL", 2), ("B01", 6)):
            wanted = data[t][name].repeat(repeat, axis=0).repeat(repeat, axis=1)
            np.testing.assert_array_equal(got.band(name)[0][t], wanted)
            assert got.band(name)[1].all()


def test_coverage_of_a_group_has_its_own_bands_only(world: World, data: Scenes) -> None:
    got = cells(world, Coverage(coverage_id="S2_L2A_32633_20m"))
    assert got.names == ("B11", "SCL")
    np.testing.assert_array_equal(got.band("B11")[0], np.stack([d["B11"] for d in data]))


@pytest.mark.parametrize("east", ["E", "x", "X", "Easting", "lon", "Long", "LONGITUDE"])
@pytest.mark.parametrize("north", ["N", "y", "northing", "Lat", "latitude"])
def test_usual_spellings_of_axes(world: World, data: Scenes, east: str, north: str) -> None:
    got = cells(
        world,
        subset(trim(east, X0 + 100, X0 + 200), trim(north, Y0 - 300, Y0 - 150)),
    )
    np.testing.assert_array_equal(got.band("B08")[0][1], data[1]["B08"][15:30, 10:20])


def test_trim_keeps_cells_whose_centre_is_inside(world: World, data: Scenes) -> None:
    got = cells(world, subset(trim("E", X0 + 14.9, X0 + 45.1), trim("N", Y0 - 26, Y0 - 14)))
    # Centres at 15, 25, 35, 45 east and 15, 25 south of the corner.
    np.testing.assert_array_equal(got.band("B02")[0][0], data[0]["B02"][1:3, 1:5])


def test_grid_indices_are_absolute_and_inclusive(world: World, data: Scenes) -> None:
    grid = world.view().coverage("S2_L2A_32633").grid
    got = plan(
        world,
        subset(
            trim("E", grid.x.first + 3, grid.x.first + 5, grid_indices=True),
            trim("N", grid.y.first, grid.y.first, grid_indices=True),
        ),
    )
    assert got.domain.plane.x.first == grid.x.first + 3
    values = compute(got, world, limits=Limits()).band("B04")[0]
    np.testing.assert_array_equal(values[0], data[0]["B04"][0:1, 3:6])
    with pytest.raises(InvalidParameterError, match="whole numbers"):
        plan(world, subset(trim("E", 1.5, 3, grid_indices=True)))


def test_slice_of_the_plane_keeps_an_axis_of_one_cell(world: World, data: Scenes) -> None:
    got = cells(world, subset(query.Slice(axis="E", at=X0 + 123)))
    assert got.shape == (2, 60, 1)
    np.testing.assert_array_equal(got.band("B04")[0][0, :, 0], data[0]["B04"][:, 12])


def test_trim_in_another_crs(world: World) -> None:
    to_lonlat = Transformer.from_crs(32633, 4326, always_xy=True)
    lon, lat = to_lonlat.transform([X0 + 100, X0 + 300], [Y0 - 300, Y0 - 100])
    crs = CRS.from_epsg(4326)
    got = plan(
        world, subset(trim("Lat", lat[0], lat[1], crs=crs), trim("Long", lon[0], lon[1], crs=crs))
    ).domain.plane
    assert got.shape == (20, 20)
    assert got.bbox == (X0 + 100, Y0 - 300, X0 + 300, Y0 - 100)


def test_time_slice_at_full_precision_drops_the_axis(world: World, data: Scenes) -> None:
    at = parse_period("2023-08-20T09:50:31.024Z")
    got = cells(world, subset(query.Slice(axis="ansi", at=at)))
    assert got.shape == (60, 60)
    np.testing.assert_array_equal(got.band("B08")[0], data[1]["B08"])


def test_time_slice_between_acquisitions_names_the_neighbours(world: World) -> None:
    with pytest.raises(TimeSelectionError, match=r"2023-08-15.*2023-08-20"):
        plan(world, subset(query.Slice(axis="time", at=parse_period("2023-08-17T00:00:00.5Z"))))


def test_time_slice_by_month_names_the_candidates(world: World) -> None:
    with pytest.raises(TimeSelectionError, match=r"2 acquisitions.*2023-08-15.*2023-08-20"):
        plan(world, subset(query.Slice(axis="t", at=parse_period("2023-08"))))


def test_time_trim_covers_whole_days(world: World) -> None:
    got = plan(world, subset(trim("date", parse_period("2023-08-15"), parse_period("2023-08-15"))))
    assert got.domain.shape == (1, 60, 60)


def test_date_slice_takes_what_touches_the_area_of_the_same_bracket() -> None:
    made = World()
    rng = np.random.default_rng(2)
    made.add(CUBE, scene(rng), when=BASE_TIME)
    east = (X0 + 1200, Y0)
    made.add(CUBE, scene(rng), when=BASE_TIME + timedelta(minutes=40), corner=east)
    day = query.Slice(axis="time", at=parse_period("2023-08-15"))
    with pytest.raises(TimeSelectionError, match="2 acquisitions"):
        plan(made, subset(day))
    # Time stands first in the bracket, and is still chosen within the area.
    got = plan(made, subset(day, trim("E", X0 + 1300, X0 + 1500)))
    (time,) = {s.time for scan in nodes.scans(got) for s in scan.stacks}
    assert time == BASE_TIME + timedelta(minutes=40)
    with pytest.raises(TimeSelectionError, match="touches the area; elsewhere: 2023-08-15T09"):
        plan(made, subset(day, trim("E", X0 + 700, X0 + 900)))


def test_acquisition_without_slots_in_the_area_stays_on_the_axis() -> None:
    made = World()
    rng = np.random.default_rng(3)
    made.add(CUBE, scene(rng), when=BASE_TIME)
    made.add(CUBE, scene(rng), when=LATER, corner=(X0 + 1200, Y0))
    got = cells(made, subset(trim("E", X0, X0 + 100)))
    assert got.shape == (2, 60, 10)
    valid = got.band("B02")[1]
    assert valid[0].all()
    assert not valid[1].any()


@pytest.mark.parametrize("size", [7, 30, 60, 91])
def test_scale_is_nearest_as_wcps_says(world: World, data: Scenes, size: int) -> None:
    got = cells(
        world,
        Scale(
            source=Coverage(coverage_id="S2_L2A_32633_10m"),
            by=(ScaleSize(axis="E", size=size), ScaleSize(axis="N", size=size)),
        ),
    )
    at = np.arange(size) * 60 // size
    np.testing.assert_array_equal(got.band("B02")[0][0], data[0]["B02"][np.ix_(at, at)])


def test_scale_keeps_the_extent(world: World) -> None:
    got = plan(world, Scale(source=subset(), by=(ScaleFactor(factor=0.5),))).domain.plane
    assert got.shape == (30, 30)
    assert got.bbox == (X0, Y0 - 600, X0 + 600, Y0)


def test_average_scale_is_the_mean(world: World, data: Scenes) -> None:
    got = cells(
        world,
        Scale(
            source=Coverage(coverage_id="S2_L2A_32633_10m"),
            by=(ScaleFactor(factor=0.25),),
            method=Method.AVERAGE,
        ),
    )
    wanted = data[0]["B02"].reshape(15, 4, 15, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(got.band("B02")[0][0], np.rint(wanted))


def test_trim_after_scale(world: World, data: Scenes) -> None:
    half = Scale(source=Coverage(coverage_id="S2_L2A_32633_10m"), by=(ScaleFactor(factor=0.5),))
    got = cells(world, subset(trim("E", X0 + 100, X0 + 200), of=half))
    np.testing.assert_array_equal(got.band("B02")[0][0], data[0]["B02"][::2, 10:20:2])


def test_bands_by_name_alias_range_and_position(world: World) -> None:
    def names(*bands: str) -> tuple[str, ...]:
        asked = SelectBands(source=Coverage(coverage_id="S2_L2A_32633"), bands=bands)
        return tuple(f.name for f in plan(world, asked).fields)

    assert names("B08", "b2") == ("B08", "B02")
    assert names("B02:B11") == ("B02", "B04", "B08", "B11")
    assert names("0", "5") == ("B01", "SCL")
    with pytest.raises(UnknownNameError, match="unknown band B99"):
        names("B99")
    assert names("B02", "B04", "B02", "b2") == ("B02", "B04", "B02_2", "B02_3")
    with pytest.raises(LimitExceededError, match="1024 are allowed"):
        names(*("B02",) * 1025)


def test_cut_box_covers(world: World) -> None:
    got = plan(
        world,
        query.CutBox(
            source=Coverage(coverage_id="S2_L2A_32633"),
            bbox=(X0 + 15, Y0 - 25, X0 + 16, Y0 - 24),
            crs=CUBE.crs,
        ),
    )
    assert got.domain.plane.bbox == (X0 + 10, Y0 - 30, X0 + 20, Y0 - 20)


@pytest.mark.parametrize(
    ("asked", "error", "text"),
    [
        (trim("Q", 1, 2), UnknownNameError, "unknown axis Q"),
        (trim("E", 0, 1), OutOfDomainError, "misses axis"),
        (trim("E", X0 + 20, X0), InvalidParameterError, "lies above"),
        (trim("E", parse_period("2023"), None), InvalidParameterError, "takes numbers"),
        (trim("ansi", 1.0, None), InvalidParameterError, "takes ISO 8601"),
        (trim("ansi", parse_period("2020"), parse_period("2020")), TimeSelectionError, "nearest"),
        (query.Slice(axis="E", at=0), OutOfDomainError, "misses axis"),
    ],
)
def test_wrong_subsets(
    world: World, asked: query.Trim | query.Slice, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        plan(world, subset(asked))


def test_one_axis_twice_in_a_bracket(world: World) -> None:
    with pytest.raises(InvalidParameterError, match="twice"):
        plan(world, subset(trim("E", X0, X0 + 50), trim("x", X0, X0 + 50)))


def test_reads_only_the_slots_and_cells_it_needs(world: World) -> None:
    asked = SelectBands(
        source=subset(trim("E", X0, X0 + 50), trim("N", Y0 - 50, Y0)), bands=("B08",)
    )
    world.reads.clear()
    cells(world, subset(query.Slice(axis="t", at=parse_period("2023-08-20")), of=asked))
    (read,) = world.reads
    assert (read[0], read[1], read[3].shape) == (1, "B08", (5, 5))
