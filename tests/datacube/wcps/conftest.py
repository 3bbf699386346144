"""Cubes that queries run on, made once and never written again."""

import pytest

from tests.builders.made import Made, add_examples, make_store
from tests.builders.over import SECONDS, TIMES, make_cubes


@pytest.fixture(scope="session")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the store of `add_examples`: A, B, T, G, L, P, W and U; add nothing to it."""
    return add_examples(make_store(tmp_path_factory.mktemp("wcps") / "store"))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_cubes(tmp_path_factory.mktemp("over") / "store", TIMES)


@pytest.fixture(scope="session")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the same cubes, T over three seconds."""
    return make_cubes(tmp_path_factory.mktemp("brief") / "store", SECONDS)
