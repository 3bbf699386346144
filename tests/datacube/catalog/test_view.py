"""What a pinned view shows."""

from datetime import timedelta

import numpy as np
import pytest

from datacube.catalog import SqlCatalog, open_catalog
from datacube.cube import Cube
from datacube.errors import UnknownNameError
from datacube.protocols import NewSlot
from tests.datacube.catalog.making import (
    COLLECTION,
    EVERYONE,
    NOON,
    Place,
    commit_scene,
    full_shards,
    make_cube,
    make_scene,
    make_windows,
)

CUBE = "S2_TEST_32633"


@pytest.fixture
def catalog(place: Place) -> SqlCatalog:
    return open_catalog(place("store"))


def test_an_empty_catalogue_has_revision_0_and_nothing_else(catalog: SqlCatalog) -> None:
    view = catalog.view()
    assert view.revision == 0
    assert (view.collections(), view.cubes(), view.coverage_ids()) == ((), (), ())
    assert view.newest("S2_TEST") is None
    with pytest.raises(UnknownNameError):
        view.coverage("nothing")
    with pytest.raises(UnknownNameError):
        view.slots(CUBE)


def test_a_cube_is_offered_whole_and_by_the_groups_that_have_bands(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene(), bands=frozenset({"B01", "B02"}))
    view = catalog.view()
    assert view.coverage_ids() == (CUBE, f"{CUBE}_10m", f"{CUBE}_60m")
    whole, coarse = view.coverage(CUBE), view.coverage(f"{CUBE}_60m")
    assert [b.name for b in whole.bands] == ["B01", "B02"]
    assert [b.name for b in coarse.bands] == ["B01"]
    assert whole.grid.window.ranges == ((600_000, 600_960), (96_000, 96_960))
    assert coarse.grid.window.ranges == ((100_000, 100_160), (16_000, 16_160))
    assert whole.grid.bbox == coarse.grid.bbox
    with pytest.raises(UnknownNameError):
        view.coverage(f"{CUBE}_20m")
    commit_scene(catalog, make_scene("B"), bands=frozenset({"SCL"}))
    assert f"{CUBE}_20m" in catalog.view().coverage_ids()
    assert f"{CUBE}_20m" not in catalog.view(as_of=1).coverage_ids()


def test_growth_to_the_north_west_moves_no_index(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene("A"))
    old = catalog.view().coverage(CUBE).grid
    further = make_windows(rows=(594_000, 594_960), cols=(90_000, 90_960))
    commit_scene(catalog, make_scene("B"), windows=further)
    new = catalog.view().coverage(CUBE).grid
    assert new.same_lattice(old)
    assert new.window.ranges == ((594_000, 600_960), (90_000, 96_960))
    assert catalog.view(as_of=1).coverage(CUBE).grid == old


def test_a_description_keeps_its_revision_until_it_changes(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene("A"))
    first = catalog.view().coverage(CUBE)
    commit_scene(catalog, make_scene("B"))
    assert catalog.view().coverage(CUBE) is first
    commit_scene(catalog, make_scene("C", reference=NOON + timedelta(days=1)))
    assert catalog.view().coverage(CUBE).revision == 3


def test_what_a_principal_may_not_see_does_not_exist_for_it(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene())
    commit_scene(catalog, make_scene(), cube=make_cube("S2_HIDDEN_32633", access="secret"))
    public, full = catalog.view(), catalog.view(principal=EVERYONE)
    assert [c.name for c in public.cubes()] == [CUBE]
    assert [c.name for c in full.cubes()] == ["S2_HIDDEN_32633", CUBE]
    assert list(public.counts()) == [CUBE]
    with pytest.raises(UnknownNameError) as hidden:
        public.coverage("S2_HIDDEN_32633")
    with pytest.raises(UnknownNameError) as absent:
        public.coverage("S2_ABSENT_32633")
    assert str(hidden.value).replace("HIDDEN", "ABSENT") == str(absent.value)


