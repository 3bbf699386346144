"""GDAL reads planes of cubes without time and with heights."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.acceptance.conftest import Gdal
from tests.builders.made import Made, add_examples, make_store
from tests.builders.served import served


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    store = add_examples(make_store(tmp_path_factory.mktemp("made")))
    store.local.catalog.close()
    return store


@pytest.fixture(scope="module")
def url(made: Made) -> Iterator[str]:
    with served(Path(made.local.store.location.name)) as address:
        yield address


CASES = {
    "A": ("v", "Lat(0,30)", ()),
    "W": ("v", "ansi(2020-02-01);height(10)", (1, 1)),
}
"""Band, subset, and the place it has on the axes before the plane, by coverage."""


@pytest.mark.parametrize("name", list(CASES))
def test_gdal_copies_a_plane(made: Made, url: str, gdal: Gdal, tmp_path: Path, name: str) -> None:
    band, subset, place = CASES[name]
    target = tmp_path / "copy.tif"
    source = f"WCS:{url}/ows?version=2.0.1&coverage={name}"
    gdal("gdal_translate", "-q", "-oo", f"Subset={subset}", source, target)
    wanted = made.arrays[name]
    with rasterio.open(target) as file:
        values = file.read(1 + list(wanted).index(band))
        assert file.transform.f == (60 if name == "W" else 30)
    np.testing.assert_array_equal(values, wanted[band][place])
