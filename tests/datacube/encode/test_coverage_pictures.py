"""Coverages as PNG and JPEG, read back and compared with GDAL's own conversion."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile

from datacube.errors import InvalidParameterError
from datacube.plan import handing
from datacube.plan.nodes import Domain, Field, Held
from tests.builders.plans import geographic_grid, time_axis, utm_grid
from tests.builders.results import encoded, index_axis, result

PNG, JPEG = "image/png", "image/jpeg"
NO_COLOUR, LOW, HIGH = [0, 0, 0, 0], [1, 2, 3, 255], [200, 0, 0, 128]
RNG = np.random.default_rng(11)


def plane(
    *arrays: NDArray[Any],
    valid: Mapping[str, NDArray[np.bool_]] | None = None,
    nulls: tuple[float, ...] = (),
) -> Held:
    rows, columns = arrays[0].shape
    named = {f"b{k}": array for k, array in enumerate(arrays)}
    fields = tuple(
        Field(name=name, dtype=array.dtype.name, nodata=None, nulls=nulls)
        for name, array in named.items()
    )
    return result(Domain(grid=utm_grid(rows, columns)), named, valid=valid, fields=fields)


def read(body: bytes) -> NDArray[Any]:
    """Return `(bands, rows, columns)` as GDAL reads them."""
    with MemoryFile(body) as file, file.open() as dataset:
        made: NDArray[Any] = dataset.read()
        return made


def by_gdal(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    """Convert an array to bytes as GDAL does where a file of bytes is written."""
    profile = {"driver": "GTiff", "count": 1, "dtype": array.dtype.name, "nodata": None}
    rows, columns = array.shape
    with rasterio.open(path, "w", width=columns, height=rows, **profile) as dataset:
        dataset.write(array, 1)
    with rasterio.open(path) as dataset:
        made: NDArray[Any] = dataset.read(1, out=np.empty(array.shape, np.uint8))
        return made


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("dtype", ["int16", "uint32", "float32", "float64", "int8"])
def test_numbers_are_converted_as_gdal_does(tmp_path: Path, dtype: str) -> None:
    numbers = RNG.uniform(-100, 400, (40, 50))
    if dtype == "uint32":
        numbers = np.abs(numbers)
    if dtype == "int8":
        numbers /= 4
    array = numbers.astype(dtype)
    painted = read(encoded(plane(array), PNG))[0]
    np.testing.assert_array_equal(painted, by_gdal(tmp_path / "made.tif", array))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("dtype", "count"), [("uint8", 1), ("uint8", 3), ("uint8", 4), ("uint16", 3)]
)
def test_bytes_and_16_bits_stay(monkeypatch: pytest.MonkeyPatch, dtype: str, count: int) -> None:
    monkeypatch.setattr(handing, "BLOCK_SIDE_PX", 512)
    monkeypatch.setattr(handing, "FILE_BLOCK_CELLS", 3000)
    bands = [RNG.integers(0, np.iinfo(dtype).max, (70, 530)).astype(dtype) for _ in range(count)]
    body = encoded(plane(*bands), PNG)
    back = read(body)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, np.stack(bands))


def test_the_client_s_library_reads_them_too() -> None:
    bands = [RNG.integers(0, 255, (7, 9)).astype(np.uint8) for _ in range(3)]
    for count, mode in ((1, "L"), (3, "RGB")):
        image = Image.open(BytesIO(encoded(plane(*bands[:count]), PNG)))
        assert image.mode == mode
        np.testing.assert_array_equal(np.array(image), np.stack(bands[:count], -1).squeeze())


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_boolean_can_be_seen() -> None:
    values = np.array([[True, False], [False, True]])
    assert read(encoded(plane(values), PNG))[0].tolist() == [[255, 0], [0, 255]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_null_is_transparent(count: int) -> None:
    bands = [np.full((2, 3), 50 * (k + 1), np.uint8) for k in range(count)]
    known = {f"b{k}": np.ones((2, 3), np.bool_) for k in range(count)}
    known["b0"][0, 1] = False
    back = read(encoded(plane(*bands, valid=known), PNG))
    assert back[:, 0, 1].tolist() == [0, *([50 * k for k in range(2, count + 1)]), 0]
    assert back[-1].tolist() == [[255, 0, 255], [255, 255, 255]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_null_is_the_first_null_value_in_compat() -> None:
    known = {"b0": np.array([[True, False]])}
    made = plane(np.array([[7, 8]], np.uint8), valid=known, nulls=(99, 0))
    assert read(encoded(made, PNG, compat=True)).tolist() == [[[7, 99]]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("compat", [True, False])
def test_nodata_is_transparent_as_gdal_writes_it(compat: bool) -> None:  # noqa: FBT001 pytest's parameter
    known = {"b0": np.array([[True, False, True]])}
    made = plane(np.array([[7, 8, 0]], np.uint8), valid=known)
    back = read(encoded(made, PNG, '{"nodata": 0}', compat=compat))
    assert back.tolist() == [[[7, 0, 0]], [[255, 0, 0]]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("kind", "colours"),
    [
        ("values", [NO_COLOUR, LOW, NO_COLOUR, HIGH, NO_COLOUR]),
        ("intervals", [NO_COLOUR, LOW, LOW, HIGH, HIGH]),
        # Half way between the two, rounded half up: 100.5, 1, 1.5, 191.5.
        ("ramp", [LOW, LOW, [101, 1, 2, 192], HIGH, HIGH]),
    ],
)
def test_colour_maps(kind: str, colours: list[list[int]]) -> None:
    values = np.array([[-1, 0, 10, 20, 90]], np.int16)
    parameters = (
        f'{{"colorMap": {{"type": "{kind}", '
        '"colorTable": {"20": [200, 0, 0, 128], "0": [1, 2, 3, 255]}}}'
    )
    back = read(encoded(plane(values), PNG, parameters))
    assert back[:, 0].T.tolist() == colours


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_palette() -> None:
    values = np.array([[0, 1, 2, -1]], np.int16)
    parameters = '{"colorPalette": {"type": "RGB", "colorTable": [[9, 8, 7], [1, 2, 3, 4]]}}'
    back = read(encoded(plane(values), PNG, parameters))
    assert back[:, 0].T.tolist() == [[9, 8, 7, 255], [1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rows_and_columns() -> None:
    values = np.arange(6, dtype=np.uint8).reshape(2, 3)
    bare = result(Domain(outer=(index_axis("x", 2), index_axis("y", 3))), {"v": values})
    utm = result(Domain(grid=utm_grid(2, 3)), {"v": values})
    geographic = result(Domain(grid=geographic_grid(2, 3)), {"v": values})
    swap = '{"transpose": [0, 1]}'
    for made in (bare, utm, geographic):
        assert read(encoded(made, PNG))[0].tolist() == values.tolist()
        assert read(encoded(made, PNG, swap))[0].tolist() == values.T.tolist()
    # rasdaman runs columns along the first axis, and on the Earth along x.
    for made, plain, swapped in (
        (bare, values.T, values),
        (utm, values, values.T),
        (geographic, values, values),
    ):
        assert read(encoded(made, PNG, compat=True))[0].tolist() == plain.tolist()
        assert read(encoded(made, PNG, swap, compat=True))[0].tolist() == swapped.tolist()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("count", [1, 3])
def test_jpeg_is_close_to_the_numbers(count: int) -> None:
    ramp = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    known = {f"b{k}": np.ones(ramp.shape, np.bool_) for k in range(count)}
    for mask in known.values():
        mask[:32, :32] = False
    back = read(
        encoded(plane(*[ramp] * count, valid=known), JPEG, '{"formatParameters": {"QUALITY": 95}}')
    )
    assert back.shape == (count, 64, 80)
    # Away from the edge of what is null, which is black.
    assert np.abs(back[:, 40:, 40:].astype(int) - ramp[40:, 40:]).max() <= 2
    assert back[:, :24, :24].max() <= 2


LINE = result(Domain(outer=(index_axis("x", 2),)), {"v": np.zeros(2)})
SERIES = result(Domain(outer=(time_axis(),), grid=utm_grid(1, 1)), {"v": np.zeros((2, 1, 1))})
PALETTE = '{"colorPalette": {"colors": [[1, 2, 3]]}}'


@pytest.mark.parametrize(
    ("made", "media_type", "parameters", "message"),
    [
        (
            result(Domain(outer=(index_axis("x", 2),)), {"v": np.zeros(2)}),
            PNG,
            "",
            "needs two axes; the coverage has x",
        ),
        (SERIES, JPEG, "", "holds two axes; the coverage has ansi, N, E"),
        (plane(*[np.zeros((1, 1))] * 5), PNG, "", "1 to 4 bands; the coverage has 5"),
        (plane(np.zeros((1, 1), np.complex64)), PNG, "", "complex"),
        (
            plane(*[np.zeros((1, 1))] * 2),
            PNG,
            '{"colorPalette": {"colors": [[1, 2, 3]]}}',
            "colours are for one band",
        ),
        (plane(np.zeros((1, 1))), PNG, '{"transpose": [0, 2]}', r"allowed: \[0,1\]"),
        (plane(np.zeros((1, 1))), JPEG, "QUALITY=101", "QUALITY is '101'; allowed: 1 to 100"),
    ],
)
def test_what_no_picture_holds_is_refused(
    made: Held, media_type: str, parameters: str, message: str
) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        encoded(made, media_type, parameters)
