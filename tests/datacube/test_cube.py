from datetime import UTC, datetime

import numpy as np
import pytest
from pyproj import CRS

from datacube.cells import Cells
from datacube.cube import (
    SHARD_PX,
    Band,
    BandShards,
    SceneRecord,
    Slot,
    SlotWindow,
    find_band,
    utm_group,
)
from datacube.errors import UnknownNameError
from datacube.grid import Window

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
    with pytest.raises(UnknownNameError, match="unknown band 'B88'; offered: B02, B08, B8A"):
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
