"""The command `styles`: what it says, what it changes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from copernicube.cli import commands
from copernicube.wiring import open_local
from datacube.errors import CubeError
from tests.ogc.test_sld import BODY

STYLES = """
styles:
  - name: wet
    title: Nässe
    for: {collection: S2_L2A}
    expression: (B03 - B08) / (B03 + B08)
    ramp: [{value: -1, colour: "#000000"}, {value: 1, colour: "#0000ff"}]
  - {name: infrared, band: B08}
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def run(store: Path, *arguments: str | Path) -> str:
    done = CliRunner().invoke(
        commands, ["styles", *map(str, arguments), "--store", str(store)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.output


def written(tmp_path: Path, text: str, name: str = "styles.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def listed(store: Path, *arguments: str) -> list[str]:
    return [row["name"] for row in json.loads(run(store, "list", "--json", *arguments))["styles"]]


def test_styles_are_added_shown_replaced_and_removed(tmp_path: Path, store: Path) -> None:
    file = written(tmp_path, STYLES)
    assert "wet (collection:S2_L2A): added" in run(store, "add", file)
    assert listed(store) == ["infrared", "wet"]
    shown = yaml.safe_load(run(store, "show", "wet"))
    assert shown == {"styles": yaml.safe_load(STYLES)["styles"][:1]}
    again = written(tmp_path, json.dumps(shown), "again.json")
    assert "wet (collection:S2_L2A): unchanged\nrevision 1" in run(store, "add", again)
    shown["styles"][0]["title"] = "Wetness"
    changed = written(tmp_path, json.dumps(shown), "changed.json")
    assert "wet (collection:S2_L2A): replaced\nrevision 2" in run(store, "add", changed)
    assert "infrared (any layer): removed\nrevision 3" in run(store, "remove", "Infrared")
    assert listed(store) == ["wet"]
    assert listed(store, "--as-of", "2") == ["infrared", "wet"]
    assert "Nässe" in run(store, "show", "wet", "--as-of", "1")
    assert len(list((store / "_commits").glob("*.json"))) == 3


def test_a_dry_run_changes_nothing(tmp_path: Path, store: Path) -> None:
    run(store, "add", written(tmp_path, STYLES))
    other = written(tmp_path, "{name: other, band: B02}", "other.yaml")
    assert "other (any layer): would be added" in run(store, "add", other, "--dry-run")
    assert "infrared (any layer): would be removed" in run(store, "remove", "infrared", "--dry-run")
    assert listed(store) == ["infrared", "wet"]
    assert open_local(str(store), read_only=True).catalog.view().revision == 1


def test_descriptors_are_taken_for_their_layers(tmp_path: Path, store: Path) -> None:
    told = json.loads(run(store, "add", written(tmp_path, BODY, "mine.sld"), "--json"))
    assert told["styles"] == [{"name": "mine", "for": "collection:S2_L2A", "change": "added"}]


def test_a_name_for_several_targets_needs_an_option(tmp_path: Path, store: Path) -> None:
    two: list[dict[str, Any]] = [
        {"name": "x", "band": "B08", "for": {"family": "sentinel-2"}},
        {"name": "x", "band": "B04"},
    ]
    run(store, "add", written(tmp_path, json.dumps(two), "two.json"))
    with pytest.raises(CubeError, match=r"2 styles 'x'.*--collection or --family"):
        run(store, "remove", "x")
    run(store, "remove", "x", "--family", "sentinel-2")
    assert yaml.safe_load(run(store, "show", "x"))["styles"][0]["band"] == "B04"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("styles: [{name: a, band: B08}, {name: A, band: B04}]", "in the file twice"),
        ("styles: [{name: a, band: B08}, {name: b}]", "exactly one of"),
        ("styles: [{name: a, band: B08}]\nmore: 1", "nothing beside it"),
        ("[&a {name: a, band: B08}, *a]", "aliases are not allowed"),
        ("{{{", "neither YAML nor JSON"),
        ("x" * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_all_of_a_file_or_nothing(tmp_path: Path, store: Path, text: str, told: str) -> None:
    with pytest.raises(CubeError, match=told):
        run(store, "add", written(tmp_path, text))
    run(store, "add", written(tmp_path, "{name: only, band: B08}", "only.yaml"))
    assert listed(store) == ["only"]
