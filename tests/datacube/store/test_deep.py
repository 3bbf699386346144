"""Files of deep blocks: the cells of slots, bit for bit, wherever the files lie."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from obstore.store import MemoryStore

from datacube.cube import INNER_CHUNK_PX, VALID_BAND, Coverage
from datacube.deep import DeepBlock
from datacube.grid import Window
from datacube.protocols import BandRead
from datacube.slots import Slot
from datacube.store import BlockMaking, KeptChunks, Location, check_block
from datacube.store.deep import DeepFiles
from datacube.store.location import Folder
from datacube.store.objects import Objects
from tests.builders.made import HEIGHTS_M, WGS84, Frame, Made, add_cube, listed, make_store, regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMES = tuple(f"2020-01-{day:02}" for day in range(1, 12))
ROWS, COLS = 70, 300
PLANES = ((0, 70), (0, 300)), ((31, 32), (255, 256)), ((5, 66), (30, 290)), ((69, 90), (5, 6))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a cube of two heights with numbers of several types, and of odd bits."""
    rng = np.random.default_rng(5)
    shape = len(TIMES), 2, ROWS, COLS
    floats = rng.normal(size=shape).astype(np.float32)
    floats[rng.random(shape) < 0.3] = np.nan
    floats[:, :, 3:9, 40:90] = -0.0
    floats.view(np.uint32)[:, :, 20:30, 100:200] = 0x7FC01234
    arrays: dict[str, NDArray[Any]] = {
        "f": floats,
        "d": rng.normal(size=shape),
        "b": rng.integers(0, 255, shape).astype(np.uint8),
    }
    arrays["b"][2, 1] = 255
    made = make_store(tmp_path_factory.mktemp("store"))
    axes = (
        listed("height", *HEIGHTS_M[:2]),
        regular("Lat", 7, 0, ROWS),
        regular("Lon", 0, 30, COLS),
    )
    add_cube(made, "C", arrays, Frame(axes=axes, crs=WGS84, times=TIMES))
    return made


def location_of(kind: str, path: Path) -> Location:
    return Folder(path) if kind == "folder" else Objects("memory://", MemoryStore())


def slots_of(made: Made) -> tuple[Slot, ...]:
    return tuple(made.session.view.slots("C"))


def write(made: Made, location: Location, coverage: Coverage, height: int) -> DeepBlock:
    group = coverage.cube.groups[0]
    slots = slots_of(made)
    row, column = slots[0].recorded_shards(group, 0, VALID_BAND)[0][-2:]
    making = BlockMaking(
        cube=coverage.cube, group=group, column=(height, row, column), name="one", slots=slots
    )
    sizes = {band: making.write(location, made.local.store, band) for band in making.bands}
    return DeepBlock(
        cube="C",
        group=group.name,
        column=making.column,
        name="one",
        slots=tuple(slot.number for slot in slots),
        sizes=tuple((band, size) for band, size in sizes.items() if size),
    )


@pytest.mark.parametrize("kind", ["folder", "objects"])
def test_cells_are_those_of_the_slots(made: Made, tmp_path: Path, kind: str) -> None:
    location = location_of(kind, tmp_path)
    coverage = made.coverage("C")
    block = write(made, location, coverage, 1)
    assert check_block(location, block) == []
    files = DeepFiles(location, KeptChunks(2**20))
    windows = [
        ((0, 70), (0, 300)),
        ((31, 32), (255, 256)),
        ((5, 66), (30, 290)),
        ((69, 90), (5, 6)),
    ]
    bands = [(band.name, band.dtype, band.nodata) for band in coverage.cube.bands]
    for (name, dtype, nodata), plane in itertools.product(
        [*bands, (VALID_BAND, "uint8", 0)], windows
    ):
        request = BandRead(
            group=coverage.cube.groups[0],
            level=0,
            band=name,
            dtype=dtype,
            nodata=nodata,
            window=Window(((1, 2), *plane)),
        )
        ranks = [7, 2, 3]
        found = files.read(block, request, ranks)
        assert found is not None
        expected = [made.local.store.read(slots_of(made)[rank], request) for rank in ranks]
        assert found.tobytes() == np.stack(expected).tobytes()


@pytest.mark.parametrize("kind", ["folder", "objects"])
def test_what_is_gone_is_none(made: Made, tmp_path: Path, kind: str) -> None:
    location = location_of(kind, tmp_path)
    coverage = made.coverage("C")
    block = write(made, location, coverage, 0)
    band = coverage.cube.bands[0]
    request = BandRead(
        group=coverage.cube.groups[0],
        level=0,
        band=band.name,
        dtype=band.dtype,
        nodata=band.nodata,
        window=Window(((0, 1), (0, 10), (0, INNER_CHUNK_PX))),
    )
    location.remove("C")
    location.remove("C")
    assert DeepFiles(location, KeptChunks(2**20)).read(block, request, [0]) is None
    assert len(check_block(location, block)) == len(block.sizes)


def test_nothing_is_left_of_a_file_that_could_not_be_made(tmp_path: Path) -> None:
    location = Folder(tmp_path)

    def parts() -> Any:  # noqa: ANN401  # an iterator that fails
        yield b"some"
        raise OSError("no")

    with pytest.raises(Exception, match="no"):
        location.put_parts("a/b", parts())
    assert list((tmp_path / "a").iterdir()) == []
