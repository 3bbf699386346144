"""The outcome never depends on the order of ingest, nor on how many ingest at once."""

import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from datacube.catalog import open_catalog
from datacube.errors import CommitConflictError
from datacube.slots import SceneRecord, SlotWindow
from tests.datacube.catalog.making import (
    COLLECTION,
    NOON,
    Place,
    commit_scene,
    make_cube,
    make_scene,
    make_windows,
    state_of,
)

type Offer = tuple[SceneRecord, tuple[SlotWindow, ...], frozenset[str] | None]

PROCESSES = 4


def offers() -> list[Offer]:
    """Return 5 dates of two tiles in up to three processings, some with fewer bands or cells."""
    made: list[Offer] = []
    for day in range(5):
        for tile, rows in (("33TWL", (606_000, 606_960)), ("33TWM", (600_000, 600_960))):
            reference = NOON + timedelta(days=day)
            scene_id, windows = f"{tile}_{day}", make_windows(rows=rows)
            for baseline in ("02.14", "04.00", "05.09")[: 1 + day % 3]:
                scene = make_scene(scene_id, baseline=baseline, reference=reference)
                fewer = (
                    frozenset({"B02"}) if (day, baseline) in {(1, "04.00"), (2, "04.00")} else None
                )
                smaller = (
                    make_windows(rows=(rows[0] + 60, rows[1]))
                    if (day, baseline) == (4, "04.00")
                    else windows
                )
                made.append((scene, smaller, fewer))
    return made


def ingest(store: str, mine: list[Offer]) -> None:
    catalog = open_catalog(store)
    for scene, windows, bands in mine:
        try:
            commit_scene(catalog, scene, windows=windows, bands=bands)
        except CommitConflictError:
            # Another writer was first with what supersedes this scene.
            continue
    catalog.close()


def test_ten_shuffled_orders_with_four_writers_give_equal_answers(tmp_path: Path) -> None:
    states = []
    for seed in range(10):
        store = str(tmp_path / str(seed))
        shuffled = offers()
        random.Random(seed).shuffle(shuffled)
        open_catalog(store).close()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ingest, [store] * 4, [shuffled[i::4] for i in range(4)]))
        states.append(state_of(open_catalog(store).view()))
    assert states[0]["counts"] == {"S2_TEST_32633": 14}
    assert all(state == states[0] for state in states[1:])


def _commit_many(store: str, worker: int, count: int) -> None:
    catalog = open_catalog(store)
    for number in range(count):
        commit_scene(catalog, make_scene(f"W{worker}_{number}"))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_four_processes_that_commit_at_once_lose_nothing(place: Place) -> None:
    count = 12
    store = place("store")
    catalog = open_catalog(store)
    # The children inherit a connection, which they must not use.
    catalog.ensure_cube(COLLECTION, make_cube())
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_commit_many, args=(store, worker, count))
        for worker in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    view = catalog.view()
    slots = view.slots("S2_TEST_32633")
    assert view.revision == PROCESSES * count
    assert {s.scene.scene_id for s in slots} == {
        f"W{worker}_{number}" for worker in range(PROCESSES) for number in range(count)
    }
    assert {s.number for s in slots} == set(range(PROCESSES * count))
    revisions = [revision for revision, _ in catalog.unwritten_records(frozenset())]
    assert revisions == list(range(1, PROCESSES * count + 1))
