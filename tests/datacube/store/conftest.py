"""A store for each test of this folder."""

from pathlib import Path

import pytest

from datacube.store import ZarrStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> ZarrStore:
    return open_store(tmp_path / "store")
