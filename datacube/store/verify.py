"""Whether every recorded shard is present and readable."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from datacube.cube import VALID_BAND, Cube
from datacube.errors import StoreDamagedError
from datacube.protocols import BandRead, CatalogView, ReadCells
from datacube.slots import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What `verify` found."""

    revision: int
    cubes: int
    slots: int
    shards: int
    """Recorded shards that were looked at."""
    decoded_bytes: int
    damage: tuple[str, ...]
    """One message a shard that is missing or unreadable."""

    @property
    def intact(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


def verify(
    view: CatalogView,
    store: ReadCells,
    *,
    cubes: Iterable[str] = (),
    slots_of: Callable[[str], Sequence[Slot]] | None = None,
) -> VerifyReport:
    """Decode every shard recorded for slots of `cubes`, by default of all.

    `slots_of` gives the slots of a cube, by default those that `view` shows. One shard is
    held at a time: about 8 MiB for bands of two bytes.
    """
    chosen = set(cubes)
    checked = [c for c in view.cubes() if not chosen or c.name in chosen]
    slots = shards = decoded = 0
    damage: list[str] = []
    for cube in checked:
        for slot in (slots_of or view.slots)(cube.name):
            slots += 1
            for request in _recorded(cube, slot):
                shards += 1
                try:
                    decoded += store.read(slot, request).nbytes
                except StoreDamagedError as error:
                    damage.append(str(error))
    return VerifyReport(
        revision=view.revision,
        cubes=len(checked),
        slots=slots,
        shards=shards,
        decoded_bytes=decoded,
        damage=tuple(damage),
    )


def _recorded(cube: Cube, slot: Slot) -> Iterator[BandRead]:
    """Yield one read for each recorded shard of a slot, cut at the slot's window."""
    for entry in slot.shards:
        group = cube.group(entry.group)
        if entry.band == VALID_BAND:
            dtype, nodata = "uint8", 0.0
        else:
            band = cube.band(entry.band)
            dtype, nodata = band.dtype, band.nodata
        for shard in slot.recorded_shards(group, entry.level, entry.band):
            window = group.shard_cells(shard, entry.level)
            own = slot.window(group.name)
            part = None if own is None else window.intersect(own.window.coarser(entry.level))
            if part is not None:
                yield BandRead(
                    group=group,
                    level=entry.level,
                    band=entry.band,
                    dtype=str(np.dtype(dtype)),
                    nodata=nodata,
                    window=part,
                )
