"""Which source of a mosaic gives a place and a band, by hand."""

import numpy as np
import pytest
from pyproj import CRS, Transformer

from datacube.cells import Cells, Values
from datacube.cube import VALID_BAND
from datacube.evaluate.cells import evaluate
from datacube.evaluate.schedule import compute
from datacube.grid import Window
from datacube.plan import nodes, query
from datacube.plan.bind import bind
from datacube.plan.nodes import Bands, Domain, Literal, Member, Mosaic, Pick, Plan, Scan, Stack
from datacube.protocols import Limits
from datacube.slots import Slot
from tests.builders.fakes import ORIGIN_M, FakeStyles, World, optical_cube

CUBE = optical_cube()
NODATA = -32768
X0, Y0 = ORIGIN_M
SHAPE = (20, 40)


def band(value: int, cols: int = 40) -> Values:
    return np.full((20, cols), value, dtype="int16")


def scan(world: World, *slots: Slot, names: tuple[str, ...] = ("B04", "B08")) -> Scan:
    group = CUBE.group("r10m")
    first = world.slots[0].window("r10m")
    assert first is not None
    (r, _), (c, _) = first.window.ranges
    return Scan(
        cube=CUBE.name,
        group=group,
        level=0,
        bands=tuple(CUBE.band(name) for name in names),
        stacks=(Stack(time=None, slots=slots),),
        domain=Domain(grid=group.grid.at(Window(((r, r + SHAPE[0]), (c, c + SHAPE[1]))))),
    )


def merged(world: World, *sources: Plan) -> Cells:
    node = Mosaic(members=tuple(Member(source=source, home=None) for source in sources))
    return evaluate(node, node.domain.window, world)


def filled(cells: Cells) -> list[Values]:
    return [cells.filled(name, NODATA)[0] for name in cells.names]


def row(*parts: tuple[int, int]) -> Values:
    return np.concatenate([np.full(cells, value, dtype="int16") for cells, value in parts])


def test_a_band_that_the_first_source_lacks_comes_from_the_next() -> None:
    world = World()
    one = world.add(CUBE, {"B04": band(1)})
    two = world.add(CUBE, {"B04": band(2), "B08": band(12)})
    got = merged(world, scan(world, one), scan(world, two))
    assert (got.band("B04")[0] == 1).all()
    assert got.band("B08")[1].all()
    assert (got.band("B08")[0] == 12).all()


def test_a_band_of_some_scenes_of_the_first_source_comes_from_the_next_beside_them() -> None:
    """The first source has B08 in its right scene only, and there a hole that is the scene's."""
    world = World()
    left = world.add(CUBE, {"B04": band(1)})
    near = band(13, cols=25)
    near[:, 20:] = NODATA
    right = world.add(CUBE, {"B04": band(3, cols=25), "B08": near}, corner=(X0 + 150, Y0))
    below = world.add(CUBE, {"B04": band(2), "B08": band(12)})
    got = merged(world, scan(world, left, right), scan(world, below))
    red, nir = filled(got)
    np.testing.assert_array_equal(red, row((40, 1)))
    np.testing.assert_array_equal(nir, row((15, 12), (20, 13), (5, NODATA)))


def test_where_a_scene_with_the_band_has_no_data_the_next_source_gives_it() -> None:
    """A scene covers a place that only its neighbour, which lacks the band, has seen."""
    world = World()
    lacking = world.add(CUBE, {"B04": band(1)})
    half_red, half_nir = band(3), band(13)
    half_red[:, :20] = half_nir[:, :20] = NODATA
    having = world.add(CUBE, {"B04": half_red, "B08": half_nir})
    below = world.add(CUBE, {"B04": band(2), "B08": band(12)})
    _, nir = filled(merged(world, scan(world, lacking, having), scan(world, below)))
    np.testing.assert_array_equal(nir, row((20, 12), (20, 13)))


def test_scenes_with_every_band_give_a_place_together_and_need_no_mask() -> None:
    world = World()
    red, nir = band(1), band(11)
    red[:, :10] = NODATA  # but B08 of the same scene is data there
    red[:, 30:] = nir[:, 30:] = NODATA
    one = world.add(CUBE, {"B04": red, "B08": nir})
    two = world.add(CUBE, {"B04": band(2), "B08": band(12)})
    got_red, got_nir = filled(merged(world, scan(world, one), scan(world, two)))
    np.testing.assert_array_equal(got_red, row((10, NODATA), (20, 1), (10, 2)))
    np.testing.assert_array_equal(got_nir, row((30, 11), (10, 12)))
    assert VALID_BAND not in {name for _, name, _, _ in world.reads}


def test_a_source_that_gives_all_ends_the_search() -> None:
    world = World()
    one = world.add(CUBE, {"B04": band(1), "B08": band(11)})
    two = world.add(CUBE, {"B04": band(2), "B08": band(12)})
    merged(world, scan(world, one), scan(world, two))
    assert {number for number, _, _, _ in world.reads} == {0}


def test_what_is_calculated_is_lacked_nowhere() -> None:
    """A field that no stored band tells of keeps its holes where the source has data."""
    world = World()
    one = world.add(CUBE, {"B04": band(1), "B08": band(11)})
    two = world.add(CUBE, {"B04": band(2), "B08": band(12)})

    def beside(slot: Slot, number: int) -> Plan:
        source = scan(world, slot)
        literal = Literal(value=number, domain=source.domain)
        return Bands(
            picks=(
                Pick(source=source, field="B08", name="nir"),
                Pick(source=literal, field="value", name="n"),
            )
        )

    nir, numbers = filled(merged(world, beside(one, 7), beside(two, 8)))
    np.testing.assert_array_equal(nir, row((40, 11)))
    np.testing.assert_array_equal(numbers, row((40, 7)))


@pytest.mark.parametrize("west_lacks", [False, True])
def test_a_map_across_zones_has_no_hole_where_a_home_scene_lacks_a_band(
    *, west_lacks: bool
) -> None:
    world = World()
    for epsg, value in ((32633, 33), (32634, 34)):
        x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(18.0, 47.0)
        corner = (round(x / 60) * 60.0 - 3000, round(y / 60) * 60.0 + 3000)
        bands = {n: np.full((600, 600), value, dtype="int16") for n in ("B02", "B04", "B08")}
        if (epsg == 32633) == west_lacks:
            del bands["B08"]
        world.add(optical_cube(epsg), bands, corner=corner)
    asked = query.Map(
        layers=(query.MapLayer(layer="S2_L2A", style="true-colour"),),
        crs=CRS.from_epsg(4326),
        bbox=(17.98, 46.99, 18.02, 47.01),
        width_px=80,
        height_px=40,
        time=query.MapTime(),
    )
    encode = query.Encode(source=asked, media_type="image/png")
    picture = bind(encode, world.view(), FakeStyles(), Limits()).encode.source
    assert isinstance(picture, nodes.Picture)
    got = compute(picture.layers[0].source, world, limits=Limits())
    # Channels of the style: B04, B08, B02.
    assert all(valid.all() for valid in got.valid)
    at_home = np.broadcast_to(np.where(np.arange(80) < 40, 33, 34), (40, 80))
    np.testing.assert_array_equal(got.values[0], at_home)
    np.testing.assert_array_equal(got.values[1], np.full((40, 80), 34 if west_lacks else 33))
    np.testing.assert_array_equal(got.values[2], at_home)
