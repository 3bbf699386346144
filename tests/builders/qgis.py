"""QGIS of Debian, which runs under the system's Python and not in ours."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

SYSTEM_PYTHON = Path("/usr/bin/python3")
TOOLS = Path(__file__).resolve().parents[2] / "tools"
TIMEOUT_S = 120
MAGENTA = (255, 0, 255)
"""What QGIS paints where a layer has no picture."""

type Qgis = Callable[..., str]
"""Runs one of the scripts in `tools` and returns what it prints; a failure fails the test."""


def _run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    # QGIS must not find the packages of our Python, nor the caches and settings of a person.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    own = {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
    return subprocess.run(
        [SYSTEM_PYTHON, *arguments],
        env=environment | own,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def found_qgis(folder: Path) -> Qgis:
    """Return a way to run QGIS at home in `folder`; skips the test where it is not installed."""
    if not SYSTEM_PYTHON.exists() or _run("-c", "import qgis.core", folder=folder).returncode:
        pytest.skip("needs Debian's python3-qgis, which is not installed")

    def run(script: str, *arguments: object) -> str:
        done = _run(TOOLS / script, *map(str, arguments), folder=folder)
        if done.returncode:
            raise AssertionError(f"{script} {arguments}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    return run


def drawn_by_qgis(  # noqa: PLR0913 what a layer and a view of it are
    qgis: Qgis,
    picture: Path,
    *,
    address: str,
    layer: str,
    style: str,
    crs: str,
    box: tuple[float, float, float, float],
    side_px: int,
    step: tuple[str, ...] = (),
) -> NDArray[np.uint8]:
    """Return the square picture of a layer, `(y, x, red/green/blue)`; `box` has x first.

    `style` goes into the source of the layer as it is: parts of a source may follow it.
    `step` is what the temporal controller shows, from one ISO 8601 time to another.
    """
    qgis("qgis_render.py", address, layer, style, crs, *box, side_px, picture, *step)
    read = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if read is None:
        raise AssertionError(f"{picture} is no picture")
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
