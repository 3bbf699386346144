"""The newest usable cell of many scenes: what is read until none is missing, and the cells."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from datacube.cube import INNER_CHUNK_PX
from datacube.evaluate.schedule import compute
from datacube.plan import nodes, query
from datacube.plan.bind import bind
from datacube.plan.query import MapTime
from datacube.plan.rules import rewrite_encode
from datacube.protocols import Limits
from datacube.render.definition import parse_style
from datacube.render.make_style import RequestedStyle
from datacube.times import parse_period
from tests.builders.fakes import BASE_TIME, ORIGIN_M, FakeStyles, World, optical_cube

CUBE = optical_cube()
X0, Y0 = ORIGIN_M
SCENES, SIDE = 100, 320
LAND, CLOUD = 4, 9
NODATA = -32768
MASK = {"band": "SCL", "keep": [LAND]}
ALWAYS = MapTime(start=parse_period("2020"), end=parse_period("2030"))

type Scenes = tuple[World, NDArray[np.int16], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    """Return 100 scenes, the red band and the classes of each; the newest are cloudy at places."""
    rng = np.random.default_rng(5)
    red = rng.integers(1, 4000, (SCENES, SIDE, SIDE)).astype("int16")
    classes = np.full((SCENES, SIDE // 2, SIDE // 2), LAND, "uint8")
    classes[-1] = CLOUD
    classes[-2, :, SIDE // 4 :] = CLOUD
    classes[-3, :10, -10:] = CLOUD
    red[-2, 5:9, 5:9] = NODATA
    world = World()
    for number in range(SCENES):
        world.add(
            CUBE,
            {"B04": red[number], "SCL": classes[number]},
            when=BASE_TIME + timedelta(days=number),
        )
    return world, red, classes


def asked(world: World, style: dict[str, object]) -> nodes.Plan:
    source = query.Map(
        layers=(
            query.MapLayer(
                layer="S2_L2A",
                style=RequestedStyle(definition=parse_style({"name": "s", "band": "B04", **style})),
            ),
        ),
        crs=CUBE.crs,
        bbox=(X0, Y0 - 10 * SIDE, X0 + 10 * SIDE, Y0),
        width_px=SIDE,
        height_px=SIDE,
        time=ALWAYS,
    )
    encode = query.Encode(source=source, media_type="image/png")
    bound = bind(encode, world.view(), FakeStyles(), Limits())
    root = rewrite_encode(bound.encode).source
    assert isinstance(root, nodes.Picture)
    return root.layers[0].source


def newest(red: NDArray[np.int16], usable: NDArray[np.bool_]) -> NDArray[np.int16]:
    at = len(usable) - 1 - usable[::-1].argmax(axis=0)
    return np.asarray(np.take_along_axis(red, at[np.newaxis], axis=0)[0])


def test_newest_of_a_hundred_masked_scenes_reads_until_no_cell_is_missing(scenes: Scenes) -> None:
    world, red, classes = scenes
    plan = asked(world, {"time": "newest", "mask": MASK})
    world.reads.clear()
    made = compute(plan, world, limits=Limits())
    land = (classes == LAND).repeat(2, axis=1).repeat(2, axis=2)
    assert made.valid[0].all()
    np.testing.assert_array_equal(made.values[0], newest(red, land & (red != NODATA)))
    # The newest is all cloud: of it only classes are read. The fourth shows in one corner.
    assert {number for number, *_ in world.reads} == {99, 98, 97, 96}
    of_band = [(number, window) for number, band, _, window in world.reads if band == "B04"]
    assert {number for number, _ in of_band} == {98, 97, 96}
    cells = {
        number: sum(window.size for n, window in of_band if n == number) for number in (98, 97, 96)
    }
    assert cells[98] == SIDE * SIDE // 2
    assert SIDE * SIDE // 2 <= cells[97] <= SIDE * SIDE
    assert cells[96] == 20 * 20
    for _, window in of_band:
        first, last = window.ranges[-2]
        assert first // INNER_CHUNK_PX == (last - 1) // INNER_CHUNK_PX


def test_newest_without_a_mask_reads_older_scenes_only_for_their_holes(scenes: Scenes) -> None:
    world, red, _ = scenes
    plan = asked(world, {"time": "newest"})
    world.reads.clear()
    made = compute(plan, world, limits=Limits())
    np.testing.assert_array_equal(made.values[0], red[-1])
    assert {number for number, *_ in world.reads} == {99}


def test_first_reads_from_the_other_end(scenes: Scenes) -> None:
    world, red, _ = scenes
    plan = asked(world, {"time": "newest", "mask": MASK})
    (last,) = (one for one in nodes.distinct(plan) if isinstance(one, nodes.Reduce))
    first = replace(last, operator="first")
    world.reads.clear()
    made = compute(first, world, limits=Limits())
    assert {number for number, *_ in world.reads} == {0}
    np.testing.assert_array_equal(made.values[0], red[0])
