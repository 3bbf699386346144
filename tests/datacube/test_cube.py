from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pyproj import CRS

from datacube.axes import IrregularAxis, RegularAxis
from datacube.cells import Cells
from datacube.cube import SHARD_PX, Band, find_band
from datacube.errors import UnknownNameError
from datacube.grid import Window
from datacube.lattices import utm_group
from datacube.slots import BandShards, SceneRecord, Slot, SlotWindow

NOW = datetime(2023, 8, 15, tzinfo=UTC)
GROUP = utm_group(32633, CRS.from_epsg(32633), 10)
SCENE = SceneRecord(
    scene_id="S2A_20230815T095031_33TWM_L2A",
    product_id="S2A_33TWM_20230815_0_L2A",
    reference_time=NOW,
    first_time=NOW,
    last_time=NOW,
    baseline="05.09",
    generation_time=NOW,
    footprint="POLYGON EMPTY",
)
BANDS = tuple(
    Band(name=name, title=name, dtype="int16", nodata=-32768, group="r10m", aliases=(alias,))
    for name, alias in (("B02", "B2"), ("B08", "B8"), ("B8A", "B08"))
)


def test_bands_are_found_by_name_before_alias_in_any_case() -> None:
    assert find_band(BANDS, "b2").name == "B02"
    assert find_band(BANDS, "B08").name == "B08"
    with pytest.raises(UnknownNameError, match="unknown band B88; this coverage has B02, B08, B8A"):
        find_band(BANDS, "B88")


def test_only_recorded_shards_exist() -> None:
    window = Window(((100, 100 + 2 * SHARD_PX), (SHARD_PX, 3 * SHARD_PX)))
    slot = Slot(
        cube="c",
        number=3,
        scene=SCENE,
        windows=(SlotWindow(group="r10m", window=window, levels=2),),
        shards=(
            BandShards(group="r10m", level=0, band="B02", bits=bytes([0b10010100])),
            BandShards(group="r10m", level=1, band="B02", bits=bytes([0b01000000])),
        ),
    )
    assert slot.recorded_shards(GROUP, 0, "B02") == ((0, 1), (1, 2), (2, 2))
    assert slot.recorded_shards(GROUP, 1, "B02") == ((0, 1),)
    assert slot.recorded_shards(GROUP, 0, "B03") == ()
    assert not slot.has_shard(GROUP, 0, "B02", (7, 7))
    assert slot.bands == {"B02"}


def test_cells_select_and_fill() -> None:
    cells = Cells(
        ("a", "b"),
        (np.array([[1, 2]], "int16"), np.array([[3, 4]], "uint8")),
        (np.array([[True, False]]), np.array([[True, True]])),
    )
    np.testing.assert_array_equal(cells.filled("a", -32768), [[1, -32768]])
    assert cells.select(("b",)).names == ("b",)
    assert cells.nbytes == 4 + 2 + 2 + 2
    with pytest.raises(ValueError, match="1 names"):
        Cells(("a",), (), ())


def test_shards_of_further_axes_are_one_place_deep() -> None:
    axes = (
        IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0, 50.0)),
        RegularAxis(name="member", uom="1", start=0, step=1, first=5, size=4, index=True),
    )
    group = replace(GROUP, axes=axes)
    whole = group.window
    assert whole.shape == (3, 4, *GROUP.grid.shape)
    assert group.level_shape(1) == (3, 4, *GROUP.level_grid(1).shape)
    window = Window(((1, 3), (6, 8), (0, 2049), (2048, 4096)))
    assert group.array_window(window, 0) == Window(((1, 3), (1, 3), (0, 2049), (2048, 4096)))
    assert group.shard_window(window, 0) == Window(((1, 3), (1, 3), (0, 2), (1, 2)))


def test_bitmaps_run_over_all_axes_the_last_one_fastest() -> None:
    axes = (IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0, 50.0)),)
    group = replace(GROUP, axes=axes)
    window = Window(((1, 3), (0, 2 * SHARD_PX), (0, 3 * SHARD_PX)))
    there = np.random.default_rng(3).random((2, 2, 3)) < 0.5
    slot = Slot(
        cube="C",
        number=0,
        scene=SCENE,
        windows=(SlotWindow(group="r10m", window=window, levels=1),),
        shards=(BandShards(group="r10m", level=0, band="B02", bits=np.packbits(there).tobytes()),),
    )
    wanted = {(int(h) + 1, int(r), int(c)) for h, r, c in np.argwhere(there)}
    assert set(slot.recorded_shards(group, 0, "B02")) == wanted
    assert all(
        slot.has_shard(group, 0, "B02", (h, r, c)) == ((h, r, c) in wanted)
        for h, r, c in np.ndindex(4, 3, 4)
    )
