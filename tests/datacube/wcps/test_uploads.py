"""Files that come with a query: `decode($1)`."""

from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds

from datacube.errors import InvalidParameterError, LimitExceededError
from datacube.protocols import Limits
from datacube.wcps.bind.scope import Upload
from tests.builders.asked import evaluated, processor
from tests.builders.made import Made

# These write files without georeferencing.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
EARTH = {"crs": "EPSG:4326", "transform": from_bounds(0, 0, 30, 30, 60, 60)}
"""The frame of cube A."""


def raster(values: NDArray[Any], driver: str = "GTiff", **options: object) -> bytes:
    bands = values if values.ndim == 3 else values[None]
    shape = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2]}
    with MemoryFile() as memory:
        with memory.open(driver=driver, dtype=values.dtype.name, **shape, **options) as file:
            file.write(bands)
        return bytes(memory.read())


def upload(body: bytes, name: str = "1") -> tuple[Upload, ...]:
    return (Upload(name=name, body=body),)


NUMBERS = np.random.default_rng(3).integers(0, 200, (60, 60)).astype("uint8")


def test_a_geotiff_goes_together_with_a_coverage_of_its_frame(cubes: Made) -> None:
    body = raster(NUMBERS, nodata=7, **EARTH)
    query = 'for $c in (A) return encode($c + decode($1), "tiff")'
    (found,) = evaluated(cubes, query, uploads=upload(body))
    assert found.dtypes == ("int32",)
    np.testing.assert_array_equal(found.valid[0], NUMBERS != 7)
    wanted = cubes.arrays["A"]["v"].astype("int64") + NUMBERS
    np.testing.assert_array_equal(found.values[0][NUMBERS != 7], wanted[NUMBERS != 7])


def test_a_file_may_be_bound_like_a_coverage(cubes: Made) -> None:
    body = raster(NUMBERS, **EARTH)
    query = 'for $c in (decode($1)) return encode($c + 1, "tiff")'
    (answer,) = processor(cubes, uploads=upload(body, "$1")).answers(query)
    assert isinstance(answer.body, bytes)
    with MemoryFile(answer.body) as memory, memory.open() as file:
        np.testing.assert_array_equal(file.read(1), NUMBERS.astype("uint16") + 1)
        assert file.crs == rasterio.crs.CRS.from_epsg(4326)
        assert file.transform == EARTH["transform"]


def test_pictures_have_an_index_grid_and_their_bands(cubes: Made) -> None:
    picture = np.random.default_rng(5).integers(0, 255, (3, 8, 9)).astype("uint8")
    body = raster(picture, driver="PNG")
    (found,) = evaluated(cubes, "for $c in (decode($1)) return $c", uploads=upload(body))
    assert (found.axes, found.names) == (("j", "i"), ("b1", "b2", "b3"))
    np.testing.assert_array_equal(np.stack(found.values), picture)
    cut = 'for $c in (decode($1)) return $c.b2[i:"CRS:1"(2:4), j(7)]'
    (part,) = evaluated(cubes, cut, uploads=upload(body))
    np.testing.assert_array_equal(part.values[0], picture[1, 7, 2:5])


def test_netcdf_is_read(cubes: Made, tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    values = np.arange(12, dtype="float32").reshape(3, 4)
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"y": 3, "x": 4}
        file.create_variable("v", ("y", "x"), data=values)
    uploads = upload(path.read_bytes())
    (found,) = evaluated(cubes, "for $c in (decode($1)) return add($c)", uploads=uploads)
    assert found.values[0].item() == 66


VRT = b"""<VRTDataset rasterXSize="2" rasterYSize="2"><VRTRasterBand dataType="Byte" band="1">
<SimpleSource><SourceFilename relativeToVRT="0">/etc/passwd</SourceFilename></SimpleSource>
</VRTRasterBand></VRTDataset>"""


@pytest.mark.parametrize("body", [b"", b"no picture", VRT], ids=["empty", "text", "vrt"])
def test_what_is_no_raster_or_refers_to_files_is_refused(body: bytes, cubes: Made) -> None:
    asked = processor(cubes, uploads=upload(body))
    with pytest.raises(InvalidParameterError, match="is no raster file of these formats: GTiff"):
        asked.answers("for $c in (decode($1)) return avg($c)")


def test_a_missing_file_is_named(cubes: Made) -> None:
    asked = processor(cubes, uploads=upload(b"", "2"))
    with pytest.raises(InvalidParameterError, match=r"as parameter 1; those that came: 2") as error:
        asked.answers('for $c in (A) return encode($c + decode($1), "tiff")')
    assert "^^^^^^^^^^" in error.value.__notes__[0]


def test_a_small_file_of_many_cells_is_refused_before_it_is_read(cubes: Made) -> None:
    body = raster(np.zeros((4000, 4000), "uint8"), compress="deflate")
    assert len(body) < 200_000
    asked = processor(cubes, uploads=upload(body))
    tight = type(asked)(
        view=asked.view,
        cells=asked.cells,
        encoders=asked.encoders,
        limits=Limits(memory_bytes=10_000_000),
        functions={},
        uploads=asked.uploads,
    )
    with pytest.raises(
        LimitExceededError, match=r"needs 64.0 MB for its cells; 10.0 MB are allowed"
    ):
        tight.answers("for $c in (decode($1)) return max($c)")
