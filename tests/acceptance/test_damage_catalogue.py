"""A lost catalogue comes back from the records of its commits."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.answers import all_answers, open_to_read
from tests.acceptance.commands import run_command
from tests.acceptance.small_scenes import CUBE
from tests.acceptance.writers import Death, Writer
from tests.ingest.harness import open_warehouse

STYLES = ("true-colour",)


@pytest.fixture
def whole(undisturbed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(undisturbed, tmp_path / "whole")


def test_rebuilt_it_answers_the_same_at_every_revision(
    whole: Path, built: Mapping[str, Path]
) -> None:
    before = open_to_read(whole)
    newest = before.catalog.view().revision
    used = {slot.number for slot in before.catalog.view().slots(CUBE)}
    before.catalog.close()
    assert newest == len(built)
    right = [all_answers(whole, styles=STYLES, as_of=number) for number in range(1, newest + 1)]
    _lose(whole)
    assert run_command("cubes", "list", "--store", whole).code == 1

    done = run_command("cubes", "rebuild", "--store", whole)
    assert done.code == 0, done.err
    assert f"restored {newest} revisions with 1 cubes" in done.out
    for number, answers in enumerate(right, start=1):
        found = all_answers(whole, styles=STYLES, as_of=number)
        assert [query for query in answers if found.get(query) != answers[query]] == []
        assert found.keys() == answers.keys()
    assert run_command("verify", "--store", whole).code == 0
    after = open_to_read(whole)
    assert {slot.number for slot in after.catalog.view().slots(CUBE)} == used
    after.catalog.close()


def test_ingest_goes_on_after_it_in_slots_that_none_ever_used(
    built: Mapping[str, Path], store: Path
) -> None:
    warehouse = open_warehouse(store)
    assert warehouse.ingest(built["west"], built["far"]).exit_code == 0
    warehouse.catalog.close()
    writer = Writer(store, [built["east"]], death=Death(step="band is written", count=3))
    writer.started()
    assert writer.join() != 0
    found = _slots_with_shards(store)
    assert max(found) == 2, "the dead writer's slot holds shards that no record names"
    _lose(store)
    assert run_command("cubes", "rebuild", "--store", store).code == 0

    done = run_command("ingest", "--store", store, built["east"], built["west"])
    assert done.code == 0, done.err
    local = open_to_read(store)
    new = {slot.number for slot in local.catalog.view().slots(CUBE)} - {0, 1}
    local.catalog.close()
    assert len(new) == 1
    assert min(new) > max(found)


def test_an_intact_catalogue_is_not_replaced(whole: Path) -> None:
    before = (whole / "catalog.sqlite").read_bytes()
    done = run_command("cubes", "rebuild", "--store", whole)
    assert done.code == 1
    assert "there is a catalogue" in done.err
    assert (whole / "catalog.sqlite").read_bytes() == before


def test_a_record_that_is_missing_is_named(whole: Path) -> None:
    _lose(whole)
    (whole / "_commits" / "3.json").unlink()
    done = run_command("cubes", "rebuild", "--store", whole)
    assert done.code == 1
    assert "record of revision 3 is missing" in done.err
    assert not (whole / "catalog.sqlite").exists()


def _lose(store: Path) -> None:
    for part in store.glob("catalog.sqlite*"):
        part.unlink()


def _slots_with_shards(store: Path) -> set[int]:
    return {int(p.name) for p in store.glob(f"{CUBE}/*/*/*/c/*") if any(p.rglob("*"))}
