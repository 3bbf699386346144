"""`copernicube cubes show`: what it says of a cube's scenes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from shapely.geometry import shape

from copernicube.cubes_command import cubes
from copernicube.wiring import open_local
from datacube.errors import InvalidParameterError, UnknownNameError
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


def alias(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cubes, ["alias", *arguments, "--store", str(store)])


def test_an_alias_is_committed_and_recorded(store: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "store")
    dry = alias(copy, "alps", "S2_L2A_32633_10m", "--dry-run")
    assert dry.output == "alps would name S2_L2A_32633_10m; revision 2\n"
    with pytest.raises(UnknownNameError):
        open_local(str(copy)).catalog.view().coverage("alps")

    done = alias(copy, "alps", "S2_L2A_32633_10m", "--json")
    assert json.loads(done.output) == {
        "revision": 3,
        "alias": "alps",
        "coverage": "S2_L2A_32633_10m",
    }
    record = json.loads((copy / "_commits/3.json").read_text())
    assert record["aliases"] == {"alps": "S2_L2A_32633_10m"}
    catalog = open_local(str(copy)).catalog
    assert catalog.view().coverage("alps").id == "S2_L2A_32633_10m"
    with pytest.raises(UnknownNameError):
        catalog.view(as_of=2).coverage("alps")


def test_an_alias_of_an_alias_means_the_coverage(store: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "store")
    done = alias(copy, "alps", "S2G5_32633_10m_L2A")
    assert done.output == "alps names S2_L2A_32633_10m; revision 3\n"


def test_an_alias_hides_no_coverage_and_needs_one(store: Path) -> None:
    taken = alias(store, "S2_L2A_32633", "S2_L2A_32633_10m").exception
    assert isinstance(taken, InvalidParameterError)
    assert "an alias needs another" in str(taken)
    missing = alias(store, "alps", "S2_L2A_32699").exception
    assert isinstance(missing, UnknownNameError)
