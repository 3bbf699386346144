"""Overviews while scenes come and go, and by whom they are made."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import numpy as np
import pytest
from click.testing import CliRunner

from copernicube.cubes_command import cubes
from copernicube.overviews import OverviewChore
from datacube.catalog.overview_making import OverviewMaking
from datacube.errors import UnknownNameError
from datacube.grid import Window
from datacube.overviews import (
    FOLDER,
    part_window,
)
from datacube.plan import nodes
from datacube.plan.query import MapTime
from datacube.times import parse_period
from tests.builders.archive import (
    START,
    Archive,
    MadeScene,
    ramp,
    tiles_of,
    world_cube,
    zone_cube,
)
from tests.builders.archive_maps import (
    DAYS,
    bind,
    keep_up,
    making,
    said,
    shown,
    tile,
)
from tests.builders.served import served

# Scenes that come and go


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """12 scenes beside each other on one day, whose overviews are all made."""
    archive = Archive(tmp_path_factory.mktemp("few") / "store")
    cube = world_cube(0.2)
    archive.add(
        *(
            MadeScene(cube=cube, window=window, values=ramp(window, 1000), tile=name)
            for name, window in tiles_of(cube, first=(150, 800), count=(3, 4), side=64)
        )
    )
    keep_up(archive, all_periods=True)
    archive.local.catalog.close()
    return archive


@pytest.fixture
def few(made_once: Archive, tmp_path: Path) -> Archive:
    """Return a copy of `made_once` that may be changed."""
    shutil.copytree(made_once.place, tmp_path / "store")
    return Archive(tmp_path / "store", scenes=list(made_once.scenes))


HERE = tile(4, 5, 8)
DAY = MapTime(instant=parse_period("2023-05-20"))
MONTH = MapTime(instant=parse_period("2023-05"))
WHOLE_DAY = MapTime(
    start=parse_period("2023-05-20T00:00:00Z"), end=parse_period("2023-05-20T23:59:59Z")
)
NEW = 20_000


def late(archive: Archive, *, when: datetime, baseline: str = "05.09", value: int = NEW) -> int:
    """Add a scene of one value over the second of the scenes."""
    old = archive.scenes[1]
    values = np.full(old.window.shape, value, dtype="int16")
    return archive.add(
        MadeScene(
            cube=old.cube,
            window=old.window,
            values=values,
            when=when,
            tile=old.tile,
            baseline=baseline,
        )
    )


@pytest.mark.parametrize("period", [None, DAY, MONTH, WHOLE_DAY])
def test_periods_that_have_overviews(few: Archive, period: MapTime | None) -> None:
    bound = bind(few, HERE, when=period)
    cells, read = shown(few, bound)
    assert said(bound, "Overview shown")
    assert not read.scenes
    assert cells.valid[0].any()


def test_a_late_scene_is_read_itself_until_its_parts_are_made_again(few: Archive) -> None:
    before = bind(few, HERE)
    revision = late(few, when=START + timedelta(days=4))
    waiting = bind(few, HERE)
    assert "1 parts not made yet are read from scenes" in said(waiting, "Overview shown")
    while_waiting, read = shown(few, waiting)
    assert read.scenes
    assert (while_waiting.values[0] == NEW).any()
    keep_up(few)
    after = bind(few, HERE)
    made, read = shown(few, after)
    assert not read.scenes
    both = while_waiting.valid[0] & made.valid[0]
    assert (while_waiting.valid[0] == made.valid[0]).mean() > 0.999
    difference = np.abs(while_waiting.values[0][both].astype(int) - made.values[0][both])
    assert np.mean(difference <= 1) > 0.999
    # The older revision still reads its own parts, and nothing of the scene.
    old = bind(few, HERE, as_of=revision - 1)
    np.testing.assert_array_equal(shown(few, old)[0].values[0], shown(few, before)[0].values[0])
    session = few.local.engine.session()
    assert session.etag(old) == session.etag(before) != session.etag(after)


def test_only_what_a_scene_touches_is_made_again(few: Archive) -> None:
    elsewhere = tile(4, 9, 3)
    before = {period: bind(few, HERE, when=period).encode.key for period in (DAY, MONTH)}
    nowhere = bind(few, elsewhere).encode.key
    late(few, when=datetime(2023, 5, 28, 10, tzinfo=UTC))
    assert bind(few, elsewhere).encode.key == nowhere
    # Another day, the same month.
    assert bind(few, HERE, when=DAY).encode.key == before[DAY]
    assert bind(few, HERE, when=MONTH).encode.key != before[MONTH]
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    # Of the newest and the month: at each of five zooms the one or two parts that it touches.
    assert 10 <= making(few).backlog(mosaics) <= 20


def test_a_scene_of_long_ago_leaves_the_newest_alone(few: Archive) -> None:
    before = bind(few, HERE)
    late(few, when=START - timedelta(days=200))
    after = bind(few, HERE)
    assert after.encode.key == before.encode.key
    assert "parts not made" not in said(after, "Overview shown")


def test_a_retired_scene_goes_from_the_overview(few: Archive) -> None:
    revision = late(few, when=START, baseline="06.00")
    assert few.local.catalog.view().counts()["S2_L2A_4326"] == 12
    keep_up(few)
    cells, read = shown(few, bind(few, HERE, when=DAY))
    assert not read.scenes
    assert (cells.values[0] == NEW).any()
    old, read = shown(few, bind(few, HERE, when=DAY, as_of=revision - 1))
    assert not (old.values[0] == NEW).any()
    assert old.valid[0].any()


def test_the_window_slides_with_the_newest_acquisition(few: Archive) -> None:
    # 40 days on, at another place: the twelve are no longer shown without a time.
    old = few.scenes[0]
    far = Window(tuple((a + 300, b + 300) for a, b in old.window.ranges))
    scene = MadeScene(
        cube=old.cube,
        window=far,
        values=ramp(far, 0),
        when=START + timedelta(days=40),
        tile="far",
    )
    few.add(scene)
    waiting = bind(few, HERE).encode.source
    # What is left of the parts is read from scenes, of which none is in the window.
    assert isinstance(waiting, nodes.Picture)
    assert not waiting.layers
    keep_up(few)
    bound = bind(few, HERE)
    assert said(bound, "Overview shown: S2_L2A newest, zoom 4")
    made, read = shown(few, bound)
    assert not made.valid[0].any()
    assert not read.scenes
    again, _ = shown(few, bind(few, HERE, when=DAY))
    assert again.valid[0].any()


def test_an_older_revision_than_the_overview_does_not_see_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    cube = world_cube(0.2)
    tiles = list(tiles_of(cube, first=(150, 800), count=(3, 4), side=64))
    for name, window in tiles:
        archive.add(MadeScene(cube=cube, window=window, values=ramp(window, 1000), tile=name))
    keep_up(archive)
    bound = bind(archive, HERE, as_of=len(tiles) - 1)
    cells, read = shown(archive, bound)
    assert not said(bound, "Overview shown")
    assert read.scenes
    assert not read.chunks
    assert said(bind(archive, HERE), "Overview shown")
    assert cells.valid[0].any()


def test_removed_overviews_leave_every_map_answered(few: Archive) -> None:
    with_overview, _ = shown(few, bind(few, HERE))
    folder = few.place / FOLDER / "S2_L2A"
    assert folder.is_dir()
    OverviewChore(few.local, map_days=DAYS).remove("S2_L2A")
    assert not folder.exists()
    bound = bind(few, HERE)
    without, read = shown(few, bound)
    assert not said(bound, "Overview shown")
    assert read.scenes
    assert (without.valid[0] == with_overview.valid[0]).mean() > 0.999
    keep_up(few)
    again, _ = shown(few, bind(few, HERE))
    np.testing.assert_array_equal(again.values[0], with_overview.values[0])


def test_scenes_without_a_time_have_an_overview_of_all(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    cube = replace(world_cube(0.2), timed=False)
    for number, (name, window) in enumerate(
        tiles_of(cube, first=(150, 800), count=(3, 4), side=64)
    ):
        when = START - timedelta(days=1000 * number)
        scene = MadeScene(cube=cube, window=window, values=ramp(window, 1), when=when, tile=name)
        archive.add(scene)
    keep_up(archive, all_periods=True)
    bound = bind(archive, HERE)
    cells, read = shown(archive, bound)
    assert said(bound, "Overview shown: S2_L2A newest")
    assert not read.scenes
    assert cells.valid[0].any()


def test_cubes_that_not_everyone_sees_have_no_overview(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "store")
    cube = zone_cube(32632, 600.0, access="secret")
    archive.add(
        *(
            MadeScene(cube=cube, window=window, values=ramp(window, 1), tile=name)
            for name, window in tiles_of(cube, first=(9050, 1950), count=(3, 3), side=160)
        )
    )
    keep_up(archive, all_periods=True)
    assert archive.local.catalog.view().mosaics("S2_L2A") is None


def test_a_part_that_a_commit_touched_in_between_is_not_let_stand(few: Archive) -> None:
    late(few, when=START + timedelta(days=4))
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    chore = OverviewChore(few.local, map_days=DAYS)
    claim = OverviewMaking.claim

    def meddled(self: OverviewMaking, *arguments: object) -> list[int]:
        # Another writer commits while the first part is made.
        late(few, when=START + timedelta(days=5), value=NEW + 1)
        patch.undo()
        return claim(self, *arguments)  # type: ignore[arg-type] # as they came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OverviewMaking, "claim", meddled)
        chore.step()
    waiting, _ = shown(few, bind(few, HERE))
    assert (waiting.values[0] == NEW + 1).any()
    assert not (waiting.values[0] == NEW).any()
    keep_up(few)
    made, read = shown(few, bind(few, HERE))
    assert not read.scenes
    assert (made.values[0] == NEW + 1).any()
    assert not (made.values[0] == NEW).any()


def test_two_processes_make_what_is_missing_once(few: Archive) -> None:
    late(few, when=START + timedelta(days=4))
    command = [sys.executable, "-m", "copernicube", "cubes", "overviews", "--json"]
    both = [
        subprocess.Popen([*command, "--store", str(few.place)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(one["after"] == {"S2_L2A": {"parts": 0, "periods": 0}} for one in told)
    made, read = shown(few, bind(few, HERE))
    assert not read.scenes
    assert (made.values[0] == NEW).any()
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    # No number of a part that was made twice is left behind.
    assert not making(few).abandoned(mosaics, -3600, 1000)


def test_the_command_says_what_it_would_do_and_does_it(few: Archive) -> None:
    late(few, when=START + timedelta(days=4))

    def run(*options: str) -> str:
        arguments = ["overviews", "--store", str(few.place), "--collection", "S2_L2A", *options]
        done = CliRunner().invoke(cubes, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    waiting = run("--dry-run")
    assert waiting == run("--dry-run")
    assert waiting.startswith("S2_L2A: ")
    assert not waiting.startswith("S2_L2A: 0 parts")
    assert run() == "S2_L2A: 0 parts to make, 0 periods to begin\n"
    assert run("--remove") == "S2_L2A: overviews removed\n"
    assert json.loads(run("--dry-run", "--json"))["before"]["S2_L2A"]["periods"] > 0
    assert not (few.place / FOLDER / "S2_L2A").exists()


def test_the_command_knows_the_collections(few: Archive) -> None:
    with pytest.raises(UnknownNameError, match="NONE"):
        CliRunner().invoke(
            cubes,
            ["overviews", "--store", str(few.place), "--collection", "NONE"],
            catch_exceptions=False,
        )


def test_a_chore_at_rest_goes_on_after_a_commit(few: Archive) -> None:
    chore = OverviewChore(few.local, map_days=DAYS)
    for day in (4, 5):
        while chore.step():
            pass
        assert not chore.step()
        late(few, when=START + timedelta(days=day), value=NEW + day)
    while chore.step():
        pass
    made, read = shown(few, bind(few, HERE))
    assert not read.scenes
    assert (made.values[0] == NEW + 5).any()


def test_a_server_makes_them_beside_itself(few: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    OverviewChore(few.local, map_days=DAYS).remove("S2_L2A")
    few.local.catalog.close()
    monkeypatch.setenv("COPERNICUBE_UPKEEP", "on")
    asked: dict[str, str | int] = {
        "service": "WMS",
        "version": "1.3.0",
        "request": "GetMap",
        "layers": "S2_L2A",
        "styles": "B04",
        "crs": "EPSG:3857",
        "bbox": ",".join(map(str, HERE)),
        "width": 256,
        "height": 256,
        "format": "image/png",
    }
    with served(few.place) as url:
        told = ""
        for _ in range(300):
            told = httpx2.get(f"{url}/ows", params=asked, timeout=30).headers.get("warning", "")
            if "Overview shown" in told and "not made yet" not in told:
                break
            time.sleep(0.2)
        assert "Overview shown: S2_L2A newest, zoom 4" in told
        assert "not made yet" not in told


def test_old_parts_are_deleted_and_older_revisions_read_scenes_there(few: Archive) -> None:
    revision = late(few, when=START + timedelta(days=4))
    keep_up(few)
    before, _ = shown(few, bind(few, HERE, as_of=revision - 1))
    mosaics = few.local.catalog.view().mosaics("S2_L2A")
    assert mosaics is not None
    assert making(few).retire(mosaics, -3600) > 0
    numbers = making(few).abandoned(mosaics, -3600, 1000)
    assert numbers
    bound = bind(few, HERE, as_of=revision - 1)
    after, read = shown(few, bound)
    assert read.scenes
    assert (before.valid[0] == after.valid[0]).mean() > 0.999
    assert "not made yet" in said(bound, "Overview shown")


def test_parts_lie_where_their_number_says() -> None:
    assert part_window((4, 2, 3)).ranges == ((1024, 1536), (1536, 2048))
    assert part_window((0, 0, 0)).ranges == ((0, 256), (0, 256))
