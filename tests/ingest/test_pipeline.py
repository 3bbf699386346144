"""Many scenes at once: what lands, what is skipped, what fails."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pyproj import CRS

from datacube.cells import Valid, Values
from datacube.cube import SHARD_PX, Band, Collection, Cube
from datacube.errors import SourceError, StoreFullError
from datacube.grid import Window
from datacube.lattices import utm_group
from datacube.protocols import Standing
from datacube.slots import SceneRecord
from ingest.progress import Lines, Silent
from ingest.scene import CubeChoice, Scene, SceneBand, UnreadableScene
from ingest.summary import Status
from tests.builders.catalogue_rows import claimed
from tests.ingest.harness import Warehouse, open_warehouse

NODATA = -32768
START = datetime(2023, 8, 15, 9, 50, 31, tzinfo=UTC)
CUBE = Cube(
    name="MADE_32633",
    collection="MADE",
    title="Made up",
    crs=CRS.from_epsg(32633),
    groups=(utm_group(32633, CRS.from_epsg(32633), 10.0),),
    bands=(
        Band(name="A", title="", dtype="int16", nodata=NODATA, group="r10m"),
        Band(name="B", title="", dtype="int16", nodata=NODATA, group="r10m"),
    ),
)
ROWS, COLS = 2100, 90
"""More rows than a shard has."""


@dataclass(frozen=True, slots=True)
class Read:
    """Cells that tell where they lie; band B lacks the west half."""

    band: str
    fails: bool = False

    def __call__(self, window: Window) -> tuple[Values, Valid]:
        if self.fails:
            raise SourceError(f"{self.band} cannot be read: broken")
        rows = np.arange(*window.rows)[:, None]
        cols = np.arange(*window.cols)[None, :]
        values = ((rows * 7 + cols) % 30000).astype(np.int16)
        valid = np.broadcast_to((cols >= 45) | (self.band == "A"), values.shape)
        return np.where(valid, values, np.int16(NODATA)), valid


def make_scene(day: int, *, fails: bool = False, baseline: str = "05.09") -> Scene:
    start = START + timedelta(days=day)
    # 30 rows above a shard's edge, so that the scene begins within a shard.
    group = CUBE.groups[0]
    grid = group.grid.at(Window(((SHARD_PX - 30, SHARD_PX - 30 + ROWS), (1001, 1001 + COLS))))
    own = replace(
        grid,
        x=replace(grid.x, start=grid.bbox[0], first=0),
        y=replace(grid.y, start=grid.bbox[3], first=0),
    )
    return Scene(
        record=SceneRecord(
            scene_id=f"S{day}",
            product_id=f"S{day}_{baseline}",
            reference_time=start,
            first_time=start,
            last_time=start,
            baseline=baseline,
            generation_time=start,
            footprint="POLYGON ((15 46, 16 46, 16 47, 15 47, 15 46))",
        ),
        collection=Collection(id="MADE", title="Made up"),
        cube=CUBE,
        bands=tuple(
            SceneBand(band=b, grid=own, read=Read(b.name, fails=fails and b.name == "B"))
            for b in CUBE.bands
        ),
    )


class Reader:
    """Gives the scenes it was made with, by name."""

    def __init__(self, **scenes: Scene | UnreadableScene) -> None:
        self._scenes = scenes

    def recognises(self, location: str) -> bool:
        return location in self._scenes

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene | UnreadableScene]:
        del choice
        return [self._scenes[location]]


class Defective(Reader):
    """A reader with a bug."""

    def open(self, location: str, choice: CubeChoice) -> Sequence[Scene | UnreadableScene]:
        del choice
        raise ZeroDivisionError(location)


def test_every_cell_of_every_level_arrives(warehouse: Warehouse) -> None:
    warehouse.ingest("one", readers=[Reader(one=make_scene(0))])

    slot = warehouse.slot("MADE_32633")
    (covered,) = slot.windows
    assert covered.levels == 5  # 2100 rows need four halvings to fit 256
    whole = Window(((0, ROWS), (0, COLS)))
    for band in ("A", "B"):
        values, valid = Read(band)(whole)
        np.testing.assert_array_equal(warehouse.band(slot, band), values)
        window = covered.window
        numbers = np.where(valid, values, np.nan)
        for level in range(1, covered.levels):
            numbers = halve(numbers, window)
            window = window.coarser(1)
            expected = np.where(np.isnan(numbers), NODATA, numbers)
            np.testing.assert_array_equal(warehouse.band(slot, band, level=level), expected)
    np.testing.assert_array_equal(warehouse.mask(slot, "r10m"), np.ones((ROWS, COLS), np.uint8))
    # B is nodata west of the first 45 columns; its shards are recorded all the same.
    assert slot.has_band("r10m", "B")


def halve(numbers: Values, window: Window) -> Values:
    """Average 2 x 2 cells by absolute index, rounded half to even as stored."""
    (top, bottom), (left, right) = window.ranges
    pad = ((top % 2, bottom % 2), (left % 2, right % 2))
    padded = np.pad(numbers, pad, constant_values=np.nan)
    rows, cols = padded.shape
    blocks = padded.reshape(rows // 2, 2, cols // 2, 2)
    count = np.sum(~np.isnan(blocks), axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3))
    return np.rint(np.where(count > 0, total / np.maximum(count, 1), np.nan))


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_failing_scene_fails_alone(warehouse: Warehouse, jobs: int) -> None:
    readers = [
        Reader(
            good=make_scene(1),
            broken=make_scene(2, fails=True),
            shut=UnreadableScene(name="shut#3", error=SourceError("shut")),
            late=make_scene(3),
        )
    ]

    summary = warehouse.ingest("good", "broken", "shut", "late", readers=readers, jobs=jobs)

    assert [o.status for o in summary.outcomes] == [
        Status.INGESTED,
        Status.FAILED,
        Status.FAILED,
        Status.INGESTED,
    ]
    assert summary.exit_code == 1
    assert summary.outcomes[1].note == "B cannot be read: broken"
    assert summary.outcomes[2].source == "shut#3"
    visible = [slot.scene.scene_id for slot in warehouse.slots("MADE_32633")]
    assert sorted(visible) == ["S1", "S3"]
    # The broken scene's slot is given up, not waited for.
    assert claimed(warehouse.catalog) == []


def test_a_defect_of_a_reader_is_a_failure_of_its_place(warehouse: Warehouse) -> None:
    readers: list[Reader] = [Defective(bad=make_scene(1)), Reader(good=make_scene(2))]

    bad, good, unknown = warehouse.ingest("bad", "good", "unknown", readers=readers).outcomes

    assert bad.note == "bad cannot be read: ZeroDivisionError: bad"
    assert good.status is Status.INGESTED
    assert unknown.note == "unknown does not exist"


def test_a_place_of_no_known_product(warehouse: Warehouse, tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("nothing")

    (outcome,) = warehouse.ingest(place).outcomes

    assert outcome.error_code == "unsupported-source"
    assert outcome.note is not None
    assert "is no product that is known: a SAFE folder" in outcome.note


def test_dry_run_writes_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))

    summary = warehouse.ingest("one", readers=[Reader(one=make_scene(0))], dry_run=True)

    (outcome,) = summary.outcomes
    assert outcome.status is Status.PLANNED
    assert outcome.nbytes == 2 * 2 * ROWS * COLS
    assert outcome.bands == ("A", "B")
    assert dict(outcome.area)["r10m"] == make_scene(0).bands[0].grid.bbox
    assert sorted(tmp_path.rglob("*")) == before
    assert warehouse.catalog.find_cube("MADE_32633") is None
    assert summary.exit_code == 0


def test_the_summary_is_json(warehouse: Warehouse) -> None:
    summary = warehouse.ingest("one", "none", readers=[Reader(one=make_scene(0))])

    document = json.loads(json.dumps(summary.to_json()))

    assert (document["ingested"], document["failed"], document["superseded"]) == (1, 1, 0)
    one, none = document["scenes"]
    assert (one["status"], one["cube"], one["slot"], one["revision"]) == (
        "ingested",
        "MADE_32633",
        warehouse.slot("MADE_32633").number,
        1,
    )
    assert none["error_code"] == "source"


def test_another_writer_wins(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(one=make_scene(0))
    warehouse.ingest("one", readers=[reader])
    # The other's commit is not seen yet when this writer looks.
    unseen = Standing(present=False, superseded_by=None)
    monkeypatch.setattr(type(warehouse.catalog), "standing", lambda *_args, **_options: unseen)

    (outcome,) = warehouse.ingest("one", readers=[reader]).outcomes

    assert outcome.status is Status.SKIPPED
    assert len(warehouse.slots("MADE_32633")) == 1
    assert claimed(warehouse.catalog) == []


def test_a_full_disk_leaves_the_store_readable(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.ingest("one", readers=[Reader(one=make_scene(1))])

    def full(*_args: object, **_options: object) -> None:
        raise StoreFullError("no space is left")

    monkeypatch.setattr(type(warehouse.store), "flush", full)
    (outcome,) = warehouse.ingest("two", readers=[Reader(two=make_scene(2))]).outcomes

    assert (outcome.status, outcome.error_code) == (Status.FAILED, "store-full")
    slot = warehouse.slot("MADE_32633")
    np.testing.assert_array_equal(
        warehouse.band(slot, "A"), Read("A")(Window(((0, ROWS), (0, COLS))))[0]
    )


def test_records_of_writers_that_die_meanwhile_are_written_last(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    record = tmp_path / "store/_commits/1.json"

    class Dying(Silent):
        def scene_done(self, line: str, *, bands_left: int, nbytes_left: int) -> None:
            del line, bands_left, nbytes_left
            record.unlink()

    warehouse.ingest("one", readers=[Reader(one=make_scene(0))], progress=Dying())
    assert json.loads(record.read_text())["revision"] == 1


def test_records_of_dead_writers_are_written_first(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.ingest("one", readers=[Reader(one=make_scene(1))])
    (record,) = (tmp_path / "store/_commits").iterdir()
    text = record.read_text()
    record.unlink()

    warehouse.ingest("none", readers=[])

    assert record.read_text() == text


def test_orders_and_jobs_do_not_matter(tmp_path: Path) -> None:
    scenes = {f"s{day}": make_scene(day) for day in range(3)}
    found = []
    for number, order in enumerate((("s0", "s1", "s2"), ("s2", "s0", "s1"))):
        opened = open_warehouse(tmp_path / f"store{number}")
        opened.ingest(*order, readers=[Reader(**scenes)], jobs=number * 3 + 1)
        slots = opened.slots("MADE_32633")
        found.append([(s.scene, opened.band(s, "B").tobytes()) for s in slots])
        opened.catalog.close()
    assert found[0] == found[1]


def test_log_lines_name_each_scene(warehouse: Warehouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ingest")

    warehouse.ingest("one", readers=[Reader(one=make_scene(0))], progress=Lines())

    first, second = (record.getMessage() for record in caplog.records)
    assert first == "1 scenes, 2 bands, 0.8 MB"
    assert second.startswith("1/1 ingested S0_05.09; into MADE_32633: 2 bands, 0.8 MB")
