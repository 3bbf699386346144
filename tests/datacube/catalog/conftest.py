"""What every database must do alike is tested over each."""

from pathlib import Path

import pytest

from tests.datacube.catalog.making import Place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return where catalogues may lie, of each database in turn."""
    if request.param == "sqlite":
        return lambda name: str(tmp_path / name)
    address: str = request.getfixturevalue("postgres_address")
    return lambda name: f"{address}_{name}"
