"""Maps: places, times, zones and levels, by hand and against GDAL."""

from dataclasses import replace
from datetime import timedelta
from math import inf, nan

import numpy as np
import pytest
import rasterio
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject

from datacube.axes import TimeAxis
from datacube.cells import Cells, Values
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    TimeSelectionError,
    UnknownNameError,
)
from datacube.evaluate.schedule import compute
from datacube.plan import nodes, query
from datacube.plan.bind import Bound, bind
from datacube.plan.bind_map_time import choose_time
from datacube.plan.query import MapTime
from datacube.protocols import Bbox, Limits
from datacube.times import Acquisition, parse_period
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube

CUBE = optical_cube()
X0, Y0 = ORIGIN_M
MERCATOR = CRS.from_epsg(3857)
NODATA = -32768


def constant(value: int, size: int = 60) -> dict[str, Values]:
    return {n: np.full((size, size), value, dtype="int16") for n in ("B02", "B04", "B08")}


def ask(  # noqa: PLR0913  # one argument for each thing that a map may differ in
    world: World,
    bbox: Bbox,
    *,
    crs: CRS = CUBE.crs,
    px: tuple[int, int] = (30, 30),
    time: MapTime | None = None,
    layer: str = "S2_L2A",
    style: str = "B08",
) -> Bound:
    asked = query.Map(
        layers=(query.MapLayer(layer=layer, style=style),),
        crs=crs,
        bbox=bbox,
        width_px=px[0],
        height_px=px[1],
        time=time or MapTime(),
    )
    encode = query.Encode(source=asked, media_type="image/png")
    return bind(encode, world.view(), FakeStyles(), Limits())


def picture(bound: Bound) -> nodes.Picture:
    assert isinstance(bound.encode.source, nodes.Picture)
    return bound.encode.source


def shown(world: World, bound: Bound) -> Cells:
    (layer,) = picture(bound).layers
    return compute(layer.source, world, limits=Limits())


HERE: Bbox = (X0, Y0 - 300, X0 + 300, Y0)


def at(text: str) -> MapTime:
    return MapTime(instant=parse_period(text))


@pytest.fixture(scope="module")
def three() -> World:
    """Three times over one place; the newest has data in the west half only."""
    world = World()
    for day, value in ((0, 100), (5, 105), (10, 110)):
        bands = constant(value)
        if day == 10:
            for one in bands.values():
                one[:, 15:] = NODATA
        world.add(CUBE, bands, when=BASE_TIME + timedelta(days=day))
    return world


def test_without_a_time_newest_valid_pixel_of_thirty_days(three: World) -> None:
    bound = ask(three, HERE)
    got = shown(three, bound)
    wanted = np.where(np.arange(30) < 15, 110, 105)
    np.testing.assert_array_equal(got.values[0], np.broadcast_to(wanted, (30, 30)))
    assert bound.notes == (
        "Default value used: time=2023-07-26T09:50:31.024Z/2023-08-25T09:50:31.024Z",
    )


def test_default_time_reaches_back_as_configured(three: World) -> None:
    asked = query.Map(
        layers=(query.MapLayer(layer="S2_L2A", style="B08"),),
        crs=CUBE.crs,
        bbox=HERE,
        width_px=30,
        height_px=30,
    )
    encode = query.Encode(source=asked, media_type="image/png")
    bound = bind(encode, three.view(), FakeStyles(), Limits(), default_map_days=2)
    assert {s.scene.product_id for s in three.slots[2:]} == set(
        nodes.contributing_scenes(bound.encode)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023-08-15T20:00:00Z", 100),
        ("2023-08-20T00:00:00Z", 105),
        ("2023-08-20T09:50:31.024Z", 105),
    ],
)
def test_instant_shows_the_nearest_within_twelve_hours(three: World, text: str, value: int) -> None:
    bound = ask(three, HERE, time=at(text))
    assert (shown(three, bound).values[0] == value).all()
    exact = text.endswith("31.024Z")
    day = 15 if value == 100 else 20
    assert bound.notes == (
        () if exact else (f"Nearest value used: time=2023-08-{day}T09:50:31.024Z",)
    )


