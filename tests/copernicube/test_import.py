"""What importing the packages does, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("package", ["copernicube", "ingest", "ogc"])
def test_another_datacube_is_refused_by_name(package: str, tmp_path: Path) -> None:
    other = tmp_path / "datacube"
    other.mkdir()
    (other / "__init__.py").write_text('__version__ = "1.9.0"\n')
    result = subprocess.run(
        [sys.executable, "-c", f"import {package}"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.startswith("ImportError: Copernicube needs its own package 'datacube'")
    assert str(other / "__init__.py") in last_line
    assert "Open Data Cube" in last_line


def test_importing_the_client_loads_no_server() -> None:
    code = "import sys, copernicube; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert "copernicube" in loaded
    assert not loaded & {"starlette", "uvicorn", "pygeoapi"}
