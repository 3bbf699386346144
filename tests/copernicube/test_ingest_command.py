"""The command `copernicube ingest`, as a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from copernicube.config import load_object_store_access


def ingest(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "copernicube", "ingest", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_ingest_then_again(samples: Path, tmp_path: Path) -> None:
    place, store = samples / "virginia/item.json", tmp_path / "store"

    dry = ingest(place, "--store", store, "--dry-run", "--json")
    first = ingest(place, "--store", store, "--json")
    second = ingest(place, "--store", store)

    assert (dry.returncode, first.returncode, second.returncode) == (0, 0, 0), first.stderr
    (planned,) = json.loads(dry.stdout)["scenes"]
    assert planned["status"] == "planned"
    assert planned["nbytes"] > 7e6
    (scene,) = json.loads(first.stdout)["scenes"]
    assert (scene["cube"], scene["revision"], len(scene["bands"])) == ("S2_L1C_32618", 1, 13)
    # No terminal: plain lines, no bar.
    assert "INFO 1/1 ingested S2_L1C_T18SVG_VIRGINIA" in first.stderr
    assert "\x1b" not in first.stderr + second.stdout
    assert "there already" in second.stdout
    assert second.stdout.splitlines()[-1].startswith("1 skipped in ")


def test_a_failure_is_told_by_the_exit_code(samples: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("")

    done = ingest(broken, samples / "virginia/item.json", "--store", tmp_path / "store", "--json")

    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["failed"], summary["ingested"]) == (1, 1)
    assert summary["scenes"][0]["note"] == f"{broken} is empty"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument"),
        (("x.json", "--jobs", "0"), "--jobs"),
        (("x.json", "--resolution", "0"), "--resolution"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = ingest(*arguments, "--store", tmp_path / "store")
    assert done.returncode == 2
    assert message in done.stderr


def test_resolution_needs_a_cube(samples: Path, tmp_path: Path) -> None:
    place = samples / "virginia/item.json"
    done = ingest(place, "--resolution", "20", "--store", tmp_path / "store")
    assert done.returncode == 1
    assert "name it with --cube" in done.stdout


def test_object_store_access_from_the_environment() -> None:
    empty = load_object_store_access({})
    assert empty.anonymous
    assert empty.endpoint_url is None
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu"}
    signed = load_object_store_access({**keys, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert not signed.anonymous
    assert (signed.endpoint_url, signed.region) == ("http://127.0.0.1:9", "eu")
    assert load_object_store_access({**keys, "AWS_NO_SIGN_REQUEST": "YES"}).anonymous
    plain = load_object_store_access({"AWS_S3_ENDPOINT": "127.0.0.1:9", "AWS_HTTPS": "NO"})
    assert plain.endpoint_url == "http://127.0.0.1:9"
