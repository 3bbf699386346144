"""Where the shared test data lies, if it does."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def find_testdata() -> Path | None:
    """Return the folder COPERNICUBE_TESTDATA names, else `../shared/data`; None if absent."""
    folder = Path(os.environ.get("COPERNICUBE_TESTDATA", REPOSITORY.parent / "shared" / "data"))
    return folder if folder.is_dir() else None
