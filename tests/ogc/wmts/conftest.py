"""The tile services over the bundled samples."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings


@pytest.fixture(scope="session")
def tiles(demo_store: Path) -> TestClient:
    """Return a client of the whole server over the demo store."""
    return TestClient(build(Settings(store=str(demo_store))))
