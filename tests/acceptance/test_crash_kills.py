"""A writer that is killed at any moment leaves nothing that is half there."""

import random
import shutil
import signal
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from copernicube.wiring import Local
from datacube.catalog import open_catalog
from datacube.store import open_store, verify
from tests.acceptance.answers import all_answers, cells_of, coverage_query, good, open_to_read
from tests.acceptance.small_scenes import BANDS, CUBE, RESOLUTION_M, small_scenes, truth
from tests.acceptance.writers import STEPS, Death, Writer
from tests.builders.catalogue_rows import claimed
from tests.ingest.harness import open_warehouse

BEFORE = ("west",)
VICTIMS = ("west new", "east")
"""The first supersedes what is there: its commit retires one slot and shows another."""
OTHERS = ("east poor", "west later")
"""The first overlaps the victims, at their time."""
ALL = (*BEFORE, *VICTIMS, *OTHERS)
STYLES = ("true-colour", "ndvi")
VICTIM_S = 0.9
"""About how long the victims' ingest takes on an idle machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a writer dies: in a certain call, or after a while."""

    death: Death | None = None
    delay_s: float = 0.0

    def __str__(self) -> str:
        if self.death is None:
            return f"after {self.delay_s:.3f} s"
        return f"{self.death.step}, {self.death.count}"


def _moments() -> list[Moment]:
    """Return one moment in each step, in a random call of it, and as many random delays as make 20.

    Each of the two victims has 7 bands in 3 resolutions, each with a mask, and one commit.
    """
    chance = random.Random(20)
    calls = {"source is read": 14, "shard has no name yet": 20, "band is written": 20}
    calls |= {"shards are flushed": 40, "arrays are made": 20}
    deaths = [Death(step=step, count=chance.randint(1, calls.get(step, 2))) for step in STEPS]
    delays = [chance.uniform(0.0, VICTIM_S) for _ in range(20 - len(deaths))]
    return [Moment(death=d) for d in deaths] + [Moment(delay_s=d) for d in delays]


@pytest.fixture(scope="module")
def beginning(
    built: Mapping[str, Path], prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a store with the scene that is there before; copy it."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("beginning") / "store")
    ingest(folder, built, BEFORE)
    return folder


@pytest.fixture(scope="module")
def right(
    built: Mapping[str, Path], beginning: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, bytes]:
    """Return the answers where nobody was killed."""
    folder = shutil.copytree(beginning, tmp_path_factory.mktemp("right") / "store")
    ingest(folder, built, ALL)
    return all_answers(folder, styles=STYLES)


def ingest(folder: Path, built: Mapping[str, Path], names: Collection[str]) -> None:
    warehouse = open_warehouse(folder)
    summary = warehouse.ingest(*(built[name] for name in names))
    assert summary.exit_code == 0, [outcome.line for outcome in summary.outcomes]
    warehouse.catalog.close()


@pytest.mark.parametrize("moment", _moments(), ids=str)
def test_killed_then_others_then_again(
    moment: Moment,
    built: Mapping[str, Path],
    beginning: Path,
    tmp_path: Path,
    right: Mapping[str, bytes],
) -> None:
    store = tmp_path / "store"
    empty = moment.death is not None and moment.death.step == "arrays are made"
    if not empty:
        shutil.copytree(beginning, store)
    writer = Writer(store, [built[name] for name in VICTIMS], jobs=2, death=moment.death)
    writer.started()
    if moment.death is None:
        sleep(moment.delay_s)
        writer.kill()
    code = writer.join()
    assert code == -signal.SIGKILL or (moment.death is None and code == 0)
    before = _check_whole(store, within={*BEFORE, *VICTIMS})
    assert empty or before & {"west", "west new"}, "what was there stays, or its better is there"

    ingest(store, built, OTHERS)
    after = _check_whole(store, within=set(ALL))
    assert after == before | set(OTHERS)
    catalog = open_catalog(store)
    present = open_store(store).commit_records_present()
    assert list(catalog.unwritten_records(present)) == []
    assert len(present) == catalog.view().revision
    dead = {number for _, number in claimed(catalog)}
    ingest(store, built, ALL)
    assert not dead & {slot.number for slot in catalog.view().slots(CUBE)}
    catalog.close()
    assert _check_whole(store, within=set(ALL)) == set(ALL) - set(BEFORE)
    found = all_answers(store, styles=STYLES)
    assert [query for query in right if found.get(query) != right[query]] == []
    assert found.keys() == right.keys()


def _check_whole(store: Path, *, within: set[str]) -> set[str]:
    """Check that what is visible is complete, and only that; returns the visible scenes."""
    if not (store / "catalog.sqlite").exists():
        return set()
    local = open_to_read(store)
    view = local.catalog.view()
    report = verify(view, local.store)
    assert report.intact, report.damage
    names = {scene.product_id: name for name, scene in small_scenes().items()}
    slots = view.slots(CUBE) if view.cubes() else ()
    visible = {names[slot.scene.product_id] for slot in slots}
    assert visible <= within
    assert len(visible) == len(slots)
    for slot in slots:
        bands = small_scenes()[names[slot.scene.product_id]].product.bands
        assert slot.bands == set(bands or ()), "a scene without all its bands is half a scene"
    _check_pixels(local, visible)
    local.catalog.close()
    return visible


def _check_pixels(local: Local, visible: set[str]) -> None:
    """Compare every pixel with what the visible scenes alone would show."""
    for when in {small_scenes()[name].product.datatake_start for name in visible}:
        for size in sorted(set(RESOLUTION_M.values())):
            bands = [band for band in BANDS if RESOLUTION_M[band] == size and band != "SCL"]
            tiff = good(local, coverage_query(f"{CUBE}_{size}m", when, ",".join(bands)))
            cells, corner = cells_of(tiff)
            for plane, band in zip(cells, bands, strict=True):
                expected = truth(visible, band, when)
                assert corner == expected[1]
                np.testing.assert_array_equal(plane, expected[0], err_msg=f"{band} {when}")
