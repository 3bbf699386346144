"""Overviews against NumPy and GDAL: what is read, and which pixels are shown."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject

from datacube.grid import Window
from datacube.overviews import (
    HALF_WORLD_M,
    MERCATOR,
    cell_size_m,
    lattice,
)
from datacube.plan.query import MapTime
from datacube.protocols import Bbox
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
from tests.builders.archive_maps import (
    Plane,
    bind,
    keep_up,
    said,
    shown,
    tile,
)

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
