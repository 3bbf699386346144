"""GDAL, from Debian and from rasterio's wheel, and OWSLib on grids of every kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from owslib.wcs import WebCoverageService

from tests.acceptance.conftest import Gdal
from tests.builders.made import Made, add_examples, make_store
from tests.builders.served import served


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A served store and what was put into it."""

    url: str
    made: Made

    def wcs(self, coverage: str) -> str:
        return f"WCS:{self.url}/ows?version=2.0.1&coverage={coverage}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = add_examples(make_store(tmp_path_factory.mktemp("grids") / "store"))
    with served(Path(made.local.store.location.name)) as url:
        yield Server(url=url, made=made)


CUTS = [
    ("A", "", ()),
    ("T", "ansi(2020-02-01)", (1,)),
    ("W", "ansi(2020-02-01);height(10)", (1, 1)),
    ("U", "ansi(2023-08-15)", (0,)),
]


@pytest.mark.parametrize(("name", "subset", "place"), CUTS)
def test_gdal_copies_every_cell(
    gdal: Gdal, server: Server, tmp_path: Path, name: str, subset: str, place: tuple[int, ...]
) -> None:
    """A rectified grid in longitude and latitude, and slices of referenceable ones."""
    out = tmp_path / "copy.tif"
    cut = ("-oo", f"Subset={subset}") if subset else ()
    gdal("gdal_translate", "-q", "-oo", f"CACHE={tmp_path}", *cut, server.wcs(name), out)
    values = next(iter(server.made.arrays[name].values()))
    with rasterio.open(out) as made:
        np.testing.assert_array_equal(made.read(1), values[place])
        assert made.bounds == pytest.approx(server.made.coverage(name).grid.bbox)


def test_the_wheels_gdal_reads_a_window_of_a_rectified_grid(server: Server) -> None:
    with rasterio.open(server.wcs("A")) as opened:
        assert opened.crs.to_epsg() == 4326
        window = rasterio.windows.Window(5, 7, 20, 30)
        np.testing.assert_array_equal(
            opened.read(1, window=window), server.made.arrays["A"]["v"][7:37, 5:25]
        )
        scaled = opened.read(1, out_shape=(15, 15))
    np.testing.assert_array_equal(scaled, server.made.arrays["A"]["v"][::4, ::4])


def test_owslib_reads_a_rectified_grid_and_its_cells(server: Server) -> None:
    service = WebCoverageService(f"{server.url}/ows?", version="2.0.1")
    coverage = service.contents["A"]
    assert coverage.grid.axislabels == ["Lon", "Lat"]
    assert coverage.boundingboxes[0]["bbox"] == (0, 0, 30, 30)
    reply = service.getCoverage(
        identifier="A", format="image/tiff", subsets=[("Lat", 3, 9), ("Lon", 4, 8)]
    )
    with rasterio.MemoryFile(reply.read()) as file, file.open() as made:
        np.testing.assert_array_equal(made.read(1), server.made.arrays["A"]["v"][42:54, 8:16])
