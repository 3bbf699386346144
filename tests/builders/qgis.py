"""QGIS of Debian, which runs under the system's Python and not in ours."""

import json
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


def _environment(folder: Path) -> dict[str, str]:
    """Hide the packages of our Python, and the caches and settings of a person."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    own = {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
    return kept | own


def _run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SYSTEM_PYTHON, *arguments],
        env=_environment(folder),
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


class QgisSession:
    """One QGIS that does one piece of work of `tools/qgis_session.py` after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, TOOLS / "qgis_session.py"],
            env=_environment(folder),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, do: str, **asked: object) -> str:
        """Do a piece of work; returns what is told of it."""
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None
        assert answers is not None
        given.write(json.dumps({"do": do, **asked}) + "\n")
        given.flush()
        line = answers.readline()
        if not line:
            raise AssertionError(f"QGIS ended with {self._process.wait()} at {do} {asked}")
        done = json.loads(line)
        if done["failed"]:
            raise AssertionError(f"{do} {asked}: {done['failed']}")
        return str(done["told"])

    def close(self) -> None:
        """End QGIS."""
        with self._process:
            self._process.terminate()


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
    return colours(picture)


def colours(picture: Path) -> NDArray[np.uint8]:
    """Read a picture as `(y, x, red/green/blue)`."""
    read = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if read is None:
        raise AssertionError(f"{picture} is no picture")
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
