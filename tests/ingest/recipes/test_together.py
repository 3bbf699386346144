"""Files of many times: their small scenes become visible together."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ingest.pipeline
from datacube.catalog import SqlCatalog
from datacube.protocols import Committed, NewSlot
from ingest.summary import Summary
from tests.builders.catalogue_rows import claimed
from tests.ingest.recipes.conftest import Kitchen

RECIPE = """
coverage: MANY
crs: EPSG:4326
files: "*.nc"
axes:
  - {name: time, is: time}
bands: [{name: v, nodata: -1, dtype: int16}]
"""
TIMES = 150
BROKEN = 40000
"""Does not fit into int16."""


def write_steps(path: Path, *, broken: Sequence[int] = ()) -> xr.Dataset:
    """Write `TIMES` hours of 3 x 4 cells, each with numbers of its own."""
    cells = np.arange(TIMES * 12, dtype="int32").reshape(TIMES, 3, 4)
    for step in broken:
        cells[step, 0, 0] = BROKEN
    made = xr.Dataset(
        {"v": (("time", "lat", "lon"), cells)},
        coords={
            "time": np.datetime64("2020-01-01", "ns") + np.arange(TIMES) * np.timedelta64(1, "h"),
            "lat": [50.0, 49.5, 49.0],
            "lon": [10.0, 10.5, 11.0, 11.5],
        },
    )
    made.to_netcdf(path)
    return made


def revisions(summary: Summary) -> list[int]:
    return sorted({o.revision for o in summary.outcomes if o.revision is not None})


def test_small_scenes_share_commits_and_keep_their_own_cells(kitchen: Kitchen) -> None:
    steps = write_steps(kitchen.folder / "steps.nc")
    summary = kitchen.served(RECIPE)
    assert summary.counts["ingested"] == TIMES
    assert revisions(summary) == [1, 2]
    assert len({outcome.slot for outcome in summary.outcomes}) == TIMES
    stored = kitchen.dataset("MANY")["v"]
    np.testing.assert_array_equal(stored.values, steps["v"].values)
    np.testing.assert_array_equal(stored["time"].values, steps["time"].values)
    assert kitchen.served(RECIPE).counts["skipped"] == TIMES


def test_a_commit_holds_no_more_bytes_than_allowed(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_steps(kitchen.folder / "steps.nc")
    monkeypatch.setattr(ingest.pipeline, "TOGETHER_BYTES", 50 * 3 * 4 * 2)
    assert revisions(kitchen.served(RECIPE)) == [1, 2, 3]


def test_scenes_that_fail_leave_those_beside_them_alone(kitchen: Kitchen) -> None:
    broken = (0, 17, 140)
    steps = write_steps(kitchen.folder / "steps.nc", broken=broken)
    summary = kitchen.cook(RECIPE)
    assert summary.exit_code == 1
    assert [n for n, o in enumerate(summary.outcomes) if o.status == "failed"] == list(broken)
    assert all("int16 holds -32768 to 32767" in str(summary.outcomes[n].note) for n in broken)
    kept = np.delete(steps["v"].values, broken, axis=0)
    np.testing.assert_array_equal(kitchen.dataset("MANY")["v"].values, kept)
    assert claimed(kitchen.local().catalog) == []


def test_a_changed_file_supersedes_itself_time_by_time(kitchen: Kitchen) -> None:
    path = kitchen.folder / "steps.nc"
    write_steps(path)
    kitchen.served(RECIPE)
    (write_steps(path) * 2).to_netcdf(path)
    summary = kitchen.served(RECIPE)
    assert [o.superseded for o in summary.outcomes] == [(o.product_id,) for o in summary.outcomes]
    assert len(kitchen.slots("MANY")) == TIMES


def test_a_writer_that_was_first_with_some_takes_none_of_the_others(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process ingests the same file between the claim and the first commit."""
    write_steps(kitchen.folder / "steps.nc")
    commit = SqlCatalog.commit
    rivals: list[NewSlot] = []

    def late(self: SqlCatalog, slots: Sequence[NewSlot]) -> Committed:
        if not rivals:
            cube = slots[0].cube.name
            rivals.extend(slots[5:8])
            for rival in rivals:
                self.burn(cube, rival.number)
            # The rival's slots are its own; the cells are of no matter here.
            taken = zip(rivals, self.claim(cube, len(rivals)), strict=True)
            commit(
                self,
                [
                    NewSlot(
                        cube=r.cube,
                        number=number,
                        scene=r.scene,
                        windows=r.windows,
                        shards=(),
                    )
                    for r, number in taken
                ],
            )
        return commit(self, slots)

    monkeypatch.setattr(SqlCatalog, "commit", late)
    summary = kitchen.cook(RECIPE, jobs=1)
    lost = {o.product_id for o in summary.outcomes if o.status == "skipped"}
    assert lost == {rival.scene.product_id for rival in rivals}
    assert summary.counts["ingested"] == TIMES - len(rivals)
    assert summary.exit_code == 0
    assert len(kitchen.slots("MANY")) == TIMES
