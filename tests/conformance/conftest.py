"""Servers that the requirements are asked of."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from tests.ogc.conftest import schemas
from tools import make_cite_store

__all__ = ["schemas"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that names a requirement."""
    config.addinivalue_line("markers", "requirement(name): the requirement that a test checks")


@pytest.fixture(scope="session")
def cite(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """Return a client of the server over the layers of the OGC's suite."""
    store = tmp_path_factory.mktemp("conformance") / "store"
    make_cite_store.make(testdata / "cite_wms13", store)
    return TestClient(build(Settings(store=str(store))))


@pytest.fixture(scope="session")
def demo(demo_store: Path) -> TestClient:
    """Return a client of the server over the bundled samples."""
    return TestClient(build(Settings(store=str(demo_store))))
