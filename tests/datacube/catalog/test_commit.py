"""What a commit makes visible, and what it retires."""

from datetime import timedelta

import pytest

from datacube.catalog import SqlCatalog, open_catalog
from datacube.errors import CommitConflictError, RevisionError, UnknownNameError
from datacube.protocols import NewSlot
from tests.builders.catalogue_rows import claimed, purge_below
from tests.datacube.catalog.making import (
    COLLECTION,
    NOON,
    Place,
    commit_scene,
    full_shards,
    make_cube,
    make_scene,
    make_windows,
    state_of,
)

CUBE = "S2_TEST_32633"
SMALL = "POLYGON ((15.2 47.2, 15.8 47.2, 15.8 47.8, 15.2 47.8, 15.2 47.2))"


@pytest.fixture
def catalog(place: Place) -> SqlCatalog:
    return open_catalog(place("store"))


def visible(catalog: SqlCatalog, as_of: int | None = None) -> list[str]:
    return [s.scene.product_id for s in catalog.view(as_of=as_of).slots(CUBE)]


def test_reprocessing_retires_the_old_scene_in_one_revision(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene(baseline="04.00"))
    before = state_of(catalog.view())
    done = commit_scene(catalog, make_scene(baseline="05.09"))
    assert done is not None
    assert [name for _, name in done.retired] == ["A_N04.00_0000"]
    assert visible(catalog) == ["A_N05.09_0000"]
    assert state_of(catalog.view(as_of=1)) == before
    assert catalog.view().counts() == {CUBE: 1}


def test_equal_baselines_go_by_generation_time(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene(generation=0))
    commit_scene(catalog, make_scene(generation=60))
    assert visible(catalog) == ["A_N05.09_0060"]


@pytest.mark.parametrize("what", ["bands", "window", "footprint"])
def test_a_reprocessing_that_lacks_something_leaves_both_visible(
    catalog: SqlCatalog, what: str
) -> None:
    old, new = make_scene(baseline="04.00"), make_scene(baseline="05.09")
    commit_scene(catalog, old)
    if what == "bands":
        commit_scene(catalog, new, bands=frozenset({"B02", "SCL"}))
    elif what == "window":
        commit_scene(catalog, new, windows=make_windows(rows=(600_060, 600_960)))
    else:
        commit_scene(catalog, make_scene(baseline="05.09", footprint=SMALL))
    # Both at one time: the better one first.
    assert visible(catalog) == ["A_N05.09_0000", "A_N04.00_0000"]


def test_a_scene_that_a_visible_one_supersedes_is_told_and_refused(catalog: SqlCatalog) -> None:
    new, old = make_scene(baseline="05.09"), make_scene(baseline="04.00")
    commit_scene(catalog, new)
    standing = catalog.standing(CUBE, old)
    assert (standing.present, standing.superseded_by) == (False, new.product_id)
    wider = make_windows(rows=(599_940, 600_960))
    assert catalog.standing(CUBE, old, windows=wider).superseded_by is None
    assert catalog.standing(CUBE, old, bands=frozenset({"B03"})).superseded_by is None
    with pytest.raises(CommitConflictError, match="superseded by A_N05"):
        commit_scene(catalog, old, skip=False)
    assert visible(catalog) == [new.product_id]
    assert catalog.view().revision == 1


def test_the_loser_of_a_race_is_burned_and_its_number_never_used_again(
    catalog: SqlCatalog,
) -> None:
    cube = catalog.ensure_cube(COLLECTION, make_cube())
    first, second = catalog.claim(cube.name)[0], catalog.claim(cube.name)[0]
    windows = make_windows()
    offers = [
        NewSlot(
            cube=cube,
            number=number,
            scene=make_scene(),
            windows=windows,
            shards=full_shards(cube, windows),
        )
        for number in (first, second)
    ]
    catalog.commit(offers[:1])
    assert catalog.standing(cube.name, make_scene()).present
    with pytest.raises(CommitConflictError, match="A_N05"):
        catalog.commit(offers[1:])
    with pytest.raises(CommitConflictError, match="not claimed"):
        catalog.commit(offers[1:])
    assert claimed(catalog) == []
    assert catalog.claim(cube.name)[0] == 2
    assert catalog.view().revision == 1


def test_a_failed_commit_of_several_slots_shows_none_and_keeps_the_claims_of_the_others(
    catalog: SqlCatalog,
) -> None:
    commit_scene(catalog, make_scene("A"))
    cube, windows = make_cube(), make_windows()
    offers = [
        NewSlot(
            cube=cube,
            number=catalog.claim(CUBE)[0],
            scene=make_scene(scene),
            windows=windows,
            shards=full_shards(cube, windows),
        )
        for scene in ("B", "A")
    ]
    with pytest.raises(CommitConflictError):
        catalog.commit(offers)
    assert visible(catalog) == ["A_N05.09_0000"]
    assert claimed(catalog) == [(CUBE, offers[0].number)]
    catalog.commit(offers[:1])
    assert catalog.view().counts() == {CUBE: 2}


