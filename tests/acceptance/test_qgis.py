"""QGIS of Debian opens our WMS as a user pastes it, and draws what a plain request gets."""

from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest

from tests.builders.qgis import MAGENTA, Qgis, drawn_by_qgis

SIDE_PX = 400
# Layer, style, CRS, box (x first), whether the CRS puts northing first. The boxes lie inside the
# layers, since QGIS cuts its request to a layer's extent and then resamples.
MAPS = [
    ("S2_L1C", "", "EPSG:3857", (-8420000, 4531500, -8412500, 4539000), False),
    ("S2_L2A", "ndvi", "EPSG:4326", (22.150, 45.202, 22.155, 45.207), True),
    ("S2_L1C", "false-colour", "EPSG:32618", (443000, 4167500, 450500, 4175000), False),
]


@pytest.mark.parametrize(("layer", "style", "crs", "box", "northing_first"), MAPS)
def test_qgis_draws_the_map(  # noqa: PLR0913  # one map a row of the table
    *,
    qgis: Qgis,
    demo_url: str,
    tmp_path: Path,
    layer: str,
    style: str,
    crs: str,
    box: tuple[float, float, float, float],
    northing_first: bool,
) -> None:
    drawn = drawn_by_qgis(
        qgis,
        tmp_path / "qgis.png",
        address=f"{demo_url}/ows",
        layer=layer,
        style=style,
        crs=crs,
        box=box,
        side_px=SIDE_PX,
    )
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
    plain = cv2.cvtColor(plain, cv2.COLOR_BGR2RGB)
    assert plain.std() > 8, "the map is of one colour"
    assert not (drawn == MAGENTA).all(axis=2).any(), "QGIS left a gap"
    np.testing.assert_allclose(drawn, plain, atol=1)
