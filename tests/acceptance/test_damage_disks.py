"""A disk that is full, or may only be read."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from tests.acceptance.answers import all_answers, map_query
from tests.acceptance.commands import run_command
from tests.ingest.harness import open_warehouse

STYLES = ("true-colour",)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 48 MiB."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    step = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(mounted)]
    try:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount on this machine")
    if done.returncode:
        pytest.skip(f"mounting is refused here: {done.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


@pytest.fixture
def store(disk: Path, prepared: Path, built: Mapping[str, Path]) -> Path:
    """Return a store with one scene on that file system."""
    folder = shutil.copytree(prepared, disk / "store")
    warehouse = open_warehouse(folder)
    assert warehouse.ingest(built["west"]).exit_code == 0
    warehouse.catalog.close()
    return folder


@pytest.mark.parametrize("free_bytes", [0, 16_384, 131_072, 262_144, 393_216])
def test_a_full_disk_is_named_and_hurts_nothing(
    free_bytes: int, disk: Path, store: Path, built: Mapping[str, Path]
) -> None:
    before = all_answers(store, styles=STYLES)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        size = shutil.disk_usage(disk).free - free_bytes
        file.write(b"\1" * size)
    done = run_command("ingest", "--store", store, built["west new"], built["far"])
    assert done.code == 1
    told = done.out + done.err
    assert "no space is left" in told, told
    assert "Traceback" not in told
    assert all_answers(store, styles=STYLES) == before
    assert run_command("verify", "--store", store).code == 0
    assert not list(disk.rglob("*.partial"))

    ballast.unlink()
    done = run_command("ingest", "--store", store, built["west new"], built["far"])
    assert done.code == 0, done.out + done.err
    assert len(all_answers(store)["scenes"].splitlines()) == 2
    assert run_command("verify", "--store", store).code == 0


def test_read_only_media_are_served_listed_and_verified(
    disk: Path, store: Path, built: Mapping[str, Path]
) -> None:
    before = all_answers(store, styles=STYLES)
    files = sorted(disk.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert all_answers(store, styles=STYLES) == before
    query = map_query("S2_L2A", "true-colour", None, (499980.0, 5197620.0, 502380.0, 5200020.0))
    with TestClient(build(Settings(store=str(store)))) as client:
        answer = client.get(f"/ows?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    listed = run_command("cubes", "list", "--store", store, "--json")
    assert listed.code == 0
    assert '"scenes": 1' in listed.out
    assert run_command("verify", "--store", store).code == 0

    done = run_command("ingest", "--store", store, built["far"])
    assert done.code == 1
    told = done.out + done.err
    assert "cannot be written" in told
    assert "Traceback" not in told
    assert sorted(disk.rglob("*")) == files