@pytest.mark.parametrize("text", ["2023-03", "2023-03-05", "2023-03-05T12:00:00Z"])
def test_an_assumed_interval_holds_every_time_within(text: str) -> None:
    """A scene whose time is only known to lie within months is shown at any of them."""
    world = World()
    slot = world.add(CUBE, constant(7), when=BASE_TIME - timedelta(days=300))
    start = slot.scene.reference_time
    until = start + timedelta(days=200)
    world.slots[0] = replace(slot, scene=replace(slot.scene, last_time=until))
    acquisition = Acquisition(reference=start, first=start, last=until)
    view = world.view()
    coverage = replace(view.coverage(CUBE.name), time=TimeAxis(acquisitions=(acquisition,)))
    chosen = choose_time(at(text), [coverage], 30)
    assert chosen.stack(CUBE, HERE, view).slots == (world.slots[0],)


def test_period_is_a_mosaic_newest_first(three: World) -> None:
    assert (shown(three, ask(three, HERE, time=at("2023-08-20"))).values[0] == 105).all()
    month = shown(three, ask(three, HERE, time=at("2023-08"))).values[0]
    assert set(np.unique(month)) == {110, 105}
    interval = MapTime(start=parse_period("2023-08-14"), end=parse_period("2023-08-20"))
    assert (shown(three, ask(three, HERE, time=interval)).values[0] == 105).all()


def test_a_list_shows_its_latest_value_first(three: World) -> None:
    """As values of lists, days before those of an interval and times nearest to instants."""
    some = MapTime(
        instant=parse_period("2023-08-15"),
        further=(at("2023-08-20T08:00:00Z"), at("2021")),
    )
    assert (shown(three, ask(three, HERE, time=some)).values[0] == 105).all()
    first = MapTime(instant=parse_period("2023-08-15"), further=(at("2023-08-01"),))
    assert (shown(three, ask(three, HERE, time=first)).values[0] == 100).all()


