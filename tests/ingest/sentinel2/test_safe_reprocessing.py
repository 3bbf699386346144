"""SAFE products of one scene that was processed more than once."""

from dataclasses import replace
from pathlib import Path

from ingest.summary import Status
from tests.builders.presets import north, partial, reprocessed
from tests.builders.safe import build_safe
from tests.builders.surface import Surface
from tests.ingest.harness import Warehouse


def test_reprocessing_supersedes_and_the_older_one_is_skipped(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    old = partial(north(), "B02", "SCL")
    new = reprocessed(old)
    old_place = build_safe(tmp_path, surface, old)
    new_place = build_safe(tmp_path, surface, new)

    first = warehouse.ingest(old_place)
    again = warehouse.ingest(old_place)
    second = warehouse.ingest(new_place)
    late = warehouse.ingest(old_place)

    assert first.counts["ingested"] == second.counts["ingested"] == 1
    assert again.outcomes[0].note == "the same processing of this scene is there already"
    assert second.outcomes[0].superseded == (old.name.removesuffix(".SAFE"),)
    assert late.counts["skipped"] == 1
    assert [s.scene.baseline for s in warehouse.slots("S2_L2A_32633")] == ["05.10"]
    revision = first.outcomes[0].revision
    assert revision is not None
    before = warehouse.catalog.view(as_of=revision).slots("S2_L2A_32633")
    assert [s.scene.baseline for s in before] == ["05.09"]


def test_two_processings_at_once_leave_the_better(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    old = partial(north(), "B02", "SCL")
    places = [build_safe(tmp_path, surface, product) for product in (old, reprocessed(old))]

    summary = warehouse.ingest(*places, jobs=4)

    assert [outcome.status for outcome in summary.outcomes] == [Status.SKIPPED, Status.INGESTED]
    assert [s.scene.baseline for s in warehouse.slots("S2_L2A_32633")] == ["05.10"]


def test_a_lesser_reprocessing_leaves_both_visible(
    surface: Surface, warehouse: Warehouse, tmp_path: Path
) -> None:
    old = partial(north(), "B02", "B03", "SCL")
    new = replace(reprocessed(old), bands=("B02", "SCL"))

    warehouse.ingest(build_safe(tmp_path, surface, old), build_safe(tmp_path, surface, new))

    baselines = [s.scene.baseline for s in warehouse.slots("S2_L2A_32633")]
    assert baselines == ["05.10", "05.09"]
