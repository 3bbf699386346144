"""Fixtures: small scenes, built once, and stores to ingest them into."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from ingest.scene import CubeChoice, Scene
from ingest.sentinel2 import Sentinel2Reader
from tests.acceptance.small_scenes import small_scenes
from tests.ingest.harness import open_warehouse


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return the SAFE folder of each small scene; never write to them."""
    folder = tmp_path_factory.mktemp("small-scenes")
    return {name: scene.build(folder) for name, scene in small_scenes().items()}


@pytest.fixture(scope="session")
def prepared(built: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with the arrays of the small scenes' cube and nothing else; copy it."""
    (scene,) = Sentinel2Reader().open(str(built["west"]), CubeChoice())
    assert isinstance(scene, Scene)
    folder = tmp_path_factory.mktemp("prepared") / "store"
    warehouse = open_warehouse(folder)
    warehouse.store.prepare(scene.cube)
    warehouse.catalog.close()
    for part in folder.glob("catalog.sqlite*"):
        part.unlink()
    return folder


@pytest.fixture
def store(prepared: Path, tmp_path: Path) -> Path:
    """Return a store of the test's own, without any scene."""
    return shutil.copytree(prepared, tmp_path / "store")


@pytest.fixture(scope="session")
def undisturbed(
    built: Mapping[str, Path], prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a store into which one process ingested all small scenes in order; never write.

    One call each, so that a scene is there before its better comes.
    """
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("undisturbed") / "store")
    warehouse = open_warehouse(folder)
    for place in built.values():
        summary = warehouse.ingest(place)
        assert summary.counts["ingested"] == 1, [outcome.line for outcome in summary.outcomes]
    warehouse.catalog.close()
    return folder
