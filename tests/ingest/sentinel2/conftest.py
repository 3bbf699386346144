"""Fixtures of the tests of the Sentinel-2 reader."""

import pytest

from tests.builders.surface import Surface, real_surface
from tests.ingest.sentinel2.making import SIZE


@pytest.fixture(scope="module")
def surface() -> Surface:
    return real_surface(SIZE).with_special_cells()
