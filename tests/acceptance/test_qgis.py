"""QGIS of Debian opens our WMS as a user pastes it, and draws what a plain request gets."""

import os
import subprocess
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest

SYSTEM_PYTHON = Path("/usr/bin/python3")
MAGENTA = (255, 0, 255)
SIDE_PX = 400
RENDER = Path(__file__).parents[2] / "tools/qgis_render.py"
# Layer, style, CRS, box (x first), whether the CRS puts northing first. The boxes lie inside the
# layers, since QGIS cuts its request to a layer's extent and then resamples.
MAPS = [
    ("S2_L1C", "", "EPSG:3857", (-8420000, 4531500, -8412500, 4539000), False),
    ("S2_L2A", "ndvi", "EPSG:4326", (22.150, 45.202, 22.155, 45.207), True),
    ("S2_L1C", "false-colour", "EPSG:32618", (443000, 4167500, 450500, 4175000), False),
]


@pytest.fixture(scope="module")
def qgis() -> Path:
    found = (
        SYSTEM_PYTHON.exists()
        and not subprocess.run(
            [SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False
        ).returncode
    )
    if not found:
        pytest.skip("needs Debian's python3-qgis, which is not installed")
    return SYSTEM_PYTHON


@pytest.mark.parametrize(("layer", "style", "crs", "box", "northing_first"), MAPS)
def test_qgis_draws_the_map(  # noqa: PLR0913  # one map a row of the table
    *,
    qgis: Path,
    demo_url: str,
    tmp_path: Path,
    layer: str,
    style: str,
    crs: str,
    box: tuple[float, float, float, float],
    northing_first: bool,
) -> None:
    picture = tmp_path / "qgis.png"
    done = subprocess.run(
        [
            *(qgis, RENDER, f"{demo_url}/ows", layer, style, crs),
            *map(str, box),
            *(str(SIDE_PX), picture),
        ],
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
        | {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    drawn = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    assert drawn is not None
    x0, y0, x1, y1 = box
    asked = httpx2.get(
        f"{demo_url}/ows",
        params={
            "service": "WMS",
            "version": "1.3.0",
            "request": "GetMap",
            "format": "image/png",
            "layers": layer,
            "styles": style,
            "crs": crs,
            "bbox": ",".join(map(str, (y0, x0, y1, x1) if northing_first else box)),
            "width": str(SIDE_PX),
            "height": str(SIDE_PX),
        },
        timeout=60,
    )
    assert asked.status_code == 200
    plain = cv2.imdecode(np.frombuffer(asked.content, np.uint8), cv2.IMREAD_COLOR)
    assert plain is not None
    assert plain.std() > 8, "the map is of one colour"
    assert not (drawn == MAGENTA[::-1]).all(axis=2).any(), "QGIS left a gap"
    np.testing.assert_allclose(drawn, plain, atol=1)
