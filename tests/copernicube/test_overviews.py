"""Overviews against NumPy and GDAL, and what scenes that come and go do to them."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import numpy as np
import pytest
from affine import Affine
from click.testing import CliRunner
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject

from copernicube.cubes_command import cubes
from copernicube.overviews import OverviewChore
from datacube.catalog.overview_making import OverviewMaking
from datacube.cells import Cells, Values
from datacube.errors import UnknownNameError
from datacube.evaluate.schedule import compute
from datacube.grid import Window
from datacube.overviews import (
    FOLDER,
    HALF_WORLD_M,
    MERCATOR,
    cell_size_m,
    chunks_in,
    lattice,
    part_window,
)
from datacube.plan import nodes, query
from datacube.plan.bind import Bound
from datacube.plan.query import MapTime
from datacube.protocols import BandRead, Bbox, Limits
from datacube.slots import Slot
from datacube.times import parse_period
from tests.builders.archive import (
    NODATA,
    START,
    Archive,
    MadeScene,
    planes,
    ramp,
    scenes_in,
    tiles_of,
    world_cube,
    zone_cube,
)
from tests.builders.served import served

DAYS = 30
LONLAT = CRS.from_epsg(4326)
type Plane = NDArray[np.generic]


def making(archive: Archive) -> OverviewMaking:
    return OverviewMaking(archive.local.catalog.database, archive.local.catalog.load_cube)


def keep_up(archive: Archive, *, all_periods: bool = False) -> None:
    """Make overviews: all, or until no part is missing of those that are begun."""
    chore = OverviewChore(archive.local, map_days=DAYS)
    while chore.step():
        mosaics = archive.local.catalog.view().mosaics("S2_L2A")
        if not all_periods and mosaics and not making(archive).backlog(mosaics):
            begun = making(archive).newest_first(mosaics)
            if begun is not None:
                return


def tile(zoom: int, row: int, col: int) -> Bbox:
    side = 2 * HALF_WORLD_M / 2**zoom
    west, north = -HALF_WORLD_M + col * side, HALF_WORLD_M - row * side
    return west, north - side, west + side, north


def bind(  # noqa: PLR0913 - one argument for each thing that a map may differ in
    archive: Archive,
    bbox: Bbox,
    *,
    crs: CRS = MERCATOR,
    px: tuple[int, int] = (256, 256),
    when: MapTime | None = None,
    style: str = "B04",
    as_of: int | None = None,
) -> Bound:
    asked = query.Map(
        layers=(query.MapLayer(layer="S2_L2A", style=style),),
        crs=crs,
        bbox=bbox,
        width_px=px[0],
        height_px=px[1],
        time=when or MapTime(),
    )
    encode = query.Encode(source=asked, media_type="image/png")
    return archive.local.engine.session(as_of).bind(encode)


@dataclass(slots=True)
class Counting:
    """Reads cells, and counts the chunks of overviews and the scenes that are read."""

    archive: Archive
    chunks: dict[str, int] = field(default_factory=dict)
    scenes: set[int] = field(default_factory=set)

    def read(self, slot: Slot, request: BandRead) -> Values:
        if slot.cube.startswith(FOLDER):
            at = self.chunks.setdefault(request.band, 0)
            self.chunks[request.band] = at + chunks_in(request.window)
        else:
            self.scenes.add(slot.number)
        return self.archive.local.store.read(slot, request)


def shown(archive: Archive, bound: Bound) -> tuple[Cells, Counting]:
    """Return the channels of the last layer of a map, and what reading them took."""
    assert isinstance(bound.encode.source, nodes.Picture)
    reader = Counting(archive)
    layer = bound.encode.source.layers[-1]
    return compute(layer.source, reader, limits=Limits()), reader


def said(bound: Bound, word: str) -> str:
    return next((note for note in bound.notes if note.startswith(word)), "")


# What 2016 scenes show


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """2016 scenes of 64 cells a side over most of the world: 252 places on 8 days."""
    archive = Archive(tmp_path_factory.mktemp("many") / "store")
    cube = world_cube(0.2)
    tiles = list(tiles_of(cube, first=(50, 0), count=(9, 28), side=64))
    scenes = []
    for day in range(8):
        for number, (name, window) in enumerate(tiles):
            values = ramp(window, 1000 * day)
            if number % 7 == day % 7:
                values[:, 40:] = NODATA
            when = START + timedelta(days=day, minutes=number)
            scenes.append(MadeScene(cube=cube, window=window, values=values, when=when, tile=name))
    archive.add(*scenes)
    keep_up(archive)
    return archive


def low_tiles() -> Iterator[tuple[int, int, int]]:
    for zoom in range(3):
        yield from ((zoom, row, col) for row in range(2**zoom) for col in range(2**zoom))
    yield from ((3, row, col) for row, col in ((2, 3), (4, 7), (5, 0)))
    yield from ((4, row, col) for row, col in ((4, 7), (7, 15), (9, 3)))


@pytest.mark.parametrize("style", ["B04", "SCL"])
def test_tiles_read_few_chunks_of_a_band_and_no_scene(many: Archive, style: str) -> None:
    most = filled = 0
    for place in low_tiles():
        bound = bind(many, tile(*place), style=style)
        cells, read = shown(many, bound)
        assert said(bound, "Overview shown: S2_L2A newest"), place
        assert not read.scenes
        filled += int(cells.valid[0].any())
        most = max(most, *read.chunks.values())
    # A tile's pixels are cells of the overview, and its edges those of a chunk.
    assert most == 1
    assert filled > 15


@pytest.mark.parametrize(
    ("crs", "bbox", "px"),
    [
        (4326, (-180, -90, 180, 90), (512, 256)),
        (4326, (-20, 10, 70, 80), (256, 256)),
        (4326, (-11.3, 52.1, 20.7, 79.3), (300, 200)),
        (3035, (2_000_000, 1_000_000, 6_500_000, 5_500_000), (256, 256)),
        (3857, (-5_100_000, -3_300_000, 7_000_000, 8_800_000), (256, 256)),
        (3413, (-4_000_000, -4_000_000, 4_000_000, 4_000_000), (256, 256)),
    ],
)
def test_maps_in_any_crs_read_few_chunks(
    many: Archive, crs: int, bbox: Bbox, px: tuple[int, int]
) -> None:
    bound = bind(many, bbox, crs=CRS.from_epsg(crs), px=px)
    cells, read = shown(many, bound)
    assert said(bound, "Overview shown")
    assert not read.scenes
    assert cells.valid[0].any()
    assert max(read.chunks.values()) <= 16 * -(-px[0] // 256) * -(-px[1] // 256)


def test_more_detail_than_the_overview_has_is_read_from_scenes(many: Archive) -> None:
    bound = bind(many, tile(6, 24, 40))
    _, read = shown(many, bound)
    assert not said(bound, "Overview shown")
    assert read.scenes
    assert not read.chunks


def test_files_made_of_an_overview_name_its_producers(many: Archive) -> None:
    bound = bind(many, tile(3, 3, 3))
    assert said(bound, "Overview shown")
    session = many.local.engine.session()
    assert session.credits(bound.encode).attribution == "Contains made up data 2023"


def test_times_without_an_overview_are_read_from_scenes(many: Archive) -> None:
    some = MapTime(start=parse_period("2023-05-21"), end=parse_period("2023-05-22"))
    bound = bind(many, tile(3, 3, 3), when=some)
    assert not said(bound, "Overview shown")


# Pixels


def warped(
    values: Plane, nodata: float, source: tuple[CRS, Affine], zoom: int, window: Window, how: str
) -> Plane:
    """Return what GDAL makes of an array on the cells of a zoom."""
    made = np.full(window.shape, nodata, dtype=values.dtype)
    grid = lattice(zoom).at(window)
    reproject(
        values,
        made,
        src_crs=source[0].to_wkt(),
        src_transform=source[1],
        src_nodata=nodata,
        dst_crs=MERCATOR.to_wkt(),
        dst_transform=grid.transform,
        dst_nodata=nodata,
        resampling=Resampling[how],
        tolerance=0.01,
    )
    return made


def merged(scenes: list[MadeScene], band: str, hull: Window) -> Plane:
    """Put scenes over each other by hand: the first has priority, a hole of it shows the next."""
    nodata = NODATA if band == "B04" else 255
    first = planes(scenes[0].values)[band][0]
    made = np.full(hull.shape, nodata, dtype=first.dtype)
    for scene in scenes:
        part = made[scene.window.slices(hull)]
        values = planes(scene.values)[band][0]
        free = (part == nodata) & (values != nodata)
        part[free] = values[free]
    return made


def hull_of(scenes: list[MadeScene]) -> Window:
    hull = scenes[0].window
    for scene in scenes[1:]:
        hull = hull.hull(scene.window)
    return hull


def overview_cells(archive: Archive, zoom: int, window: Window, style: str) -> tuple[Plane, Plane]:
    """Return what a map whose pixels are the cells of an overview shows, and where."""
    bbox = lattice(zoom).at(window).bbox
    height, width = window.shape
    bound = bind(archive, bbox, px=(width, height), style=style)
    assert said(bound, "Overview shown")
    cells, read = shown(archive, bound)
    assert not read.scenes
    return cells.values[0], cells.valid[0]


def compare(
    got: tuple[Plane, Plane], wanted: Plane, nodata: float, *, off: float, share: float
) -> None:
    """Values differ by no more than `off` in `share` of the cells; validity agrees as often."""
    values, valid = got
    there = wanted != nodata
    assert np.mean(valid == there) >= share
    both = valid & there
    assert both.mean() > 0.1
    difference = np.abs(values[both].astype(float) - wanted[both].astype(float))
    assert np.mean(difference <= off) >= share


@pytest.mark.parametrize(
    ("style", "nodata", "how"), [("B04", NODATA, "bilinear"), ("SCL", 255, "nearest")]
)
def test_cells_are_the_mosaic_of_the_scenes(
    many: Archive, style: str, nodata: float, how: str
) -> None:
    zoom, window = 4, Window(((1024, 1792), (1536, 2560)))
    cube = many.scenes[0].cube
    scenes = scenes_in(many.scenes, cube)
    hull = hull_of(scenes)
    source = cube.crs, cube.groups[0].grid.at(hull).transform
    wanted = warped(merged(scenes, style, hull), nodata, source, zoom, window, how)
    got = overview_cells(many, zoom, window, style)
    # Places are true to an eighth of a cell, as in every map. The ramp rises by one from cell
    # to cell, so a cell that is taken for its neighbour has another class.
    off, share = (1, 0.99) if style == "B04" else (0, 0.95)
    compare(got, wanted, nodata, off=off, share=share)


def test_coarser_zooms_are_means_and_modes_of_the_finer(many: Archive) -> None:
    window = Window(((512, 896), (768, 1280)))
    finer = Window(tuple((2 * a, 2 * b) for a, b in window.ranges))
    for style in ("B04", "SCL"):
        values, valid = overview_cells(many, 4, finer, style)
        got, there = overview_cells(many, 3, window, style)
        rows, cols = window.shape
        four = values.reshape(rows, 2, cols, 2).transpose(0, 2, 1, 3).reshape(rows, cols, 4)
        known = valid.reshape(rows, 2, cols, 2).transpose(0, 2, 1, 3).reshape(rows, cols, 4)
        np.testing.assert_array_equal(there, known.any(axis=2))
        if style == "B04":
            total = np.where(known, four.astype(float), 0).sum(axis=2)
            mean = np.rint(total / np.maximum(known.sum(axis=2), 1))
            np.testing.assert_array_equal(got[there], mean[there])
            continue
        votes = np.stack([((four == k) & known).sum(axis=2) for k in range(12)])
        np.testing.assert_array_equal(got[there], votes.argmax(axis=0)[there])


def test_two_zones_are_merged_as_a_map_merges_them(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    west, east = zone_cube(32632, 600.0), zone_cube(32633, 600.0)
    seed = 0
    # Both reach over 12 degrees east, the border of the zones, at 48 degrees north.
    for cube, first in ((west, (9050, 1950)), (east, (9050, 1280))):
        for name, window in tiles_of(cube, first=first, count=(2, 3), side=160):
            for day, baseline in ((0, "05.09"), (3, "04.00"), (3, "05.09")):
                seed += 1
                values = ramp(window, 900 * seed)
                values[20 * day : 20 * day + 30, 10 * seed % 160 :] = NODATA
                archive.add(
                    MadeScene(
                        cube=cube,
                        window=window,
                        values=values,
                        when=START + timedelta(days=day, minutes=seed),
                        tile=f"{name}_{baseline}_{day}",
                        baseline=baseline,
                    )
                )
    keep_up(archive)
    mosaics = archive.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    zoom = mosaics.zoom
    assert zoom == 8
    window = _around(archive, zoom)
    for style, nodata, how, off in (("B04", NODATA, "bilinear", 2), ("SCL", 255, "nearest", 0)):
        planes_of = []
        for cube in (west, east):
            scenes = scenes_in(archive.scenes, cube)
            hull = hull_of(scenes)
            source = cube.crs, cube.groups[0].grid.at(hull).transform
            planes_of.append(warped(merged(scenes, style, hull), nodata, source, zoom, window, how))
        home = np.where(_longitudes(zoom, window) < 12, 0, 1)
        own, other = np.choose(home, planes_of), np.choose(1 - home, planes_of)
        wanted = np.where(own != nodata, own, other)
        assert len({int(k) for k in home[wanted != nodata]}) == 2
        compare(overview_cells(archive, zoom, window, style), wanted, nodata, off=off, share=0.985)


def _around(archive: Archive, zoom: int) -> Window:
    """Return the cells of a zoom around all scenes of an archive."""
    hull: Window | None = None
    for scene in archive.scenes:
        box = scene.cube.groups[0].grid.at(scene.window).bbox
        x, y = Transformer.from_crs(scene.cube.crs, MERCATOR, always_xy=True).transform(
            [box[0], box[2]], [box[1], box[3]]
        )
        step = cell_size_m(zoom)
        cols = int((min(x) + HALF_WORLD_M) // step), int((max(x) + HALF_WORLD_M) // step) + 1
        rows = int((HALF_WORLD_M - max(y)) // step), int((HALF_WORLD_M - min(y)) // step) + 1
        part = Window((rows, cols))
        hull = part if hull is None else hull.hull(part)
    assert hull is not None
    return hull


def _longitudes(zoom: int, window: Window) -> NDArray[np.float64]:
    x0, x1 = window.cols
    x = -HALF_WORLD_M + (np.arange(x0, x1) + 0.5) * cell_size_m(zoom)
    return np.broadcast_to(x / HALF_WORLD_M * 180, window.shape)


# Scenes that come and go


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """12 scenes beside each other on one day, whose overviews are all made."""
    archive = Archive(tmp_path_factory.mktemp("few") / "store")
    cube = world_cube(0.2)
    archive.add(
        *(
            MadeScene(cube=cube, window=window, values=ramp(window, 1000), tile=name)
            for name, window in tiles_of(cube, first=(150, 800), count=(3, 4), side=64)
        )
    )
    keep_up(archive, all_periods=True)
    archive.local.catalog.close()
    return archive


@pytest.fixture
def few(made_once: Archive, tmp_path: Path) -> Archive:
    """Return a copy of `made_once` that may be changed."""
    shutil.copytree(made_once.place, tmp_path / "store")
    return Archive(tmp_path / "store", scenes=list(made_once.scenes))


HERE = tile(4, 5, 8)
DAY = MapTime(instant=parse_period("2023-05-20"))
MONTH = MapTime(instant=parse_period("2023-05"))
WHOLE_DAY = MapTime(
    start=parse_period("2023-05-20T00:00:00Z"), end=parse_period("2023-05-20T23:59:59Z")
)
NEW = 20_000


def late(archive: Archive, *, when: datetime, baseline: str = "05.09", value: int = NEW) -> int:
    """Add a scene of one value over the second of the scenes."""
    old = archive.scenes[1]
    values = np.full(old.window.shape, value, dtype="int16")
    return archive.add(
        MadeScene(
            cube=old.cube,
            window=old.window,
            values=values,
            when=when,
            tile=old.tile,
            baseline=baseline,
        )
    )


@pytest.mark.parametrize("period", [None, DAY, MONTH, WHOLE_DAY])
def test_periods_that_have_overviews(few: Archive, period: MapTime | None) -> None:
    bound = bind(few, HERE, when=period)
    cells, read = shown(few, bound)
    assert said(bound, "Overview shown")
    assert not read.scenes
    assert cells.valid[0].any()


def test_a_late_scene_is_read_itself_until_its_parts_are_made_again(few: Archive) -> None:
    before = bind(few, HERE)
    revision = late(few, when=START + timedelta(days=4))
    waiting = bind(few, HERE)
    assert "1 parts not made yet are read from scenes" in said(waiting, "Overview shown")
    while_waiting, read = shown(few, waiting)
    assert read.scenes
    assert (while_waiting.values[0] == NEW).any()
    keep_up(few)
    after = bind(few, HERE)
    made, read = shown(few, after)
    assert not read.scenes
    both = while_waiting.valid[0] & made.valid[0]
    assert (while_waiting.valid[0] == made.valid[0]).mean() > 0.999
    difference = np.abs(while_waiting.values[0][both].astype(int) - made.values[0][both])
    assert np.mean(difference <= 1) > 0.999
    # The older revision still reads its own parts, and nothing of the scene.
    old = bind(few, HERE, as_of=revision - 1)
    np.testing.assert_array_equal(shown(few, old)[0].values[0], shown(few, before)[0].values[0])
    session = few.local.engine.session()
    assert session.etag(old) == session.etag(before) != session.etag(after)


def test_only_what_a_scene_touches_is_made_again(few: Archive) -> None:
    elsewhere = tile(4, 9, 3)
    before = {period: bind(few, HERE, when=period).encode.key for period in (DAY, MONTH)}
    nowhere = bind(few, elsewhere).encode.key
    late(few, when=datetime(2023, 5, 28, 10, tzinfo=UTC))
    assert bind(few, elsewhere).encode.key == nowhere
    # Another day, the same month.
    assert bind(few, HERE, when=DAY).encode.key == before[DAY]
    assert bind(few, HERE, when=MONTH).encode.key != before[MONTH]
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    # Of the newest and the month: at each of five zooms the one or two parts that it touches.
    assert 10 <= making(few).backlog(mosaics) <= 20


def test_a_scene_of_long_ago_leaves_the_newest_alone(few: Archive) -> None:
    before = bind(few, HERE)
    late(few, when=START - timedelta(days=200))
    after = bind(few, HERE)
    assert after.encode.key == before.encode.key
    assert "parts not made" not in said(after, "Overview shown")


def test_a_retired_scene_goes_from_the_overview(few: Archive) -> None:
    revision = late(few, when=START, baseline="06.00")
    assert few.local.catalog.view().counts()["S2_L2A_4326"] == 12
    keep_up(few)
    cells, read = shown(few, bind(few, HERE, when=DAY))
    assert not read.scenes
    assert (cells.values[0] == NEW).any()
    old, read = shown(few, bind(few, HERE, when=DAY, as_of=revision - 1))
    assert not (old.values[0] == NEW).any()
    assert old.valid[0].any()


def test_the_window_slides_with_the_newest_acquisition(few: Archive) -> None:
    # 40 days on, at another place: the twelve are no longer shown without a time.
    old = few.scenes[0]
    far = Window(tuple((a + 300, b + 300) for a, b in old.window.ranges))
    scene = MadeScene(
        cube=old.cube,
        window=far,
        values=ramp(far, 0),
        when=START + timedelta(days=40),
        tile="far",
    )
    few.add(scene)
    waiting = bind(few, HERE).encode.source
    # What is left of the parts is read from scenes, of which none is in the window.
    assert isinstance(waiting, nodes.Picture)
    assert not waiting.layers
    keep_up(few)
    bound = bind(few, HERE)
    assert said(bound, "Overview shown: S2_L2A newest, zoom 4")
    made, read = shown(few, bound)
    assert not made.valid[0].any()
    assert not read.scenes
    again, _ = shown(few, bind(few, HERE, when=DAY))
    assert again.valid[0].any()


def test_an_older_revision_than_the_overview_does_not_see_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    cube = world_cube(0.2)
    tiles = list(tiles_of(cube, first=(150, 800), count=(3, 4), side=64))
    for name, window in tiles:
        archive.add(MadeScene(cube=cube, window=window, values=ramp(window, 1000), tile=name))
    keep_up(archive)
    bound = bind(archive, HERE, as_of=len(tiles) - 1)
    cells, read = shown(archive, bound)
    assert not said(bound, "Overview shown")
    assert read.scenes
    assert not read.chunks
    assert said(bind(archive, HERE), "Overview shown")
    assert cells.valid[0].any()


def test_removed_overviews_leave_every_map_answered(few: Archive) -> None:
    with_overview, _ = shown(few, bind(few, HERE))
    folder = few.place / FOLDER / "S2_L2A"
    assert folder.is_dir()
    OverviewChore(few.local, map_days=DAYS).remove("S2_L2A")
    assert not folder.exists()
    bound = bind(few, HERE)
    without, read = shown(few, bound)
    assert not said(bound, "Overview shown")
    assert read.scenes
    assert (without.valid[0] == with_overview.valid[0]).mean() > 0.999
    keep_up(few)
    again, _ = shown(few, bind(few, HERE))
    np.testing.assert_array_equal(again.values[0], with_overview.values[0])


def test_scenes_without_a_time_have_an_overview_of_all(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    cube = replace(world_cube(0.2), timed=False)
    for number, (name, window) in enumerate(
        tiles_of(cube, first=(150, 800), count=(3, 4), side=64)
    ):
        when = START - timedelta(days=1000 * number)
        scene = MadeScene(cube=cube, window=window, values=ramp(window, 1), when=when, tile=name)
        archive.add(scene)
    keep_up(archive, all_periods=True)
    bound = bind(archive, HERE)
    cells, read = shown(archive, bound)
    assert said(bound, "Overview shown: S2_L2A newest")
    assert not read.scenes
    assert cells.valid[0].any()


def test_cubes_that_not_everyone_sees_have_no_overview(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    cube = zone_cube(32632, 600.0, access="secret")
    archive.add(
        *(
            MadeScene(cube=cube, window=window, values=ramp(window, 1), tile=name)
            for name, window in tiles_of(cube, first=(9050, 1950), count=(3, 3), side=160)
        )
    )
    keep_up(archive, all_periods=True)
    assert archive.local.catalog.view().mosaics("S2_L2A") is None


def test_a_part_that_a_commit_touched_in_between_is_not_let_stand(few: Archive) -> None:
    late(few, when=START + timedelta(days=4))
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    chore = OverviewChore(few.local, map_days=DAYS)
    claim = OverviewMaking.claim

    def meddled(self: OverviewMaking, *arguments: object) -> list[int]:
        # Another writer commits while the first part is made.
        late(few, when=START + timedelta(days=5), value=NEW + 1)
        patch.undo()
        return claim(self, *arguments)  # type: ignore[arg-type] # as they came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OverviewMaking, "claim", meddled)
        chore.step()
    waiting, _ = shown(few, bind(few, HERE))
    assert (waiting.values[0] == NEW + 1).any()
    assert not (waiting.values[0] == NEW).any()
    keep_up(few)
    made, read = shown(few, bind(few, HERE))
    assert not read.scenes
    assert (made.values[0] == NEW + 1).any()
    assert not (made.values[0] == NEW).any()


def test_two_processes_make_what_is_missing_once(few: Archive) -> None:
    late(few, when=START + timedelta(days=4))
    command = [sys.executable, "-m", "copernicube", "cubes", "overviews", "--json"]
    both = [
        subprocess.Popen([*command, "--store", str(few.place)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(one["after"] == {"S2_L2A": {"parts": 0, "periods": 0}} for one in told)
    made, read = shown(few, bind(few, HERE))
    assert not read.scenes
    assert (made.values[0] == NEW).any()
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    # No number of a part that was made twice is left behind.
    assert not making(few).abandoned(mosaics, -3600, 1000)


def test_the_command_says_what_it_would_do_and_does_it(few: Archive) -> None:
    late(few, when=START + timedelta(days=4))

    def run(*options: str) -> str:
        arguments = ["overviews", "--store", str(few.place), "--collection", "S2_L2A", *options]
        done = CliRunner().invoke(cubes, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    waiting = run("--dry-run")
    assert waiting == run("--dry-run")
    assert waiting.startswith("S2_L2A: ")
    assert not waiting.startswith("S2_L2A: 0 parts")
    assert run() == "S2_L2A: 0 parts to make, 0 periods to begin\n"
    assert run("--remove") == "S2_L2A: overviews removed\n"
    assert json.loads(run("--dry-run", "--json"))["before"]["S2_L2A"]["periods"] > 0
    assert not (few.place / FOLDER / "S2_L2A").exists()


def test_the_command_knows_the_collections(few: Archive) -> None:
    with pytest.raises(UnknownNameError, match="NONE"):
        CliRunner().invoke(
            cubes,
            ["overviews", "--store", str(few.place), "--collection", "NONE"],
            catch_exceptions=False,
        )


def test_a_chore_at_rest_goes_on_after_a_commit(few: Archive) -> None:
    chore = OverviewChore(few.local, map_days=DAYS)
    for day in (4, 5):
        while chore.step():
            pass
        assert not chore.step()
        late(few, when=START + timedelta(days=day), value=NEW + day)
    while chore.step():
        pass
    made, read = shown(few, bind(few, HERE))
    assert not read.scenes
    assert (made.values[0] == NEW + 5).any()


def test_a_server_makes_them_beside_itself(few: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    OverviewChore(few.local, map_days=DAYS).remove("S2_L2A")
    few.local.catalog.close()
    monkeypatch.setenv("COPERNICUBE_UPKEEP", "on")
    asked: dict[str, str | int] = {
        "service": "WMS",
        "version": "1.3.0",
        "request": "GetMap",
        "layers": "S2_L2A",
        "styles": "B04",
        "crs": "EPSG:3857",
        "bbox": ",".join(map(str, HERE)),
        "width": 256,
        "height": 256,
        "format": "image/png",
    }
    with served(few.place) as url:
        told = ""
        for _ in range(300):
            told = httpx2.get(f"{url}/ows", params=asked, timeout=30).headers.get("warning", "")
            if "Overview shown" in told and "not made yet" not in told:
                break
            time.sleep(0.2)
        assert "Overview shown: S2_L2A newest, zoom 4" in told
        assert "not made yet" not in told


def test_old_parts_are_deleted_and_older_revisions_read_scenes_there(few: Archive) -> None:
    revision = late(few, when=START + timedelta(days=4))
    keep_up(few)
    before, _ = shown(few, bind(few, HERE, as_of=revision - 1))
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    assert making(few).retire(mosaics, -3600) > 0
    numbers = making(few).abandoned(mosaics, -3600, 1000)
    assert numbers
    bound = bind(few, HERE, as_of=revision - 1)
    after, read = shown(few, bound)
    assert read.scenes
    assert (before.valid[0] == after.valid[0]).mean() > 0.999
    assert "not made yet" in said(bound, "Overview shown")


def test_parts_lie_where_their_number_says() -> None:
    assert part_window((4, 2, 3)).ranges == ((1024, 1536), (1536, 2048))
    assert part_window((0, 0, 0)).ranges == ((0, 256), (0, 256))
