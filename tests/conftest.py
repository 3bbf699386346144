"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

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
