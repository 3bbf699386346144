"""Where a map would have to read more scenes than it can, it is drawn where they lie."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from copernicube.wiring import open_local
from datacube.plan import bind_map

LAYER = "S2_L2A"
SIDE_PX = 64
BLUE = (70, 130, 180, 110)
ALL_TIMES = "2000-01-01/2100-01-01"


@pytest.fixture
def client(demo_store: Path) -> TestClient:
    return TestClient(build(Settings(store=str(demo_store))))


@pytest.fixture(scope="module")
def hulls(demo_store: Path) -> list[tuple[float, float, float, float]]:
    """Return the boxes of the layer's cubes, in EPSG:3857, by their corners alone."""
    view = open_local(str(demo_store), read_only=True).catalog.view()
    found = []
    for cube in view.cubes(LAYER):
        grid = view.coverage(cube.name).grid
        x0, y0, x1, y1 = grid.bbox
        move = Transformer.from_crs(grid.crs, "EPSG:3857", always_xy=True)
        xs, ys = move.transform([x0, x0, x1, x1], [y0, y1, y0, y1])
        found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


def ask(client: TestClient, box: tuple[float, ...], **more: str) -> tuple[np.ndarray, list[str]]:
    reply = client.get(
        "/ows",
        params={
            "service": "WMS",
            "version": "1.3.0",
            "request": "GetMap",
            "layers": LAYER,
            "styles": "",
            "crs": "EPSG:3857",
            "bbox": ",".join(map(repr, box)),
            "width": f"{SIDE_PX}",
            "height": f"{SIDE_PX}",
            "format": "image/png",
            "transparent": "true",
            "time": ALL_TIMES,
        }
        | more,
    )
    assert reply.status_code == 200, reply.text
    return (
        np.asarray(Image.open(io.BytesIO(reply.content)).convert("RGBA")),
        reply.headers.get_list("warning"),
    )


def around(box: tuple[float, float, float, float], times: float) -> tuple[float, ...]:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half = max(box[2] - box[0], box[3] - box[1]) / 2 * times
    return x - half, y - half, x + half, y + half


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a layer have no more than one scene of a map."""
    monkeypatch.setattr(bind_map, "MOST_SCENES", 1)


@pytest.mark.usefixtures("few")
def test_crowded_maps_show_where_data_lies(
    client: TestClient, hulls: list[tuple[float, float, float, float]]
) -> None:
    box = around(hulls[0], 8)
    painted, told = ask(client, box)
    step = (box[2] - box[0]) / SIDE_PX
    for row in range(SIDE_PX):
        for col in range(SIDE_PX):
            x, y = box[0] + (col + 0.5) * step, box[3] - (row + 0.5) * step
            # The hulls stand a little askew in Mercator: cells at their edges may be either.
            if any(_inside(hull, x, y, -2 * step) for hull in hulls):
                assert tuple(painted[row, col]) == BLUE
            elif not any(_inside(hull, x, y, 2 * step) for hull in hulls):
                assert painted[row, col, 3] == 0
    assert (painted[..., 3] > 0).any()
    assert f"99 Footprints shown: too many scenes of {LAYER} at this scale" in " ".join(told)


def _inside(box: tuple[float, float, float, float], x: float, y: float, by: float) -> bool:
    return box[0] - by <= x <= box[2] + by and box[1] - by <= y <= box[3] + by


@pytest.mark.usefixtures("few")
def test_near_by_the_scenes_themselves_are_shown(
    client: TestClient, hulls: list[tuple[float, float, float, float]]
) -> None:
    box = around(hulls[0], 0.02)
    painted, told = ask(client, box, width="300", height="300")
    assert not any("Footprints" in one for one in told)
    assert (painted[..., 3] == 255).any()


def test_few_scenes_are_shown_at_every_scale(
    client: TestClient, hulls: list[tuple[float, float, float, float]]
) -> None:
    for times in (1, 8, 100):
        assert not any("Footprints" in one for one in ask(client, around(hulls[0], times))[1])
