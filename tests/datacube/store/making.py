"""Making slots as ingest does, for tests of the store."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datacube.cube import VALID_BAND, Cube
from datacube.grid import Window
from datacube.protocols import BandRead, NewSlot
from datacube.slots import BandShards, Slot, SlotWindow
from datacube.store import ZarrStore
from tests.datacube.catalog.making import make_cube, make_scene

CUBE = make_cube()
FINE = CUBE.group("r10m")
NODATA = -32768
type Ints = NDArray[np.int16]


def request(window: Window, *, band: str = "B02", level: int = 0) -> BandRead:
    dtype, nodata = ("uint8", 0) if band == VALID_BAND else ("int16", NODATA)
    return BandRead(group=FINE, level=level, band=band, dtype=dtype, nodata=nodata, window=window)


def noise(window: Window, seed: int = 0) -> Ints:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 10_000, window.shape, dtype=np.int16)


def write_slot(
    store: ZarrStore,
    values: Ints,
    window: Window,
    *,
    cube: Cube = CUBE,
    number: int = 0,
    band: str = "B02",
) -> Slot:
    """Write one band at level 0 as one write, and return the slot as a catalogue would."""
    group = cube.groups[0]
    asked = BandRead(group=group, level=0, band=band, dtype="int16", nodata=NODATA, window=window)
    written = store.write(cube, number, asked, values)
    (r0, r1), (c0, c1) = group.shard_window(window, 0).ranges
    bits = np.array([[(r, c) in written for c in range(c0, c1)] for r in range(r0, r1)])
    return Slot(
        cube=cube.name,
        number=number,
        scene=make_scene(),
        windows=(SlotWindow(group=group.name, window=window, levels=1),),
        shards=(
            BandShards(
                group=group.name, level=0, band=band, bits=np.packbits(bits.ravel()).tobytes()
            ),
        ),
    )


WINDOW = Window(((600_000, 603_000), (96_000, 100_500)))


def shard_files(store: ZarrStore) -> list[Path]:
    return sorted(p for p in Path(store.location.name).rglob("c/*/*/*") if p.is_file())


def offer(store: ZarrStore, cube: Cube, number: int, scene_id: str) -> NewSlot:
    slot = write_slot(store, noise(WINDOW, seed=number), WINDOW, cube=cube, number=number)
    store.flush(cube, number)
    return NewSlot(
        cube=cube,
        number=number,
        scene=make_scene(scene_id),
        windows=slot.windows,
        shards=slot.shards,
    )
