"""Whatever the order of ingest, and however many ingest at once, a cube answers the same."""

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from datacube.store import verify
from tests.acceptance.answers import (
    all_answers,
    cells_of,
    check_equal,
    coverage_query,
    good,
    open_to_read,
)
from tests.acceptance.small_scenes import (
    BANDS,
    CUBE,
    RESOLUTION_M,
    SUPERSEDED,
    small_scenes,
    times,
    truth,
)
from tests.acceptance.writers import run_together

STYLES = ("true-colour", "ndvi", "scl")
WRITERS = 4


@pytest.fixture(scope="module")
def right(undisturbed: Path) -> Mapping[str, bytes]:
    return all_answers(undisturbed, styles=STYLES)


def test_the_undisturbed_store_holds_what_the_scenes_show(undisturbed: Path) -> None:
    local = open_to_read(undisturbed)
    compared = 0
    for when in times():
        for band in BANDS:
            query = coverage_query(f"{CUBE}_{RESOLUTION_M[band]}m", when, band)
            cells, corner = cells_of(good(local, query))
            expected = truth(small_scenes(), band, when)
            assert corner == expected[1]
            np.testing.assert_array_equal(cells[0], expected[0], err_msg=f"{band} {when}")
            compared += cells.size
    assert compared > 2_000_000
    local.catalog.close()


@pytest.mark.parametrize("seed", range(10))
def test_shuffled_orders_by_four_writers_give_equal_answers(
    seed: int, built: Mapping[str, Path], store: Path, right: Mapping[str, bytes]
) -> None:
    names = list(built)
    random.Random(seed).shuffle(names)
    outcomes = run_together(store, [built[name] for name in names], WRITERS)
    assert {status for status, _, _ in outcomes} <= {"ingested", "skipped"}, outcomes
    products = {small_scenes()[name].product_id for name in names}
    passed_over = {product for status, product, _ in outcomes if status == "skipped"}
    assert passed_over <= {small_scenes()[name].product_id for name in SUPERSEDED}
    assert {product for _, product, _ in outcomes} == products
    check_equal(all_answers(store, styles=STYLES), right)


def test_four_writers_of_the_same_scenes_commit_each_once(
    built: Mapping[str, Path], store: Path, right: Mapping[str, bytes]
) -> None:
    places = [path for path in built.values() for _ in range(WRITERS)]
    outcomes = run_together(store, places, WRITERS)
    ingested = [product for status, product, _ in outcomes if status == "ingested"]
    assert len(ingested) == len(set(ingested))
    superseded = {small_scenes()[name].product_id for name in SUPERSEDED}
    assert {scene.product_id for scene in small_scenes().values()} - set(ingested) <= superseded
    assert {status for status, _, _ in outcomes} == {"ingested", "skipped"}, outcomes
    check_equal(all_answers(store, styles=STYLES), right)
    local = open_to_read(store)
    assert verify(local.catalog.view(), local.store).intact
    assert len(local.store.commit_records_present()) == len(ingested)
    local.catalog.close()
