"""Servers that the requirements are asked of."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from datacube.service_provider import ServiceProvider
from tests.builders.made import WGS84, Frame, Made, add_cube, add_examples, make_store, regular
from tests.conformance.wcs20 import Server
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
    provider = ServiceProvider(name="Institute of Maps", phone="+49 89 2180", city="Munich")
    return TestClient(build(Settings(store=str(store), provider=provider)))


@pytest.fixture(scope="session")
def demo(demo_store: Path) -> TestClient:
    """Return a client of the server over the bundled samples."""
    return TestClient(build(Settings(store=str(demo_store))))


def _add_bands(made: Made) -> None:
    """Add `M` (Lat, Lon) of four bands."""
    rng = np.random.default_rng(11)
    bands = {name: rng.integers(0, 999, (6, 8)).astype("int16") for name in ("r", "g", "b", "n")}
    axes = (regular("Lat", 6, 0, 6), regular("Lon", 0, 8, 8))
    add_cube(made, "M", bands, Frame(axes=axes, crs=WGS84))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server over small coverages of every kind of axes."""
    made = add_examples(make_store(tmp_path_factory.mktemp("every-kind")))
    _add_bands(made)
    store = made.local.store.location.name
    with TestClient(build(Settings(store=store))) as client:
        yield Server(client=client, made=made)
    made.local.catalog.close()
