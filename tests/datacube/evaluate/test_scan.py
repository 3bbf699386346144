"""Which scene gives a place, by hand."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from datacube.cells import Cells, Values
from datacube.cube import VALID_BAND
from datacube.evaluate.cells import evaluate
from datacube.grid import Window
from datacube.plan.nodes import Domain, Scan, Stack
from tests.builders.fakes import ORIGIN_M, World, optical_cube

CUBE = optical_cube()
NODATA = -32768
X0, Y0 = ORIGIN_M


def band(rows: int, cols: int, value: int) -> Values:
    return np.full((rows, cols), value, dtype="int16")


def scan(world: World, *names: str, shape: tuple[int, int] = (20, 40), level: int = 0) -> Scan:
    group = CUBE.group("r10m")
    first = world.slots[0].window("r10m")
    assert first is not None
    (r, _), (c, _) = first.window.ranges
    window = Window(((r, r + shape[0]), (c, c + shape[1])))
    return Scan(
        cube=CUBE.name,
        group=group,
        level=level,
        bands=tuple(CUBE.band(n) for n in names),
        stacks=(Stack(time=None, slots=tuple(world.slots)),),
        domain=Domain(grid=group.level_grid(level).at(window.coarser(level))),
    )


def cells(world: World, node: Scan, window: Window | None = None) -> Cells:
    return evaluate(node, window or node.domain.window, world)


def make(*scenes: tuple[Mapping[str, Values], float]) -> World:
    """Scenes in order of precedence, each with its bands and its offset east in metres."""
    world = World()
    for bands, east in scenes:
        world.add(CUBE, bands, corner=(X0 + east, Y0))
    return world


def test_single_scene_is_read_without_its_mask() -> None:
    world = make(({"B02": band(20, 40, 5)}, 0))
    got = cells(world, scan(world, "B02"))
    assert (got.values[0] == 5).all()
    assert [name for _, name, _, _ in world.reads] == ["B02"]


def test_first_valid_scene_goes_first_and_masks_are_read_where_two_meet() -> None:
    first = band(20, 30, 1)
    first[:, 25:] = NODATA
    world = make(({"B02": first}, 0), ({"B02": band(20, 30, 2)}, 100))
    got = cells(world, scan(world, "B02"))
    wanted = np.where(np.arange(40) < 25, 1, 2)
    np.testing.assert_array_equal(got.values[0], np.broadcast_to(wanted, (20, 40)))
    assert got.valid[0].all()
    masks = [(slot, w) for slot, name, _, w in world.reads if name == VALID_BAND]
    assert [(slot, w.shape) for slot, w in masks] == [(0, (20, 20))]


def test_a_scene_that_fills_the_window_ends_the_search() -> None:
    world = make(({"B02": band(20, 40, 1)}, 0), ({"B02": band(20, 40, 2)}, 0))
    assert (cells(world, scan(world, "B02")).values[0] == 1).all()
    assert {slot for slot, _, _, _ in world.reads} == {0}


def test_scene_is_chosen_for_all_bands_and_each_keeps_its_validity() -> None:
    red = band(20, 40, 1)
    red[:, :10] = NODATA  # but B08 of the same scene is data there
    world = make(
        ({"B04": red, "B08": band(20, 40, 11)}, 0),
        ({"B04": band(20, 40, 2), "B08": band(20, 40, 12)}, 0),
    )
    got = cells(world, scan(world, "B04", "B08"))
    assert not got.band("B04")[1][:, :10].any()
    assert (got.band("B04")[0][:, 10:] == 1).all()
    assert (got.band("B08")[0] == 11).all()


def test_band_that_the_scene_lacks_comes_from_the_next_that_has_it() -> None:
    world = make(
        ({"B04": band(20, 40, 1)}, 0), ({"B04": band(20, 40, 2), "B08": band(20, 40, 12)}, 0)
    )
    got = cells(world, scan(world, "B04", "B08"))
    assert (got.band("B04")[0] == 1).all()
    assert (got.band("B08")[0] == 12).all()


def test_band_that_no_scene_has_is_not_valid() -> None:
    world = make(({"B04": band(20, 40, 1)}, 0))
    assert not cells(world, scan(world, "B08")).valid[0].any()


def test_no_scene_at_all() -> None:
    world = make(({"B04": band(20, 40, 1)}, 0))
    node = replace(scan(world, "B04"), stacks=(Stack(time=None, slots=()),))
    got = cells(world, node)
    assert got.shape == (20, 40)
    assert not got.valid[0].any()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("level", [0, 1])
def test_random_stacks_against_a_loop(seed: int, level: int) -> None:
    rng = np.random.default_rng(seed)
    world = World()
    for _ in range(rng.integers(2, 5)):
        rows, cols = (int(n) for n in 2 * rng.integers(3, 12, 2))
        shift = 10 * 2 * rng.integers(0, 6, 2)
        names = ["B02", "B04", "B08"][: rng.integers(1, 4)]
        bands = {}
        for name in names:
            values = rng.integers(1, 99, (rows, cols)).astype("int16")
            values[rng.random(values.shape) < 0.4] = NODATA
            bands[name] = values
        world.add(CUBE, bands, corner=(X0 + shift[0], Y0 - shift[1]))
    node = scan(world, "B02", "B04", "B08", shape=(30, 30), level=level)
    window = node.domain.window
    got = cells(world, node)
    for at, name in enumerate(("B02", "B04", "B08")):
        wanted = np.full(window.shape, NODATA, dtype="int16")
        for slot in reversed(world.slots):
            if slot.has_band("r10m", name):
                where, mask, _ = world.arrays[CUBE.name, slot.number, "r10m", level, VALID_BAND]
                _, values, _ = world.arrays[CUBE.name, slot.number, "r10m", level, name]
                common = where.intersect(window)
                if common is not None:
                    inner, outer = common.slices(where), common.slices(window)
                    wanted[outer] = np.where(mask[inner] != 0, values[inner], wanted[outer])
        np.testing.assert_array_equal(got.values[at], wanted)
        np.testing.assert_array_equal(got.valid[at], wanted != NODATA)
