"""A lost catalogue comes back from its records."""

from datetime import timedelta
from pathlib import Path

import pytest

from datacube.catalog import SqlCatalog, catalog_exists, open_catalog, rebuild_catalog
from datacube.errors import StoreDamagedError, StoreError
from tests.datacube.catalog.making import (
    EVERYONE,
    NOON,
    Place,
    commit_scene,
    make_cube,
    make_scene,
    make_windows,
    state_of,
)

CUBE = "S2_TEST_32633"


@pytest.fixture
def lost(place: Place) -> SqlCatalog:
    """Return a catalogue with reprocessings, partial scenes, two cubes and an alias."""
    catalog = open_catalog(place("lost"))
    commit_scene(catalog, make_scene("A", baseline="04.00"))
    commit_scene(catalog, make_scene("A", baseline="05.09"))
    hidden = make_cube("S2_HIDDEN_32633", access="secret")
    commit_scene(catalog, make_scene("A"), cube=hidden)
    catalog.name_coverage("alps", CUBE)
    north = make_windows(rows=(594_000, 594_960))
    late = make_scene("B", reference=NOON + timedelta(days=2))
    commit_scene(catalog, late, windows=north, bands=frozenset({"SCL"}))
    return catalog


def test_every_revision_of_the_rebuilt_catalogue_shows_what_it_showed(
    lost: SqlCatalog, place: Place
) -> None:
    records = list(lost.unwritten_records(frozenset()))
    made = rebuild_catalog(records, {CUBE: 7}, place("new"))
    assert made.view().revision == 5
    for revision in range(6):
        before = lost.view(as_of=revision, principal=EVERYONE)
        after = made.view(as_of=revision, principal=EVERYONE)
        assert state_of(after) == state_of(before)
        assert [s.number for c in after.cubes() for s in after.slots(c.name)] == [
            s.number for c in before.cubes() for s in before.slots(c.name)
        ]
        for coverage_id in before.coverage_ids():
            assert after.coverage(coverage_id) == before.coverage(coverage_id)
    assert made.view().coverage("alps") == lost.view().coverage("alps")
    assert list(made.unwritten_records(frozenset())) == records
    assert lost.view(as_of=2).slots(CUBE) != lost.view(as_of=1).slots(CUBE)


def test_new_claims_start_above_every_slot_found(lost: SqlCatalog, place: Place) -> None:
    records = list(lost.unwritten_records(frozenset()))
    made = rebuild_catalog(records, {CUBE: 7, "unknown": 3}, place("new"))
    assert made.claim(CUBE)[0] == 8
    assert made.claim("S2_HIDDEN_32633")[0] == 1


def test_a_missing_record_is_named_and_nothing_is_left(
    lost: SqlCatalog, place: Place, tmp_path: Path
) -> None:
    records = [r for r in lost.unwritten_records(frozenset()) if r[0] != 3]
    with pytest.raises(StoreDamagedError, match="revision 3 is missing"):
        rebuild_catalog(records, {}, place("new"))
    with pytest.raises(StoreDamagedError, match="revision 1 is unreadable"):
        rebuild_catalog([(1, '{"revision": 1')], {}, place("new"))
    assert not catalog_exists(place("new"))
    assert not list(tmp_path.glob("new/*"))


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ({3}, r"the record of revision 3 is missing, and the last found is 5; .* to revision 2"),
        ({2, 3}, r"the records of revisions 2 to 3 are missing.* rebuild up to revision 1 and"),
        ({2, 4}, r"the records of revisions 2, 4 are missing"),
        ({1}, r"the record of revision 1 is missing.* into a new store$"),
    ],
)  # fmt: skip
def test_all_that_is_missing_is_named_with_what_to_do(
    lost: SqlCatalog, place: Place, lacking: set[int], message: str
) -> None:
    records = [r for r in lost.unwritten_records(frozenset()) if r[0] not in lacking]
    with pytest.raises(StoreDamagedError, match=message):
        rebuild_catalog(records, {}, place("new"))


def test_what_came_before_a_gap_is_restored_once_the_later_records_are_away(
    lost: SqlCatalog, place: Place
) -> None:
    records = [r for r in lost.unwritten_records(frozenset()) if r[0] < 3]
    made = rebuild_catalog(records, {CUBE: 7}, place("new"))
    assert state_of(made.view()) == state_of(lost.view(as_of=2))
    commit_scene(made, make_scene("C"))
    assert made.view().revision == 3
    assert {slot.number for slot in made.view().slots(CUBE)} == {1, 8}


def test_a_standing_catalogue_is_not_replaced(lost: SqlCatalog, place: Place) -> None:
    with pytest.raises(StoreError, match="there is a catalogue"):
        rebuild_catalog([], {}, place("lost"))
    assert lost.view().revision == 5


def test_records_that_are_missing_are_yielded_to_the_next_writer(lost: SqlCatalog) -> None:
    missing = [revision for revision, _ in lost.unwritten_records(frozenset({1, 3}))]
    assert missing == [2, 4, 5]
