"""The layers of the conformance suite, burnt, ingested and drawn."""

import io
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from tools import make_cite_store

WIDTH, HEIGHT = 240, 200


@pytest.fixture(scope="module")
def data(testdata: Path) -> Path:
    return testdata / "cite_wms13"


@pytest.fixture(scope="module")
def client(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    store = tmp_path_factory.mktemp("cite") / "store"
    make_cite_store.make(data, store)
    return TestClient(build(Settings(store=str(store))))


def drawn(client: TestClient, name: str, box: tuple[float, ...]) -> NDArray[np.bool_]:
    reply = client.get(
        "/ows?VERSION=1.3.0&REQUEST=GetMap&STYLES=&CRS=CRS:84&FORMAT=image/png&TRANSPARENT=TRUE"
        f"&LAYERS=cite_{name}&BBOX={','.join(map(repr, box))}&WIDTH={WIDTH}&HEIGHT={HEIGHT}"
    )
    assert reply.headers["content-type"] == "image/png", reply.text
    return np.asarray(Image.open(io.BytesIO(reply.content)).convert("RGBA"))[..., 3] > 0


@pytest.mark.parametrize("name", ["BasicPolygons", "Forests", "Lakes", "Buildings", "Ponds"])
def test_polygons_are_where_the_suite_has_them(client: TestClient, data: Path, name: str) -> None:
    _, _, geometry, _ = pyogrio.raw.read(data / f"shapefile/{name}.shp")
    area = shapely.union_all(shapely.from_wkb(geometry))
    west, south, east, north = area.bounds
    grow = (east - west) * 0.1
    box = (west - grow, south - grow, east + grow, north + grow)
    xs = box[0] + (np.arange(WIDTH) + 0.5) * (box[2] - box[0]) / WIDTH
    ys = box[3] - (np.arange(HEIGHT) + 0.5) * (box[3] - box[1]) / HEIGHT
    inside = shapely.contains_xy(area, *np.meshgrid(xs, ys))
    # Pixels that the outline crosses may go either way.
    reach = 1.5 * max((box[2] - box[0]) / WIDTH, (box[3] - box[1]) / HEIGHT)
    edge = shapely.contains_xy(area.boundary.buffer(reach), *np.meshgrid(xs, ys))
    found = drawn(client, name, box)
    assert inside.any()
    np.testing.assert_array_equal(found[~edge], inside[~edge])


def test_all_thirteen_layers_have_the_titles_that_are_looked_for(client: TestClient) -> None:
    capabilities = client.get("/ows?SERVICE=WMS&REQUEST=GetCapabilities").text
    names = [layer.name for layer in make_cite_store.LAYERS]
    for name in (*names, "Terrain", "Autos"):
        assert f"<Title>cite:{name}</Title>" in capabilities