def test_one_commit_of_two_processings_shows_the_better(catalog: SqlCatalog) -> None:
    cube = catalog.ensure_cube(COLLECTION, make_cube())
    windows = make_windows()
    done = catalog.commit(
        [
            NewSlot(
                cube=cube,
                number=catalog.claim(CUBE)[0],
                scene=make_scene(baseline=baseline),
                windows=windows,
                shards=full_shards(cube, windows),
            )
            for baseline in ("05.09", "04.00")
        ]
    )
    assert [name for _, name in done.retired] == ["A_N04.00_0000"]
    assert visible(catalog) == ["A_N05.09_0000"]


def test_a_claim_that_was_given_up_cannot_be_committed_or_kept_alive(catalog: SqlCatalog) -> None:
    cube = catalog.ensure_cube(COLLECTION, make_cube())
    number, windows = catalog.claim(CUBE)[0], make_windows()
    catalog.heartbeat(CUBE, number)
    catalog.burn(CUBE, number)
    with pytest.raises(CommitConflictError, match="given up"):
        catalog.heartbeat(CUBE, number)
    offer = NewSlot(
        cube=cube,
        number=number,
        scene=make_scene(),
        windows=windows,
        shards=full_shards(cube, windows),
    )
    with pytest.raises(CommitConflictError, match="given up"):
        catalog.commit([offer])
    assert catalog.view().revision == 0


def test_a_bitmap_of_the_wrong_length_is_refused(catalog: SqlCatalog) -> None:
    cube, windows = catalog.ensure_cube(COLLECTION, make_cube()), make_windows()
    shards = full_shards(cube, make_windows(rows=(600_000, 660_000)))
    offer = NewSlot(
        cube=cube, number=catalog.claim(CUBE)[0], scene=make_scene(), windows=windows, shards=shards
    )
    with pytest.raises(ValueError, match="bitmap of B02"):
        catalog.commit([offer])


def test_revisions_ahead_and_purged_are_told_apart(catalog: SqlCatalog) -> None:
    for scene in ("A", "B", "C"):
        commit_scene(catalog, make_scene(scene))
    purge_below(catalog, 2)
    with pytest.raises(RevisionError, match="purged") as purged:
        catalog.view(as_of=1)
    assert purged.value.purged
    for missing in (4, -1):
        with pytest.raises(RevisionError) as ahead:
            catalog.view(as_of=missing)
        assert not ahead.value.purged
    assert catalog.view(as_of=2).counts() == {CUBE: 2}


def test_the_interval_of_an_acquisition_follows_the_visible_tiles(catalog: SqlCatalog) -> None:
    commit_scene(catalog, make_scene("A"))
    (one,) = catalog.view().coverage(CUBE).acquisitions
    assert (one.reference, one.first, one.last) == (NOON, NOON, NOON + timedelta(seconds=26))
    late = make_scene("B")
    late = type(late)(
        **{
            **{f: getattr(late, f) for f in late.__dataclass_fields__},
            "last_time": NOON + timedelta(seconds=60),
        }
    )
    commit_scene(catalog, late)
    (joined,) = catalog.view().coverage(CUBE).acquisitions
    assert joined.last == NOON + timedelta(seconds=60)
    assert tuple(catalog.view(as_of=1).coverage(CUBE).acquisitions) == (one,)


def test_committed_scenes_come_back_as_they_were_given(catalog: SqlCatalog) -> None:
    scene, windows = make_scene(), make_windows()
    commit_scene(catalog, scene, windows=windows)
    (slot,) = open_catalog(catalog.database.address).view().slots(CUBE)
    assert (slot.scene, slot.windows) == (scene, windows)
    assert set(slot.shards) == set(full_shards(make_cube(), windows))


def test_a_cube_keeps_its_first_definition(catalog: SqlCatalog) -> None:
    first = catalog.ensure_cube(COLLECTION, make_cube())
    again = catalog.ensure_cube(COLLECTION, make_cube(access="secret"))
    assert again == first == catalog.find_cube(CUBE)
    assert catalog.find_cube("S2_TEST_32634") is None
    assert catalog.view().cubes() == ()
    with pytest.raises(UnknownNameError):
        catalog.claim("S2_TEST_32634")[0]


def test_a_standing_definition_equals_what_was_registered(place: Place) -> None:
    cube = make_cube()
    open_catalog(place("store")).ensure_cube(COLLECTION, cube)
    assert open_catalog(place("store")).find_cube(CUBE) == cube
