"""`copernicube cubes show`: what it says of a cube's scenes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shapely.geometry import shape

from copernicube.cubes_command import cubes
from tests.builders.presets import north, partial
from tests.builders.safe import build_safe
from tests.builders.surface import noise_surface
from tests.ingest.harness import open_warehouse

OLD, NEW = partial(north("02.14"), "B02", "SCL"), partial(north("05.09"), "B02", "SCL")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with two acquisitions, the later ingested first."""
    folder = tmp_path_factory.mktemp("shown")
    warehouse = open_warehouse(folder / "store")
    for product in (NEW, OLD):
        place = build_safe(folder, noise_surface(240), product)
        assert warehouse.ingest(place).exit_code == 0
    warehouse.catalog.close()
    return folder / "store"


def show(store: Path, *arguments: str) -> str:
    done = CliRunner().invoke(
        cubes, ["show", "S2_L2A_32633", "--store", str(store), *arguments], catch_exceptions=False
    )
    assert done.exit_code == 0
    return done.stdout


def test_scenes_as_a_table(store: Path) -> None:
    plain = show(store)
    lines = show(store, "--scenes").removeprefix(plain).splitlines()

    assert [line.split() for line in lines] == [
        ["product", "time", "baseline", "cloud", "%", "slot"],
        [OLD.name.removesuffix(".SAFE"), "2020-08-20T09:50:41Z", "02.14", "12.5", "1"],
        [NEW.name.removesuffix(".SAFE"), "2023-08-15T09:50:31Z", "05.09", "12.5", "0"],
    ]


def test_scenes_as_json_with_all_their_metadata(store: Path) -> None:
    plain = json.loads(show(store, "--json"))
    told: dict[str, Any] = json.loads(show(store, "--json", "--scenes"))
    scenes = told.pop("scene_list")

    assert told == plain
    assert plain["scenes"] == len(scenes) == 2
    old, new = scenes
    assert (old["product_id"], new["slot"]) == (OLD.name.removesuffix(".SAFE"), 0)
    assert new["scene_id"] == "S2A_20230815T095031_T33TWM_L2A"
    assert new["reference_time"] == new["first_time"] == "2023-08-15T09:50:31Z"
    assert new["last_time"] > new["first_time"]
    assert new["generation_time"] == "2023-08-15T15:50:31Z"
    assert new["bands"] == ["B02", "SCL"]
    west, south, east, north_ = shape(new["footprint"]).bounds
    assert 14 < west < east < 16
    assert 46 < south < north_ < 48
    facts = new["properties"]
    assert facts["processing_baseline"] == "05.09"
    assert facts["cloud_cover_percent"] == 12.5
    assert facts["datatake_id"] == NEW.datatake_id
    assert facts["relative_orbit"] == NEW.relative_orbit
    assert facts["absolute_orbit"] == NEW.absolute_orbit
    assert facts["saturated"] == {}
    assert "no quality masks" in facts["warnings"]
    assert facts["nodata_rule"] == {"r10m": "SCL 0"}


def test_scenes_of_an_older_revision(store: Path) -> None:
    (scene,) = json.loads(show(store, "--json", "--scenes", "--as-of", "1"))["scene_list"]
    assert scene["product_id"] == NEW.name.removesuffix(".SAFE")