@pytest.mark.parametrize(
    ("time", "error", "text"),
    [
        (at("2023-08-17T12:00:00Z"), TimeSelectionError, r"within 12 hours; .*08-15T.*08-20T"),
        (at("2021"), TimeSelectionError, r"no acquisition at 2021; the nearest: 2023-08-15T"),
        (
            MapTime(start=parse_period("2023-08-20"), end=parse_period("2023-08-01")),
            InvalidParameterError,
            "ends before it starts",
        ),
        (MapTime(start=parse_period("2023")), InvalidParameterError, "a start and an end"),
    ],
)
def test_wrong_times(three: World, time: MapTime, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        ask(three, HERE, time=time)


@pytest.mark.parametrize(
    "bbox",
    [(0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (nan, 0, 1, 1), (0, 0, inf, 1), (-inf, 0, 1, 1)],
)
def test_boxes_without_an_area(three: World, bbox: Bbox) -> None:
    with pytest.raises(InvalidParameterError, match="has no area") as caught:
        ask(three, bbox)
    assert caught.value.parameter == "bbox"


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326", "EPSG:32633", "EPSG:32760", "EPSG:3035"])
@pytest.mark.parametrize("bbox", [(1e9, 1e9, 2e9, 2e9), (-1e300, -1e300, 1e-300, 1e-300)])
def test_a_box_beyond_the_world_is_empty(three: World, bbox: Bbox, crs: str) -> None:
    bound = ask(three, bbox, crs=CRS.from_user_input(crs))
    for layer in picture(bound).layers:
        assert not compute(layer.source, three, limits=Limits()).valid[0].any()


def test_far_from_all_data_the_picture_has_no_layer(three: World) -> None:
    assert picture(ask(three, (0, 0, 1, 1), crs=CRS.from_epsg(4326))).layers == ()


def test_sizes_over_the_limit_say_so(three: World) -> None:
    with pytest.raises(LimitExceededError, match="100000 px is over the limit of 8192"):
        ask(three, HERE, px=(100_000, 100_000))
    with pytest.raises(LimitExceededError, match="8000 x 8000 = 64000000 px"):
        ask(three, HERE, px=(8000, 8000))
    with pytest.raises(InvalidParameterError, match="width 0"):
        ask(three, HERE, px=(0, 5))


def test_unknown_layers_and_styles(three: World) -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'S9'; offered: S2_L2A"):
        ask(three, HERE, layer="S9")
    with pytest.raises(UnknownNameError, match="unknown style 'sepia'"):
        ask(three, HERE, style="sepia")


def test_a_coverage_is_a_layer_too(three: World) -> None:
    got = shown(three, ask(three, HERE, layer=CUBE.name))
    assert got.valid[0].all()


def test_ndvi_is_calculated_from_stored_numbers() -> None:
    world = World()
    bands = constant(1000)
    bands["B08"][:] = 3000
    world.add(CUBE, bands)
    got = shown(world, ask(world, HERE, style="ndvi"))
    np.testing.assert_allclose(got.values[0], 0.5)


@pytest.mark.parametrize(("px", "level"), [(60, 0), (31, 0), (30, 1), (16, 1), (15, 2), (2, 3)])
def test_the_coarsest_level_no_coarser_than_a_pixel(px: int, level: int) -> None:
    world = World()
    world.add(CUBE, constant(7))
    bound = ask(world, (X0, Y0 - 600, X0 + 600, Y0), px=(px, px))
    (scan,) = nodes.scans(bound.encode)
    assert scan.level == level
    assert any("level" in note for note in bound.notes) == (level > 0)
    assert (shown(world, bound).values[0] == 7).all()


def test_where_zones_meet_each_shows_its_own() -> None:
    """Both cubes have data on both sides of 18 degrees east; each goes first in its zone."""
    world = World()
    for epsg, value in ((32633, 33), (32634, 34)):
        cube = optical_cube(epsg)
        x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(18.0, 47.0)
        corner = (round(x / 60) * 60.0 - 3000, round(y / 60) * 60.0 + 3000)
        world.add(cube, constant(value, 600), corner=corner)
    bbox = (17.98, 46.99, 18.02, 47.01)
    bound = ask(world, bbox, crs=CRS.from_epsg(4326), px=(80, 40))
    got = shown(world, bound)
    assert got.valid[0].all()
    wanted = np.where(np.arange(80) < 40, 33, 34)
    np.testing.assert_array_equal(got.values[0], np.broadcast_to(wanted, (40, 80)))


def test_a_zone_fills_what_the_other_lacks() -> None:
    world = World()
    for epsg, value in ((32633, 33), (32634, 34)):
        cube = optical_cube(epsg)
        x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(18.0, 47.0)
        corner = (round(x / 60) * 60.0 - 3000, round(y / 60) * 60.0 + 3000)
        bands = constant(value, 600)
        if epsg == 32634:
            for one in bands.values():
                one[:] = NODATA
                one[:, :20] = value
        world.add(cube, bands, corner=corner)
    got = shown(
        world, ask(world, (17.99, 46.99, 18.02, 47.01), crs=CRS.from_epsg(4326), px=(80, 40))
    )
    assert got.valid[0].all()
    assert (got.values[0] == 33).mean() > 0.9


def test_seam_between_two_tiles_of_one_time_has_no_gap() -> None:
    world = World()
    rng = np.random.default_rng(3)
    mosaic = rng.integers(1, 9000, (300, 600)).astype("int16")
    for at_col, tile in ((0, "A"), (300, "B")):
        part = mosaic[:, at_col : at_col + 300]
        bands = {"B02": part, "B04": part, "B08": part}
        world.add(CUBE, bands, corner=(X0 + 10 * at_col, Y0), tile=tile)
    to = Transformer.from_crs(32633, 3857, always_xy=True)
    x, y = to.transform(X0 + 3000, Y0 - 1500)
    bbox = (x - 900, y - 900, x + 900, y + 900)
    bound = ask(world, bbox, crs=MERCATOR, px=(128, 128), style="true-colour")
    got = shown(world, bound)
    values, valid = got.values[1], got.valid[1]
    assert valid.all()
    wanted = np.zeros((128, 128), dtype="float64")
    reproject(
        mosaic.astype("float64"),
        wanted,
        src_transform=rasterio.transform.from_origin(X0, Y0, 10, 10),
        src_crs="EPSG:32633",
        dst_transform=picture(bound).grid.transform,
        dst_crs="EPSG:3857",
        resampling=Resampling.bilinear,
        tolerance=0.0,
    )
    # Noise of full range: an error of a position by 0.01 cell shows as up to 90.
    assert np.abs(values - wanted).max() < 9000 * 0.125
    assert np.abs(values - wanted).mean() < 40


def test_tiles_share_their_edges() -> None:
    """Two maps side by side show what one map of both shows."""
    world = World()
    rng = np.random.default_rng(5)
    world.add(CUBE, {"B08": rng.integers(1, 9000, (500, 500)).astype("int16")})
    left, top, step = X0 + 503.0, Y0 - 707.0, 13.0
    both = ask(world, (left, top - 64 * step, left + 128 * step, top), px=(128, 64))
    parts = [
        ask(world, (left + a * step, top - 64 * step, left + (a + 64) * step, top), px=(64, 64))
        for a in (0, 64)
    ]
    whole = shown(world, both).values[0]
    np.testing.assert_array_equal(
        whole, np.hstack([shown(world, part).values[0] for part in parts])
    )


def test_a_small_scene_does_not_force_large_ones_to_their_finest_level() -> None:
    """The newest scene has level 0 only and stands in the middle of an older, larger one."""
    world = World()
    world.add(CUBE, constant(7, 400))
    small = world.add(
        CUBE, constant(9, 40), when=BASE_TIME + timedelta(days=1), corner=(X0 + 1200, Y0 - 1200)
    )
    windows = tuple(replace(w, levels=1) for w in small.windows)
    world.slots[1] = replace(small, windows=windows)
    bound = ask(world, (X0, Y0 - 4000, X0 + 4000, Y0), px=(100, 100))
    levels = {
        s.number: scan.level for scan in nodes.scans(bound.encode) for s in scan.stacks[0].slots
    }
    assert levels == {0: 2, 1: 0}
    got = shown(world, bound).values[0]
    wanted = np.full((100, 100), 7)
    wanted[30:40, 30:40] = 9
    np.testing.assert_array_equal(got, wanted)


def test_a_scene_beside_the_map_changes_nothing_of_the_plan() -> None:
    """The map reaches beyond the data; the new scene is beyond the map."""
    world = World()
    world.add(CUBE, constant(7, 60))
    asked = (X0 - 300, Y0 - 300, X0 + 300, Y0 + 300)
    first = ask(world, asked, px=(60, 60)).encode.key
    world.add(CUBE, constant(8, 60), corner=(X0 + 6000, Y0))
    assert ask(world, asked, px=(60, 60)).encode.key == first


def test_bands_that_a_small_scene_lacks_come_from_the_large_one_behind_it() -> None:
    """Their pyramids have different depths; the choice of scenes goes by band all the same."""
    world = World()
    world.add(CUBE, constant(1000))
    red_only = {"B04": np.full((60, 60), 3000, "int16")}
    poor = world.add(CUBE, red_only, when=BASE_TIME + timedelta(days=1))
    world.slots[1] = replace(poor, windows=tuple(replace(w, levels=1) for w in poor.windows))
    bound = ask(world, (X0, Y0 - 600, X0 + 600, Y0), px=(15, 15), style="true-colour")
    red, infrared, blue = shown(world, bound).values
    assert (red == 3000).all()
    assert (infrared == 1000).all()
    assert (blue == 1000).all()
