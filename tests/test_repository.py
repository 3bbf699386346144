"""Facts about the repository that no tool checks."""

import re
import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def test_the_lock_holds_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", lock, flags=re.MULTILINE)
    assert "zarr" in pinned
    unhashed = re.findall(r"^[\w.-]+==(?:(?!--hash).)*$(?!\n    --hash)", lock, re.MULTILINE)
    assert unhashed == []


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        declared.extend(extra)
    lock = (ROOT / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.]+)", lock, flags=re.MULTILINE))
    for text in declared:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pins[requirement.name.lower()]), text


def test_no_committed_file_names_the_host_of_a_package_registry() -> None:
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com"]
    hosts += ["deb.debian" + ".org", "conda" + ".anaconda.org"]
    patterns = [part for host in hosts for part in ("-e", host)]
    found = subprocess.run(
        ["git", "grep", "-lIF", *patterns], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
    assert found.returncode == 1
