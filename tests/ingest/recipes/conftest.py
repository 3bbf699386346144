"""A store that recipes fill, and what lies in it afterwards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

import copernicube
from copernicube.ingest_command import RecipeIngest, ingest_recipe
from copernicube.wiring import Local, open_local
from datacube.cube import Band, Cube
from datacube.protocols import BandRead
from datacube.slots import Slot
from ingest.pipeline import IngestOptions
from ingest.recipes.parse import parse_recipe
from ingest.summary import Summary


@dataclass(slots=True, kw_only=True)
class Kitchen:
    """A folder of files with a store beside it."""

    folder: Path
    store: Path

    def cook(
        self,
        recipe: str,
        *places: Path | str,
        register: bool = False,
        dry_run: bool = False,
        jobs: int = 2,
    ) -> Summary:
        """Ingest by the text of a recipe that lies in the folder."""
        asked = RecipeIngest(
            recipe=parse_recipe(recipe, self.folder / "recipe.yaml"),
            places=tuple(map(str, places)),
            register=register,
        )
        options = IngestOptions(dry_run=dry_run, jobs=jobs)
        return ingest_recipe(asked, str(self.store), options)

    def served(self, recipe: str, *places: Path | str, register: bool = False) -> Summary:
        """Ingest what must land."""
        summary = self.cook(recipe, *places, register=register)
        assert summary.exit_code == 0, [outcome.line for outcome in summary.outcomes]
        return summary

    def local(self) -> Local:
        return open_local(str(self.store), read_only=True)

    def cube(self, name: str) -> Cube:
        found = self.local().catalog.find_cube(name)
        assert found is not None
        return found

    def band(self, coverage: str, name: str) -> Band:
        return self.cube(coverage).band(name)

    def slots(self, coverage: str) -> list[Slot]:
        """Return the visible slots, by time, then by name."""
        slots = self.local().catalog.view().slots(coverage)
        return sorted(slots, key=lambda s: (s.scene.reference_time, s.scene.product_id))

    def stored(self, coverage: str, band: str, *, level: int = 0) -> list[NDArray[Any]]:
        """Read the stored numbers of every slot, `(*axes, y, x)`."""
        local = self.local()
        cube = self.cube(coverage)
        found, group = cube.band(band), cube.groups[0]
        made = []
        for slot in self.slots(coverage):
            covered = slot.window(group.name)
            assert covered is not None
            request = BandRead(
                group=group,
                level=level,
                band=band,
                dtype=found.dtype,
                nodata=found.nodata,
                window=covered.window.coarser(level),
            )
            made.append(np.asarray(local.engine.cells.read(slot, request)))
        return made

    def dataset(self, coverage: str) -> xr.Dataset:
        """Return the coverage as users see it: decoded, NaN where there is nothing."""
        return copernicube.open(str(self.store))[coverage].to_xarray().load()


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    folder = tmp_path / "files"
    folder.mkdir()
    return Kitchen(folder=folder, store=tmp_path / "store")
