"""A store in a temporary folder, and what lies in it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datacube.catalog import SqlCatalog, open_catalog
from datacube.cube import VALID_BAND, Band, Cube, ResolutionGroup
from datacube.grid import Window
from datacube.protocols import BandRead
from datacube.slots import Slot
from datacube.store import ZarrStore, open_store
from datacube.store.pyramid import reduce_level
from ingest.job import Destination
from ingest.pipeline import IngestOptions, run
from ingest.progress import IngestProgress
from ingest.rasters import ObjectStoreAccess
from ingest.scene import CubeChoice, SceneReader
from ingest.sentinel2 import Sentinel2Reader
from ingest.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A store and its catalogue, opened for writing."""

    store: ZarrStore
    catalog: SqlCatalog

    @property
    def destination(self) -> Destination:
        return Destination(
            catalog=self.catalog,
            store=self.store,
            reduce=reduce_level,
            records_present=self.store.commit_records_present,
        )

    def ingest(  # noqa: PLR0913  # the options of the command, each with its default
        self,
        *places: Path | str,
        cube: str | None = None,
        resolution: float | None = None,
        jobs: int = 2,
        dry_run: bool = False,
        readers: Sequence[SceneReader] | None = None,
        access: ObjectStoreAccess | None = None,
        progress: IngestProgress | None = None,
    ) -> Summary:
        return run(
            [str(place) for place in places],
            readers=[Sentinel2Reader(access)] if readers is None else readers,
            destination=self.destination,
            options=IngestOptions(
                choice=CubeChoice(name=cube, resolution=resolution), jobs=jobs, dry_run=dry_run
            ),
            progress=progress,
        )

    def cube(self, name: str) -> Cube:
        found = self.catalog.find_cube(name)
        assert found is not None
        return found

    def slots(self, cube: str) -> Sequence[Slot]:
        return self.catalog.view().slots(cube)

    def slot(self, cube: str) -> Slot:
        (slot,) = self.slots(cube)
        return slot

    def band(self, slot: Slot, name: str, *, level: int = 0) -> NDArray[np.generic]:
        """Read a band in the slot's window of its group."""
        cube = self.cube(slot.cube)
        band = cube.band(name)
        return self._read(slot, cube.group(band.group), band, level)

    def mask(self, slot: Slot, group: str, *, level: int = 0) -> NDArray[np.generic]:
        """Read the scene's mask."""
        cube = self.cube(slot.cube)
        band = Band(name=VALID_BAND, title="", dtype="uint8", nodata=0, group=group)
        return self._read(slot, cube.group(group), band, level)

    def _read(
        self, slot: Slot, group: ResolutionGroup, band: Band, level: int
    ) -> NDArray[np.generic]:
        covered = slot.window(group.name)
        assert covered is not None
        request = BandRead(
            group=group,
            level=level,
            band=band.name,
            dtype=band.dtype,
            nodata=band.nodata,
            window=covered.window.coarser(level),
        )
        return self.store.read(slot, request)


def open_warehouse(folder: Path) -> Warehouse:
    return Warehouse(store=open_store(folder), catalog=open_catalog(folder))


def window_of(slot: Slot, group: str) -> Window:
    covered = slot.window(group)
    assert covered is not None
    return covered.window
