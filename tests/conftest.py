"""Fixtures that every test may use."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.once import built_once
from tests.builders.postgres import PostgresServer, postgres_running
from tests.builders.qgis import Qgis, found_qgis
from tests.builders.served import run_copernicube, served

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def testdata() -> Path:
    """Return the folder of real data that lies beside the repository; skip where it is absent.

    `COPERNICUBE_TESTDATA` names it, else it is `../shared/data`.
    """
    beside = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("COPERNICUBE_TESTDATA", beside)).resolve()
    if not folder.is_dir():
        pytest.skip(f"needs the test data, and {folder} is no folder: set COPERNICUBE_TESTDATA")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of the samples bundled with the repository."""
    return REPOSITORY / "samples"


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """Return a store with the bundled samples, as `make demo` makes it; never write to it."""
    items = (samples / "virginia/item.json", samples / "romania/items.json")
    return built_once(
        tmp_path_factory,
        "demo-store",
        lambda store: run_copernicube("ingest", "--store", store, *items),
    )


@pytest.fixture(scope="session")
def demo_url(demo_store: Path) -> Iterator[str]:
    """Return the address of a server over the demo store, without a slash at its end."""
    with served(demo_store) as url:
        yield url


@pytest.fixture
def qgis(tmp_path: Path) -> Qgis:
    """Return a way to run the scripts for QGIS; skip where Debian's QGIS is not installed."""
    return found_qgis(tmp_path)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Return a PostgreSQL server; skip where the system has none. Never stop it."""
    with postgres_running() as server:
        yield server


@pytest.fixture
def postgres_address(postgres_server: PostgresServer) -> str:
    """Return where a catalogue may be made that no other test sees."""
    return postgres_server.address(f"test_{uuid.uuid4().hex[:12]}")
