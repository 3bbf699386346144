"""Fixtures of the tests of ingest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.harness import Warehouse, open_warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = open_warehouse(tmp_path / "store")
    yield opened
    opened.catalog.close()
