"""Ten real products in ten orders, four writers each: one cube, the same answers."""

import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest.scene import CubeChoice
from tests.acceptance.answers import all_answers, check_equal
from tests.acceptance.writers import run_together

STYLES = ("true-colour", "scl")
CHOICE = CubeChoice(name="S2_L2A_33TW", resolution=60)
WRITERS = 4


@pytest.fixture(scope="module")
def right(alps_store: Path) -> Mapping[str, bytes]:
    answers = all_answers(alps_store, styles=STYLES)
    assert len(answers["scenes"].splitlines()) == 10
    return answers


@pytest.mark.parametrize("seed", range(10))
def test_ten_real_products_by_four_writers_give_the_answers_of_one(
    seed: int, alps: Path, right: Mapping[str, bytes], tmp_path: Path
) -> None:
    items = sorted(alps.glob("*/S2*.json"))
    assert len(items) == 10
    shuffled = random.Random(seed).sample(items, len(items))
    store = tmp_path / "store"
    outcomes = run_together(store, shuffled, WRITERS, choice=CHOICE)
    assert [status for status, _, _ in outcomes] == ["ingested"] * 10, outcomes
    check_equal(all_answers(store, styles=STYLES), right)
    shutil.rmtree(store)