def test_an_alias_leads_to_its_coverage_from_its_revision_on(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene())
    catalog.name_coverage("alps", f"{CUBE}_10m")
    assert catalog.view().coverage("alps").id == f"{CUBE}_10m"
    with pytest.raises(UnknownNameError):
        catalog.view(as_of=1).coverage("alps")


def test_newest_counts_only_what_is_visible(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene("A", reference=NOON + timedelta(days=3)))
    commit_scene(catalog, make_scene("B"))
    assert catalog.view().newest("S2_TEST") == NOON + timedelta(days=3)
    assert catalog.view().newest("S2_OTHER") is None


@pytest.mark.parametrize("seed", range(3))
def test_filters_find_what_a_plain_scan_finds(catalog: SqlCatalog, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cubes = [catalog.ensure_cube(COLLECTION, make_cube(f"S2_TEST_3263{n}")) for n in (3, 4)]
    _commit_scattered(catalog, cubes, rng, count=120)
    view = catalog.view()
    for _ in range(60):
        x, y = rng.uniform(300_000, 560_000), rng.uniform(4_600_000, 4_860_000)
        side = rng.choice([0.0, 10.0, 5_000.0, 80_000.0])
        box = (x, y, x + side, y + side)
        first = NOON + timedelta(hours=float(rng.uniform(-100, 900)))
        last = first + timedelta(hours=float(rng.choice([0, 5, 300])))
        for cube in cubes:
            found = view.slots(cube.name, bbox=box, first=first, last=last)
            expected = []
            for slot in view.slots(cube.name):
                covered = slot.window("r10m")
                assert covered is not None
                x0, y0, x1, y1 = cube.group("r10m").grid.at(covered.window).bbox
                meets = x0 < box[2] and x1 > box[0] and y0 < box[3] and y1 > box[1]
                scene = slot.scene
                timely = scene.reference_time <= last and scene.last_time >= first
                if meets and timely:
                    expected.append(slot)
            assert list(found) == expected


def _commit_scattered(
    catalog: SqlCatalog, cubes: list[Cube], rng: np.random.Generator, count: int
) -> None:
    for cube in cubes:
        offers = []
        for number in range(count):
            row = int(rng.integers(99_000, 103_000)) * 6
            col = int(rng.integers(15_000, 19_000)) * 6
            windows = make_windows(rows=(row, row + 1_200), cols=(col, col + 1_200))
            reference = NOON + timedelta(hours=int(rng.integers(0, 800)))
            scene = make_scene(f"{cube.name}_{number}", reference=reference)
            offers.append(
                NewSlot(
                    cube=cube,
                    number=catalog.claim(cube.name)[0],
                    scene=scene,
                    windows=windows,
                    shards=full_shards(cube, windows),
                )
            )
        catalog.commit(offers)


def test_touching_a_box_is_no_overlap_and_a_point_on_an_edge_is_inside(
    catalog: SqlCatalog,
) -> None:
    commit_scene(catalog, make_scene())
    view = catalog.view()
    _, y0, x1, y1 = view.coverage(CUBE).grid.bbox
    assert not view.slots(CUBE, bbox=(x1, y0, x1 + 10, y1))
    assert view.slots(CUBE, bbox=(x1 - 1, y0, x1 + 10, y1))
    assert view.slots(CUBE, bbox=(x1, y1, x1, y1))


def test_slots_come_by_time_and_then_the_best_first(catalog: SqlCatalog) -> None:
    later = NOON + timedelta(days=1)
    commit_scene(catalog, make_scene("B", baseline="04.00"))
    commit_scene(catalog, make_scene("C", reference=later))
    commit_scene(catalog, make_scene("A", baseline="05.09"))
    ids = [s.scene.scene_id for s in catalog.view().slots(CUBE)]
    assert ids == ["A", "B", "C"]
