"""OGC API over scenes in memory."""

from collections.abc import Iterator

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from ogc.api.routes import api_routes
from tests.builders.fakes import BASE_TIME, World, optical_cube
from tests.ogc.zarr.conftest import FIVE_DAYS, engine_over

ROWS, COLS = 60, 80
CELLS = np.random.default_rng(5).integers(0, 10_000, (3, ROWS, COLS), dtype=np.int16)
CELLS[:, :10, :10] = -32768
SNOW = np.full((ROWS // 2, COLS // 2), 4, np.uint8)


def make_world() -> World:
    """Return two times of B04 and B08, the later with SCL."""
    world, cube = World(), optical_cube()
    world.add(cube, {"B04": CELLS[0], "B08": CELLS[1], "SCL": SNOW})
    world.add(cube, {"B04": CELLS[2]}, when=BASE_TIME - FIVE_DAYS)
    return world


def client_of(world: World) -> TestClient:
    """Return a client of the API mounted at `/ogcapi`."""

    def root(request: Request) -> str:
        return str(request.base_url).rstrip("/")

    routes = api_routes(engine_over(world).session, root)
    return TestClient(Starlette(routes=[Mount("/ogcapi", routes=routes)]))


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(make_world()) as made:
        yield made
